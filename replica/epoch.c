/* From one epoch to the next (design section 7): the old core is put away with all that it held, and one for the new epoch begins at the border. */
#include "replica/driver_state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BEHIND_MS 2000u /* without progress, while f+1 members are in a later epoch: their state is fetched */

/* ---- entering ---- */

void epoch_set(struct driver *d, const struct bft_rec_view *where)
{
	d->epoch = where->epoch;
	d->base = where->base;
	d->base_chain = where->chain;
	d->roster = (struct bft_roster){ .mode = where->mode, .members = where->members };
	d->q = roster_quorum(&d->roster);
	bodies_set_signs(d->bodies, driver_signs_requests(d));
	epoch_width(d);
}

void epoch_width(struct driver *d)
{
	struct bft_roster newest = epoch_roster_now(&d->chain->keys);
	bft_mask all = d->roster.members | newest.members | BFT_BIT(d->self);
	struct bft_roster everybody = { .members = all };
	uint32_t width = roster_width(&everybody);
	d->n = width > d->n ? width : d->n;
}

/* Its tables have a row for me too, also when I am no member. */
static uint32_t rows_of(const struct driver *d, bft_mask members)
{
	struct bft_roster r = { .members = members | BFT_BIT(d->self) };
	return roster_width(&r);
}

bool epoch_core(struct driver *d, const struct bft_rec_view *where)
{
	const struct bft_protocol *protocol = bft_protocol_of(where->mode);
	BFT_CHECK(protocol && where->members);
	d->limits.members = rows_of(d, where->members);
	d->limits.absent = mask_all(d->limits.members) & ~where->members;
	size_t need = protocol->bytes(&d->limits);
	if (need > d->core_bytes) {
		free(d->core);
		d->core = malloc(need);
		d->core_bytes = d->core ? need : 0;
	}
	if (!d->core) {
		driver_stop(d, "no memory for the tables of an epoch");
		return false;
	}
	d->protocol = protocol;
	protocol->init(d->core, &d->limits, &d->cluster, where->epoch, d->self);
	return true;
}

/* ---- what a record says of its epoch: u2 mode | u14 rows ---- */

uint16_t epoch_flags(const struct driver *d)
{
	return (uint16_t)((uint32_t)d->roster.mode | d->limits.members << 2);
}

bool epoch_flags_fit(struct driver *d, uint16_t flags)
{
	enum bft_mode mode = flags & 3;
	uint32_t rows = flags >> 2;
	if (flags == epoch_flags(d))
		return true;
	/* A log that was cut begins in whatever epoch; who its members are, a later record says. */
	if (d->lsn || !bft_protocol_of(mode) || rows <= d->self || rows > BFT_MEMBERS_MAX)
		return false;
	struct bft_rec_view where = { .epoch = 1, .chain = d->cluster, .mode = mode, .members = mask_all(rows) };
	if (!epoch_core(d, &where))
		return false;
	epoch_set(d, &where);
	return true;
}

/* The border's checkpoint is what the others need to follow. Who was overtaken has an older one. */
static void keep_border(struct driver *d, bft_seq border)
{
	struct bft_standing standing;
	d->protocol->standing(d->core, &standing);
	free(d->border_certificate);
	d->border_certificate = standing.low == border ? d->stable_certificate : NULL;
	d->border_certificate_n = d->stable_certificate_n;
	if (!d->border_certificate)
		free(d->stable_certificate);
	d->stable_certificate = NULL;
	d->stable_certificate_n = 0;
}

/* Where an epoch begins in the log, what came before it was another core's. A log that was cut above that place is of one epoch. */
bool epoch_recover(struct driver *d, const struct bft_rec_view *where)
{
	if (where->entered == BFT_VIEW_BEGINS) {
		keep_border(d, where->base);
		certify_forget(d);
		if (!epoch_core(d, where))
			return false;
	} else if (where->mode != d->roster.mode || rows_of(d, where->members) != d->limits.members) {
		snprintf(d->trouble, sizeof d->trouble, "the log names another mode or other members than its records are of");
		return false;
	}
	epoch_set(d, where);
	return true;
}

/* What the core persists as it ends says where the next one begins. */
void epoch_ends(struct driver *d, const struct bft_rec_view *where, bft_lsn lsn)
{
	d->next_epoch = *where;
	d->next_epoch_lsn = lsn;
}

static void forget_core(struct driver *d)
{
	for (; d->local_count; d->local_count--, d->local_head = (d->local_head + 1) % d->local_capacity)
		messages_release(d->messages, d->local[d->local_head], HOLD_LOCAL);
	messages_forget(d->messages, HOLD_JOB);
	d->leaves_count = 0;
	memset(d->own_pre_prepare, 0, (size_t)2 * d->limits.window * sizeof *d->own_pre_prepare);
	d->execute_count = 0;
	memset(d->fetch, 0, sizeof d->fetch);
	d->fetches_count = 0;
	d->held_count = 0;
	bodies_forget_core(d->bodies);
	keep_border(d, d->next_epoch.base);
	certify_forget(d);
}

static bool ask_again(void *arg, struct bundle_body *x)
{
	struct driver *d = arg;
	struct bft_event e = { .kind = BFT_EV_REQUEST, .digest = x->digest, .bytes = (uint32_t)x->n, .id = x->id };
	driver_step(d, &e);
	return !d->failed;
}

/* The word of my organization for this very incarnation has been executed: the state says so or, if that is gone, the chain of epochs. */
static bool word_is_given(const struct driver *d)
{
	const struct epochs *e = d->jump.epoch == d->epoch ? &d->jump : execution_epochs(d->execution);
	return d->incarnation && (e->epoch == d->epoch ? e->incarnation[d->self] == d->incarnation : links_let_in(d, d->epoch, d->incarnation));
}

static bool let_in(struct driver *d)
{
	if (!d->lost || !word_is_given(d))
		return !d->lost;
	if (!d->options.env.readmitted(d->options.env.user)) {
		driver_stop(d, "the superblock could not be written");
		return false;
	}
	d->lost = false;
	driver_note(d, QUORATE_LEVEL_INFO, "this replica was let in again: it votes from epoch %llu on", (unsigned long long)d->epoch);
	return true;
}

/* Of a fetched state that is not installed yet, the chain may not know the epoch. */
static const struct epoch_keys *keys_of_epoch(const struct driver *d)
{
	if (d->chain->keys.epoch >= d->epoch)
		return &d->chain->keys;
	return d->jump.epoch >= d->epoch && d->jump.keys.epoch >= d->epoch ? &d->jump.keys : NULL;
}

void epoch_order(struct driver *d)
{
	const struct epoch_keys *k = keys_of_epoch(d);
	struct bft_event order = { .kind = BFT_EV_ORDER };
	if (!k)
		return;
	order.members = epoch_roster(k, d->epoch).passed;
	driver_step(d, &order);
}

static void note_order(struct driver *d)
{
	const struct epoch_keys *k = keys_of_epoch(d);
	bft_mask fresh = k ? epoch_roster(k, d->epoch).passed & ~epoch_roster(k, d->epoch - 1).passed : 0;
	for (uint8_t i = 0; i < d->n; i++)
		if (fresh & BFT_BIT(i))
			driver_note(d, QUORATE_LEVEL_INFO, "replica %u (%s) leads last from epoch %llu on: it lost its office %u times", i, driver_org(d, i),
			            (unsigned long long)d->epoch, PASS_OVER_AFTER);
}

/* Everything that a new core has to be told. `fresh`: nothing was said in this epoch. */
void epoch_begin(struct driver *d, bool fresh)
{
	struct bft_event start = { .kind = BFT_EV_START, .seq = execution_seq(d->execution), .digest = *execution_chain(d->execution), .ok = fresh };
	links_entered(d);
	d->waits_for_chain = !d->lost && !keys_of_epoch(d);
	if (d->waits_for_chain) {
		driver_note(d, QUORATE_LEVEL_INFO, "the log is of epoch %llu, and the state that knew it is gone: the others are asked how it came about",
		            (unsigned long long)d->epoch);
		return;
	}
	epoch_order(d);
	epoch_secret(d);
	bool member = driver_is_member(d), whole = let_in(d) && member;
	links_sign(d);
	if (member && !driver_can_sign(d))
		driver_note(d, QUORATE_LEVEL_ERROR, "this replica's key was changed in epoch %llu, and it does not have the new one: it can sign nothing",
		            (unsigned long long)d->epoch);
	start.recovery = whole && driver_can_sign(d) ? BFT_RECOVERY_WHOLE : BFT_RECOVERY_LOST;
	driver_tick(d);
	driver_step(d, &start);
	epoch_tell(d);
	struct bft_standing standing;
	struct state_meta meta = execution_snapshot_meta(d->execution);
	d->protocol->standing(d->core, &standing);
	if (meta.seq > standing.snapshot) {
		struct bft_event made = { .kind = BFT_EV_SNAPSHOT, .seq = meta.seq, .digest = meta.chain, .root = meta.root };
		driver_step(d, &made);
	}
	bft_seq due = execution_snapshot_due(d->execution);
	if (due) {
		struct bft_event fill = { .kind = BFT_EV_FILL, .seq = due };
		driver_step(d, &fill);
	}
}

static void tell_links(struct driver *d)
{
	for (uint8_t i = 0; i < d->n; i++) {
		struct bft_event link = { .kind = BFT_EV_LINK, .from = i, .ok = true };
		if (d->member[i].up)
			driver_step(d, &link);
	}
}

void epoch_known(struct driver *d)
{
	if (!d->waits_for_chain || d->chain->keys.epoch < d->epoch)
		return;
	epoch_begin(d, false);
	tell_links(d);
	epoch_count(d);
}

static void jump(struct driver *d, const struct epochs *e)
{
	struct bft_roster r = epoch_roster(&e->keys, e->epoch);
	struct bft_event event = { .kind = BFT_EV_JUMP, .epoch = e->epoch, .seq = e->base, .digest = e->chain, .members = r.members, .mode = r.mode };
	driver_step(d, &event);
}

void epoch_tell(struct driver *d)
{
	const struct epochs *e = execution_epochs(d->execution);
	if (e->epoch != d->executed_epoch)
		links_executed(d);
	/* A state that has crossed a border which the log has not: stopped just there, it is crossed again; further on, the log is not the one that was with it. */
	bool stopped_there = e->epoch == d->epoch + 1 && execution_seq(d->execution) == e->base;
	if (e->epoch > d->epoch && !stopped_there) {
		jump(d, e);
		return;
	}
	struct bft_event event = { .kind = BFT_EV_EPOCH, .seq = stopped_there ? e->base : e->epoch == d->epoch ? e->border : 0 };
	if (!event.seq)
		return;
	struct bft_roster next = stopped_there ? epoch_roster(&e->keys, e->epoch) : epoch_change_roster(&e->next, &e->keys);
	event.members = next.members;
	event.mode = next.mode;
	event.signers = next.mode == d->roster.mode ? 0 : roster_quorum(&next);
	driver_step(d, &event);
}

static void note_roster(struct driver *d, const struct bft_roster *before)
{
	const struct bft_roster *now = &d->roster;
	if (now->mode != before->mode)
		driver_note(d, QUORATE_LEVEL_INFO, "the cluster is in %s mode from here on", now->mode == BFT_MODE_TRUSTED ? "trusted" : "bft");
	if (now->members != before->members)
		driver_note(d, QUORATE_LEVEL_INFO, "the cluster has %u members now: %u decide, %u may fail", roster_count(now), roster_quorum(now),
		            roster_faults(now));
	if (roster_has(before, d->self) && !roster_has(now, d->self))
		driver_note(d, QUORATE_LEVEL_WARNING, "this replica is no member any more: it may be stopped, and its data is of no use to the cluster");
}

void epoch_turn(struct driver *d)
{
	if (!d->activated)
		return;
	d->activated = false;
	struct bft_rec_view where = d->next_epoch;
	BFT_CHECK(where.epoch > d->epoch && d->waiting_count == 0);
	forget_core(d);
	struct bft_roster before = d->roster;
	if (!epoch_core(d, &where))
		return;
	epoch_set(d, &where);
	d->overtaken = false;
	d->snapshot_lsn = 0;
	driver_note(d, QUORATE_LEVEL_INFO, "epoch %llu begins behind %llu", (unsigned long long)where.epoch, (unsigned long long)where.base);
	note_roster(d, &before);
	struct bft_event record = { .kind = BFT_EV_RECORD, .rtype = BFT_REC_VIEW, .lsn = d->next_epoch_lsn, .data = &where, .data_count = sizeof where };
	driver_step(d, &record);
	/* Who comes with a state that others have made there may have been there before it lost its memory. */
	epoch_begin(d, d->jump.epoch != where.epoch);
	note_order(d);
	tell_links(d);
	requests_give_back(d);
	bodies_each_request(d->bodies, ask_again, d);
	epoch_count(d);
}

/* ---- the others' epochs ---- */

static bft_mask members_beyond(const struct driver *d)
{
	bft_mask m = 0;
	for (uint8_t i = 0; i < d->n; i++)
		m |= d->member[i].epoch > d->epoch ? BFT_BIT(i) : 0;
	return m;
}

/* f+1 members of it have gone on, as they say themselves, or as their signatures under the next epoch's link show: of a cluster that has replaced them all since, nobody may
 * be here to say so. */
static bool is_over(const struct driver *d)
{
	return d->chain->keys.epoch > d->epoch || mask_count(members_beyond(d) & d->roster.members) >= roster_weak(&d->roster);
}

void epoch_count(struct driver *d)
{
	if (d->overtaken || d->waits_for_chain || !is_over(d))
		return;
	d->overtaken = true;
	d->overtaken_ms = d->mono_ms;
	d->overtaken_seq = execution_seq(d->execution);
	struct bft_event event = { .kind = BFT_EV_EPOCH, .ok = true };
	driver_step(d, &event);
}

/* Whose log ends in an earlier epoch is shown how that ended. */
static void show_border(struct driver *d, uint8_t member)
{
	struct member_state *m = &d->member[member];
	if (!d->border_certificate || (m->border_ms && d->mono_ms < m->border_ms + 50))
		return;
	m->border_ms = d->mono_ms ? d->mono_ms : 1;
	struct bft_checkpoint c = { .seq = d->base, .chain = d->base_chain };
	size_t n = d->protocol->encode(BFT_MSG_STABLE, &c, d->scratch, d->scratch_bytes);
	BFT_CHECK(n > 0 && d->border_certificate_n <= d->scratch_bytes - n);
	memcpy(d->scratch + n, d->border_certificate, d->border_certificate_n);
	send_in_epoch(d, member, BFT_MSG_STABLE, d->epoch - 1, d->scratch, n, d->border_certificate_n);
}

bool epoch_same(struct driver *d, uint8_t member, uint16_t type, bft_epoch epoch)
{
	struct member_state *m = &d->member[member];
	if (epoch > m->epoch) {
		m->epoch = epoch;
		epoch_count(d);
	}
	if (epoch + 1 == d->epoch && type == BFT_MSG_STATUS)
		show_border(d, member);
	return epoch == d->epoch;
}

void epoch_tick(struct driver *d)
{
	if (!d->overtaken || d->transfer || d->waits_for_chain)
		return;
	if (execution_seq(d->execution) != d->overtaken_seq) {
		d->overtaken_seq = execution_seq(d->execution);
		d->overtaken_ms = d->mono_ms;
	}
	if (d->mono_ms >= d->overtaken_ms + BEHIND_MS) {
		d->overtaken_ms = d->mono_ms;
		transfer_begin(d);
	}
}

/* The fetched state, certified and whole, is of a later epoch: that is entered first. True: not yet. */
bool epoch_jump(struct driver *d, struct state *next)
{
	if (epochs_load(&d->jump, next, d->genesis, &d->cluster) != STATE_OK || d->jump.epoch <= d->epoch)
		return false;
	jump(d, &d->jump);
	return true;
}
