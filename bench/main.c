/* quorate-bench: a local cluster of processes under load and attack, and whether what came out was safe. */
#include "bench/attacks.h"
#include "bench/compare.h"
#include "bench/costs.h"
#include "bench/matrix.h"
#include "bench/page.h"
#include "bench/repeat.h"
#include "bench/run.h"
#include "bench/scale.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXIT_CONFIG 3
#define ARGUMENTS_MAX 256

static const char help[] =
	"usage: quorate-bench run [--profile latency|signed|bundled|reads] [--clients N] [--client-keys N] [--outstanding N | --rate 5000 | --rate 1k..40k]\n"
	"         [--reads 50%] [--value-size 16KiB] [--keys N] [--distribution uniform|zipf] [--bundle N] [--warmup 1s] [--duration 10s]\n"
	"         [--attack NAME[@FROM[-TO]]]... [--liars N] [--beyond-f] [--fault kill|pause|restart|wipe|rejoin|slow-disk:REPLICA@TIME[-TO]]...\n"
	"         [--pairs N [--phase 3s] [--grace 5s]] [--repeat N] [--brief]\n"
	"         [--net none|lan|wan|wan4|delay=20ms,jitter=2ms,loss=0.1%,rate=100mbit]\n"
	"         [--mode bft|trusted] [--replicas N] [--seed N] [--base-port N] [--folder DIR] [--out DIR] [--manifest FILE] [--json]\n"
	"       quorate-bench matrix [--quick] [--only NAME,..] [--pairs N] [--mode ..] [--against DIR] [--out DIR] [--json] and loads as above: every attack\n"
	"       quorate-bench scale [--sizes 4,7,10,13] [--out DIR] [--json] and loads as above: the same on clusters of several sizes\n"
	"       quorate-bench compare A B [--fail-if 5%] [-o FILE.html] [--json]: what changed between two folders that --out made\n"
	"       quorate-bench attacks [NAME] [--json]: what can be done to it, and what a correct engine does then\n"
	"       quorate-bench report DIR -o FILE.html: a folder that --out made (of run, run --repeat, matrix, scale) as one page\n"
	"       quorate-bench join [--profile signed] [--keys 200000] and the others: an empty replica joins under that load\n"
	"       quorate-bench fault --what none|follower-dead|follower-stopped|follower-slow-disk|leader-dead [--profile signed] and the others: what "
	"that costs\n";

static int usage(const char *why)
{
	if (why && why[0])
		fprintf(stderr, "quorate-bench: %s\n", why);
	else
		fputs(help, stderr);
	return EXIT_USAGE;
}

static int attacks(int argc, char **argv)
{
	const char *name = NULL;
	bool json = false;
	for (int i = 2; i < argc; i++) {
		if (!strcmp(argv[i], "--json"))
			json = true;
		else if (!name)
			name = argv[i];
		else
			return usage(NULL);
	}
	return attacks_tell(name, json);
}

/* The words of a manifest, and behind them those of the command line, which therefore count more. The folder of that run is not this one's. */
static int words_of(const char *manifest, int argc, char **argv, char **out, char why[PLAN_WHY_BYTES])
{
	json_error_t error;
	json_t *j = json_load_file(manifest, 0, &error), *list = json_object_get(j, "argv"), *word;
	size_t i;
	int count = 0;
	if (!j || !json_is_array(list)) {
		snprintf(why, PLAN_WHY_BYTES, "%.200s: %.200s", manifest, j ? "it is no manifest: it has no argv" : error.text);
		json_decref(j);
		return -1;
	}
	json_array_foreach(list, i, word)
	{
		const char *text = json_string_value(word), *last = i ? json_string_value(json_array_get(list, i - 1)) : NULL;
		bool drop = !text || !strcmp(text, "--out") || !strcmp(text, "--json") || !strcmp(text, "--manifest") ||
		            (last && (!strcmp(last, "--out") || !strcmp(last, "--manifest")));
		if (!drop && count < ARGUMENTS_MAX - argc)
			out[count++] = strdup(text);
	}
	json_decref(j);
	for (int k = 0; k < argc; k++) {
		if (!strcmp(argv[k], "--manifest")) {
			k++;
			continue;
		}
		out[count++] = argv[k];
	}
	return count;
}

static int run(int argc, char **argv)
{
	static struct plan plan;
	static char *words[ARGUMENTS_MAX];
	char why[PLAN_WHY_BYTES] = "";
	if (argc > ARGUMENTS_MAX / 2)
		return usage("too many words");
	if (!plan_read(&plan, "run", argc, argv, why))
		return usage(why);
	if (plan.manifest) {
		argc = words_of(plan.manifest, argc, argv, words, why);
		argv = words;
		if (argc < 0) {
			fprintf(stderr, "quorate-bench: %s\n", why);
			return EXIT_CONFIG;
		}
		if (!plan_read(&plan, "run", argc, argv, why))
			return usage(why);
	}
	return plan.repeat > 1 ? repeat_runs(&plan, argc, argv) : run_whole(&plan, argc, argv);
}

static int report(int argc, char **argv)
{
	char why[PAGE_WHY_BYTES] = "", template[512] = "";
	const char *folder = NULL, *out = NULL;
	for (int i = 0; i < argc; i++) {
		if ((!strcmp(argv[i], "-o") || !strcmp(argv[i], "--out")) && i + 1 < argc && !out)
			out = argv[++i];
		else if (argv[i][0] != '-' && !folder)
			folder = argv[i];
		else
			return usage(NULL);
	}
	if (!folder || !out)
		return usage("report wants the folder of a run or of several, and -o with the page to write");
	run_find_beside("report.html", template, sizeof template);
	enum page_result result = page_write(folder, out, template, why);
	if (result != PAGE_OK)
		fprintf(stderr, "quorate-bench: %s\n", why);
	return result == PAGE_OK ? 0 : result == PAGE_NO_RUN ? EXIT_CONFIG : 1;
}

static int compare(int argc, char **argv)
{
	char template[512] = "";
	run_find_beside("report.html", template, sizeof template);
	return compare_run(argc, argv, template);
}

int main(int argc, char **argv)
{
	static struct plan plan;
	char why[PLAN_WHY_BYTES];
	const char *verb = argc > 1 ? argv[1] : "";
	if (!strcmp(verb, "run"))
		return run(argc - 2, argv + 2);
	if (!strcmp(verb, "matrix"))
		return matrix_run(argc - 2, argv + 2);
	if (!strcmp(verb, "compare"))
		return compare(argc - 2, argv + 2);
	if (!strcmp(verb, "scale"))
		return scale_run(argc - 2, argv + 2);
	if (!strcmp(verb, "attacks"))
		return attacks(argc, argv);
	if (!strcmp(verb, "report"))
		return report(argc - 2, argv + 2);
	if (!strcmp(verb, "help") || !strcmp(verb, "--help")) {
		fputs(help, stdout);
		return 0;
	}
	bool join = !strcmp(verb, "join");
	if (!join && strcmp(verb, "fault") != 0)
		return usage(NULL);
	if (!plan_read(&plan, verb, argc - 2, argv + 2, why))
		return usage(why);
	return join ? costs_join(&plan) : costs_fault(&plan);
}
