/* One replica: the product's driver, log and state over a simulated disk. */
#include "replica/driver_state.h"
#include "tests/sim/sim.h"

#include <unistd.h>

static void at(struct node *d, struct sim_event e)
{
	e.node = e.from = d->place;
	e.boot = d->boot;
	sim_at(d->sim, e);
}

/* A crash in the middle of a wake-up: from some call of the world on nothing happens any more. */
static bool dead(struct node *d)
{
	if (d->crash_in && --d->crash_in == 0)
		d->dying = true;
	return d->dying;
}

/* ---- the driver's world ---- */

static bool env_send(void *user, uint8_t member, enum net_class class, const void *head, size_t head_n, const void *body, size_t body_n)
{
	struct node *d = user;
	(void)class;
	if (dead(d))
		return false;
	struct frame *f = frame_make(head, head_n, body, body_n);
	if (d->liar.lies) {
		liar_send(d, member, f);
	} else {
		statements_sent(d->sim, d->id, f);
		network_send(d, member, f);
	}
	frame_release(f);
	return true;
}

/* Links of clients have names that are never used twice: one that was closed is followed by another. */
#define CLIENT_LINKS 16u

static driver_link link_of(const struct node *d, uint8_t client)
{
	return 1 + client + (client == SIM_LYING_CLIENT ? CLIENT_LINKS * d->lying_links : 0);
}

static uint8_t client_of(driver_link link)
{
	return (uint8_t)((link - 1) % CLIENT_LINKS);
}

static bool env_send_client(void *user, driver_link link, const void *head, size_t head_n, const void *body, size_t body_n)
{
	struct node *d = user;
	if (dead(d))
		return false;
	struct frame *f = frame_make(head, head_n, body, body_n);
	uint8_t client = client_of(link);
	if (d->liar.lies) {
		liar_reply(d, client, f);
	} else {
		statements_replied(d->sim, d->id, f);
		network_reply(d, client, f);
	}
	frame_release(f);
	return true;
}

static void env_close_member(void *user, uint8_t member, const char *why)
{
	struct node *d = user;
	sim_trace(d->sim, "node %u closes its link to %u: %s", d->id, member, why);
	if (!d->sim->node[member].liar.lies && !d->liar.lies)
		sim_fail(d->sim, "node %u closes its link to honest %u: %s", d->id, member, why);
	/* It is down at once, and built again. */
	at(d, (struct sim_event){ .at = d->sim->now, .kind = SIM_LINK, .value = member });
	at(d, (struct sim_event){ .at = d->sim->now + 50, .kind = SIM_LINK, .value = member | 256u });
}

static void env_close_client(void *user, driver_link link, const char *why)
{
	struct node *d = user;
	if (client_of(link) == SIM_LYING_CLIENT) {
		if (link != link_of(d, SIM_LYING_CLIENT))
			return; /* it is gone already: something that came by it was checked late */
		d->lying_links++;
		driver_client_gone(d->driver, link);
		return;
	}
	sim_fail(d->sim, "node %u closes its link to honest client %llu: %s", d->id, (unsigned long long)link, why);
}

static enum log_result env_append(void *user, uint16_t type, uint16_t flags, uint64_t lsn, uint64_t seq, const struct iovec *pieces, unsigned count,
                                  struct log_position *where)
{
	struct node *d = user;
	struct bft_rec_executed executed;
	static const struct log_position nowhere = { 1, 0, 0 };
	if (dead(d)) {
		if (where)
			*where = nowhere;
		return LOG_OK;
	}
	if (type == BFT_REC_EXECUTED) {
		struct rd r = rd_of(pieces[0].iov_base, pieces[0].iov_len);
		if (!record_read(type, &executed, &r) || !rd_done(&r))
			sim_fail(d->sim, "node %u writes a record that does not decode", d->id);
		else if (!d->liar.lies)
			check_executed(d, &executed);
	}
	if (d->driver->protocol->record(type)->certificate && !d->liar.lies)
		check_certificate(d, pieces[0].iov_base, pieces[0].iov_len);
	return log_append(d->log, type, flags, lsn, seq, pieces, count, where);
}

static void env_flush(void *user)
{
	struct node *d = user;
	d->flush_wanted = true;
}

static void env_truncate_below(void *user, uint64_t lsn)
{
	struct node *d = user;
	if (!dead(d))
		log_truncate_below(d->log, lsn);
}

static enum log_result env_read(void *user, const struct log_position *where, void *out, size_t capacity, struct log_record *record)
{
	struct node *d = user;
	return log_read(d->log, where, out, capacity, record);
}

static void next_path(const struct node *d, char out[160])
{
	snprintf(out, 160, "%s-next", d->state_path);
}

/* A state is a twentieth of that at most; the rest is for what those hold back who fetch it: with a snapshot every four sequences eight MiB were too few (seed 609). A replica
 * whose file is full stops, and that fails the seed. */
const struct state_options sim_state_options = { .map_bytes = 16u << 20, .no_sync = true };

static struct state *env_transfer_open(void *user)
{
	struct node *d = user;
	char path[160], why[STATE_REASON_BYTES];
	next_path(d, path);
	d->sim->transfers_begun++;
	if (d->next)
		return d->next;
	if (access(path, F_OK) != 0 && state_meta(d->state).seq && state_copy(d->state, path) != 0)
		abort();
	if (state_open(&d->next, path, &sim_state_options, why) != STATE_OK)
		sim_fail(d->sim, "node %u: %s", d->id, why);
	return d->next;
}

static struct state *env_transfer_install(void *user)
{
	struct node *d = user;
	char path[160], why[STATE_REASON_BYTES];
	next_path(d, path);
	state_close(d->next);
	state_close(d->state);
	d->next = d->state = NULL;
	d->sim->transfers++;
	if (rename(path, d->state_path) != 0 || state_open(&d->state, d->state_path, &sim_state_options, why) != STATE_OK)
		sim_fail(d->sim, "node %u cannot install: %s", d->id, why);
	return d->state;
}

static uint64_t env_memory_lost(void *user)
{
	struct node *d = user;
	if (!d->liar.lies && !d->rolled_back)
		sim_fail(d->sim, "node %u believes that its log lacks what it signed", d->id);
	d->noticed = true;
	disk_memory_lost(d);
	return d->incarnation;
}

/* As pings would find it: the mean of what the network draws from. */
static uint64_t env_rtt_us(void *user, uint8_t member)
{
	const struct sim *s = ((struct node *)user)->sim;
	(void)member;
	return 1000u * (2 + (s->calm && !s->slow ? 4 : s->delay_max_ms));
}

static bool env_readmitted(void *user)
{
	struct node *d = user;
	d->incarnation = 0;
	d->readmitted = true;
	d->sim->readmitted++;
	return disk_superblock(d, true);
}

static bool env_secret(void *user, const struct public_key *key, struct secret_key *out)
{
	return operator_secret(user, key, out);
}

/* Small, and flushed at once: it survives a crash, or is lost with the folder. */
static void env_keep_link(void *user, const uint8_t *bytes, size_t n)
{
	struct node *d = user;
	if (dead(d))
		return;
	uint8_t *grown = realloc(d->links, d->links_n + n);
	if (!grown)
		abort();
	memcpy(grown + d->links_n, bytes, n);
	d->links = grown;
	d->links_n += n;
}

static void env_note(void *user, enum quorate_level level, const char *line)
{
	struct node *d = user;
	(void)level;
	sim_trace(d->sim, "node %u: %s", d->id, line);
}

/* ---- a wake-up ---- */

static void tick_at_deadline(struct node *d)
{
	uint64_t when = driver_deadline(d->driver);
	if (when == UINT64_MAX)
		return;
	when = true_time_of(d, when);
	if (when <= d->sim->now)
		when = d->sim->now + 1;
	if (d->tick_at > d->sim->now && d->tick_at <= when)
		return;
	d->tick_at = when;
	at(d, (struct sim_event){ .at = when, .kind = SIM_TICK });
}

static void bring(struct node *d, const struct sim_event *e)
{
	switch (e->kind) {
	case SIM_FRAME:
		if (e->client)
			driver_client_frame(d->driver, link_of(d, e->from), &d->sim->client[e->from].key, e->frame->bytes, e->frame->n);
		else
			driver_member_frame(d->driver, d->sim->node[e->from].id, e->frame->bytes, e->frame->n);
		break;
	case SIM_FLUSHED: disk_flushed(d, (int)e->value); break;
	case SIM_SPACE: disk_tries_again(d); break;
	case SIM_LINK: driver_member_link(d->driver, (uint8_t)(e->value & 255), e->value >= 256); break;
	case SIM_HAND_OVER: driver_step(d->driver, &(struct bft_event){ .kind = BFT_EV_ADMIN }); break;
	default: break;
	}
}

static void wake_up(struct node *d, const struct sim_event *e)
{
	struct sim *s = d->sim;
	s->wakeups++;
	s->at_work = d->id;
	if (!s->calm && !s->forgetting && s->crash_every_ms && rng_below(&s->faults.plan[FAULT_CRASH_INSIDE], 20000) == 0 &&
	    fault(s, FAULT_CRASH_INSIDE, "replica %u is about to crash in the middle of a wake-up", d->id))
		d->crash_in = 1 + rng_below(&s->faults.plan[FAULT_CRASH_INSIDE], 12);
	driver_time(d->driver, mono_of(d), clock_of(d));
	if (e)
		bring(d, e);
	for (uint32_t turns = 0; driver_turn(d->driver); turns++)
		if (turns > 10000) {
			sim_fail(s, "node %u is never done", d->id);
			return;
		}
	if (d->dying) {
		node_crash(d);
		sim_at(s, (struct sim_event){ .at = s->now + 10 + rng_below(&s->rng, 4000), .kind = SIM_START, .node = d->place });
		return;
	}
	d->crash_in = 0;
	disk_flush(d);
	if (d->stops) {
		d->stops = false;
		node_crash(d);
		sim_at(s, (struct sim_event){ .at = s->now + 10 + rng_below(&s->rng, 3000), .kind = SIM_START, .node = d->place });
		return;
	}
	tick_at_deadline(d);
	check_node(d);
}

void node_event(struct node *d, const struct sim_event *e)
{
	bool own = e->kind != SIM_FRAME;
	bool deaf = !own && d->liar.lies && script_is_deaf(d, e);
	if (!own && d->up && d->liar.lies)
		liar_hears(d, e);
	if (d->up && !(own && e->boot != d->boot) && !network_lost(d->sim, e) && !deaf)
		wake_up(d, e);
	frame_release(e->frame);
}

/* ---- life ---- */

void node_create(struct sim *s, uint8_t place)
{
	struct node *d = &s->node[place];
	d->sim = s;
	d->place = place;
	d->id = place < s->n ? place : d->id; /* a twin has got its own */
	snprintf(d->state_path, sizeof d->state_path, "%s/%u.mdb", s->folder, place);
	disk_format(d, true);
}

static void close_all(struct node *d)
{
	driver_destroy(d->driver);
	log_close(d->log);
	state_close(d->next);
	state_close(d->state);
	liar_forget(d);
	d->next = NULL;
	d->driver = NULL;
	d->log = NULL;
	d->state = NULL;
}

/* What was flushed stays. Of what was written after that, anything may: all (a killed process), nothing, or some sectors (power loss). */
void node_crash(struct node *d)
{
	struct sim *s = d->sim;
	sim_trace(s, "node %u crashes at %llu", d->id, (unsigned long long)d->seen.executed);
	close_all(d);
	d->up = false;
	clients_link(s, d->id, false);
	d->dying = false;
	d->crash_in = 0;
	memory_disk_power_loss(d->disk, (int)rng_below(&s->rng, 3));
	disk_rests(d);
}

/* What a damaged folder may end in: an operator who gives it up. */
static bool give_up(struct node *d, const char *why)
{
	if (!d->rolled_back || d->liar.lies)
		return sim_fail(d->sim, "node %u: %s", d->id, why);
	sim_trace(d->sim, "node %u's folder is given up: %s", d->id, why);
	d->sim->given_up++;
	return false;
}

static bool open_all(struct node *d)
{
	struct sim *s = d->sim;
	if (!state_open_judged(d))
		return false;
	struct driver_options o = {
		.genesis = &s->genesis,
		.cluster = s->cluster,
		.self = d->id,
		.scheme = s->scheme,
		.secret = s->secret[d->id],
		.requests_max = 512,
		.lease_drift_percent = s->lease_drift_percent,
		.memory_bytes = 16u << 20,
		.app = &sim_app,
		.state = d->state,
		.env = { d,
		         env_send,
		         env_send_client,
		         env_close_member,
		         env_close_client,
		         env_append,
		         env_flush,
		         env_truncate_below,
		         env_read,
		         env_transfer_open,
		         env_transfer_install,
		         env_memory_lost,
		         env_readmitted,
		         env_note,
		         NULL,
		         evidence_shown,
		         NULL,
		         env_rtt_us,
		         env_secret,
		         NULL,
		         env_keep_link,
		         NULL },
	};
	size_t used;
	memcpy(o.card_key.b, s->secret[d->id].b + 32, PUBLIC_KEY_BYTES);
	d->driver = driver_create(&o);
	struct log_options log = { .cluster = s->cluster, .segment_bytes = 16u << 10, .queue_bytes = 64u << 20 };
	struct log_report report;
	struct damage damage = { .driver = d->driver, .report = &report };
	struct log_disk disk = memory_disk_table(d->disk);
	if (!d->driver)
		abort();
	if (!driver_epochs(d->driver, d->links, d->links_n, &used))
		return sim_fail(s, "node %u does not take back the links that it kept", d->id);
	enum log_result opened = log_open(&d->log, &disk, &log, damage_visit, &damage, &report);
	if (opened == LOG_ERR_SPACE) {
		d->no_room = true;
		return false;
	}
	if (opened != LOG_OK)
		return give_up(d, driver_trouble(d->driver)[0] ? driver_trouble(d->driver) : report.reason);
	if (!disk_judge(d, &damage, report.class == LOG_DAMAGED, report.reason))
		return false;
	if (!driver_replay(d->driver))
		return give_up(d, driver_trouble(d->driver));
	return driver_start(d->driver, d->incarnation ? BFT_RECOVERY_LOST : BFT_RECOVERY_WHOLE, d->incarnation, report.last_lsn, mono_of(d), clock_of(d));
}

/* Whatever is wrong with it, the replica comes up in the end: with what there is, after a wait for room, or with an empty folder. */
static bool open_somehow(struct node *d)
{
	struct sim *s = d->sim;
	d->no_room = false;
	if (open_all(d))
		return true;
	close_all(d);
	d->disk->locked = false;
	if (s->failure[0])
		return false;
	if (!d->no_room) {
		disk_empty(d);
		return open_all(d);
	}
	d->up = false;
	sim_at(s, (struct sim_event){ .at = s->now + 500, .kind = SIM_START, .node = d->place });
	return false;
}

void node_start(struct node *d)
{
	struct sim *s = d->sim;
	if (d->up || s->failure[0])
		return;
	d->up = true;
	d->boot++;
	d->flushing = d->flush_wanted = d->stops = d->low_space = d->space_event = false;
	d->tick_at = 0;
	s->at_work = d->id;
	if (!open_somehow(d))
		return;
	sim_trace(s, "node %u starts", d->id);
	for (uint32_t i = 0; i < s->places; i++)
		if (s->node[i].up && !s->failure[0])
			node_links(&s->node[i]);
	if (!d->up) /* it has crashed again already */
		return;
	wake_up(d, NULL);
	s->at_work = -1;
	if (d->up)
		clients_link(s, d->id, true);
}

/* Some place of that member's is up and not cut off. */
static bool reached(const struct node *d, uint8_t member)
{
	const struct sim *s = d->sim;
	for (uint32_t i = 0; i < s->places; i++)
		if (s->node[i].id == member && s->node[i].up && !s->cut[d->place][i] && !s->cut[i][d->place])
			return true;
	return false;
}

void node_links(struct node *d)
{
	struct sim *s = d->sim;
	s->at_work = d->id;
	driver_time(d->driver, mono_of(d), clock_of(d));
	for (uint8_t i = 0; i < s->n; i++)
		if (i != d->id) {
			bool up = reached(d, i);
			/* A peer that came back is a new link, even if nobody noticed that the old one broke. */
			driver_member_link(d->driver, i, false);
			driver_member_link(d->driver, i, up);
		}
	wake_up(d, NULL);
}

void node_destroy(struct node *d)
{
	close_all(d);
	memory_disk_destroy(d->disk);
	if (d->backup)
		memory_disk_destroy(d->backup);
	free(d->bound);
	free(d->links);
}

void node_unlink(const struct node *d)
{
	char path[160], lock[176];
	unlink(d->state_path);
	snprintf(lock, sizeof lock, "%s-lock", d->state_path);
	unlink(lock);
	snprintf(path, sizeof path, "%s-backup", d->state_path);
	unlink(path);
	next_path(d, path);
	unlink(path);
	snprintf(lock, sizeof lock, "%s-lock", path);
	unlink(lock);
}
