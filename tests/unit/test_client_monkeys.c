/* The client's core under everything at once. */
#include "tests/unit/client_core_bed.h"

#define MONKEYS 12
struct monkey {
	struct client_session *at[MONKEYS];
	uint32_t owed; /* answers that must still come */
} monkey;

static void monkey_answer(void *user, const struct quorate_answer *a);

static void monkey_submit(uint32_t i)
{
	static const struct quorate_op three[3] = { { "x", 1 }, { "yy", 2 }, { "", 0 } };
	struct client_session *s = monkey.at[i];
	uint64_t kept[CLIENT_KEPT_MAX];
	if (!s)
		return;
	uint32_t count = client_session_kept(s, kept);
	switch (dice(5)) {
	case 0: monkey.owed += client_session_submit_bundle(s, three, 3, monkey_answer, nth(i)) == QUORATE_OK ? 3 : 0; break;
	case 1: monkey.owed += client_session_snapshot(s, monkey_answer, nth(i)) == QUORATE_OK; break;
	case 2:
		/* Asked again it answers for each operation; which request it was is only known then. */
		if (count)
			client_session_ask_again(s, kept[dice(count)], NULL, NULL);
		break;
	default: monkey.owed += client_session_submit(s, "op", 2, monkey_answer, nth(i)) == QUORATE_OK; break;
	}
}

static void monkey_close(uint32_t i)
{
	if (monkey.at[i])
		client_session_close(monkey.at[i]);
	monkey.at[i] = NULL;
}

/* Callbacks do what they like. */
static void monkey_answer(void *user, const struct quorate_answer *a)
{
	uint32_t i = (uint32_t)(uintptr_t)user;
	(void)a;
	CU_ASSERT_FATAL(!bed->inside && monkey.owed > 0);
	monkey.owed--;
	if (dice(4) == 0)
		monkey_submit(dice(2) ? i : dice(MONKEYS));
	if (dice(40) == 0)
		monkey_close(i);
}

static void monkey_member_says(void)
{
	if (!bed->sent_count)
		return;
	const struct sent *o = &bed->sent[dice(bed->sent_count)];
	if (o->type != BFT_WIRE_BUNDLE)
		return;
	struct word x = { .late = dice(2), .view = dice(3), .session = o->b.session, .number = o->b.number, .seq = o->b.number + dice(8) / 7 };
	static const uint8_t values[] = { 1, 0, 0, 0, 'x', 1, 0, 0, 0, 'y', 1, 0, 0, 0, 'z' };
	uint32_t roll = dice(20);
	if (o->b.kind == BUNDLE_OPEN) {
		x = word_opened(o->b.number, o->b.number >> 8 | 1);
	} else if (o->b.kind == BUNDLE_OPS) {
		x.count = o->b.count;
		x.values = values;
		x.values_bytes = 5u * o->b.count;
		CU_ASSERT_FATAL(o->b.count <= 3);
	}
	if (roll == 0)
		x = word_status(o->b.session, o->b.number, (uint8_t)dice(RESULT_STATUS_END));
	uint32_t first = dice(4), count = 1 + dice(3);
	for (uint32_t i = 0; i < count; i++) {
		if (roll == 1)
			say_refused((first + i) % 4, o->b.session, o->b.number, (uint8_t)dice(REFUSAL_END));
		else
			say((first + i) % 4, &x);
	}
}

static void monkeys(void)
{
	struct client_core_options options = { .timeout_ms = 300, .retry_ms = 20, .bundle_ops = 2, .bundles_max = 3, .queue_max = 20 };
	for (uint32_t seed = 1; seed <= 20; seed++) {
		dice_state = seed;
		memset(&monkey, 0, sizeof monkey);
		bed_make(4, &options);
		for (int step = 0; step < 3000; step++) {
			uint32_t i = dice(MONKEYS);
			switch (dice(12)) {
			case 0: client_core_link(bed->core, dice(4), dice(3) > 0); break;
			case 1:
				if (!monkey.at[i]) {
					monkey.at[i] = client_session_open(bed->core, monkey_answer, nth(i));
					monkey.owed++;
				} else if (dice(20) == 0) {
					monkey_close(i);
				}
				break;
			case 2:
			case 3:
			case 4: monkey_submit(i); break;
			case 5: bed->deaf = dice(3) ? 0 : dice(16); break;
			case 6: run_to(bed->now + dice(60)); break;
			default: monkey_member_says(); break;
			}
			if (bed->sent_count > SENT_MAX - 700)
				forget_sent();
		}
		forget_sent();
		bed->deaf = 0xF;
		if (seed % 2) {
			client_core_stop(bed->core);
		} else {
			for (uint32_t i = 0; i < MONKEYS; i++)
				monkey_close(i);
			run_to(bed->now + 2000);
			CU_ASSERT(client_core_deadline(bed->core) == UINT64_MAX);
		}
		CU_ASSERT(monkey.owed == 0); /* each exactly once */
		bed_end();
	}
}

int main(void)
{
	static const struct unit_case cases[] = {
		{ "everything at once", monkeys },
		{ 0 },
	};
	return unit_main("client_monkeys", cases);
}
