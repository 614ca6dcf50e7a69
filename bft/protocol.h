/* bft/protocol.h - which protocol a mode runs. bft/protocol.c is the one file that names them; all others go through the table (bft/core.h). */
#ifndef BFT_PROTOCOL_H
#define BFT_PROTOCOL_H
#include "bft/core.h"
#include "bft/genesis.h"

/* NULL: this release has none for that mode. */
const struct bft_protocol *bft_protocol_of(enum bft_mode mode);
#endif
