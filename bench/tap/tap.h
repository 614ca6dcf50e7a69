/* bench/tap/tap.h - what passes by in a replica, and when: frames by type, the stages of each request, and for a while each frame by itself. It is kept in a
 * file that the bench has mapped too: nothing is asked of the replica, and nothing is lost when it is killed. The product has none of it: quorate-tapped and
 * quorate-liar are linked with functions in the places of the driver's (wraps.c, frames.c).
 *
 * Threads: one writes, the replica's loop; the bench reads, and sets `counting` and `recording`. Times are nanoseconds of CLOCK_MONOTONIC, which all processes of
 * one machine share. */
#ifndef BENCH_TAP_H
#define BENCH_TAP_H
#include "bench/histogram.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TAP_TYPES 72u /* of messages; what lies above counts as 0 */
#define TAP_ENTRIES 32768u
#define TAP_CLIENT 0xFFu /* in the place of a member: (uint8_t)-1, as net_peer_member has it */
#define TAP_ENV "QUORATE_TAP"

/* Where the time of a request goes, in the replica that proposed it: each stage begins where the one before ended. */
enum tap_stage {
	TAP_CHECKED,  /* came in, until its signature is checked                            */
	TAP_PROPOSED, /* until a proposal that holds it is decided here                     */
	TAP_FLUSHED,  /* until that is on this disk                                         */
	TAP_PREPARED, /* until q members have prepared it (mode bft)                        */
	TAP_PROMISED, /* until its COMMIT is on this disk (mode bft)                        */
	TAP_DECIDED,  /* until q members have it for certain, and everything before it      */
	TAP_EXECUTED, /* waits for its turn, and is carried out                             */
	TAP_ANSWERED, /* until the answers to its proposal are signed and handed to the network */
	TAP_STAGES,
};

enum tap_what {
	TAP_SENT = 1,
	TAP_HEARD,
	/* marks: nothing was sent */
	TAP_AT_FLUSHED,
	TAP_AT_PREPARED,
	TAP_AT_PROMISED,
	TAP_AT_DECIDED,
	TAP_AT_EXECUTED, /* id: its first request; view: that one's digest; bytes: how many requests */
	TAP_AT_ANSWERED,
};

struct tap_entry { /* a frame, or one leaf or entry of it */
	uint64_t at_ns;
	uint64_t frame; /* the same where it was sent and where it was heard */
	uint64_t id;    /* of a proposal or a request; 0: none               */
	uint64_t seq, view;
	uint32_t bytes;
	uint16_t type;
	uint8_t kind;   /* of a leaf */
	uint8_t what;   /* enum tap_what */
	uint8_t peer;   /* a member, or TAP_CLIENT */
	uint8_t signer; /* whose message is passed on, or BFT_SIGNER_CHANNEL */
};

struct tap_count {
	uint64_t messages, bytes;
};

struct tap_shared {
	atomic_uint counting, recording;
	struct tap_count sent[TAP_TYPES], asked[TAP_TYPES]; /* to anybody; from clients. Without TLS and the length in front */
	uint64_t leaves[4];                                 /* of what was sent, by kind */
	struct histogram stage_us[TAP_STAGES];
	_Atomic uint64_t written; /* entries, ever: the newest TAP_ENTRIES are there */
	struct tap_entry entry[TAP_ENTRIES];
};

/* A file that replicas can write into; NULL: it could not be made. Unmapped by tap_close; the file stays. */
struct tap_shared *tap_make(const char *path);
/* The writer's side: one that is there already goes on. */
struct tap_shared *tap_open(const char *path);
void tap_close(struct tap_shared *tap);
uint64_t tap_now_ns(void);

/* ---- the writer: all of it without effect until tap_begin found the file that TAP_ENV names ---- */
void tap_begin(void);
void tap_sent(uint8_t peer, const void *head, size_t head_n, const void *body, size_t body_n);
void tap_heard(uint8_t peer, const uint8_t *bytes, size_t n);
#endif
