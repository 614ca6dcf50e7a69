/* What the bench's taps write and what is told of it, and the data of the page of a run. The page itself: tests/page/. */
#include "bench/page.h"
#include "bench/slots/tell.h"
#include "bench/tap/tap_state.h"
#include "bft/envelope.h"
#include "bft/votes.h"
#include "tests/unit/unit.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- the tap ---- */

static char folder[64];

static void make_folder(void)
{
	snprintf(folder, sizeof folder, "/tmp/quorate-page-XXXXXX");
	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(folder));
}

static void remove_folder(void)
{
	char command[128];
	snprintf(command, sizeof command, "rm -r %s", folder);
	CU_ASSERT_EQUAL(system(command), 0);
}

static size_t frame_head(uint8_t *out, uint16_t type)
{
	struct bft_envelope e = { .signer = BFT_SIGNER_CHANNEL, .type = type, .epoch = 0 };
	struct wr w = wr_of(out, BFT_FRAME_HEAD_BYTES);
	envelope_write(&w, &e);
	return wr_done(&w);
}

static size_t votes_of_two(uint8_t *out, size_t n)
{
	static struct bft_votes votes;
	struct wr w = wr_of(out, n);
	votes = (struct bft_votes){ .view = 3, .count = 2 };
	votes.leaf[0] = (struct bft_leaf){ .kind = BFT_LEAF_PRE_PREPARE, .seq = 8, .digest = { { 0xAB } } };
	votes.leaf[1] = (struct bft_leaf){ .kind = BFT_LEAF_COMMIT, .seq = 7, .digest = { { 0xCD } } };
	votes_write(&w, &votes);
	return wr_done(&w);
}

static struct tap_shared *open_tap(void)
{
	char path[128];
	make_folder();
	snprintf(path, sizeof path, "%s/tap", folder);
	struct tap_shared *tap = tap_make(path);
	CU_ASSERT_PTR_NOT_NULL_FATAL(tap);
	setenv(TAP_ENV, path, 1);
	tap_begin();
	CU_ASSERT_PTR_NOT_NULL_FATAL(tap_here);
	return tap;
}

static void close_tap(struct tap_shared *tap)
{
	tap_close(tap);
	tap_close(tap_here);
	tap_here = NULL;
	remove_folder();
}

/* One entry for each leaf; the same frame has the same name where it is heard, also when its head came with it. */
static void frames_are_told_leaf_by_leaf(void)
{
	uint8_t frame[BFT_FRAME_HEAD_BYTES + 200], *body = frame + BFT_FRAME_HEAD_BYTES;
	struct tap_shared *tap = open_tap();
	size_t head_n = frame_head(frame, BFT_MSG_VOTES), n = votes_of_two(body, 200);
	tap_sent(2, frame, head_n, body, n);
	CU_ASSERT_EQUAL(tap->written, 0);
	CU_ASSERT_EQUAL(tap->sent[BFT_MSG_VOTES].messages, 0);
	tap->counting = tap->recording = 1;
	tap_sent(2, frame, head_n, body, n);
	tap_heard(1, frame, head_n + n);
	CU_ASSERT_EQUAL(tap->sent[BFT_MSG_VOTES].messages, 1);
	CU_ASSERT_EQUAL(tap->sent[BFT_MSG_VOTES].bytes, head_n + n);
	CU_ASSERT(tap->leaves[BFT_LEAF_PRE_PREPARE] == 1 && tap->leaves[BFT_LEAF_PREPARE] == 0 && tap->leaves[BFT_LEAF_COMMIT] == 1);
	CU_ASSERT_EQUAL_FATAL(tap->written, 4);
	const struct tap_entry *e = tap->entry;
	CU_ASSERT(e[0].what == TAP_SENT && e[0].peer == 2 && e[0].seq == 8 && e[0].view == 3 && e[0].kind == BFT_LEAF_PRE_PREPARE && e[0].id >> 56 == 0xAB);
	CU_ASSERT(e[1].seq == 7 && e[1].kind == BFT_LEAF_COMMIT && e[1].id >> 56 == 0xCD);
	CU_ASSERT(e[2].what == TAP_HEARD && e[2].peer == 1 && e[2].frame == e[0].frame && e[2].at_ns >= e[0].at_ns);
	close_tap(tap);
}

/* Whatever comes in: nothing is read behind its end, and each type counts somewhere. */
static void frames_that_are_cut_or_unknown(void)
{
	uint8_t frame[BFT_FRAME_HEAD_BYTES + 200], *body = frame + BFT_FRAME_HEAD_BYTES;
	struct tap_shared *tap = open_tap();
	size_t head_n = frame_head(frame, BFT_MSG_VOTES), n = votes_of_two(body, 200);
	tap->counting = tap->recording = 1;
	for (size_t cut = 0; cut < head_n + n; cut++) {
		uint8_t *exact = malloc(cut ? cut : 1); /* so that a sanitizer sees a step too far */
		memcpy(exact, frame, cut);
		tap_heard(TAP_CLIENT, exact, cut);
		free(exact);
	}
	CU_ASSERT_EQUAL(tap->asked[BFT_MSG_VOTES].messages, n);
	for (uint32_t type = 0; type < 0x200; type += 7) {
		frame_head(frame, (uint16_t)type);
		for (size_t cut = 0; cut < 60; cut += 3)
			tap_heard(3, frame, head_n + cut);
		tap_sent(3, frame, head_n + 20, body, 30);
	}
	CU_ASSERT(tap->sent[0].messages > 10);
	tap->written = TAP_ENTRIES - 1; /* round it goes */
	frame_head(frame, BFT_MSG_VOTES);
	tap_sent(1, frame, head_n, body, n);
	CU_ASSERT(tap->written == TAP_ENTRIES + 1 && tap->entry[0].seq == 7);
	close_tap(tap);
}

/* ---- slots ---- */

static struct plan plan;
static struct slots slots;

static void slots_begin(bool waits)
{
	plan = (struct plan){ .mode = QUORATE_BFT, .n = 4, .f = 1, .duration_ms = 5000 };
	slots = (struct slots){ .plan = &plan, .captures = 1 };
	slots.capture[0] = (struct capture){ .phase = "attack", .from_ms = 100, .until_ms = 900, .waits = waits };
	for (uint32_t i = 0; i < plan.n; i++)
		slots.tap[i] = calloc(1, sizeof *slots.tap[i]);
}

static void slots_end(void)
{
	for (uint32_t i = 0; i < plan.n; i++)
		free(slots.tap[i]);
	memset(slots.tap, 0, sizeof slots.tap);
	slots_free(&slots);
}

static void writes(uint32_t who, struct tap_entry e)
{
	tap_here = slots.tap[who];
	tap_put(&e);
	tap_here = NULL;
}

/* From one to another, at a microsecond of the run. */
static void says(uint32_t from, uint32_t to, uint8_t kind, uint64_t seq, uint64_t id, uint64_t at_us)
{
	struct tap_entry e = {
		.at_ns = at_us * 1000, .frame = at_us, .id = id << 32, .seq = seq, .type = BFT_MSG_VOTES, .kind = kind, .signer = BFT_SIGNER_CHANNEL
	};
	e.what = TAP_SENT;
	e.peer = (uint8_t)to;
	writes(from, e);
	e.what = TAP_HEARD;
	e.peer = (uint8_t)from;
	e.at_ns += 1000;
	writes(to, e);
}

static void executes(uint32_t who, uint64_t seq, uint32_t requests, uint64_t at_us)
{
	writes(who, (struct tap_entry){ .at_ns = at_us * 1000, .seq = seq, .bytes = requests, .what = TAP_AT_EXECUTED, .peer = TAP_CLIENT });
}

static void goes_through(uint64_t seq, uint64_t id, uint64_t at_us)
{
	for (uint32_t to = 1; to < 4; to++)
		says(0, to, BFT_LEAF_PRE_PREPARE, seq, id, at_us + to);
	for (uint32_t from = 1; from < 4; from++)
		says(from, 0, BFT_LEAF_PREPARE, seq, id, at_us + 100 + from);
	for (uint32_t who = 0; who < 4; who++)
		executes(who, seq, 5, at_us + 200 + who);
}

static void a_slot_is_told(void)
{
	slots_begin(false);
	slots_tick(&slots, 50, 0);
	CU_ASSERT(!slots.tap[0]->recording);
	slots_tick(&slots, 100, 0);
	CU_ASSERT(slots.tap[0]->recording && slots.tap[3]->recording);
	slots.capture[0].origin_ns = 1;
	goes_through(6, 0xA, 1000);
	goes_through(5, 0xB, 2000);
	says(0, 1, BFT_LEAF_PRE_PREPARE, 7, 0xC, 3000); /* nobody executes it */
	slots_tick(&slots, 300, 0);
	slots_tick(&slots, 900, 0);
	CU_ASSERT(!slots.tap[0]->recording);
	json_t *told = slots_told(&slots, 500000), *list = json_object_get(told, "slots"), *slot = json_array_get(list, 0);
	CU_ASSERT_EQUAL(json_array_size(list), 2);
	CU_ASSERT_EQUAL(json_integer_value(json_object_get(slot, "seq")), 5);
	CU_ASSERT_EQUAL(json_integer_value(json_object_get(slot, "leader")), 0);
	CU_ASSERT_EQUAL(json_integer_value(json_object_get(slot, "requests")), 5);
	CU_ASSERT_EQUAL(json_array_size(json_object_get(slot, "messages")), 6);
	json_t *first = json_array_get(json_object_get(slot, "messages"), 0);
	CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(first, "what")), "PRE-PREPARE");
	CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(first, "proposal")), "0000000b");
	CU_ASSERT_DOUBLE_EQUAL(json_real_value(json_object_get(first, "sent_s")), 0.001501, 1e-9);
	CU_ASSERT_DOUBLE_EQUAL(json_real_value(json_object_get(first, "heard_s")), 0.001502, 1e-9);
	json_decref(told);
	slots_end();
}

/* Under attack: what was proposed before does not count, and a slot about which the leader said two things is among those that are told. */
static void a_disputed_slot_is_told(void)
{
	slots_begin(true);
	slots_tick(&slots, 100, 0);
	goes_through(10, 0xA, 1000);
	for (uint64_t seq = 11; seq < 15; seq++)
		goes_through(seq, 0xA, 1000 * seq);
	says(0, 2, BFT_LEAF_PRE_PREPARE, 14, 0xB, 14050);
	slots_tick(&slots, 220, 5000000);
	slots_tick(&slots, 900, 5000000);
	CU_ASSERT_EQUAL_FATAL(slots.capture[0].found, 3);
	CU_ASSERT(slots.capture[0].seq[0] == 11 && slots.capture[0].seq[1] == 12 && slots.capture[0].seq[2] == 14);
	json_t *told = slots_told(&slots, 0), *slot = json_array_get(json_object_get(told, "slots"), 2);
	CU_ASSERT_EQUAL(json_array_size(json_object_get(slot, "proposals")), 2);
	CU_ASSERT_EQUAL(json_array_size(json_object_get(slot, "messages")), 7);
	json_decref(told);
	slots_end();
}

/* A flood between two looks: what was overwritten is passed over, and what is kept has a bound. */
static void a_flood_is_bounded(void)
{
	slots_begin(false);
	slots_tick(&slots, 100, 0);
	slots.capture[0].origin_ns = 1;
	for (uint32_t i = 0; i < 3 * TAP_ENTRIES; i++)
		writes(1, (struct tap_entry){ .at_ns = i, .type = BFT_WIRE_BUNDLE, .what = TAP_HEARD, .peer = TAP_CLIENT, .id = 1 });
	slots_tick(&slots, 120, 0);
	CU_ASSERT_EQUAL(slots.capture[0].count, TAP_ENTRIES / 2);
	for (uint32_t k = 0; k < 2 * SLOTS_ENTRIES_MAX / TAP_ENTRIES + 2 && !slots.capture[0].over; k++) {
		for (uint32_t i = 0; i < TAP_ENTRIES / 2; i++)
			writes(2, (struct tap_entry){ .at_ns = i, .what = TAP_HEARD, .peer = 1 });
		slots_tick(&slots, 130 + k, 0);
	}
	CU_ASSERT(slots.capture[0].over && slots.capture[0].count == SLOTS_ENTRIES_MAX);
	slots_end();
}

/* ---- the page's data ---- */

static void nothing_ends_the_element(void)
{
	char *text = NULL;
	size_t n = 0;
	json_t *data = json_pack("{s:s,s:s}", "</script>", "<!--<script>&\"\\\n", "plain", "\xE2\x80\xA8 \xC3\xA4");
	FILE *f = open_memstream(&text, &n);
	CU_ASSERT(page_put_json(f, data));
	fclose(f);
	CU_ASSERT(!strpbrk(text, "<>&") && strlen(text) == n);
	json_t *again = json_loads(text, 0, NULL);
	CU_ASSERT(json_equal(again, data));
	json_decref(again);
	json_decref(data);
	free(text);
}

static void a_folder_becomes_data(void)
{
	char why[PAGE_WHY_BYTES] = "";
	json_t *data = page_data("tests/page/attacked", why);
	CU_ASSERT_PTR_NOT_NULL_FATAL(data);
	json_t *intervals = json_object_get(data, "intervals"), *ops = json_object_get(intervals, "ops");
	CU_ASSERT(json_array_size(ops) > 25 && json_array_size(ops) == json_array_size(json_object_get(intervals, "suspects")));
	CU_ASSERT(json_array_size(json_object_get(json_object_get(data, "percentiles"), "share")) > 10);
	CU_ASSERT(json_number_value(json_object_get(data, "mean_ms")) > 0);
	CU_ASSERT_EQUAL(json_array_size(json_object_get(data, "slots")), 3);
	json_t *attack = json_array_get(json_object_get(data, "attacks"), 0);
	CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(attack, "class")), "L90");
	json_decref(data);
}

static void copy_but(const char *name, const char *text)
{
	char command[300], path[200];
	snprintf(command, sizeof command, "cp -r tests/page/attacked/. %s", folder);
	CU_ASSERT_EQUAL(system(command), 0);
	snprintf(path, sizeof path, "%s/%s", folder, name);
	FILE *f = fopen(path, "we");
	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	fputs(text, f);
	fclose(f);
}

static const char *kind_of(const json_t *data)
{
	return json_string_value(json_object_get(data, "kind"));
}

/* What lies in a folder says of what kind it is; what only a page of one run shows is not in those of several. */
static void folders_of_several(void)
{
	char why[PAGE_WHY_BYTES] = "";
	json_t *data = page_data("tests/page/repeated", why), *runs = json_object_get(data, "runs");
	CU_ASSERT_PTR_NOT_NULL_FATAL(data);
	CU_ASSERT_STRING_EQUAL(kind_of(data), "repeat");
	CU_ASSERT(json_array_size(runs) == 3 && json_array_size(json_object_get(data, "pairs")) == 3);
	CU_ASSERT_EQUAL(json_integer_value(json_object_get(json_array_get(json_object_get(data, "pairs"), 2), "run")), 3);
	CU_ASSERT_PTR_NULL(json_object_get(json_object_get(json_array_get(runs, 0), "pairs"), "list"));
	CU_ASSERT_STRING_EQUAL(json_string_value(json_object_get(json_array_get(json_object_get(data, "attacks"), 0), "name")), "silent-leader");
	json_decref(data);
	data = page_data("tests/page/scale", why);
	CU_ASSERT_PTR_NOT_NULL_FATAL(data);
	CU_ASSERT_STRING_EQUAL(kind_of(data), "scale");
	CU_ASSERT_EQUAL(json_array_size(json_object_get(data, "sizes")), 2);
	json_decref(data);
	data = page_data("tests/page/attacked", why);
	CU_ASSERT_STRING_EQUAL(kind_of(data), "run");
	json_decref(data);
}

/* What the catalogue says stands beside each row, and what a row lacks is found again where an older version did not write it. */
static void a_matrix_is_told(void)
{
	char why[PAGE_WHY_BYTES] = "";
	json_t *data = page_data("tests/page/matrix", why), *row, *attack;
	CU_ASSERT_PTR_NOT_NULL_FATAL(data);
	CU_ASSERT_STRING_EQUAL(kind_of(data), "matrix");
	json_t *attacks = json_object_get(data, "attacks");
	size_t i;
	CU_ASSERT_EQUAL(json_array_size(attacks), json_array_size(json_object_get(json_object_get(data, "matrix"), "rows")));
	json_array_foreach(attacks, i, attack)
		CU_ASSERT(json_string_length(json_object_get(attack, "breaks")) > 10 && json_string_length(json_object_get(attack, "answer")) > 10);
	CU_ASSERT(json_integer_value(json_object_get(data, "catalogue")) > 60);
	json_decref(data);
	make_folder();
	copy_but("matrix.json", "{\"rows\":[{\"attack\":\"silent-leader\",\"class\":\"L90\",\"verdict\":\"SAFE\",\"kept_pct_cpu_fair\":60}]}");
	data = page_data(folder, why);
	CU_ASSERT_PTR_NOT_NULL_FATAL(data);
	row = json_array_get(json_object_get(json_object_get(data, "matrix"), "rows"), 0);
	CU_ASSERT_EQUAL(json_array_size(json_object_get(row, "below")), 2); /* what is kept, and no first answer */
	json_decref(data);
	remove_folder();
}

/* Fifty runs of fifty pairs: what does not fit is counted. */
static void many_runs_fit(void)
{
	char why[PAGE_WHY_BYTES] = "";
	json_t *pair = json_pack("{s:f,s:f,s:f,s:f,s:f,s:n}", "calm_ops", 1234.56789, "attack_ops", 1234.56789, "burn_ops", 1234.56789, "kept_pct", 98.7654321,
	                         "kept_pct_cpu_fair", 98.7654321, "recover_s");
	json_t *list = json_array(), *runs = json_array();
	for (int i = 0; i < 50; i++)
		json_array_append(list, pair);
	json_t *run = json_pack("{s:{s:f},s:{s:f},s:{s:s},s:{s:i,s:o}}", "throughput", "ops_per_s", 1234.5, "latency_ms", "p50", 1.5, "safety", "verdict",
	                        "SAFE", "pairs", "count", 50, "list", list);
	for (int i = 0; i < 50; i++)
		json_array_append(runs, run);
	json_t *summary = json_deep_copy(run);
	json_object_set_new(summary, "repeat", json_integer(50));
	json_object_set_new(summary, "runs", runs);
	char *text = json_dumps(summary, JSON_COMPACT);
	make_folder();
	copy_but("summary.json", text);
	json_t *data = page_data(folder, why);
	CU_ASSERT_PTR_NOT_NULL_FATAL(data);
	CU_ASSERT_EQUAL(json_array_size(json_object_get(data, "pairs")) + (size_t)json_integer_value(json_object_get(data, "pairs_left_out")), 2500);
	CU_ASSERT(json_dumpb(data, NULL, 0, JSON_COMPACT) < 160u << 10);
	json_decref(data);
	remove_folder();
	free(text);
	json_decref(summary);
	json_decref(run);
	json_decref(pair);
}

static void folders_that_are_no_run(void)
{
	static const struct {
		const char *name, *text, *says;
	} row[] = {
		{ "summary.json", "", "damaged" },
		{ "summary.json", "[1]", "no object" },
		{ "summary.json", "{\"repeat\":3}", "none of its runs" },
		{ "summary.json", "{\"repeat\":1,\"runs\":[{}]}", "summary.json" },
		{ "summary.json", "{\"repeat\":1,\"runs\":[{\"throughput\":{},\"latency_ms\":{},\"safety\":{\"verdict\":7}}]}", "summary.json" },
		{ "summary.json", "{}", "it lacks \"throughput\"" },
		{ "manifest.json", "{}", "it lacks \"mode\"" },
		{ "manifest.json", "{\"mode\":1,\"mode\":2}", "damaged" },
		{ "intervals.csv", "t_s,ops,failed,p50_ms,p99_ms,max_ms,view,leader,suspects\n0.0,1,2\n", "intervals.csv" },
		{ "intervals.csv", "0.0,1,2,3,4,5,6,7,8\n", "intervals.csv" },
		{ "latency.hgrm", "\n", "latency.hgrm" },
		{ "events.jsonl", "{\"t_s\":1}\n", "events.jsonl" },
		{ "slots.json", "{\"slots\":7}", "slots.json" },
		{ "matrix.json", "{\"rows\":[{}]}", "matrix.json" },
		{ "matrix.json", "{\"rows\":[{\"attack\":\"recurrent\",\"class\":7,\"verdict\":\"SAFE\"}]}", "matrix.json" },
		{ "matrix.json", "{\"rows\":7}", "no matrix" },
		{ "scale.json", "{\"rows\":[],\"manifest\":{}}", "no cluster" },
		{ "scale.json", "{\"rows\":[{\"n\":4,\"summary\":{}}],\"manifest\":{}}", "scale.json" },
		{ "scale.json", "{\"rows\":[{\"n\":\"4\"}]}", "scale.json" },
	};
	char why[PAGE_WHY_BYTES];
	for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
		make_folder();
		copy_but(row[i].name, row[i].text);
		why[0] = 0;
		json_t *data = page_data(folder, why);
		CU_ASSERT_PTR_NULL(data);
		if (!strstr(why, row[i].says))
			printf("%s: %s\n", row[i].name, why);
		CU_ASSERT_PTR_NOT_NULL(strstr(why, row[i].says));
		json_decref(data);
		remove_folder();
	}
	CU_ASSERT_PTR_NULL(page_data("/tmp/there-is-no-such-run", why));
	CU_ASSERT_PTR_NOT_NULL(strstr(why, "no such folder"));
}

/* An hour has 36,000 intervals: neighbours are taken together, and no operation is lost. */
static void a_long_run_fits(void)
{
	char *text = NULL, why[PAGE_WHY_BYTES] = "";
	size_t bytes = 0;
	FILE *out = open_memstream(&text, &bytes);
	CU_ASSERT_PTR_NOT_NULL_FATAL(out);
	fputs("t_s,ops,failed,p50_ms,p99_ms,max_ms,view,leader,suspects\n", out);
	for (uint32_t i = 0; i < 36000; i++)
		fprintf(out, "%.1f,7,0,1.0,%u.0,3.0,%u,0,0\n", i / 10.0, i % 50 ? 2 : 9, i / 1000);
	fclose(out);
	make_folder();
	copy_but("intervals.csv", text);
	json_t *data = page_data(folder, why), *intervals = json_object_get(data, "intervals"), *ops = json_object_get(intervals, "ops"), *value;
	json_int_t sum = 0;
	size_t i;
	json_array_foreach(ops, i, value) sum += json_integer_value(value);
	CU_ASSERT(json_array_size(ops) > 500 && json_array_size(ops) <= 1200);
	CU_ASSERT(sum > 7 * 36000 - 7 * 62 && sum <= 7 * 36000); /* less than one taken together may be left at the end */
	CU_ASSERT(json_number_value(json_object_get(intervals, "every_s")) >= 3);
	json_decref(data);
	remove_folder();
	free(text);
}

int main(void)
{
	static const struct unit_case cases[] = {
		{ "frames are told leaf by leaf", frames_are_told_leaf_by_leaf },
		{ "frames that are cut or unknown", frames_that_are_cut_or_unknown },
		{ "a slot is told", a_slot_is_told },
		{ "a disputed slot is told", a_disputed_slot_is_told },
		{ "a flood is bounded", a_flood_is_bounded },
		{ "nothing in the data ends its element", nothing_ends_the_element },
		{ "a folder becomes data", a_folder_becomes_data },
		{ "folders of several", folders_of_several },
		{ "a matrix is told", a_matrix_is_told },
		{ "many runs fit", many_runs_fit },
		{ "folders that are no run, and why", folders_that_are_no_run },
		{ "a long run fits", a_long_run_fits },
		{ 0 },
	};
	return unit_main("bench_page", cases);
}
