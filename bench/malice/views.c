/* What is said about views and checkpoints: views that nobody asked for, what was prepared left out, two beginnings of one view, digests that are false. */
#include "bench/malice/malice.h"
#include "bft/certificate.h"
#include "bft/pbft/pbft.h"

#include <string.h>

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

/* ---- two NEW-VIEWs ---- */

/* What members of odd number are told, in the view that it leads next. */
static struct {
	struct pbft_view_change change;
	struct digest change_digest;
	struct pbft_new_view begun;
} other;

static bool leads_in(const struct pbft *core, bft_view view)
{
	return pbft_leader(core, view) == core->self;
}

/* The last certificate is the one of the last thing that it prepared. */
static bool leave_out_the_last(struct pbft_view_change *m, struct rd *tail)
{
	static struct certificate c;
	struct rd r = *tail;
	const uint8_t *last = r.at;
	while (!rd_done(&r)) {
		last = r.at;
		if (!certificate_read(&r, &c))
			return false;
	}
	if (!m->count || r.at == tail->at || c.kind != CERTIFICATE_PREPARED || c.seq != m->prepared[m->count - 1].seq)
		return false;
	*tail = rd_of(tail->at, (size_t)(last - tail->at));
	m->count--;
	return true;
}

/* Its own VIEW-CHANGE is two: so are the sets of q that it can name, also when no more than q members have sent one. */
static bool changes_otherwise(struct liar *l, struct sending *s)
{
	static uint8_t bytes[1 << 16];
	struct pbft_view_change *m = &l->body.view_change;
	if (!leads_in(liar_core(l), m->view) || !leave_out_the_last(m, &l->tail))
		return false;
	other.change = *m;
	pbft_body_digest(&other.change_digest, PBFT_VIEW_CHANGE, bytes, pbft_encode(PBFT_VIEW_CHANGE, &l->body, bytes, sizeof bytes));
	return liar_closes(l, s);
}

static bft_mask sources_of(const struct pbft_new_view *m)
{
	bft_mask sources = 0;
	for (uint8_t k = 0; k < m->sources_count; k++)
		sources |= BFT_BIT(m->source[k].member);
	return sources;
}

/* Another q of those whose VIEW-CHANGEs are here: one that was not named, in the place of one that was. */
static bft_mask another_q(const struct pbft *core, const struct pbft_new_view *m)
{
	bft_mask sources = sources_of(m), rest = view_change_mask(core, m->view) & ~sources, named = sources & ~BFT_BIT(core->self);
	return rest && named ? (sources & ~(named & -named)) | (rest & -rest) : sources;
}

/* What follows from them follows: a valid NEW-VIEW. False: there is but one set. */
static bool begin_otherwise(const struct pbft *core, const struct pbft_new_view *m)
{
	const struct pbft_view_change *from[BFT_MEMBERS_MAX];
	bft_mask sources = another_q(core, m);
	struct pbft_new_view *o = &other.begun;
	bool two_of_mine = other.change.view == m->view;
	if (!two_of_mine && sources == sources_of(m))
		return false;
	*o = (struct pbft_new_view){ .view = m->view };
	for (uint8_t i = 0; i < core->n; i++) {
		bool mine = i == core->self && two_of_mine;
		if (!(sources & BFT_BIT(i)))
			continue;
		from[o->sources_count] = mine ? &other.change : view_change_of(core, i);
		o->source[o->sources_count].member = i;
		o->source[o->sources_count++].digest = mine ? other.change_digest : view_change_meta(core, i)->digest;
	}
	new_view_select(from, o->sources_count, &core->null_digest, core->limits.window, o);
	return true;
}

static bool begins_otherwise(struct liar *l, struct sending *s)
{
	struct pbft_new_view *m = &l->body.new_view;
	if (!leads_in(liar_core(l), m->view) || (other.begun.view != m->view && !begin_otherwise(liar_core(l), m)))
		return false;
	*m = other.begun;
	liar_acts(l, "it begins one view with two NEW-VIEWs, each of which follows from q VIEW-CHANGEs");
	return liar_closes(l, s);
}

/* Its leaves are those of the NEW-VIEW that was told. */
static bool proposes_as_begun(struct liar *l, struct sending *s)
{
	const struct pbft_new_view *o = &other.begun;
	struct bft_votes *v = &l->body.votes;
	bool any = false;
	for (uint16_t i = 0; i < v->count && v->view == o->view; i++) {
		struct bft_leaf *leaf = &v->leaf[i];
		if (leaf->kind != BFT_LEAF_PRE_PREPARE || leaf->seq <= o->stable || leaf->seq - o->stable > o->count)
			continue;
		any |= !digest_equal(&leaf->digest, &o->digest[leaf->seq - o->stable - 1]);
		leaf->digest = o->digest[leaf->seq - o->stable - 1];
	}
	return any && liar_closes(l, s);
}

static bool two_new_views(struct liar *l, struct sending *s)
{
	if (!(s->member % 2))
		return false;
	if (liar_opens(l, s, PBFT_VIEW_CHANGE))
		return changes_otherwise(l, s);
	if (liar_opens(l, s, PBFT_NEW_VIEW))
		return begins_otherwise(l, s);
	return other.begun.view && liar_proposes(l, s) && proposes_as_begun(l, s);
}

static void one_new_view(struct liar *l)
{
	(void)l;
	memset(&other, 0, sizeof other);
}

const struct attack attacks_views[] = {
	{ "view-change-spam", "B97", BY_REPLICA, "f replicas ask for the next eight views, and for one at 2^40, twice a second",
	  "Whoever follows the highest view that is named leaves the view that works; or keeps them all until memory is gone.",
	  "One is kept for each member, and only what f+1 ask for counts.", .to_member = spam },
	{ "hide-prepared", "L90", BY_LEADER, "proposes nothing, and its VIEW-CHANGE leaves out what it had prepared",
	  "What was decided and answered is forgotten in the new view.",
	  "Any q VIEW-CHANGEs hold one of an honest member that shows it; and the COMMIT it signed is proof against it.", .to_member = hides },
	{ "equivocating-new-view", "L90", BY_LEADER,
	  "is the next to lead, and begins its view with two valid NEW-VIEWs from two sets of q VIEW-CHANGEs, the second for members of odd number",
	  "Each half re-proposes other things, and what was decided in the last view is decided again as something else.",
	  "What was decided is shown by any q VIEW-CHANGEs, so both NEW-VIEWs have it; the rest needs q PREPAREs for one digest. Who sees both has proof, and "
	  "suspects at once.",
	  .to_member = two_new_views, .ends = one_new_view, .needs = NEEDS_VIEW_CHANGE },
	{ "checkpoint-lie", "B97", BY_REPLICA, "f replicas sign checkpoints and snapshots with a false digest",
	  "Checkpoints never become stable, or a false one does.", "q of the others make it stable, and the liar's word is kept beside it.",
	  .to_member = checkpoint_lie },
	{ 0 },
};
