#include "bench/conduct.h"

#include "bench/live.h"
#include "bench/words.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define TICK_MS 20u
#define ASK_EVERY_MS 250u
#define ASK_MS 1000u
#define READY_TRIES 60
#define LINKS_MS 200u /* the last one's links come up meanwhile */

static uint64_t now_us(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000u + (uint64_t)t.tv_nsec / 1000u;
}

void conduct_note(struct conductor *c, const char *what, uint32_t replica, const char *format, ...)
{
	va_list args;
	pthread_mutex_lock(&c->lock);
	if (c->happening && c->happenings < HAPPENINGS_MAX) {
		struct happening *h = &c->happening[c->happenings++];
		*h = (struct happening){ .t_s = c->begins_us ? (double)(now_us() - c->begins_us) / 1e6 : 0, .what = what, .replica = replica };
		va_start(args, format);
		vsnprintf(h->text, sizeof h->text, format, args);
		va_end(args);
	}
	pthread_mutex_unlock(&c->lock);
}

/* ---- liars ---- */

static bool with_client(const struct plan *p, uint32_t i)
{
	return attack_has_client(p->attack[i].attack);
}

static bool with_replica(const struct plan *p, uint32_t i)
{
	return attack_has_replica(p->attack[i].attack);
}

/* In trusted mode nobody leads by its number. */
static bool wants_office(const struct plan *p)
{
	bool office = false;
	for (uint32_t i = 0; i < p->attacks; i++)
		office |= p->attack[i].attack->by == BY_LEADER;
	return office && p->mode == QUORATE_TRUSTED;
}

void conduct_prepare(struct conductor *c, const struct plan *plan, struct cluster *cluster, struct track *track, const char *liar)
{
	char words[1024] = "", list[200] = "";
	uint32_t first = plan->liars ? (uint32_t)__builtin_ctzll(plan->liars) : 0;
	*c = (struct conductor){ .plan = plan, .cluster = cluster, .track = track, .liar = liar, .happening = calloc(HAPPENINGS_MAX, sizeof *c->happening) };
	pthread_mutex_init(&c->lock, NULL);
	for (uint32_t i = 0; i < plan->attacks; i++)
		if (with_replica(plan, i))
			snprintf(words + strlen(words), sizeof words - strlen(words), "--attack %s ", plan->attack[i].attack->name);
	for (uint32_t i = 0; i < plan->n; i++)
		if (plan->liars >> i & 1)
			snprintf(list + strlen(list), sizeof list - strlen(list), "%s%u", list[0] ? "," : "", i);
	cluster->liar = liar;
	for (uint32_t i = 0; i < plan->n; i++)
		if (plan->liars >> i & 1)
			snprintf(cluster->words[i], sizeof cluster->words[i], "%s%s--colluders %s --seed %llu --on-signal yes", words,
			         i == first && wants_office(plan) ? "--office yes " : "", list, (unsigned long long)plan->seed + i);
}

bool conduct_twins(struct conductor *c, char *reason)
{
	bool wanted = false;
	for (uint32_t i = 0; i < c->plan->attacks; i++)
		wanted |= c->plan->attack[i].attack->needs == NEEDS_TWIN;
	for (uint32_t i = 0; wanted && i < c->plan->n; i++) {
		char *words = c->cluster->words[cluster_twin(c->cluster, i)];
		if (!(c->plan->liars >> i & 1))
			continue;
		if (!cluster_make_twin(c->cluster, i, reason))
			return false;
		snprintf(words, sizeof c->cluster->words[0], "%.1300s --twin yes", c->cluster->words[i]);
	}
	return true;
}

static bool start_attacker(struct conductor *c, uint32_t i, const char *genesis, char *reason)
{
	char log[400], key[400], seed[32];
	snprintf(log, sizeof log, "%s/attacker-%u.log", c->cluster->folder, i);
	snprintf(key, sizeof key, "%s/attacker-%u.key", c->cluster->folder, i);
	snprintf(seed, sizeof seed, "%llu", (unsigned long long)c->plan->seed + 100 + i);
	fflush(NULL);
	pid_t pid = fork();
	if (pid == 0) {
		int fd = open(log, O_WRONLY | O_CREAT | O_APPEND, 0600);
		if (fd < 0 || dup2(fd, 1) < 0 || dup2(fd, 2) < 0)
			_exit(127);
		setpgid(0, 0);
		execl(c->liar, c->liar, "--client", genesis, "--key", key, "--attack", c->plan->attack[i].attack->name, "--seed", seed, "--on-signal", "yes",
		      (char *)NULL);
		_exit(127);
	}
	if (pid < 0)
		snprintf(reason, QUORATE_REASON_BYTES, "fork: %s", strerror(errno));
	c->attacker[i].pid = pid > 0 ? pid : 0;
	return pid > 0;
}

/* What they come back with later. */
static bool keep_memories(struct conductor *c, char *reason)
{
	for (uint32_t i = 0; i < c->plan->n; i++)
		if ((c->plan->liars >> i & 1) && (!cluster_keep(c->cluster, i, reason) || !cluster_start_one(c->cluster, i, reason)))
			return false;
	return true;
}

static void ask_all(struct conductor *c);

/* Whether all can be heard, and in trusted mode the liar that attacks the office has it. */
static bool are_ready(struct conductor *c)
{
	uint32_t heard = 0, first = c->plan->liars ? (uint32_t)__builtin_ctzll(c->plan->liars) : 0;
	pthread_mutex_lock(&c->lock);
	for (uint32_t i = 0; i < c->plan->n; i++)
		heard += c->seen[i].heard;
	bool ready = heard == c->plan->n && (!wants_office(c->plan) || c->seen[first].leads);
	pthread_mutex_unlock(&c->lock);
	return ready;
}

/* Before there is load: under load, a leader whose links are not up yet loses its office. Where they do not become ready the run goes on: what acted is said in the end. */
static void wait_until_ready(struct conductor *c)
{
	for (int tries = 0; tries < READY_TRIES && !are_ready(c); tries++) {
		ask_all(c);
		usleep(50000);
	}
	usleep(LINKS_MS * 1000);
}

bool conduct_ready(struct conductor *c, const char *genesis, char *reason)
{
	struct quorate_client_options o = { .genesis = genesis };
	for (uint32_t i = 0; i < c->plan->attacks; i++) {
		if (with_client(c->plan, i) && !start_attacker(c, i, genesis, reason))
			return false;
		if (c->plan->attack[i].attack->needs == NEEDS_ROLLED_BACK && !keep_memories(c, reason))
			return false;
	}
	if (quorate_client_create(&c->client, &o, reason) != QUORATE_OK || quorate_client_start(c->client, reason) != QUORATE_OK)
		return false;
	wait_until_ready(c);
	return true;
}

/* A process knows an attack by its place among those that it was told of. */
static int place_of(const struct plan *p, uint32_t attack)
{
	int place = 0;
	for (uint32_t i = 0; i < attack; i++)
		place += with_replica(p, i);
	return place;
}

/* Those attacks that go on now, for a liar that comes back: no signal finds it before it listens. */
static void say_what_goes_on(struct conductor *c, uint32_t replica)
{
	char *words = c->cluster->words[replica], *at = strstr(words, " --acting ");
	unsigned acting = 0;
	if (at)
		*at = 0;
	for (uint32_t i = 0; i < c->plan->attacks; i++)
		if (with_replica(c->plan, i) && (c->attacks_on >> i & 1))
			acting |= 1u << place_of(c->plan, i);
	snprintf(words + strlen(words), sizeof c->cluster->words[replica] - strlen(words), " --acting %u", acting);
}

/* The liars come back without their memory, or with an old one. */
static void take_memories(struct conductor *c, bool emptied)
{
	char reason[QUORATE_REASON_BYTES] = "";
	for (uint32_t i = 0; i < c->plan->n; i++) {
		if (!(c->plan->liars >> i & 1))
			continue;
		say_what_goes_on(c, i);
		bool ok = emptied ? cluster_empty(c->cluster, i, false, reason) : cluster_roll_back(c->cluster, i, reason);
		ok = ok && cluster_start_one(c->cluster, i, reason);
		conduct_note(c, "note", i, "it was killed, and came back with %s folder%s%s", emptied ? "an emptied" : "an old",
		             ok ? "" : ": it did not come back: ", reason);
	}
}

/* Second processes with their keys come and go with the attack. */
static void twins(struct conductor *c, bool begin)
{
	char reason[QUORATE_REASON_BYTES] = "";
	for (uint32_t i = 0; i < c->plan->n; i++) {
		uint32_t twin = cluster_twin(c->cluster, i);
		if (!(c->plan->liars >> i & 1))
			continue;
		if (!begin && c->cluster->pid[twin])
			kill(c->cluster->pid[twin], SIGTERM);
		if (!begin)
			continue;
		cluster_kill(c->cluster, twin);
		say_what_goes_on(c, twin);
		bool ok = cluster_start_one(c->cluster, twin, reason);
		conduct_note(c, "note", i, "a second process has its key%s%s", ok ? "" : ": it could not be started: ", reason);
	}
}

static void signal_liars(struct conductor *c, int signal)
{
	for (uint32_t i = 0; i < c->plan->n; i++)
		if ((c->plan->liars >> i & 1) && c->cluster->pid[i])
			kill(c->cluster->pid[i], signal);
}

static void tell(struct conductor *c, uint32_t attack, bool begin)
{
	const struct plan *p = c->plan;
	enum attack_needs needs = p->attack[attack].attack->needs;
	if (c->attacker[attack].pid)
		kill(c->attacker[attack].pid, begin ? SIGRTMIN : SIGRTMIN + (int)LIAR_ATTACKS_MAX);
	c->attacks_on = begin ? c->attacks_on | 1ull << attack : c->attacks_on & ~(1ull << attack);
	if (begin && (needs == NEEDS_EMPTIED || needs == NEEDS_ROLLED_BACK))
		take_memories(c, needs == NEEDS_EMPTIED);
	else if (with_replica(p, attack))
		signal_liars(c, (begin ? SIGRTMIN : SIGRTMIN + (int)LIAR_ATTACKS_MAX) + place_of(p, attack));
	if (needs == NEEDS_TWIN)
		twins(c, begin);
	conduct_note(c, begin ? "attack-begins" : "attack-ends", NOBODY, "%s", p->attack[attack].attack->name);
}

void conduct_attacks_now(const struct conductor *c, char *out, size_t n)
{
	out[0] = 0;
	for (uint32_t i = 0; i < c->plan->attacks; i++)
		if (c->attacks_on >> i & 1)
			snprintf(out + strlen(out), n - strlen(out), "%s%s", out[0] ? ", " : "", c->plan->attack[i].attack->name);
}

/* ---- faults ---- */

static void set_slow(struct conductor *c, uint32_t who, bool slow)
{
	char path[300];
	cluster_slow_path(c->cluster, who, path, sizeof path);
	if (!slow) {
		unlink(path);
		return;
	}
	FILE *f = fopen(path, "we");
	if (f)
		fclose(f);
}

static void strike(struct conductor *c, uint32_t i)
{
	const struct planned_fault *f = &c->plan->fault[i];
	char reason[QUORATE_REASON_BYTES] = "";
	uint32_t who = c->victim[i] = f->replica == WORDS_LEADER ? c->leader : f->replica;
	bool ok = true;
	switch (f->strike) {
	case STRIKE_KILL: cluster_kill(c->cluster, who); break;
	case STRIKE_PAUSE:
		if (c->cluster->pid[who])
			kill(c->cluster->pid[who], SIGSTOP);
		break;
	case STRIKE_RESTART:
		cluster_kill(c->cluster, who);
		ok = cluster_start_one(c->cluster, who, reason);
		break;
	case STRIKE_WIPE:
	case STRIKE_REJOIN: ok = cluster_empty(c->cluster, who, true, reason) && cluster_start_one(c->cluster, who, reason); break;
	case STRIKE_SLOW_DISK: set_slow(c, who, true); break;
	case STRIKES: break;
	}
	if (f->strike == STRIKE_REJOIN && ok)
		c->readmits[i] = cluster_readmit(c->cluster, who);
	if (f->strike != STRIKE_SLOW_DISK)
		c->faulty |= 1ull << who;
	conduct_note(c, "fault", who, "%s of replica %u%s%s", strike_names[f->strike], who, ok ? "" : ": it did not come back: ", reason);
}

static void strike_ends(struct conductor *c, uint32_t i)
{
	const struct planned_fault *f = &c->plan->fault[i];
	uint32_t who = c->victim[i];
	if (f->strike == STRIKE_PAUSE && c->cluster->pid[who])
		kill(c->cluster->pid[who], SIGCONT);
	if (f->strike == STRIKE_SLOW_DISK)
		set_slow(c, who, false);
	if (f->strike == STRIKE_PAUSE || f->strike == STRIKE_SLOW_DISK)
		conduct_note(c, "fault", who, "%s of replica %u ends", strike_names[f->strike], who);
}

/* Those that have ended, or (`all`) are ended now. */
static void look_after_readmissions(struct conductor *c, bool all)
{
	for (uint32_t i = 0; i < c->plan->faults; i++) {
		int status = 0;
		if (c->readmits[i] <= 0)
			continue;
		if (all)
			kill(-c->readmits[i], SIGKILL);
		if (waitpid(c->readmits[i], &status, all ? 0 : WNOHANG) != c->readmits[i])
			continue;
		c->readmits[i] = 0;
		bool in = WIFEXITED(status) && WEXITSTATUS(status) == 0;
		conduct_note(c, "fault", c->victim[i], "replica %u was %slet in again", c->victim[i], in ? "" : "not ");
	}
}

/* ---- the time line ---- */

static bool anything_on(const struct conductor *c, uint64_t ms)
{
	bool on = c->attacks_on != 0;
	for (uint32_t i = 0; i < c->plan->faults; i++)
		on |= c->struck[i] && (c->plan->fault[i].to_ms == WORDS_NEVER || c->plan->fault[i].to_ms > ms);
	return on;
}

/* ---- pairs of calm and attack ---- */

static double attackers_cpu_s(const struct conductor *c)
{
	double s = 0;
	for (uint32_t i = 0; i < c->plan->n; i++)
		s += c->plan->liars >> i & 1 ? cluster_cpu_of_s(c->cluster, i) : 0;
	for (uint32_t i = 0; i < c->plan->attacks; i++)
		s += cluster_pid_cpu_s(c->attacker[i].pid);
	return s;
}

double conduct_attackers_cores(const struct conductor *c)
{
	return c->attackers_for_s > 0 ? c->attackers_s / c->attackers_for_s : 0;
}

static void tell_all(struct conductor *c, bool begin)
{
	for (uint32_t i = 0; i < c->plan->attacks; i++)
		tell(c, i, begin);
}

/* The liars stand still, and others burn what they used. */
static void burn(struct conductor *c, bool begin)
{
	if (c->burning == begin)
		return;
	c->burning = begin;
	for (uint32_t i = 0; i < c->plan->n; i++)
		if ((c->plan->liars >> i & 1) && c->cluster->pid[i])
			kill(c->cluster->pid[i], begin ? SIGSTOP : SIGCONT);
	if (begin)
		burn_begin(&c->burners, conduct_attackers_cores(c));
	else
		burn_end(&c->burners);
	conduct_note(c, "note", NOBODY, begin ? "the attackers stand still, and %.2f cores are burnt in their place" : "the attackers are back (%.2f cores)",
	             conduct_attackers_cores(c));
}

static bool attacks_in(enum track_phase part)
{
	return part == TRACK_ATTACK || part == TRACK_HELD;
}

static void follow_pairs(struct conductor *c, uint64_t ms)
{
	uint32_t pair;
	enum track_phase was = c->part, now = pairs_at(&c->plan->pairs, ms, &pair);
	if (now == was)
		return;
	c->part = now;
	track_enter(c->track, now, now_us());
	if (was == TRACK_HELD) {
		c->attackers_s += attackers_cpu_s(c) - c->held_cpu_s;
		c->attackers_for_s += (double)now_us() / 1e6 - c->held_at_s;
	}
	if (attacks_in(was) != attacks_in(now))
		tell_all(c, attacks_in(now));
	if (now == TRACK_HELD) {
		c->held_cpu_s = attackers_cpu_s(c);
		c->held_at_s = (double)now_us() / 1e6;
	}
	burn(c, was == TRACK_HELD || now == TRACK_BURN);
}

/* ---- the plan ---- */

static void follow_faults(struct conductor *c, uint64_t ms)
{
	const struct plan *p = c->plan;
	for (uint32_t i = 0; i < p->faults; i++) {
		if (ms >= p->fault[i].at_ms && !c->struck[i]) {
			if (!p->pairs.count)
				track_enter(c->track, TRACK_ATTACK, now_us());
			c->struck[i] = true;
			strike(c, i);
		} else if (c->struck[i] && !c->over[i] && ms >= p->fault[i].to_ms) {
			c->over[i] = true;
			strike_ends(c, i);
		}
	}
}

static void follow_plan(struct conductor *c, uint64_t ms)
{
	const struct plan *p = c->plan;
	if (p->pairs.count) {
		follow_pairs(c, ms);
		follow_faults(c, ms);
		return;
	}
	for (uint32_t i = 0; i < p->attacks; i++) {
		if (ms >= p->attack[i].from_ms && ms < p->attack[i].to_ms && !(c->attacks_on >> i & 1)) {
			track_enter(c->track, TRACK_ATTACK, now_us());
			tell(c, i, true);
		} else if (ms >= p->attack[i].to_ms && (c->attacks_on >> i & 1)) {
			tell(c, i, false);
		}
	}
	follow_faults(c, ms);
	/* What ends with the run has nothing after it. */
	if (c->track->phase == TRACK_ATTACK && !anything_on(c, ms) && ms + 100 < p->duration_ms)
		track_enter(c->track, TRACK_AFTER, now_us());
	else if (c->track->phase == TRACK_AFTER && anything_on(c, ms))
		track_enter(c->track, TRACK_ATTACK, now_us());
}

/* ---- how they stand ---- */

static void heard(void *user, uint32_t member, const struct quorate_report *report)
{
	struct conductor *c = user;
	pthread_mutex_lock(&c->lock);
	struct seen *s = &c->seen[member];
	s->asked = false;
	s->heard = report != NULL;
	if (report) {
		s->view = report->standing.view;
		s->epoch = report->standing.epoch;
		s->leader = report->standing.leader;
		s->changing = report->standing.changing;
		s->leads = report->standing.role == QUORATE_LEADER;
	}
	pthread_mutex_unlock(&c->lock);
}

static void ask_all(struct conductor *c)
{
	for (uint32_t i = 0; i < c->plan->n; i++) {
		pthread_mutex_lock(&c->lock);
		bool open = c->seen[i].asked;
		c->seen[i].asked = true;
		pthread_mutex_unlock(&c->lock);
		if (!open && quorate_client_ask(c->client, i, ASK_MS, heard, c) != QUORATE_OK) {
			pthread_mutex_lock(&c->lock);
			c->seen[i].asked = false;
			pthread_mutex_unlock(&c->lock);
		}
	}
}

/* The highest that f+1 say, in the newest epoch that f+1 know; where nobody lies, that one says. */
static bool believed(struct conductor *c, uint64_t *view, uint64_t *epoch, uint32_t *leader, uint32_t *suspects)
{
	uint32_t weak = c->plan->mode == QUORATE_TRUSTED ? 1 : c->plan->f + 1;
	bool any = false;
	*suspects = 0;
	for (uint32_t i = 0; i < c->plan->n; i++) {
		const struct seen *s = &c->seen[i];
		uint32_t with = 0;
		*suspects += s->heard && s->changing;
		for (uint32_t k = 0; s->heard && k < c->plan->n; k++)
			with += c->seen[k].heard && (c->seen[k].epoch > s->epoch || (c->seen[k].epoch == s->epoch && c->seen[k].view >= s->view));
		if (with < weak || (any && (s->epoch < *epoch || (s->epoch == *epoch && s->view < *view))))
			continue;
		any = true;
		*epoch = s->epoch;
		*view = s->view;
		*leader = s->leader;
	}
	return any;
}

static void look(struct conductor *c)
{
	uint64_t view = 0, epoch = 0;
	uint32_t leader = 0, suspects = 0;
	pthread_mutex_lock(&c->lock);
	bool any = believed(c, &view, &epoch, &leader, &suspects);
	uint64_t was_view = c->view, was_epoch = c->epoch;
	uint32_t was_leader = c->leader;
	bool first = c->view_first == UINT64_MAX;
	if (any) {
		c->view = view;
		c->epoch = epoch;
		c->leader = leader;
		if (!first && epoch != was_epoch) {
			c->views_before += was_view - c->view_first;
			c->view_first = 0;
		}
		c->view_first = first ? view : c->view_first;
	}
	c->suspects = suspects;
	pthread_mutex_unlock(&c->lock);
	if (!any)
		return;
	track_note(c->track, now_us(), view, leader, suspects);
	if (!first && epoch != was_epoch)
		conduct_note(c, "epoch", NOBODY, "epoch %llu", (unsigned long long)epoch);
	if (!first && view != was_view)
		conduct_note(c, "view", NOBODY, "view %llu", (unsigned long long)view);
	if (first || leader != was_leader)
		conduct_note(c, "leader", leader, "replica %u leads", leader);
}

static void *conduct(void *arg)
{
	struct conductor *c = arg;
	uint64_t asked_ms = 0, told_s = 0;
	for (bool first = true; !c->ends; first = false) {
		uint64_t ms = (now_us() - c->begins_us) / 1000;
		follow_plan(c, ms);
		look_after_readmissions(c, false);
		if (c->slots)
			slots_tick(c->slots, (uint32_t)ms, c->track->first_attack_us * 1000);
		if (first || ms - asked_ms >= ASK_EVERY_MS) {
			asked_ms = ms;
			ask_all(c);
		}
		look(c);
		if (ms / 1000 > told_s) {
			told_s = ms / 1000;
			live_tell(c, told_s, now_us());
		}
		usleep(TICK_MS * 1000);
	}
	return NULL;
}

void conduct_begin(struct conductor *c)
{
	c->view_first = UINT64_MAX;
	c->begins_us = now_us();
	if (c->slots)
		slots_count(c->slots, true);
	c->runs = pthread_create(&c->thread, NULL, conduct, c) == 0;
}

void conduct_end(struct conductor *c)
{
	c->ends = true;
	if (c->runs)
		pthread_join(c->thread, NULL);
	c->runs = false;
	burn(c, false);
	if (c->slots)
		slots_count(c->slots, false);
	for (uint32_t i = 0; i < c->plan->attacks; i++)
		if (c->attacks_on >> i & 1)
			tell(c, i, false);
	for (uint32_t i = 0; i < c->plan->faults; i++)
		if (c->struck[i] && !c->over[i])
			strike_ends(c, i);
	look_after_readmissions(c, true);
	live_end();
}

/* ---- the end ---- */

static void read_acted(struct conductor *c, const char *path, uint32_t replica)
{
	char line[300], name[64];
	unsigned long long count;
	FILE *f = fopen(path, "re");
	while (f && fgets(line, sizeof line, f))
		if (sscanf(line, "acted %63s %llu", name, &count) == 2) {
			c->acted += count;
			conduct_note(c, "note", replica, count ? "%s acted %llu times" : "%s never acted: there was no occasion (%llu)", name, count);
		}
	if (f)
		fclose(f);
}

static void stop_attacker(struct attacker *a)
{
	struct rusage u;
	int status;
	pid_t got = 0;
	kill(a->pid, SIGTERM);
	for (int waited = 0; waited < 300 && (got = wait4(a->pid, &status, WNOHANG, &u)) == 0; waited++)
		usleep(10000);
	if (got == 0) {
		kill(a->pid, SIGKILL);
		got = wait4(a->pid, &status, 0, &u);
	}
	if (got == a->pid)
		a->cpu_s = (double)u.ru_utime.tv_sec + (double)u.ru_stime.tv_sec + (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
	a->pid = 0;
}

void conduct_finish(struct conductor *c)
{
	char path[400];
	for (uint32_t i = 0; i < c->plan->attacks; i++) {
		if (!c->attacker[i].pid)
			continue;
		stop_attacker(&c->attacker[i]);
		snprintf(path, sizeof path, "%s/attacker-%u.log", c->cluster->folder, i);
		read_acted(c, path, NOBODY);
	}
	for (uint32_t i = 0; i < 2 * c->plan->n; i++) { /* and of second processes */
		snprintf(path, sizeof path, "%s/replica-%u.log", c->cluster->folder, i);
		if (c->plan->liars >> i % c->plan->n & 1)
			read_acted(c, path, i % c->plan->n);
	}
	if (c->client)
		quorate_client_stop(c->client, NULL, NULL);
	quorate_client_destroy(c->client);
	c->client = NULL;
}
