#include "bft/protocol.h"

extern const struct bft_protocol bft_pbft, bft_raft; /* bft/pbft/pbft.c, bft/raft/raft.c */

const struct bft_protocol *bft_protocol_of(enum bft_mode mode)
{
	switch (mode) {
	case BFT_MODE_BFT: return &bft_pbft;
	case BFT_MODE_TRUSTED: return &bft_raft;
	}
	return NULL;
}
