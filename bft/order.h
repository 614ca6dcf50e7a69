/* bft/order.h - who leads which view (design section 5): the members in turn, those who were passed over last.
 *
 * Within an epoch the view alone gives the leader; who is passed over changes at borders only. The order is of those who are not, ascending, then of those who
 * are, ascending. It has every member once: whoever is passed over still leads when all before it have failed. */
#ifndef BFT_ORDER_H
#define BFT_ORDER_H
#include "bft/quorum.h"

/* `passed`: who leads last; 0 is the genesis' order. Requires: 1 <= n <= BFT_MEMBERS_MAX. */
static inline uint8_t order_leader(bft_view view, uint32_t n, bft_mask passed)
{
	uint32_t place = (uint32_t)(view % n);
	bft_mask last = passed & mask_all(n), from = mask_all(n) & ~last;
	if (!last)
		return (uint8_t)place;
	if (place >= mask_count(from)) {
		place -= mask_count(from);
		from = last;
	}
	for (; place; place--)
		from &= from - 1;
	return (uint8_t)__builtin_ctzll(from);
}

/* Who leads last once `member` does too. More than f at once are not all at fault: it may be the network, so the list begins anew. */
static inline bft_mask order_pass(bft_mask passed, uint8_t member, uint32_t n)
{
	bft_mask all = passed | BFT_BIT(member);
	return mask_count(all) <= quorum_faults(n) ? all : BFT_BIT(member);
}
#endif
