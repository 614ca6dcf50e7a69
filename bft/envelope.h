/* bft/envelope.h - what stands before every body on the wire.
 *
 *   frame    = u8 signer | envelope | body           signer: BFT_SIGNER_CHANNEL, or the index of the member whose message is passed on
 *   envelope = u16 wire_version | u16 type | u64 epoch | 64-byte signature (zeros where the type needs none)
 *
 * The cluster and the sender are not transmitted: the channel's HELLO fixed them. A bundle's signer is the client whose key stands in it. */
#ifndef BFT_ENVELOPE_H
#define BFT_ENVELOPE_H
#include "bft/codec.h"
#include "bft/types.h"
#include "crypto/sign.h"

#define BFT_SIGNER_CHANNEL 0xFFu
#define BFT_SIGNER_SHOWN 0xFEu /* of a client's BUNDLE: as CHANNEL, and it went to the leader and to all others at once */
#define BFT_FRAME_HEAD_BYTES (1u + 2u + 2u + 8u + SIGNATURE_BYTES)

/* Types below 16 and from 64 on belong to the replica around the core and to clients; the protocol's own lie between (bft/messages.h). */
enum bft_wire_type {
	BFT_WIRE_BUNDLE = 1,       /* a client's request, signed by it: from the client, from the replica that forwards it, as a body  */
	BFT_WIRE_PROPOSAL = 2,     /* a proposal's canonical bytes; addressed by its digest, unsigned                                  */
	BFT_WIRE_FETCH = 3,        /* u16 count | digests: send me these bodies                                                        */
	BFT_WIRE_REPLY = 4,        /* a result under the root that a replica signs for the whole proposal                              */
	BFT_WIRE_REPLY_LATE = 5,   /* a result from the session's record, signed alone                                               */
	BFT_WIRE_REFUSED = 6,      /* this replica will not take that request: u64 session | u64 number | u8 reason                    */
	BFT_WIRE_ATTACH = 7,       /* client: send answers for these sessions here. u16 count | u64 sessions                           */
	BFT_WIRE_QUERY = 8,        /* what do you say of yourself? empty but for one zero byte                                         */
	BFT_WIRE_STANDING = 9,     /* the answer                                                                                       */
	BFT_WIRE_FETCH_OFFER = 10, /* which certified snapshot do you serve? one zero byte                                         */
	BFT_WIRE_OFFER = 11,       /* its certificate                                                                              */
	BFT_WIRE_FETCH_STATE = 12, /* parts of it: see replica/transfer.h                                                          */
	BFT_WIRE_STATE = 13,       /* those parts                                                                                  */
	BFT_WIRE_READ = 14,        /* client: u64 nonce | one operation that changes nothing                                       */
	BFT_WIRE_READ_ANSWER = 15, /* u64 nonce | u64 seq | its value                                                              */
	/* from 16 on: the protocol's own */
	BFT_WIRE_FETCH_EVIDENCE = 64, /* client: the next file of evidence that you keep: see evidence_list.h */
	BFT_WIRE_EVIDENCE = 65,       /* that file */
	BFT_WIRE_FETCH_EPOCH = 66,    /* u64 epoch: show me its link of the chain of epochs                                             */
	BFT_WIRE_EPOCH = 67,          /* epoch_link.h                                                                                 */
	BFT_WIRE_FETCH_VOICE = 68,    /* client: organization key 32: what does the next one behind it approve? zeros: the first      */
	BFT_WIRE_VOICE = 69,          /* the key that was asked behind | reconfigure.h with one approval; nothing: there is no other  */
};

struct bft_envelope {
	uint8_t signer;
	uint16_t type;
	bft_epoch epoch;
	struct signature signature;
};

static inline void envelope_write(struct wr *w, const struct bft_envelope *e)
{
	wr_u8(w, e->signer);
	wr_u16(w, BFT_WIRE_VERSION);
	wr_u16(w, e->type);
	wr_u64(w, e->epoch);
	wr_bytes(w, e->signature.b, SIGNATURE_BYTES);
}

/* False when the frame is too short or of another wire version; `r` then stands behind the envelope. */
static inline bool envelope_read(struct rd *r, struct bft_envelope *e)
{
	uint16_t version;
	return rd_u8(r, &e->signer) && rd_u16(r, &version) && version == BFT_WIRE_VERSION && rd_u16(r, &e->type) && rd_u64(r, &e->epoch) &&
	       rd_bytes(r, e->signature.b, SIGNATURE_BYTES);
}
#endif
