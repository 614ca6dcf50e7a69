#include "bft/pbft/records.h"

const struct bft_record_row *pbft_record(uint16_t rtype)
{
	static const struct bft_record_row rows[] = {
		[PBFT_REC_VIEW] = { .known = true, .standing = true },
		[PBFT_REC_PREPARE] = { .known = true },
		[PBFT_REC_COMMIT] = { .known = true, .certificate = CERTIFICATE_PREPARED },
		[PBFT_REC_VIEW_CHANGE] = { .known = true, .standing = true, .message = PBFT_VIEW_CHANGE },
		[PBFT_REC_NEW_VIEW] = { .known = true, .standing = true },
		[PBFT_REC_CHECKPOINT] = { .known = true },
		[PBFT_REC_STABLE] = { .known = true, .certificate = CERTIFICATE_CHECKPOINT },
		[PBFT_REC_SNAPSHOT] = { .known = true },
		[PBFT_REC_CERTIFIED] = { .known = true, .certificate = CERTIFICATE_SNAPSHOT },
		[PBFT_REC_EXECUTED] = { .known = true },
	};
	static const struct bft_record_row unknown;
	return rtype < sizeof rows / sizeof rows[0] ? &rows[rtype] : &unknown;
}

bool pbft_record_has_certificate(uint16_t rtype)
{
	return pbft_record(rtype)->certificate != 0;
}

static void write_vote(struct wr *w, const struct pbft_rec_vote *v)
{
	wr_u64(w, v->view);
	wr_u64(w, v->seq);
	wr_bytes(w, v->digest.b, DIGEST_BYTES);
}

static bool read_vote(struct rd *r, struct pbft_rec_vote *v)
{
	return rd_u64(r, &v->view) && rd_u64(r, &v->seq) && rd_bytes(r, v->digest.b, DIGEST_BYTES) && v->seq;
}

size_t pbft_record_encode(uint16_t rtype, const void *data, uint8_t *bytes, size_t capacity)
{
	struct wr w = wr_of(bytes, capacity);
	switch ((enum pbft_record)rtype) {
	case PBFT_REC_PREPARE: write_vote(&w, data); break;
	case PBFT_REC_VIEW_CHANGE: return pbft_encode(PBFT_VIEW_CHANGE, data, bytes, capacity);
	case PBFT_REC_NEW_VIEW: return pbft_encode(PBFT_NEW_VIEW, data, bytes, capacity);
	case PBFT_REC_VIEW:
	case PBFT_REC_CHECKPOINT:
	case PBFT_REC_SNAPSHOT:
	case PBFT_REC_EXECUTED: return record_write(rtype, data, &w) ? wr_done(&w) : 0;
	case PBFT_REC_COMMIT:
	case PBFT_REC_STABLE:
	case PBFT_REC_CERTIFIED: return 0;
	}
	return wr_done(&w);
}

static bool message_record(uint16_t type, void *out, struct rd *r)
{
	size_t used = pbft_decode(type, out, r->at, rd_left(r));
	return used && rd_take(r, used);
}

size_t pbft_record_decode(uint16_t rtype, union pbft_record_body *out, const uint8_t *bytes, size_t n)
{
	struct rd r = rd_of(bytes, n);
	bool ok = false;
	switch ((enum pbft_record)rtype) {
	case PBFT_REC_PREPARE: ok = read_vote(&r, &out->vote); break;
	case PBFT_REC_COMMIT: ok = record_read_certificate(CERTIFICATE_PREPARED, &out->certificate, &r); break;
	case PBFT_REC_VIEW_CHANGE: ok = message_record(PBFT_VIEW_CHANGE, out, &r); break;
	case PBFT_REC_NEW_VIEW: ok = message_record(PBFT_NEW_VIEW, out, &r); break;
	case PBFT_REC_VIEW:
	case PBFT_REC_EXECUTED:
	case PBFT_REC_CHECKPOINT:
	case PBFT_REC_SNAPSHOT:
	case PBFT_REC_STABLE:
	case PBFT_REC_CERTIFIED: ok = record_read(rtype, out, &r); break;
	}
	bool whole = rd_done(&r) || pbft_record(rtype)->message;
	return ok && whole && !r.failed ? (size_t)(r.at - bytes) : 0;
}

bft_seq pbft_record_seq(uint16_t rtype, const void *data)
{
	const union pbft_record_body *b = data;
	switch ((enum pbft_record)rtype) {
	case PBFT_REC_PREPARE: return b->vote.seq;
	case PBFT_REC_COMMIT: return b->certificate.seq;
	case PBFT_REC_CHECKPOINT:
	case PBFT_REC_STABLE:
	case PBFT_REC_SNAPSHOT:
	case PBFT_REC_CERTIFIED:
	case PBFT_REC_EXECUTED: return record_seq(rtype, data);
	case PBFT_REC_VIEW:
	case PBFT_REC_VIEW_CHANGE:
	case PBFT_REC_NEW_VIEW: break;
	}
	return 0;
}
