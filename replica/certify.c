/* Certificates: made of held messages when the core records one, and checked in received messages before the core sees what they prove. */
#include "replica/driver_state.h"

#include <stdlib.h>
#include <string.h>

static struct bft_votes *decode_votes(struct driver *d, const struct message *m)
{
	size_t used = d->protocol->decode(BFT_MSG_VOTES, d->decoded, m->body, m->core_bytes);
	BFT_CHECK(used == m->core_bytes);
	return d->decoded;
}

static size_t from_messages(struct driver *d, uint16_t rtype, const struct bft_certificate_refs *refs, uint8_t *bytes, size_t capacity)
{
	struct certificate c = { .epoch = d->epoch,
		                 .kind = d->protocol->record(rtype)->certificate,
		                 .view = refs->view,
		                 .seq = refs->seq,
		                 .digest = refs->digest,
		                 .root = refs->root };
	struct bft_roster roster = driver_roster(d, d->epoch);
	uint32_t wanted = certificate_signers(c.kind, &roster);
	for (uint8_t i = 0; i < d->n && c.count < wanted; i++) {
		if (!(refs->signers & BFT_BIT(i)))
			continue;
		const struct message *m = messages_at(d->messages, refs->wire[i]);
		BFT_CHECK(m->verified && m->signer == i);
		enum bft_leaf_kind leaf = certificate_leaf(refs->view, &roster, i);
		const struct bft_votes *votes = c.kind == CERTIFICATE_PREPARED ? decode_votes(d, m) : NULL;
		bool added = certificate_add(&c, i, votes, leaf, &m->signature);
		BFT_CHECK(added);
	}
	BFT_CHECK(c.count == wanted);
	return certificate_encode(&c, bytes, capacity);
}

/* A CHAIN, a VIEW-CHANGE: the checkpoint's certificate is the first thing behind the core's part. */
static size_t from_whole(struct driver *d, bft_ref ref, uint8_t *bytes, size_t capacity)
{
	const struct message *m = messages_at(d->messages, ref);
	struct rd r = rd_of(m->body + m->core_bytes, m->body_bytes - m->core_bytes);
	struct certificate c;
	bool read = certificate_read(&r, &c);
	BFT_CHECK(read && c.kind == CERTIFICATE_CHECKPOINT);
	return certificate_encode(&c, bytes, capacity);
}

static void keep(uint8_t **at, size_t *n_at, const uint8_t *bytes, size_t n)
{
	uint8_t *copy = malloc(n ? n : 1);
	BFT_CHECK(copy);
	free(*at);
	*at = memcpy(copy, bytes, n);
	*n_at = n;
}

void certify_keep(struct driver *d, uint16_t rtype, const struct bft_certificate_refs *c, const uint8_t *bytes, size_t n)
{
	if (d->protocol->record(rtype)->certificate == CERTIFICATE_SNAPSHOT) {
		keep(&d->certified_certificate, &d->certified_certificate_n, bytes, n);
		d->certified_seq = c->seq;
	} else if (d->protocol->record(rtype)->certificate == CERTIFICATE_CHECKPOINT) {
		keep(&d->stable_certificate, &d->stable_certificate_n, bytes, n);
	} else {
		struct own_certificate *own = &d->own_certificate[c->seq % (2 * d->limits.window)];
		own->seq = c->seq;
		keep(&own->bytes, &own->n, bytes, n);
	}
}

size_t certify_record(struct driver *d, const struct bft_effect *e, uint8_t *bytes, size_t capacity)
{
	const struct bft_certificate_refs *refs = e->data;
	size_t n = refs->whole ? from_whole(d, refs->whole, bytes, capacity) : from_messages(d, e->rtype, refs, bytes, capacity);
	certify_keep(d, e->rtype, refs, bytes, n);
	return n;
}

static void write_own(struct driver *d, struct wr *w, const struct bft_claim *claim)
{
	if (claim->or_base && claim->seq == d->base)
		return;
	if (claim->kind == CERTIFICATE_CHECKPOINT) {
		BFT_CHECK(d->stable_certificate);
		wr_bytes(w, d->stable_certificate, d->stable_certificate_n);
		return;
	}
	const struct own_certificate *own = &d->own_certificate[claim->seq % (2 * d->limits.window)];
	BFT_CHECK(own->seq == claim->seq);
	wr_bytes(w, own->bytes, own->n);
}

size_t certify_own(struct driver *d, uint16_t type, const void *body, const struct digest *digest, uint8_t *bytes, size_t capacity)
{
	struct wr w = wr_of(bytes, capacity);
	size_t count = d->protocol->claims(type, body, d->claim);
	for (size_t i = 0; i < count; i++)
		write_own(d, &w, &d->claim[i]);
	BFT_CHECK(!w.failed);
	certify_keep_tail(d, digest, bytes, wr_done(&w));
	return wr_done(&w);
}

/* They were another epoch's. */
void certify_forget(struct driver *d)
{
	for (size_t i = 0; i < (size_t)2 * d->limits.window; i++) {
		free(d->own_certificate[i].bytes);
		d->own_certificate[i] = (struct own_certificate){ 0 };
	}
	free(d->own_tail.bytes);
	d->own_tail = (struct own_tail){ 0 };
}

void certify_keep_tail(struct driver *d, const struct digest *digest, const uint8_t *bytes, size_t n)
{
	d->own_tail.digest = *digest;
	keep(&d->own_tail.bytes, &d->own_tail.n, bytes, n);
}

/* ---- received ---- */

static const char *take_certificate(struct driver *d, struct rd *r, const struct bft_claim *want, struct verify_job *job)
{
	struct certificate c;
	if (!certificate_read(r, &c))
		return "a certificate is malformed";
	/* What was settled stays so; what was only prepared ended with its epoch. */
	if (c.epoch == 0 || c.epoch > d->epoch || (c.kind == CERTIFICATE_PREPARED && c.epoch != d->epoch))
		return "a certificate of another epoch";
	if (!links_within(d, c.epoch, c.seq))
		return "a certificate of an epoch that had ended before";
	if (c.kind != want->kind || c.view != want->view || c.seq != want->seq || !digest_equal(&c.digest, &want->digest))
		return "a certificate proves something else";
	struct bft_roster roster = driver_roster(d, c.epoch);
	uint32_t wanted = certificate_signers(c.kind, &roster);
	if (!roster_count(&roster))
		return "a certificate of an epoch that is not known";
	if (c.count < wanted)
		return "a certificate has too few signers";
	for (uint32_t i = 0; i < wanted; i++) {
		struct statement s;
		const struct public_key *key = driver_key(d, c.by[i].member, c.epoch);
		if (!key)
			return "a certificate of an epoch that is not known";
		if (!certificate_statement(&s, &c, i, &roster, &d->cluster))
			return "a certificate's path is wrong";
		verify_pool_want(d->pool, job, key, &s, &c.by[i].signature);
	}
	return NULL;
}

/* How many certificates there must be: none at the epoch's beginning. */
static size_t certificates_of(const struct driver *d, const struct bft_claim *claim, size_t count)
{
	size_t certificates = count;
	for (size_t i = 0; i < count; i++)
		certificates -= claim[i].or_base && claim[i].seq == d->base;
	return certificates;
}

static const char *take_claim(struct driver *d, struct rd *r, const struct bft_claim *claim, struct verify_job *job)
{
	if (claim->or_base && claim->seq < d->base)
		return "a stable checkpoint below the epoch's border";
	if (claim->or_base && claim->seq == d->base)
		return digest_equal(&claim->digest, &d->base_chain) ? NULL : "the beginning has another chain digest";
	return take_certificate(d, r, claim, job);
}

const char *certify_tail(struct driver *d, uint16_t type, const void *body, const uint8_t *tail, size_t n, struct verify_job *job)
{
	struct rd r = rd_of(tail, n);
	size_t count = d->protocol->claims(type, body, d->claim), certificates = certificates_of(d, d->claim, count);
	/* Bounded by what is really there: no count of a peer's sizes this. */
	if (certificates * (CERTIFICATE_HEAD_BYTES - DIGEST_BYTES) > n)
		return "certificates are missing";
	job->items = malloc((certificates * d->q + BFT_MEMBERS_MAX + 1) * sizeof *job->items);
	if (!job->items)
		return "no memory";
	const char *why = NULL;
	for (size_t i = 0; !why && i < count; i++)
		why = take_claim(d, &r, &d->claim[i], job);
	return why ? why : rd_done(&r) ? NULL : "trailing bytes";
}
