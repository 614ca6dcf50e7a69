/* tests/rules/bed/stories.h - what takes many steps: a decision, a stable checkpoint, a change of views. */
#ifndef TESTS_RULES_BED_STORIES_H
#define TESTS_RULES_BED_STORIES_H
#include "tests/rules/bed/seen.h"
#include "tests/rules/bed/starts.h"

/* The i-th of the others, in the order of members, skipping `not` (BED_ALL: nobody). */
static inline uint8_t bed_other(const struct bed *b, uint32_t i, uint32_t not )
{
	for (uint32_t m = 0; m < b->n; m++)
		if (bed_others(b, m) && m != not &&i-- == 0)
			return (uint8_t)m;
	abort();
}

/* Prepared by q, so that the core decides COMMIT; nobody else commits. */
static inline void bed_make_prepared(struct bed *b, bft_view view, bft_seq seq, struct digest d)
{
	uint8_t leader = bed_leader(b, view);
	bed_pre_prepare(b, view, seq, d);
	bed_held(b, d, 0, true);
	for (uint32_t i = 0; i < b->n; i++)
		if (bed_others(b, i) && i != leader)
			bed_prepare(b, (uint8_t)i, view, seq, d);
}

/* The core backs `view`; everybody proposes, prepares and commits `d` at `seq`, and it is executed (with `bodies` or HELD before). */
static inline void bed_decide(struct bed *b, bft_view view, bft_seq seq, struct digest d)
{
	bed_make_prepared(b, view, seq, d);
	for (uint32_t i = 0; i < b->n; i++)
		if (bed_others(b, i))
			bed_commit(b, (uint8_t)i, view, seq, d);
}

/* Everybody else prepares and commits what the core, which leads view 0, proposed for `seq`. */
static inline void bed_others_decide(struct bed *b, bft_seq seq)
{
	const struct bft_effect *leaf = bed_leaf(b, BFT_LEAF_PRE_PREPARE, seq);
	BED_CHECK(leaf != NULL);
	struct digest d = bed_leaf_in(leaf).digest;
	for (uint8_t i = 0; i < b->n; i++)
		if (bed_others(b, i))
			bed_prepare(b, i, 0, seq, d);
	for (uint8_t i = 0; i < b->n; i++)
		if (bed_others(b, i))
			bed_commit(b, i, 0, seq, d);
	BED_CHECK(bed_standing(b).executed >= seq);
}

/* Everybody else says the core's own chain at `seq`; the core executed it. */
static inline void bed_make_stable(struct bed *b, bft_seq seq)
{
	for (uint32_t i = 0; i < b->n; i++)
		if (bed_others(b, i))
			bed_checkpoint(b, (uint8_t)i, seq, b->chain[seq]);
}

/* f+1 others leave `view`: the core sends its VIEW-CHANGE for the next. */
static inline void bed_leave(struct bed *b, bft_view view)
{
	for (uint32_t i = 0; i < b->weak; i++)
		bed_suspect(b, bed_other(b, i, BED_ALL), view, true);
}

/* VIEW-CHANGEs as others send them. */
struct bed_changes {
	struct pbft_view_change *of[BFT_MEMBERS_MAX]; /* NULL: does not take part */
	struct digest digest[BFT_MEMBERS_MAX];
};

static inline struct bed_changes *bed_changes_new(const struct bed *b, bft_view view, uint32_t count)
{
	struct bed_changes *c = bed_alloc(sizeof *c);
	/* From the highest member down, so that it is never by accident the first ones. */
	for (uint32_t i = b->n; i-- && count;) {
		if (!bed_others(b, i))
			continue;
		count--;
		c->of[i] = &bed_body()->view_change;
		c->of[i]->view = view;
		c->of[i]->chain = b->cluster;
	}
	return c;
}

static inline void bed_changes_free(struct bed_changes *c)
{
	for (uint32_t i = 0; i < BFT_MEMBERS_MAX; i++)
		free(c->of[i]);
	free(c);
}

static inline void bed_changes_prepared(struct bed_changes *c, uint32_t member, bft_seq seq, bft_view view, struct digest d)
{
	struct pbft_view_change *m = c->of[member];
	m->prepared[m->count++] = (struct pbft_prepared){ .seq = seq, .view = view, .digest = d };
}

static inline void bed_changes_say(struct bed *b, struct bed_changes *c)
{
	for (uint32_t i = 0; i < b->n; i++)
		if (c->of[i])
			bed_say(b, (uint8_t)i, PBFT_VIEW_CHANGE, c->of[i]);
}

/* The NEW-VIEW that an honest leader makes of them, or of them and the core's own. The caller frees. */
static inline struct pbft_new_view *bed_new_view_from(const struct bed *b, struct bed_changes *c)
{
	struct pbft_new_view *m = &bed_body()->new_view;
	const struct pbft_view_change *vcs[BFT_MEMBERS_MAX];
	uint32_t count = 0;
	for (uint32_t i = 0; i < b->n; i++) {
		if (!c->of[i])
			continue;
		bed_digest_of(&c->digest[i], PBFT_VIEW_CHANGE, c->of[i]);
		vcs[count++] = c->of[i];
		m->view = c->of[i]->view;
		m->source[m->sources_count].member = (uint8_t)i;
		m->source[m->sources_count++].digest = c->digest[i];
	}
	new_view_select(vcs, count, &b->null, b->limits.window, m);
	return m;
}

/* The core goes to `view` with nothing re-proposed: q others change, the leader among them. */
static inline void bed_enter_view(struct bed *b, bft_view view)
{
	struct bed_changes *c = bed_changes_new(b, view, b->q);
	struct pbft_new_view *m = bed_new_view_from(b, c);
	bed_changes_say(b, c);
	bed_say(b, bed_leader(b, view), PBFT_NEW_VIEW, m);
	bed_changes_free(c);
	free(m);
}
#endif
