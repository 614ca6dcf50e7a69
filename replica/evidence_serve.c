/* Evidence for whoever asks: one file an answer, within a budget that all clients share. What is kept is proof, so there is nothing to hide and nobody to be believed. */
#include "bft/evidence.h"
#include "bft/evidence_list.h"
#include "replica/driver_state.h"

#include <stdlib.h>

#define LIST_MS 1000u
#define LIST_BYTES ((size_t)4 << 20) /* in that time; the last answer may go beyond it */
#define QUESTION_BYTES (16u << 10)   /* what looking costs, also when there is nothing */

_Static_assert(EVIDENCE_FILE_BYTES_MAX == EVIDENCE_BYTES_MAX, "every file of evidence fits into an answer");

/* Whoever asks too often is not answered, and asks again. */
static bool may_serve(struct driver *d)
{
	if (d->mono_ms - d->evidence_served_ms >= LIST_MS) {
		d->evidence_served_ms = d->mono_ms;
		d->evidence_served_bytes = 0;
	}
	return d->evidence_served_bytes < LIST_BYTES;
}

static void answer(struct driver *d, driver_link link, const struct evidence_answer *a)
{
	uint8_t head[BFT_FRAME_HEAD_BYTES + EVIDENCE_ANSWER_HEAD_MAX];
	struct bft_envelope e = { .signer = BFT_SIGNER_CHANNEL, .type = BFT_WIRE_EVIDENCE, .epoch = d->epoch };
	struct wr w = wr_of(head, sizeof head);
	envelope_write(&w, &e);
	size_t n = BFT_FRAME_HEAD_BYTES + evidence_answer_head_encode(a, head + BFT_FRAME_HEAD_BYTES, sizeof head - BFT_FRAME_HEAD_BYTES);
	d->options.env.send_client(d->options.env.user, link, head, n, a->file, a->n);
}

void evidence_serve(struct driver *d, driver_link link, const uint8_t *body, size_t n)
{
	struct evidence_answer a = { .n = 0 };
	if (!evidence_question_decode(&a.after, body, n)) {
		d->options.env.close_client(d->options.env.user, link, "a malformed FETCH_EVIDENCE");
		return;
	}
	if (!may_serve(d))
		return;
	uint8_t *file = malloc(EVIDENCE_BYTES_MAX);
	if (!file)
		return;
	if (d->options.env.evidence_next)
		a.n = d->options.env.evidence_next(d->options.env.user, &a.after, &a.name, file, EVIDENCE_BYTES_MAX);
	a.file = file;
	d->evidence_served_bytes += QUESTION_BYTES + a.n;
	answer(d, link, &a);
	free(file);
}
