/* net/frame.h - how bytes on a link are cut into pieces, and pieces put together to frames.
 *
 *   piece = u32 length (little-endian) | u8 kind | payload        length counts kind and payload; 1 <= length <= FRAME_LENGTH_MAX
 *
 * A frame that fits into one piece travels as DATA. A larger one travels as PARTs and one LAST, each opened by its class: pieces of another class may come
 * between them, so that a vote never waits behind eight megabytes of somebody's body. A whole piece is as large as the plaintext of one TLS record, hence a
 * receiver's buffer for pieces never grows, and the one that assembles a large frame grows only as its bytes really arrive. */
#ifndef NET_FRAME_H
#define NET_FRAME_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum frame_kind {
	FRAME_DATA = 0,    /* a whole frame                                                      */
	FRAME_PING = 1,    /* u64 nonce                                                          */
	FRAME_PONG = 2,    /* the nonce of a PING                                                */
	FRAME_PART = 3,    /* u8 class, then bytes of a frame of which more follows              */
	FRAME_LAST = 4,    /* u8 class, then the last bytes                                      */
	FRAME_HELLO = 5,   /* net/hello.h; the first piece in each direction                     */
	FRAME_REFUSED = 6, /* u8 reason; the sender closes                                       */
	FRAME_WELCOME = 7, /* u64 number; the sender has accepted the other side's HELLO         */
	FRAME_KINDS
};

#define FRAME_PREFIX_BYTES 4u
#define FRAME_PIECE_BYTES 16384u /* a whole piece, prefix included: the plaintext of one full TLS record */
#define FRAME_LENGTH_MAX (FRAME_PIECE_BYTES - FRAME_PREFIX_BYTES)
#define FRAME_DATA_MAX (FRAME_LENGTH_MAX - 1u) /* payload of a DATA piece           */
#define FRAME_PART_MAX (FRAME_LENGTH_MAX - 2u) /* bytes of a frame in PART and LAST */
#define FRAME_CLASSES 5u

/* Before a peer has shown who it is, its pieces are at most this long. */
#define FRAME_LENGTH_MAX_STRANGER 1024u

/* Writes prefix and kind for a payload of `n` bytes; returns the 5 bytes written. Requires: n + 1 <= FRAME_LENGTH_MAX. */
size_t frame_put_head(uint8_t *out, enum frame_kind kind, size_t n);

void frame_put_u64(uint8_t out[8], uint64_t v);
uint64_t frame_get_u64(const uint8_t in[8]);

/* ---- pieces out of a stream ---- */

enum frame_result {
	FRAME_PARTIAL,  /* more bytes are needed                                    */
	FRAME_WHOLE,    /* one piece                                                */
	FRAME_EMPTY,    /* length 0: nobody honest sends that                       */
	FRAME_TOO_LONG, /* length above the limit: refused before anything is stored */
};

/* Collects pieces. Bytes are read straight into it: frame_reader_space, then frame_reader_filled, then frame_reader_next until FRAME_PARTIAL. */
struct frame_reader {
	uint8_t *bytes;
	uint32_t capacity; /* FRAME_PREFIX_BYTES + length_max */
	uint32_t start;    /* first byte not yet handed out   */
	uint32_t end;      /* end of what has arrived         */
	uint32_t length_max;
};

/* Sets the limit and the memory for it; called again to raise the limit, which keeps what has arrived. False when memory is short: nothing changed then.
 * Requires: the reader zeroed or in use; length_max >= the limit so far; length_max <= FRAME_LENGTH_MAX. */
bool frame_reader_limit(struct frame_reader *r, uint32_t length_max);
void frame_reader_free(struct frame_reader *r);

/* Where the next bytes go and how many fit: at least one, provided that frame_reader_next was called until it said FRAME_PARTIAL. Moves what is left over to
 * the front: payloads handed out before are void. */
uint8_t *frame_reader_space(struct frame_reader *r, size_t *room);
void frame_reader_filled(struct frame_reader *r, size_t n);

/* On FRAME_WHOLE sets kind, payload and its length; the payload is borrowed until the next frame_reader_space or frame_reader_limit. A refusal is final. */
enum frame_result frame_reader_next(struct frame_reader *r, uint8_t *kind, const uint8_t **payload, uint32_t *n);

/* True while the first bytes of a piece wait for the rest. */
bool frame_reader_inside(const struct frame_reader *r);

/* ---- frames out of parts ---- */

struct frame_assembly {
	uint8_t *bytes;
	size_t used;
	size_t capacity;
};

enum frame_add {
	FRAME_ADDED,
	FRAME_ADD_TOO_LARGE, /* the frame would exceed frame_bytes_max */
	FRAME_ADD_NO_MEMORY,
};

/* Appends. Memory grows by doubling as bytes arrive, never beyond frame_bytes_max. */
enum frame_add frame_assembly_add(struct frame_assembly *a, const uint8_t *bytes, size_t n, size_t frame_bytes_max);
/* Forgets the frame and its memory. */
void frame_assembly_reset(struct frame_assembly *a);
#endif
