/* What was exercised: for people, or as one object. The last line is the same for both. */
#include "tests/sim/totals.h"

#include <inttypes.h>

void totals_add(struct totals *t, const struct totals *o)
{
	t->passed += o->passed;
	t->failed += o->failed;
	t->tiny += o->tiny;
#define TOTALS_ADD(field, name, text) t->field += o->field;
	TOTALS_LIST(TOTALS_ADD)
	for (uint32_t c = 0; c < FAULT_CLASSES; c++) {
		t->fault[c] += o->fault[c];
		t->seeds_with[c] += o->seeds_with[c];
	}
	for (uint32_t n = 0; n <= SIM_NODES_MAX; n++)
		t->seeds_of[n] += o->seeds_of[n];
}

void totals_of(struct totals *t, const struct sim *s)
{
	*t = (struct totals){ .passed = !s->failure[0], .failed = s->failure[0] != 0, .tiny = s->genesis.limits.window < 32 };
#define TOTALS_SET(field, name, text) t->field = s->field;
	TOTALS_LIST(TOTALS_SET)
	t->seeds_of[s->n] = 1;
	for (uint32_t c = 0; c < FAULT_CLASSES; c++) {
		t->fault[c] = s->faults.happened[c];
		t->seeds_with[c] = s->faults.happened[c] != 0;
	}
}

static void print_json(const struct totals *t)
{
	printf("{\"passed\":%" PRIu64 ",\"failed\":%" PRIu64, t->passed, t->failed);
#define TOTALS_JSON(field, name, text) printf(",\"" name "\":%" PRIu64, t->field);
	TOTALS_LIST(TOTALS_JSON)
	printf(",\"small_windows\":%" PRIu64 ",\"nodes\":{", t->tiny);
	const char *before = "";
	for (uint32_t n = 0; n <= SIM_NODES_MAX; n++)
		if (t->seeds_of[n]) {
			printf("%s\"%" PRIu32 "\":%" PRIu64, before, n, t->seeds_of[n]);
			before = ",";
		}
	printf("},\"faults\":{");
	for (uint32_t c = 0; c < FAULT_CLASSES; c++)
		printf("%s\"%s\":{\"count\":%" PRIu64 ",\"seeds\":%" PRIu64 "}", c ? "," : "", fault_words[c], t->fault[c], t->seeds_with[c]);
	printf("}}\n");
}

static void print_text(const struct totals *t)
{
	printf("%" PRIu64 " seeds clean, %" PRIu64 " not;", t->passed, t->failed);
	for (uint32_t n = 0; n <= SIM_NODES_MAX; n++)
		if (t->seeds_of[n])
			printf(" %" PRIu64 " of %" PRIu32 " replicas,", t->seeds_of[n], n);
	printf(" %" PRIu64 " with a small window. Exercised:\n", t->tiny);
#define TOTALS_TEXT(field, name, text) printf("%12" PRIu64 "  %s\n", t->field, text);
	TOTALS_LIST(TOTALS_TEXT)
	for (uint32_t c = 0; c < FAULT_CLASSES; c++)
		printf("%12" PRIu64 "  %-16s in %" PRIu64 " seeds: %s\n", t->fault[c], fault_words[c], t->seeds_with[c], fault_texts[c]);
}

void totals_print(const struct totals *t, bool json)
{
	if (json)
		print_json(t);
	else
		print_text(t);
	printf("%" PRIu64 " passed, %" PRIu64 " failed\n", t->passed, t->failed);
}
