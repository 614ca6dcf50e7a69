/* replica/kv/kv_codec.h - operations of the key-value service taken apart (quorate_kv.h has their form), and the small readers that this needs. */
#ifndef REPLICA_KV_KV_CODEC_H
#define REPLICA_KV_KV_CODEC_H
#include "quorate_kv.h"

enum kv_code { KV_PUT = 1, KV_GET, KV_DEL, KV_CAS, KV_SCAN, KV_COUNT, KV_ATOMIC };

/* Bytes, borrowed. */
struct kv_bytes {
	const uint8_t *at;
	size_t n;
};

struct kv_op {
	uint8_t code;
	struct kv_bytes key;      /* scan: the prefix                       */
	struct kv_bytes value;    /* put, cas                               */
	struct kv_bytes expected; /* cas                                    */
	bool present;             /* cas: the key must exist, as `expected` */
	struct kv_bytes after;    /* scan                                   */
	uint16_t limit;           /* scan                                   */
	uint8_t parts_count;      /* atomic                                 */
	struct kv_bytes parts;    /* atomic: parts_count * (u32 n | n bytes) */
};

/* A place in bytes. Each reader returns false, and `failed` stays, when there is less than it wants. */
struct kv_reader {
	const uint8_t *at, *end;
	bool failed;
};
bool kv_take(struct kv_reader *r, struct kv_bytes *out, size_t n);
bool kv_take_u8(struct kv_reader *r, uint8_t *out);
bool kv_take_u16(struct kv_reader *r, uint16_t *out);
bool kv_take_u32(struct kv_reader *r, uint32_t *out);

/* QUORATE_KV_OK, QUORATE_KV_MALFORMED (the form, judged first), or QUORATE_KV_TOO_LARGE (well-formed, over a limit). The parts of an atomic operation are judged
 * too, so that one which is no operation is refused before anything is done. */
enum quorate_kv_status kv_op_read(struct kv_op *out, const void *bytes, size_t n);
#endif
