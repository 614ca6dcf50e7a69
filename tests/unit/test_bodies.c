/* Bundles and proposals in memory: who keeps them, when a proposal is whole, what may go, and that nothing is counted twice. */
#include "replica/bodies.h"
#include "tests/unit/unit.h"

#include <stdlib.h>
#include <string.h>

#define BUNDLES_MAX 8u
#define BYTES_MAX (64u << 10)

static struct bodies *b;
static struct digest cluster;
static uint8_t bytes[4096];
static size_t empty; /* bytes of an empty pool */

static void begin(void)
{
	const struct bodies_limits limits = { .proposal_bundles_max = BUNDLES_MAX, .proposal_bytes_max = 1u << 20, .bytes_max = BYTES_MAX };
	memset(cluster.b, 7, sizeof cluster.b);
	b = bodies_create(&limits, &cluster);
	CU_ASSERT_PTR_NOT_NULL_FATAL(b);
	empty = bodies_bytes(b);
}

/* Nothing is left but the null proposal. */
static void end(void)
{
	CU_ASSERT_EQUAL(bodies_bytes(b), empty);
	bodies_destroy(b);
}

static size_t make_bundle(uint64_t session, uint64_t number, uint8_t what)
{
	uint8_t op[5] = { 1, 0, 0, 0, what };
	struct bundle x = { .session = session, .number = number, .count = 1, .ops = op, .ops_bytes = sizeof op };
	return bundle_encode(&x, bytes, sizeof bytes);
}

static struct bundle_body *add(uint64_t session, uint64_t number, uint8_t what)
{
	struct digest digest;
	struct signature signature;
	size_t n = make_bundle(session, number, what);
	memset(signature.b, what, sizeof signature.b);
	bundle_digest(&digest, bytes, n);
	struct bundle_body *x = bodies_add_bundle(b, &digest, &signature, bytes, n);
	CU_ASSERT_PTR_NOT_NULL_FATAL(x);
	return x;
}

static struct digest digest_of_bundle(uint64_t session, uint64_t number, uint8_t what)
{
	struct digest d;
	size_t n = make_bundle(session, number, what);
	bundle_digest(&d, bytes, n);
	return d;
}

static struct proposal_body *propose(uint64_t time_ms, const struct digest *digests, uint16_t count, uint8_t from)
{
	uint8_t p[PROPOSAL_BYTES(BUNDLES_MAX)];
	struct bft_proposal head = { .time_ms = time_ms, .count = count, .digests = (const uint8_t *)digests };
	size_t n = proposal_encode(&head, p, sizeof p);
	struct digest digest;
	proposal_digest(&digest, &cluster, p, n);
	struct proposal_body *x = bodies_add_proposal(b, &digest, p, n, from);
	CU_ASSERT_PTR_NOT_NULL_FATAL(x);
	CU_ASSERT_PTR_EQUAL(bodies_find_proposal(b, &digest), x);
	return x;
}

static void the_null_proposal_is_always_here(void)
{
	struct digest null;
	begin();
	proposal_null_digest(&null, &cluster);
	const struct proposal_body *p = bodies_find_proposal(b, &null);
	CU_ASSERT_PTR_NOT_NULL_FATAL(p);
	CU_ASSERT_TRUE(bodies_whole(p) && p->in_log && p->in_use && p->head.count == 0 && p->head.time_ms == 0);
	bodies_trim(b, 0, 0);
	CU_ASSERT_PTR_EQUAL(bodies_find_proposal(b, &null), p);
	end();
}

static void a_bundle_lives_while_somebody_needs_it(void)
{
	begin();
	struct bundle_body *x = add(1, 2, 3);
	struct digest digest = x->digest;
	size_t one = bodies_bytes(b);
	CU_ASSERT_TRUE(one > empty + x->n);
	CU_ASSERT_PTR_EQUAL(add(1, 2, 3), x);
	CU_ASSERT_TRUE(x->refs == 2 && bodies_bytes(b) == one);
	CU_ASSERT_TRUE(x->head.session == 1 && x->head.number == 2 && x->head.ops[4] == 3);
	CU_ASSERT_TRUE(x->head.ops > x->bytes && x->head.ops < x->bytes + x->n); /* into its own copy */
	bodies_unref(b, x);
	CU_ASSERT_PTR_EQUAL(bodies_find_bundle(b, &digest), x);
	bodies_unref(b, x);
	CU_ASSERT_PTR_NULL(bodies_find_bundle(b, &digest));
	end();
}

static void a_request_has_a_name(void)
{
	struct bft_request_id a, c;
	struct bundle x = { .session = 5, .number = 9 };
	begin();
	bodies_request_id(&a, &x);
	CU_ASSERT_TRUE(a.session == 5 && a.number == 9);
	/* An opening: the key counts, and what else stands in it does not. */
	x.session = 0;
	bodies_request_id(&a, &x);
	x.reply_mask = 1;
	bodies_request_id(&c, &x);
	CU_ASSERT_TRUE(a.session == 0 && c.session == 0 && a.number == c.number && a.number != 9);
	x.key.b[0] ^= 1;
	bodies_request_id(&c, &x);
	CU_ASSERT_NOT_EQUAL(a.number, c.number);
	x.key.b[0] ^= 1;
	x.number++;
	bodies_request_id(&c, &x);
	CU_ASSERT_NOT_EQUAL(a.number, c.number);
	end();
}

static void requests_are_found_by_name(void)
{
	struct bundle_body *x[64];
	begin();
	for (uint8_t i = 0; i < 64; i++) {
		x[i] = add(i / 8 + 1u, i % 8 + 1u, i);
		CU_ASSERT_PTR_NULL(bodies_find_request(b, &x[i]->id));
		bodies_set_requested(b, x[i], true);
		bodies_set_requested(b, x[i], true);
	}
	for (uint8_t i = 0; i < 64; i++)
		CU_ASSERT_PTR_EQUAL(bodies_find_request(b, &x[i]->id), x[i]);
	for (uint8_t i = 0; i < 64; i += 2) {
		bodies_set_requested(b, x[i], false);
		bodies_set_requested(b, x[i], false);
	}
	for (uint8_t i = 0; i < 64; i++)
		CU_ASSERT_PTR_EQUAL(bodies_find_request(b, &x[i]->id), i % 2 ? x[i] : NULL);
	/* What goes is not found any more, by either name. */
	for (uint8_t i = 0; i < 64; i++) {
		struct bft_request_id id = x[i]->id;
		bodies_unref(b, x[i]);
		CU_ASSERT_PTR_NULL(bodies_find_request(b, &id));
	}
	end();
}

/* A client can sign two bundles with one number. */
static void two_bundles_may_have_one_name(void)
{
	begin();
	struct bundle_body *first = add(1, 1, 1), *second = add(1, 1, 2);
	CU_ASSERT_PTR_NOT_EQUAL(first, second);
	bodies_set_requested(b, first, true);
	bodies_set_requested(b, second, true);
	bodies_set_requested(b, second, false);
	CU_ASSERT_PTR_EQUAL(bodies_find_request(b, &first->id), first);
	bodies_set_requested(b, second, true);
	bodies_set_requested(b, first, false);
	CU_ASSERT_PTR_EQUAL(bodies_find_request(b, &first->id), second);
	bodies_unref(b, first);
	bodies_unref(b, second);
	end();
}

static void a_proposal_becomes_whole(void)
{
	struct digest named[3] = { digest_of_bundle(1, 1, 1), digest_of_bundle(1, 2, 2), digest_of_bundle(1, 3, 3) };
	begin();
	struct bundle_body *second = add(1, 2, 2);
	struct proposal_body *p = propose(5, named, 3, 0);
	CU_ASSERT_TRUE(p->missing == 2 && !bodies_whole(p));
	CU_ASSERT_TRUE(p->bundles[0] == NULL && p->bundles[1] == second && second->refs == 2);
	struct bundle_body *third = add(1, 3, 3), *stranger = add(1, 4, 4);
	bodies_fill(b, p, stranger);
	CU_ASSERT_EQUAL(p->missing, 2);
	bodies_fill(b, p, third);
	bodies_fill(b, p, third);
	CU_ASSERT_TRUE(p->missing == 1 && third->refs == 2 && stranger->refs == 1);
	struct bundle_body *first = add(1, 1, 1);
	bodies_fill(b, p, first);
	CU_ASSERT_TRUE(bodies_whole(p));
	CU_ASSERT_EQUAL(p->total, p->n + 3 * (4 + SIGNATURE_BYTES) + first->n + second->n + third->n);

	/* As docs/formats.md has it. */
	uint8_t said[4096], is[4096];
	struct bundle_body *all[3] = { first, second, third };
	struct wr w = wr_of(is, sizeof is);
	wr_u64(&w, 5);
	wr_u32(&w, 0);
	wr_u16(&w, 3);
	wr_bytes(&w, named, sizeof named);
	for (int i = 0; i < 3; i++) {
		wr_u32(&w, (uint32_t)all[i]->n);
		wr_bytes(&w, all[i]->signature.b, SIGNATURE_BYTES);
		wr_bytes(&w, all[i]->bytes, all[i]->n);
	}
	CU_ASSERT_EQUAL(bodies_encode(p, said, sizeof said), wr_done(&w));
	CU_ASSERT_EQUAL(memcmp(said, is, wr_done(&w)), 0);
	CU_ASSERT_EQUAL(bodies_encode(p, said, p->total), p->total);
	CU_ASSERT_EQUAL(bodies_encode(p, said, p->total - 1), 0);

	for (int i = 0; i < 3; i++)
		bodies_unref(b, all[i]);
	bodies_unref(b, stranger);
	CU_ASSERT_PTR_EQUAL(bodies_find_bundle(b, &named[0]), first); /* the proposal keeps it */
	bodies_remove_proposal(b, p);
	CU_ASSERT_PTR_NULL(bodies_find_bundle(b, &named[0]));
	end();
}

static void a_bundle_may_be_named_twice(void)
{
	struct digest named[3] = { digest_of_bundle(1, 1, 1), digest_of_bundle(1, 1, 1), digest_of_bundle(1, 1, 1) };
	begin();
	struct proposal_body *p = propose(1, named, 3, 0);
	struct bundle_body *x = add(1, 1, 1);
	bodies_fill(b, p, x);
	CU_ASSERT_TRUE(bodies_whole(p) && x->refs == 4);
	struct proposal_body *q = propose(2, named, 3, 0);
	CU_ASSERT_TRUE(bodies_whole(q) && x->refs == 7);
	bodies_unref(b, x);
	bodies_remove_proposal(b, p);
	bodies_remove_proposal(b, q);
	end();
}

static void room_is_what_is_not_taken(void)
{
	begin();
	CU_ASSERT_TRUE(bodies_room(b, BYTES_MAX - empty));
	CU_ASSERT_FALSE(bodies_room(b, BYTES_MAX - empty + 1));
	struct bundle_body *x = add(1, 1, 1);
	CU_ASSERT_TRUE(bodies_room(b, BYTES_MAX - bodies_bytes(b)));
	CU_ASSERT_FALSE(bodies_room(b, BYTES_MAX - bodies_bytes(b) + 1));
	bodies_unref(b, x);
	end();
}

static void trimming_takes_the_oldest_idle_ones_of_one_member(void)
{
	struct proposal_body *mine[10], *its;
	struct digest digest[10], its_digest;
	begin();
	for (uint8_t i = 0; i < 10; i++) {
		struct digest named = digest_of_bundle(1, i + 1u, i);
		mine[i] = propose(100, &named, 1, 2);
		digest[i] = mine[i]->digest;
	}
	struct digest named = digest_of_bundle(2, 1, 1);
	its = propose(100, &named, 1, 3);
	its_digest = its->digest;
	mine[0]->wanted = true;
	mine[1]->in_use = true;
	mine[2]->pins = 1;
	bodies_trim(b, 2, 3);
	for (uint8_t i = 0; i < 10; i++)
		CU_ASSERT_EQUAL(bodies_find_proposal(b, &digest[i]) != NULL, i < 3 || i >= 7);
	CU_ASSERT_PTR_NOT_NULL(bodies_find_proposal(b, &its_digest));
	bodies_trim(b, 2, 3);
	CU_ASSERT_PTR_NOT_NULL(bodies_find_proposal(b, &digest[7]));
	mine[0]->wanted = mine[1]->in_use = false;
	mine[2]->pins = 0;
	bodies_trim(b, 2, 0);
	for (uint8_t i = 0; i < 10; i++)
		CU_ASSERT_PTR_NULL(bodies_find_proposal(b, &digest[i]));
	bodies_remove_proposal(b, its);
	end();
}

/* Found under load: a leader that fills proposes the same empty bytes twice in a millisecond. The first was executed, and let go before the disk had it; for the second
 * nobody could read it. */
static void what_the_disk_does_not_have_yet_stays(void)
{
	begin();
	struct digest named = digest_of_bundle(1, 1, 1);
	struct proposal_body *p = propose(100, &named, 1, 2);
	struct digest digest = p->digest;
	bodies_durable(b, 6);
	p->lsn = 7;
	CU_ASSERT_FALSE(bodies_idle(b, p));
	bodies_trim(b, 2, 0);
	CU_ASSERT_PTR_NOT_NULL(bodies_find_proposal(b, &digest));
	bodies_durable(b, 7);
	CU_ASSERT_TRUE(bodies_idle(b, p));
	bodies_trim(b, 2, 0);
	CU_ASSERT_PTR_NULL(bodies_find_proposal(b, &digest));
	end();
}

static void trimming_goes_on_while_there_is_too_much(void)
{
	static uint8_t large[BYTES_MAX];
	struct digest digest, idle;
	struct signature none = { { 0 } };
	begin();
	struct digest named = digest_of_bundle(1, 1, 1);
	idle = propose(1, &named, 1, 2)->digest;
	struct wr w = wr_of(large, sizeof large);
	struct bundle x = { .session = 1, .number = 1, .count = 1 };
	wr_u32(&w, BYTES_MAX - 4 - BUNDLE_HEAD_BYTES);
	x.ops = large;
	x.ops_bytes = BYTES_MAX - BUNDLE_HEAD_BYTES;
	static uint8_t encoded[BYTES_MAX];
	size_t n = bundle_encode(&x, encoded, sizeof encoded);
	CU_ASSERT_EQUAL_FATAL(n, BYTES_MAX);
	bundle_digest(&digest, encoded, n);
	struct bundle_body *big = bodies_add_bundle(b, &digest, &none, encoded, n);
	bodies_trim(b, 2, 100);
	CU_ASSERT_PTR_NULL(bodies_find_proposal(b, &idle));
	bodies_unref(b, big);
	end();
}

static void destroying_frees_all(void)
{
	begin();
	struct digest named[2] = { digest_of_bundle(1, 1, 1), digest_of_bundle(9, 9, 9) };
	bodies_set_requested(b, add(1, 1, 1), true);
	propose(1, named, 2, 0);
	add(3, 3, 3);
	bodies_destroy(b); /* the sanitizer says whether it did */
	bodies_destroy(NULL);
}

int main(void)
{
	static const struct unit_case cases[] = {
		{ "the null proposal is always here", the_null_proposal_is_always_here },
		{ "a bundle lives while somebody needs it", a_bundle_lives_while_somebody_needs_it },
		{ "a request has a name", a_request_has_a_name },
		{ "requests are found by name", requests_are_found_by_name },
		{ "two bundles may have one name", two_bundles_may_have_one_name },
		{ "a proposal becomes whole", a_proposal_becomes_whole },
		{ "a bundle may be named twice", a_bundle_may_be_named_twice },
		{ "room is what is not taken", room_is_what_is_not_taken },
		{ "trimming takes the oldest idle ones of one member", trimming_takes_the_oldest_idle_ones_of_one_member },
		{ "what the disk does not have yet stays", what_the_disk_does_not_have_yet_stays },
		{ "trimming goes on while there is too much", trimming_goes_on_while_there_is_too_much },
		{ "destroying frees all", destroying_frees_all },
		{ 0 },
	};
	return unit_main("bodies", cases);
}
