/* How the evidence of a replica is read by clients: the bytes of question and answer, the folder behind them, the replica's budget, and the client that asks. */
#include "bft/evidence_list.h"
#include "client/core.h"
#include "replica/evidence_file.h"
#include "tests/unit/driver_bed.h"
#include "tests/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static struct evidence_name named(const char *text)
{
	struct evidence_name x;
	CU_ASSERT_FATAL(evidence_name_set(&x, text));
	return x;
}

/* ---- bytes ---- */

static void names(void)
{
	struct evidence_name x;
	char longest[EVIDENCE_NAME_MAX + 2];
	memset(longest, 'a', sizeof longest);
	longest[EVIDENCE_NAME_MAX] = 0;
	CU_ASSERT(evidence_name_set(&x, longest) && strcmp(x.text, longest) == 0);
	longest[EVIDENCE_NAME_MAX] = 'a';
	longest[EVIDENCE_NAME_MAX + 1] = 0;
	CU_ASSERT(!evidence_name_set(&x, longest));
	CU_ASSERT(evidence_name_set(&x, "") && evidence_name_set(&x, "3-two-commits-0-17.evidence"));
	for (int c = 1; c < 256; c++) {
		char one[2] = { (char)c, 0 };
		bool good = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-';
		CU_ASSERT(evidence_name_set(&x, one) == good); /* no way out of a folder, and nothing that steers a terminal */
	}
}

static bool answer_ok(const uint8_t *bytes, size_t n)
{
	struct evidence_answer a;
	if (n > 4096)
		return false; /* none of the answers below */
	uint8_t *exact = malloc(n ? n : 1);
	if (n)
		memcpy(exact, bytes, n);
	bool ok = evidence_answer_decode(&a, exact, n);
	free(exact);
	return ok;
}

static void questions_and_answers(void)
{
	uint8_t bytes[512];
	struct evidence_name back, after = named("b");
	struct evidence_answer a = { .after = after, .name = named("c") }, b;
	size_t n = evidence_question_encode(&after, bytes, sizeof bytes);
	CU_ASSERT(n == 2 && evidence_question_decode(&back, bytes, n) && strcmp(back.text, "b") == 0);
	CU_ASSERT(!evidence_question_decode(&back, bytes, n - 1) && !evidence_question_decode(&back, bytes, n + 1) &&
	          !evidence_question_decode(&back, bytes, 0));
	for (size_t room = 0; room < n; room++)
		CU_ASSERT(evidence_question_encode(&after, bytes, room) == 0);

	n = evidence_answer_head_encode(&a, bytes, sizeof bytes);
	memcpy(bytes + n, "file", 4);
	CU_ASSERT(evidence_answer_decode(&b, bytes, n + 4) && b.n == 4 && memcmp(b.file, "file", 4) == 0 && strcmp(b.name.text, "c") == 0);
	for (size_t k = 0; k <= n; k++)
		CU_ASSERT(!answer_ok(bytes, k)); /* a name without a file is none */
	/* The name lies behind the one that was asked: else a liar leads in a circle. */
	static const char *const behind[][2] = { { "b", "b" }, { "b", "a" }, { "b", "" }, { "bb", "b" } };
	for (int i = 0; i < 4; i++) {
		a = (struct evidence_answer){ .after = named(behind[i][0]), .name = named(behind[i][1]) };
		n = evidence_answer_head_encode(&a, bytes, sizeof bytes);
		CU_ASSERT(!answer_ok(bytes, n + 4));
		CU_ASSERT(answer_ok(bytes, n) == (i == 2)); /* there is no other */
	}
	/* At most so large. */
	uint8_t *large = calloc(1, EVIDENCE_ANSWER_HEAD_MAX + EVIDENCE_FILE_BYTES_MAX + 1);
	a = (struct evidence_answer){ .after = named(""), .name = named("c") };
	n = evidence_answer_head_encode(&a, large, EVIDENCE_ANSWER_HEAD_MAX);
	CU_ASSERT(evidence_answer_decode(&b, large, n + EVIDENCE_FILE_BYTES_MAX) && !evidence_answer_decode(&b, large, n + EVIDENCE_FILE_BYTES_MAX + 1));
	free(large);
	/* Letters that are none, lengths that are too long. */
	static const uint8_t bad[][4] = { { 1, 'A', 0, 0 }, { 1, '/', 0, 0 }, { 0, 1, 27, 9 }, { 200, 'a', 'a', 'a' }, { 0, 96, 'a', 'a' } };
	for (int i = 0; i < 5; i++)
		CU_ASSERT(!answer_ok(bad[i], 4));
}

/* ---- the folder ---- */

static char folder[64];

static const char *in(const char *name)
{
	static char path[256];
	snprintf(path, sizeof path, "%s/evidence/%s", folder, name);
	return path;
}

static void write_file(const char *name, size_t n)
{
	FILE *f = fopen(in(name), "w");
	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	for (size_t i = 0; i < n; i++)
		fputc('x', f);
	fclose(f);
}

/* The name, and its size; "" when there is no other. */
static const char *next(const char *after, size_t *n)
{
	static struct evidence_name name;
	static uint8_t bytes[100];
	struct evidence_name from = named(after);
	*n = evidence_file_next(folder, &from, &name, bytes, sizeof bytes);
	return name.text;
}

static void one_file_after_the_other(void)
{
	size_t n;
	char command[128];
	snprintf(folder, sizeof folder, "/tmp/quorate-list-XXXXXX");
	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(folder));
	CU_ASSERT(!*next("", &n) && n == 0); /* no folder */
	CU_ASSERT_EQUAL_FATAL(mkdir(in(""), 0700), 0);
	CU_ASSERT(!*next("", &n) && n == 0);
	write_file("b.evidence", 3);
	write_file("a.evidence", 2);
	write_file("d.evidence", 100);
	/* Not evidence, not a file, too large, empty, a name that no replica makes, a link that leads out. */
	write_file("new.tmp", 5);
	CU_ASSERT_EQUAL(mkdir(in("c.evidence"), 0700), 0);
	write_file("ca.evidence", 101);
	write_file("cb.evidence", 0);
	write_file("C D.evidence", 5);
	CU_ASSERT_EQUAL(symlink("/etc/passwd", in("cc.evidence")), 0);
	CU_ASSERT_EQUAL(mkfifo(in("cd.evidence"), 0600), 0);
	CU_ASSERT(strcmp(next("", &n), "a.evidence") == 0 && n == 2);
	CU_ASSERT(strcmp(next("a.evidence", &n), "b.evidence") == 0 && n == 3);
	CU_ASSERT(strcmp(next("b.evidence", &n), "d.evidence") == 0 && n == 100);
	CU_ASSERT(!*next("d.evidence", &n) && n == 0);
	CU_ASSERT(strcmp(next("az", &n), "b.evidence") == 0); /* of a name that is not there */
	snprintf(command, sizeof command, "rm -rf '%s'", folder);
	CU_ASSERT_EQUAL(system(command), 0);
}

/* ---- the replica ---- */

static struct dbed b;
static uint32_t looked;
static size_t size_of_one;

/* Two files, "a" and "b". */
static size_t two_files(void *user, const struct evidence_name *after, struct evidence_name *name, uint8_t *bytes, size_t capacity)
{
	(void)user;
	looked++;
	CU_ASSERT_FATAL(size_of_one <= capacity);
	if (strcmp(after->text, "b") >= 0)
		return 0;
	*name = named(strcmp(after->text, "a") < 0 ? "a" : "b");
	memset(bytes, name->text[0], size_of_one);
	return size_of_one;
}

static void ask_replica(const void *body, size_t n)
{
	struct bft_envelope e = { .signer = BFT_SIGNER_CHANNEL, .type = BFT_WIRE_FETCH_EVIDENCE };
	dbed_client_in(&b, 5, 0, &e, body, n);
}

static void served_within_a_budget(void)
{
	struct evidence_answer a;
	dbed_create(&b);
	dbed_close(&b);
	b.evidence_next = two_files;
	dbed_open(&b);
	looked = 0;
	size_of_one = 10;
	ask_replica("\1a", 2);
	const struct dbed_frame *f = dbed_told(&b, 5, BFT_WIRE_EVIDENCE);
	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	CU_ASSERT(evidence_answer_decode(&a, f->body, f->n) && strcmp(a.after.text, "a") == 0 && strcmp(a.name.text, "b") == 0 && a.n == 10 &&
	          a.file[0] == 'b');
	dbed_forget(&b);
	ask_replica("\1b", 2);
	f = dbed_told(&b, 5, BFT_WIRE_EVIDENCE);
	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	CU_ASSERT(evidence_answer_decode(&a, f->body, f->n) && !*a.name.text && a.n == 0);
	/* Small ones and none cost something too; large ones what they weigh. */
	b.now += 2000;
	driver_time(b.driver, b.now, DBED_WALL + b.now);
	looked = 0;
	for (int i = 0; i < 2000; i++) {
		ask_replica("\1b", 2);
		dbed_forget(&b);
	}
	CU_ASSERT(looked == 256);
	b.now += 1001;
	driver_time(b.driver, b.now, DBED_WALL + b.now);
	looked = 0;
	size_of_one = EVIDENCE_FILE_BYTES_MAX;
	for (int i = 0; i < 20; i++) {
		ask_replica("\0", 1);
		dbed_forget(&b);
	}
	CU_ASSERT(looked == 4);
	/* Who is refused asks again, and is answered. */
	b.now += 1001;
	driver_time(b.driver, b.now, DBED_WALL + b.now);
	ask_replica("\0", 1);
	CU_ASSERT(looked == 5 && dbed_told(&b, 5, BFT_WIRE_EVIDENCE) != NULL);
	/* What is no question ends the link. */
	dbed_forget(&b);
	static const char *const bad[] = { "", "\1", "\1A", "\1aa", "\2a" };
	static const size_t sizes[] = { 0, 1, 2, 3, 2 };
	for (uint32_t i = 0; i < 5; i++) {
		ask_replica(bad[i], sizes[i]);
		CU_ASSERT(b.client_closed[5] == i + 1 && looked == 5);
	}
	dbed_destroy(&b);
}

static void nothing_to_look_at(void)
{
	struct evidence_answer a;
	dbed_create(&b);
	ask_replica("\0", 1);
	const struct dbed_frame *f = dbed_told(&b, 5, BFT_WIRE_EVIDENCE);
	CU_ASSERT_PTR_NOT_NULL_FATAL(f);
	CU_ASSERT(evidence_answer_decode(&a, f->body, f->n) && !*a.name.text);
	dbed_destroy(&b);
}

/* ---- the client ---- */

static struct bft_genesis genesis;
static uint32_t sent, told, silent;
static char last[EVIDENCE_NAME_MAX + 1];

static bool on_send(void *user, uint32_t member, enum net_class class, const uint8_t *frame, size_t n)
{
	struct bft_envelope e;
	struct evidence_name after;
	struct rd r = rd_of(frame, n);
	(void)user;
	(void)class;
	CU_ASSERT_FATAL(envelope_read(&r, &e) && e.type == BFT_WIRE_FETCH_EVIDENCE && evidence_question_decode(&after, r.at, rd_left(&r)) && member == 2);
	sent++;
	return true;
}

static void on_random(void *user, void *out, size_t n)
{
	(void)user;
	memset(out, 7, n);
}

static void on_file(void *user, uint32_t member, const struct evidence_answer *a)
{
	CU_ASSERT(user == &genesis && member == 2);
	told++;
	silent += a == NULL;
	snprintf(last, sizeof last, "%s", a ? a->name.text : "");
}

static bool answers(struct client_core *c, uint32_t member, const char *after, const char *name, size_t n)
{
	uint8_t frame[512];
	struct bft_envelope e = { .signer = BFT_SIGNER_CHANNEL, .type = BFT_WIRE_EVIDENCE };
	struct evidence_answer a = { .after = named(after), .name = named(name) };
	struct wr w = wr_of(frame, sizeof frame);
	envelope_write(&w, &e);
	size_t head = wr_done(&w) + evidence_answer_head_encode(&a, frame + wr_done(&w), sizeof frame - wr_done(&w));
	memset(frame + head, 1, n);
	return client_core_frame(c, member, frame, head + n);
}

static void a_client_asks(void)
{
	genesis = (struct bft_genesis){ .count = 4 };
	genesis_limits_default(&genesis.limits);
	struct client_core_options o = { .genesis = &genesis, .scheme = &sign_ed25519, .send = on_send, .fill_random = on_random };
	struct client_core *c = client_core_create(&o);
	sent = told = silent = 0;
	client_core_time(c, 100, 100);
	CU_ASSERT(client_core_ask_evidence(c, 4, "", 500, on_file, &genesis) == QUORATE_USAGE);
	CU_ASSERT(client_core_ask_evidence(c, 2, "A", 500, on_file, &genesis) == QUORATE_USAGE);
	CU_ASSERT(client_core_ask_evidence(c, 2, "", 500, NULL, &genesis) == QUORATE_USAGE);
	CU_ASSERT(client_core_ask_evidence(c, 2, "", 500, on_file, &genesis) == QUORATE_OK && sent == 0);
	client_core_link(c, 2, true); /* a link that comes up in time */
	CU_ASSERT(sent == 1);
	/* Of another member, to another question, malformed: nothing that was asked for. */
	CU_ASSERT(answers(c, 1, "", "a", 3) && answers(c, 2, "a", "b", 3) && told == 0);
	CU_ASSERT(!answers(c, 2, "", "a", 0) && !answers(c, 2, "b", "a", 3) && told == 0);
	CU_ASSERT(answers(c, 2, "", "a", 3) && told == 1 && strcmp(last, "a") == 0);
	CU_ASSERT(answers(c, 2, "", "a", 3) && told == 1); /* once */
	CU_ASSERT(client_core_ask_evidence(c, 2, "a", 500, on_file, &genesis) == QUORATE_OK && sent == 2);
	CU_ASSERT(answers(c, 2, "a", "", 0) && told == 2 && !*last && silent == 0);
	CU_ASSERT(client_core_ask_evidence(c, 2, "a", 500, on_file, &genesis) == QUORATE_OK);
	client_core_tick(c, 599, 599);
	CU_ASSERT(told == 2);
	client_core_tick(c, 600, 600);
	CU_ASSERT(told == 3 && silent == 1);
	CU_ASSERT(client_core_ask_evidence(c, 2, "a", 500, on_file, &genesis) == QUORATE_OK);
	client_core_stop(c);
	CU_ASSERT(told == 4 && silent == 2);
	client_core_destroy(c);
}

int main(void)
{
	static const struct unit_case cases[] = {
		{ "names", names },
		{ "questions and answers", questions_and_answers },
		{ "one file after the other", one_file_after_the_other },
		{ "served within a budget", served_within_a_budget },
		{ "nothing to look at", nothing_to_look_at },
		{ "a client asks", a_client_asks },
		{ 0 },
	};
	return unit_main("evidence_list", cases);
}
