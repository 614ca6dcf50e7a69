/* A VIEW-CHANGE that is proved to each by others: all of it true, and none of it checked before. */
#include "bft/certificate.h"
#include "bft/pbft/pbft.h"
#include "replica/driver_state.h"
#include "tests/sim/scripts.h"

/* The same certificate by other q of those whose votes are here, `first` of all; each is true. False: there are no others. */
static bool by_others(struct node *d, struct certificate *c, uint8_t first)
{
	struct sim *s = d->sim;
	struct driver *driver = d->driver;
	struct pbft *core = (struct pbft *)(void *)driver->core;
	struct pbft_slot *slot = slot_find(core, c->seq);
	struct bft_votes *votes = malloc(sizeof *votes);
	bft_mask by = 0;
	if (!votes)
		abort();
	for (uint32_t k = 0; slot && k < s->n && (uint32_t)__builtin_popcountll(by) < s->q; k++) {
		uint8_t i = (uint8_t)((first + k) % s->n);
		const struct pbft_vote *v = slot_vote(core, slot, false, i);
		if (v->set && v->wire && v->view == c->view && digest_equal(&v->digest, &c->digest) && messages_at(driver->messages, v->wire)->verified)
			by |= BFT_BIT(i);
	}
	bool enough = (uint32_t)__builtin_popcountll(by) == s->q;
	c->count = enough ? 0 : c->count;
	for (uint8_t i = 0; enough && i < s->n; i++) {
		if (!(by & BFT_BIT(i)))
			continue;
		const struct message *m = messages_at(driver->messages, slot_vote(core, slot, false, i)->wire);
		enough = pbft_decode(PBFT_VOTES, votes, m->body, m->core_bytes) > 0 &&
		         certificate_add(c, i, votes, liar_leader(d, c->view) == i ? BFT_LEAF_PRE_PREPARE : BFT_LEAF_PREPARE, &m->signature);
	}
	free(votes);
	return enough;
}

/* Certificates are not under a VIEW-CHANGE's signature: it is one message, and everybody checks another. */
bool script_proves_otherwise(struct node *d, uint8_t to, uint16_t type, const struct frame *f)
{
	static struct certificate c;
	static uint8_t tail[1 << 18];
	struct opened x;
	if (type != PBFT_VIEW_CHANGE || !script_has(d, FAULT_BLOATS) || !script_open(d, &x, f))
		return false;
	struct rd r = rd_of(x.tail, x.tail_n);
	struct wr w = wr_of(tail, sizeof tail);
	bool any = false;
	while (!rd_done(&r)) {
		const uint8_t *at = r.at;
		if (!certificate_read(&r, &c))
			return false;
		if (c.kind == CERTIFICATE_PREPARED && c.epoch == d->driver->epoch && by_others(d, &c, to)) {
			w.at += certificate_encode(&c, w.at, (size_t)(w.end - w.at));
			any = true;
		} else {
			wr_bytes(&w, at, (size_t)(r.at - at));
		}
	}
	if (!any || w.failed || !script_acts(d, FAULT_BLOATS))
		return false;
	struct frame *out = frame_make(f->bytes, f->n - x.tail_n, tail, wr_done(&w));
	script_send(d, to, out, 0);
	return true;
}
