/* quorate_kv.h - the key-value service: an application for quorate.h, and the operations that its clients send.
 *
 *   put    = u8 1 | key | u32 n | value n            key = u16 n | n bytes (1 .. 480)
 *   get    = u8 2 | key
 *   del    = u8 3 | key
 *   cas    = u8 4 | key | u8 present | (present: u32 n | expected n) | u32 n | value n      absent expected: the key must not exist
 *   scan   = u8 5 | u16 n | prefix n | u16 n | after n | u16 limit                          a page: entries after `after`, in the order of bytes
 *   count  = u8 6
 *   atomic = u8 7 | u8 count | count * (u32 n | operation)                                  all or nothing; may not nest; no scan
 *
 *   answer = u8 status | body      get: value      cas (mismatch): u8 present | value      scan: u8 more | u16 count | count * (key | u32 n | value)
 *                                  count: u64      atomic: u8 count | count * (u32 n | answer), of all, or up to the one that failed */
#ifndef QUORATE_KV_H
#define QUORATE_KV_H
#include "quorate.h"

#ifdef __cplusplus
extern "C" {
#endif

#define QUORATE_KV_KEY_MAX QUORATE_STATE_KEY_MAX
#define QUORATE_KV_VALUE_MAX (1u << 20)
#define QUORATE_KV_SCAN_MAX 1000u            /* entries of a page            */
#define QUORATE_KV_SCAN_BYTES_MAX (1u << 20) /* keys and values of a page: it ends earlier, and says that there is more */
#define QUORATE_KV_ATOMIC_MAX 64u

enum quorate_kv_status {
	QUORATE_KV_OK = 0,
	QUORATE_KV_NONE = 1,      /* get, del: no such key                              */
	QUORATE_KV_MISMATCH = 2,  /* cas: the value is another; atomic: one of them failed and nothing was changed */
	QUORATE_KV_MALFORMED = 3, /* not an operation of this service                   */
	QUORATE_KV_TOO_LARGE = 4, /* key, value or page over the limits                 */
	QUORATE_KV_FULL = 5,      /* the state's agreed size                            */
};
const char *quorate_kv_status_text(uint8_t status);

/* The service, to be given to quorate_create. It has no state of its own: `user` is not used. */
void quorate_kv_app(struct quorate_app *out);

/* One operation inside an atomic one. */
struct quorate_kv_part {
	const void *op;
	size_t n;
};

/* Writers: bytes written, or 0 when they do not fit or a limit is broken. */
size_t quorate_kv_put(void *out, size_t capacity, const void *key, size_t key_bytes, const void *value, size_t value_bytes);
size_t quorate_kv_get(void *out, size_t capacity, const void *key, size_t key_bytes);
size_t quorate_kv_del(void *out, size_t capacity, const void *key, size_t key_bytes);
/* `expected` NULL: the key must not exist. */
size_t quorate_kv_cas(void *out, size_t capacity, const void *key, size_t key_bytes, const void *expected, size_t expected_bytes, const void *value,
                      size_t value_bytes);
size_t quorate_kv_scan(void *out, size_t capacity, const void *prefix, size_t prefix_bytes, const void *after, size_t after_bytes, uint16_t limit);
size_t quorate_kv_count(void *out, size_t capacity);
/* The parts are operations that these writers made. */
size_t quorate_kv_atomic(void *out, size_t capacity, const struct quorate_kv_part *parts, uint8_t count);

/* An answer, taken apart. Everything is borrowed from `bytes`. False when it is no answer. */
struct quorate_kv_answer {
	uint8_t status;
	const uint8_t *body;
	size_t body_bytes;
};
bool quorate_kv_answer_read(struct quorate_kv_answer *out, const void *bytes, size_t n);
bool quorate_kv_count_read(uint64_t *out, const struct quorate_kv_answer *answer);
/* A page of a scan: begin, then next until it returns false. */
struct quorate_kv_page {
	bool more; /* entries remain after the last one of this page */
	uint16_t left;
	const uint8_t *at, *end;
};
bool quorate_kv_page_read(struct quorate_kv_page *out, const struct quorate_kv_answer *answer);
bool quorate_kv_page_next(struct quorate_kv_page *page, const void **key, size_t *key_bytes, const void **value, size_t *value_bytes);

#ifdef __cplusplus
}
#endif
#endif
