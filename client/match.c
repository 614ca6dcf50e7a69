#include "client/match.h"

#include "bft/reply.h"

uint32_t client_match_result(struct client_opinion *of, uint32_t n, uint32_t member, bft_seq seq, const struct digest *result)
{
	uint32_t same = 0;
	of[member].given = true;
	of[member].seq = seq;
	of[member].result = *result;
	for (uint32_t i = 0; i < n; i++)
		same += of[i].given && of[i].seq == seq && digest_equal(&of[i].result, result);
	return same;
}

uint32_t client_match_refusal(struct client_opinion *of, uint32_t n, uint32_t member, uint8_t refusal)
{
	uint32_t final = 0;
	of[member].refusal = refusal;
	for (uint32_t i = 0; i < n; i++)
		final += of[i].refusal == REFUSAL_MALFORMED || of[i].refusal == REFUSAL_SIGNATURE || of[i].refusal == REFUSAL_LARGE;
	return final;
}

bft_view client_match_view(const bft_view *said, uint32_t n, uint32_t weak)
{
	bft_view best = 0;
	for (uint32_t i = 0; i < n; i++) {
		uint32_t reached = 0;
		for (uint32_t k = 0; k < n; k++)
			reached += said[k] >= said[i];
		if (reached >= weak && said[i] > best)
			best = said[i];
	}
	return best;
}
