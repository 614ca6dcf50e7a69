/* What is proved, and is not: NEW-VIEWs that do not follow, certificates of too few, of one twice, of another epoch; proofs without end; epochs that never were. */
#include "bench/malice/malice.h"
#include "bft/certificate.h"
#include "bft/epoch_link.h"
#include "bft/pbft/pbft.h"
#include "replica/driver_state.h"
#include "replica/running.h"

#include <string.h>

/* Drops a re-proposal, lets two change places, or invents one. */
static bool bad_new_view(struct liar *l, struct sending *s)
{
	if (!liar_opens(l, s, PBFT_NEW_VIEW))
		return false;
	struct pbft_new_view *m = &l->body.new_view;
	uint32_t how = (uint32_t)(l->rng % 3);
	struct digest first = m->digest[0];
	if (how == 0 && m->count > 0) {
		m->count--;
	} else if (how == 1 && m->count > 1 && !digest_equal(&first, &m->digest[m->count - 1])) {
		m->digest[0] = m->digest[m->count - 1];
		m->digest[m->count - 1] = first;
	} else {
		m->count = m->count ? m->count : 1;
		memset(&m->digest[m->count - 1], 0x5A, sizeof m->digest[0]);
	}
	liar_acts(l, "its NEW-VIEW does not follow from what it names");
	return liar_closes(l, s);
}

/* ---- certificates ---- */

/* One less than are needed; one of them twice; or of another epoch. */
static void fake(struct certificate *c, uint32_t how)
{
	if (how == 0 && c->count > 0)
		c->count--;
	else if (how == 1 && c->count > 1)
		c->by[c->count - 1] = c->by[c->count - 2];
	else
		c->epoch++;
}

/* It is mute as a leader, so that there is a view change; then those of its VIEW-CHANGE are false, each in another way. */
static bool fakes(struct liar *l, struct sending *s)
{
	static uint8_t tail[1 << 18];
	static struct certificate c;
	struct wr w = wr_of(tail, sizeof tail);
	bool any = false;
	if (s->e.type == BFT_WIRE_PROPOSAL || liar_proposes(l, s))
		return true;
	if (!liar_opens(l, s, PBFT_VIEW_CHANGE))
		return false;
	while (!rd_done(&l->tail)) {
		if (!certificate_read(&l->tail, &c))
			return false;
		if (c.kind == CERTIFICATE_PREPARED) {
			fake(&c, (uint32_t)((l->rng + c.seq) % 3));
			any = true;
		}
		w.at += certificate_encode(&c, w.at, (size_t)(w.end - w.at));
	}
	l->tail = rd_of(tail, wr_done(&w));
	if (!any)
		return false;
	liar_acts(l, "its VIEW-CHANGE shows certificates that prove nothing");
	return liar_closes(l, s);
}

/* ---- too much, all of it true ---- */

/* The same certificate by other q of those whose votes are here, `first` of all. False: there are no others. */
static bool by_others(struct liar *l, struct certificate *c, uint8_t first)
{
	static struct bft_votes votes;
	const struct driver *d = l->q->driver;
	const struct pbft *core = liar_core(l);
	const struct pbft_slot *slot = slot_find(core, c->seq);
	bft_mask by = 0;
	for (uint32_t k = 0; slot && k < core->n && mask_count(by) < core->q; k++) {
		uint8_t i = (uint8_t)((first + k) % core->n);
		const struct pbft_vote *v = slot_vote(core, slot, false, i);
		if (v->set && v->wire && v->view == c->view && digest_equal(&v->digest, &c->digest) && messages_at(d->messages, v->wire)->verified)
			by |= BFT_BIT(i);
	}
	bool enough = mask_count(by) == core->q;
	c->count = enough ? 0 : c->count;
	for (uint8_t i = 0; enough && i < core->n; i++) {
		if (!(by & BFT_BIT(i)))
			continue;
		const struct message *m = messages_at(d->messages, slot_vote(core, slot, false, i)->wire);
		enough = pbft_decode(PBFT_VOTES, &votes, m->body, m->core_bytes) > 0 &&
		         certificate_add(c, i, &votes, pbft_leader(core, c->view) == i ? BFT_LEAF_PRE_PREPARE : BFT_LEAF_PREPARE, &m->signature);
	}
	return enough;
}

static bool copies_otherwise(struct liar *l, struct wr *w, uint8_t first)
{
	static struct certificate c;
	bool any = false;
	while (!rd_done(&l->tail)) {
		const uint8_t *at = l->tail.at;
		if (!certificate_read(&l->tail, &c))
			return false;
		if (c.kind == CERTIFICATE_PREPARED && by_others(l, &c, first)) {
			w->at += certificate_encode(&c, w->at, (size_t)(w->end - w->at));
			any = true;
		} else {
			wr_bytes(w, at, (size_t)(l->tail.at - at));
		}
	}
	return any && !w->failed;
}

/* Certificates are not under a VIEW-CHANGE's signature: it is one message, and everybody checks another. As a leader it is mute, so that there is a view change. */
static bool bloats(struct liar *l, struct sending *s)
{
	static uint8_t tail[1 << 18];
	struct wr w = wr_of(tail, sizeof tail);
	if (s->e.type == BFT_WIRE_PROPOSAL || liar_proposes(l, s))
		return true;
	if (!liar_opens(l, s, PBFT_VIEW_CHANGE) || !copies_otherwise(l, &w, s->member))
		return false;
	l->tail = rd_of(tail, wr_done(&w));
	liar_acts(l, "its VIEW-CHANGE is proved to each by other votes");
	return liar_closes(l, s);
}

/* ---- epochs that never were ---- */

/* It changes its own key, which its organization signs; f+1 members are to have entered that epoch, and of them only the liar itself is true. */
static void invent(struct liar *l, struct epoch_link *link)
{
	const struct epoch_keys *now = &l->q->driver->chain->keys;
	struct rotate *r = &link->record.change.rotate;
	struct statement statement;
	struct signature own;
	struct secret_key fresh;
	uint8_t seed[32] = { 7 };
	uint32_t weak = (l->identity.genesis.count - 1) / 3 + 1;
	memset(link, 0, sizeof *link);
	link->record.epoch = now->epoch + 1;
	link->record.base = now->base + l->identity.genesis.limits.checkpoint_every * (1 + liar_random(l) % 50);
	link->record.change.kind = BUNDLE_ROTATE;
	*r = (struct rotate){ .epoch = now->epoch, .member = l->identity.self };
	seed[1] = (uint8_t)liar_random(l);
	sign_ed25519.keypair(&r->key, &fresh, seed);
	rotate_statement(&statement, r, DOMAIN_ROTATE, &l->identity.cluster);
	sign_ed25519.sign(&r->signature, &statement, &l->organization);
	rotate_statement(&statement, r, DOMAIN_ROTATE_OWN, &l->identity.cluster);
	sign_ed25519.sign(&r->own, &statement, &fresh);
	epoch_record_statement(&statement, &link->record, &l->identity.cluster);
	sign_ed25519.sign(&own, &statement, &l->identity.secret);
	for (uint8_t i = 0; link->count < weak && i < l->identity.genesis.count; i++)
		if (i != l->identity.self)
			epoch_link_add(link, i, &own);
}

/* Whoever hears of a later epoch asks for its link; it is shown beside each STATUS, asked for or not. */
static bool invents(struct liar *l, struct sending *s)
{
	static struct epoch_link link;
	static uint8_t bytes[EPOCH_LINK_BYTES_MAX];
	struct sending later = *s;
	if (!s->mine || s->e.type != PBFT_STATUS || !liar_core(l))
		return false;
	later.e.epoch = s->e.epoch + 1;
	l->body.suspect = (struct pbft_suspect){ .view = 0 };
	liar_says(l, &later, PBFT_SUSPECT, bytes, pbft_encode(PBFT_SUSPECT, &l->body, bytes, sizeof bytes));
	invent(l, &link);
	liar_says(l, s, BFT_WIRE_EPOCH, bytes, epoch_link_encode(&link, bytes, sizeof bytes));
	liar_acts(l, "it speaks of an epoch that never was, and shows how it began");
	return false;
}

const struct attack attacks_certificates[] = {
	{ "bad-new-view", "L90", BY_LEADER, "is the next to lead, and its NEW-VIEW drops, swaps or invents a re-proposal",
	  "What was decided in the last view is decided again as something else.",
	  "Each backup computes what follows from the VIEW-CHANGEs that it names, and refuses another; the bytes are proof. The next view follows.",
	  .to_member = bad_new_view, .needs = NEEDS_VIEW_CHANGE },
	{ "fake-prepared-cert", "L90", BY_LEADER, "proposes nothing, and its VIEW-CHANGE shows certificates of too few, of one twice, or of another epoch",
	  "Something that was never prepared is re-proposed over what was decided.",
	  "Each signature of a certificate is checked, its signers are different members of that epoch, and q: else the whole message is refused.",
	  .to_member = fakes },
	{ "bloated-view-change", "L90", BY_LEADER, "proposes nothing, and its VIEW-CHANGE is proved to each member by other votes, all of them true",
	  "Each certificate costs q checks, none of which was made before: the view change outlasts its timer.",
	  "Each signature of a member is checked once, ever; there are at most n for each slot of the window.", .to_member = bloats },
	{ "epoch-lie", "B97", BY_REPLICA, "f replicas speak of an epoch that never was, and show a change of key that began it",
	  "Who was away follows a chain that a liar made up.", "Each link is checked from the genesis on: f+1 members of the epoch before have signed it.",
	  .to_member = invents },
	{ 0 },
};
