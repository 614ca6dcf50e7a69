#include "tests/sim/explain/explain.h"

#include <stdlib.h>
#include <string.h>

static const struct topic topics[] = {
	{ "election", "how three replicas find a leader, lose it, and find another", 0, explain_election },
	{ "split-vote", "all stand at once and nobody wins: what randomised timeouts are for", 3, explain_split_vote },
	{ "partition", "five replicas cut in two: the minority refuses, the majority goes on (CAP in practice)", 0, explain_partition },
	{ "flp", "a scheduler that keeps a protocol undecided for as long as it likes, and what ends that", 5, explain_flp },
	{ "two-generals-of-four", "three replicas and one liar cannot agree, four can", 0, explain_two_generals_of_four },
	{ "quorum-sizes", "how many replicas, how many answers, how many failures, and why", 0, explain_quorum_sizes },
};
#define TOPICS (sizeof topics / sizeof topics[0])

static int list(FILE *to)
{
	fputs("quorate-sim explain TOPIC: a story that runs the real protocol in virtual time and says what it does.\n\n", to);
	for (size_t i = 0; i < TOPICS; i++)
		fprintf(to, "  %-21s %s%s\n", topics[i].name, topics[i].line, topics[i].rounds ? " [--rounds N]" : "");
	return 0;
}

/* How many letters must change, come or go (Levenshtein); words are short. */
static size_t distance(const char *a, const char *b)
{
	size_t row[64], n = strlen(b);
	if (n >= 64)
		return SIZE_MAX;
	for (size_t k = 0; k <= n; k++)
		row[k] = k;
	for (size_t i = 1; a[i - 1]; i++) {
		size_t corner = row[0];
		row[0] = i;
		for (size_t k = 1; k <= n; k++) {
			size_t change = corner + (a[i - 1] != b[k - 1]), least = row[k] < row[k - 1] ? row[k] : row[k - 1];
			corner = row[k];
			row[k] = change < least + 1 ? change : least + 1;
		}
	}
	return row[n];
}

static int unknown(const char *word)
{
	const struct topic *best = &topics[0];
	for (size_t i = 1; i < TOPICS; i++)
		if (distance(topics[i].name, word) < distance(best->name, word))
			best = &topics[i];
	fprintf(stderr, "quorate-sim explain: there is no topic \"%s\".", word);
	if (distance(best->name, word) <= strlen(best->name) / 2)
		fprintf(stderr, " Did you mean %s?", best->name);
	fputs("\n\n", stderr);
	list(stderr);
	return 2;
}

static int usage(const char *why)
{
	fprintf(stderr, "quorate-sim explain: %s\nusage: quorate-sim explain [TOPIC [--rounds N]]\n", why);
	return 2;
}

static int run(const struct topic *topic, uint32_t rounds)
{
	struct teller t = { .to = stdout, .last = UINT64_MAX };
	topic->tell(&t, rounds);
	return t.failed ? 1 : 0;
}

int explain(int argc, char **argv)
{
	const struct topic *topic = NULL;
	if (argc == 0)
		return list(stdout);
	for (size_t i = 0; i < TOPICS; i++)
		if (!strcmp(topics[i].name, argv[0]))
			topic = &topics[i];
	if (!topic)
		return unknown(argv[0]);
	if (argc == 1)
		return run(topic, topic->rounds);
	if (argc != 3 || strcmp(argv[1], "--rounds") != 0)
		return usage("only --rounds N may follow the topic");
	if (!topic->rounds)
		return usage("this topic has no rounds");
	char *end;
	unsigned long rounds = strtoul(argv[2], &end, 10);
	if (argv[2][0] < '0' || argv[2][0] > '9' || *end || rounds < 1 || rounds > EXPLAIN_ROUNDS_MAX)
		return usage("--rounds takes a number from 1 to 1000");
	return run(topic, (uint32_t)rounds);
}
