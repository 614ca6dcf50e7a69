/* How long each stage of a request takes where it was proposed. Everything has a place of its own in a table that forgets: what was forgotten is not counted. */
#include "bench/tap/tap_state.h"
#include "bench/tap/wraps.h"
#include "bft/bundle.h"

#define REQUESTS 16384u
#define SLOTS 1024u
#define WAITING 2048u /* records that are not known to be durable */
#define BUILT 64u

struct came {
	uint64_t id, came_ns, checked_ns;
};

struct slot {
	uint64_t seq;
	bool mine;
	uint64_t at_ns[TAP_STAGES]; /* its end; 0: not seen */
};

static struct came came[REQUESTS];
static struct slot slots[SLOTS];
static struct {
	uint64_t lsn, seq;
	enum tap_stage stage;
} waiting[WAITING];
static uint64_t waiting_head, waiting_tail;
static uint64_t built[BUILT], built_count;

static bool wanted(void)
{
	return atomic_load_explicit(&tap_here->counting, memory_order_relaxed) || atomic_load_explicit(&tap_here->recording, memory_order_relaxed);
}

void stages_request_came(const uint8_t *body, size_t n)
{
	struct rd r = rd_of(body, n);
	uint8_t skipped[PUBLIC_KEY_BYTES + 1];
	uint64_t session, number;
	if (!wanted() || !rd_bytes(&r, skipped, sizeof skipped) || !rd_u64(&r, &session) || !rd_u64(&r, &number) || !session)
		return;
	uint64_t id = tap_request_id(session, number);
	struct came *c = &came[id % REQUESTS];
	if (c->id != id)
		*c = (struct came){ .id = id, .came_ns = tap_now_ns() };
}

void stages_request_checked(uint64_t session, uint64_t number)
{
	uint64_t id = tap_request_id(session, number);
	struct came *c = &came[id % REQUESTS];
	if (c->id == id && !c->checked_ns)
		c->checked_ns = tap_now_ns();
}

void stages_built(uint64_t proposal)
{
	built[built_count++ % BUILT] = proposal;
}

static bool is_built(uint64_t proposal)
{
	for (uint32_t i = 0; proposal && i < BUILT; i++)
		if (built[i] == proposal)
			return true;
	return false;
}

static struct slot *slot_of(uint64_t seq)
{
	struct slot *s = &slots[seq % SLOTS];
	return s->seq == seq ? s : NULL;
}

static void mark(uint64_t seq, uint8_t what)
{
	if (atomic_load_explicit(&tap_here->recording, memory_order_relaxed))
		tap_put(&(struct tap_entry){ .at_ns = tap_now_ns(), .seq = seq, .what = what, .peer = TAP_CLIENT });
}

void stages_written(uint64_t seq, uint64_t lsn, uint64_t proposal, bool commit)
{
	struct slot *s = slot_of(seq);
	if (!wanted())
		return;
	if (!commit && (!s || is_built(proposal))) {
		s = &slots[seq % SLOTS];
		*s = (struct slot){ .seq = seq, .mine = is_built(proposal) };
	}
	enum tap_stage stage = commit ? TAP_PREPARED : TAP_PROPOSED;
	if (!s || s->at_ns[stage])
		return;
	s->at_ns[stage] = tap_now_ns();
	if (commit)
		mark(seq, TAP_AT_PREPARED);
	if (waiting_tail - waiting_head < WAITING) {
		waiting[waiting_tail % WAITING].lsn = lsn;
		waiting[waiting_tail % WAITING].seq = seq;
		waiting[waiting_tail++ % WAITING].stage = commit ? TAP_PROMISED : TAP_FLUSHED;
	}
}

void stages_durable(uint64_t lsn)
{
	while (waiting_head < waiting_tail && waiting[waiting_head % WAITING].lsn <= lsn) {
		struct slot *s = slot_of(waiting[waiting_head % WAITING].seq);
		enum tap_stage stage = waiting[waiting_head++ % WAITING].stage;
		if (s && !s->at_ns[stage]) {
			s->at_ns[stage] = tap_now_ns();
			mark(s->seq, stage == TAP_FLUSHED ? TAP_AT_FLUSHED : TAP_AT_PROMISED);
		}
	}
}

void stages_decided(uint64_t seq)
{
	struct slot *s = slot_of(seq);
	if (s && !s->at_ns[TAP_DECIDED]) {
		s->at_ns[TAP_DECIDED] = tap_now_ns();
		mark(seq, TAP_AT_DECIDED);
	}
}

/* Each begins where the latest one before it ended, so that together they are the whole: what happened beside an earlier one takes no time of its own. */
static void add(const struct slot *s, const struct came *c)
{
	uint64_t last = c->came_ns;
	for (uint32_t i = 0; i < TAP_STAGES; i++) {
		uint64_t at = i == TAP_CHECKED ? c->checked_ns : s->at_ns[i];
		if (at < last)
			at = last;
		histogram_add(&tap_here->stage_us[i], (at - last + 500) / 1000);
		last = at;
	}
}

/* Executed, and answered afterwards. */
void stages_executed(const struct executed *x, uint64_t executed_ns)
{
	struct slot *s = slot_of(x->seq);
	bool count = s && s->mine && atomic_load_explicit(&tap_here->counting, memory_order_relaxed);
	if (s) {
		s->at_ns[TAP_EXECUTED] = executed_ns;
		s->at_ns[TAP_ANSWERED] = tap_now_ns();
	}
	for (uint16_t i = 0; count && i < x->count; i++) {
		struct came *c = &came[tap_request_id(x->ids[i].session, x->ids[i].number) % REQUESTS];
		if (c->id == tap_request_id(x->ids[i].session, x->ids[i].number) && c->came_ns && c->checked_ns)
			add(s, c);
	}
	if (!atomic_load_explicit(&tap_here->recording, memory_order_relaxed))
		return;
	struct tap_entry e = { .at_ns = executed_ns, .seq = x->seq, .bytes = x->count, .what = TAP_AT_EXECUTED, .peer = TAP_CLIENT };
	if (x->count) {
		e.id = tap_request_id(x->ids[0].session, x->ids[0].number);
		e.view = tap_id(x->result[0].digest.b);
	}
	tap_put(&e);
	mark(x->seq, TAP_AT_ANSWERED);
}
