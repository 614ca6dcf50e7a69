#include "bft/reconfigure.h"

#include "bft/check.h"

/* ---- bytes ---- */

void reconfigure_write_what(struct wr *w, const struct reconfigure *r)
{
	wr_u8(w, r->kind);
	if (r->kind == RECONFIGURE_MODE) {
		wr_u8(w, r->mode);
		return;
	}
	wr_u8(w, r->seats);
	for (uint8_t i = 0; i < r->seats; i++) {
		wr_u8(w, r->seat[i].member);
		wr_u8(w, r->seat[i].taken);
		if (r->seat[i].taken)
			card_write(w, &r->seat[i].card);
	}
}

void reconfigure_digest(struct digest *out, const struct reconfigure *r)
{
	uint8_t bytes[RECONFIGURE_WHAT_BYTES_MAX];
	struct wr w = wr_of(bytes, sizeof bytes);
	reconfigure_write_what(&w, r);
	size_t n = wr_done(&w);
	BFT_CHECK(n > 0);
	digest_of(out, DOMAIN_RECONFIGURE, bytes, n);
}

void reconfigure_statement(struct statement *out, const struct reconfigure *r, const struct digest *cluster)
{
	struct digest digest;
	reconfigure_digest(&digest, r);
	statement_make(out, DOMAIN_RECONFIGURE, cluster, r->epoch, &digest);
}

size_t reconfigure_encode(const struct reconfigure *r, uint8_t *bytes, size_t capacity)
{
	struct wr w = wr_of(bytes, capacity);
	wr_u64(&w, r->epoch);
	reconfigure_write_what(&w, r);
	wr_u8(&w, r->approvals);
	for (uint8_t i = 0; i < r->approvals; i++) {
		wr_bytes(&w, r->by[i].org.b, PUBLIC_KEY_BYTES);
		wr_bytes(&w, r->by[i].signature.b, SIGNATURE_BYTES);
	}
	return wr_done(&w);
}

static bool read_seats(struct rd *rd, struct reconfigure *r)
{
	if (!rd_u8(rd, &r->seats) || r->seats == 0 || r->seats > RECONFIGURE_SEATS_MAX)
		return false;
	for (uint8_t i = 0; i < r->seats; i++) {
		struct reconfigure_seat *s = &r->seat[i];
		uint8_t taken;
		if (!rd_u8(rd, &s->member) || !rd_u8(rd, &taken) || taken > 1 || s->member >= BFT_MEMBERS_MAX)
			return false;
		if (i > 0 && s->member <= r->seat[i - 1].member)
			return false; /* one number once, and one change has one encoding */
		s->taken = taken;
		if (taken && !card_read(rd, &s->card))
			return false;
	}
	return true;
}

static bool read_what(struct rd *rd, struct reconfigure *r)
{
	if (!rd_u8(rd, &r->kind))
		return false;
	if (r->kind == RECONFIGURE_MEMBERS)
		return read_seats(rd, r);
	return r->kind == RECONFIGURE_MODE && rd_u8(rd, &r->mode) && (r->mode == BFT_MODE_BFT || r->mode == BFT_MODE_TRUSTED);
}

static int key_order(const struct public_key *a, const struct public_key *b)
{
	return memcmp(a->b, b->b, PUBLIC_KEY_BYTES);
}

bool reconfigure_read(struct rd *rd, struct reconfigure *r)
{
	memset(r, 0, sizeof *r);
	if (!rd_u64(rd, &r->epoch) || !r->epoch || !read_what(rd, r) || !rd_u8(rd, &r->approvals) || r->approvals == 0 || r->approvals > BFT_MEMBERS_MAX)
		return false;
	for (uint8_t i = 0; i < r->approvals; i++) {
		if (!rd_bytes(rd, r->by[i].org.b, PUBLIC_KEY_BYTES) || !rd_bytes(rd, r->by[i].signature.b, SIGNATURE_BYTES))
			return false;
		if (i > 0 && key_order(&r->by[i].org, &r->by[i - 1].org) <= 0)
			return false; /* one organization counts once */
	}
	return true;
}

bool reconfigure_decode(struct reconfigure *r, const uint8_t *bytes, size_t n)
{
	struct rd rd = rd_of(bytes, n);
	return reconfigure_read(&rd, r) && rd_done(&rd);
}

bool reconfigure_add(struct reconfigure *r, const struct public_key *org, const struct signature *signature)
{
	uint8_t at = 0;
	while (at < r->approvals && key_order(&r->by[at].org, org) < 0)
		at++;
	if (r->approvals >= BFT_MEMBERS_MAX || (at < r->approvals && public_key_equal(&r->by[at].org, org)))
		return false;
	memmove(&r->by[at + 1], &r->by[at], (size_t)(r->approvals - at) * sizeof r->by[0]);
	r->by[at] = (struct reconfigure_approval){ .org = *org, .signature = *signature };
	r->approvals++;
	return true;
}

/* ---- what it would make ---- */

bft_mask reconfigure_touched(const struct reconfigure *r)
{
	bft_mask m = 0;
	for (uint8_t i = 0; i < r->seats; i++)
		m |= BFT_BIT(r->seat[i].member);
	return m;
}

uint32_t reconfigure_cards(const struct reconfigure *r)
{
	uint32_t count = 0;
	for (uint8_t i = 0; i < r->seats; i++)
		count += r->seat[i].taken;
	return count;
}

struct bft_roster reconfigure_roster(const struct reconfigure *r, const struct epoch_keys *k)
{
	struct bft_roster next = epoch_roster_now(k);
	if (r->kind == RECONFIGURE_MODE)
		next.mode = (enum bft_mode)r->mode;
	for (uint8_t i = 0; i < r->seats; i++) {
		if (r->seat[i].taken)
			next.members |= BFT_BIT(r->seat[i].member);
		else
			next.members &= ~BFT_BIT(r->seat[i].member);
	}
	/* Who takes a number has lost no office; who was passed over under another mode neither. */
	next.passed &= r->kind == RECONFIGURE_MODE ? 0 : ~reconfigure_touched(r);
	return next;
}

/* ---- whether it may be ---- */

/* Neither key is or was anybody's; the organization is one that is known, or wholly new. */
static const char *keys_new(const struct bft_card *card, const struct epoch_keys *k)
{
	bool known = false;
	if (epoch_keys_used(k, &card->member_key) || epoch_keys_used(k, &card->tls_key))
		return "somebody has or had a key of that card";
	for (uint32_t i = 0; i < BFT_MEMBERS_MAX && !known; i++) {
		const struct bft_card *other = epoch_card(k, (uint8_t)i, k->epoch);
		known = other && public_key_equal(&other->org_key, &card->org_key);
	}
	return known || !epoch_keys_used(k, &card->org_key) ? NULL : "its organization's key was used in the past";
}

static const char *fits_beside(const struct reconfigure *r, uint8_t i, const struct epoch_keys *k)
{
	const char *why = NULL;
	for (uint32_t m = 0; m < BFT_MEMBERS_MAX && !why; m++) {
		const struct bft_card *other = reconfigure_touched(r) & BFT_BIT(m) ? NULL : epoch_card(k, (uint8_t)m, k->epoch);
		why = other ? card_pair_check(other, &r->seat[i].card) : NULL;
	}
	for (uint8_t j = 0; j < i && !why; j++)
		why = r->seat[j].taken ? card_pair_check(&r->seat[j].card, &r->seat[i].card) : NULL;
	return why;
}

static const char *seat_check(const struct reconfigure *r, uint8_t i, const struct epoch_keys *k, const struct sign_scheme *scheme)
{
	const struct reconfigure_seat *s = &r->seat[i];
	struct bft_roster now = epoch_roster_now(k);
	if (!s->taken)
		return roster_has(&now, s->member) ? NULL : "there is no such member";
	const char *why = keys_new(&s->card, k);
	if (!why)
		why = fits_beside(r, i, k);
	return why ? why : card_check(&s->card, scheme);
}

/* Those who come are not there yet, and may not come for long: who remains must be a quorum. Alone, nobody could ever be joined. */
static const char *count_check(const struct bft_roster *now, const struct bft_roster *next, bft_mask touched)
{
	if ((now->members & ~touched) == 0)
		return "nobody would remain who knows the state";
	if (next->mode == BFT_MODE_BFT && roster_count(next) < 4)
		return "a cluster in bft mode has at least 4 members";
	if (mask_count(now->members & ~touched) < roster_quorum(next) && roster_count(now) > 1)
		return "too few would remain to go on without those who come: change fewer at once";
	return NULL;
}

const char *reconfigure_check(const struct reconfigure *r, const struct epoch_keys *k, const struct sign_scheme *scheme)
{
	struct bft_roster now = epoch_roster_now(k), next = reconfigure_roster(r, k);
	const char *why = NULL;
	if (r->epoch != k->epoch)
		return "it is of another epoch";
	if (!epoch_keys_room(k, reconfigure_cards(r)))
		return "the cluster has changed as often as it can";
	if (r->kind == RECONFIGURE_MODE && next.mode == now.mode)
		return "that is the mode already";
	why = count_check(&now, &next, reconfigure_touched(r));
	for (uint8_t i = 0; i < r->seats && !why; i++)
		why = seat_check(r, i, k, scheme);
	return why;
}

/* ---- who approves ---- */

static bft_mask members_of(const struct public_key *org, const struct epoch_keys *k)
{
	bft_mask m = 0;
	for (uint32_t i = 0; i < BFT_MEMBERS_MAX; i++) {
		const struct bft_card *card = epoch_card(k, (uint8_t)i, k->epoch);
		m |= card && public_key_equal(&card->org_key, org) ? BFT_BIT(i) : 0;
	}
	return m;
}

bool reconfigure_signed(const struct reconfigure *r, const struct epoch_keys *k, const struct sign_scheme *scheme, const struct digest *cluster)
{
	struct statement s;
	for (uint8_t i = 0; i < r->approvals; i++)
		if (!members_of(&r->by[i].org, k))
			return false;
	reconfigure_statement(&s, r, cluster);
	for (uint8_t i = 0; i < r->approvals; i++)
		if (!scheme->verify(&r->by[i].signature, &s, &r->by[i].org))
			return false;
	return true;
}

static uint32_t organizations(const struct epoch_keys *k)
{
	uint32_t count = 0;
	for (uint32_t i = 0; i < BFT_MEMBERS_MAX; i++) {
		const struct bft_card *card = epoch_card(k, (uint8_t)i, k->epoch);
		/* Its lowest member stands for it. */
		count += card && order_place(members_of(&card->org_key, k), (uint8_t)i) == 0;
	}
	return count;
}

/* A mode decides whom everybody must trust, so everybody approves. Members: those whose members are a quorum could do as they please anyhow. */
struct reconfigure_progress reconfigure_progress(const struct reconfigure *r, const struct epoch_keys *k)
{
	struct bft_roster now = epoch_roster_now(k);
	bft_mask members = 0;
	if (r->kind == RECONFIGURE_MODE)
		return (struct reconfigure_progress){ .have = r->approvals, .need = organizations(k) };
	for (uint8_t i = 0; i < r->approvals; i++)
		members |= members_of(&r->by[i].org, k);
	return (struct reconfigure_progress){ .have = mask_count(members), .need = roster_quorum(&now) };
}

bool reconfigure_holds(const struct reconfigure *r, const struct epoch_keys *k, const struct sign_scheme *scheme, const struct digest *cluster)
{
	if (r->epoch != k->epoch || !reconfigure_signed(r, k, scheme, cluster) || reconfigure_check(r, k, scheme))
		return false;
	struct reconfigure_progress p = reconfigure_progress(r, k);
	return p.have >= p.need;
}

void reconfigure_apply(const struct reconfigure *r, struct epoch_keys *k, bft_seq base)
{
	struct bft_roster next = reconfigure_roster(r, k);
	epoch_keys_next(k, base);
	for (uint8_t i = 0; i < r->seats; i++)
		if (r->seat[i].taken)
			epoch_keys_seat(k, r->seat[i].member, &r->seat[i].card);
	epoch_keys_roster(k, &next);
}
