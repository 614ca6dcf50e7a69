/* A PBFT core among members that say anything well-formed, in any order and all of them at once, which is worse than any f can do; its disk, its bodies and its execution answer when the
 * input says so, and it starts anew from its log. Whatever they say: its own facts hold, it never says two things for one place, what is refused changes nothing, and it keeps the driver's
 * contract. Small numbers, so that they meet. */
#include "tests/fuzz/fuzz.h"

#define BED_CHECK FUZZ_CHECK
#define BED_SEEN_MAX 4096u /* it is forgotten after each step */
#include "tests/rules/core_bed.h"

#define MEMBERS 4u
#define SELF 1u
#define WINDOW 8u
#define STEPS_MAX 600u

struct story {
	struct rd r;
	struct bed *b;
	struct digest view_change[MEMBERS], wanted[64]; /* the last that each said; what was to be fetched */
	uint32_t seen, wanted_next;
	bft_seq pending, highest; /* a border, fixed once; what was shown to be prepared or stable: where a border is, no q members say so beyond it */
	bool over;
};

static uint8_t small(struct story *s, uint8_t below)
{
	uint8_t v = 0;
	s->over |= !rd_u8(&s->r, &v);
	return (uint8_t)(v % below);
}

static bool provable(struct story *s, bft_seq seq)
{
	if (s->pending && seq > s->pending)
		return false;
	s->highest = seq > s->highest ? seq : s->highest;
	return true;
}

static struct digest proposal_at(struct story *s, bft_seq seq)
{
	uint8_t which = small(s, 4);
	return which == 3 ? s->b->null : bed_digest(10000u * which + seq);
}

/* What I executed, or something that nobody did. */
static struct digest chain_at(struct story *s, bft_seq seq)
{
	return seq <= s->b->executed && small(s, 8) ? s->b->chain[seq] : bed_digest(3000000u + seq + small(s, 2));
}

/* ---- what others say ---- */

static void fill_view_change(struct story *s, struct pbft_view_change *m)
{
	bft_seq seq = m->stable = (bft_seq)small(s, 4) * BED_K;
	m->view = 1u + small(s, 5);
	m->chain = m->stable ? chain_at(s, m->stable) : s->b->cluster;
	m->count = small(s, 4);
	for (uint16_t i = 0; i < m->count; i++) {
		seq += 1u + small(s, 3);
		m->prepared[i] = (struct pbft_prepared){ .seq = seq, .view = small(s, (uint8_t)m->view), .digest = proposal_at(s, seq) };
	}
}

static void fill_new_view(struct story *s, struct pbft_new_view *m)
{
	m->view = 1u + small(s, 5);
	m->stable = (bft_seq)small(s, 4) * BED_K;
	m->chain = m->stable ? chain_at(s, m->stable) : s->b->cluster;
	for (uint8_t i = 0; i < MEMBERS; i++)
		if (small(s, 4)) {
			m->source[m->sources_count].member = i;
			m->source[m->sources_count++].digest = s->view_change[i];
		}
	m->count = small(s, 4);
	for (uint16_t i = 0; i < m->count; i++)
		m->digest[i] = proposal_at(s, m->stable + 1 + i);
}

/* What a certificate of members proves that may all lie: it goes on from what I executed, and sometimes with results that I do not have. */
static void fill_chain(struct story *s, struct bft_chain *m)
{
	bft_seq done = s->b->executed;
	*m = (struct bft_chain){ .from = done + 1, .count = (uint16_t)(BED_K - done % BED_K), .end = done / BED_K * BED_K + BED_K, .chain = s->b->chain[done] };
	bool lie = small(s, 8) == 0;
	for (uint16_t i = 0; i < m->count; i++) {
		struct digest next;
		m->entry[i].proposal = proposal_at(s, m->from + i);
		m->entry[i].results = bed_results(m->from + i + lie);
		chain_next(&next, &m->chain, m->from + i, &m->entry[i].proposal, &m->entry[i].results);
		m->chain = next;
	}
	if (small(s, 8) == 0)
		m->count = 0;
}

static void fill(struct story *s, uint16_t type, union pbft_body *m)
{
	switch ((enum pbft_type)type) {
	case PBFT_VOTES:
		m->votes.view = small(s, 5);
		m->votes.count = 1u + small(s, 4);
		for (uint16_t i = 0; i < m->votes.count; i++) {
			bft_seq seq = s->b->executed / BED_K * BED_K + small(s, 2 * WINDOW);
			m->votes.leaf[i] = (struct bft_leaf){ .kind = (uint8_t)(1 + small(s, 3)), .seq = seq, .digest = proposal_at(s, seq) };
		}
		break;
	case PBFT_SUSPECT: m->suspect = (struct pbft_suspect){ .view = small(s, 6), .standing = small(s, 2) }; break;
	case PBFT_VIEW_CHANGE: fill_view_change(s, &m->view_change); break;
	case PBFT_NEW_VIEW: fill_new_view(s, &m->new_view); break;
	case PBFT_CHECKPOINT:
	case PBFT_STABLE:
	case PBFT_SNAPSHOT:
		m->checkpoint.seq = s->b->executed / BED_K * BED_K + (bft_seq)small(s, 4) * BED_K;
		m->checkpoint.chain = chain_at(s, m->checkpoint.seq);
		if (type == PBFT_SNAPSHOT)
			m->snapshot.root = bed_digest(77u + small(s, 2));
		break;
	case PBFT_STATUS:
		m->status = (struct pbft_status){ .view = small(s, 6),
			                          .flags = small(s, 16),
			                          .low = (bft_seq)small(s, 6) * BED_K,
			                          .executed = small(s, 40),
			                          .view_changes = small(s, 16),
			                          .checkpoints = small(s, 16),
			                          .snapshot = (bft_seq)small(s, 6) * BED_K,
			                          .snapshots = small(s, 16),
			                          .count = small(s, WINDOW + 1) };
		for (uint16_t i = 0; i < m->status.count; i++) {
			m->status.open[i].prepares = small(s, 16);
			m->status.open[i].commits = small(s, 16);
		}
		break;
	case PBFT_RECALL:
	case PBFT_RECALL_DONE: m->recall.stable = (bft_seq)small(s, 4) * BED_K; break;
	case PBFT_FETCH_VIEW_CHANGE: m->fetch_view_change.digest = s->view_change[small(s, MEMBERS)]; break;
	case PBFT_FETCH_CHAIN: m->fetch_chain.from = small(s, 40); break;
	case PBFT_CHAIN: fill_chain(s, &m->chain); break;
	case PBFT_PASS_OVER: m->pass_over.member = small(s, MEMBERS); break;
	case PBFT_TYPE_END: break;
	}
}

/* Up to where its certificates reach. */
static bft_seq proves(uint16_t type, const union pbft_body *m)
{
	const struct pbft_view_change *vc = &m->view_change;
	switch (type) {
	case PBFT_VIEW_CHANGE: return vc->count ? vc->prepared[vc->count - 1].seq : vc->stable;
	case PBFT_CHECKPOINT:
	case PBFT_STABLE: return m->checkpoint.seq;
	case PBFT_CHAIN: return m->chain.end;
	default: return 0;
	}
}

static void hear(struct story *s)
{
	static const uint16_t types[] = { PBFT_VOTES,       PBFT_VOTES,       PBFT_VOTES,       PBFT_VOTES,       PBFT_VOTES,
		                          PBFT_SUSPECT,     PBFT_VIEW_CHANGE, PBFT_VIEW_CHANGE, PBFT_NEW_VIEW,    PBFT_CHECKPOINT,
		                          PBFT_SNAPSHOT,    PBFT_STATUS,      PBFT_RECALL,      PBFT_RECALL_DONE, PBFT_FETCH_VIEW_CHANGE,
		                          PBFT_FETCH_CHAIN, PBFT_CHAIN,       PBFT_STABLE,      PBFT_PASS_OVER };
	static union pbft_body m, body;
	static uint8_t bytes[65536];
	static const uint8_t others[] = { 0, 2, 3 };
	uint8_t from = others[small(s, sizeof others)];
	uint16_t type = types[small(s, sizeof types / sizeof types[0])];
	memset(&m, 0, sizeof m);
	fill(s, type, &m);
	size_t n = pbft_encode(type, &m, bytes, sizeof bytes);
	if (n == 0 || !provable(s, proves(type, &m)) || pbft_decode(type, &body, bytes, n) != n || bft_pbft.screen(s->b->core, from, type, &body) != BFT_ACCEPT)
		return;
	if (type == PBFT_VIEW_CHANGE)
		bed_digest_of(&s->view_change[from], type, &body);
	bed_say_as(s->b, from, type, &body, pbft_needs(type, &body));
}

/* ---- what happens here ---- */

static void restart(struct story *s)
{
	if (s->pending)
		return; /* the next epoch may have begun in the log: the driver's part */
	bed_flush(s->b);
	bed_restart(s->b, s->b->executed, small(s, 4) ? BFT_RECOVERY_WHOLE : BFT_RECOVERY_LOST);
	s->seen = 0;
}

static void snapshot(struct story *s)
{
	bft_seq seq = s->b->executed / BED_K * BED_K;
	struct bft_event e = { .kind = BFT_EV_SNAPSHOT, .seq = seq, .digest = s->b->chain[seq], .root = bed_digest(77) };
	if (seq)
		bed_step(s->b, &e);
}

/* A state that others certified: what was handed over for executing below it ends. */
static void install(struct story *s)
{
	bft_seq seq = s->b->executed / BED_K * BED_K + (1u + small(s, 4)) * BED_K;
	struct bft_event e = { .kind = BFT_EV_INSTALLED, .seq = seq, .digest = bed_digest(3000000u + seq), .ref = ++s->b->next_ref };
	if (s->b->executing_count || !provable(s, seq))
		return;
	s->b->chain[seq] = e.digest;
	s->b->executed = seq;
	bed_step(s->b, &e);
}

/* Where no slot in flight can pass it, as execution fixes it. */
static void border(struct story *s)
{
	bft_seq seq = (s->b->executed + WINDOW + BED_K - 1) / BED_K * BED_K;
	if (s->pending || s->b->executed == 0 || s->highest > seq)
		return;
	s->pending = seq;
	struct bft_event e = { .kind = BFT_EV_EPOCH, .seq = s->pending, .members = mask_all(MEMBERS), .signers = 3 };
	bed_step(s->b, &e);
}

static void live(struct story *s)
{
	struct bed *b = s->b;
	switch (small(s, 20)) {
	case 0: bed_tick(b, small(s, 250)); break;
	case 1: bed_tick(b, 10u * small(s, 250)); break;
	case 2: b->durable = small(s, 2); break;
	case 3: bed_flush(b); break;
	case 4:
		if (s->wanted_next)
			bed_held(b, s->wanted[small(s, 64) % s->wanted_next % 64], small(s, 4) ? 0 : b->wall_ms + 50u * small(s, 4), small(s, 16) != 0);
		break;
	case 5: b->bodies = small(s, 2); break;
	case 6: b->execute = small(s, 2); break;
	case 7:
		if (b->executing_count)
			bed_executed(b);
		break;
	case 8: {
		uint64_t number = small(s, 20);
		if (b->ends_count < sizeof b->ends / sizeof b->ends[0] && small(s, 2))
			b->ends[b->ends_count++] = (struct bft_request_id){ 1u + small(s, 2), small(s, 20) };
		bed_request_as(b, 1u + small(s, 2), number, bed_digest(5000000u + number), small(s, 2));
		break;
	}
	case 9: bed_link(b, (uint8_t)(SELF + 1 + small(s, MEMBERS - 1)) % MEMBERS, small(s, 2)); break;
	case 10: {
		struct bft_event e = { .kind = BFT_EV_FILL, .seq = small(s, 40) };
		bed_step(b, &e);
		break;
	}
	case 11:
		switch (small(s, 8)) {
		case 0: restart(s); break;
		case 1: snapshot(s); break;
		case 2: install(s); break;
		case 3: border(s); break;
		case 4: {
			struct bft_event e = { .kind = BFT_EV_READ, .id = { 0, small(s, 200) } };
			bed_step(b, &e);
			break;
		}
		default: b->rtt_us = 1000u * small(s, 20); break;
		}
		break;
	default: hear(s); break;
	}
}

/* What is to be fetched, and what ends the story. */
static void look(struct story *s)
{
	struct bed *b = s->b;
	FUZZ_CHECK(bft_pbft.deadline(b->core) > 0 && bed_standing(b).executed == b->executed);
	for (; s->seen < b->seen_count; s->seen++) {
		const struct bft_effect *e = &b->seen[s->seen];
		if (e->kind == BFT_FX_FETCH)
			s->wanted[s->wanted_next++ % 64] = e->digest;
		s->over |= e->kind == BFT_FX_HALT || e->kind == BFT_FX_ACTIVATE;
	}
	bed_forget(b);
	s->seen = 0;
	s->over |= b->executed + 2 * WINDOW + 4 * BED_K >= BED_SEQ_MAX || b->log_count > 2000 || b->own_count > 2000 || b->said_count > 4000 ||
	           b->holds_count > 2000;
}

/* One bed lives many lives: its blocks are large. */
static struct bed *again(const struct bft_limits *limits)
{
	static struct bed *b;
	if (!b)
		return b = bed_new_with(limits, SELF);
	bed_end(b);
	b->holds_count = b->own_first = b->own_count = b->log_count = b->said_count = b->executing_first = b->executing_count = 0;
	b->next_ref = b->last_ref = b->rtt_us = 0;
	b->durable_lsn = b->executed = b->ends_count = 0;
	b->bodies = false;
	bed_begin(b, limits, SELF);
	return b;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	static struct story s;
	struct bft_limits limits = bed_limits(MEMBERS);
	limits.window = WINDOW;
	limits.executing_max = 4;
	s = (struct story){ .r = rd_of(bytes, n) };
	s.b = again(&limits);
	if (small(&s, 4))
		bed_get_ready(s.b);
	else
		bed_start(s.b, small(&s, 2) ? BFT_RECOVERY_WHOLE : BFT_RECOVERY_LOST);
	for (uint32_t i = 0; i < STEPS_MAX && !s.over; i++) {
		live(&s);
		look(&s);
	}
	return 0;
}
