#include "bft/pbft/records.h"

_Static_assert(CERTIFICATE_BYTES_MAX <= PBFT_RECORD_BYTES_MAX, "a certificate is a record");

bool pbft_record_has_certificate(uint16_t rtype)
{
	return rtype == PBFT_REC_COMMIT || rtype == PBFT_REC_STABLE || rtype == PBFT_REC_CERTIFIED;
}

size_t pbft_record_encode(uint16_t rtype, const void *data, uint8_t *bytes, size_t capacity)
{
	struct wr w = wr_of(bytes, capacity);
	const union pbft_record_body *b = data;
	switch ((enum pbft_record)rtype) {
	case PBFT_REC_VIEW:
		wr_u64(&w, b->view.view);
		wr_u8(&w, b->view.entered);
		wr_u64(&w, b->view.epoch);
		wr_u64(&w, b->view.base);
		wr_bytes(&w, b->view.chain.b, DIGEST_BYTES);
		break;
	case PBFT_REC_PREPARE:
		wr_u64(&w, b->vote.view);
		wr_u64(&w, b->vote.seq);
		wr_bytes(&w, b->vote.digest.b, DIGEST_BYTES);
		break;
	case PBFT_REC_EXECUTED:
		wr_u64(&w, b->executed.seq);
		wr_bytes(&w, b->executed.proposal.b, DIGEST_BYTES);
		wr_bytes(&w, b->executed.chain.b, DIGEST_BYTES);
		wr_bytes(&w, b->executed.results.b, DIGEST_BYTES);
		break;
	case PBFT_REC_VIEW_CHANGE: return pbft_encode(PBFT_VIEW_CHANGE, data, bytes, capacity);
	case PBFT_REC_NEW_VIEW: return pbft_encode(PBFT_NEW_VIEW, data, bytes, capacity);
	case PBFT_REC_CHECKPOINT: return pbft_encode(PBFT_CHECKPOINT, data, bytes, capacity);
	case PBFT_REC_SNAPSHOT: return pbft_encode(PBFT_SNAPSHOT, data, bytes, capacity);
	case PBFT_REC_COMMIT:
	case PBFT_REC_STABLE:
	case PBFT_REC_CERTIFIED: return 0;
	}
	return wr_done(&w);
}

static bool read_certificate(uint16_t rtype, struct pbft_certificate_refs *out, struct rd *r)
{
	static const enum certificate_kind kind_of[] = {
		[PBFT_REC_COMMIT] = CERTIFICATE_PREPARED, [PBFT_REC_STABLE] = CERTIFICATE_CHECKPOINT, [PBFT_REC_CERTIFIED] = CERTIFICATE_SNAPSHOT
	};
	struct certificate c;
	if (!certificate_read(r, &c) || c.kind != kind_of[rtype])
		return false;
	*out = (struct pbft_certificate_refs){ .view = c.view, .seq = c.seq, .digest = c.digest, .root = c.root };
	for (uint8_t i = 0; i < c.count; i++)
		out->signers |= BFT_BIT(c.by[i].member);
	return true;
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
	case PBFT_REC_VIEW:
		ok = rd_u64(&r, &out->view.view) && rd_u8(&r, &out->view.entered) && rd_u64(&r, &out->view.epoch) && rd_u64(&r, &out->view.base) &&
		     rd_bytes(&r, out->view.chain.b, DIGEST_BYTES) && out->view.entered <= PBFT_VIEW_BEGINS && out->view.view <= BFT_VIEW_MAX &&
		     out->view.epoch;
		break;
	case PBFT_REC_PREPARE:
		ok = rd_u64(&r, &out->vote.view) && rd_u64(&r, &out->vote.seq) && rd_bytes(&r, out->vote.digest.b, DIGEST_BYTES) && out->vote.seq;
		break;
	case PBFT_REC_EXECUTED:
		ok = rd_u64(&r, &out->executed.seq) && rd_bytes(&r, out->executed.proposal.b, DIGEST_BYTES) &&
		     rd_bytes(&r, out->executed.chain.b, DIGEST_BYTES) && rd_bytes(&r, out->executed.results.b, DIGEST_BYTES);
		break;
	case PBFT_REC_COMMIT:
	case PBFT_REC_STABLE:
	case PBFT_REC_CERTIFIED: ok = read_certificate(rtype, &out->certificate, &r); break;
	case PBFT_REC_VIEW_CHANGE: ok = message_record(PBFT_VIEW_CHANGE, out, &r); break;
	case PBFT_REC_NEW_VIEW: ok = message_record(PBFT_NEW_VIEW, out, &r); break;
	case PBFT_REC_CHECKPOINT: ok = message_record(PBFT_CHECKPOINT, out, &r); break;
	case PBFT_REC_SNAPSHOT: ok = message_record(PBFT_SNAPSHOT, out, &r); break;
	}
	bool whole = rd_done(&r) || rtype == PBFT_REC_VIEW_CHANGE;
	return ok && whole && !r.failed ? (size_t)(r.at - bytes) : 0;
}

bft_seq pbft_record_seq(uint16_t rtype, const void *data)
{
	const union pbft_record_body *b = data;
	switch ((enum pbft_record)rtype) {
	case PBFT_REC_PREPARE: return b->vote.seq;
	case PBFT_REC_COMMIT:
	case PBFT_REC_STABLE:
	case PBFT_REC_CERTIFIED: return b->certificate.seq;
	case PBFT_REC_CHECKPOINT: return b->checkpoint.seq;
	case PBFT_REC_SNAPSHOT: return b->snapshot.seq;
	case PBFT_REC_EXECUTED: return b->executed.seq;
	case PBFT_REC_VIEW:
	case PBFT_REC_VIEW_CHANGE:
	case PBFT_REC_NEW_VIEW: break;
	}
	return 0;
}
