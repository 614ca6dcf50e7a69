/* Carrying out what is decided: in order, with its answers, then the snapshot when it is due; and what comes again from the log at a start. */
#include "replica/driver_state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROOM_AGAIN_MS 1000u /* the disk is full: look again so often */

/* Executed proposals stay in memory for a little while, for those who come a little later; then the log has them. */
static void retire(struct driver *d, struct proposal_body *p)
{
	if (digest_equal(&p->digest, &d->null_digest))
		return;
	p->in_use = false;
	struct digest *place = &d->recent[d->recent_next++ % RECENT_MAX];
	struct proposal_body *old = digest_is_zero(place) ? NULL : bodies_find_proposal(d->bodies, place);
	*place = p->digest;
	if (old && old != p && bodies_idle(d->bodies, old))
		bodies_remove_proposal(d->bodies, old);
}

static bool run(struct driver *d, struct proposal_body *p)
{
	if (!execution_run(d->execution, p, d->executed)) {
		driver_stop(d, "%s", execution_trouble(d->execution));
		return false;
	}
	d->counts.executed_proposals++;
	d->counts.executed_bundles += d->executed->count;
	return true;
}

static bool snapshot_waits(const struct driver *d)
{
	bft_seq due = execution_snapshot_due(d->execution);
	return due && execution_seq(d->execution) >= due;
}

/* Its checkpoint is stable: it takes the place of the only state that can be served, so f+1 correct members must be sure to get it and to say so. */
static bool snapshot_may(const struct driver *d)
{
	struct bft_standing standing;
	d->protocol->standing(d->core, &standing);
	return standing.low >= execution_seq(d->execution) || d->overtaken; /* f+1 members have left this epoch: all of it is stable */
}

/* The snapshot is of exactly this sequence, and the log comes first, with the checkpoint's certificate: LMDB is never ahead of it (design section 12). */
void carry_out_snapshot(struct driver *d)
{
	if (d->failed || !d->started || !snapshot_waits(d) || !snapshot_may(d))
		return;
	if (!d->snapshot_lsn) {
		d->snapshot_lsn = d->lsn;
		driver_flush(d);
	}
	if (d->durable < d->snapshot_lsn)
		return;
	d->snapshot_lsn = 0;
	if (!execution_snapshot(d->execution)) {
		driver_stop(d, "%s", execution_trouble(d->execution));
		return;
	}
	struct state_meta meta = execution_snapshot_meta(d->execution);
	struct bft_event event = { .kind = BFT_EV_SNAPSHOT, .seq = meta.seq, .digest = meta.chain, .root = meta.root };
	driver_step(d, &event);
	truncate_try(d);
}

static void executed_one(struct driver *d)
{
	const struct executed *x = d->executed;
	struct bft_event event = { .kind = BFT_EV_EXECUTED, .seq = x->seq, .digest = x->chain, .root = x->root, .data = x->ids, .data_count = x->count };
	answer_executed(d, x);
	bft_seq due = execution_snapshot_due(d->execution);
	driver_step(d, &event);
	epoch_tell(d);
	reads_executed(d);
	if (!due)
		return;
	/* An idle cluster has to reach it too. */
	struct bft_event fill = { .kind = BFT_EV_FILL, .seq = due };
	driver_step(d, &fill);
}

/* With the disk full, what is decided waits: an execution that cannot be committed would be thrown away, and the replica with it. */
static bool has_room(struct driver *d, size_t coming)
{
	bool low = !state_room(d->options.state, coming);
	driver_space(d, DRIVER_DISK_STATE, low);
	d->room_again_ms = d->mono_ms + ROOM_AGAIN_MS;
	return !low;
}

bool carry_out(struct driver *d)
{
	bool any = false;
	carry_out_snapshot(d);
	if (d->full & DRIVER_DISK_STATE && (d->mono_ms < d->room_again_ms || !has_room(d, 0)))
		return false;
	/* A few at a time, so that votes are sealed between. */
	for (int i = 0; i < 4 && d->execute_count && !d->failed && !snapshot_waits(d); i++) {
		struct to_execute next = d->execute[d->execute_head];
		struct proposal_body *p = NULL;
		if (next.seq == execution_seq(d->execution) + 1) {
			p = body_load(d, &next.digest);
			if (!p && d->lost) { /* the damage that made an observer of it may have taken bodies too: the others have them */
				fetch_order(d, &next.digest, next.seq, d->roster.members & ~BFT_BIT(d->self));
				return any;
			}
			if (!p) {
				driver_stop(d, "a decided proposal's body is gone from the log");
				return true;
			}
			if (!has_room(d, p->total))
				return any;
		}
		d->execute_head = (d->execute_head + 1) % d->execute_capacity;
		d->execute_count--;
		any = true;
		if (!p)
			continue;
		p->pins++;
		if (run(d, p))
			executed_one(d);
		p->pins--;
		if (!d->failed)
			retire(d, p);
	}
	return any;
}

/* ---- truncation ---- */

/* What the state on disk would need after a crash stays, whatever the others have certified. */
void truncate_try(struct driver *d)
{
	if (!d->truncate_seq || execution_snapshot_meta(d->execution).seq < d->truncate_seq)
		return;
	bft_lsn needed = history_drop(d->history, d->truncate_seq);
	bft_lsn below = d->truncate_below < needed ? d->truncate_below : needed;
	d->truncate_seq = 0;
	d->options.env.truncate_below(d->options.env.user, below);
}

/* ---- a start ---- */

static bool record_body(struct driver *d, const struct log_record *r, const struct log_position *at)
{
	struct bft_proposal head;
	struct digest digest;
	size_t used = proposal_decode(&head, r->payload, r->bytes, d->limits.proposal_bundles_max);
	if (!used) {
		snprintf(d->trouble, sizeof d->trouble, "a proposal in the log is not one");
		return false;
	}
	proposal_digest(&digest, &d->cluster, r->payload, used);
	return history_put_body(d->history, &digest, r->seq, at);
}

static void note_place(struct driver *d, const struct log_record *r, bft_seq seq, const struct log_position *at)
{
	struct history_entry *h = seq ? history_open(d->history, seq) : NULL;
	if (!h)
		return;
	if (!h->lsn_min || r->lsn < h->lsn_min)
		h->lsn_min = r->lsn;
	if (r->type == BFT_REC_EXECUTED)
		h->executed = *at;
	if (r->type == BFT_REC_STABLE)
		h->stable = *at;
}

/* It may have to be sent again, as it was. */
static void recover_message(struct driver *d, uint16_t type, const struct log_record *r, size_t used)
{
	struct digest digest;
	message_body_digest(d, &digest, type, d->record, r->payload, used);
	certify_keep_tail(d, &digest, (const uint8_t *)r->payload + used, r->bytes - used);
}

bool driver_record(struct driver *d, const struct log_record *r, const struct log_position *at)
{
	if (r->type == DRIVER_REC_BODY)
		return record_body(d, r, at);
	bool fits = epoch_flags_fit(d, r->flags);
	const struct bft_record_row *row = d->protocol->record(r->type);
	size_t used = fits && r->lsn > d->lsn ? d->protocol->record_decode(r->type, d->record, r->payload, r->bytes) : 0;
	if (!used || (used != r->bytes && !row->message)) {
		snprintf(d->trouble, sizeof d->trouble, "a record of type %u in the log is not one of this release, or stands in the wrong place", r->type);
		return false;
	}
	if (row->message)
		recover_message(d, row->message, r, used);
	if (r->type == BFT_REC_VIEW && !epoch_recover(d, d->record))
		return false;
	note_place(d, r, d->protocol->record_seq(r->type, d->record), at);
	if (row->certificate)
		certify_keep(d, r->type, d->record, r->payload, r->bytes);
	d->view_records += row->standing;
	d->lsn = r->lsn;
	struct bft_event event = { .kind = BFT_EV_RECORD, .lsn = r->lsn, .rtype = r->type, .data = d->record, .data_count = d->protocol->record_bytes };
	driver_step(d, &event);
	return !d->failed;
}

void driver_damage(struct driver *d, bft_seq from, bft_seq to)
{
	d->damaged_from = from;
	d->damaged_to = to;
}

void driver_recovered(const struct driver *d, struct driver_recovered *out)
{
	struct bft_standing standing;
	d->protocol->standing(d->core, &standing);
	*out = (struct driver_recovered){ .stable = standing.low, .view_records = d->view_records };
}

/* What the log says was executed above the state's snapshot, once more: a different result would be a lie of this machine. */
bool driver_replay(struct driver *d)
{
	for (;;) {
		bft_seq seq = execution_seq(d->execution) + 1;
		const struct history_entry *h = history_find(d->history, seq);
		uint8_t bytes[256];
		struct log_record record;
		const struct bft_rec_executed *before = d->record;
		if (snapshot_waits(d) && !snapshot_may(d))
			return true;
		if (snapshot_waits(d) && !execution_snapshot(d->execution)) {
			driver_stop(d, "%s", execution_trouble(d->execution));
			return false;
		}
		if (!h || !h->executed.segment || h->executed.bytes > sizeof bytes)
			return true;
		if (d->options.env.read(d->options.env.user, &h->executed, bytes, sizeof bytes, &record) != LOG_OK ||
		    !d->protocol->record_decode(BFT_REC_EXECUTED, d->record, bytes, h->executed.bytes))
			return true; /* decided again by the others' votes */
		struct proposal_body *p = body_load(d, &before->proposal);
		if (!p)
			return true;
		if (!run(d, p))
			return false;
		if (!digest_equal(&d->executed->chain, &before->chain)) {
			driver_stop(d, "executing %llu again gave another result than before", (unsigned long long)seq);
			return false;
		}
		retire(d, p);
	}
}

bool driver_start(struct driver *d, enum bft_recovery recovery, uint64_t incarnation, bft_lsn durable, uint64_t mono_ms, uint64_t wall_ms)
{
	d->durable = durable;
	bodies_durable(d->bodies, durable);
	d->mono_ms = mono_ms;
	d->wall_ms = wall_ms;
	d->lost = recovery == BFT_RECOVERY_LOST;
	d->incarnation = incarnation;
	if (d->failed)
		return false;
	epoch_begin(d, false);
	d->started = true;
	epoch_count(d);
	return !d->failed;
}
