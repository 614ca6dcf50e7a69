#include "bench/plan.h"

#include "bench/track.h"
#include "bench/words.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct profile profiles[] = {
	{ "latency", "1 client, 1 outstanding, each operation signed", 1, 1, 1, 0 },
	{ "signed", "64 client sessions in one process, 1 outstanding each, each operation signed", 64, 1, 1, 0 },
	{ "bundled", "8 client sessions, 1000 outstanding each, 100 operations a bundle", 8, 1000, 100, 0 },
	{ "reads", "64 client sessions in one process, 1 outstanding each, gets that are not ordered", 64, 1, 1, 100 },
};
const char *const strike_names[STRIKES] = { "kill", "pause", "restart", "wipe", "rejoin", "slow-disk" };

#define SESSIONS_MAX 1024u
#define VALUE_BYTES_MAX (1u << 20)
#define CLIENTS_DEFAULT 4u
#define SESSIONS_EACH 64u /* of one key; of one more the oldest would end: sessions_per_key in the genesis that is made */
#define PHASE_MS_LEAST 1000u
#define PHASE_MS_MOST 120000u
#define PHASE_MS_DEFAULT 3000u
#define SETTLE_MS 1000u        /* between what is measured */
#define GRACE_REJOIN_MS 2000u  /* a folder is emptied, and a replica starts: then it fetches   */
#define SETTLE_REJOIN_MS 8000u /* until it is in again: without it and the liars there is no quorum */
#define SETTLE_LEADER_MS 3000u /* also when whoever leads is taken away */

const char *plan_mode_name(enum quorate_mode mode)
{
	return mode == QUORATE_TRUSTED ? "trusted" : "bft";
}

static bool needs(const struct plan *p, enum attack_needs what)
{
	for (uint32_t i = 0; i < p->attacks; i++)
		if (p->attack[i].attack->needs == what)
			return true;
	return false;
}

uint32_t plan_grace_ms(const struct attack *a)
{
	if (a->needs == NEEDS_REJOIN)
		return GRACE_REJOIN_MS;
	switch (a->class[0]) {
	case 'L': return 5000;
	case 'S': return 10000;
	default: return 0;
	}
}

bool plan_is_sweep(const struct plan *p)
{
	return p->rate_to > p->rate_from;
}

static bool says(char why[PLAN_WHY_BYTES], const char *format, ...) __attribute__((format(printf, 2, 3)));
static bool says(char why[PLAN_WHY_BYTES], const char *format, ...)
{
	va_list args;
	va_start(args, format);
	vsnprintf(why, PLAN_WHY_BYTES, format, args);
	va_end(args);
	return false;
}

static bool unknown(char why[PLAN_WHY_BYTES], const char *kind, const char *word, const char *const *names, size_t count)
{
	const char *meant = words_meant(word, names, count);
	return meant ? says(why, "unknown %s %s; did you mean %s?", kind, word, meant) : says(why, "unknown %s %s", kind, word);
}

/* ---- single words ---- */

static bool read_attack(struct plan *p, const char *text, char why[PLAN_WHY_BYTES])
{
	const char *names[CATALOGUE_MAX];
	struct words_timed t;
	size_t count = 0;
	if (!words_timed(text, &t))
		return says(why, "%s is no attack with its time: NAME, NAME@5s, or NAME@5s-15s", text);
	while (count < CATALOGUE_MAX && attack_at(count)) {
		names[count] = attack_at(count)->name;
		count++;
	}
	const struct attack *a = attack_find(t.name);
	if (!a)
		return unknown(why, "attack", t.name, names, count);
	if (p->attacks == PLAN_ATTACKS_MAX)
		return says(why, "at most %u attacks in one run", PLAN_ATTACKS_MAX);
	p->attack[p->attacks++] = (struct planned_attack){ a, t.from_ms, t.to_ms };
	return true;
}

static bool read_fault(struct plan *p, const char *text, char why[PLAN_WHY_BYTES])
{
	struct words_fault f;
	if (!words_fault(text, &f))
		return says(why, "%s is no fault with its time: kill:1@5s, pause:leader@5s-8s", text);
	if (p->faults == PLAN_FAULTS_MAX)
		return says(why, "at most %u faults in one run", PLAN_FAULTS_MAX);
	for (enum strike s = 0; s < STRIKES; s++)
		if (!strcmp(strike_names[s], f.name)) {
			p->fault[p->faults++] = (struct planned_fault){ s, f.replica, f.at_ms, f.to_ms };
			return true;
		}
	return unknown(why, "fault", f.name, strike_names, STRIKES);
}

static bool read_profile(struct plan *p, const char *name)
{
	for (size_t k = 0; k < sizeof profiles / sizeof *profiles; k++)
		if (!strcmp(profiles[k].name, name)) {
			p->profile = &profiles[k];
			p->sessions = profiles[k].sessions;
			p->outstanding = profiles[k].outstanding;
			p->bundle_ops = profiles[k].bundle_ops;
			p->reads_pct = profiles[k].reads_pct;
			p->clients = 1;
			return true;
		}
	return false;
}

static bool read_what(struct plan *p, const char *name)
{
	for (enum fault_kind kind = 0; kind < FAULT_KINDS; kind++)
		if (!strcmp(fault_name(kind), name)) {
			p->what = kind;
			return true;
		}
	return false;
}

static bool number(const char *text, uint64_t low, uint64_t high, uint32_t *out)
{
	uint64_t v;
	bool ok = words_number(text, low, high, &v);
	if (ok)
		*out = (uint32_t)v;
	return ok;
}

static bool read_mode(struct plan *p, const char *value)
{
	p->mode = !strcmp(value, "trusted") ? QUORATE_TRUSTED : QUORATE_BFT;
	return !strcmp(value, "bft") || !strcmp(value, "trusted");
}

static bool read_distribution(struct plan *p, const char *value)
{
	p->zipf = !strcmp(value, "zipf");
	return p->zipf || !strcmp(value, "uniform");
}

/* 1: understood. 0: the value is wrong. -1: no such word. */
static int read_common(struct plan *p, const char *word, const char *value)
{
	uint32_t port;
	if (!strcmp(word, "--profile"))
		return read_profile(p, value);
	if (!strcmp(word, "--duration"))
		return words_duration(value, &p->duration_ms) && p->duration_ms;
	if (!strcmp(word, "--keys"))
		return words_number(value, 1, 1000000000, &p->keys);
	if (!strcmp(word, "--value") || !strcmp(word, "--value-size"))
		return words_size(value, VALUE_BYTES_MAX - 1024, &p->value_bytes);
	if (!strcmp(word, "--replicas"))
		return number(value, 1, 16, &p->n);
	if (!strcmp(word, "--mode"))
		return read_mode(p, value);
	if (!strcmp(word, "--folder")) {
		p->folder = value;
		return 1;
	}
	if (!strcmp(word, "--base-port")) {
		int ok = number(value, 1024, 65000, &port);
		p->base_port = ok ? (uint16_t)port : 0;
		return ok;
	}
	return -1;
}

static int read_load(struct plan *p, const char *word, const char *value)
{
	if (!strcmp(word, "--clients"))
		return number(value, 1, SESSIONS_MAX, &p->sessions);
	if (!strcmp(word, "--client-keys"))
		return number(value, 1, TRACK_CLIENTS, &p->clients);
	if (!strcmp(word, "--outstanding"))
		return number(value, 1, 4096, &p->outstanding);
	if (!strcmp(word, "--bundle"))
		return number(value, 1, 1000, &p->bundle_ops);
	if (!strcmp(word, "--reads"))
		return words_percent(value, &p->reads_pct);
	if (!strcmp(word, "--distribution"))
		return read_distribution(p, value);
	if (!strcmp(word, "--rate"))
		return words_rate(value, &p->rate_from, &p->rate_to);
	if (!strcmp(word, "--warmup"))
		return words_duration(value, &p->warmup_ms);
	if (!strcmp(word, "--pairs"))
		return number(value, 1, PAIRS_COUNT_MAX, &p->pairs.count);
	if (!strcmp(word, "--phase"))
		return words_duration(value, &p->pairs.phase_ms) && p->pairs.phase_ms >= PHASE_MS_LEAST && p->pairs.phase_ms <= PHASE_MS_MOST;
	if (!strcmp(word, "--grace"))
		return words_duration(value, &p->pairs.grace_ms) && p->pairs.grace_ms <= PHASE_MS_MOST;
	if (!strcmp(word, "--repeat"))
		return number(value, 1, PAIRS_COUNT_MAX, &p->repeat);
	if (!strcmp(word, "--seed"))
		return words_number(value, 0, UINT64_MAX >> 1, &p->seed);
	if (!strcmp(word, "--liars"))
		return number(value, 1, 16, &p->liars_wanted);
	if (!strcmp(word, "--out")) {
		p->out = value;
		return *value != 0;
	}
	if (!strcmp(word, "--manifest")) {
		p->manifest = value;
		return *value != 0;
	}
	return -1;
}

static bool read_words(struct plan *p, const char *verb, int argc, char *const *argv, char why[PLAN_WHY_BYTES])
{
	static const char *const known[] = { "--profile",      "--duration",  "--keys",     "--value-size",  "--replicas", "--mode",
		                             "--folder",       "--base-port", "--clients",  "--outstanding", "--bundle",   "--reads",
		                             "--distribution", "--rate",      "--warmup",   "--seed",        "--liars",    "--out",
		                             "--manifest",     "--attack",    "--pairs",    "--phase",       "--grace",    "--repeat",
		                             "--brief",        "--fault",     "--beyond-f", "--net",         "--json",     "--client-keys" };
	bool run = !strcmp(verb, "run");
	for (int i = 0; i < argc; i++) {
		const char *word = argv[i], *value = i + 1 < argc ? argv[i + 1] : "";
		if (!strcmp(word, "--json")) {
			p->json = true;
			continue;
		}
		if (run && !strcmp(word, "--brief")) {
			p->brief = true;
			continue;
		}
		if (run && !strcmp(word, "--beyond-f")) {
			p->beyond_f = true;
			continue;
		}
		i++;
		int how = read_common(p, word, value);
		how = how < 0 && run ? read_load(p, word, value) : how;
		if (how < 0 && run && !strcmp(word, "--attack"))
			how = read_attack(p, value, why);
		if (how < 0 && run && !strcmp(word, "--fault"))
			how = read_fault(p, value, why);
		if (how < 0 && run && !strcmp(word, "--net"))
			how = nets_read(&p->nets, value, why);
		if (how < 0 && !strcmp(verb, "fault") && !strcmp(word, "--what"))
			how = read_what(p, value);
		if (how < 0)
			return unknown(why, "option", word, known, run ? sizeof known / sizeof *known : 8);
		if (how == 0)
			return why[0] ? false : says(why, "%s does not take \"%s\"", word, value);
	}
	return true;
}

/* ---- the whole ---- */

static bool judge_times(struct plan *p, char why[PLAN_WHY_BYTES])
{
	for (uint32_t i = 0; i < p->attacks; i++) {
		struct planned_attack *a = &p->attack[i];
		if (a->from_ms >= p->duration_ms || (a->to_ms != WORDS_NEVER && a->to_ms > p->duration_ms))
			return says(why, "--attack %s lies outside the run, which is measured for %.3g s", a->attack->name, p->duration_ms / 1e3);
		if (a->to_ms == WORDS_NEVER)
			a->to_ms = p->duration_ms;
	}
	for (uint32_t i = 0; i < p->faults; i++) {
		const struct planned_fault *f = &p->fault[i];
		if (f->at_ms >= p->duration_ms || (f->to_ms != WORDS_NEVER && f->to_ms > p->duration_ms))
			return says(why, "--fault %s lies outside the run, which is measured for %.3g s", strike_names[f->strike], p->duration_ms / 1e3);
		if (f->replica != WORDS_LEADER && f->replica >= p->n)
			return says(why, "--fault %s: there is no replica %u: they are 0 to %u", strike_names[f->strike], f->replica, p->n - 1);
		if (f->to_ms != WORDS_NEVER && f->strike != STRIKE_PAUSE && f->strike != STRIKE_SLOW_DISK)
			return says(why, "--fault %s has no end: it happens at one moment", strike_names[f->strike]);
	}
	return true;
}

static uint32_t replicas_needed(const struct plan *p, bool *leader)
{
	uint32_t need = 0, f = p->mode == QUORATE_TRUSTED ? 1 : p->f;
	*leader = false;
	for (uint32_t i = 0; i < p->attacks; i++) {
		enum attack_by by = p->attack[i].attack->by;
		uint32_t wants = by == BY_CLIENT ? 0 : by == BY_COLLUDERS ? p->f + 1 : p->liars_wanted ? p->liars_wanted : f ? f : 1;
		need = wants > need ? wants : need;
		*leader |= by == BY_LEADER || by == BY_COLLUDERS;
	}
	return need;
}

/* Those who attack as leaders lead first: 0 (or, where that one must lose its office, 1), and the highest numbers; where others must fail before, the highest alone.
 * Colluders are the first of all. */
static void choose_liars(struct plan *p, uint32_t count, bool leader, bool colluders)
{
	uint32_t first = needs(p, NEEDS_VIEW_CHANGE) ? 1 : 0;
	leader &= !needs(p, NEEDS_AWAY);
	for (uint32_t i = 0; i < count && i < p->n; i++)
		p->liars |= 1ull << (colluders ? i : leader && i == 0 ? first : p->n - (leader ? i : i + 1));
}

#define PAUSE_MS 1000u /* long enough for the office to be lost; beyond it two of four would be gone */
#define AWAY_MS 4000u  /* until all honest leaders of four have failed */
#define REJOIN_MS 500u

static bool add_occasion(struct plan *p, const struct attack *a, uint32_t from_ms, uint32_t to_ms, char why[PLAN_WHY_BYTES])
{
	uint32_t honest = p->n - 1;
	while (honest && (p->liars >> honest & 1))
		honest--;
	if (p->faults == PLAN_FAULTS_MAX)
		return says(why, "at most %u faults in one run, with those that --attack %s needs", PLAN_FAULTS_MAX, a->name);
	uint32_t pause_ms = a->needs == NEEDS_VIEW_CHANGE ? PAUSE_MS : a->needs == NEEDS_AWAY ? AWAY_MS : 0;
	if (pause_ms)
		p->fault[p->faults++] = (struct planned_fault){ STRIKE_PAUSE, 0, from_ms, to_ms - from_ms < pause_ms ? to_ms : from_ms + pause_ms };
	else
		p->fault[p->faults++] = (struct planned_fault){ STRIKE_REJOIN, honest, from_ms + REJOIN_MS, WORDS_NEVER };
	return true;
}

/* What an attack needs to find is a fault like any other: once, or in each pair. */
static bool add_occasions(struct plan *p, char why[PLAN_WHY_BYTES])
{
	const struct pairs *x = &p->pairs;
	bool ok = true;
	for (uint32_t i = 0; i < p->attacks && ok; i++) {
		const struct planned_attack *a = &p->attack[i];
		if (a->attack->needs != NEEDS_VIEW_CHANGE && a->attack->needs != NEEDS_REJOIN && a->attack->needs != NEEDS_AWAY)
			continue;
		if (!x->count)
			ok = add_occasion(p, a->attack, a->from_ms, a->to_ms, why);
		for (uint32_t k = 0; k < x->count && ok; k++) {
			uint32_t from_ms = pairs_attack_ms(x, k);
			ok = add_occasion(p, a->attack, from_ms, from_ms + x->grace_ms + x->phase_ms, why);
		}
	}
	return ok;
}

static bool judge_attacks(struct plan *p, char why[PLAN_WHY_BYTES])
{
	bool leader, colluders = false, others = false;
	uint32_t need = replicas_needed(p, &leader), bears = p->mode == QUORATE_TRUSTED ? 0 : p->f;
	for (uint32_t i = 0; i < p->attacks; i++) {
		enum attack_by by = p->attack[i].attack->by;
		colluders |= by == BY_COLLUDERS;
		others |= by == BY_LEADER || by == BY_REPLICA;
		for (uint32_t k = 0; k < i; k++)
			if (p->attack[k].attack == p->attack[i].attack)
				return says(why, "--attack %s stands there twice", p->attack[i].attack->name);
	}
	if (colluders && others)
		return says(why, "split-brain-colluders cannot be mixed with attacks by other replicas: its liars are chosen for it");
	if (p->liars_wanted && !others)
		return says(why, "--liars without an attack by replicas");
	if (need > p->n - 1)
		return says(why, "%u liars of %u replicas: nobody honest is left to judge", need, p->n);
	if (need > bears && !p->beyond_f)
		return says(why, "%u liar%s and %u replicas in mode %s: it bears %u. Say --beyond-f to see what happens then", need, need > 1 ? "s" : "", p->n,
		            plan_mode_name(p->mode), bears);
	choose_liars(p, need, leader, colluders);
	return true;
}

/* A liar that comes back would have to be told again, and nobody knows when it listens. */
static bool judge_liars_faults(const struct plan *p, char why[PLAN_WHY_BYTES])
{
	for (uint32_t i = 0; i < p->faults; i++) {
		const struct planned_fault *f = &p->fault[i];
		bool returns = f->strike == STRIKE_RESTART || f->strike == STRIKE_WIPE || f->strike == STRIKE_REJOIN;
		if (returns && p->liars && (f->replica == WORDS_LEADER || (p->liars >> f->replica & 1)))
			return says(why,
			            "--fault %s would bring back a liar, which then does not know that it lies: kill or pause it, or name an honest replica",
			            strike_names[f->strike]);
	}
	return true;
}

/* Each attack goes on in the attacked part of each pair; what they take together is the run's length. */
static bool judge_pairs(struct plan *p, bool duration, char why[PLAN_WHY_BYTES])
{
	struct pairs *x = &p->pairs;
	if (!x->count)
		return x->phase_ms || x->grace_ms != WORDS_NEVER ? says(why, "--phase and --grace are parts of --pairs") : true;
	bool leader = false;
	uint32_t grace_ms = 0;
	for (uint32_t i = 0; i < p->attacks; i++) {
		uint32_t own_ms = plan_grace_ms(p->attack[i].attack);
		grace_ms = own_ms > grace_ms ? own_ms : grace_ms;
		leader |= p->attack[i].attack->by == BY_LEADER;
		if (p->attack[i].from_ms || p->attack[i].to_ms != WORDS_NEVER)
			return says(why, "--attack %s with --pairs needs no time: the pairs say when it goes on", p->attack[i].attack->name);
	}
	if (!p->attacks || p->faults || plan_is_sweep(p) || duration)
		return says(why, "--pairs compares calm with --attack: no --fault, --duration or sweep goes with it");
	if (leader && x->count > 1)
		return says(why, "a leader loses its office once: say --pairs 1 --repeat %u, which makes as many clusters", x->count);
	if (p->repeat && x->count > PAIRS_COUNT_MAX / p->repeat)
		return says(why, "--pairs %u and --repeat %u make more than %u pairs, which is what is summed up", x->count, p->repeat, PAIRS_COUNT_MAX);
	x->phase_ms = (x->phase_ms ? x->phase_ms : PHASE_MS_DEFAULT) / 100 * 100;
	x->grace_ms = (x->grace_ms != WORDS_NEVER ? x->grace_ms : grace_ms) / 100 * 100;
	x->settle_ms = (leader ? SETTLE_LEADER_MS : SETTLE_MS) / (p->brief ? 2 : 1) / 100 * 100;
	if (needs(p, NEEDS_REJOIN))
		x->settle_ms = SETTLE_REJOIN_MS;
	p->duration_ms = pairs_total_ms(x);
	return true;
}

/* Fair shares are by key, and so are sessions. */
static bool judge_keys(struct plan *p, char why[PLAN_WHY_BYTES])
{
	uint32_t least = (p->sessions + SESSIONS_EACH - 1) / SESSIONS_EACH;
	if (!p->clients)
		p->clients = least > CLIENTS_DEFAULT ? least : p->sessions < CLIENTS_DEFAULT ? p->sessions : CLIENTS_DEFAULT;
	if (p->clients > p->sessions)
		return says(why, "%u client keys for %u sessions: each needs one", p->clients, p->sessions);
	if (p->clients < least)
		return says(why, "%u sessions of %u client key%s: a key has at most %u. Say --client-keys %u", p->sessions, p->clients,
		            p->clients > 1 ? "s" : "", SESSIONS_EACH, least);
	return true;
}

static bool judge(struct plan *p, const char *verb, bool outstanding, bool duration, char why[PLAN_WHY_BYTES])
{
	if (!p->n)
		p->n = p->mode == QUORATE_TRUSTED ? 3 : 4;
	if (p->mode == QUORATE_BFT && p->n < 4)
		return says(why, "mode bft needs 4 replicas or more");
	p->f = p->mode == QUORATE_TRUSTED ? (p->n - 1) / 2 : (p->n - 1) / 3;
	if (!strcmp(verb, "fault") && p->what == FAULT_KINDS)
		return says(why, "which fault? --what none|follower-dead|follower-stopped|follower-slow-disk|leader-dead");
	if (p->rate_from > 0 && outstanding)
		return says(why, "--rate and --outstanding exclude each other: an open loop asks by its schedule, whatever comes back");
	if (plan_is_sweep(p) && (p->attacks || p->faults))
		return says(why, "a sweep of rates looks for the knee of a service that works: it cannot be mixed with --attack or --fault");
	if (p->zipf && p->keys > KEYS_ZIPF_MAX)
		return says(why, "--distribution zipf takes at most %u keys", KEYS_ZIPF_MAX);
	return judge_keys(p, why) && judge_pairs(p, duration, why) && judge_times(p, why) && judge_attacks(p, why) && add_occasions(p, why) &&
	       judge_liars_faults(p, why);
}

bool plan_read(struct plan *p, const char *verb, int argc, char *const *argv, char why[PLAN_WHY_BYTES])
{
	*p = (struct plan){ .mode = QUORATE_BFT,
		            .seed = 1,
		            .pairs.grace_ms = WORDS_NEVER,
		            .repeat = 1,
		            .warmup_ms = 1000,
		            .keys = !strcmp(verb, "join") ? 200000 : 10000,
		            .value_bytes = 128,
		            .sessions = 64,
		            .bundle_ops = 1,
		            .what = FAULT_KINDS };
	why[0] = 0;
	if (strcmp(verb, "run") != 0)
		read_profile(p, "signed");
	uint32_t given = p->outstanding;
	if (!read_words(p, verb, argc, argv, why))
		return false;
	bool outstanding = p->outstanding != given && !p->profile;
	bool duration = p->duration_ms != 0;
	if (!duration)
		p->duration_ms = 10000;
	if (!p->outstanding)
		p->outstanding = 1;
	return judge(p, verb, outstanding, duration, why);
}
