/* bft/reply.h and bft/standing.h: what replicas say to clients. */
#include "bft/reply.h"
#include "bft/standing.h"
#include "tests/unit/unit.h"

#include <stdlib.h>

static const uint8_t two_values[] = { 2, 0, 0, 0, 'o', 'k', 0, 0, 0, 0 };

static struct result sample_result(void)
{
	return (struct result){ .session = 7, .number = 8, .status = RESULT_DONE, .count = 2, .values = two_values, .values_bytes = sizeof two_values };
}

/* In a block of their own size, so that a sanitizer sees one read too many. */
static uint8_t *exact(const uint8_t *bytes, size_t n)
{
	uint8_t *copy = malloc(n ? n : 1);
	if (n)
		memcpy(copy, bytes, n);
	return copy;
}

static bool result_ok(const uint8_t *bytes, size_t n)
{
	struct result x;
	uint8_t *copy = exact(bytes, n);
	bool ok = result_decode(&x, copy, n);
	free(copy);
	return ok;
}

static bool reply_ok(bool late, const uint8_t *bytes, size_t n)
{
	struct reply x;
	uint8_t *copy = exact(bytes, n);
	bool ok = reply_decode(&x, late, copy, n);
	free(copy);
	return ok;
}

/* ---- results ---- */

static void results(void)
{
	struct result x = sample_result(), back;
	uint8_t bytes[64] = { 0 }, again[64];
	size_t n = result_encode(&x, bytes, sizeof bytes);
	CU_ASSERT(n == RESULT_HEAD_BYTES + sizeof two_values);
	CU_ASSERT_FATAL(result_decode(&back, bytes, n));
	CU_ASSERT(back.session == 7 && back.number == 8 && back.status == RESULT_DONE && back.count == 2 && back.values_bytes == sizeof two_values);
	CU_ASSERT(result_encode(&back, again, sizeof again) == n && memcmp(bytes, again, n) == 0);
	for (size_t k = 0; k < n; k++)
		CU_ASSERT(!result_ok(bytes, k));
	for (size_t k = n + 1; k < n + 6; k++)
		CU_ASSERT(!result_ok(bytes, k));
	for (size_t room = 0; room < n; room++)
		CU_ASSERT(result_encode(&x, again, room) == 0);
}

static void result_lies(void)
{
	static const uint16_t counts[] = { 0, 1, 3, 1024, 1025, 0x7FFF, 0x8000, 0xFFFE, 0xFFFF };
	static const uint32_t lengths[] = { 0, 1, 3, 4, 7, 0xFFFF, 0x10000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFC, 0xFFFFFFFE, 0xFFFFFFFF };
	struct result x = sample_result();
	uint8_t bytes[64];
	size_t n = result_encode(&x, bytes, sizeof bytes);
	for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
		struct wr w = wr_of(bytes + 17, 2);
		wr_u16(&w, counts[i]);
		CU_ASSERT(!result_ok(bytes, n));
	}
	result_encode(&x, bytes, sizeof bytes);
	for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
		struct wr w = wr_of(bytes + RESULT_HEAD_BYTES, 4);
		wr_u32(&w, lengths[i]);
		CU_ASSERT(!result_ok(bytes, n));
	}
}

static void result_statuses(void)
{
	uint8_t bytes[64];
	for (uint32_t status = 0; status <= 0xFF; status++) {
		struct result none = { .session = 1, .number = 2, .status = (uint8_t)status }, two = sample_result();
		two.status = (uint8_t)status;
		CU_ASSERT(result_ok(bytes, result_encode(&none, bytes, sizeof bytes)) == (status < RESULT_STATUS_END));
		/* Values come with what was executed, and with nothing else. */
		CU_ASSERT(result_ok(bytes, result_encode(&two, bytes, sizeof bytes)) == (status == RESULT_DONE));
		CU_ASSERT_PTR_NOT_NULL(result_text((uint8_t)status));
		CU_ASSERT_PTR_NOT_NULL(refusal_text((uint8_t)status));
	}
}

static void result_counts(void)
{
	static const uint32_t counts[] = { BFT_BUNDLE_OPS_MAX, BFT_BUNDLE_OPS_MAX + 1, 0xFFFF };
	for (int i = 0; i < 3; i++) {
		size_t n = RESULT_HEAD_BYTES + 4 * (size_t)counts[i];
		uint8_t *bytes = calloc(1, n);
		struct result x = { .count = (uint16_t)counts[i] };
		result_encode(&x, bytes, RESULT_HEAD_BYTES);
		CU_ASSERT(result_ok(bytes, n) == (i == 0));
		free(bytes);
	}
}

/* ---- replies ---- */

static size_t encode_reply(const struct reply *r, bool late, uint8_t *bytes, size_t capacity)
{
	struct result x = sample_result();
	size_t n = reply_head_encode(r, late, bytes, capacity);
	CU_ASSERT_FATAL(n > 0);
	return n + result_encode(&x, bytes + n, capacity - n);
}

static struct reply sample_reply(uint16_t count, uint16_t index)
{
	struct reply r = { .view = 3, .seq = 4, .place = { .count = count, .index = index } };
	struct reply_place *p = &r.place;
	memset(r.bundle.b, 4, DIGEST_BYTES);
	memset(p->proposal.b, 5, DIGEST_BYTES);
	memset(p->chain.b, 6, DIGEST_BYTES);
	p->path_count = merkle_path_length(count, index);
	for (uint32_t i = 0; i < p->path_count; i++)
		memset(p->path[i].b, (int)(10 + i), DIGEST_BYTES);
	return r;
}

static void replies(void)
{
	static const uint16_t places[][2] = { { 1, 0 }, { 2, 1 }, { 3, 2 }, { 7, 3 }, { 511, 510 }, { 512, 0 }, { 512, 511 } };
	for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
		struct reply r = sample_reply(places[i][0], places[i][1]), back;
		uint8_t bytes[REPLY_HEAD_BYTES_MAX + 64];
		size_t n = encode_reply(&r, false, bytes, sizeof bytes), head = n - RESULT_HEAD_BYTES - sizeof two_values;
		CU_ASSERT_FATAL(reply_decode(&back, false, bytes, n));
		CU_ASSERT(back.view == 3 && back.seq == 4 && digest_equal(&back.bundle, &r.bundle));
		CU_ASSERT(digest_equal(&back.place.proposal, &r.place.proposal) && digest_equal(&back.place.chain, &r.place.chain));
		CU_ASSERT(back.place.count == r.place.count && back.place.index == r.place.index && back.place.path_count == r.place.path_count);
		CU_ASSERT(memcmp(back.place.path, r.place.path, r.place.path_count * sizeof r.place.path[0]) == 0);
		CU_ASSERT(back.result == bytes + head && back.result_bytes == n - head);
		/* A reply without a result is none; one with half a result is judged by result_decode. */
		for (size_t k = 0; k <= head; k++)
			CU_ASSERT(!reply_ok(false, bytes, k));
		for (size_t room = 0; room < head; room++)
			CU_ASSERT(reply_head_encode(&r, false, bytes, room) == 0);
	}
}

static void late_replies(void)
{
	struct reply r = { .view = 3, .seq = 4, .bundle = { { 4 } } }, back;
	uint8_t bytes[128];
	size_t n = encode_reply(&r, true, bytes, sizeof bytes);
	CU_ASSERT_FATAL(reply_decode(&back, true, bytes, n));
	CU_ASSERT(back.view == 3 && back.seq == 4 && back.place.count == 0 && back.place.path_count == 0 && back.result == bytes + REPLY_LATE_HEAD_BYTES &&
	          back.result_bytes == n - REPLY_LATE_HEAD_BYTES && digest_equal(&back.bundle, &r.bundle));
	for (size_t k = 0; k <= REPLY_LATE_HEAD_BYTES; k++)
		CU_ASSERT(!reply_ok(true, bytes, k));
}

static void reply_lies(void)
{
	static const uint16_t bad[][2] = { { 0, 0 },      { 1, 1 },           { 2, 2 },        { 513, 0 },   { 513, 512 },
		                           { 0xFFFF, 0 }, { 0xFFFF, 0xFFFE }, { 512, 0xFFFF }, { 0, 0xFFFF } };
	uint8_t bytes[REPLY_HEAD_BYTES_MAX + 64];
	struct reply r = sample_reply(4, 1);
	size_t n = encode_reply(&r, false, bytes, sizeof bytes);
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		struct wr w = wr_of(bytes + 8 + 8 + 3 * DIGEST_BYTES, 4);
		wr_u16(&w, bad[i][0]);
		wr_u16(&w, bad[i][1]);
		CU_ASSERT(!reply_ok(false, bytes, n));
	}
	for (int late = 0; late < 2; late++) {
		r = sample_reply(1, 0);
		r.seq = BFT_SEQ_MAX;
		n = encode_reply(&r, late, bytes, sizeof bytes);
		CU_ASSERT(reply_ok(late, bytes, n));
		r.seq = BFT_SEQ_MAX + 1;
		n = encode_reply(&r, late, bytes, sizeof bytes);
		CU_ASSERT(!reply_ok(late, bytes, n));
		r.seq = UINT64_MAX;
		n = encode_reply(&r, late, bytes, sizeof bytes);
		CU_ASSERT(!reply_ok(late, bytes, n));
	}
}

/* A path that is longer or shorter than (count, index) demands moves the result, which then is none. */
static void a_path_of_the_wrong_length(void)
{
	for (int by = -1; by <= 1; by++) {
		struct reply r = sample_reply(5, 2), back;
		struct result x;
		uint8_t bytes[REPLY_HEAD_BYTES_MAX + 64];
		CU_ASSERT_FATAL(r.place.path_count == 3);
		r.place.path_count = (uint32_t)((int)r.place.path_count + by);
		size_t n = encode_reply(&r, false, bytes, sizeof bytes);
		bool ok = reply_decode(&back, false, bytes, n) && result_decode(&x, back.result, back.result_bytes);
		CU_ASSERT(ok == (by == 0));
	}
}

static void statements(void)
{
	enum { COUNT = 13 };
	struct digest leaves[COUNT], root, cluster = { { 9 } }, bundle = sample_reply(1, 0).bundle;
	uint8_t result[COUNT][64];
	size_t size[COUNT];
	struct statement all, one;
	for (uint16_t i = 0; i < COUNT; i++) {
		struct result x = sample_result();
		x.number = 100u + i;
		size[i] = result_encode(&x, result[i], sizeof result[i]);
		result_leaf(&leaves[i], 4, &bundle, result[i], size[i]);
	}
	results_root(&root, leaves, COUNT);
	for (uint16_t i = 0; i < COUNT; i++) {
		struct reply r = sample_reply(COUNT, i);
		reply_root_statement(&all, &cluster, 1, r.seq, &r.place.proposal, &r.place.chain, COUNT, &root);
		r.place.path_count = merkle_path(r.place.path, leaves, COUNT, i);
		r.result = result[i];
		r.result_bytes = size[i];
		CU_ASSERT(reply_statement(&one, &cluster, 1, &r, false) && memcmp(&one, &all, sizeof one) == 0);
		/* Another result, request, place, sequence or epoch is another statement. */
		r.bundle.b[7] ^= 1;
		CU_ASSERT(reply_statement(&one, &cluster, 1, &r, false) && memcmp(&one, &all, sizeof one) != 0);
		r.bundle.b[7] ^= 1;
		result[i][3] ^= 1;
		CU_ASSERT(reply_statement(&one, &cluster, 1, &r, false) && memcmp(&one, &all, sizeof one) != 0);
		result[i][3] ^= 1;
		CU_ASSERT(reply_statement(&one, &cluster, 2, &r, false) && memcmp(&one, &all, sizeof one) != 0);
		r.seq++;
		CU_ASSERT(reply_statement(&one, &cluster, 1, &r, false) && memcmp(&one, &all, sizeof one) != 0);
		r.seq--;
		r.place.path_count++;
		CU_ASSERT(!reply_statement(&one, &cluster, 1, &r, false));
		r.place.path_count -= 2;
		CU_ASSERT(!reply_statement(&one, &cluster, 1, &r, false));
		/* What comes from a session's record is signed under another domain, and without a path: the same leaf. */
		struct statement late, alone;
		CU_ASSERT(reply_statement(&late, &cluster, 1, &r, true) && memcmp(&late, &all, sizeof late) != 0);
		reply_late_statement(&alone, &cluster, 1, &leaves[i]);
		CU_ASSERT(memcmp(&late, &alone, sizeof late) == 0);
		r.bundle.b[7] ^= 1;
		CU_ASSERT(reply_statement(&late, &cluster, 1, &r, true) && memcmp(&late, &alone, sizeof late) != 0);
	}
	results_root(&root, NULL, 0);
	CU_ASSERT(!digest_is_zero(&root));
}

static void random_replies(void)
{
	uint64_t x = 7;
	uint8_t bytes[160], again[160];
	for (int i = 0; i < 200000; i++) {
		struct reply r = sample_reply(2, 1), back;
		bool late = i & 1;
		size_t n = encode_reply(&r, late, bytes, sizeof bytes);
		for (int k = 0; k < 2; k++) {
			x = x * 6364136223846793005u + 1442695040888963407u;
			bytes[(x >> 33) % n] = (uint8_t)(x >> 56);
		}
		if (!reply_decode(&back, late, bytes, n))
			continue;
		size_t head = reply_head_encode(&back, late, again, sizeof again);
		CU_ASSERT_FATAL(head + back.result_bytes == n && memcmp(bytes, again, head) == 0);
		struct result y;
		if (result_decode(&y, back.result, back.result_bytes))
			CU_ASSERT_FATAL(result_encode(&y, again, sizeof again) == back.result_bytes && memcmp(again, back.result, back.result_bytes) == 0);
	}
}

/* ---- standings ---- */

static struct standing sample_standing(void)
{
	struct standing s = { .role = STANDING_BACKUP,
		              .mode = 1,
		              .flags = 5,
		              .epoch = 1,
		              .view = 2,
		              .leader = 3,
		              .executed = 4,
		              .stable = 5,
		              .snapshot = 6,
		              .snapshot_asked = 7,
		              .time_ms = 8,
		              .damaged_from = 9,
		              .damaged_to = 10,
		              .trouble = "the disk is full" };
	memset(s.chain.b, 1, DIGEST_BYTES);
	memset(s.root.b, 2, DIGEST_BYTES);
	return s;
}

static bool standing_ok(const uint8_t *bytes, size_t n)
{
	struct standing s;
	uint8_t *copy = exact(bytes, n);
	bool ok = standing_decode(&s, copy, n);
	free(copy);
	return ok;
}

static void standings(void)
{
	struct standing s = sample_standing(), back;
	uint8_t bytes[STANDING_BYTES_MAX] = { 0 }, again[STANDING_BYTES_MAX];
	size_t n = standing_encode(&s, bytes, sizeof bytes);
	CU_ASSERT_FATAL(n > 0 && standing_decode(&back, bytes, n));
	CU_ASSERT(back.role == s.role && back.mode == 1 && back.flags == 5 && back.epoch == 1 && back.view == 2 && back.leader == 3 && back.executed == 4);
	CU_ASSERT(back.stable == 5 && back.snapshot == 6 && back.snapshot_asked == 7 && back.time_ms == 8 && strcmp(back.trouble, s.trouble) == 0);
	CU_ASSERT(digest_equal(&back.chain, &s.chain) && digest_equal(&back.root, &s.root));
	CU_ASSERT(back.damaged_from == 9 && back.damaged_to == 10);
	for (size_t k = 0; k < n; k++)
		CU_ASSERT(!standing_ok(bytes, k));
	for (size_t k = n + 1; k < n + 4; k++)
		CU_ASSERT(!standing_ok(bytes, k));
	for (size_t room = 0; room < n; room++)
		CU_ASSERT(standing_encode(&s, again, room) == 0);
}

static void standing_limits(void)
{
	struct standing s = sample_standing(), back;
	uint8_t bytes[512] = { 0 };
	memset(s.trouble, 'x', STANDING_TROUBLE_BYTES_MAX);
	s.trouble[STANDING_TROUBLE_BYTES_MAX] = 0;
	size_t n = standing_encode(&s, bytes, STANDING_BYTES_MAX);
	CU_ASSERT_FATAL(n > 0 && standing_decode(&back, bytes, n));
	CU_ASSERT(strlen(back.trouble) == STANDING_TROUBLE_BYTES_MAX);
	/* One character more, and all that a byte can say. */
	for (size_t over = STANDING_TROUBLE_BYTES_MAX + 1; over <= 0xFF; over++) {
		bytes[n - STANDING_TROUBLE_BYTES_MAX - 1] = (uint8_t)over;
		CU_ASSERT(!standing_ok(bytes, n - STANDING_TROUBLE_BYTES_MAX + over));
	}
	s = sample_standing();
	s.damaged_from = s.damaged_to + 1;
	CU_ASSERT(!standing_ok(bytes, standing_encode(&s, bytes, sizeof bytes)));
	for (uint32_t role = 0; role <= 0xFF; role++) {
		s = sample_standing();
		s.role = (uint8_t)role;
		n = standing_encode(&s, bytes, sizeof bytes);
		CU_ASSERT(standing_ok(bytes, n) == (role >= STANDING_LEADER && role <= STANDING_OBSERVER));
		s = sample_standing();
		s.leader = (uint8_t)role;
		n = standing_encode(&s, bytes, sizeof bytes);
		CU_ASSERT(standing_ok(bytes, n) == (role < BFT_MEMBERS_MAX));
	}
}

static void standing_text_steers_no_terminal(void)
{
	struct standing s = sample_standing(), back;
	uint8_t bytes[STANDING_BYTES_MAX];
	size_t n = standing_encode(&s, bytes, sizeof bytes), text = n - strlen(s.trouble);
	for (uint32_t c = 0; c <= 0xFF; c++) {
		bytes[text] = (uint8_t)c;
		CU_ASSERT_FATAL(standing_decode(&back, bytes, n));
		CU_ASSERT(back.trouble[0] == (c >= 0x20 && c <= 0x7E ? (char)c : '?') && strlen(back.trouble) == n - text);
	}
}

int main(void)
{
	static const struct unit_case cases[] = {
		{ "a result and its bytes", results },
		{ "results that lie", result_lies },
		{ "statuses", result_statuses },
		{ "the number of values", result_counts },
		{ "a reply and its bytes", replies },
		{ "a late reply and its bytes", late_replies },
		{ "replies that lie", reply_lies },
		{ "a path of the wrong length", a_path_of_the_wrong_length },
		{ "what is signed", statements },
		{ "random replies", random_replies },
		{ "a standing and its bytes", standings },
		{ "a standing's limits", standing_limits },
		{ "a standing's text steers no terminal", standing_text_steers_no_terminal },
		{ 0 },
	};
	return unit_main("reply", cases);
}
