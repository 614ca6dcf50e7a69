/* bft/roster.h - who the members of an epoch are, under which mode, and who of them leads last (design section 7).
 *
 * A member keeps its number for as long as it is one; the numbers of those who have left are free for others, so there may be gaps. How many decide follows from
 * how many there are. */
#ifndef BFT_ROSTER_H
#define BFT_ROSTER_H
#include "bft/order.h"

struct bft_roster {
	enum bft_mode mode;
	bft_mask members;
	bft_mask passed; /* who leads last */
};

/* Members 0 to n-1, as a genesis has them. */
static inline struct bft_roster roster_of(enum bft_mode mode, uint32_t n)
{
	return (struct bft_roster){ .mode = mode, .members = mask_all(n) };
}
static inline uint32_t roster_count(const struct bft_roster *r)
{
	return mask_count(r->members);
}
/* One above the highest number: what tables by member need. */
static inline uint32_t roster_width(const struct bft_roster *r)
{
	return r->members ? 64u - (uint32_t)__builtin_clzll(r->members) : 0;
}
static inline bool roster_has(const struct bft_roster *r, uint32_t member)
{
	return member < BFT_MEMBERS_MAX && (r->members & BFT_BIT(member));
}
static inline uint32_t roster_quorum(const struct bft_roster *r)
{
	return quorum_of(r->mode, roster_count(r));
}
static inline uint32_t roster_weak(const struct bft_roster *r)
{
	return quorum_weak_of(r->mode, roster_count(r));
}
static inline uint32_t roster_faults(const struct bft_roster *r)
{
	return quorum_faults_of(r->mode, roster_count(r));
}
static inline uint8_t roster_leader(const struct bft_roster *r, bft_view view)
{
	return order_leader(view, r->members, r->passed);
}
#endif
