#include "bft/records.h"

_Static_assert(CERTIFICATE_BYTES_MAX <= BFT_RECORD_BYTES_MAX, "a certificate is a record");

static void write_view(struct wr *w, const struct bft_rec_view *v)
{
	wr_u64(w, v->view);
	wr_u8(w, v->entered);
	wr_u64(w, v->epoch);
	wr_u64(w, v->base);
	wr_bytes(w, v->chain.b, DIGEST_BYTES);
	wr_u8(w, (uint8_t)v->mode);
	wr_u64(w, v->members);
}

static bool read_view(struct rd *r, struct bft_rec_view *v)
{
	uint8_t mode;
	if (!rd_u64(r, &v->view) || !rd_u8(r, &v->entered) || !rd_u64(r, &v->epoch) || !rd_u64(r, &v->base) || !rd_bytes(r, v->chain.b, DIGEST_BYTES) ||
	    !rd_u8(r, &mode) || !rd_u64(r, &v->members))
		return false;
	v->mode = (enum bft_mode)mode;
	return v->entered <= BFT_VIEW_BEGINS && v->view <= BFT_VIEW_MAX && v->epoch && (mode == BFT_MODE_BFT || mode == BFT_MODE_TRUSTED) && v->members;
}

static void write_executed(struct wr *w, const struct bft_rec_executed *x)
{
	wr_u64(w, x->seq);
	wr_bytes(w, x->proposal.b, DIGEST_BYTES);
	wr_bytes(w, x->chain.b, DIGEST_BYTES);
	wr_bytes(w, x->results.b, DIGEST_BYTES);
}

static bool read_executed(struct rd *r, struct bft_rec_executed *x)
{
	return rd_u64(r, &x->seq) && rd_bytes(r, x->proposal.b, DIGEST_BYTES) && rd_bytes(r, x->chain.b, DIGEST_BYTES) &&
	       rd_bytes(r, x->results.b, DIGEST_BYTES);
}

bool record_write(uint16_t rtype, const void *data, struct wr *w)
{
	switch ((enum bft_record)rtype) {
	case BFT_REC_VIEW: write_view(w, data); return !w->failed;
	case BFT_REC_EXECUTED: write_executed(w, data); return !w->failed;
	case BFT_REC_CHECKPOINT: return message_write(BFT_MSG_CHECKPOINT, data, w);
	case BFT_REC_SNAPSHOT: return message_write(BFT_MSG_SNAPSHOT, data, w);
	case BFT_REC_STABLE:
	case BFT_REC_CERTIFIED: break;
	}
	return false;
}

bool record_read_certificate(enum certificate_kind kind, struct bft_certificate_refs *out, struct rd *r)
{
	struct certificate c;
	if (!certificate_read(r, &c) || c.kind != kind)
		return false;
	*out = (struct bft_certificate_refs){ .view = c.view, .seq = c.seq, .digest = c.digest, .root = c.root };
	for (uint8_t i = 0; i < c.count; i++)
		out->signers |= BFT_BIT(c.by[i].member);
	return true;
}

bool record_read(uint16_t rtype, void *data, struct rd *r)
{
	switch ((enum bft_record)rtype) {
	case BFT_REC_VIEW: return read_view(r, data);
	case BFT_REC_EXECUTED: return read_executed(r, data);
	case BFT_REC_CHECKPOINT: return message_read(BFT_MSG_CHECKPOINT, data, r);
	case BFT_REC_SNAPSHOT: return message_read(BFT_MSG_SNAPSHOT, data, r);
	case BFT_REC_STABLE: return record_read_certificate(CERTIFICATE_CHECKPOINT, data, r);
	case BFT_REC_CERTIFIED: return record_read_certificate(CERTIFICATE_SNAPSHOT, data, r);
	}
	return false;
}

bft_seq record_seq(uint16_t rtype, const void *data)
{
	switch ((enum bft_record)rtype) {
	case BFT_REC_STABLE:
	case BFT_REC_CERTIFIED: return ((const struct bft_certificate_refs *)data)->seq;
	case BFT_REC_CHECKPOINT: return ((const struct bft_checkpoint *)data)->seq;
	case BFT_REC_SNAPSHOT: return ((const struct bft_snapshot *)data)->seq;
	case BFT_REC_EXECUTED: return ((const struct bft_rec_executed *)data)->seq;
	case BFT_REC_VIEW: break;
	}
	return 0;
}
