/* bft/protocol.h - which protocol a mode runs. bft/protocol.c is the one file that names them; all others go through the table (bft/core.h). */
#ifndef BFT_PROTOCOL_H
#define BFT_PROTOCOL_H
#include "bft/core.h"
#include "bft/genesis.h"

/* NULL: this release has none for that mode. */
const struct bft_protocol *bft_protocol_of(enum bft_mode mode);

/* Whether requests are signed in an epoch of that mode. Where nobody lies, the client's link says whose they are, and members vouch to one another. */
static inline bool bft_signs_requests(enum bft_mode mode)
{
	return mode != BFT_MODE_TRUSTED;
}
#endif
