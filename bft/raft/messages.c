/* The decoder is the schema: little-endian, fixed order, no optional fields, counts checked before they bound a loop. */
#include "bft/raft/messages.h"

const struct bft_message_row *raft_message(uint16_t type)
{
	static const struct bft_message_row rows[RAFT_TYPE_END] = {
		[RAFT_CHECKPOINT] = { .known = true, .votes = true, .forwarded = true, .domain = DOMAIN_CHECKPOINT },
		[RAFT_SNAPSHOT] = { .known = true, .votes = true, .forwarded = true, .domain = DOMAIN_SNAPSHOT },
		[RAFT_STATUS] = { .known = true, .bare = true, .domain = DOMAIN_STATUS },
		[RAFT_FETCH_CHAIN] = { .known = true, .bare = true, .domain = DOMAIN_FETCH },
		[RAFT_CHAIN] = { .known = true, .bare = true, .certified = true, .domain = DOMAIN_PEER },
		[RAFT_STABLE] = { .known = true, .bare = true, .certified = true, .domain = DOMAIN_PEER },
		[RAFT_ASK_VOTE] = { .known = true, .bare = true, .votes = true, .domain = DOMAIN_PEER },
		[RAFT_VOTE] = { .known = true, .bare = true, .votes = true, .domain = DOMAIN_PEER },
		[RAFT_APPEND] = { .known = true, .bare = true, .votes = true, .domain = DOMAIN_PEER },
		[RAFT_ACK] = { .known = true, .bare = true, .votes = true, .domain = DOMAIN_PEER },
		[RAFT_ASK_READ] = { .known = true, .bare = true, .domain = DOMAIN_PEER },
		[RAFT_READ_AT] = { .known = true, .bare = true, .domain = DOMAIN_PEER },
		[RAFT_TIMEOUT_NOW] = { .known = true, .bare = true, .votes = true, .domain = DOMAIN_PEER },
	};
	static const struct bft_message_row unknown = { .domain = DOMAIN_PEER };
	return type < RAFT_TYPE_END ? &rows[type] : &unknown;
}

/* What goes into a certificate is signed; the rest is believed of the channel. */
enum bft_auth raft_needs(uint16_t type, const void *body)
{
	(void)body;
	return raft_message(type)->bare ? BFT_AUTH_CHANNEL : BFT_AUTH_SIGNED;
}

/* ---- bodies ---- */

static bool rd_term(struct rd *r, bft_view *term)
{
	return rd_u64(r, term) && *term <= BFT_VIEW_MAX;
}

static bool rd_seq(struct rd *r, bft_seq *seq)
{
	return rd_u64(r, seq) && *seq <= BFT_SEQ_MAX;
}

static bool dec_ask_vote(struct raft_ask_vote *m, struct rd *r)
{
	return rd_term(r, &m->term) && m->term > 0 && rd_u8(r, &m->kind) && m->kind <= RAFT_ASK_TRANSFER && rd_term(r, &m->last_term) &&
	       m->last_term < m->term && rd_seq(r, &m->last) && rd_seq(r, &m->commit) && m->commit <= m->last;
}

static void enc_ask_vote(const struct raft_ask_vote *m, struct wr *w)
{
	wr_u64(w, m->term);
	wr_u8(w, m->kind);
	wr_u64(w, m->last_term);
	wr_u64(w, m->last);
	wr_u64(w, m->commit);
}

static bool dec_vote(struct raft_vote *m, struct rd *r)
{
	return rd_term(r, &m->term) && m->term > 0 && rd_term(r, &m->current) && rd_u8(r, &m->kind) && m->kind <= RAFT_ASK_TRANSFER && rd_u8(r, &m->answer) &&
	       m->answer <= RAFT_DAMAGED;
}

static void enc_vote(const struct raft_vote *m, struct wr *w)
{
	wr_u64(w, m->term);
	wr_u64(w, m->current);
	wr_u8(w, m->kind);
	wr_u8(w, m->answer);
}

/* Terms never fall along a log, and none is from beyond its leader's. */
static bool dec_append(struct raft_append *m, struct rd *r)
{
	if (!rd_term(r, &m->term) || m->term == 0 || !rd_u64(r, &m->round) || !rd_seq(r, &m->prev) || !rd_term(r, &m->prev_term) || !rd_seq(r, &m->commit) ||
	    !rd_u16(r, &m->count) || m->count > RAFT_ENTRIES_MAX || m->prev_term > m->term || m->prev > BFT_SEQ_MAX - m->count)
		return false;
	bft_view last = m->prev_term;
	for (uint16_t i = 0; i < m->count; i++) {
		if (!rd_term(r, &m->entry[i].term) || !rd_bytes(r, m->entry[i].digest.b, DIGEST_BYTES))
			return false;
		if (m->entry[i].term == 0 || m->entry[i].term < last || m->entry[i].term > m->term)
			return false;
		last = m->entry[i].term;
	}
	return true;
}

static void enc_append(const struct raft_append *m, struct wr *w)
{
	wr_u64(w, m->term);
	wr_u64(w, m->round);
	wr_u64(w, m->prev);
	wr_u64(w, m->prev_term);
	wr_u64(w, m->commit);
	wr_u16(w, m->count);
	for (uint16_t i = 0; i < m->count; i++) {
		wr_u64(w, m->entry[i].term);
		wr_bytes(w, m->entry[i].digest.b, DIGEST_BYTES);
	}
}

static bool dec_ack(struct raft_ack *m, struct rd *r)
{
	return rd_term(r, &m->term) && m->term > 0 && rd_u64(r, &m->round) && rd_u8(r, &m->kind) && m->kind <= RAFT_ACK_CONFLICT && rd_u8(r, &m->learner) &&
	       m->learner <= 1 && rd_seq(r, &m->match) && rd_term(r, &m->conflict_term) && (m->kind == RAFT_ACK_CONFLICT || m->conflict_term == 0);
}

static void enc_ack(const struct raft_ack *m, struct wr *w)
{
	wr_u64(w, m->term);
	wr_u64(w, m->round);
	wr_u8(w, m->kind);
	wr_u8(w, m->learner);
	wr_u64(w, m->match);
	wr_u64(w, m->conflict_term);
}

static bool dec_read(struct raft_read *m, struct rd *r)
{
	return rd_term(r, &m->term) && rd_u64(r, &m->id) && rd_seq(r, &m->seq);
}

static void enc_read(const struct raft_read *m, struct wr *w)
{
	wr_u64(w, m->term);
	wr_u64(w, m->id);
	wr_u64(w, m->seq);
}

static bool dec_status(struct raft_status *m, struct rd *r)
{
	return rd_term(r, &m->term) && rd_seq(r, &m->low) && rd_seq(r, &m->executed) && rd_u64(r, &m->checkpoints) && rd_seq(r, &m->snapshot) &&
	       rd_u64(r, &m->snapshots);
}

static void enc_status(const struct raft_status *m, struct wr *w)
{
	wr_u64(w, m->term);
	wr_u64(w, m->low);
	wr_u64(w, m->executed);
	wr_u64(w, m->checkpoints);
	wr_u64(w, m->snapshot);
	wr_u64(w, m->snapshots);
}

size_t raft_decode(uint16_t type, void *body, const uint8_t *bytes, size_t n)
{
	union raft_body *m = body;
	struct rd r = rd_of(bytes, n);
	bool ok = false;
	switch ((enum raft_type)type) {
	case RAFT_CHECKPOINT:
	case RAFT_SNAPSHOT:
	case RAFT_FETCH_CHAIN:
	case RAFT_CHAIN:
	case RAFT_STABLE: ok = message_read(type, body, &r); break;
	case RAFT_STATUS: ok = dec_status(&m->status, &r); break;
	case RAFT_ASK_VOTE: ok = dec_ask_vote(&m->ask_vote, &r); break;
	case RAFT_VOTE: ok = dec_vote(&m->vote, &r); break;
	case RAFT_APPEND: ok = dec_append(&m->append, &r); break;
	case RAFT_ACK: ok = dec_ack(&m->ack, &r); break;
	case RAFT_ASK_READ:
	case RAFT_READ_AT: ok = dec_read(&m->read, &r); break;
	case RAFT_TIMEOUT_NOW: ok = rd_term(&r, &m->timeout_now.term); break;
	case RAFT_TYPE_END: break;
	}
	return ok && !r.failed ? (size_t)(r.at - bytes) : 0;
}

size_t raft_encode(uint16_t type, const void *body, uint8_t *bytes, size_t capacity)
{
	const union raft_body *m = body;
	struct wr w = wr_of(bytes, capacity);
	switch ((enum raft_type)type) {
	case RAFT_CHECKPOINT:
	case RAFT_SNAPSHOT:
	case RAFT_FETCH_CHAIN:
	case RAFT_CHAIN:
	case RAFT_STABLE: return message_write(type, body, &w) ? wr_done(&w) : 0;
	case RAFT_STATUS: enc_status(&m->status, &w); break;
	case RAFT_ASK_VOTE: enc_ask_vote(&m->ask_vote, &w); break;
	case RAFT_VOTE: enc_vote(&m->vote, &w); break;
	case RAFT_APPEND: enc_append(&m->append, &w); break;
	case RAFT_ACK: enc_ack(&m->ack, &w); break;
	case RAFT_ASK_READ:
	case RAFT_READ_AT: enc_read(&m->read, &w); break;
	case RAFT_TIMEOUT_NOW: wr_u64(&w, m->timeout_now.term); break;
	case RAFT_TYPE_END: return 0;
	}
	return wr_done(&w);
}
