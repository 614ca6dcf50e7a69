/* The service of the simulated replicas: it counts how often each request was executed, and says so; and it keeps a few registers. A request is named by four bytes,
 * and what follows them, of one that is large, is nothing. */
#include "tests/sim/sim.h"

/* "k" | kind | register | u32 name | u64 expected | u64 value: answered with the name and u64 what was found, or whether it wrote. */
static int on_register(const struct quorate_call *call, struct quorate_reply *reply, bool may_write)
{
	const uint8_t *op = call->op;
	uint8_t key[2] = { 'k', op[2] }, answer[REGISTER_ANSWER_BYTES], bytes[8];
	struct rd r = rd_of(op + 3, REGISTER_OP_BYTES - 3);
	struct wr w = wr_of(answer, sizeof answer), value_w = wr_of(bytes, sizeof bytes);
	uint32_t name;
	uint64_t expected, value, there = LINEAR_NONE;
	const void *found;
	size_t n;
	enum quorate_state_result got = quorate_state_get(call->state, key, sizeof key, &found, &n);
	if ((got != QUORATE_STATE_OK && got != QUORATE_STATE_NONE) || !rd_u32(&r, &name) || !rd_u64(&r, &expected) || !rd_u64(&r, &value))
		return 1;
	struct rd there_r = rd_of(found, got == QUORATE_STATE_OK ? n : 0);
	if (got == QUORATE_STATE_OK && !rd_u64(&there_r, &there))
		return 1;
	bool writes = op[1] == LINEAR_PUT || (op[1] == LINEAR_CAS && there == expected), deletes = op[1] == LINEAR_DELETE && there != LINEAR_NONE;
	if ((writes || deletes) && !may_write)
		return 1;
	wr_u64(&value_w, value);
	if (writes && quorate_state_put(call->state, key, sizeof key, bytes, sizeof bytes) != QUORATE_STATE_OK)
		return 1;
	if (deletes && quorate_state_delete(call->state, key, sizeof key) != QUORATE_STATE_OK)
		return 1;
	wr_u32(&w, name);
	wr_u64(&w, op[1] == LINEAR_GET ? there : writes || deletes);
	quorate_reply_add(reply, answer, sizeof answer);
	return 0;
}

/* "r" and a request's name: how often it was executed. */
static int read_count(void *user, const struct quorate_call *call, struct quorate_reply *reply)
{
	const void *value;
	size_t n;
	static const uint8_t none = 0;
	(void)user;
	if (call->op_bytes == REGISTER_OP_BYTES)
		return on_register(call, reply, false);
	if (call->op_bytes != 5)
		return 1;
	enum quorate_state_result r = quorate_state_get(call->state, (const uint8_t *)call->op + 1, 4, &value, &n);
	if (r != QUORATE_STATE_OK && r != QUORATE_STATE_NONE)
		return 1;
	quorate_reply_add(reply, r == QUORATE_STATE_OK ? value : &none, 1);
	return 0;
}

static int execute(void *user, const struct quorate_call *call, struct quorate_reply *reply)
{
	const void *value;
	size_t n;
	uint8_t count = 1, answer[5] = { 0 };
	if (call->op_bytes == REGISTER_OP_BYTES)
		return on_register(call, reply, true);
	if (call->op_bytes == 5)
		return read_count(user, call, reply);
	size_t name_n = call->op_bytes > REGISTER_OP_BYTES ? 4 : call->op_bytes;
	enum quorate_state_result r = quorate_state_get(call->state, call->op, name_n, &value, &n);
	if (r == QUORATE_STATE_OK && n == 1)
		count = (uint8_t)(*(const uint8_t *)value + 1);
	else if (r != QUORATE_STATE_NONE)
		return 1;
	if (quorate_state_put(call->state, call->op, name_n, &count, 1) != QUORATE_STATE_OK)
		return 1;
	/* The request's own name, so that a client sees whose answer it is. */
	answer[0] = count;
	memcpy(answer + 1, call->op, call->op_bytes < 4 ? call->op_bytes : 4);
	quorate_reply_add(reply, answer, sizeof answer);
	return 0;
}

const struct quorate_app sim_app = { .execute = execute, .read = read_count };
