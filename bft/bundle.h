/* bft/bundle.h - a client's request: operations under one signature, executed in order as a unit in sequence (design section 9).
 *
 *   bundle = client key 32 | u8 kind | u64 session | u64 number | u64 after | u64 reply_mask | u16 count | count * (u32 n | n bytes)
 *
 * The digest is over these bytes, without the signature: a client that signs twice still made one request. The statement is (DOMAIN_BUNDLE, cluster,
 * epoch 0, digest), because requests outlive borders; sessions stop their replays. Where the mode asks for no signatures (bft_signs_requests) it stands there for
 * who wants a receipt, and is zeros otherwise: the link says whose request it is. */
#ifndef BFT_BUNDLE_H
#define BFT_BUNDLE_H
#include "bft/codec.h"
#include "bft/types.h"
#include "crypto/sign.h"

enum bundle_kind {
	BUNDLE_OPS = 0,         /* operations of the application                                                                          */
	BUNDLE_OPEN = 1,        /* opens a session: session 0, number = the client's random choice, one operation: u64 void_ms             */
	BUNDLE_SNAPSHOT = 2,    /* asks for a snapshot; no operation                                                                     */
	BUNDLE_CLOSE = 3,       /* gives the session up; no operation                                                                    */
	BUNDLE_READMIT = 4,     /* lets a replica vote again from the next epoch on; one operation: readmit.h                            */
	BUNDLE_ROTATE = 5,      /* gives a replica another key from the next epoch on; one operation: rotate.h                            */
	BUNDLE_PASS_OVER = 6,   /* has a replica lead last from the next epoch on; session 0, one operation: pass_over.h                 */
	BUNDLE_RECONFIGURE = 7, /* has other members, or another mode, from the next epoch on; one operation: reconfigure.h                */
};

struct bundle {
	struct public_key key;
	uint8_t kind;
	uint64_t session, number;
	uint64_t after;      /* 0, or a number of this session that must have been executed before */
	uint64_t reply_mask; /* which members answer at once; the others keep the result           */
	uint16_t count;
	const uint8_t *ops; /* borrowed: count * (u32 n | n bytes) */
	size_t ops_bytes;
};
#define BUNDLE_HEAD_BYTES (PUBLIC_KEY_BYTES + 1u + 8u * 4u + 2u)

/* The stateless rules: shape, kinds, limits, numbers; every byte used. NULL, or the reason. Everything that judging needs is in the bytes. */
const char *bundle_decode(struct bundle *b, const uint8_t *bytes, size_t n);
/* Returns the bytes written; 0 when they do not fit. `ops` must be well-formed. */
size_t bundle_encode(const struct bundle *b, uint8_t *bytes, size_t capacity);
void bundle_digest(struct digest *out, const uint8_t *bytes, size_t n);
void bundle_statement(struct statement *out, const struct digest *cluster, const struct digest *digest);
/* Walks the operations: false at the end. `r` begins as rd_of(b->ops, b->ops_bytes). */
bool bundle_next_op(struct rd *r, const uint8_t **op, uint32_t *n);
#endif
