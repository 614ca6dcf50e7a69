/* Frames: counted, and kept one by one while somebody wants to know. */
#include "bench/tap/tap_state.h"

#include "bft/envelope.h"
#include "bft/pbft/messages.h"
#include "bft/raft/messages.h"

#include <stdlib.h>
#include <string.h>

struct tap_shared *tap_here;
uint64_t tap_pushing;

void tap_begin(void)
{
	const char *path = getenv(TAP_ENV);
	tap_here = path ? tap_open(path) : NULL;
}

void tap_put(const struct tap_entry *e)
{
	uint64_t at = atomic_load_explicit(&tap_here->written, memory_order_relaxed);
	tap_here->entry[at % TAP_ENTRIES] = *e;
	atomic_store_explicit(&tap_here->written, at + 1, memory_order_release);
}

uint64_t tap_id(const uint8_t *digest)
{
	uint64_t id = 0;
	for (int i = 0; i < 8; i++)
		id = id << 8 | digest[i];
	return id;
}

uint64_t tap_request_id(uint64_t session, uint64_t number)
{
	uint64_t z = session * 0x9E3779B97F4A7C15u + number * 0xBF58476D1CE4E5B9u;
	return (z ^ z >> 31) | 1;
}

/* ---- what a frame says: as much of it as a picture needs ---- */

static void put_votes(struct tap_entry *e, struct rd *r)
{
	uint16_t count;
	struct bft_leaf leaf;
	if (!rd_u64(r, &e->view) || !rd_u16(r, &count))
		return;
	for (uint16_t i = 0; i < count && i < BFT_LEAVES_MAX && votes_leaf_read(r, &leaf); i++) {
		e->kind = leaf.kind;
		e->seq = leaf.seq;
		e->id = tap_id(leaf.digest.b);
		tap_put(e);
	}
}

static void put_append(struct tap_entry *e, struct rd *r)
{
	uint64_t round, prev, term, commit;
	uint16_t count;
	struct digest digest;
	if (!rd_u64(r, &e->view) || !rd_u64(r, &round) || !rd_u64(r, &prev) || !rd_u64(r, &term) || !rd_u64(r, &commit) || !rd_u16(r, &count))
		return;
	for (uint16_t i = 0; i < count && i < RAFT_ENTRIES_MAX && rd_u64(r, &term) && rd_bytes(r, digest.b, sizeof digest.b); i++) {
		e->seq = prev + 1 + i;
		e->id = tap_id(digest.b);
		tap_put(e);
	}
}

static void put_ack(struct tap_entry *e, struct rd *r)
{
	uint64_t round;
	uint8_t learner;
	if (rd_u64(r, &e->view) && rd_u64(r, &round) && rd_u8(r, &e->kind) && rd_u8(r, &learner) && rd_u64(r, &e->seq))
		tap_put(e);
}

static void put_bundle(struct tap_entry *e, struct rd *r)
{
	uint8_t key[PUBLIC_KEY_BYTES + 1];
	uint64_t session, number;
	if (rd_bytes(r, key, sizeof key) && rd_u64(r, &session) && rd_u64(r, &number)) {
		e->id = tap_request_id(session, number);
		tap_put(e);
	}
}

static void put_reply(struct tap_entry *e, struct rd *r)
{
	uint8_t digest[DIGEST_BYTES];
	if (rd_u64(r, &e->view) && rd_u64(r, &e->seq) && rd_bytes(r, digest, sizeof digest)) {
		e->id = tap_id(digest);
		tap_put(e);
	}
}

static void put_fetch(struct tap_entry *e, struct rd *r)
{
	uint16_t count;
	struct digest digest;
	for (bool ok = rd_u16(r, &count); ok && count && rd_bytes(r, digest.b, sizeof digest.b); count--) {
		e->id = tap_id(digest.b);
		tap_put(e);
	}
}

static void put_frame(struct tap_entry *e, struct rd r)
{
	switch (e->type) {
	case BFT_MSG_VOTES: put_votes(e, &r); return;
	case RAFT_APPEND: put_append(e, &r); return;
	case RAFT_ACK: put_ack(e, &r); return;
	case BFT_WIRE_BUNDLE: put_bundle(e, &r); return;
	case BFT_WIRE_REPLY:
	case BFT_WIRE_REPLY_LATE: put_reply(e, &r); return;
	case BFT_WIRE_FETCH: put_fetch(e, &r); return;
	case BFT_WIRE_PROPOSAL: e->id = e->what == TAP_SENT ? tap_pushing : 0; break; /* who hears it is told by the frame whose it is */
	case PBFT_SUSPECT:
	case PBFT_VIEW_CHANGE:
	case PBFT_NEW_VIEW:
	case RAFT_ASK_VOTE:
	case RAFT_VOTE: rd_u64(&r, &e->view); break;
	case BFT_MSG_STATUS: return; /* twice a second to everybody, about everything */
	default: break;
	}
	tap_put(e);
}

static uint64_t hash(uint64_t h, const uint8_t *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++)
		h = (h ^ bytes[i]) * 0x100000001B3u;
	return h;
}

/* The envelope is a head of its own, or the body begins behind it; replies have the head of their body there too. */
static struct rd body_of(const uint8_t *head, size_t head_n, const uint8_t *body, size_t body_n)
{
	return head_n == BFT_FRAME_HEAD_BYTES ? rd_of(body, body_n) : rd_of(head + BFT_FRAME_HEAD_BYTES, head_n - BFT_FRAME_HEAD_BYTES);
}

#define HASHED 160u /* bytes of a frame: its signature, and where its body begins */

static void keep(uint8_t what, uint8_t peer, uint16_t type, const uint8_t *head, size_t head_n, const uint8_t *body, size_t body_n)
{
	struct tap_entry e = { .at_ns = tap_now_ns(), .bytes = (uint32_t)(head_n + body_n), .type = type, .what = what, .peer = peer, .signer = head[0] };
	size_t a = head_n < HASHED ? head_n : HASHED, b = body_n < HASHED - a ? body_n : HASHED - a;
	e.frame = hash(hash(0xCBF29CE484222325u ^ e.bytes, head, a), body, b);
	struct rd r = body_of(head, head_n, body, body_n);
	put_frame(&e, r);
}

static uint16_t type_of(const uint8_t *head, size_t n)
{
	return (uint16_t)(n >= BFT_FRAME_HEAD_BYTES ? head[3] | head[4] << 8 : 0);
}

static void count(struct tap_count *of, uint16_t type, size_t n)
{
	struct tap_count *c = &of[type < TAP_TYPES ? type : 0];
	c->messages++;
	c->bytes += n;
}

void tap_sent(uint8_t peer, const void *head, size_t head_n, const void *body, size_t body_n)
{
	uint16_t type = type_of(head, head_n);
	if (!tap_here || head_n < BFT_FRAME_HEAD_BYTES)
		return;
	if (atomic_load_explicit(&tap_here->counting, memory_order_relaxed)) {
		count(tap_here->sent, type, head_n + body_n);
		struct rd r = body_of(head, head_n, body, body_n);
		for (size_t at = 10; type == BFT_MSG_VOTES && at + BFT_LEAF_BYTES <= rd_left(&r); at += BFT_LEAF_BYTES)
			tap_here->leaves[r.at[at] & 3]++;
	}
	if (atomic_load_explicit(&tap_here->recording, memory_order_relaxed))
		keep(TAP_SENT, peer, type, head, head_n, body, body_n);
}

void tap_heard(uint8_t peer, const uint8_t *bytes, size_t n)
{
	uint16_t type = type_of(bytes, n);
	if (!tap_here || n < BFT_FRAME_HEAD_BYTES)
		return;
	if (peer == TAP_CLIENT && atomic_load_explicit(&tap_here->counting, memory_order_relaxed))
		count(tap_here->asked, type, n);
	if (type == BFT_WIRE_BUNDLE)
		stages_request_came(bytes + BFT_FRAME_HEAD_BYTES, n - BFT_FRAME_HEAD_BYTES);
	if (atomic_load_explicit(&tap_here->recording, memory_order_relaxed))
		keep(TAP_HEARD, peer, type, bytes, BFT_FRAME_HEAD_BYTES, bytes + BFT_FRAME_HEAD_BYTES, n - BFT_FRAME_HEAD_BYTES);
}
