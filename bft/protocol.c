#include "bft/protocol.h"

extern const struct bft_protocol bft_pbft; /* bft/pbft/pbft.c */

const struct bft_protocol *bft_protocol_of(enum bft_mode mode)
{
	switch (mode) {
	case BFT_MODE_BFT: return &bft_pbft;
	case BFT_MODE_TRUSTED: break;
	}
	return NULL;
}
