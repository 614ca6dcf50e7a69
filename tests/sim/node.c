/* One replica: the product's driver, log and state over a simulated disk. */
#include "bft/check.h"
#include "replica/driver_state.h"
#include "tests/sim/sim.h"

#include <setjmp.h>
#include <stdarg.h>
#include <unistd.h>

static struct log_disk disk_of(struct node *d)
{
	return memory_disk_table(d->disk);
}

static void at(struct node *d, struct sim_event e)
{
	e.node = e.from = d->id;
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
		network_send(d->sim, d->id, member, f);
	}
	frame_release(f);
	return true;
}

static bool env_send_client(void *user, driver_link link, const void *head, size_t head_n, const void *body, size_t body_n)
{
	struct node *d = user;
	if (dead(d))
		return false;
	struct frame *f = frame_make(head, head_n, body, body_n);
	if (d->liar.lies) {
		liar_reply(d, (uint8_t)(link - 1), f);
	} else {
		statements_replied(d->sim, d->id, f);
		network_reply(d->sim, d->id, (uint8_t)(link - 1), f);
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
	sim_fail(d->sim, "node %u closes its link to honest client %llu: %s", d->id, (unsigned long long)link, why);
}

static enum log_result env_append(void *user, uint16_t type, uint64_t lsn, uint64_t seq, const struct iovec *pieces, unsigned count, struct log_position *where)
{
	struct node *d = user;
	union pbft_record_body *body = NULL;
	static const struct log_position nowhere = { 1, 0, 0 };
	if (dead(d)) {
		if (where)
			*where = nowhere;
		return LOG_OK;
	}
	if (type == PBFT_REC_EXECUTED) {
		body = malloc(sizeof *body);
		if (!body || !pbft_record_decode(type, body, pieces[0].iov_base, pieces[0].iov_len))
			sim_fail(d->sim, "node %u writes a record that does not decode", d->id);
		else if (!d->liar.lies)
			check_executed(d, &body->executed);
		free(body);
	}
	if (pbft_record_has_certificate(type) && !d->liar.lies)
		check_certificate(d, pieces[0].iov_base, pieces[0].iov_len);
	return log_append(d->log, type, 0, lsn, seq, pieces, count, where);
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

static const struct state_options state_options = { .map_bytes = 8u << 20, .no_sync = true };

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
	if (state_open(&d->next, path, &state_options, why) != STATE_OK)
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
	if (rename(path, d->state_path) != 0 || state_open(&d->state, d->state_path, &state_options, why) != STATE_OK)
		sim_fail(d->sim, "node %u cannot install: %s", d->id, why);
	return d->state;
}

static uint64_t env_memory_lost(void *user)
{
	struct node *d = user;
	if (!d->liar.lies && !d->rolled_back)
		sim_fail(d->sim, "node %u believes that its log lacks what it signed", d->id);
	d->noticed = true;
	if (!d->incarnation)
		d->incarnation = rng_next(&d->sim->rng) | 1;
	operator_wanted(d);
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
	return true;
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

/* ---- guarded calls: a broken BFT_CHECK ends the seed, not the program. This definition takes the library's place. ---- */

static jmp_buf broken;
static char broken_fact[200];

void bft_check_failed(const char *file, int line, const char *fact)
{
	snprintf(broken_fact, sizeof broken_fact, "%s:%d: %s", file, line, fact);
	longjmp(broken, 1);
}

/* ---- the disk ---- */

static void flush_begin(struct node *d)
{
	struct log_io io;
	if (d->flushing || !d->flush_wanted || log_queue_empty(d->log))
		return;
	log_prepare(d->log);
	if (!log_group_take(d->log, &io))
		return;
	d->flush_wanted = !log_queue_empty(d->log); /* a segment's end may leave the rest for the next group */
	struct log_disk disk = disk_of(d);
	if (disk.pwrite(disk.user, io.handle, io.bytes, io.n, io.offset) != 0) {
		sim_fail(d->sim, "the simulated disk refuses a write");
		return;
	}
	d->flushing = true;
	uint32_t slow = !d->sim->calm && rng_chance(&d->sim->rng, 3) ? 200 : 4;
	at(d, (struct sim_event){ .at = d->sim->now + 1 + rng_below(&d->sim->rng, slow), .kind = SIM_FLUSHED, .value = (uint64_t)io.handle });
}

static void flush_end(struct node *d, int handle)
{
	struct log_disk disk = disk_of(d);
	bool ok = disk.sync(disk.user, handle) == 0;
	d->flushing = false;
	log_group_done(d->log, ok);
	driver_durable(d->driver, log_durable_lsn(d->log));
	struct log_io io;
	/* Sometimes nothing follows: the marker says that all is flushed. */
	if (log_queue_empty(d->log) && rng_chance(&d->sim->rng, 20) && log_mark(d->log, &io)) {
		disk.pwrite(disk.user, io.handle, io.bytes, io.n, io.offset);
		disk.sync(disk.user, io.handle);
		log_group_done(d->log, true);
	}
}

/* ---- a wake-up ---- */

static void tick_at_deadline(struct node *d)
{
	uint64_t when = driver_deadline(d->driver);
	if (when == UINT64_MAX)
		return;
	if (when <= d->sim->now)
		when = d->sim->now + 1;
	if (d->tick_at > d->sim->now && d->tick_at <= when)
		return;
	d->tick_at = when;
	at(d, (struct sim_event){ .at = when, .kind = SIM_TICK });
}

static uint64_t wall(const struct node *d)
{
	return SIM_WALL_MS + d->sim->now + 50u * d->id;
}

static void bring(struct node *d, const struct sim_event *e)
{
	switch (e->kind) {
	case SIM_FRAME:
		if (e->client)
			driver_client_frame(d->driver, (driver_link)e->from + 1, &d->sim->client[e->from].key, e->frame->bytes, e->frame->n);
		else
			driver_member_frame(d->driver, e->from, e->frame->bytes, e->frame->n);
		break;
	case SIM_FLUSHED: flush_end(d, (int)e->value); break;
	case SIM_LINK: driver_member_link(d->driver, (uint8_t)(e->value & 255), e->value >= 256); break;
	case SIM_HAND_OVER: driver_step(d->driver, &(struct bft_event){ .kind = BFT_EV_ADMIN }); break;
	default: break;
	}
}

static void wake_up(struct node *d, const struct sim_event *e)
{
	struct sim *s = d->sim;
	s->wakeups++;
	if (setjmp(broken)) {
		sim_fail(s, "node %u: a check of its own failed: %s", d->id, broken_fact);
		return;
	}
	if (!s->calm && !s->forgetting && s->crash_every_ms && rng_below(&s->rng, 20000) == 0)
		d->crash_in = 1 + rng_below(&s->rng, 12);
	driver_time(d->driver, s->now, wall(d));
	if (e)
		bring(d, e);
	for (uint32_t turns = 0; driver_turn(d->driver); turns++)
		if (turns > 10000) {
			sim_fail(s, "node %u is never done", d->id);
			return;
		}
	if (d->dying) {
		s->crashes++;
		node_crash(d);
		sim_at(s, (struct sim_event){ .at = s->now + 10 + rng_below(&s->rng, 4000), .kind = SIM_START, .node = d->id });
		return;
	}
	d->crash_in = 0;
	flush_begin(d);
	tick_at_deadline(d);
	check_node(d);
}

void node_event(struct node *d, const struct sim_event *e)
{
	bool own = e->kind != SIM_FRAME;
	if (d->up && !(own && e->boot != d->boot) && !network_lost(d->sim, e))
		wake_up(d, e);
	frame_release(e->frame);
}

/* ---- life ---- */

static void format(struct node *d)
{
	struct sim *s = d->sim;
	char why[LOG_REASON_BYTES];
	d->disk = memory_disk_create(s->seed * 100 + d->id);
	struct log_options o = { .cluster = s->cluster, .salt = s->seed, .segment_bytes = 128u << 10 };
	if (rng_chance(&s->rng, 50))
		o.segment_bytes = 512u << 10;
	struct log_disk disk = disk_of(d);
	if (log_format(&disk, &o, why) != LOG_OK)
		sim_fail(s, "format: %s", why);
	memory_disk_power_loss(d->disk, 1);
}

void node_create(struct sim *s, uint8_t id)
{
	struct node *d = &s->node[id];
	d->sim = s;
	d->id = id;
	snprintf(d->state_path, sizeof d->state_path, "%s/%u.mdb", s->folder, id);
	format(d);
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

static struct memory_disk *copy_disk(const struct memory_disk *from)
{
	struct memory_disk *to = malloc(sizeof *to);
	if (!to)
		abort();
	*to = *from;
	for (uint32_t i = 0; i < MEMORY_FILES; i++) {
		struct memory_file *f = &to->files[i];
		if (!f->capacity)
			continue;
		f->now = malloc(f->capacity);
		f->safe = malloc(f->capacity);
		if (!f->now || !f->safe)
			abort();
		memcpy(f->now, from->files[i].now, f->capacity);
		memcpy(f->safe, from->files[i].safe, f->capacity);
	}
	return to;
}

static void copy_file(const char *from, const char *to)
{
	FILE *in = fopen(from, "rb"), *out = fopen(to, "wb");
	char part[1 << 16];
	size_t n;
	if (!in || !out)
		abort();
	while ((n = fread(part, 1, sizeof part, in)) > 0)
		if (fwrite(part, 1, n, out) != n)
			abort();
	fclose(in);
	fclose(out);
}

/* An operator who has lost the folder, and says so: it begins as an observer. */
static void empty(struct node *d)
{
	struct sim *s = d->sim;
	char path[160];
	memory_disk_destroy(d->disk);
	format(d);
	unlink(d->state_path);
	snprintf(path, sizeof path, "%s-next", d->state_path);
	unlink(path);
	d->links_n = 0;
	d->rolled_back = d->noticed = true;
	d->incarnation = rng_next(&s->rng) | 1;
	s->emptied++;
	operator_wanted(d);
	sim_trace(s, "node %u has an empty folder", d->id);
}

/* An operator who puts an older copy of the folder back. */
static void forget(struct node *d)
{
	struct sim *s = d->sim;
	char path[160];
	snprintf(path, sizeof path, "%s-backup", d->state_path);
	if (!d->forgetful || d->rolled_back)
		return;
	if (rng_chance(&s->rng, 20)) {
		empty(d);
		unlink(path);
		return;
	}
	if (!d->backup) {
		d->backup = copy_disk(d->disk);
		copy_file(d->state_path, path);
	} else if (rng_chance(&s->rng, 60)) {
		memory_disk_destroy(d->disk);
		d->disk = d->backup;
		d->backup = NULL;
		d->rolled_back = true;
		s->rollbacks++;
		copy_file(path, d->state_path);
		unlink(path);
		sim_trace(s, "node %u gets an older folder", d->id);
	}
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
	forget(d);
}

static bool visit(void *arg, const struct log_record *record, const struct log_position *position)
{
	struct node *d = arg;
	if (driver_record(d->driver, record, position))
		return true;
	sim_fail(d->sim, "node %u: %s", d->id, driver_trouble(d->driver));
	return false;
}

static bool open_all(struct node *d)
{
	struct sim *s = d->sim;
	char why[STATE_REASON_BYTES];
	if (state_open(&d->state, d->state_path, &state_options, why) != STATE_OK)
		return sim_fail(s, "node %u: %s", d->id, why);
	struct driver_options o = {
		.genesis = &s->genesis,
		.cluster = s->cluster,
		.self = d->id,
		.scheme = s->scheme,
		.secret = s->secret[d->id],
		.requests_max = 512,
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
	d->driver = driver_create(&o);
	struct log_options log = { .cluster = s->cluster, .segment_bytes = 16u << 10, .queue_bytes = 64u << 20 };
	struct log_report report;
	struct log_disk disk = disk_of(d);
	if (!d->driver)
		abort();
	if (!driver_epochs(d->driver, d->links, d->links_n, &used))
		return sim_fail(s, "node %u does not take back the links that it kept", d->id);
	if (log_open(&d->log, &disk, &log, visit, d, &report) != LOG_OK)
		return sim_fail(s, "node %u: the log does not open: %s", d->id, report.reason);
	if (report.class == LOG_DAMAGED)
		return sim_fail(s, "node %u: a crash left a log that looks damaged: %s", d->id, report.reason);
	if (!driver_replay(d->driver))
		return sim_fail(s, "node %u: %s", d->id, driver_trouble(d->driver));
	return driver_start(d->driver, d->incarnation ? BFT_RECOVERY_LOST : BFT_RECOVERY_WHOLE, d->incarnation, report.last_lsn, s->now, wall(d));
}

void node_start(struct node *d)
{
	struct sim *s = d->sim;
	if (d->up || s->failure[0])
		return;
	d->up = true;
	d->boot++;
	d->flushing = d->flush_wanted = false;
	d->tick_at = 0;
	if (setjmp(broken)) {
		sim_fail(s, "node %u: a check of its own failed at its start: %s", d->id, broken_fact);
		return;
	}
	if (!open_all(d))
		return;
	sim_trace(s, "node %u starts", d->id);
	for (uint32_t i = 0; i < s->n; i++)
		if (s->node[i].up && !s->failure[0])
			node_links(&s->node[i]);
	wake_up(d, NULL);
	clients_link(s, d->id, true);
}

void node_links(struct node *d)
{
	struct sim *s = d->sim;
	if (setjmp(broken)) {
		sim_fail(s, "node %u: a check of its own failed: %s", d->id, broken_fact);
		return;
	}
	driver_time(d->driver, s->now, wall(d));
	for (uint8_t i = 0; i < s->n; i++)
		if (i != d->id) {
			bool up = s->node[i].up && !s->cut[d->id][i] && !s->cut[i][d->id];
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
	unlink(d->state_path);
	char path[160], lock[176];
	snprintf(lock, sizeof lock, "%s-lock", d->state_path);
	unlink(lock);
	snprintf(path, sizeof path, "%s-backup", d->state_path);
	unlink(path);
	next_path(d, path);
	unlink(path);
	snprintf(lock, sizeof lock, "%s-lock", path);
	unlink(lock);
}
