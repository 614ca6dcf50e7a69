/* bft/order.h - who leads which view (design section 5): the members in turn, those who were passed over last.
 *
 * Within an epoch the view alone gives the leader; who is a member, and who is passed over, changes at borders only. The order is of those who are not passed over,
 * ascending, then of those who are, ascending. It has every member once: whoever is passed over still leads when all before it have failed. */
#ifndef BFT_ORDER_H
#define BFT_ORDER_H
#include "bft/quorum.h"

/* The `place`-th of them, from 0. Requires: there are more than `place`. */
static inline uint8_t order_member(bft_mask members, uint32_t place)
{
	for (; place; place--)
		members &= members - 1;
	return (uint8_t)__builtin_ctzll(members);
}

/* How many of them come before `member`. */
static inline uint32_t order_place(bft_mask members, uint8_t member)
{
	return mask_count(members & (BFT_BIT(member) - 1));
}

/* `passed`: who leads last. Requires: there are members. */
static inline uint8_t order_leader(bft_view view, bft_mask members, bft_mask passed)
{
	uint32_t place = (uint32_t)(view % mask_count(members));
	bft_mask last = passed & members, first = members & ~last;
	return place < mask_count(first) ? order_member(first, place) : order_member(last, place - mask_count(first));
}

/* Who leads last once `member` does too. More than f at once are not all at fault: it may be the network, so the list begins anew. */
static inline bft_mask order_pass(bft_mask passed, uint8_t member, uint32_t n)
{
	bft_mask all = passed | BFT_BIT(member);
	return mask_count(all) <= quorum_faults(n) ? all : BFT_BIT(member);
}
#endif
