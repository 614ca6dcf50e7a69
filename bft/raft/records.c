#include "bft/raft/records.h"

const struct bft_record_row *raft_record(uint16_t rtype)
{
	static const struct bft_record_row rows[] = {
		[RAFT_REC_VIEW] = { .known = true, .standing = true },
		[RAFT_REC_CHECKPOINT] = { .known = true },
		[RAFT_REC_STABLE] = { .known = true, .certificate = CERTIFICATE_CHECKPOINT },
		[RAFT_REC_SNAPSHOT] = { .known = true },
		[RAFT_REC_CERTIFIED] = { .known = true, .certificate = CERTIFICATE_SNAPSHOT },
		[RAFT_REC_EXECUTED] = { .known = true },
		[RAFT_REC_TERM] = { .known = true, .standing = true },
		[RAFT_REC_ENTRY] = { .known = true },
		[RAFT_REC_CUT] = { .known = true },
	};
	static const struct bft_record_row unknown;
	return rtype < sizeof rows / sizeof rows[0] ? &rows[rtype] : &unknown;
}

static bool read_term(struct rd *r, struct raft_rec_term *t)
{
	return rd_u64(r, &t->term) && t->term <= BFT_VIEW_MAX && rd_u8(r, &t->voted) && t->voted <= BFT_MEMBERS_MAX && rd_u64(r, &t->seq) &&
	       t->seq <= BFT_SEQ_MAX && rd_u64(r, &t->seq_term) && t->seq_term <= t->term;
}

static void write_term(struct wr *w, const struct raft_rec_term *t)
{
	wr_u64(w, t->term);
	wr_u8(w, t->voted);
	wr_u64(w, t->seq);
	wr_u64(w, t->seq_term);
}

static bool read_entry(struct rd *r, struct raft_rec_entry *e)
{
	return rd_u64(r, &e->term) && e->term && e->term <= BFT_VIEW_MAX && rd_u64(r, &e->seq) && e->seq && e->seq <= BFT_SEQ_MAX &&
	       rd_bytes(r, e->digest.b, DIGEST_BYTES);
}

static void write_entry(struct wr *w, const struct raft_rec_entry *e)
{
	wr_u64(w, e->term);
	wr_u64(w, e->seq);
	wr_bytes(w, e->digest.b, DIGEST_BYTES);
}

size_t raft_record_decode(uint16_t rtype, void *data, const uint8_t *bytes, size_t n)
{
	union raft_record_body *b = data;
	struct rd r = rd_of(bytes, n);
	bool ok = false;
	switch ((enum raft_record)rtype) {
	case RAFT_REC_VIEW:
	case RAFT_REC_CHECKPOINT:
	case RAFT_REC_STABLE:
	case RAFT_REC_SNAPSHOT:
	case RAFT_REC_CERTIFIED:
	case RAFT_REC_EXECUTED: ok = record_read(rtype, data, &r); break;
	case RAFT_REC_TERM: ok = read_term(&r, &b->term); break;
	case RAFT_REC_ENTRY: ok = read_entry(&r, &b->entry); break;
	case RAFT_REC_CUT: ok = rd_u64(&r, &b->cut.seq) && b->cut.seq; break;
	}
	return ok && rd_done(&r) ? n : 0;
}

size_t raft_record_encode(uint16_t rtype, const void *data, uint8_t *bytes, size_t capacity)
{
	const union raft_record_body *b = data;
	struct wr w = wr_of(bytes, capacity);
	switch ((enum raft_record)rtype) {
	case RAFT_REC_TERM: write_term(&w, &b->term); break;
	case RAFT_REC_ENTRY: write_entry(&w, &b->entry); break;
	case RAFT_REC_CUT: wr_u64(&w, b->cut.seq); break;
	default: return record_write(rtype, data, &w) ? wr_done(&w) : 0;
	}
	return wr_done(&w);
}

bft_seq raft_record_seq(uint16_t rtype, const void *data)
{
	const union raft_record_body *b = data;
	switch ((enum raft_record)rtype) {
	case RAFT_REC_ENTRY: return b->entry.seq;
	case RAFT_REC_TERM:
	case RAFT_REC_CUT: return 0;
	default: return record_seq(rtype, data);
	}
}
