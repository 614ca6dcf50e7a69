/* client/match.h - when an answer counts: f+1 members that say the same include one that tells the truth (design section 9).
 *
 * A member has one opinion of a request, its latest: voting twice is voting once, and changing one's mind takes the first vote back. */
#ifndef CLIENT_MATCH_H
#define CLIENT_MATCH_H
#include "bft/types.h"

struct client_opinion {
	bool given;
	uint8_t refusal; /* enum refusal, or 0: the last reason why it did not take the request; no opinion of its outcome */
	bft_seq seq;
	struct digest result; /* session, number and status stand in the result's bytes */
};

/* Notes that `member` says (seq, result). Returns how many of the `n` members say that now. Requires: member < n. */
uint32_t client_match_result(struct client_opinion *of, uint32_t n, uint32_t member, bft_seq seq, const struct digest *result);
/* Notes a refusal. Returns how many members say now that no replica can take such a request: malformed, or wrongly signed. */
uint32_t client_match_refusal(struct client_opinion *of, uint32_t n, uint32_t member, uint8_t refusal);
/* The highest view that at least `weak` members say they have reached: one of them is honest. Requires: 1 <= weak <= n <= BFT_MEMBERS_MAX. */
bft_view client_match_view(const bft_view *said, uint32_t n, uint32_t weak);
#endif
