/* Time, the queue of events, the faults, the clients: one seed decides all of it. */
#include "tests/sim/sim.h"

#include <stdarg.h>
#include <unistd.h>

void sim_trace(struct sim *s, const char *format, ...)
{
	if (!s->trace)
		return;
	va_list args;
	va_start(args, format);
	printf("%8llu  ", (unsigned long long)s->now);
	vprintf(format, args);
	putchar('\n');
	va_end(args);
}

bool sim_fail(struct sim *s, const char *format, ...)
{
	if (s->failure[0])
		return false;
	s->failure_kind = format;
	va_list args;
	va_start(args, format);
	vsnprintf(s->failure, sizeof s->failure, format, args);
	va_end(args);
	sim_trace(s, "FAILED: %s", s->failure);
	return false;
}

static bool before(const struct sim_event *a, const struct sim_event *b)
{
	return a->at < b->at || (a->at == b->at && a->order < b->order);
}

void sim_at(struct sim *s, struct sim_event e)
{
	if (s->heap_count == s->heap_capacity) {
		s->heap_capacity = s->heap_capacity ? s->heap_capacity * 2 : 4096;
		s->heap = realloc(s->heap, s->heap_capacity * sizeof *s->heap);
		if (!s->heap)
			abort();
	}
	e.order = s->order++;
	uint32_t i = s->heap_count++;
	while (i && before(&e, &s->heap[(i - 1) / 2])) {
		s->heap[i] = s->heap[(i - 1) / 2];
		i = (i - 1) / 2;
	}
	s->heap[i] = e;
}

static struct sim_event pop(struct sim *s)
{
	struct sim_event top = s->heap[0], last = s->heap[--s->heap_count];
	uint32_t i = 0;
	for (;;) {
		uint32_t c = 2 * i + 1;
		if (c >= s->heap_count)
			break;
		if (c + 1 < s->heap_count && before(&s->heap[c + 1], &s->heap[c]))
			c++;
		if (before(&last, &s->heap[c]))
			break;
		s->heap[i] = s->heap[c];
		i = c;
	}
	s->heap[i] = last;
	return top;
}

/* ---- faults ---- */

static const char *names_of(const struct sim *s, uint32_t side)
{
	static char text[64];
	size_t n = 0;
	text[0] = 0;
	for (uint32_t i = 0; i < s->n; i++)
		if (side >> i & 1)
			n += (size_t)snprintf(text + n, sizeof text - n, n ? " %u" : "%u", i);
	return n ? text : "none";
}

/* Each of the others is with one of the twins: nobody need notice that there are two. */
static void part_twins(struct sim *s, uint32_t halves)
{
	uint32_t twin = s->n, first = s->node[twin].id;
	for (uint32_t i = 0; i < s->n; i++) {
		uint32_t away = halves >> i & 1 ? twin : first;
		if (i != first)
			s->cut[i][away] = s->cut[away][i] = true;
	}
	s->cut[first][twin] = s->cut[twin][first] = true;
}

/* The honest but one: they do not hear that one, nor the liars, who go on from view to view without them. */
#define LEFT_BEHIND_MS 5000u
static uint32_t left_behind(const struct sim *s)
{
	uint32_t honest = 0;
	for (uint32_t i = 0; i < s->n; i++)
		honest |= s->node[i].liar.lies ? 0 : 1u << i;
	return honest & (honest - 1);
}

/* The plan draws alike whatever is left out of it. */
static void cut_at_random(struct sim *s)
{
	struct rng *plan = &s->faults.plan[FAULT_PARTITION];
	bool whole = rng_chance(plan, 50), one_way = rng_chance(plan, 30);
	uint32_t halves = rng_below(plan, 1u << s->n);
	uint32_t side = rng_below(plan, 1u << s->places);
	if (s->leaves_behind && s->now + LEFT_BEHIND_MS >= s->end_ms) {
		side = left_behind(s);
		one_way = true;
		whole = false;
	} else if (!s->calm && s->now < s->struck_until) {
		return;
	}
	memset(s->cut, 0, sizeof s->cut);
	if (s->places > s->n && !s->calm)
		part_twins(s, halves);
	if (s->calm || s->forgetting || whole)
		return;
	if (!fault(s, FAULT_PARTITION, "replicas %s hear nothing of the others%s", names_of(s, side), one_way ? ", but are heard" : ""))
		return;
	for (uint32_t a = 0; a < s->places; a++)
		for (uint32_t b = 0; b < s->places; b++)
			if ((side >> a & 1) && !(side >> b & 1)) {
				s->cut[b][a] = true;
				s->cut[a][b] = !one_way;
			}
}

static void links(struct sim *s)
{
	uint32_t next = 200 + rng_below(&s->faults.plan[FAULT_PARTITION], 3000);
	if (s->now >= s->end_ms && !s->calm)
		sim_trace(s, "the faults stop");
	s->calm |= s->now >= s->end_ms;
	cut_at_random(s);
	for (uint32_t i = 0; i < s->places; i++)
		if (s->node[i].up && !s->failure[0])
			node_links(&s->node[i]);
	if (!s->calm)
		sim_at(s, (struct sim_event){ .at = s->now + next, .kind = SIM_LINKS });
}

/* All but one hear each other again. */
static void reunite(struct sim *s, uint8_t alone)
{
	if (s->calm || s->now >= s->struck_until)
		return;
	memset(s->cut, 0, sizeof s->cut);
	for (uint32_t i = 0; i < s->places; i++)
		s->cut[alone][i] = s->cut[i][alone] = i != alone;
	for (uint32_t i = 0; i < s->places; i++)
		if (s->node[i].up && !s->failure[0])
			node_links(&s->node[i]);
}

/* Where reads are answered by lease: who leads is cut off from those whose promise it has, and clients still reach it. */
static void cut_leader(struct sim *s)
{
	struct rng *plan = &s->faults.plan[FAULT_LEADER_CUT];
	uint32_t ms = 300 + rng_below(plan, 500), next = ms + rng_below(plan, 1000);
	if (s->calm)
		return;
	for (uint8_t i = 0; i < s->n && !s->forgetting; i++)
		if (s->node[i].up && s->node[i].seen.role == STANDING_LEADER && s->now >= s->struck_until &&
		    fault(s, FAULT_LEADER_CUT, "replica %u, which leads, is cut off from the others for %u ms", i, ms)) {
			s->struck_until = s->now + ms;
			reunite(s, i);
		}
	sim_at(s, (struct sim_event){ .at = s->now + next, .kind = SIM_CUT_LEADER });
}

static uint8_t victim(struct sim *s)
{
	uint32_t anybody = rng_below(&s->faults.plan[FAULT_CRASH], s->places);
	for (uint8_t i = 0; s->forgetting && i < s->n; i++)
		if (s->node[i].forgetful)
			return i;
	return (uint8_t)anybody;
}

/* Where liars serve states, or fetch them, somebody else has to. */
static void sleeps(struct sim *s, const struct sim_event *e)
{
	struct node *d = &s->node[e->node];
	if (!d->up || d->liar.lies || s->calm || !fault(s, FAULT_SLEEP, "replica %u is away for %llu ms", d->id, (unsigned long long)e->value))
		return;
	node_crash(d);
	sim_at(s, (struct sim_event){ .at = s->now + e->value, .kind = SIM_START, .node = d->place });
}

static void plan_sleeps(struct sim *s)
{
	struct rng *plan = &s->faults.plan[FAULT_SLEEP];
	for (uint32_t times = script_about_state(s) && !s->forgetting ? 2 + rng_below(plan, 3) : 0; times; times--)
		sim_at(s, (struct sim_event){ .at = 500 + rng_below(plan, SIM_FAULTS_END_MS - 6000),
		                              .kind = SIM_SLEEP,
		                              .node = (uint8_t)rng_below(plan, s->n),
		                              .value = 3000 + rng_below(plan, 5000) });
}

static void crash(struct sim *s, uint8_t id)
{
	struct node *d = &s->node[id];
	struct rng *plan = &s->faults.plan[FAULT_CRASH];
	uint32_t away = rng_below(plan, 4000), next = rng_below(plan, 2 * s->crash_every_ms);
	if (d->up && !s->calm && d->forgetful == s->forgetting && fault(s, FAULT_CRASH, "replica %u crashes", id)) {
		node_crash(d);
		sim_at(s, (struct sim_event){ .at = s->now + (s->forgetting ? 300 : 10) + away, .kind = SIM_START, .node = id });
	}
	if (!s->calm && s->crash_every_ms)
		sim_at(s, (struct sim_event){ .at = s->now + 1 + next, .kind = SIM_CRASH, .node = victim(s) });
}

/* A disk has no room for what grows, and then it has. */
static void room(struct sim *s, const struct sim_event *e)
{
	struct node *d = &s->node[e->node];
	if (e->value == 0) {
		disk_fills(d, false);
	} else if (s->now < s->end_ms && fault(s, FAULT_DISK_FULL, "replica %u's disk is full for %llu ms", d->id, (unsigned long long)e->value)) {
		disk_fills(d, true);
		sim_at(s, (struct sim_event){ .at = s->now + e->value, .kind = SIM_ROOM, .node = e->node });
	}
}

static void hand_over(struct sim *s, bool once)
{
	if (once && (s->calm || !fault(s, FAULT_HAND_OVER, "whoever leads is asked to hand its office over")))
		return;
	for (uint8_t i = 0; i < s->n; i++) {
		struct node *d = &s->node[i];
		struct sim_event e = { .kind = SIM_HAND_OVER, .node = i, .boot = d->boot };
		if (d->up && !d->liar.lies && d->seen.role == STANDING_LEADER)
			node_event(d, &e);
	}
	if (!s->calm && !once)
		sim_at(s, (struct sim_event){ .at = s->now + 150 + rng_below(&s->rng, 250), .kind = SIM_HAND_OVER });
}

static void handle(struct sim *s, const struct sim_event *e)
{
	switch (e->kind) {
	case SIM_REQUEST:
	case SIM_READ:
	case SIM_REGISTER:
	case SIM_CLIENT_LIES:
	case SIM_READMIT:
	case SIM_CLIENT: clients_event(s, e); break;
	case SIM_RECONFIGURE: reconfigure_event(s, e); break;
	case SIM_REPLY:
		clients_event(s, e);
		frame_release(e->frame);
		break;
	case SIM_HAND_OVER: hand_over(s, e->value); break;
	case SIM_LINKS: links(s); break;
	case SIM_REUNITE: reunite(s, e->node); break;
	case SIM_CUT_LEADER: cut_leader(s); break;
	case SIM_CLOCK: clocks_event(s, e); break;
	case SIM_ROOM: room(s, e); break;
	case SIM_CRASH: crash(s, e->node); break;
	case SIM_SLEEP: sleeps(s, e); break;
	case SIM_START: node_start(&s->node[e->node]); break;
	case SIM_LINK:
	case SIM_SPACE:
	case SIM_FRAME:
	case SIM_FLUSHED:
	case SIM_TICK: node_event(&s->node[e->node], e); break;
	}
}

static bool finished(const struct sim *s)
{
	if (s->completed < s->requests_count || !registers_done(s) || !s->calm)
		return false;
	for (uint32_t i = 0; i < s->n; i++)
		if (!s->node[i].liar.lies && !s->node[i].left && (!s->node[i].up || s->node[i].seen.executed != s->top || s->node[i].incarnation))
			return false;
	return true;
}

static void set_up(struct sim *s, const struct schedule *schedule)
{
	memset(s, 0, sizeof *s);
	s->schedule = schedule;
	s->seed = schedule->seed;
	s->rng.s = s->seed * 0x2545F4914F6CDD1Du + 1;
	s->lying.s = s->seed * 0xD1342543DE82EF95u + 1;
	s->trace = schedule->trace;
	s->at_work = -1;
	s->end_ms = schedule->end_ms && schedule->end_ms < SIM_FAULTS_END_MS ? schedule->end_ms : SIM_FAULTS_END_MS;
	faults_begin(&s->faults, s->seed);
	draw(s);
	/* In memory where there is such a place. */
	snprintf(s->folder, sizeof s->folder, "%s/quorate-sim-XXXXXX", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	if (!mkdtemp(s->folder)) /* never one that a killed run has left: what is in it would be this seed's states */
		abort();
	s->chain_at[0] = s->cluster;
	s->said = malloc(sizeof(union pbft_body));
	if (!s->said)
		abort();
}

static void plan(struct sim *s)
{
	for (uint8_t i = 0; i < s->places; i++)
		sim_at(s, (struct sim_event){ .at = rng_below(&s->rng, 50), .kind = SIM_START, .node = i });
	/* Liars that are silent from then on leave the rest in different views when the faults stop. */
	s->leaves_behind = rng_chance(&s->faults.plan[FAULT_PARTITION], 50) && s->liars && liars_fall_silent(s);
	sim_at(s, (struct sim_event){ .at = 100, .kind = SIM_LINKS });
	sim_at(s, (struct sim_event){ .at = s->end_ms, .kind = SIM_LINKS });
	struct rng *full = &s->faults.plan[FAULT_DISK_FULL];
	for (uint32_t times = !s->quiet && rng_chance(full, 40) ? 1 + rng_below(full, 4) : 0; times; times--)
		sim_at(s, (struct sim_event){ .at = rng_below(full, SIM_FAULTS_END_MS),
		                              .kind = SIM_ROOM,
		                              .node = (uint8_t)rng_below(full, s->n),
		                              .value = 200 + rng_below(full, 6000) });
	plan_sleeps(s);
	if (s->idlers)
		sim_at(s, (struct sim_event){ .at = 1000, .kind = SIM_HAND_OVER });
	struct rng *over = &s->faults.plan[FAULT_HAND_OVER];
	for (uint32_t times = s->schedule->trusted && !s->quiet && rng_chance(over, 40) ? 1 + rng_below(over, 8) : 0; times; times--)
		sim_at(s, (struct sim_event){ .at = 500 + rng_below(over, (uint32_t)s->end_ms), .kind = SIM_HAND_OVER, .value = 1 });
	if (s->crash_every_ms)
		sim_at(s, (struct sim_event){ .at = rng_below(&s->faults.plan[FAULT_CRASH], s->crash_every_ms), .kind = SIM_CRASH, .node = victim(s) });
}

static void live(struct sim *s)
{
	for (uint8_t i = 0; i < s->places; i++)
		node_create(s, i);
	clocks_speeds(s);
	clients_create(s);
	reads_create(s);
	registers_create(s);
	operators_create(s);
	clocks_create(s);
	reconfigure_create(s);
	plan(s);
	uint64_t turn = 0;
	while (s->heap_count && !s->failure[0] && s->now <= SIM_FAULTS_END_MS + SIM_LIVE_MS) {
		struct sim_event e = pop(s);
		s->now = e.at;
		s->moment = s->moment < 1000 * e.at ? 1000 * e.at : s->moment + 1;
		s->at_work = -1;
		handle(s, &e);
		reconfigure_after(s);
		if (++turn % 64 == 0 && finished(s))
			break;
	}
	check_end(s);
}

static void clean_up(struct sim *s)
{
	while (s->heap_count) {
		struct sim_event e = pop(s);
		frame_release(e.frame);
	}
	for (uint32_t i = 0; i < s->places; i++)
		node_destroy(&s->node[i]);
	clients_destroy(s);
	free(s->heap);
	free(s->statements);
	free(s->said);
	free(s->adaptive);
}

void sim_run(struct sim *s, const struct schedule *schedule)
{
	set_up(s, schedule);
	/* Where a check broke in the middle of something, what holds a lock there, as a transaction of the state does, can be neither ended nor closed: it is lost. */
	if (guarded(s, live))
		clean_up(s);
	for (uint32_t i = 0; i < s->places; i++)
		node_unlink(&s->node[i]);
	rmdir(s->folder);
}
