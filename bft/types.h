/* bft/types.h - the integers of the protocol and every limit, beside what it must exceed. */
#ifndef BFT_TYPES_H
#define BFT_TYPES_H
#include "crypto/digest.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint64_t bft_epoch; /* membership, mode and limits; the first is 1 (clients' statements carry 0)                */
typedef uint64_t bft_view;  /* a leader's time in office; Raft calls it term. The first is 0                            */
typedef uint64_t bft_seq;   /* place in the one order; Raft calls it index. The first is 1                              */
typedef uint64_t bft_lsn;   /* position in the own log, assigned by the core, +1 per PERSIST; 0 = nothing to wait for   */
typedef uint64_t bft_mask;  /* bit i = member i of the epoch                                                            */
typedef uint32_t bft_ref;   /* handle of a buffer in the driver's pool; 0 = none                                        */

enum bft_mode {
	BFT_MODE_BFT = 1,     /* up to f liars among 3f+1: 4 members or more             */
	BFT_MODE_TRUSTED = 2, /* nobody lies, minorities crash: one member alone will do */
};

#define BFT_MEMBERS_MAX 64u
#define BFT_WINDOW_MAX 256u           /* W at most; STATUS and NEW-VIEW sizes follow from it                            */
#define BFT_LEAVES_MAX 64u            /* votes under one signature                                                      */
#define BFT_LEAF_PATH_MAX 6u          /* log2(BFT_LEAVES_MAX)                                                           */
#define BFT_PROPOSAL_BUNDLES_MAX 512u /* bundles in one proposal                                                        */
#define BFT_BUNDLE_OPS_MAX 1024u      /* operations in one bundle                                                       */
#define BFT_BUNDLE_BYTES_MAX (2u << 20)
#define BFT_PROPOSAL_BYTES_MAX (8u << 20) /* bodies of one proposal together                                            */
#define BFT_SEQ_MAX ((bft_seq)1 << 48)    /* refused above: seq * 65536 + index names a session in 64 bits              */
#define BFT_VIEW_MAX ((bft_view)1 << 48)
#define BFT_WIRE_VERSION 1u
#define BFT_LEASE_DRIFT_PERCENT_MAX 20u /* of a clock's speed, that reads by lease may be told to bear */

_Static_assert(1u << BFT_LEAF_PATH_MAX == BFT_LEAVES_MAX, "a path reaches every leaf");
_Static_assert(BFT_BUNDLE_BYTES_MAX < BFT_PROPOSAL_BYTES_MAX, "the largest bundle fits into a proposal");
_Static_assert(BFT_MEMBERS_MAX == 64, "a mask has one bit for each member");

#define BFT_BIT(i) ((bft_mask)1 << (i))
#define BFT_MUST_USE __attribute__((warn_unused_result))
#endif
