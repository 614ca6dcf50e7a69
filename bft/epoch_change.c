#include "bft/epoch_change.h"

bft_epoch epoch_change_epoch(const struct epoch_change *c)
{
	switch (c->kind) {
	case BUNDLE_ROTATE: return c->rotate.epoch;
	case BUNDLE_PASS_OVER: return c->pass_over.epoch;
	case BUNDLE_RECONFIGURE: return c->reconfigure.epoch;
	default: return c->readmit.epoch;
	}
}

bft_mask epoch_change_touched(const struct epoch_change *c)
{
	if (c->kind == BUNDLE_RECONFIGURE)
		return reconfigure_touched(&c->reconfigure);
	return c->kind == BUNDLE_ROTATE ? BFT_BIT(c->rotate.member) : 0;
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
	if (kind == BUNDLE_RECONFIGURE)
		return reconfigure_decode(&c->reconfigure, bytes, n);
	return kind == BUNDLE_ROTATE && rotate_decode(&c->rotate, bytes, n);
}

void epoch_change_write(struct wr *w, const struct epoch_change *c)
{
	uint8_t bytes[EPOCH_CHANGE_BYTES_MAX - 1];
	size_t n = 0;
	switch (c->kind) {
	case BUNDLE_ROTATE: n = rotate_encode(&c->rotate, bytes); break;
	case BUNDLE_PASS_OVER: n = pass_over_encode(&c->pass_over, bytes); break;
	case BUNDLE_RECONFIGURE: n = reconfigure_encode(&c->reconfigure, bytes, sizeof bytes); break;
	default: n = readmit_encode(&c->readmit, bytes); break;
	}
	wr_u8(w, c->kind);
	wr_bytes(w, bytes, n);
}

bool epoch_change_read(struct rd *r, struct epoch_change *c)
{
	uint8_t kind;
	if (!rd_u8(r, &kind))
		return false;
	if (kind == BUNDLE_RECONFIGURE) {
		memset(c, 0, sizeof *c);
		c->kind = kind;
		return reconfigure_read(r, &c->reconfigure);
	}
	size_t n = kind == BUNDLE_ROTATE ? ROTATE_BYTES : kind == BUNDLE_PASS_OVER ? pass_over_length(r->at, rd_left(r)) : READMIT_BYTES;
	const uint8_t *bytes = rd_take(r, n);
	return bytes && epoch_change_decode(c, kind, bytes, n);
}

void epoch_change_said(struct wr *w, const struct epoch_change *c)
{
	wr_u8(w, c->kind);
	wr_u64(w, epoch_change_epoch(c));
	switch (c->kind) {
	case BUNDLE_ROTATE:
		wr_u8(w, c->rotate.member);
		wr_bytes(w, c->rotate.key.b, PUBLIC_KEY_BYTES);
		break;
	case BUNDLE_READMIT:
		wr_u8(w, c->readmit.member);
		wr_u64(w, c->readmit.incarnation);
		break;
	case BUNDLE_PASS_OVER: wr_u8(w, c->pass_over.member); break;
	case BUNDLE_RECONFIGURE: reconfigure_write_what(w, &c->reconfigure); break;
	}
}

/* ---- whether it holds ---- */

static bool readmit_holds(const struct readmit *r, const struct epoch_keys *k, const struct sign_scheme *scheme, const struct digest *cluster)
{
	const struct bft_card *card = epoch_card(k, r->member, k->epoch);
	struct statement s;
	readmit_statement(&s, r, cluster);
	return card && scheme->verify(&r->signature, &s, &card->org_key);
}

static bool rotate_holds(const struct rotate *r, const struct epoch_keys *k, const struct sign_scheme *scheme, const struct digest *cluster)
{
	const struct bft_card *card = epoch_card(k, r->member, k->epoch);
	struct statement org, own;
	if (!card || k->count >= EPOCH_CHANGES_MAX || epoch_keys_used(k, &r->key) || !scheme->key_ok(&r->key))
		return false;
	rotate_statement(&org, r, DOMAIN_ROTATE, cluster);
	rotate_statement(&own, r, DOMAIN_ROTATE_OWN, cluster);
	return scheme->verify(&r->signature, &org, &card->org_key) && scheme->verify(&r->own, &own, &r->key);
}

bool epoch_change_holds(const struct epoch_change *c, const struct epoch_keys *k, const struct sign_scheme *scheme, const struct digest *cluster)
{
	if (epoch_change_epoch(c) != k->epoch)
		return false;
	switch (c->kind) {
	case BUNDLE_READMIT: return readmit_holds(&c->readmit, k, scheme, cluster);
	case BUNDLE_ROTATE: return rotate_holds(&c->rotate, k, scheme, cluster);
	case BUNDLE_PASS_OVER: return pass_over_holds(&c->pass_over, k, scheme, cluster);
	case BUNDLE_RECONFIGURE: return reconfigure_holds(&c->reconfigure, k, scheme, cluster);
	default: return false;
	}
}

struct bft_roster epoch_change_roster(const struct epoch_change *c, const struct epoch_keys *k)
{
	return c->kind == BUNDLE_RECONFIGURE ? reconfigure_roster(&c->reconfigure, k) : epoch_roster_now(k);
}

void epoch_change_apply(const struct epoch_change *c, struct epoch_keys *k, bft_seq base)
{
	switch (c->kind) {
	case BUNDLE_ROTATE: epoch_keys_rotate(k, base, c->rotate.member, &c->rotate.key); break;
	case BUNDLE_PASS_OVER: epoch_keys_pass(k, base, c->pass_over.member); break;
	case BUNDLE_RECONFIGURE: reconfigure_apply(&c->reconfigure, k, base); break;
	default: epoch_keys_next(k, base); break;
	}
}
