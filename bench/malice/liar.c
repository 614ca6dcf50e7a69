/* What the attacks of replicas share: frames opened, changed, signed again and sent. */
#include "bench/malice/malice.h"
#include "replica/driver_state.h"
#include "replica/running.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

void liar_acts(struct liar *l, const char *what)
{
	if (l->lies[l->acting]++ == 0) {
		printf("%s\n", what);
		fflush(stdout);
	}
}

uint64_t liar_now_ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

uint64_t liar_random(struct liar *l)
{
	uint64_t z = (l->rng += 0x9E3779B97F4A7C15u);
	z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
	z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
	return z ^ (z >> 31);
}

bool liar_sends(struct liar *l, const struct sending *s)
{
	replica_send_member(l->q, s->member, s->class, s->bytes, s->n);
	return true;
}

bool liar_repeats(struct liar *l, const struct sending *s, uint32_t times)
{
	for (uint32_t i = 0; i <= times; i++)
		liar_sends(l, s);
	return true;
}

bool liar_hears_later(struct liar *l, uint64_t ms)
{
	return l->hearing && late_hear(&l->heard, ms, l->hearing);
}

void liar_spoils(struct liar *l, const struct sending *s)
{
	uint8_t *at = s->bytes + BFT_FRAME_HEAD_BYTES - 1 - liar_random(l) % SIGNATURE_BYTES;
	*at ^= 1;
	liar_sends(l, s);
	*at ^= 1;
}

bool liar_opens(struct liar *l, const struct sending *s, uint16_t type)
{
	struct rd r = rd_of(s->bytes + BFT_FRAME_HEAD_BYTES, s->n - BFT_FRAME_HEAD_BYTES);
	size_t core_n = s->mine && s->e.type == type && liar_core(l) ? pbft_decode(type, &l->body, r.at, rd_left(&r)) : 0;
	l->tail = rd_of(r.at + core_n, rd_left(&r) - core_n);
	return core_n > 0;
}

static void sign(const struct liar *l, struct bft_envelope *e, const uint8_t *body, size_t n, const struct bft_votes *votes)
{
	struct statement s;
	struct digest digest;
	if (e->type == PBFT_VOTES)
		votes_digest_of(&digest, votes);
	else
		pbft_body_digest(&digest, e->type, body, n);
	statement_make(&s, pbft_domain(e->type), &l->identity.cluster, e->epoch, &digest);
	sign_ed25519.sign(&e->signature, &s, &l->identity.secret);
}

static void send_signed(struct liar *l, const struct sending *like, uint16_t type, const uint8_t *body, size_t core_n, size_t n)
{
	static uint8_t out[BFT_FRAME_HEAD_BYTES + (1 << 18)];
	struct bft_envelope e = { .signer = BFT_SIGNER_CHANNEL, .type = type, .epoch = like->e.epoch };
	struct bft_votes votes;
	struct wr w = wr_of(out, sizeof out);
	bool is_signed = type >= PBFT_VOTES && type < PBFT_TYPE_END && (type != PBFT_VOTES || pbft_decode(type, &votes, body, core_n));
	if (n > sizeof out - BFT_FRAME_HEAD_BYTES)
		return;
	if (is_signed)
		sign(l, &e, body, core_n, &votes);
	envelope_write(&w, &e);
	memcpy(out + BFT_FRAME_HEAD_BYTES, body, n);
	replica_send_member(l->q, like->member, like->class, out, BFT_FRAME_HEAD_BYTES + n);
}

bool liar_closes(struct liar *l, const struct sending *s)
{
	static uint8_t body[1 << 18];
	size_t n = pbft_encode(s->e.type, &l->body, body, sizeof body), tail_n = rd_left(&l->tail);
	if (!n || n + tail_n > sizeof body)
		return true;
	memcpy(body + n, l->tail.at, tail_n);
	send_signed(l, s, s->e.type, body, n, n + tail_n);
	return true;
}

void liar_says(struct liar *l, const struct sending *beside, uint16_t type, const uint8_t *body, size_t n)
{
	send_signed(l, beside, type, body, n, n);
}

bool liar_proposes(struct liar *l, const struct sending *s)
{
	if (!liar_opens(l, s, PBFT_VOTES))
		return false;
	for (uint16_t i = 0; i < l->body.votes.count; i++)
		if (l->body.votes.leaf[i].kind == BFT_LEAF_PRE_PREPARE)
			return true;
	return false;
}

struct pbft *liar_core(struct liar *l)
{
	return l->identity.genesis.mode == BFT_MODE_BFT ? (struct pbft *)(void *)l->q->driver->core : NULL;
}
