/* tests/fuzz/make/messages.c - see make.h: samples of each decoder, from what replicas and the client say and keep. */
#include "bft/bundle.h"
#include "bft/certificate.h"
#include "bft/envelope.h"
#include "bft/reply.h"
#include "tests/fuzz/make/make.h"
#include "tests/fuzz/make/samples.h"
#include "tests/fuzz/replica_bed.h"

static void sample_bundle(const uint8_t *bytes, size_t n)
{
	struct bundle b;
	char name[16];
	static unsigned seen[4];
	if (bundle_decode(&b, bytes, n) != NULL || seen[b.kind & 3] == 2)
		return;
	snprintf(name, sizeof name, "kind%u-%u", b.kind, ++seen[b.kind & 3]);
	plain("fuzz_bundle", name, bytes, n);
	struct rd r = rd_of(b.ops, b.ops_bytes);
	const uint8_t *op;
	uint32_t op_n;
	while (b.kind == BUNDLE_OPS && bundle_next_op(&r, &op, &op_n))
		sample("fuzz_kv", "operation", 0, op, op_n, 8);
}

static void sample_state(struct rd r)
{
	static unsigned seen;
	char name[16];
	uint64_t seq;
	uint32_t question, n;
	uint16_t count;
	const uint8_t *part;
	struct state_node node;
	if (!rd_u64(&r, &seq) || !rd_u32(&r, &question) || !rd_u16(&r, &count))
		return;
	while (seen < 3 && rd_u32(&r, &n) && (part = rd_take(&r, n)) != NULL && state_node_parse(&node, part, n)) {
		snprintf(name, sizeof name, "node-%u", ++seen);
		plain("fuzz_state_node", name, part, n);
	}
}

void sample_message(const uint8_t *frame, size_t n)
{
	struct rd r = rd_of(frame, n);
	struct bft_envelope e;
	char name[16];
	if (!envelope_read(&r, &e))
		return;
	if (e.type == BFT_WIRE_BUNDLE)
		sample_bundle(r.at, rd_left(&r));
	if (e.type == BFT_WIRE_PROPOSAL) {
		static unsigned seen;
		if (seen < 2) {
			snprintf(name, sizeof name, "proposal-%u", ++seen);
			plain("fuzz_proposal", name, r.at, rd_left(&r));
		}
	}
	if (e.type == BFT_WIRE_STATE)
		sample_state(r);
	if (e.type < PBFT_VOTES)
		return;
	snprintf(name, sizeof name, "type%u", e.type);
	sample("fuzz_pbft", name, (uint8_t)e.type, r.at, rd_left(&r), 1);
}

void sample_reply(const uint8_t *frame, size_t n)
{
	struct rd r = rd_of(frame, n);
	struct bft_envelope e;
	struct reply x;
	struct result result;
	if (!envelope_read(&r, &e))
		return;
	if (e.type == BFT_WIRE_STANDING)
		plain("fuzz_standing", "standing", r.at, rd_left(&r));
	bool late = e.type == BFT_WIRE_REPLY_LATE;
	if ((e.type != BFT_WIRE_REPLY && !late) || !reply_decode(&x, late, r.at, rd_left(&r)))
		return;
	sample("fuzz_reply", late ? "late" : "reply", late ? 2 : 1, r.at, rd_left(&r), 3);
	sample("fuzz_reply", "result", 0, x.result, x.result_bytes, 3);
	if (!late) { /* the same, as it would come from the session's record */
		uint8_t other[512];
		size_t head = reply_head_encode(&x, true, other, sizeof other);
		if (head == 0 || head + x.result_bytes > sizeof other)
			return;
		memcpy(other + head, x.result, x.result_bytes);
		sample("fuzz_reply", "late", 2, other, head + x.result_bytes, 3);
	}
	if (!result_decode(&result, x.result, x.result_bytes))
		abort();
	struct rd values = rd_of(result.values, result.values_bytes);
	uint32_t value_n;
	const uint8_t *value;
	while (rd_u32(&values, &value_n) && (value = rd_take(&values, value_n)) != NULL)
		sample("fuzz_kv", "answer", 1, value, value_n, 3);
}

void sample_record(void *user, const struct log_record *record)
{
	char name[16];
	(void)user;
	snprintf(name, sizeof name, "type%u", record->type);
	if (record->type == DRIVER_REC_BODY)
		return;
	sample("fuzz_record", name, (uint8_t)record->type, record->payload, record->bytes, 1);
	if (pbft_record_has_certificate(record->type)) {
		snprintf(name, sizeof name, "kind%u", record->type);
		static unsigned seen[16];
		if (seen[record->type]++ == 0)
			plain("fuzz_certificate", name, record->payload, record->bytes);
	}
}
