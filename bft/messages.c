/* The decoder is the schema: little-endian, fixed order, no optional fields, counts checked before they bound a loop. */
#include "bft/messages.h"

static bool rd_digest(struct rd *r, struct digest *d)
{
	return rd_bytes(r, d->b, sizeof d->b);
}

static void wr_digest(struct wr *w, const struct digest *d)
{
	wr_bytes(w, d->b, sizeof d->b);
}

static bool rd_seq(struct rd *r, bft_seq *s)
{
	return rd_u64(r, s) && *s <= BFT_SEQ_MAX;
}

static bool read_checkpoint(struct rd *r, struct bft_checkpoint *m)
{
	return rd_seq(r, &m->seq) && rd_digest(r, &m->chain);
}

static void write_checkpoint(struct wr *w, const struct bft_checkpoint *m)
{
	wr_u64(w, m->seq);
	wr_digest(w, &m->chain);
}

static bool read_snapshot(struct rd *r, struct bft_snapshot *m)
{
	return rd_seq(r, &m->seq) && rd_digest(r, &m->chain) && rd_digest(r, &m->root);
}

static void write_snapshot(struct wr *w, const struct bft_snapshot *m)
{
	wr_u64(w, m->seq);
	wr_digest(w, &m->chain);
	wr_digest(w, &m->root);
}

static bool read_chain(struct rd *r, struct bft_chain *m)
{
	if (!rd_seq(r, &m->from) || m->from == 0 || !rd_u16(r, &m->count) || m->count > BFT_WINDOW_MAX || !rd_seq(r, &m->end) || !rd_digest(r, &m->chain))
		return false;
	if (m->count && m->end != m->from + m->count - 1)
		return false;
	for (uint16_t i = 0; i < m->count; i++)
		if (!rd_digest(r, &m->entry[i].proposal) || !rd_digest(r, &m->entry[i].results))
			return false;
	return true;
}

static void write_chain(struct wr *w, const struct bft_chain *m)
{
	wr_u64(w, m->from);
	wr_u16(w, m->count);
	wr_u64(w, m->end);
	wr_digest(w, &m->chain);
	for (uint16_t i = 0; i < m->count; i++) {
		wr_digest(w, &m->entry[i].proposal);
		wr_digest(w, &m->entry[i].results);
	}
}

static bool read_fetch_chain(struct rd *r, struct bft_fetch_chain *m)
{
	return rd_seq(r, &m->from) && m->from > 0;
}

bool message_read(uint16_t type, void *body, struct rd *r)
{
	switch ((enum bft_message)type) {
	case BFT_MSG_VOTES: return votes_read(r, body);
	case BFT_MSG_STABLE:
	case BFT_MSG_CHECKPOINT: return read_checkpoint(r, body);
	case BFT_MSG_SNAPSHOT: return read_snapshot(r, body);
	case BFT_MSG_FETCH_CHAIN: return read_fetch_chain(r, body);
	case BFT_MSG_CHAIN: return read_chain(r, body);
	case BFT_MSG_STATUS: break;
	}
	return false;
}

bool message_write(uint16_t type, const void *body, struct wr *w)
{
	switch ((enum bft_message)type) {
	case BFT_MSG_VOTES: votes_write(w, body); break;
	case BFT_MSG_STABLE:
	case BFT_MSG_CHECKPOINT: write_checkpoint(w, body); break;
	case BFT_MSG_SNAPSHOT: write_snapshot(w, body); break;
	case BFT_MSG_FETCH_CHAIN: wr_u64(w, ((const struct bft_fetch_chain *)body)->from); break;
	case BFT_MSG_CHAIN: write_chain(w, body); break;
	default: return false;
	}
	return !w->failed;
}

void message_digest(struct digest *out, enum domain domain, uint16_t type, const uint8_t *bytes, size_t n)
{
	struct digest_ctx ctx;
	digest_begin(&ctx, domain);
	digest_add_u16(&ctx, type);
	digest_add(&ctx, bytes, n);
	digest_end(&ctx, out);
}
