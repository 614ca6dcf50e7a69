#include "bft/epoch_change.h"

bft_epoch epoch_change_epoch(const struct epoch_change *c)
{
	return c->kind == BUNDLE_ROTATE ? c->rotate.epoch : c->kind == BUNDLE_PASS_OVER ? c->pass_over.epoch : c->readmit.epoch;
}

uint8_t epoch_change_member(const struct epoch_change *c)
{
	return c->kind == BUNDLE_ROTATE ? c->rotate.member : c->kind == BUNDLE_PASS_OVER ? c->pass_over.member : c->readmit.member;
}

/* ---- bytes ---- */

bool epoch_change_decode(struct epoch_change *c, uint8_t kind, const uint8_t *bytes, size_t n)
{
	memset(c, 0, sizeof *c);
	c->kind = kind;
	if (kind == BUNDLE_READMIT)
		return readmit_decode(&c->readmit, bytes, n);
	if (kind == BUNDLE_PASS_OVER)
		return pass_over_decode(&c->pass_over, bytes, n);
	return kind == BUNDLE_ROTATE && rotate_decode(&c->rotate, bytes, n);
}

void epoch_change_write(struct wr *w, const struct epoch_change *c)
{
	uint8_t bytes[EPOCH_CHANGE_BYTES_MAX - 1];
	size_t n = c->kind == BUNDLE_ROTATE      ? rotate_encode(&c->rotate, bytes)
	           : c->kind == BUNDLE_PASS_OVER ? pass_over_encode(&c->pass_over, bytes)
	                                         : readmit_encode(&c->readmit, bytes);
	wr_u8(w, c->kind);
	wr_bytes(w, bytes, n);
}

bool epoch_change_read(struct rd *r, struct epoch_change *c)
{
	uint8_t kind;
	if (!rd_u8(r, &kind))
		return false;
	size_t n = kind == BUNDLE_ROTATE ? ROTATE_BYTES : kind == BUNDLE_PASS_OVER ? pass_over_length(r->at, rd_left(r)) : READMIT_BYTES;
	const uint8_t *bytes = rd_take(r, n);
	return bytes && epoch_change_decode(c, kind, bytes, n);
}

void epoch_change_said(struct wr *w, const struct epoch_change *c)
{
	wr_u8(w, c->kind);
	wr_u64(w, epoch_change_epoch(c));
	wr_u8(w, epoch_change_member(c));
	if (c->kind == BUNDLE_ROTATE)
		wr_bytes(w, c->rotate.key.b, PUBLIC_KEY_BYTES);
	else if (c->kind == BUNDLE_READMIT)
		wr_u64(w, c->readmit.incarnation);
}

/* ---- whether it holds ---- */

static bool readmit_holds(const struct readmit *r, const struct public_key *org, const struct sign_scheme *scheme, const struct digest *cluster)
{
	struct statement s;
	readmit_statement(&s, r, cluster);
	return scheme->verify(&r->signature, &s, org);
}

static bool rotate_holds(const struct rotate *r, const struct epoch_keys *k, const struct sign_scheme *scheme, const struct digest *cluster)
{
	struct statement org, own;
	if (k->count >= EPOCH_CHANGES_MAX || epoch_keys_used(k, &r->key) || !scheme->key_ok(&r->key))
		return false;
	rotate_statement(&org, r, DOMAIN_ROTATE, cluster);
	rotate_statement(&own, r, DOMAIN_ROTATE_OWN, cluster);
	return scheme->verify(&r->signature, &org, &k->genesis->cards[r->member].org_key) && scheme->verify(&r->own, &own, &r->key);
}

bool epoch_change_holds(const struct epoch_change *c, const struct epoch_keys *k, const struct sign_scheme *scheme, const struct digest *cluster)
{
	if (epoch_change_epoch(c) != k->epoch || epoch_change_member(c) >= k->genesis->count)
		return false;
	if (c->kind == BUNDLE_ROTATE)
		return rotate_holds(&c->rotate, k, scheme, cluster);
	if (c->kind == BUNDLE_PASS_OVER)
		return pass_over_holds(&c->pass_over, k, scheme, cluster);
	return c->kind == BUNDLE_READMIT && readmit_holds(&c->readmit, &k->genesis->cards[c->readmit.member].org_key, scheme, cluster);
}

void epoch_change_apply(const struct epoch_change *c, struct epoch_keys *k, bft_seq base)
{
	if (c->kind == BUNDLE_ROTATE)
		epoch_keys_rotate(k, base, c->rotate.member, &c->rotate.key);
	else if (c->kind == BUNDLE_PASS_OVER)
		epoch_keys_pass(k, base, c->pass_over.member);
	else
		epoch_keys_next(k, base);
}
