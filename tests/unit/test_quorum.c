/* The arithmetic that everything rests on, for every size of a cluster: n = 3f+1 is not assumed anywhere. */
#include "bft/quorum.h"
#include "tests/unit/unit.h"

static void two_quorums_share_a_correct_member(void)
{
	for (uint32_t n = 4; n <= BFT_MEMBERS_MAX; n++) {
		uint32_t f = quorum_faults(n), q = quorum_strong(n);
		CU_ASSERT(2 * q >= n + f + 1);
		/* One member less would not do: q is the least such number. */
		CU_ASSERT(2 * (q - 1) < n + f + 1);
	}
}

static void the_correct_members_are_a_quorum(void)
{
	for (uint32_t n = 4; n <= BFT_MEMBERS_MAX; n++)
		CU_ASSERT(quorum_strong(n) <= n - quorum_faults(n));
}

static void f_is_the_most_that_n_bears(void)
{
	for (uint32_t n = 4; n <= BFT_MEMBERS_MAX; n++) {
		CU_ASSERT(n >= 3 * quorum_faults(n) + 1);
		CU_ASSERT(n < 3 * (quorum_faults(n) + 1) + 1);
	}
}

static void a_weak_quorum_holds_one_correct_member(void)
{
	for (uint32_t n = 4; n <= BFT_MEMBERS_MAX; n++) {
		uint32_t f = quorum_faults(n);
		CU_ASSERT(quorum_weak(n) == f + 1);
		/* Of a quorum's members besides its leader, f or more are correct: whoever misses a body that was prepared finds it. */
		CU_ASSERT(quorum_strong(n) - 1 - f >= f);
	}
}

static void the_papers_sizes(void)
{
	for (uint32_t f = 1; 3 * f + 1 <= BFT_MEMBERS_MAX; f++)
		CU_ASSERT(quorum_strong(3 * f + 1) == 2 * f + 1);
}

/* 2f+1 for other n: two of them can miss each other, or share liars alone. */
static void the_papers_formula_is_wrong_elsewhere(void)
{
	CU_ASSERT(quorum_faults(5) == 1 && quorum_strong(5) == 4);
	CU_ASSERT(quorum_faults(6) == 1 && quorum_strong(6) == 4);
	CU_ASSERT(quorum_faults(8) == 2 && quorum_strong(8) == 6);
	for (uint32_t n = 5; n <= 6; n++)
		CU_ASSERT(2 * (2 * quorum_faults(n) + 1) < n + quorum_faults(n) + 1);
}

static void small_clusters(void)
{
	for (uint32_t n = 1; n <= 3; n++)
		CU_ASSERT(quorum_faults(n) == 0 && quorum_weak(n) == 1 && quorum_strong(n) <= n);
	CU_ASSERT(quorum_strong(1) == 1 && quorum_faults(0) == 0);
}

static void trusted_majorities(void)
{
	for (uint32_t n = 1; n <= BFT_MEMBERS_MAX; n++) {
		uint32_t q = quorum_of(BFT_MODE_TRUSTED, n), f = quorum_faults_of(BFT_MODE_TRUSTED, n);
		CU_ASSERT(2 * q > n && 2 * (q - 1) <= n);
		CU_ASSERT(n - f >= q);      /* who is left when f have crashed is a majority ... */
		CU_ASSERT(n - (f + 1) < q); /* ... and with one more it is none                  */
		CU_ASSERT(quorum_weak_of(BFT_MODE_TRUSTED, n) == 1 && quorum_read_of(BFT_MODE_TRUSTED, n) == 1);
		CU_ASSERT(quorum_of(BFT_MODE_BFT, n) == quorum_strong(n) && quorum_weak_of(BFT_MODE_BFT, n) == quorum_weak(n));
		CU_ASSERT(quorum_read_of(BFT_MODE_BFT, n) == quorum_strong(n) && quorum_faults_of(BFT_MODE_BFT, n) == quorum_faults(n));
	}
	CU_ASSERT(quorum_faults_of(BFT_MODE_TRUSTED, 3) == 1 && quorum_faults_of(BFT_MODE_TRUSTED, 5) == 2);
}

static void masks(void)
{
	for (uint32_t n = 1; n <= BFT_MEMBERS_MAX; n++) {
		CU_ASSERT(mask_count(mask_all(n)) == n);
		CU_ASSERT((mask_all(n) & BFT_BIT(n - 1)) != 0);
		CU_ASSERT(n == BFT_MEMBERS_MAX || !(mask_all(n) & BFT_BIT(n)));
	}
	CU_ASSERT(mask_count(0) == 0);
}

int main(void)
{
	static const struct unit_case cases[] = {
		{ "two quorums share a correct member", two_quorums_share_a_correct_member },
		{ "the correct members are a quorum", the_correct_members_are_a_quorum },
		{ "f is the most that n bears", f_is_the_most_that_n_bears },
		{ "a weak quorum holds one correct member", a_weak_quorum_holds_one_correct_member },
		{ "n = 3f+1: the paper's sizes", the_papers_sizes },
		{ "elsewhere 2f+1 is too small", the_papers_formula_is_wrong_elsewhere },
		{ "clusters without faults", small_clusters },
		{ "trusted: two majorities share a member", trusted_majorities },
		{ "masks", masks },
		{ 0 },
	};
	return unit_main("quorum", cases);
}
