/* tests/rules/bed/starts.h - the first start, a restart from what was durable, the next epoch. */
#ifndef TESTS_RULES_BED_STARTS_H
#define TESTS_RULES_BED_STARTS_H
#include "tests/rules/bed/says.h"

/* The log is read, and nobody has answered yet. */
static inline void bed_start(struct bed *b, enum bft_recovery recovery)
{
	struct bft_event tick = { .kind = BFT_EV_TICK, .mono_ms = b->mono_ms, .wall_ms = b->wall_ms };
	bed_step(b, &tick);
	struct bft_event e = { .kind = BFT_EV_START, .seq = b->executed, .digest = b->chain[b->executed], .recovery = recovery };
	bed_step(b, &e);
}

/* q-1 others have told: a full member. */
static inline void bed_join(struct bed *b)
{
	for (uint32_t i = 0, told = 0; i < b->n && told < b->q - 1; i++)
		if (bed_others(b, i)) {
			bed_recall_done(b, (uint8_t)i);
			told++;
		}
}

/* It has started for the first time and joined; the links to all are up. */
static inline void bed_get_ready(struct bed *b)
{
	bed_start(b, BFT_RECOVERY_WHOLE);
	for (uint32_t i = 0; i < b->n; i++)
		if (bed_others(b, i))
			bed_link(b, (uint8_t)i, true);
	bed_join(b);
	bed_forget(b);
}

static inline struct bed *bed_ready(const struct bft_limits *limits, uint8_t self)
{
	struct bed *b = bed_new_with(limits, self);
	bed_get_ready(b);
	return b;
}

static inline struct bed *bed_new(uint32_t n, uint8_t self)
{
	struct bft_limits limits = bed_limits(n);
	return bed_ready(&limits, self);
}

/* As the driver does: a core for the members of that epoch, and for me. */
static inline void bed_roster(struct bed *b, const struct bft_rec_view *view)
{
	struct bft_roster all = { .members = view->members | BFT_BIT(b->self) };
	bed_members(b, view->members);
	b->n = b->limits.members = roster_width(&all);
	b->limits.absent = mask_all(b->n) & ~view->members;
	size_t need = bft_pbft.bytes(&b->limits);
	if (need > b->core_bytes) {
		free(b->core);
		free(b->before);
		b->core = bed_alloc(need);
		b->before = bed_alloc(need);
		b->core_bytes = need;
	}
}

/* Of which members its first records are: the driver reads that off each record. */
static inline struct bft_rec_view bed_log_begins(const struct bed *b)
{
	for (uint32_t i = 0; i < b->log_count; i++) {
		const struct bft_rec_view *view = b->log[i].rtype == PBFT_REC_VIEW ? b->log[i].data : NULL;
		if (view && view->entered != BFT_VIEW_BEGINS)
			return *view;
		if (view)
			break;
	}
	return (struct bft_rec_view){ .members = b->first };
}

/* The process ends and begins again: what was durable is all there is. The state stands where execution had come, or at `executed`. Not yet joined. */
static inline void bed_restart(struct bed *b, bft_seq executed, enum bft_recovery recovery)
{
	for (uint32_t i = 0; i < b->own_count; i++)
		free(b->own[(b->own_first + i) % 4096].body);
	b->own_count = b->executing_count = b->holds_count = 0;
	b->executed = executed;
	while (b->log_count && b->log[b->log_count - 1].lsn > b->durable_lsn)
		free(b->log[--b->log_count].data);
	struct bft_rec_view where = bed_log_begins(b);
	bed_roster(b, &where);
	bft_pbft.init(b->core, &b->limits, &b->cluster, 1, b->self);
	bed_forget(b);
	b->epoch = 1;
	for (uint32_t i = 0; i < b->log_count; i++) {
		const struct bft_rec_view *view = b->log[i].rtype == PBFT_REC_VIEW ? b->log[i].data : NULL;
		/* As the driver does: before an epoch's beginning stands what was another core's. */
		if (view && view->entered == BFT_VIEW_BEGINS) {
			bed_roster(b, view);
			bft_pbft.init(b->core, &b->limits, &b->cluster, view->epoch, b->self);
		}
		if (view)
			b->epoch = view->epoch;
		struct bft_event e = {
			.kind = BFT_EV_RECORD, .rtype = b->log[i].rtype, .lsn = b->log[i].lsn, .data = b->log[i].data, .data_count = b->log[i].bytes
		};
		bed_step_once(b, &e);
	}
	bed_start(b, recovery);
}

/* What the driver does after ACTIVATE: a new core, which begins behind the border. Not yet joined. */
static inline void bed_next_epoch(struct bed *b, enum bft_recovery recovery)
{
	const struct bed_record *last = &b->log[b->log_count - 1];
	const struct bft_rec_view *view = last->data;
	if (last->rtype != PBFT_REC_VIEW || view->epoch <= b->epoch)
		abort();
	for (uint32_t i = 0; i < b->own_count; i++)
		free(b->own[(b->own_first + i) % 4096].body);
	b->own_count = b->executing_count = b->holds_count = b->said_count = 0;
	b->epoch = view->epoch;
	bed_roster(b, view);
	bft_pbft.init(b->core, &b->limits, &b->cluster, b->epoch, b->self);
	bed_forget(b);
	struct bft_event order = { .kind = BFT_EV_ORDER, .members = b->passed };
	struct bft_event record = { .kind = BFT_EV_RECORD, .rtype = last->rtype, .lsn = last->lsn, .data = last->data, .data_count = last->bytes };
	bed_step_once(b, &record);
	bed_step(b, &order);
	struct bft_event tick = { .kind = BFT_EV_TICK, .mono_ms = b->mono_ms, .wall_ms = b->wall_ms };
	bed_step(b, &tick);
	struct bft_event e = { .kind = BFT_EV_START, .seq = b->executed, .digest = b->chain[b->executed], .recovery = recovery, .ok = true };
	bed_step(b, &e);
}
#endif
