/* Whatever others say, in whatever order, with crashes between: the core's facts hold, it holds what it passes on, and it never contradicts itself. Each seed is
 * a story of a few hundred steps with one core; first f of the others lie, then all of them, which no quorum survives and no fact may notice. */
#include "tests/rules/core_bed.h"

#include <stdio.h>

static uint64_t rng_state;

static uint64_t below(uint64_t n)
{
	rng_state ^= rng_state << 13;
	rng_state ^= rng_state >> 7;
	rng_state ^= rng_state << 17;
	return rng_state % n;
}

static struct digest either(void)
{
	return bed_digest(below(2));
}

static void noise_votes(struct bed *b, uint8_t from, bft_view view, bft_seq low)
{
	static struct bft_votes m;
	m.view = view;
	m.count = (uint16_t)(1 + below(3));
	for (uint16_t i = 0; i < m.count; i++) {
		uint8_t mine = from == view % b->n ? BFT_LEAF_PRE_PREPARE : BFT_LEAF_PREPARE;
		uint8_t kind = below(20) ? (below(2) ? mine : BFT_LEAF_COMMIT) : (uint8_t)(1 + below(3));
		m.leaf[i] = (struct bft_leaf){ .kind = kind, .seq = low + 1 + below(BED_W + 1), .digest = either() };
	}
	bed_say(b, from, PBFT_VOTES, &m);
}

static void noise_view_change(struct bed *b, uint8_t from, bft_view view, bft_seq low)
{
	struct pbft_view_change *m = &bed_body()->view_change;
	m->view = view + 1;
	m->stable = below(2) ? 0 : low;
	m->chain = b->cluster;
	if (below(2))
		m->prepared[m->count++] = (struct pbft_prepared){ .seq = m->stable + 1 + below(BED_W), .view = below(m->view), .digest = either() };
	bed_say(b, from, PBFT_VIEW_CHANGE, m);
	free(m);
}

/* Of what the core holds: true, or with some part wrong. */
static void noise_new_view(struct bed *b, bft_view view)
{
	const struct pbft *p = (const struct pbft *)b->core;
	const struct pbft_view_change *vcs[BFT_MEMBERS_MAX];
	bool whole = true;
	if (view == 0 || view % b->n == b->self)
		return;
	struct pbft_new_view *m = &bed_body()->new_view;
	m->chain = b->cluster;
	for (uint8_t i = 0; i < b->q; i++) {
		m->source[i].member = i;
		m->source[i].digest = view_change_meta(p, i)->digest;
		vcs[i] = view_change_of(p, i);
		whole &= view_change_meta(p, i)->set;
	}
	if (whole && below(3))
		new_view_select(vcs, b->q, &b->null, BED_W, m);
	m->view = view;
	m->sources_count = (uint8_t)b->q;
	bed_say(b, (uint8_t)(view % b->n), PBFT_NEW_VIEW, m);
	free(m);
}

static void noise_checkpoint(struct bed *b, uint8_t from, bft_seq low)
{
	bft_seq seq = (low / BED_K + 1 + below(3)) * BED_K;
	bed_checkpoint(b, from, seq, below(3) && seq <= b->executed ? b->chain[seq] : either());
}

static void noise_recall(struct bed *b, uint8_t from)
{
	struct pbft_recall m = { .stable = 0 };
	bed_say_as(b, from, below(2) ? PBFT_RECALL : PBFT_RECALL_DONE, &m, BFT_AUTH_CHANNEL);
}

static void noise_message(struct bed *b, uint8_t from)
{
	bft_seq low = bed_standing(b).low;
	bft_view view = bed_standing(b).view + below(3) * below(2);
	view -= view && below(4) == 0;
	struct bft_snapshot snapshot = { .seq = BED_K * (1 + below(9)), .chain = either(), .root = either() };
	switch (below(10)) {
	case 0: bed_suspect(b, from, view, below(2)); break;
	case 1: noise_view_change(b, from, view, low); break;
	case 2: noise_new_view(b, view); break;
	case 3: noise_checkpoint(b, from, low); break;
	case 4: bed_status(b, from, view, low + BED_K * below(2), below(30)); break;
	case 5: noise_recall(b, from); break;
	case 6: bed_say(b, from, PBFT_SNAPSHOT, &snapshot); break;
	default: noise_votes(b, from, view, low);
	}
}

/* The others as they would be without liars: the cluster gets on. */
static void progress(struct bed *b)
{
	bft_seq seq = bed_standing(b).executed + 1, stable = bed_standing(b).executed / BED_K * BED_K;
	if (below(2) && seq < BED_SEQ_MAX && bed_standing(b).view % b->n != b->self)
		bed_decide(b, bed_standing(b).view, seq, either());
	else if (stable)
		bed_make_stable(b, stable);
}

static void noise_step(struct bed *b, uint32_t liars)
{
	if (b->seen_count > BED_SEEN_MAX / 2)
		bed_forget(b);
	switch (below(16)) {
	case 0: bed_held(b, either(), b->wall_ms + below(3 * BED_DRIFT_MS), below(8) != 0); break;
	case 1: bed_tick(b, below(BED_TIMEOUT_MS)); break;
	case 2: bed_request(b, 1, below(9), bed_digest(20 + below(9))); break;
	case 3:
		b->durable = below(3) != 0;
		if (b->durable)
			bed_flush(b);
		break;
	case 4: b->execute = below(3) != 0; break;
	case 5:
		if (below(10) == 0) {
			bed_restart(b, b->executed, BFT_RECOVERY_WHOLE);
			bed_join(b);
		}
		break;
	case 6:
	case 7: progress(b); break;
	default: noise_message(b, bed_other(b, (uint32_t)below(liars), BED_ALL));
	}
}

static void stories(bool all)
{
	for (uint64_t seed = 1; seed <= 300; seed++) {
		rng_state = seed * 0x9E3779B97F4A7C15u;
		uint32_t n = 4 + (uint32_t)below(5);
		struct bed *b = bed_new(n, (uint8_t)below(n));
		unsigned failures = CU_get_number_of_failures();
		for (int step = 0; step < 250; step++)
			noise_step(b, all ? n - 1 : b->weak - 1);
		if (CU_get_number_of_failures() != failures)
			printf("seed %llu, %s\n", (unsigned long long)seed, all ? "all lie" : "f lie");
		bed_free(b);
	}
}

static void f_liars(void)
{
	stories(false);
}

static void everybody_lies(void)
{
	stories(true);
}

int main(void)
{
	static const struct unit_case cases[] = {
		{ "f liars", f_liars },
		{ "everybody lies", everybody_lies },
		{ 0 },
	};
	return unit_main("noise", cases);
}
