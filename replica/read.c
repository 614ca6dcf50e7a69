/* Reads without ordering (design section 9): answered from a state that holds every sequence for which COMMIT was decided here when the read came. q equal answers
 * are linearizable: any q meet, in an honest replica, the q whose COMMITs made a write that somebody was told of. (Plain f+1 answers would not be.) */
#include "replica/driver_state.h"

#include <stdlib.h>
#include <string.h>

struct waiting_read {
	struct waiting_read *next;
	driver_link link;
	struct public_key key;
	uint64_t nonce;
	bft_seq position;
	uint32_t n;
	uint8_t op[];
};

static void answer(struct driver *d, const struct waiting_read *r)
{
	const uint8_t *value;
	size_t n;
	uint8_t head[BFT_FRAME_HEAD_BYTES + 16];
	struct bft_envelope e = { .signer = BFT_SIGNER_CHANNEL, .type = BFT_WIRE_READ_ANSWER, .epoch = d->epoch };
	if (!execution_read(d->execution, &r->key, r->op, r->n, &value, &n))
		return; /* it is no read here, or does not fit: the client has it ordered */
	struct wr w = wr_of(head, sizeof head);
	envelope_write(&w, &e);
	wr_u64(&w, r->nonce);
	wr_u64(&w, execution_seq(d->execution));
	d->counts.reads++;
	d->options.env.send_client(d->options.env.user, r->link, head, sizeof head, value, n);
}

void read_take(struct driver *d, driver_link link, const struct public_key *key, const uint8_t *body, size_t n)
{
	struct bft_standing standing;
	struct rd r = rd_of(body, n);
	uint64_t nonce;
	if (!rd_u64(&r, &nonce) || rd_left(&r) == 0 || n > BFT_BUNDLE_BYTES_MAX) {
		d->options.env.close_client(d->options.env.user, link, "a malformed READ");
		return;
	}
	d->protocol->standing(d->core, &standing);
	/* Who does not take part, or is behind, says nothing: the others are enough, or it is ordered. */
	if (d->failed || standing.observer || standing.recalling || d->reads_count >= READS_MAX)
		return;
	size_t op_n = rd_left(&r);
	struct waiting_read *x = malloc(sizeof *x + op_n);
	if (!x)
		return;
	*x = (struct waiting_read){ .link = link, .key = *key, .nonce = nonce, .n = (uint32_t)op_n };
	memcpy(x->op, r.at, op_n);
	x->position = standing.decided > standing.executed ? standing.decided : standing.executed;
	if (execution_seq(d->execution) >= x->position) {
		answer(d, x);
		free(x);
		return;
	}
	*d->reads_last = x;
	d->reads_last = &x->next;
	d->reads_count++;
}

/* Positions rise with the time of arrival, so the first waits for the least. */
void reads_executed(struct driver *d)
{
	while (d->reads && d->reads->position <= execution_seq(d->execution)) {
		struct waiting_read *x = d->reads;
		d->reads = x->next;
		if (!d->reads)
			d->reads_last = &d->reads;
		d->reads_count--;
		answer(d, x);
		free(x);
	}
}

void reads_end(struct driver *d)
{
	while (d->reads) {
		struct waiting_read *x = d->reads;
		d->reads = x->next;
		free(x);
	}
}
