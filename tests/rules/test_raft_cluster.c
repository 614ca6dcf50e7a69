/* Whole Raft clusters of bare cores under chance: messages are lost, doubled and overtaken, disks flush late and in parts, processes die and come back with what was
 * durable, links are cut. What was ever executed stays; a term has one leader; a read's position holds all that was answered before it; and when the faults end, all
 * go on. Figure 3.7's trace and its like are among what chance finds; the named ones are in tests/stories. */
#include "tests/rules/raft_bed.h"

#define NODES_MAX 5u
#define QUEUE_MAX 8192u
#define REQUESTS 512u
#ifdef __SANITIZE_ADDRESS__ /* they take ten times as long there */
#define SEEDS 12u
#else
#define SEEDS 60u
#endif
#define SNAPSHOT_EVERY (2 * RBED_K)

struct letter {
	uint8_t from, to;
	uint16_t type;
	size_t n;
	uint8_t *bytes;
};

struct want { /* a FETCH that nobody has answered */
	uint8_t node;
	struct digest digest;
};

struct read {
	bool open;
	bft_seq floor; /* executed somewhere when it came */
};

struct proposal_seen {
	struct digest digest;
	uint32_t count;
	uint64_t number[4];
};

struct world {
	uint64_t random;
	uint32_t n;
	struct rbed *node[NODES_MAX];
	bool up[NODES_MAX];
	bft_mask cut[NODES_MAX]; /* links that carry nothing */
	uint32_t drained[NODES_MAX];
	bft_seq snapshot[NODES_MAX], gone[NODES_MAX]; /* gone: the log was cut up to here */
	struct letter queue[QUEUE_MAX];
	uint32_t queue_count;
	struct want want[1024];
	uint32_t want_count;
	struct digest held[NODES_MAX][4096];
	uint32_t held_count[NODES_MAX];
	struct digest decided[RBED_SEQ_MAX];
	bft_seq decided_last;
	uint8_t leader_of[4096]; /* of a term: node + 1 */
	struct proposal_seen proposal[2048];
	uint32_t proposals;
	uint64_t requests;
	struct read read[4096];
	uint64_t reads, reads_answered;
	bool calm;
	uint32_t leaders, restarts, installs;
};

static uint64_t draw(struct world *w, uint64_t below)
{
	w->random ^= w->random << 13;
	w->random ^= w->random >> 7;
	w->random ^= w->random << 17;
	return w->random % below;
}

static bool chance(struct world *w, uint32_t in_thousand)
{
	return draw(w, 1000) < in_thousand;
}

static bool has(const struct world *w, uint8_t i, const struct digest *digest)
{
	for (uint32_t k = w->held_count[i]; k--;)
		if (digest_equal(&w->held[i][k], digest))
			return true;
	return digest_equal(digest, &w->node[i]->null);
}

static void hold(struct world *w, uint8_t i, const struct digest *digest)
{
	if (!digest_is_zero(digest) && !has(w, i, digest) && w->held_count[i] < 4096)
		w->held[i][w->held_count[i]++] = *digest;
}

/* ---- what leaves a node ---- */

static void post(struct world *w, uint8_t from, uint8_t to, uint16_t type, const void *body)
{
	static uint8_t bytes[64 * 1024];
	if (w->queue_count == QUEUE_MAX)
		return;
	size_t n = raft_encode(type, body, bytes, sizeof bytes);
	CU_ASSERT_FATAL(n > 0);
	struct letter *l = &w->queue[w->queue_count++];
	*l = (struct letter){ .from = from, .to = to, .type = type, .n = n, .bytes = rbed_alloc(n) };
	memcpy(l->bytes, bytes, n);
}

static void note_proposal(struct world *w, const struct bft_effect *e)
{
	struct proposal_seen *p = &w->proposal[w->proposals++ % 2048];
	const uint8_t *digests = (const uint8_t *)e->data + PROPOSAL_HEAD_BYTES;
	*p = (struct proposal_seen){ .digest = e->digest };
	for (size_t at = 0; at + DIGEST_BYTES <= e->data_bytes - PROPOSAL_HEAD_BYTES; at += DIGEST_BYTES)
		for (uint64_t number = 1; number <= w->requests; number++) {
			struct digest d = rbed_digest(5000000 + number);
			if (memcmp(d.b, digests + at, DIGEST_BYTES) == 0)
				p->number[p->count++] = number;
		}
}

static void request(struct world *w, uint8_t i, uint64_t number)
{
	struct bft_event e = { .kind = BFT_EV_REQUEST, .digest = rbed_digest(5000000 + number), .bytes = 100, .id = { .session = 1, .number = number } };
	if (w->up[i])
		rbed_step_once(w->node[i], &e);
}

static void executes(struct world *w, const struct bft_effect *e)
{
	struct digest *d = &w->decided[e->seq];
	/* What was ever executed stays. */
	CU_ASSERT(e->seq > w->decided_last || digest_equal(d, &e->digest));
	if (e->seq > w->decided_last)
		w->decided_last = e->seq;
	*d = e->digest;
}

static void read_answered(struct world *w, const struct bft_effect *e)
{
	struct read *r = &w->read[e->id % 4096];
	if (!r->open)
		return;
	r->open = false;
	if (e->reason == 0) {
		w->reads_answered++;
		CU_ASSERT(e->seq >= r->floor);
	}
}

static void install(struct world *w, uint8_t i);

static void happen(struct world *w, uint8_t i, const struct bft_effect *e)
{
	switch (e->kind) {
	case BFT_FX_SEND:
		for (uint8_t to = 0; to < w->n; to++)
			if ((e->to & BFT_BIT(to)) && to != i)
				post(w, i, to, e->type, e->data);
		break;
	case BFT_FX_PERSIST: hold(w, i, &e->digest); break;
	case BFT_FX_BODY:
		hold(w, i, &e->digest);
		note_proposal(w, e);
		break;
	case BFT_FX_FETCH:
		if (w->want_count < 1024)
			w->want[w->want_count++] = (struct want){ i, e->digest };
		break;
	case BFT_FX_REQUEST:
		for (uint64_t number = 1; number <= w->requests; number++) {
			struct digest d = rbed_digest(5000000 + number);
			for (uint8_t to = 0; to < w->n && digest_equal(&d, &e->digest); to++)
				if ((e->to & BFT_BIT(to)) && to != i && !(w->cut[i] & BFT_BIT(to)))
					request(w, to, number);
		}
		break;
	case BFT_FX_EXECUTE: executes(w, e); break;
	case BFT_FX_TRUNCATE: w->gone[i] = e->seq; break;
	case BFT_FX_TRANSFER: install(w, i); break;
	case BFT_FX_READ_AT: read_answered(w, e); break;
	case BFT_FX_BLAME:
	case BFT_FX_HALT: CU_FAIL("somebody honest was blamed, or halted"); break;
	default: break;
	}
}

/* What waits for the disk stays, and what is released happens once. */
static void drain(struct world *w, uint8_t i)
{
	struct rbed *b = w->node[i];
	for (uint32_t k = 0; k < b->seen_count; k++) {
		struct rbed_seen *s = &b->seen[k];
		if (!s->free || s->e.kind == BFT_FX_STABLE)
			continue;
		struct bft_effect e = s->e;
		bool own = e.kind == BFT_FX_SEND && (e.to & BFT_BIT(i));
		s->e.kind = BFT_FX_STABLE; /* done */
		happen(w, i, &e);
		if (own) {
			union raft_body *body = rbed_alloc(sizeof *body);
			memcpy(body, e.data, e.data_bytes);
			rbed_deliver(b, i, e.type, body, b->epoch);
			free(body);
		}
	}
	uint32_t kept = 0;
	for (uint32_t k = 0; k < b->seen_count; k++) {
		if (b->seen[k].e.kind == BFT_FX_STABLE)
			free((void *)(uintptr_t)b->seen[k].e.data);
		else
			b->seen[kept++] = b->seen[k];
	}
	b->seen_count = kept;
	if (!rbed_leads(b))
		return;
	bft_view term = rbed_raft(b)->term;
	if (w->leader_of[term % 4096] != i + 1)
		w->leaders++;
	CU_ASSERT(w->leader_of[term % 4096] == 0 || w->leader_of[term % 4096] == i + 1);
	w->leader_of[term % 4096] = (uint8_t)(i + 1);
}

static void tick(struct world *w, uint8_t i)
{
	struct rbed *b = w->node[i];
	struct bft_event e = { .kind = BFT_EV_TICK, .mono_ms = b->mono_ms, .wall_ms = b->wall_ms };
	rbed_step_once(b, &e);
}

/* ---- the rest of a replica ---- */

static void snapshot(struct world *w, uint8_t i)
{
	struct rbed *b = w->node[i];
	bft_seq seq = b->executed;
	if (seq % SNAPSHOT_EVERY || seq <= w->snapshot[i] || rbed_standing(b).low < seq || b->durable_lsn < b->lsn)
		return;
	w->snapshot[i] = seq;
	struct bft_event e = { .kind = BFT_EV_SNAPSHOT, .seq = seq, .digest = b->chain[seq], .root = rbed_digest(3000000 + seq) };
	rbed_step_once(b, &e);
}

static void execute(struct world *w, uint8_t i)
{
	struct rbed *b = w->node[i];
	if (b->executed == b->to_execute)
		return;
	const struct digest *d = &b->done[b->executed + 1];
	for (uint32_t k = 0; k < w->proposals && k < 2048; k++)
		if (digest_equal(&w->proposal[k].digest, d))
			for (b->ends_count = 0; b->ends_count < w->proposal[k].count; b->ends_count++)
				b->ends[b->ends_count] = (struct bft_request_id){ 1, w->proposal[k].number[b->ends_count] };
	rbed_execute(b);
}

/* The newest state that anybody has, with its past. */
static void install(struct world *w, uint8_t i)
{
	struct rbed *b = w->node[i], *from = NULL;
	for (uint8_t k = 0; k < w->n; k++)
		if (k != i && w->snapshot[k] > b->executed && rbed_standing(w->node[k]).low >= w->snapshot[k] &&
		    (!from || w->snapshot[k] > w->snapshot[from->self]))
			from = w->node[k];
	if (!from || b->executed != b->to_execute)
		return;
	bft_seq seq = w->snapshot[from->self];
	memcpy(b->chain, from->chain, (seq + 1) * sizeof b->chain[0]);
	memcpy(b->done, from->done, (seq + 1) * sizeof b->done[0]);
	b->executed = b->to_execute = w->snapshot[i] = seq;
	w->installs++;
	struct bft_event e = { .kind = BFT_EV_INSTALLED, .seq = seq, .digest = b->chain[seq], .ref = ++b->next_ref };
	rbed_step_once(b, &e);
}

/* As the driver answers FETCH_CHAIN, from its log. */
static void serve_chain(struct world *w, uint8_t i, uint8_t to, bft_seq from)
{
	const struct rbed *b = w->node[i];
	bft_seq low = rbed_standing(b).low, end = (from + RBED_K - 1) / RBED_K * RBED_K;
	struct bft_chain *c = rbed_alloc(sizeof(union raft_body));
	c->from = from;
	c->end = low;
	if (from > w->gone[i] && end <= low && end <= b->executed) {
		c->end = end;
		c->count = (uint16_t)(end - from + 1);
		c->chain = b->chain[end];
		for (uint16_t k = 0; k < c->count; k++) {
			c->entry[k].proposal = b->done[from + k];
			c->entry[k].results = rbed_digest(2000000 + from + k);
		}
	}
	if (from <= low && (c->count || from <= w->gone[i]))
		post(w, i, to, RAFT_CHAIN, c);
	free(c);
}

static void deliver(struct world *w)
{
	uint32_t ahead = w->queue_count < 6 ? w->queue_count : 6;
	if (!ahead)
		return;
	uint32_t at = (uint32_t)draw(w, ahead);
	struct letter l = w->queue[at];
	bool lost = !w->calm && chance(w, 40), doubled = !w->calm && chance(w, 30);
	if (!doubled) {
		memmove(&w->queue[at], &w->queue[at + 1], (--w->queue_count - at) * sizeof l);
	}
	if (w->up[l.to] && w->up[l.from] && !lost && !(w->cut[l.from] & BFT_BIT(l.to))) {
		union raft_body *body = rbed_alloc(sizeof *body);
		CU_ASSERT_EQUAL_FATAL(raft_decode(l.type, body, l.bytes, l.n), l.n);
		if (l.type == RAFT_FETCH_CHAIN)
			serve_chain(w, l.to, l.from, body->fetch_chain.from);
		else
			rbed_deliver(w->node[l.to], l.from, l.type, body, 1);
		free(body);
	}
	if (!doubled)
		free(l.bytes);
}

static void answer_wants(struct world *w)
{
	for (uint32_t k = 0; k < w->want_count; k++) {
		struct want want = w->want[k];
		bool found = has(w, want.node, &want.digest);
		for (uint8_t i = 0; i < w->n && !found; i++)
			found = w->up[i] && has(w, i, &want.digest) && !(w->cut[i] & BFT_BIT(want.node));
		if (!found || chance(w, 500))
			continue;
		w->want[k--] = w->want[--w->want_count];
		hold(w, want.node, &want.digest);
		if (w->up[want.node])
			rbed_held(w->node[want.node], want.digest, true);
	}
}

/* ---- life and death ---- */

static void link_all(struct world *w, uint8_t i, bool up)
{
	for (uint8_t k = 0; k < w->n; k++) {
		struct bft_event e = { .kind = BFT_EV_LINK, .from = k, .ok = up }, back = { .kind = BFT_EV_LINK, .from = i, .ok = up };
		if (k == i || !w->up[k])
			continue;
		rbed_step_once(w->node[i], &e);
		rbed_step_once(w->node[k], &back);
	}
}

static void die(struct world *w, uint8_t i)
{
	struct rbed *b = w->node[i];
	bft_seq executed = w->snapshot[i];
	w->restarts++;
	for (bft_lsn k = 0; k < b->durable_lsn; k++)
		if (b->log[k].rtype == RAFT_REC_EXECUTED && b->log[k].data.executed.seq > executed)
			executed = b->log[k].data.executed.seq;
	w->held_count[i] = 0;
	for (bft_lsn k = 0; k < b->durable_lsn; k++)
		if (b->log[k].rtype == RAFT_REC_ENTRY)
			hold(w, i, &b->log[k].data.entry.digest);
		else if (b->log[k].rtype == RAFT_REC_EXECUTED)
			hold(w, i, &b->log[k].data.executed.proposal);
	rbed_restart(b, executed, BFT_RECOVERY_WHOLE);
	link_all(w, i, true);
}

static void cut_or_mend(struct world *w)
{
	bool mend = chance(w, 500);
	for (uint8_t i = 0; i < w->n; i++)
		w->cut[i] = 0;
	if (mend)
		return;
	uint8_t alone = (uint8_t)draw(w, w->n);
	bool one_way = chance(w, 300);
	w->cut[alone] = mask_all(w->n);
	for (uint8_t i = 0; i < w->n && !one_way; i++)
		w->cut[i] |= BFT_BIT(alone);
}

static void flush(struct world *w, uint8_t i)
{
	struct rbed *b = w->node[i];
	bft_lsn open = b->lsn - b->durable_lsn;
	if (open)
		rbed_flush_to(b, w->calm ? b->lsn : b->durable_lsn + 1 + draw(w, open));
}

static void ask_read(struct world *w, uint8_t i)
{
	uint64_t id = ++w->reads;
	w->read[id % 4096] = (struct read){ .open = true, .floor = w->decided_last };
	struct bft_event e = { .kind = BFT_EV_READ, .id = { .number = id } };
	rbed_step_once(w->node[i], &e);
}

static void mishap(struct world *w)
{
	if (chance(w, 6))
		die(w, (uint8_t)draw(w, w->n));
	if (chance(w, 6))
		cut_or_mend(w);
	if (chance(w, 3)) {
		struct bft_event e = { .kind = BFT_EV_ADMIN };
		rbed_step_once(w->node[draw(w, w->n)], &e);
	}
}

static void round_of(struct world *w)
{
	for (uint8_t i = 0; i < w->n; i++) {
		w->node[i]->mono_ms += 5;
		w->node[i]->wall_ms += 5;
		if (w->calm || chance(w, 900))
			tick(w, i);
		if (w->calm || chance(w, 300))
			flush(w, i);
		if (w->calm || chance(w, 500))
			execute(w, i);
		snapshot(w, i);
		drain(w, i);
	}
	for (uint32_t k = 0; k < 6 * w->n; k++) {
		deliver(w);
		for (uint8_t i = 0; i < w->n; i++)
			drain(w, i);
	}
	answer_wants(w);
	if (w->requests < REQUESTS && chance(w, 200)) {
		w->requests++;
		request(w, (uint8_t)draw(w, w->n), w->requests);
	}
	if (chance(w, 200))
		ask_read(w, (uint8_t)draw(w, w->n));
	if (!w->calm)
		mishap(w);
	for (uint8_t i = 0; i < w->n; i++)
		drain(w, i);
}

static struct world *world_new(uint32_t n, uint64_t seed)
{
	struct world *w = rbed_alloc(sizeof *w);
	struct bft_limits limits = rbed_limits(n);
	w->n = n;
	w->random = seed * 0x9E3779B97F4A7C15u + 1;
	for (uint8_t i = 0; i < n; i++) {
		w->node[i] = rbed_new_with(&limits, i);
		w->node[i]->durable = w->node[i]->bodies = w->node[i]->execute = false;
		rbed_start(w->node[i], BFT_RECOVERY_WHOLE);
		w->up[i] = true;
	}
	for (uint8_t i = 0; i < n; i++)
		link_all(w, i, true);
	return w;
}

static void world_free(struct world *w)
{
	for (uint32_t k = 0; k < w->queue_count; k++)
		free(w->queue[k].bytes);
	for (uint8_t i = 0; i < w->n; i++)
		rbed_free(w->node[i]);
	free(w);
}

static bool all_equal(const struct world *w, bft_seq at_least)
{
	for (uint8_t i = 0; i < w->n; i++)
		if (w->node[i]->executed < at_least || w->node[i]->executed != w->node[0]->executed)
			return false;
	return true;
}

/* The faults end: within a bounded time all have executed the same, and more than before. */
static void converges(struct world *w, uint64_t seed)
{
	bft_seq before = w->decided_last;
	w->calm = true;
	for (uint8_t i = 0; i < w->n; i++)
		w->cut[i] = 0;
	bool done = false;
	for (uint32_t k = 0; k < 1200 && !done; k++) {
		round_of(w);
		done = k > 600 && all_equal(w, before + 1);
	}
	if (!done)
		printf("seed %llu does not converge\n", (unsigned long long)seed);
	CU_ASSERT(done);
}

static void lives(uint32_t n)
{
	uint64_t answered = 0, installs = 0, leaders = 0, first = getenv("SEED") ? strtoull(getenv("SEED"), NULL, 10) : 1;
	uint64_t seeds = getenv("SEEDS") ? strtoull(getenv("SEEDS"), NULL, 10) : SEEDS;
	for (uint64_t seed = first; seed < first + seeds; seed++) {
		unsigned failed = CU_get_number_of_failures();
		struct world *w = world_new(n, seed);
		for (uint32_t k = 0; k < 1500; k++)
			round_of(w);
		converges(w, seed);
		answered += w->reads_answered;
		installs += w->installs;
		leaders += w->leaders;
		world_free(w);
		if (CU_get_number_of_failures() != failed)
			printf("n %u: seed %llu fails (SEED=%llu SEEDS=1 repeats it)\n", n, (unsigned long long)seed, (unsigned long long)seed);
	}
	/* It was no idle time. */
	CU_ASSERT(answered > 10 * seeds);
	CU_ASSERT(leaders > seeds);
	CU_ASSERT(n == 2 || seeds < 10 || installs > 0);
}

static void three(void)
{
	lives(3);
}

static void five(void)
{
	lives(5);
}

static void two(void)
{
	lives(2);
}

int main(void)
{
	static const struct unit_case cases[] = {
		{ "three members", three },
		{ "five members", five },
		{ "two members", two },
		{ NULL, NULL },
	};
	return unit_main("raft_cluster", cases);
}
