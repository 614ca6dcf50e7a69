#include "bench/matrix.h"

#include "bench/child.h"
#include "bench/malice/malice.h"
#include "bench/plan.h"
#include "bench/report.h"
#include "bench/words.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAIRS 5u
#define PHASE_MS 5000u
#define QUICK_PHASE_MS 1500u
#define QUICK_AGAIN_MS 3000u /* where liars are started again: in less, that start is what is measured */
#define RECURRENT_MS 60000u
#define QUICK_RECURRENT_MS 12000u

struct matrix {
	bool quick, json, trusted;
	const char *only, *out;
	json_t *against; /* rows by name; NULL: none */
	uint32_t pairs;
	int argc; /* what every run is told as well */
	char *const *argv;
	json_t *rows;
	int worst;
};

static const char *const own[] = { "--quick!", "--json!", "--only", "--out", "--against", "--pairs", "--mode", "--beyond-f!", NULL };
/* What the rows decide themselves. */
static const char *const not_here[] = { "--attack", "--fault", "--duration", "--repeat", "--grace", "--phase", "--manifest" };

static int wrong(const char *what, const char *why)
{
	fprintf(stderr, "quorate-bench: %s: %s\n", what, why);
	return 2;
}

/* ---- which ---- */

static bool listed(const char *list, const char *name)
{
	size_t n = strlen(name);
	for (const char *at = list; (at = strstr(at, name)); at += n)
		if ((at == list || at[-1] == ',') && (at[n] == ',' || !at[n]))
			return true;
	return false;
}

/* Colluders beyond f break the guarantee: they are no row. */
static bool wanted(const struct matrix *m, const struct attack *a)
{
	return a->by != BY_COLLUDERS && (!m->only || listed(m->only, a->name));
}

static int check_only(const struct matrix *m)
{
	const char *names[CATALOGUE_MAX];
	size_t count = 0;
	char list[1024], *rest = NULL;
	while (count < CATALOGUE_MAX && attack_at(count)) {
		names[count] = attack_at(count)->name;
		count++;
	}
	snprintf(list, sizeof list, "%s", m->only ? m->only : "");
	for (char *name = strtok_r(list, ",", &rest); name; name = strtok_r(NULL, ",", &rest)) {
		const char *meant = words_meant(name, names, count);
		const struct attack *a = attack_find(name);
		if (a && a->by != BY_COLLUDERS)
			continue;
		fprintf(stderr, "quorate-bench: --only: %s attack %s%s%s%s\n", a ? "beyond f:" : "unknown", name, !a && meant ? "; did you mean " : "",
		        !a && meant ? meant : "", !a && meant ? "?" : "");
		return 2;
	}
	return 0;
}

/* ---- words ---- */

static int read_against(struct matrix *m, const char *folder)
{
	char path[1100];
	json_error_t error;
	snprintf(path, sizeof path, "%s/matrix.json", folder);
	json_t *j = json_load_file(path, 0, &error), *rows = json_object_get(j, "rows"), *row;
	size_t i;
	if (!json_is_array(rows)) {
		fprintf(stderr, "quorate-bench: --against %s: %s\n", folder, j ? "it holds no matrix" : error.text);
		json_decref(j);
		return 3;
	}
	m->against = json_object();
	json_array_foreach(rows, i, row) json_object_set(m->against, json_string_value(json_object_get(row, "attack")), row);
	json_decref(j);
	return 0;
}

static int read_word(struct matrix *m, const char *word, const char *value)
{
	uint64_t pairs;
	if (!strcmp(word, "--only"))
		m->only = value;
	else if (!strcmp(word, "--out"))
		m->out = value;
	else if (!strcmp(word, "--against"))
		return read_against(m, value);
	else if (!strcmp(word, "--mode"))
		m->trusted = !strcmp(value, "trusted");
	else if (!strcmp(word, "--pairs")) {
		if (!words_number(value, 1, PAIRS_COUNT_MAX, &pairs))
			return wrong("--pairs", "a number from 1 to 50");
		m->pairs = (uint32_t)pairs;
	}
	for (size_t i = 0; i < sizeof not_here / sizeof *not_here; i++)
		if (!strcmp(word, not_here[i]))
			return wrong(word, "the matrix decides this for each attack");
	return 0;
}

static int read_words(struct matrix *m, int argc, char *const *argv)
{
	for (int i = 0; i < argc; i++) {
		const char *word = argv[i];
		bool alone = !strcmp(word, "--quick") || !strcmp(word, "--json") || !strcmp(word, "--beyond-f");
		m->quick |= !strcmp(word, "--quick");
		m->json |= !strcmp(word, "--json");
		if (alone)
			continue;
		if (i + 1 == argc)
			return wrong(word, "it needs a value, or is not known");
		int code = read_word(m, word, argv[++i]);
		if (code)
			return code;
	}
	m->pairs = m->pairs ? m->pairs : m->quick ? 1 : PAIRS;
	return check_only(m);
}

/* ---- one row ---- */

static uint32_t phase_ms(const struct matrix *m, const struct attack *a)
{
	if (a->class[0] == 'R')
		return m->quick ? QUICK_RECURRENT_MS : RECURRENT_MS;
	bool again = a->needs == NEEDS_EMPTIED || a->needs == NEEDS_ROLLED_BACK;
	return !m->quick ? PHASE_MS : again ? QUICK_AGAIN_MS : QUICK_PHASE_MS;
}

/* A leader loses its office once: each of its pairs has a cluster of its own. In trusted mode the guarantee is gone, and the matrix shows what Raft does not survive. */
static bool words_of(struct child_words *w, const struct matrix *m, const struct attack *a)
{
	bool leader = a->by == BY_LEADER;
	bool ok = child_add(w, "run") && child_add(w, "--attack") && child_add(w, "%s", a->name) && child_add(w, "--pairs") &&
	          child_add(w, "%u", leader ? 1 : m->pairs) && child_add(w, "--phase") && child_add(w, "%ums", phase_ms(m, a)) && child_add(w, "--json") &&
	          child_add(w, "--mode") && child_add(w, m->trusted ? "trusted" : "bft");
	if (ok && leader && m->pairs > 1)
		ok = child_add(w, "--repeat") && child_add(w, "%u", m->pairs);
	if (ok && m->quick)
		ok = child_add(w, "--brief") && child_add(w, "--warmup") && child_add(w, "500ms");
	if (ok && m->trusted && a->by != BY_CLIENT)
		ok = child_add(w, "--beyond-f");
	ok = ok && child_add_others(w, m->argc, m->argv, own); /* last, so that they count */
	return ok && (!m->out || (child_add(w, "--out") && child_add(w, "%s/%s", m->out, a->name)));
}

static bool measure(struct matrix *m, const struct attack *a)
{
	struct child_words w = { 0 };
	char why[300] = "too many words";
	int code = 1;
	json_t *summary = words_of(&w, m, a) ? child_run(&w, false, &code, why) : NULL;
	child_free(&w);
	if (child_stopped()) {
		json_decref(summary);
		return false;
	}
	bool expected = code == EXIT_UNSAFE && m->trusted;
	json_t *row = matrix_row(a, summary, why);
	json_decref(summary);
	json_array_append_new(m->rows, row);
	if (!m->json)
		matrix_say_row(row, json_object_get(m->against, a->name), m->against != NULL);
	else
		fprintf(stderr, "%s: %s\n", a->name, json_string_value(json_object_get(row, "verdict")));
	if (matrix_meets(row) < 0)
		m->worst = m->worst > 1 ? m->worst : 1;
	else if (code == EXIT_UNSAFE && !expected)
		m->worst = EXIT_UNSAFE;
	/* Words that no run takes are wrong for every row. */
	if (code == 2 && !summary) {
		fprintf(stderr, "%s\n", why);
		m->worst = 2;
		return false;
	}
	return true;
}

/* ---- the whole ---- */

/* What the rows share, from the folder of the first that came to an end. */
static json_t *manifest(const struct matrix *m)
{
	static const char *const of_one[] = { "attacks", "faults", "seed", "duration_s", "unit_costs" };
	char one[1100] = "";
	json_t *row;
	size_t i;
	json_array_foreach(m->rows, i, row)
	{
		snprintf(one, sizeof one, "%s/%s", m->out ? m->out : "", json_string_value(json_object_get(row, "attack")));
		if (matrix_meets(row) >= 0)
			break;
	}
	json_t *j = folder_manifest_of(m->out ? one : "", m->argc, m->argv);
	for (i = 0; i < sizeof of_one / sizeof *of_one; i++)
		json_object_del(j, of_one[i]);
	json_t *own_part = json_pack("{s:s,s:s,s:b,s:i,s:s,s:b,s:o}", "version", quorate_version(), "mode", m->trusted ? "trusted" : "bft", "quick", m->quick,
	                             "pairs", (int)m->pairs, "durability", "flush", "tls", 1, "machine", report_machine());
	json_object_update(j, own_part);
	json_decref(own_part);
	return j;
}

static int tell(struct matrix *m)
{
	json_t *j = json_pack("{s:O,s:o,s:b}", "rows", m->rows, "manifest", manifest(m), "interrupted", child_stopped());
	bool failed = m->out && !folder_write_whole(json_incref(j), m->out, "matrix");
	if (m->json)
		json_dumpf(j, stdout, JSON_COMPACT | JSON_REAL_PRECISION(6)), puts("");
	else
		matrix_say_end(m->rows);
	json_decref(j);
	return failed || child_stopped() ? 1 : m->worst;
}

int matrix_run(int argc, char *const *argv)
{
	struct matrix m = { .argc = argc, .argv = argv, .rows = json_array() };
	const struct attack *a;
	char reason[QUORATE_REASON_BYTES];
	int code = read_words(&m, argc, argv);
	if (!code && m.out && !folder_make_whole(m.out, "matrix", reason)) {
		fprintf(stderr, "quorate-bench: %s\n", reason);
		code = 1;
	}
	child_on_signals();
	if (!code && !m.json)
		matrix_say_head(m.against != NULL);
	for (size_t i = 0; !code && (a = attack_at(i)); i++)
		if (wanted(&m, a) && !measure(&m, a))
			break;
	if (!code && m.worst != 2)
		code = tell(&m);
	else
		code = code ? code : 2;
	json_decref(m.rows);
	json_decref(m.against);
	return code;
}
