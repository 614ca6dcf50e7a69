/* Sessions: who opened one, what is remembered of it, for how long, and what is never executed a second time. Judged from the state alone. */
#include "replica/execution/sessions.h"
#include "tests/unit/state_bed.h"

#define WINDOW 4u
#define PER_KEY 3u
#define NOW 1000000u

static struct state_bed b;
static const struct session_limits limits = { .window = WINDOW, .sessions_per_key = PER_KEY, .state_bytes = 1u << 20 };

static struct public_key key_of(uint8_t i)
{
	struct public_key k;
	memset(k.b, i, sizeof k.b);
	return k;
}

struct opening {
	struct bundle bundle;
	uint8_t op[12];
};

static void make_opening(struct opening *o, uint8_t key, uint64_t number, uint64_t void_ms)
{
	struct wr w = wr_of(o->op, sizeof o->op);
	wr_u32(&w, 8);
	wr_u64(&w, void_ms);
	o->bundle = (struct bundle){ .key = key_of(key), .kind = BUNDLE_OPEN, .number = number, .count = 1, .ops = o->op, .ops_bytes = sizeof o->op };
}

static struct digest opened_by; /* the request that opened what open_at found */

/* Stands for the bytes of a request. */
static struct digest digest_by(uint8_t key, uint64_t number, uint64_t what)
{
	struct digest d;
	struct digest_ctx c;
	digest_begin(&c, DOMAIN_TEST);
	digest_add(&c, &key, 1);
	digest_add_u64(&c, number);
	digest_add_u64(&c, what);
	digest_end(&c, &d);
	return d;
}

static uint8_t open_at(uint8_t key, uint64_t number, uint64_t void_ms, uint64_t seq, uint64_t time_ms, uint64_t *session, uint64_t *opened)
{
	struct opening o;
	struct session_opening x = { .status = 99 };
	make_opening(&o, key, number, void_ms);
	struct digest digest = digest_by(key, number, void_ms);
	CU_ASSERT_EQUAL(sessions_open(b.state, &limits, &o.bundle, &digest, seq, 3, time_ms, &x), STATE_OK);
	*session = x.session;
	*opened = x.seq;
	opened_by = x.bundle;
	return x.status;
}

static uint64_t open_one(uint8_t key, uint64_t number, uint64_t seq)
{
	uint64_t session = 0, opened = 0;
	CU_ASSERT_EQUAL(open_at(key, number, NOW + 1000, seq, NOW, &session, &opened), RESULT_DONE);
	CU_ASSERT_EQUAL(session, seq << 16 | 3);
	CU_ASSERT_EQUAL(opened, seq);
	return session;
}

static struct bundle request(uint8_t key, uint64_t session, uint64_t number, uint64_t after)
{
	static const uint8_t op[4];
	return (struct bundle){ .key = key_of(key), .session = session, .number = number, .after = after, .count = 1, .ops = op, .ops_bytes = sizeof op };
}

/* SESSION_FRESH, SESSION_REPEATED, or 100 + status. */
static int judge_after(uint8_t key, uint64_t session, uint64_t number, uint64_t after, struct session_answer *a)
{
	struct bundle x = request(key, session, number, after);
	CU_ASSERT_EQUAL(sessions_judge(b.state, &limits, &x, a), STATE_OK);
	return a->judgement == SESSION_REFUSED ? 100 + a->status : (int)a->judgement;
}

static int judge(uint8_t key, uint64_t session, uint64_t number)
{
	struct session_answer a;
	return judge_after(key, session, number, 0, &a);
}

static void record_as(uint8_t key, uint64_t session, uint64_t number, uint64_t seq, uint8_t status)
{
	struct bundle x = request(key, session, number, 0);
	struct result r = { .session = session, .number = number, .status = status };
	uint8_t bytes[SESSION_RECORD_HEAD + RESULT_HEAD_BYTES];
	size_t n = result_encode(&r, bytes + SESSION_RECORD_HEAD, RESULT_HEAD_BYTES);
	struct digest digest = digest_by(key, number, 0);
	CU_ASSERT_EQUAL(sessions_record(b.state, &limits, &x, &digest, seq, bytes, n), STATE_OK);
}

static void record(uint8_t key, uint64_t session, uint64_t number, uint64_t seq)
{
	record_as(key, session, number, seq, RESULT_DONE);
}

static void close_session(uint8_t key, uint64_t session)
{
	struct public_key k = key_of(key);
	CU_ASSERT_EQUAL(sessions_close(b.state, &limits, &k, session), STATE_OK);
}

static void an_open_session_is_its_keys_alone(void)
{
	bed_create(&b);
	uint64_t s = open_one(1, 7, 5);
	CU_ASSERT_EQUAL(judge(1, s, 1), SESSION_FRESH);
	CU_ASSERT_EQUAL(judge(2, s, 1), 100 + RESULT_NO_SESSION);
	CU_ASSERT_EQUAL(judge(1, s + 1, 1), 100 + RESULT_NO_SESSION);
	CU_ASSERT_EQUAL(judge(1, 0, 1), 100 + RESULT_NO_SESSION);
	CU_ASSERT_EQUAL(judge(1, UINT64_MAX, UINT64_MAX), 100 + RESULT_NO_SESSION);
	bed_destroy(&b);
}

static void the_same_opening_gives_the_same_session(void)
{
	uint64_t session = 0, opened = 0;
	bed_create(&b);
	uint64_t s = open_one(1, 7, 5);
	uint64_t entries = state_count(b.state, STATE_SESSION);
	CU_ASSERT_EQUAL(open_at(1, 7, NOW + 1000, 9, NOW + 10, &session, &opened), RESULT_DONE);
	CU_ASSERT_TRUE(session == s && opened == 5);
	/* The number is the opening's name: another time in it is no other opening. */
	CU_ASSERT_EQUAL(open_at(1, 7, NOW + 2000, 9, NOW + 10, &session, &opened), RESULT_DONE);
	CU_ASSERT_TRUE(session == s && opened == 5);
	CU_ASSERT_EQUAL(state_count(b.state, STATE_SESSION), entries);
	/* Another key's opening with this number is another. */
	CU_ASSERT_EQUAL(open_at(2, 7, NOW + 1000, 10, NOW + 10, &session, &opened), RESULT_DONE);
	CU_ASSERT_TRUE(session == (10u << 16 | 3) && opened == 10);
	bed_destroy(&b);
}

static void an_opening_is_void_from_its_time_on(void)
{
	uint64_t session = 0, opened = 0;
	bed_create(&b);
	CU_ASSERT_EQUAL(open_at(1, 1, NOW - 1, 5, NOW, &session, &opened), RESULT_VOID);
	CU_ASSERT_EQUAL(open_at(1, 1, 0, 5, NOW, &session, &opened), RESULT_VOID);
	CU_ASSERT_EQUAL(open_at(1, 1, NOW + SESSION_VOID_MS_MAX + 1, 5, NOW, &session, &opened), RESULT_VOID);
	CU_ASSERT_EQUAL(open_at(1, 1, UINT64_MAX, 5, NOW, &session, &opened), RESULT_VOID);
	CU_ASSERT_EQUAL(state_count(b.state, STATE_SESSION), 0);
	CU_ASSERT_EQUAL(open_at(1, 1, NOW, 5, NOW, &session, &opened), RESULT_DONE);
	CU_ASSERT_EQUAL(open_at(1, 2, NOW + SESSION_VOID_MS_MAX, 6, NOW, &session, &opened), RESULT_DONE);
	bed_destroy(&b);
}

/* Whether it is forgotten or refused: never a second session. */
static void a_void_opening_is_forgotten_and_never_opens_again(void)
{
	uint64_t session = 0, opened = 0;
	bed_create(&b);
	for (uint64_t i = 1; i <= 6; i++)
		CU_ASSERT_EQUAL(open_at((uint8_t)i, 1, NOW + 10, i, NOW, &session, &opened), RESULT_DONE);
	uint64_t entries = state_count(b.state, STATE_SESSION);
	/* At the time itself it is still remembered, one later four are forgotten with each new one. */
	CU_ASSERT_EQUAL(open_at(9, 1, NOW + 50, 20, NOW + 10, &session, &opened), RESULT_DONE);
	CU_ASSERT_EQUAL(state_count(b.state, STATE_SESSION), entries + 4);
	CU_ASSERT_EQUAL(open_at(1, 1, NOW + 10, 21, NOW + 10, &session, &opened), RESULT_DONE);
	CU_ASSERT_EQUAL(opened, 1);
	CU_ASSERT_EQUAL(open_at(10, 1, NOW + 50, 22, NOW + 11, &session, &opened), RESULT_DONE);
	CU_ASSERT_EQUAL(state_count(b.state, STATE_SESSION), entries + 8 - 4 * 2);
	CU_ASSERT_EQUAL(open_at(11, 1, NOW + 50, 23, NOW + 11, &session, &opened), RESULT_DONE);
	CU_ASSERT_EQUAL(state_count(b.state, STATE_SESSION), entries + 12 - 6 * 2);
	for (uint64_t i = 1; i <= 6; i++)
		CU_ASSERT_EQUAL(open_at((uint8_t)i, 1, NOW + 10, 30, NOW + 11, &session, &opened), RESULT_VOID);
	bed_destroy(&b);
}

static void too_many_sessions_cost_the_own_oldest(void)
{
	uint64_t mine[PER_KEY + 2], other;
	bed_create(&b);
	other = open_one(2, 1, 1);
	record(2, other, 1, 2);
	for (uint64_t i = 0; i < PER_KEY + 2; i++) {
		mine[i] = open_one(1, 100 + i, 10 + i);
		record(1, mine[i], 1, 10 + i);
	}
	for (uint64_t i = 0; i < PER_KEY + 2; i++)
		CU_ASSERT_EQUAL(judge(1, mine[i], 1), i < 2 ? 100 + RESULT_NO_SESSION : (int)SESSION_REPEATED);
	CU_ASSERT_EQUAL(judge(2, other, 1), SESSION_REPEATED);
	/* The evicted one's opening is remembered: it is not opened again, though it is gone. */
	uint64_t session = 0, opened = 0;
	CU_ASSERT_EQUAL(open_at(1, 100, NOW + 1000, 50, NOW, &session, &opened), RESULT_DONE);
	CU_ASSERT_EQUAL(session, mine[0]);
	CU_ASSERT_EQUAL(judge(1, mine[0], 1), 100 + RESULT_NO_SESSION);
	bed_destroy(&b);
}

static void eviction_and_closing_leave_nothing(void)
{
	bed_create(&b);
	uint64_t s = open_one(1, 1, 5);
	uint64_t bare = state_count(b.state, STATE_SESSION);
	for (uint64_t i = 1; i <= WINDOW; i++)
		record(1, s, i, 5 + i);
	CU_ASSERT_EQUAL(state_count(b.state, STATE_SESSION), bare + WINDOW);
	close_session(1, s);
	/* What is left is the opening and its time. */
	CU_ASSERT_EQUAL(state_count(b.state, STATE_SESSION), 2);
	CU_ASSERT_EQUAL(judge(1, s, 1), 100 + RESULT_NO_SESSION);
	close_session(1, s);
	CU_ASSERT_EQUAL(state_count(b.state, STATE_SESSION), 2);
	bed_destroy(&b);
}

static void nobody_closes_anothers_session(void)
{
	bed_create(&b);
	uint64_t s = open_one(1, 1, 5);
	record(1, s, 1, 6);
	uint64_t entries = state_count(b.state, STATE_SESSION);
	close_session(2, s);
	close_session(2, 77);
	CU_ASSERT_EQUAL(state_count(b.state, STATE_SESSION), entries);
	CU_ASSERT_EQUAL(judge(1, s, 1), SESSION_REPEATED);
	bed_destroy(&b);
}

static void what_was_executed_is_answered_from_its_record(void)
{
	struct session_answer a;
	struct result r;
	bed_create(&b);
	uint64_t s = open_one(1, 1, 5);
	record(1, s, 3, 8);
	CU_ASSERT_EQUAL(judge_after(1, s, 3, 0, &a), SESSION_REPEATED);
	CU_ASSERT_EQUAL(a.seq, 8);
	/* And which request it was. */
	struct digest digest = digest_by(1, 3, 0);
	CU_ASSERT_TRUE(digest_equal(&a.bundle, &digest));
	CU_ASSERT_TRUE(result_decode(&r, a.result, a.result_bytes));
	CU_ASSERT_TRUE(r.session == s && r.number == 3 && r.status == RESULT_DONE);
	/* Nobody else sees it. */
	CU_ASSERT_EQUAL(judge(2, s, 3), 100 + RESULT_NO_SESSION);
	bed_destroy(&b);
}

/* A place of the window holds one number, and numbers in it only rise. */
static void a_place_passed_is_too_old_for_ever(void)
{
	bed_create(&b);
	uint64_t s = open_one(1, 1, 5);
	record(1, s, 2, 6);
	CU_ASSERT_EQUAL(judge(1, s, 2 + WINDOW), SESSION_FRESH);
	record(1, s, 2 + WINDOW, 7);
	CU_ASSERT_EQUAL(judge(1, s, 2), 100 + RESULT_TOO_OLD);
	CU_ASSERT_EQUAL(judge(1, s, 2 + WINDOW), SESSION_REPEATED);
	/* Beside it everything is as it was. */
	CU_ASSERT_EQUAL(judge(1, s, 1), SESSION_FRESH);
	CU_ASSERT_EQUAL(judge(1, s, 3), SESSION_FRESH);
	bed_destroy(&b);
}

/* A client that numbers backwards hurts itself alone: each number is executed at most once. */
static void numbers_may_come_in_any_order(void)
{
	bool executed[41] = { false };
	uint32_t fresh = 0;
	bed_create(&b);
	uint64_t s = open_one(1, 1, 5), seq = 10;
	for (int round = 0; round < 2; round++)
		for (uint64_t number = 40; number >= 1; number--) {
			int said = judge(1, s, number);
			if (said != (int)SESSION_FRESH)
				continue;
			CU_ASSERT_FALSE(executed[number]);
			executed[number] = true;
			fresh++;
			record(1, s, number, seq++);
		}
	CU_ASSERT_EQUAL(fresh, WINDOW);
	for (uint64_t number = 1; number <= 40; number++)
		CU_ASSERT_EQUAL(judge(1, s, number), number > 40 - WINDOW ? (int)SESSION_REPEATED : 100 + RESULT_TOO_OLD);
	CU_ASSERT_EQUAL(judge(1, s, UINT64_MAX), SESSION_FRESH);
	bed_destroy(&b);
}

static void a_successor_waits_for_its_predecessor(void)
{
	struct session_answer a;
	bed_create(&b);
	uint64_t s = open_one(1, 1, 5);
	CU_ASSERT_EQUAL(judge_after(1, s, 2, 1, &a), 100 + RESULT_AFTER);
	record(1, s, 1, 6);
	CU_ASSERT_EQUAL(judge_after(1, s, 2, 1, &a), SESSION_FRESH);
	CU_ASSERT_EQUAL(judge_after(1, s, 1 + WINDOW, 1, &a), SESSION_FRESH); /* in its own place */
	/* Overtaken in its place: whether it was executed is unknown. */
	record(1, s, 1 + WINDOW, 7);
	CU_ASSERT_EQUAL(judge_after(1, s, 2, 1, &a), 100 + RESULT_AFTER);
	/* What was executed stays executed, whatever its predecessor. */
	record(1, s, 3, 8);
	CU_ASSERT_EQUAL(judge_after(1, s, 3, 2, &a), SESSION_REPEATED);
	bed_destroy(&b);
}

/* A refusal is kept, so that it is repeated alike; it does not make the predecessor an executed one. */
static void a_refused_predecessor_was_not_executed(void)
{
	static const uint8_t refused[] = { RESULT_AFTER, RESULT_TOO_LARGE, RESULT_QUOTA };
	struct session_answer a;
	bed_create(&b);
	uint64_t s = open_one(1, 1, 5);
	for (size_t i = 0; i < sizeof refused; i++) {
		record_as(1, s, 2, 6, refused[i]);
		CU_ASSERT_EQUAL(judge(1, s, 2), SESSION_REPEATED);
		CU_ASSERT_EQUAL(judge_after(1, s, 3, 2, &a), 100 + RESULT_AFTER);
	}
	bed_destroy(&b);
}

static void a_full_state_takes_no_new_session(void)
{
	struct session_limits small = limits;
	struct opening o;
	struct session_opening x = { .status = 99 };
	struct digest first = digest_by(1, 1, NOW + 1000), second = digest_by(1, 2, NOW + 10), other = digest_by(1, 1, NOW + 999);
	bed_create(&b);
	uint64_t s = open_one(1, 1, 5);
	small.state_bytes = state_bytes(b.state) - 1;
	make_opening(&o, 1, 2, NOW + 10);
	CU_ASSERT_EQUAL(sessions_open(b.state, &small, &o.bundle, &second, 6, 0, NOW, &x), STATE_OK);
	CU_ASSERT_EQUAL(x.status, RESULT_QUOTA);
	CU_ASSERT_EQUAL(judge(1, s, 1), SESSION_FRESH);
	/* The old one is found again all the same, by the name of the request that opened it. */
	make_opening(&o, 1, 1, NOW + 999);
	CU_ASSERT_EQUAL(sessions_open(b.state, &small, &o.bundle, &other, 7, 0, NOW, &x), STATE_OK);
	CU_ASSERT_TRUE(x.status == RESULT_DONE && x.session == s && x.seq == 5 && digest_equal(&x.bundle, &first));
	bed_destroy(&b);
}

static void a_snapshot_carries_sessions(void)
{
	uint64_t session = 0, opened = 0;
	struct digest first;
	bed_create(&b);
	uint64_t kept = open_one(1, 1, 5), lost;
	record(1, kept, 1, 6);
	bed_snapshot(&b);
	lost = open_one(1, 2, 7);
	record(1, kept, 2, 8);
	CU_ASSERT_EQUAL_FATAL(bed_reopen(&b), STATE_OK);
	CU_ASSERT_EQUAL(judge(1, kept, 1), SESSION_REPEATED);
	CU_ASSERT_EQUAL(judge(1, kept, 2), SESSION_FRESH);
	CU_ASSERT_EQUAL(judge(1, lost, 1), 100 + RESULT_NO_SESSION);
	CU_ASSERT_EQUAL(open_at(1, 1, NOW + 1000, 9, NOW, &session, &opened), RESULT_DONE);
	first = digest_by(1, 1, NOW + 1000);
	CU_ASSERT_TRUE(session == kept && opened == 5 && digest_equal(&opened_by, &first));
	bed_destroy(&b);
}

static void a_record_that_is_none_is_damage(void)
{
	struct session_answer a;
	bed_create(&b);
	uint64_t s = open_one(1, 1, 5);
	struct bundle x = request(1, s, 1, 0);
	uint8_t key[11] = { 'R' };
	for (int i = 0; i < 8; i++)
		key[1 + i] = (uint8_t)(s >> (56 - 8 * i));
	key[10] = 1;
	CU_ASSERT_EQUAL(state_put(b.state, STATE_SESSION, key, sizeof key, "short", 5), STATE_OK);
	CU_ASSERT_EQUAL(sessions_judge(b.state, &limits, &x, &a), STATE_ERR_DAMAGED);
	bed_destroy(&b);
}

int main(void)
{
	static const struct unit_case cases[] = {
		{ "an open session is its key's alone", an_open_session_is_its_keys_alone },
		{ "the same opening gives the same session", the_same_opening_gives_the_same_session },
		{ "an opening is void from its time on", an_opening_is_void_from_its_time_on },
		{ "a void opening is forgotten and never opens again", a_void_opening_is_forgotten_and_never_opens_again },
		{ "too many sessions cost the own oldest", too_many_sessions_cost_the_own_oldest },
		{ "eviction and closing leave nothing", eviction_and_closing_leave_nothing },
		{ "nobody closes another's session", nobody_closes_anothers_session },
		{ "what was executed is answered from its record", what_was_executed_is_answered_from_its_record },
		{ "a place passed is too old for ever", a_place_passed_is_too_old_for_ever },
		{ "numbers may come in any order", numbers_may_come_in_any_order },
		{ "a successor waits for its predecessor", a_successor_waits_for_its_predecessor },
		{ "a refused predecessor was not executed", a_refused_predecessor_was_not_executed },
		{ "a full state takes no new session", a_full_state_takes_no_new_session },
		{ "a snapshot carries sessions", a_snapshot_carries_sessions },
		{ "a record that is none is damage", a_record_that_is_none_is_damage },
		{ 0 },
	};
	return unit_main("sessions", cases);
}
