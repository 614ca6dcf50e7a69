/* The service of the simulated replicas: it counts how often each request was executed, and says so. */
#include "tests/sim/sim.h"

/* "r" and a request's name: how often it was executed. */
static int read_count(void *user, const struct quorate_call *call, struct quorate_reply *reply)
{
	const void *value;
	size_t n;
	static const uint8_t none = 0;
	(void)user;
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
	if (call->op_bytes == 5)
		return read_count(user, call, reply);
	enum quorate_state_result r = quorate_state_get(call->state, call->op, call->op_bytes, &value, &n);
	if (r == QUORATE_STATE_OK && n == 1)
		count = (uint8_t)(*(const uint8_t *)value + 1);
	else if (r != QUORATE_STATE_NONE)
		return 1;
	if (quorate_state_put(call->state, call->op, call->op_bytes, &count, 1) != QUORATE_STATE_OK)
		return 1;
	/* The request's own name, so that a client sees whose answer it is. */
	answer[0] = count;
	memcpy(answer + 1, call->op, call->op_bytes < 4 ? call->op_bytes : 4);
	quorate_reply_add(reply, answer, sizeof answer);
	return 0;
}

const struct quorate_app sim_app = { .execute = execute, .read = read_count };
