/* tests/fuzz/make/script.c - see script.h. */
#include "tests/fuzz/make/script.h"
#include "bft/envelope.h"
#include "tests/fuzz/make/samples.h"
#include "tests/fuzz/replica_bed.h"

void script_add(struct script *s, uint8_t what, size_t n, const uint8_t *bytes)
{
	struct wr w = wr_of(s->bytes + s->n, sizeof s->bytes - s->n);
	if (s->closed || n > UINT16_MAX)
		return;
	wr_u8(&w, what);
	wr_u16(&w, (uint16_t)n);
	if (bytes)
		wr_bytes(&w, bytes, n);
	if (w.failed)
		s->closed = true;
	else
		s->n += wr_done(&w);
	s->passing = false;
}

void script_pass(struct script *s, uint8_t what, uint64_t now)
{
	uint16_t ms = (uint16_t)(now - s->now);
	s->now = now;
	if (s->passing && !s->closed) {
		uint16_t before = (uint16_t)(s->bytes[s->n - 2] | s->bytes[s->n - 1] << 8), sum = (uint16_t)(before + ms);
		s->bytes[s->n - 2] = (uint8_t)sum;
		s->bytes[s->n - 1] = (uint8_t)(sum >> 8);
		return;
	}
	script_add(s, what, ms, NULL);
	s->passing = true;
}

void script_frame(struct script *s, uint8_t from, const uint8_t *frame, size_t n)
{
	struct rd r = rd_of(frame, n);
	struct bft_envelope e;
	/* What comes again and again, or from everybody alike, would fill it. */
	if (envelope_read(&r, &e) && ++s->seen[e.type % 32] > (e.type == PBFT_STATUS ? 4u : e.type == PBFT_NEW_VIEW || e.type == PBFT_STABLE ? 2u : 64u))
		return;
	if (frame[0] != BFT_SIGNER_CHANNEL && memmem(s->bytes, s->n, frame, n) != NULL)
		return;
	script_add(s, from, n, frame);
}

void script_begin(struct script *s)
{
	*s = (struct script){ 0 };
}

void script_end(struct script *s, const char *target, const char *name, int mode)
{
	uint8_t head = (uint8_t)mode;
	if (mode < 0) {
		save(target, name, s->bytes, s->n);
	} else {
		uint8_t *all = bed_join(&head, 1, s->bytes, s->n);
		save(target, name, all, s->n + 1);
		free(all);
	}
	script_begin(s);
}
