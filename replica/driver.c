#include "replica/driver_state.h"
#include "replica/round_trip.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SCRATCH_MARGIN (8u << 20) /* above the largest proposal: a VIEW-CHANGE with all its certificates */
#define ROUNDS_MAX 64u            /* of one turn, before the sockets are looked at again                 */
#define RTT_AGAIN_MS 200u

void driver_note(struct driver *d, enum quorate_level level, const char *format, ...)
{
	char line[256];
	va_list args;
	va_start(args, format);
	vsnprintf(line, sizeof line, format, args);
	va_end(args);
	d->options.env.note(d->options.env.user, level, line);
}

/* For good: what follows would be said without being able to keep it. */
void driver_stop(struct driver *d, const char *format, ...)
{
	if (d->failed)
		return;
	d->failed = true;
	va_list args;
	va_start(args, format);
	vsnprintf(d->trouble, sizeof d->trouble, format, args);
	va_end(args);
	driver_note(d, QUORATE_LEVEL_ERROR, "this replica takes no part any more: %s", d->trouble);
}

void driver_fail(struct driver *d, const char *why)
{
	driver_stop(d, "%s", why);
}

bool driver_grow(void *array, size_t *capacity, size_t need, size_t size)
{
	void **at = array;
	size_t wanted = *capacity ? *capacity : 64;
	if (need <= *capacity)
		return true;
	while (wanted < need)
		wanted *= 2;
	void *grown = realloc(*at, wanted * size);
	if (!grown)
		return false;
	*at = grown;
	*capacity = wanted;
	return true;
}

/* ---- the core's step ---- */

static void wait_for(struct driver *d, const struct bft_effect *e)
{
	struct bft_effect *w;
	void *copy = e->data ? malloc(e->data_bytes ? e->data_bytes : 1) : NULL;
	if ((e->data && !copy) || !driver_grow(&d->waiting, &d->waiting_capacity, d->waiting_count + 1, sizeof *w)) {
		free(copy);
		driver_stop(d, "no memory for what waits for the disk");
		return;
	}
	w = &d->waiting[d->waiting_count++];
	*w = *e;
	if (copy)
		w->data = memcpy(copy, e->data, e->data_bytes);
}

void driver_step(struct driver *d, const struct bft_event *event)
{
	if (d->failed)
		return;
	BFT_CHECK(!d->stepping);
	d->stepping = true;
	d->out.count = 0;
	d->out.arena_used = 0;
	d->protocol->step(d->core, event, &d->out);
	d->protocol->check(d->core);
	for (uint32_t i = 0; i < d->out.count && !d->failed; i++) {
		const struct bft_effect *e = &d->out.at[i];
		if (e->kind == BFT_FX_PERSIST)
			effect_persist(d, e);
		else if (e->lsn <= d->durable)
			effect_happen(d, e);
		else
			wait_for(d, e);
	}
	d->stepping = false;
	if (d->flush_wanted)
		driver_flush(d);
}

void driver_flush(struct driver *d)
{
	d->flush_wanted = false;
	d->unflushed_ms = 0;
	d->options.env.flush(d->options.env.user);
}

static uint32_t round_trip_us(const struct driver *d)
{
	uint64_t us[BFT_MEMBERS_MAX] = { 0 };
	for (uint8_t i = 0; i < d->n && d->options.env.rtt_us; i++)
		us[i] = i != d->self && d->member[i].up ? d->options.env.rtt_us(d->options.env.user, i) : 0;
	return round_trip(us, d->n, roster_count(&d->roster));
}

void driver_tick(struct driver *d)
{
	if (d->mono_ms >= d->rtt_at_ms + RTT_AGAIN_MS || !d->rtt_at_ms) {
		d->rtt_us = round_trip_us(d);
		requests_pace(d, d->mono_ms - d->rtt_at_ms);
		d->rtt_at_ms = d->mono_ms;
	}
	struct bft_event tick = { .kind = BFT_EV_TICK, .mono_ms = d->mono_ms, .wall_ms = d->wall_ms, .rtt_us = d->rtt_us };
	d->ticked_ms = d->mono_ms;
	driver_step(d, &tick);
}

void driver_time(struct driver *d, uint64_t mono_ms, uint64_t wall_ms)
{
	if (mono_ms < d->mono_ms)
		mono_ms = d->mono_ms;
	d->mono_ms = mono_ms;
	shares_time(d->shares, mono_ms);
	d->wall_ms = wall_ms;
	if (!d->started || mono_ms == d->ticked_ms)
		return;
	driver_tick(d);
	fetch_tick(d);
	transfer_tick(d);
	epoch_tick(d);
	links_tick(d);
	reads_executed(d); /* also: given up */
	if (d->unflushed_ms && mono_ms >= d->unflushed_ms + UNFLUSHED_MS)
		driver_flush(d);
}

void driver_member_link(struct driver *d, uint8_t member, bool up)
{
	if (member >= BFT_MEMBERS_MAX || member == d->self || d->member[member].up == up)
		return;
	d->member[member].up = up;
	struct bft_event event = { .kind = BFT_EV_LINK, .from = member, .ok = up };
	driver_step(d, &event);
}

void driver_durable(struct driver *d, bft_lsn lsn)
{
	if (lsn <= d->durable || d->failed)
		return;
	d->durable = lsn;
	bodies_durable(d->bodies, lsn);
	size_t kept = 0, count = d->waiting_count;
	struct bft_effect *waiting = d->waiting;
	for (size_t i = 0; i < count; i++) {
		if (waiting[i].lsn > lsn) {
			waiting[kept++] = waiting[i];
			continue;
		}
		if (!d->failed)
			effect_happen(d, &waiting[i]);
		free((void *)(uintptr_t)waiting[i].data);
	}
	d->waiting_count = kept;
	struct bft_event event = { .kind = BFT_EV_DURABLE, .lsn = lsn };
	driver_step(d, &event);
	carry_out_snapshot(d);
}

void driver_space(struct driver *d, enum driver_disk disk, bool low)
{
	uint8_t full = (uint8_t)(low ? d->full | disk : d->full & ~disk);
	bool was = d->low_space;
	d->full = full;
	d->low_space = full != 0;
	if (d->low_space == was)
		return;
	driver_note(d, low ? QUORATE_LEVEL_ERROR : QUORATE_LEVEL_INFO,
	            low ? "the disk is full: no new work until there is room" : "there is room on the disk again: new work is taken");
}

/* ---- turns ---- */

/* Proposals that became whole. With a full disk they wait: a PREPARE would promise what cannot be kept. */
static bool tell_held(struct driver *d)
{
	if (d->held_count == 0 || d->low_space)
		return false;
	struct digest digest = d->held[0];
	memmove(d->held, d->held + 1, --d->held_count * sizeof digest);
	struct proposal_body *p = bodies_find_proposal(d->bodies, &digest);
	if (!p)
		return true;
	p->in_use = true; /* until the core forgets it, or it is executed */
	struct bft_event event = { .kind = BFT_EV_HELD,
		                   .digest = digest,
		                   .ok = !p->invalid,
		                   .time_ms = p->head.time_ms,
		                   .data_count = p->head.count,
		                   .bytes = (uint32_t)(p->total - p->n) };
	driver_step(d, &event);
	return true;
}

static void close_links(struct driver *d)
{
	for (uint8_t i = 0; d->closing && i < d->n; i++)
		if (d->closing & BFT_BIT(i))
			d->options.env.close_member(d->options.env.user, i, "messages that no honest replica sends");
	d->closing = 0;
}

bool driver_turn(struct driver *d)
{
	if (!d->started || d->failed)
		return false;
	close_links(d);
	epoch_turn(d);
	pass_over_turn(d);
	bool progress = true, more = verify_pool_turn(d->pool, d, VERIFY_BUDGET);
	for (uint32_t round = 0; progress && round < ROUNDS_MAX && !d->failed; round++) {
		progress = effects_run_local(d);
		progress |= requests_feed(d);
		progress |= requests_tell(d);
		progress |= tell_held(d);
		progress |= carry_out(d);
		epoch_turn(d);
		pass_over_turn(d);
		/* Only when all else is quiet: one signature for all votes of this wake-up. */
		if (!progress)
			progress = effects_seal_votes(d);
	}
	return (progress || more) && !d->failed;
}

uint64_t driver_deadline(const struct driver *d)
{
	if (!d->started || d->failed)
		return UINT64_MAX;
	uint64_t a = d->protocol->deadline(d->core), b = fetch_deadline(d), c = d->unflushed_ms ? d->unflushed_ms + UNFLUSHED_MS : UINT64_MAX;
	uint64_t e = transfer_deadline(d), h = links_deadline(d);
	uint64_t g = d->full & DRIVER_DISK_STATE ? d->room_again_ms : UINT64_MAX;
	a = a < b ? a : b;
	c = c < e ? c : e;
	a = a < c ? a : c;
	a = a < h ? a : h;
	return a < g ? a : g;
}

/* ---- frames ---- */

void driver_member_frame(struct driver *d, uint8_t member, const uint8_t *bytes, size_t n)
{
	struct rd r = rd_of(bytes, n);
	struct bft_envelope e;
	if (member >= BFT_MEMBERS_MAX || !d->started)
		return;
	if (!envelope_read(&r, &e)) {
		d->options.env.close_member(d->options.env.user, member, "a frame without an envelope of this version");
		return;
	}
	if (e.type == BFT_WIRE_QUERY) {
		answer_standing(d, member, 0);
		return;
	}
	if (d->failed)
		return;
	switch (e.type) {
	case BFT_WIRE_BUNDLE:
		if (roster_has(&d->roster, member) && !d->waits_for_chain)
			requests_bundle(d, member, 0, NULL, &e, r.at, rd_left(&r));
		break;
	case BFT_WIRE_PROPOSAL: admission_proposal(d, member, r.at, rd_left(&r)); break;
	case BFT_WIRE_FETCH: fetch_serve(d, member, r.at, rd_left(&r)); break;
	case BFT_WIRE_FETCH_OFFER: transfer_serve_offer(d, member); break;
	case BFT_WIRE_OFFER: transfer_offer(d, member, r.at, rd_left(&r)); break;
	case BFT_WIRE_FETCH_STATE: transfer_serve(d, member, r.at, rd_left(&r)); break;
	case BFT_WIRE_FETCH_EPOCH: links_serve(d, member, r.at, rd_left(&r)); break;
	case BFT_WIRE_EPOCH: links_take(d, member, r.at, rd_left(&r)); break;
	case BFT_WIRE_STATE: transfer_state(d, member, r.at, rd_left(&r)); break;
	default: admission_message(d, member, &e, r.at, rd_left(&r)); break;
	}
}

void driver_stranger(struct driver *d, uint8_t member, bool up)
{
	if (member < BFT_MEMBERS_MAX && member != d->self)
		links_stranger(d, member, up);
}

void driver_stranger_frame(struct driver *d, uint8_t member, const uint8_t *bytes, size_t n)
{
	struct rd r = rd_of(bytes, n);
	struct bft_envelope e;
	if (member >= BFT_MEMBERS_MAX || !d->started || d->failed || !envelope_read(&r, &e))
		return;
	if (e.type == BFT_WIRE_FETCH_EPOCH)
		links_serve(d, member, r.at, rd_left(&r));
	else if (e.type == BFT_WIRE_EPOCH)
		links_take(d, member, r.at, rd_left(&r));
}

void driver_client_frame(struct driver *d, driver_link link, const struct public_key *key, const uint8_t *bytes, size_t n)
{
	struct rd r = rd_of(bytes, n);
	struct bft_envelope e;
	if (!d->started)
		return;
	bool ok = envelope_read(&r, &e);
	bool asks = ok && (e.type == BFT_WIRE_BUNDLE || e.type == BFT_WIRE_READ || e.type == BFT_WIRE_ATTACH);
	if (asks && (d->waits_for_chain || !driver_is_member(d)))
		return; /* what a replica answers that is no member, or not yet, counts for nobody */
	if (ok && e.type == BFT_WIRE_QUERY) {
		answer_standing(d, -1, link);
	} else if (ok && e.type == BFT_WIRE_FETCH_EVIDENCE) {
		evidence_serve(d, link, r.at, rd_left(&r));
	} else if (ok && e.type == BFT_WIRE_FETCH_VOICE) {
		voice_serve(d, link, r.at, rd_left(&r));
	} else if (ok && e.type == BFT_WIRE_BUNDLE) {
		if (!d->failed)
			requests_bundle(d, -1, link, key, &e, r.at, rd_left(&r));
	} else if (ok && e.type == BFT_WIRE_READ) {
		read_take(d, link, key, r.at, rd_left(&r));
	} else if (ok && e.type == BFT_WIRE_FETCH_EPOCH) {
		links_serve_client(d, link, r.at, rd_left(&r));
	} else if (ok && e.type == BFT_WIRE_ATTACH) {
		route_attach(d, link, key, r.at, rd_left(&r));
	} else {
		d->options.env.close_client(d->options.env.user, link, "a frame that no client sends");
	}
}

void driver_client_gone(struct driver *d, driver_link link)
{
	for (size_t i = 0; i < (size_t)ROUTES_SETS * ROUTES_WAYS; i++)
		if (d->routes[i].link == link)
			d->routes[i].link = 0;
}

/* ---- standing ---- */

static const char *no_member(const struct driver *d)
{
	const struct bft_card *newest = epoch_card(&d->chain->keys, d->self, d->chain->keys.epoch);
	bool coming = newest && public_key_equal(&newest->member_key, &d->options.card_key);
	return coming ? "it is a new member, and fetches the state of the others" : "it is no member any more: it may be stopped";
}

void driver_standing(struct driver *d, struct standing *s)
{
	struct bft_standing core;
	d->protocol->standing(d->core, &core);
	struct state_meta meta = execution_snapshot_meta(d->execution);
	bft_seq due = execution_snapshot_due(d->execution);
	*s = (struct standing){
		.role = core.observer || d->failed                 ? STANDING_OBSERVER
		        : core.leader == d->self && !core.changing ? STANDING_LEADER
		                                                   : STANDING_BACKUP,
		.mode = (uint8_t)d->roster.mode,
		.flags = (uint8_t)((core.changing ? 1 : 0) | (d->low_space ? 2 : 0) | (d->transfer ? 4 : 0)),
		.epoch = d->epoch,
		.view = core.view,
		.leader = core.leader,
		.executed = execution_seq(d->execution),
		.chain = *execution_chain(d->execution),
		.stable = core.low,
		.snapshot = meta.seq,
		.root = meta.root,
		.snapshot_asked = due ? due : meta.seq,
		.time_ms = execution_time_ms(d->execution),
		.incarnation = d->lost ? d->incarnation : 0,
		.damaged_from = d->lost ? d->damaged_from : 0,
		.damaged_to = d->lost ? d->damaged_to : 0,
	};
	const char *trouble = d->trouble[0]          ? d->trouble
	                      : !driver_is_member(d) ? no_member(d)
	                      : d->waits_for_chain   ? "the state that knew its epoch is gone: the others are asked how that came about"
	                      : d->key_missing || !driver_can_sign(d)
	                              ? "its key was changed, and it does not have the new one: put that file beside the old one, and restart it"
	                      : core.observer ? "it may have forgotten what it signed, and observes: 'quorate member readmit' lets it vote again"
	                      : d->low_space  ? "the disk is full: no new work until there is room"
	                      : d->transfer   ? "the state is being fetched from the others"
	                                      : "";
	snprintf(s->trouble, sizeof s->trouble, "%s", trouble);
}

/* ---- keys ---- */

const struct public_key *driver_key(const struct driver *d, uint8_t member, bft_epoch epoch)
{
	return epoch_key(&d->chain->keys, member, epoch);
}

const struct public_key *driver_member_key(const struct driver *d, uint8_t member)
{
	return driver_key(d, member, d->chain->keys.epoch);
}

const struct bft_card *driver_member_card(const struct driver *d, uint8_t member)
{
	return epoch_card_last(&d->chain->keys, member);
}

bool driver_is_member(const struct driver *d)
{
	const struct bft_card *card = epoch_card(&d->chain->keys, d->self, d->epoch);
	bool mine = d->epoch > d->chain->keys.epoch || (card && public_key_equal(&card->member_key, &d->options.card_key));
	return mine && roster_has(&d->roster, d->self);
}

const char *driver_org(const struct driver *d, uint8_t member)
{
	const struct bft_card *card = driver_member_card(d, member);
	return card ? card->org : "?";
}

struct bft_roster driver_roster(const struct driver *d, bft_epoch epoch)
{
	/* An epoch that the log knows, and neither the state nor the chain. */
	if (epoch == d->epoch && epoch > d->chain->keys.epoch)
		return d->roster;
	return epoch_roster(&d->chain->keys, epoch);
}

const struct public_key *driver_next_key(const struct driver *d, uint8_t member)
{
	const struct epochs *e = execution_epochs(d->execution);
	return e->epoch > d->chain->keys.epoch ? epoch_key(&e->keys, member, e->epoch) : NULL;
}

static bool secret_is(const struct driver *d, const struct public_key *key)
{
	return key && memcmp(d->secret.b + sizeof d->secret.b - PUBLIC_KEY_BYTES, key->b, PUBLIC_KEY_BYTES) == 0;
}

bool driver_has_secret(const struct driver *d, const struct public_key *key)
{
	struct secret_key secret;
	if (secret_is(d, key))
		return true;
	if (!d->options.env.secret || !d->options.env.secret(d->options.env.user, key, &secret))
		return false;
	sign_wipe(&secret);
	return true;
}

bool driver_can_sign(const struct driver *d)
{
	return secret_is(d, driver_key(d, d->self, d->epoch));
}

/* The epoch that begins may know me by another key. */
void epoch_secret(struct driver *d)
{
	const struct public_key *key = driver_key(d, d->self, d->epoch);
	struct secret_key secret;
	if (!key || secret_is(d, key) || !d->options.env.secret || !d->options.env.secret(d->options.env.user, key, &secret))
		return;
	d->secret = secret;
	sign_wipe(&secret);
}

bool driver_sign(struct driver *d, bft_epoch epoch, const struct statement *s, struct signature *out)
{
	memset(out, 0, sizeof *out);
	if (!secret_is(d, driver_key(d, d->self, epoch)))
		return false;
	d->options.scheme->sign(out, s, &d->secret);
	d->counts.signatures++;
	return true;
}

bool driver_signs_requests(const struct driver *d)
{
	return bft_signs_requests(d->roster.mode);
}

const char *driver_trouble(const struct driver *d)
{
	return d->trouble;
}

bool driver_failed(const struct driver *d)
{
	return d->failed;
}

void driver_counts(const struct driver *d, struct driver_counts *out)
{
	*out = d->counts;
}

/* ---- life ---- */

/* But for the members, whom the epoch has. */
static void limits_of(struct bft_limits *out, const struct driver_options *o)
{
	const struct bft_genesis_limits *l = &o->genesis->limits;
	*out = (struct bft_limits){
		.window = l->window,
		.checkpoint_every = l->checkpoint_every,
		.proposal_bytes_max = l->proposal_bytes_max,
		.proposal_bundles_max = l->proposal_bundles_max,
		.drift_ms = l->drift_ms,
		.request_timeout_ms = l->request_timeout_ms,
		.requests_max = o->requests_max,
		.executing_max = l->window,
		.lease_drift_percent = o->lease_drift_percent,
	};
}

/* The mode may change with the epoch: what holds a message or a record is large enough for either. */
static bool allocate_decoded(struct driver *d)
{
	size_t body = 0, record = 0;
	for (int mode = BFT_MODE_BFT; mode <= BFT_MODE_TRUSTED; mode++) {
		const struct bft_protocol *p = bft_protocol_of((enum bft_mode)mode);
		body = p->body_bytes > body ? p->body_bytes : body;
		record = p->record_bytes > record ? p->record_bytes : record;
	}
	d->decoded = malloc(body);
	d->record = malloc(record);
	return d->decoded && d->record;
}

static bool allocate(struct driver *d)
{
	const struct driver_options *o = &d->options;
	size_t ring = (size_t)2 * d->limits.window;
	struct bodies_limits bodies = { d->limits.proposal_bundles_max, d->limits.proposal_bytes_max, o->memory_bytes };
	d->scratch_bytes = (size_t)d->limits.proposal_bytes_max + SCRATCH_MARGIN;
	d->out = (struct bft_effects){ .capacity = BFT_EFFECTS_MAX, .arena_bytes = BFT_ARENA_BYTES };
	d->out.at = calloc(BFT_EFFECTS_MAX, sizeof *d->out.at);
	d->out.arena = malloc(BFT_ARENA_BYTES);
	d->scratch = malloc(d->scratch_bytes);
	d->messages = messages_create((uint32_t)(ring * 2 * BFT_MEMBERS_MAX + (64u + BFT_MEMBERS_MAX + MEMBER_JOBS_MAX) * BFT_MEMBERS_MAX));
	d->bodies = bodies_create(&bodies, &d->cluster);
	d->history = history_create();
	d->execution = execution_create(o->state, o->genesis, o->scheme, &d->cluster, o->app);
	d->executed = malloc(sizeof *d->executed);
	d->pool = verify_pool_create(o->verifiers, o->scheme, 1u << 15, o->env.wake, o->env.user);
	d->own_pre_prepare = calloc(ring, sizeof *d->own_pre_prepare);
	d->own_certificate = calloc(ring, sizeof *d->own_certificate);
	struct fair_limits fair = { REQUESTS_WAITING_MAX, REQUESTS_CLIENTS_MAX, o->memory_bytes / REQUESTS_WAITING_PART, REQUESTS_TURN_BYTES };
	d->fair = fair_create(&fair);
	d->shares = shares_create(2 * REQUESTS_CLIENTS_MAX);
	d->routes = calloc((size_t)ROUTES_SETS * ROUTES_WAYS, sizeof *d->routes);
	return links_create(d) && allocate_decoded(d) && d->out.at && d->out.arena && d->scratch && d->messages && d->bodies && d->history && d->execution &&
	       d->executed && d->pool && d->own_pre_prepare && d->own_certificate && d->fair && d->shares && d->routes;
}

struct driver *driver_create(const struct driver_options *options)
{
	struct driver *d = calloc(1, sizeof *d);
	if (!d)
		return NULL;
	d->options = *options;
	static const struct public_key none;
	if (public_key_equal(&options->card_key, &none) && options->self < options->genesis->count)
		d->options.card_key = options->genesis->cards[options->self].member_key;
	d->reads_last = &d->reads;
	d->genesis = options->genesis;
	d->cluster = options->cluster;
	d->self = options->self;
	d->secret = options->secret;
	sign_wipe(&d->options.secret);
	proposal_null_digest(&d->null_digest, &d->cluster);
	limits_of(&d->limits, options);
	struct bft_rec_view first = { .epoch = 1, .chain = d->cluster, .mode = d->genesis->mode, .members = mask_all(d->genesis->count) };
	if (!allocate(d) || !epoch_core(d, &first)) {
		driver_destroy(d);
		return NULL;
	}
	epoch_set(d, &first);
	return d;
}

void driver_destroy(struct driver *d)
{
	if (!d)
		return;
	d->failed = true;
	verify_pool_destroy(d->pool, d);
	fair_destroy(d->fair, requests_drop);
	shares_destroy(d->shares);
	for (size_t i = 0; i < d->waiting_count; i++)
		free((void *)(uintptr_t)d->waiting[i].data);
	free(d->waiting);
	for (size_t i = 0; d->own_certificate && i < (size_t)2 * d->limits.window; i++)
		free(d->own_certificate[i].bytes);
	free(d->own_certificate);
	free(d->own_pre_prepare);
	free(d->stable_certificate);
	free(d->border_certificate);
	free(d->own_tail.bytes);
	free(d->certified_certificate);
	transfer_leases_end(d);
	transfer_end(d);
	reads_end(d);
	free(d->local);
	free(d->execute);
	free(d->held);
	free(d->routes);
	free(d->executed);
	execution_destroy(d->execution);
	history_destroy(d->history);
	bodies_destroy(d->bodies);
	messages_destroy(d->messages);
	free(d->scratch);
	free(d->record);
	free(d->decoded);
	free(d->core);
	free(d->out.arena);
	free(d->out.at);
	links_destroy(d);
	sign_wipe(&d->secret);
	free(d);
}
