/* What a replica answers a client: the first byte selects a REPLY, a REPLY_LATE or a result alone. */
#include "bft/reply.h"
#include "tests/fuzz/fuzz.h"

static void a_result(const uint8_t *bytes, size_t n)
{
	struct result x;
	if (!result_decode(&x, bytes, n))
		return;
	uint8_t *again = malloc(n);
	FUZZ_CHECK(again && fuzz_same(bytes, n, again, result_encode(&x, again, n)));
	FUZZ_CHECK(x.status < RESULT_STATUS_END);
	free(again);
}

static void a_reply(bool late, const uint8_t *bytes, size_t n)
{
	struct reply x;
	if (!reply_decode(&x, late, bytes, n))
		return;
	uint8_t head[REPLY_HEAD_BYTES_MAX];
	size_t head_n = reply_head_encode(&x, late, head, sizeof head);
	FUZZ_CHECK(head_n > 0 && head_n <= n && memcmp(head, bytes, head_n) == 0);
	FUZZ_CHECK(x.result == bytes + head_n && x.result_bytes == n - head_n);
	struct statement statement;
	struct digest cluster = { { 1 } };
	(void)reply_statement(&statement, &cluster, 1, &x, late);
	a_result(x.result, x.result_bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	if (n == 0)
		return 0;
	if (bytes[0] % 3 == 0)
		a_result(bytes + 1, n - 1);
	else
		a_reply(bytes[0] % 3 == 2, bytes + 1, n - 1);
	return 0;
}
