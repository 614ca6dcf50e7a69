/* What is said about views and checkpoints: views that nobody asked for, what was prepared left out, digests that are false. */
#include "bench/malice/malice.h"
#include "bft/certificate.h"

/* Beside a STATUS: for the next views, and for one that nobody will see. */
static bool spam(struct liar *l, struct sending *s)
{
	uint8_t body[256];
	if (!liar_opens(l, s, PBFT_STATUS))
		return false;
	uint64_t view = l->body.status.view;
	for (uint64_t k = 1; k <= 8; k++) {
		memset(&l->body, 0, sizeof l->body);
		l->body.view_change.view = k == 8 ? 1ull << 40 : view + k;
		size_t n = pbft_encode(PBFT_VIEW_CHANGE, &l->body, body, sizeof body);
		if (n)
			liar_says(l, s, PBFT_VIEW_CHANGE, body, n);
		l->body.suspect = (struct pbft_suspect){ view + k - 1, 1 };
		n = pbft_encode(PBFT_SUSPECT, &l->body, body, sizeof body);
		if (n)
			liar_says(l, s, PBFT_SUSPECT, body, n);
	}
	liar_acts(l, "it asks for one view after the other");
	return false;
}

/* The stable checkpoint's certificate stands first; those of what was prepared go. As a leader it is mute, so that there is a view change. */
static bool hides(struct liar *l, struct sending *s)
{
	static struct certificate c;
	if (s->e.type == BFT_WIRE_PROPOSAL || liar_proposes(l, s))
		return true;
	if (!liar_opens(l, s, PBFT_VIEW_CHANGE) || !l->body.view_change.count)
		return false;
	struct rd r = l->tail;
	bool stable = certificate_read(&r, &c) && c.kind == CERTIFICATE_CHECKPOINT;
	l->tail = rd_of(l->tail.at, stable ? (size_t)(r.at - l->tail.at) : 0);
	l->body.view_change.count = 0;
	liar_acts(l, "its VIEW-CHANGE hides what it prepared");
	return liar_closes(l, s);
}

static bool checkpoint_lie(struct liar *l, struct sending *s)
{
	if (liar_opens(l, s, PBFT_CHECKPOINT))
		l->body.checkpoint.chain.b[0] ^= 1;
	else if (liar_opens(l, s, PBFT_SNAPSHOT))
		l->body.snapshot.root.b[0] ^= 1;
	else
		return false;
	liar_acts(l, "it signs false checkpoints");
	return liar_closes(l, s);
}

const struct attack attacks_views[] = {
	{ "view-change-spam", "B97", BY_REPLICA, "f replicas ask for the next eight views, and for one at 2^40, twice a second",
	  "Whoever follows the highest view that is named leaves the view that works; or keeps them all until memory is gone.",
	  "One is kept for each member, and only what f+1 ask for counts.", .to_member = spam },
	{ "hide-prepared", "L90", BY_LEADER, "proposes nothing, and its VIEW-CHANGE leaves out what it had prepared",
	  "What was decided and answered is forgotten in the new view.",
	  "Any q VIEW-CHANGEs hold one of an honest member that shows it; and the COMMIT it signed is proof against it.", .to_member = hides },
	{ "checkpoint-lie", "B97", BY_REPLICA, "f replicas sign checkpoints and snapshots with a false digest",
	  "Checkpoints never become stable, or a false one does.", "q of the others make it stable, and the liar's word is kept beside it.",
	  .to_member = checkpoint_lie },
	{ 0 },
};
