/* Who leads which view. */
#include "bft/order.h"
#include "tests/unit/unit.h"

static void the_genesis_order_is_the_members_in_turn(void)
{
	for (uint32_t n = 1; n <= BFT_MEMBERS_MAX; n++)
		for (bft_view view = 0; view < 3u * n; view++)
			CU_ASSERT_EQUAL(order_leader(view, mask_all(n), 0), view % n);
	CU_ASSERT_EQUAL(order_leader(BFT_VIEW_MAX, mask_all(7), 0), BFT_VIEW_MAX % 7);
}

static void who_is_passed_over_leads_last(void)
{
	static const uint8_t order[] = { 0, 2, 3, 5, 6, 1, 4 };
	for (bft_view view = 0; view < 21; view++)
		CU_ASSERT_EQUAL(order_leader(view, mask_all(7), BFT_BIT(1) | BFT_BIT(4)), order[view % 7]);
	CU_ASSERT(order_leader(0, mask_all(4), BFT_BIT(0)) == 1 && order_leader(3, mask_all(4), BFT_BIT(0)) == 0);
}

/* Everybody has its turn, so a leader that serves is always found; who is no member has none. */
static void everybody_leads_once_in_n_views(void)
{
	bft_mask passed = 0x9E3779B97F4A7C15u;
	for (uint32_t n = 1; n <= BFT_MEMBERS_MAX; n++, passed = passed << 7 | passed >> 57) {
		bft_mask led = 0, first = 0;
		for (bft_view view = 0; view < n; view++) {
			uint8_t leader = order_leader(view, mask_all(n), passed);
			CU_ASSERT(leader < n && !(led & BFT_BIT(leader)));
			led |= BFT_BIT(leader);
			if (view < mask_count(mask_all(n) & ~passed))
				first = led;
		}
		CU_ASSERT(led == mask_all(n) && first == (mask_all(n) & ~passed));
	}
}

static void at_most_f_are_passed_over(void)
{
	CU_ASSERT_EQUAL(order_pass(0, 2, 4), BFT_BIT(2));
	CU_ASSERT_EQUAL(order_pass(BFT_BIT(2), 3, 4), BFT_BIT(3));
	CU_ASSERT_EQUAL(order_pass(BFT_BIT(2), 3, 7), BFT_BIT(2) | BFT_BIT(3));
	CU_ASSERT_EQUAL(order_pass(BFT_BIT(2) | BFT_BIT(3), 0, 7), BFT_BIT(0));
	CU_ASSERT_EQUAL(order_pass(0, 1, 3), BFT_BIT(1)); /* f = 0: the last one that did */
}

int main(void)
{
	static const struct unit_case cases[] = {
		{ "the genesis' order is the members in turn", the_genesis_order_is_the_members_in_turn },
		{ "who is passed over leads last", who_is_passed_over_leads_last },
		{ "everybody leads once in n views", everybody_leads_once_in_n_views },
		{ "at most f are passed over", at_most_f_are_passed_over },
		{ 0 },
	};
	return unit_main("order", cases);
}
