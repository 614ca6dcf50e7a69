/* What clients are told: another result, well signed; another answer to a read. */
#include "bench/malice/malice.h"
#include "bft/reply.h"

#include <string.h>

/* Another value, and a signature that is good for it: only f+1 equal answers protect a client. */
static size_t lie_late(struct liar *l, const struct bft_envelope *was, struct reply *reply, const uint8_t *result, size_t n, uint8_t *out, size_t capacity)
{
	struct statement s;
	struct bft_envelope e = *was;
	struct wr w = wr_of(out, capacity);
	size_t head_n = BFT_FRAME_HEAD_BYTES + REPLY_LATE_HEAD_BYTES;
	if (head_n + n > capacity)
		return 0;
	memcpy(out + head_n, result, n);
	out[head_n + n - 1] ^= 1;
	*reply = (struct reply){ .view = reply->view, .seq = reply->seq, .bundle = reply->bundle, .result = out + head_n, .result_bytes = n };
	reply_statement(&s, &l->identity.cluster, e.epoch, reply, true);
	e.type = BFT_WIRE_REPLY_LATE;
	sign_ed25519.sign(&e.signature, &s, &l->identity.secret);
	envelope_write(&w, &e);
	reply_head_encode(reply, true, out + BFT_FRAME_HEAD_BYTES, REPLY_LATE_HEAD_BYTES);
	return head_n + n;
}

static bool reply_lie(struct liar *l, struct answering *a)
{
	static uint8_t other[1 << 16];
	struct reply reply;
	bool is_late = a->e.type == BFT_WIRE_REPLY_LATE;
	if ((a->e.type != BFT_WIRE_REPLY && !is_late) || !reply_decode(&reply, is_late, a->bytes + BFT_FRAME_HEAD_BYTES, a->n - BFT_FRAME_HEAD_BYTES))
		return false;
	size_t n = lie_late(l, &a->e, &reply, reply.result, reply.result_bytes, other, sizeof other);
	liar_acts(l, "it gives clients another result");
	return n && replica_send_client(l->q, a->link, other, n);
}

static bool read_lie(struct liar *l, struct answering *a)
{
	if (a->e.type != BFT_WIRE_READ_ANSWER || a->n <= BFT_FRAME_HEAD_BYTES + 16)
		return false;
	a->bytes[a->n - 1] ^= 1;
	liar_acts(l, "it answers reads with another value");
	return replica_send_client(l->q, a->link, a->bytes, a->n);
}

const struct attack attacks_replies[] = {
	{ "reply-lie", "B97", BY_REPLICA, "f replicas give clients another result, well signed", "Whoever believes one replica believes the liar.",
	  "An answer counts when f+1 replicas say the same.", .to_client = reply_lie },
	{ "read-lie", "B97", BY_REPLICA, "f replicas answer reads that are not ordered with another value", "A read by one replica is what that replica likes.",
	  "q equal answers, or the read is ordered.", .to_client = read_lie },
	{ 0 },
};
