#include "bft/standing.h"

size_t standing_encode(const struct standing *s, uint8_t *bytes, size_t capacity)
{
	struct wr w = wr_of(bytes, capacity);
	size_t n = strlen(s->trouble);
	wr_u8(&w, s->role);
	wr_u8(&w, s->mode);
	wr_u8(&w, s->flags);
	wr_u64(&w, s->epoch);
	wr_u64(&w, s->view);
	wr_u8(&w, s->leader);
	wr_u64(&w, s->executed);
	wr_bytes(&w, s->chain.b, DIGEST_BYTES);
	wr_u64(&w, s->stable);
	wr_u64(&w, s->snapshot);
	wr_bytes(&w, s->root.b, DIGEST_BYTES);
	wr_u64(&w, s->snapshot_asked);
	wr_u64(&w, s->time_ms);
	wr_u64(&w, s->incarnation);
	wr_u64(&w, s->damaged_from);
	wr_u64(&w, s->damaged_to);
	wr_u8(&w, (uint8_t)n);
	wr_bytes(&w, s->trouble, n);
	return wr_done(&w);
}

bool standing_decode(struct standing *s, const uint8_t *bytes, size_t n)
{
	struct rd r = rd_of(bytes, n);
	uint8_t trouble = 0;
	memset(s, 0, sizeof *s);
	if (!rd_u8(&r, &s->role) || !rd_u8(&r, &s->mode) || !rd_u8(&r, &s->flags) || !rd_u64(&r, &s->epoch) || !rd_u64(&r, &s->view) ||
	    !rd_u8(&r, &s->leader) || !rd_u64(&r, &s->executed) || !rd_bytes(&r, s->chain.b, DIGEST_BYTES) || !rd_u64(&r, &s->stable) ||
	    !rd_u64(&r, &s->snapshot) || !rd_bytes(&r, s->root.b, DIGEST_BYTES) || !rd_u64(&r, &s->snapshot_asked) || !rd_u64(&r, &s->time_ms) ||
	    !rd_u64(&r, &s->incarnation) || !rd_u64(&r, &s->damaged_from) || !rd_u64(&r, &s->damaged_to) || !rd_u8(&r, &trouble) ||
	    trouble > STANDING_TROUBLE_BYTES_MAX || !rd_bytes(&r, s->trouble, trouble) || !rd_done(&r))
		return false;
	/* It is shown on a terminal: nothing of it may steer one. */
	for (uint8_t i = 0; i < trouble; i++)
		if ((unsigned char)s->trouble[i] < 0x20 || (unsigned char)s->trouble[i] > 0x7E)
			s->trouble[i] = '?';
	if (s->damaged_from > s->damaged_to)
		return false;
	return s->role >= STANDING_LEADER && s->role <= STANDING_OBSERVER && s->leader < BFT_MEMBERS_MAX;
}
