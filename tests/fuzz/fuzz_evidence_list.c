/* The list of evidence: the first byte selects a question or an answer. What holds has one encoding, a name that may stand in a path, and leads on. */
#include "bft/evidence_list.h"
#include "tests/fuzz/fuzz.h"

static void check_name(const struct evidence_name *x)
{
	struct evidence_name again;
	FUZZ_CHECK(strlen(x->text) <= EVIDENCE_NAME_MAX && evidence_name_set(&again, x->text) && !strchr(x->text, '/'));
}

static void an_answer(const uint8_t *bytes, size_t n)
{
	struct evidence_answer a;
	uint8_t head[EVIDENCE_ANSWER_HEAD_MAX];
	if (!evidence_answer_decode(&a, bytes, n))
		return;
	size_t head_n = evidence_answer_head_encode(&a, head, sizeof head);
	FUZZ_CHECK(head_n && head_n + a.n == n && memcmp(head, bytes, head_n) == 0 && a.file == bytes + head_n);
	FUZZ_CHECK(*a.name.text ? a.n > 0 && strcmp(a.name.text, a.after.text) > 0 : a.n == 0);
	check_name(&a.after);
	check_name(&a.name);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct evidence_name after;
	uint8_t again[1 + EVIDENCE_NAME_MAX];
	if (n == 0)
		return 0;
	if (bytes[0] % 2) {
		an_answer(bytes + 1, n - 1);
		return 0;
	}
	if (!evidence_question_decode(&after, bytes + 1, n - 1))
		return 0;
	check_name(&after);
	FUZZ_CHECK(fuzz_same(bytes + 1, n - 1, again, evidence_question_encode(&after, again, sizeof again)));
	return 0;
}
