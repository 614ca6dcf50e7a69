/* Reads without ordering (design section 9): the core says from which position on a state may answer, the state that has executed that answers. */
#include "replica/driver_state.h"

#include <stdlib.h>
#include <string.h>

#define READ_MS 5000u /* no client waits so long before it has it ordered */

struct waiting_read {
	struct waiting_read *next;
	driver_link link;
	struct public_key key;
	uint64_t nonce, id, since_ms;
	bft_epoch epoch; /* whose rules say that it may be answered: its mode says how many must agree */
	bft_seq after;   /* one above the position that must be executed; 0: the core has not said it yet */
	uint32_t n;
	uint8_t op[];
};

static void answer(struct driver *d, const struct waiting_read *r)
{
	const uint8_t *value;
	size_t n;
	uint8_t head[BFT_FRAME_HEAD_BYTES + 16];
	struct bft_envelope e = { .signer = BFT_SIGNER_CHANNEL, .type = BFT_WIRE_READ_ANSWER, .epoch = r->epoch };
	/* Behind the border others may decide without me, among members that the client does not know of: what is newer there I cannot have seen (docs/protocol.md, "Reads"). */
	if (execution_epochs(d->execution)->epoch != r->epoch)
		return;
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
	struct rd r = rd_of(body, n);
	uint64_t nonce;
	if (!rd_u64(&r, &nonce) || rd_left(&r) == 0 || n > BFT_BUNDLE_BYTES_MAX) {
		d->options.env.close_client(d->options.env.user, link, "a malformed READ");
		return;
	}
	/* Who does not take part, or is behind, says nothing: the others are enough, or it is ordered. */
	if (d->failed || d->reads_count >= READS_MAX)
		return;
	size_t op_n = rd_left(&r);
	struct waiting_read *x = malloc(sizeof *x + op_n);
	if (!x)
		return;
	*x = (struct waiting_read){
		.link = link, .key = *key, .nonce = nonce, .id = ++d->reads_asked, .since_ms = d->mono_ms, .epoch = d->epoch, .n = (uint32_t)op_n
	};
	memcpy(x->op, r.at, op_n);
	*d->reads_last = x;
	d->reads_last = &x->next;
	d->reads_count++;
	struct bft_event ask = { .kind = BFT_EV_READ, .id = { .number = x->id } };
	driver_step(d, &ask);
}

/* Takes it out of the list; `at` then names the next one. */
static void take_out(struct driver *d, struct waiting_read **at)
{
	struct waiting_read *x = *at;
	*at = x->next;
	if (!x->next)
		d->reads_last = at;
	d->reads_count--;
}

/* Those whose position is executed are answered; those that wait for longer than a client does are given up. */
void reads_executed(struct driver *d)
{
	bft_seq executed = execution_seq(d->execution);
	for (struct waiting_read **at = &d->reads; *at;) {
		struct waiting_read *x = *at;
		bool ready = x->after && x->after <= executed + 1;
		bool late = d->mono_ms - x->since_ms > READ_MS;
		if (!ready && !late) {
			at = &x->next;
			continue;
		}
		take_out(d, at);
		if (ready)
			answer(d, x);
		free(x);
	}
}

/* What the core says of one that it was asked about. */
void read_at(struct driver *d, uint64_t id, bft_seq seq, bool refused)
{
	for (struct waiting_read **at = &d->reads; *at; at = &(*at)->next) {
		struct waiting_read *x = *at;
		if (x->id != id)
			continue;
		x->after = seq + 1;
		if (refused) {
			take_out(d, at);
			free(x);
		}
		break;
	}
	reads_executed(d);
}

void reads_end(struct driver *d)
{
	while (d->reads) {
		struct waiting_read *x = d->reads;
		d->reads = x->next;
		free(x);
	}
}
