/* Certificates: made of held messages when the core records one, and checked in received messages before the core sees what they prove. */
#include "replica/driver_state.h"

#include <stdlib.h>
#include <string.h>

static struct pbft_votes *decode_votes(struct driver *d, const struct message *m)
{
	size_t used = bft_pbft.decode(PBFT_VOTES, d->decoded, m->body, m->core_bytes);
	BFT_CHECK(used == m->core_bytes);
	return d->decoded;
}

static enum certificate_kind kind_of(uint16_t rtype)
{
	return rtype == PBFT_REC_COMMIT ? CERTIFICATE_PREPARED : rtype == PBFT_REC_STABLE ? CERTIFICATE_CHECKPOINT : CERTIFICATE_SNAPSHOT;
}

static size_t from_messages(struct driver *d, uint16_t rtype, const struct pbft_certificate_refs *refs, uint8_t *bytes, size_t capacity)
{
	struct certificate c = { .epoch = d->epoch, .kind = kind_of(rtype), .view = refs->view, .seq = refs->seq, .digest = refs->digest, .root = refs->root };
	uint32_t wanted = certificate_signers(c.kind, d->n);
	for (uint8_t i = 0; i < d->n && c.count < wanted; i++) {
		if (!(refs->signers & BFT_BIT(i)))
			continue;
		const struct message *m = messages_at(d->messages, refs->wire[i]);
		BFT_CHECK(m->verified && m->signer == i);
		bool leader = order_leader(refs->view, d->n, epoch_passed(&d->chain->keys, d->epoch)) == i;
		const struct pbft_votes *votes = c.kind == CERTIFICATE_PREPARED ? decode_votes(d, m) : NULL;
		bool added = certificate_add(&c, i, votes, leader ? PBFT_LEAF_PRE_PREPARE : PBFT_LEAF_PREPARE, &m->signature);
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

void certify_keep(struct driver *d, uint16_t rtype, const struct pbft_certificate_refs *c, const uint8_t *bytes, size_t n)
{
	if (rtype == PBFT_REC_CERTIFIED) {
		keep(&d->certified_certificate, &d->certified_certificate_n, bytes, n);
		d->certified_seq = c->seq;
	} else if (rtype == PBFT_REC_STABLE) {
		keep(&d->stable_certificate, &d->stable_certificate_n, bytes, n);
	} else if (rtype == PBFT_REC_COMMIT) {
		struct own_certificate *own = &d->own_certificate[c->seq % (2 * d->limits.window)];
		own->seq = c->seq;
		keep(&own->bytes, &own->n, bytes, n);
	}
}

size_t certify_record(struct driver *d, const struct bft_effect *e, uint8_t *bytes, size_t capacity)
{
	const struct pbft_certificate_refs *refs = e->data;
	size_t n = refs->whole ? from_whole(d, refs->whole, bytes, capacity) : from_messages(d, e->rtype, refs, bytes, capacity);
	certify_keep(d, e->rtype, refs, bytes, n);
	return n;
}

size_t certify_view_change(struct driver *d, const struct pbft_view_change *vc, uint8_t *bytes, size_t capacity)
{
	struct wr w = wr_of(bytes, capacity);
	if (vc->stable != d->base) {
		BFT_CHECK(d->stable_certificate);
		wr_bytes(&w, d->stable_certificate, d->stable_certificate_n);
	}
	for (uint16_t i = 0; i < vc->count; i++) {
		const struct own_certificate *own = &d->own_certificate[vc->prepared[i].seq % (2 * d->limits.window)];
		BFT_CHECK(own->seq == vc->prepared[i].seq);
		wr_bytes(&w, own->bytes, own->n);
	}
	BFT_CHECK(!w.failed);
	certify_keep_tail(d, vc->view, bytes, wr_done(&w));
	return wr_done(&w);
}

/* They were another epoch's. */
void certify_forget(struct driver *d)
{
	for (size_t i = 0; i < (size_t)2 * d->limits.window; i++) {
		free(d->own_certificate[i].bytes);
		d->own_certificate[i] = (struct own_certificate){ 0 };
	}
	free(d->view_change_tail);
	d->view_change_tail = NULL;
	d->view_change_tail_n = 0;
	d->view_change_view = 0;
}

void certify_keep_tail(struct driver *d, bft_view view, const uint8_t *bytes, size_t n)
{
	d->view_change_view = view;
	keep(&d->view_change_tail, &d->view_change_tail_n, bytes, n);
}

/* ---- received ---- */

struct wanted {
	enum certificate_kind kind;
	bft_view view;
	bft_seq seq;
	struct digest digest;
};

static const char *take_certificate(struct driver *d, struct rd *r, const struct wanted *want, struct verify_job *job)
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
	if (c.count < d->q || c.by[c.count - 1].member >= d->n)
		return "a certificate has too few signers";
	for (uint32_t i = 0; i < d->q; i++) {
		struct statement s;
		const struct public_key *key = driver_key(d, c.by[i].member, c.epoch);
		if (!key)
			return "a certificate of an epoch that is not known";
		if (!certificate_statement(&s, &c, i, d->n, epoch_passed(&d->chain->keys, c.epoch), &d->cluster))
			return "a certificate's path is wrong";
		verify_pool_want(d->pool, job, key, &s, &c.by[i].signature);
	}
	return NULL;
}

static const char *view_change_tail(struct driver *d, const struct pbft_view_change *vc, struct rd *r, struct verify_job *job)
{
	const char *why = NULL;
	if (vc->stable < d->base)
		return "a stable checkpoint below the epoch's border";
	if (vc->stable != d->base) {
		const struct wanted stable = { CERTIFICATE_CHECKPOINT, 0, vc->stable, vc->chain };
		why = take_certificate(d, r, &stable, job);
	} else if (!digest_equal(&vc->chain, &d->base_chain)) {
		return "the beginning has another chain digest"; /* every voter holds it: no certificate is needed */
	}
	for (uint16_t i = 0; !why && i < vc->count; i++) {
		const struct wanted prepared = { CERTIFICATE_PREPARED, vc->prepared[i].view, vc->prepared[i].seq, vc->prepared[i].digest };
		why = take_certificate(d, r, &prepared, job);
	}
	return why;
}

const char *certify_tail(struct driver *d, uint16_t type, const void *body, const uint8_t *tail, size_t n, struct verify_job *job)
{
	struct rd r = rd_of(tail, n);
	const struct pbft_view_change *vc = body;
	const struct pbft_chain *chain = body;
	const struct pbft_checkpoint *stable = body;
	bool one = type == PBFT_STABLE || (type == PBFT_CHAIN && chain->count);
	size_t certificates = type == PBFT_VIEW_CHANGE ? (size_t)vc->count + (vc->stable != d->base) : one;
	/* Bounded by what is really there: no count of a peer's sizes this. */
	if (certificates * (CERTIFICATE_HEAD_BYTES - DIGEST_BYTES) > n)
		return "certificates are missing";
	job->items = malloc((certificates * d->q + 1) * sizeof *job->items);
	if (!job->items)
		return "no memory";
	const char *why = NULL;
	if (type == PBFT_VIEW_CHANGE) {
		why = view_change_tail(d, vc, &r, job);
	} else if (type == PBFT_STABLE) {
		const struct wanted it = { CERTIFICATE_CHECKPOINT, 0, stable->seq, stable->chain };
		why = take_certificate(d, &r, &it, job);
	} else if (type == PBFT_CHAIN && chain->count) {
		const struct wanted end = { CERTIFICATE_CHECKPOINT, 0, chain->end, chain->chain };
		why = take_certificate(d, &r, &end, job);
	}
	return why ? why : rd_done(&r) ? NULL : "trailing bytes";
}
