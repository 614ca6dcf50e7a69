#include "bft/epoch_link.h"

#include "bft/check.h"

/* ---- the record ---- */

void epoch_record_write(struct wr *w, const struct epoch_record *r)
{
	wr_u64(w, r->epoch);
	wr_u64(w, r->base);
	wr_bytes(w, r->chain.b, DIGEST_BYTES);
	epoch_change_write(w, &r->change);
}

bool epoch_record_read(struct rd *r, struct epoch_record *out)
{
	return rd_u64(r, &out->epoch) && rd_u64(r, &out->base) && rd_bytes(r, out->chain.b, DIGEST_BYTES) && epoch_change_read(r, &out->change) &&
	       out->epoch == epoch_change_epoch(&out->change) + 1 && out->epoch && out->base && out->base <= BFT_SEQ_MAX;
}

/* What is signed: a change without its signatures, of which a signer can make any number. */
static size_t said(uint8_t bytes[EPOCH_RECORD_BYTES_MAX], const struct epoch_record *r)
{
	struct wr w = wr_of(bytes, EPOCH_RECORD_BYTES_MAX);
	wr_u64(&w, r->epoch);
	wr_u64(&w, r->base);
	wr_bytes(&w, r->chain.b, DIGEST_BYTES);
	epoch_change_said(&w, &r->change);
	size_t n = wr_done(&w);
	BFT_CHECK(n > 0);
	return n;
}

void epoch_record_statement(struct statement *out, const struct epoch_record *r, const struct digest *cluster)
{
	uint8_t bytes[EPOCH_RECORD_BYTES_MAX];
	struct digest digest;
	digest_of(&digest, DOMAIN_EPOCH, bytes, said(bytes, r));
	statement_make(out, DOMAIN_EPOCH, cluster, r->epoch, &digest);
}

bool epoch_record_equal(const struct epoch_record *a, const struct epoch_record *b)
{
	uint8_t x[EPOCH_RECORD_BYTES_MAX], y[EPOCH_RECORD_BYTES_MAX];
	size_t n = said(x, a);
	return said(y, b) == n && memcmp(x, y, n) == 0;
}

bool epoch_record_signer(const struct epoch_record *r, uint8_t member)
{
	return r->change.kind == BUNDLE_ROTATE || !(epoch_change_touched(&r->change) & BFT_BIT(member));
}

/* Whose key changes signs with the one that it has from there on: its organization names that one in the word itself. */
static const struct public_key *signer_key(const struct epoch_record *r, const struct epoch_keys *k, uint8_t member)
{
	bool changed = r->change.kind == BUNDLE_ROTATE && r->change.rotate.member == member;
	return changed ? &r->change.rotate.key : epoch_key(k, member, k->epoch);
}

/* ---- the link ---- */

size_t epoch_link_encode(const struct epoch_link *link, uint8_t *bytes, size_t capacity)
{
	struct wr w = wr_of(bytes, capacity);
	epoch_record_write(&w, &link->record);
	wr_u8(&w, link->count);
	for (uint8_t i = 0; i < link->count; i++) {
		wr_u8(&w, link->by[i].member);
		wr_bytes(&w, link->by[i].signature.b, SIGNATURE_BYTES);
	}
	return wr_done(&w);
}

bool epoch_link_read(struct rd *r, struct epoch_link *link)
{
	if (!epoch_record_read(r, &link->record) || !rd_u8(r, &link->count) || link->count == 0 || link->count > BFT_MEMBERS_MAX)
		return false;
	for (uint8_t i = 0; i < link->count; i++) {
		struct epoch_signer *by = &link->by[i];
		if (!rd_u8(r, &by->member) || !rd_bytes(r, by->signature.b, SIGNATURE_BYTES) || by->member >= BFT_MEMBERS_MAX)
			return false;
		if (i > 0 && by->member <= link->by[i - 1].member)
			return false; /* one member counts once, and one set has one encoding */
	}
	return true;
}

bool epoch_link_add(struct epoch_link *link, uint8_t member, const struct signature *signature)
{
	uint8_t at = 0;
	while (at < link->count && link->by[at].member < member)
		at++;
	if ((at < link->count && link->by[at].member == member) || link->count >= BFT_MEMBERS_MAX)
		return false;
	memmove(&link->by[at + 1], &link->by[at], (size_t)(link->count - at) * sizeof link->by[0]);
	link->by[at] = (struct epoch_signer){ .member = member, .signature = *signature };
	link->count++;
	return true;
}

const char *epoch_link_check(const struct epoch_link *link, const struct epoch_keys *k, const struct sign_scheme *scheme, const struct digest *cluster)
{
	const struct epoch_record *r = &link->record;
	struct bft_roster now = epoch_roster_now(k);
	struct statement s;
	if (r->epoch != k->epoch + 1)
		return "it does not follow the epoch that is known";
	if (r->base <= k->base)
		return "it begins before the epoch that it follows";
	if (link->count < roster_weak(&now))
		return "too few members have signed it";
	for (uint8_t i = 0; i < link->count; i++)
		if (!roster_has(&now, link->by[i].member) || !epoch_record_signer(r, link->by[i].member))
			return "somebody has signed it who may not";
	if (!epoch_change_holds(&r->change, k, scheme, cluster))
		return "the change is not the word of those who may make it";
	epoch_record_statement(&s, r, cluster);
	for (uint8_t i = 0; i < link->count; i++)
		if (!scheme->verify(&link->by[i].signature, &s, signer_key(r, k, link->by[i].member)))
			return "a signature in it is false";
	return NULL;
}

void epoch_link_follow(const struct epoch_link *link, struct epoch_keys *k)
{
	BFT_CHECK(link->record.epoch == k->epoch + 1);
	epoch_change_apply(&link->record.change, k, link->record.base);
}

const char *epoch_links_follow(struct epoch_keys *k, const uint8_t *bytes, size_t n, bft_epoch until, const struct sign_scheme *scheme,
                               const struct digest *cluster, size_t *used)
{
	struct rd r = rd_of(bytes, n);
	struct epoch_link link;
	*used = 0;
	while (k->epoch < until && !rd_done(&r)) {
		const char *why = epoch_link_read(&r, &link) ? epoch_link_check(&link, k, scheme, cluster) : "a link of the chain of epochs is malformed";
		if (why)
			return why;
		epoch_link_follow(&link, k);
		*used = n - rd_left(&r);
	}
	return NULL;
}
