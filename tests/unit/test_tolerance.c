/* What `quorate status` says is still tolerated: every size of the ladder in both modes, and every number of members that are left of it. */
#include "bft/quorum.h"
#include "client/cli/tolerance.h"
#include "tests/unit/unit.h"

#include <string.h>

/* The command line is a program and no library. */
#include "client/cli/tolerance.c"

static char text[TOLERANCE_TEXT_BYTES];

static struct tolerance of(enum bft_mode mode, uint32_t n, uint32_t voting)
{
	uint32_t liars = mode == BFT_MODE_TRUSTED ? 0 : quorum_faults(n);
	struct tolerance t = tolerance_of(voting, quorum_of(mode, n), liars);
	tolerance_text(text, &t, liars);
	return t;
}

static void trusted_clusters(void)
{
	static const struct {
		uint32_t n, needed, crashes;
	} size[] = { { 1, 1, 0 }, { 2, 2, 0 }, { 3, 2, 1 }, { 5, 3, 2 }, { 7, 4, 3 } };
	for (size_t i = 0; i < sizeof size / sizeof *size; i++)
		for (uint32_t voting = 0; voting <= size[i].n; voting++) {
			struct tolerance t = of(BFT_MODE_TRUSTED, size[i].n, voting);
			uint32_t away = size[i].n - voting;
			CU_ASSERT(t.needed == size[i].needed && t.voting == voting && t.liars == 0);
			CU_ASSERT_EQUAL(t.crashes, away < size[i].crashes ? size[i].crashes - away : 0);
			CU_ASSERT_EQUAL(t.stands_still, away > size[i].crashes);
		}
}

static void clusters_with_liars(void)
{
	static const struct {
		uint32_t n, needed, crashes, liars;
	} size[] = { { 4, 3, 1, 1 }, { 5, 4, 1, 1 }, { 6, 4, 2, 1 }, { 7, 5, 2, 2 }, { 10, 7, 3, 3 } };
	for (size_t i = 0; i < sizeof size / sizeof *size; i++)
		for (uint32_t voting = 0; voting <= size[i].n; voting++) {
			struct tolerance t = of(BFT_MODE_BFT, size[i].n, voting);
			uint32_t away = size[i].n - voting, left = away < size[i].crashes ? size[i].crashes - away : 0;
			CU_ASSERT(t.needed == size[i].needed && t.crashes == left);
			CU_ASSERT_EQUAL(t.liars, left < size[i].liars ? left : size[i].liars);
			CU_ASSERT_EQUAL(t.stands_still, away > size[i].crashes);
		}
}

/* For every n: whoever is left of a tolerated number of failures can order, and one more cannot. */
static void what_is_left_is_a_quorum(void)
{
	for (uint32_t n = 1; n <= BFT_MEMBERS_MAX; n++)
		for (uint32_t voting = 0; voting <= n; voting++)
			for (int mode = BFT_MODE_BFT; mode <= BFT_MODE_TRUSTED; mode++) {
				struct tolerance t = of((enum bft_mode)mode, n, voting);
				uint32_t q = quorum_of((enum bft_mode)mode, n);
				CU_ASSERT(t.stands_still ? voting < q && t.crashes == 0 : voting - t.crashes == q);
				CU_ASSERT(t.liars <= t.crashes && t.liars <= quorum_faults(n));
			}
}

static void said(enum bft_mode mode, uint32_t n, uint32_t voting, const char *sentence)
{
	of(mode, n, voting);
	CU_ASSERT_STRING_EQUAL(text, sentence);
}

static void it_is_said_plainly(void)
{
	said(BFT_MODE_TRUSTED, 3, 3, "tolerated now: 1 more crash, and no liar");
	said(BFT_MODE_TRUSTED, 5, 5, "tolerated now: 2 more crashes, and no liar");
	said(BFT_MODE_TRUSTED, 3, 2, "tolerated now: no failure: with one replica less that votes, the cluster stands still");
	said(BFT_MODE_TRUSTED, 1, 1, "tolerated now: no failure: with one replica less that votes, the cluster stands still");
	said(BFT_MODE_TRUSTED, 3, 1, "the cluster stands still: 1 replica votes, and it needs 2");
	said(BFT_MODE_BFT, 4, 4, "tolerated now: 1 more failure, crash or liar");
	said(BFT_MODE_BFT, 7, 7, "tolerated now: 2 more failures, crash or liar");
	said(BFT_MODE_BFT, 6, 6, "tolerated now: 2 more failures, of which 1 may lie");
	said(BFT_MODE_BFT, 4, 3, "tolerated now: no failure: with one replica less that votes, the cluster stands still");
	said(BFT_MODE_BFT, 4, 0, "the cluster stands still: 0 replicas vote, and it needs 3");
}

/* Damage is no vote: with too many who cannot say what they promised, at one place or at several, nobody is left to say it. */
static void damage_is_told_apart(void)
{
	static const struct damage_place same[3] = { { 100, 120 }, { 110, 115 }, { 113, 200 } }, apart[3] = { { 1, 5 }, { 10, 12 }, { 20, 20 } };
	char said_of[DAMAGE_TEXT_BYTES];
	struct damage d = damage_of(3, 2, 0, NULL, 0);
	CU_ASSERT(!d.too_many && !d.same_place && d.together == 0 && d.place.from == 0);
	d = damage_of(3, 2, 1, same, 1);
	CU_ASSERT(!d.too_many && !d.same_place && d.together == 1);
	d = damage_of(3, 2, 2, same, 2);
	CU_ASSERT(d.too_many && d.same_place && d.together == 2 && d.place.from == 110 && d.place.to == 115);
	CU_ASSERT_STRING_EQUAL(
		damage_text(said_of, &d, 3),
		"the logs of 2 of 3 replicas are damaged in the same place, around sequences 110 to 115: nobody can tell what was acknowledged there, "
		"and the rest is no quorum");
	d = damage_of(5, 3, 3, same, 3);
	CU_ASSERT(d.too_many && d.same_place && d.together == 3 && d.place.from == 113 && d.place.to == 115);
	d = damage_of(5, 3, 3, apart, 3);
	CU_ASSERT(d.too_many && !d.same_place && d.together == 1);
	CU_ASSERT_STRING_EQUAL(damage_text(said_of, &d, 5),
	                       "3 of 5 replicas observe, because they may have forgotten what they acknowledged, and the rest is no quorum");
	d = damage_of(5, 3, 2, same, 2);
	CU_ASSERT(!d.too_many && !d.same_place && d.together == 2);
	d = damage_of(4, 3, 2, same, 2); /* with liars the rest must be a quorum as well */
	CU_ASSERT(d.too_many && d.same_place);
	d = damage_of(1, 1, 1, same, 1);
	CU_ASSERT(d.too_many && d.same_place);
	d = damage_of(3, 2, 2, same, 1); /* the other one lost its folder */
	CU_ASSERT(d.too_many && !d.same_place);
}

int main(void)
{
	static const struct unit_case cases[] = {
		{ "trusted clusters", trusted_clusters },
		{ "clusters with liars", clusters_with_liars },
		{ "what is left is a quorum", what_is_left_is_a_quorum },
		{ "it is said plainly", it_is_said_plainly },
		{ "damage is told apart", damage_is_told_apart },
		{ NULL, NULL },
	};
	return unit_main("tolerance", cases);
}
