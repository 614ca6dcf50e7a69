/* A leader that proposes little at a time (docs/protocol.md, "A slow leader"): each slot costs everybody its signatures and flushes, and how long requests wait then is no longer
 * than where replicas are short of CPU. A correct one proposes as much as is under way (propose.c), so what it had under way when it proposed is what it is judged by. */
#include "bft/pbft/pbft.h"

/* Decided, as far as the leader can know: each COMMIT that it needed, from f honest ones at least, was on its way to me as well, and came here about when what it proposed then did. */
static bool settled(const struct pbft *p, const struct pbft_slot *s)
{
	bft_mask own = BFT_BIT(p->self) | BFT_BIT(pbft_leader(p, p->view));
	return s->committed || mask_count(slot_voters(p, s, true, p->view, &s->digest) & ~own) >= p->weak - 1;
}

/* Requests in what is proposed and not settled, without those at `seq`. No further than `most` matters. In whatever order its proposals come. */
static uint32_t under_way(const struct pbft *p, bft_seq seq, uint32_t most)
{
	uint32_t sum = 0;
	for (bft_seq i = p->thin.top; i > p->executed && sum <= most; i--) {
		const struct pbft_slot *s = slot_find(p, i);
		if (i == seq || !s || !s->proposed || s->required)
			continue;
		if (settled(p, s))
			break;
		sum += s->requests;
	}
	return sum;
}

static void window_ends(struct pbft *p)
{
	struct pbft_thin *t = &p->thin;
	t->windows = (uint16_t)(t->windows << 1 | (2 * t->thin > t->judged));
	t->slow = mask_count(t->windows) >= THIN_WINDOWS;
	t->judged = t->thin = 0;
	t->window_ms = p->mono_ms;
}

static bool full(const struct pbft *p, const struct pbft_slot *s, uint32_t bytes)
{
	return s->requests >= p->limits.proposal_bundles_max || bytes > p->limits.proposal_bytes_max / 2; /* the next one may have been as large */
}

void thin_held(struct pbft *p, const struct pbft_slot *s, uint32_t bytes)
{
	struct pbft_thin *t = &p->thin;
	if (p->mode != PBFT_NORMAL || pbft_leader(p, p->view) == p->self || !s->proposed || s->required || s->requests == 0)
		return;
	t->top = s->seq > t->top ? s->seq : t->top;
	if (s->committed || pbft_behind(p))
		return;
	uint32_t most = (THIN_TIMES * s->requests) << p->pace.level;
	t->judged++;
	t->thin += !full(p, s, bytes) && under_way(p, s->seq, most) > most;
	/* By windows: a replica that was away for a while finds in one what the leader proposed meanwhile, and nothing of what was decided. */
	if (p->mono_ms >= t->window_ms + THIN_WINDOW_MS && t->judged >= THIN_WINDOW_COUNT)
		window_ends(p);
}

void thin_enter_view(struct pbft *p)
{
	p->thin = (struct pbft_thin){ .window_ms = p->mono_ms };
}
