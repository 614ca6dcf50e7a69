/* The core's records in the log: what is written is read, to the last byte, and nothing else is. */
#include "bft/pbft/records.h"
#include "tests/unit/unit.h"

#include <string.h>

static union pbft_record_body body, back;
static struct certificate certificate;
static uint8_t bytes[BFT_RECORD_BYTES_MAX + 64];

static const uint16_t types[] = { PBFT_REC_VIEW,       PBFT_REC_PREPARE, PBFT_REC_COMMIT,   PBFT_REC_VIEW_CHANGE, PBFT_REC_NEW_VIEW,
	                          PBFT_REC_CHECKPOINT, PBFT_REC_STABLE,  PBFT_REC_SNAPSHOT, PBFT_REC_CERTIFIED,   PBFT_REC_EXECUTED };
#define TYPES (sizeof types / sizeof types[0])

static struct digest some(uint8_t i)
{
	struct digest d;
	memset(d.b, i, sizeof d.b);
	return d;
}

static size_t encode_certificate(enum certificate_kind kind)
{
	memset(&certificate, 0, sizeof certificate);
	certificate.epoch = 1;
	certificate.kind = kind;
	certificate.view = kind == CERTIFICATE_PREPARED ? 3 : 0;
	certificate.seq = 64;
	certificate.digest = some(4);
	if (kind == CERTIFICATE_SNAPSHOT)
		certificate.root = some(5);
	for (uint8_t i = 0; i < 3; i++) {
		struct signature signature;
		memset(signature.b, i, sizeof signature.b);
		CU_ASSERT_TRUE(certificate_add(&certificate, (uint8_t)(2 * i), NULL, 0, &signature));
	}
	return certificate_encode(&certificate, bytes, sizeof bytes);
}

/* A record of `type` in `body` and `bytes`; `count` of whatever it counts. */
static size_t fill(uint16_t type, uint16_t count)
{
	memset(&body, 0, sizeof body);
	switch ((enum pbft_record)type) {
	case PBFT_REC_VIEW: body.view = (struct bft_rec_view){ .view = 7, .entered = 1, .epoch = 2, .base = 64, .mode = BFT_MODE_BFT, .members = 0xf }; break;
	case PBFT_REC_PREPARE: body.vote = (struct pbft_rec_vote){ .view = 7, .seq = 64, .digest = some(1) }; break;
	case PBFT_REC_COMMIT: return encode_certificate(CERTIFICATE_PREPARED);
	case PBFT_REC_STABLE: return encode_certificate(CERTIFICATE_CHECKPOINT);
	case PBFT_REC_CERTIFIED: return encode_certificate(CERTIFICATE_SNAPSHOT);
	case PBFT_REC_VIEW_CHANGE:
		body.view_change = (struct pbft_view_change){ .view = 9, .stable = 64, .chain = some(2), .count = count };
		for (uint16_t i = 0; i < count; i++)
			body.view_change.prepared[i] = (struct pbft_prepared){ .seq = 65u + i, .view = 8, .digest = some((uint8_t)i) };
		break;
	case PBFT_REC_NEW_VIEW:
		body.new_view = (struct pbft_new_view){ .view = 9, .stable = 64, .chain = some(2), .sources_count = 3, .count = count };
		for (uint8_t i = 0; i < 3; i++) {
			body.new_view.source[i].member = i;
			body.new_view.source[i].digest = some(i);
		}
		for (uint16_t i = 0; i < count; i++)
			body.new_view.digest[i] = some((uint8_t)i);
		break;
	case PBFT_REC_CHECKPOINT: body.checkpoint = (struct bft_checkpoint){ .seq = 64, .chain = some(1) }; break;
	case PBFT_REC_SNAPSHOT: body.snapshot = (struct bft_snapshot){ .seq = 64, .chain = some(1), .root = some(2) }; break;
	case PBFT_REC_EXECUTED: body.executed = (struct bft_rec_executed){ .seq = 64, .proposal = some(1), .chain = some(2), .results = some(3) }; break;
	}
	return pbft_record_encode(type, &body, bytes, sizeof bytes);
}

static void what_is_written_is_read(void)
{
	static uint8_t again[sizeof bytes];
	for (size_t t = 0; t < TYPES; t++)
		for (uint16_t count = 0; count <= BFT_WINDOW_MAX; count = (uint16_t)(count * 16 + 1)) {
			size_t n = fill(types[t], count);
			CU_ASSERT_TRUE_FATAL(n > 0 && n <= BFT_RECORD_BYTES_MAX);
			memset(&back, 0xEE, sizeof back);
			CU_ASSERT_EQUAL(pbft_record_decode(types[t], &back, bytes, n), n);
			CU_ASSERT_EQUAL(pbft_record_has_certificate(types[t]),
			                types[t] == PBFT_REC_COMMIT || types[t] == PBFT_REC_STABLE || types[t] == PBFT_REC_CERTIFIED);
			if (pbft_record_has_certificate(types[t])) {
				CU_ASSERT_EQUAL(pbft_record_encode(types[t], &back, again, sizeof again), 0);
				continue;
			}
			CU_ASSERT_EQUAL(pbft_record_encode(types[t], &back, again, sizeof again), n);
			CU_ASSERT_EQUAL(memcmp(bytes, again, n), 0);
			CU_ASSERT_EQUAL(pbft_record_encode(types[t], &back, again, n - 1), 0);
		}
}

static void a_certificate_says_what_the_core_must_know(void)
{
	static const enum certificate_kind kinds[] = { CERTIFICATE_PREPARED, CERTIFICATE_CHECKPOINT, CERTIFICATE_SNAPSHOT };
	static const uint16_t rtypes[] = { PBFT_REC_COMMIT, PBFT_REC_STABLE, PBFT_REC_CERTIFIED };
	for (int i = 0; i < 3; i++) {
		size_t n = encode_certificate(kinds[i]);
		struct digest none = { { 0 } };
		for (int k = 0; k < 3; k++) /* each certificate has its own record */
			CU_ASSERT_EQUAL(pbft_record_decode(rtypes[k], &back, bytes, n), k == i ? n : 0);
		CU_ASSERT_EQUAL(pbft_record_decode(rtypes[i], &back, bytes, n), n);
		const struct bft_certificate_refs *c = &back.certificate;
		CU_ASSERT_TRUE(c->view == (i == 0 ? 3 : 0) && c->seq == 64 && digest_equal(&c->digest, &certificate.digest));
		CU_ASSERT_TRUE(digest_equal(&c->root, i == 2 ? &certificate.root : &none));
		CU_ASSERT_EQUAL(c->signers, BFT_BIT(0) | BFT_BIT(2) | BFT_BIT(4));
		for (uint32_t k = 0; k < BFT_MEMBERS_MAX; k++)
			CU_ASSERT_EQUAL(c->wire[k], 0);
		CU_ASSERT_EQUAL(c->whole, 0);
	}
}

static void whatever_is_cut_is_refused(void)
{
	for (size_t t = 0; t < TYPES; t++) {
		size_t n = fill(types[t], 5);
		for (size_t cut = 0; cut < n; cut++)
			CU_ASSERT_EQUAL(pbft_record_decode(types[t], &back, bytes, cut), 0);
	}
}

/* Only a VIEW-CHANGE's certificates follow their record. */
static void whatever_follows_is_refused(void)
{
	for (size_t t = 0; t < TYPES; t++) {
		size_t n = fill(types[t], 5);
		memset(bytes + n, 0, 10);
		CU_ASSERT_EQUAL(pbft_record_decode(types[t], &back, bytes, n + 1), types[t] == PBFT_REC_VIEW_CHANGE ? n : 0);
		CU_ASSERT_EQUAL(pbft_record_decode(types[t], &back, bytes, n + 10), types[t] == PBFT_REC_VIEW_CHANGE ? n : 0);
	}
}

static void values_have_bounds(void)
{
	size_t n = fill(PBFT_REC_VIEW, 0);
	bytes[8] = BFT_VIEW_BEGINS + 1;
	CU_ASSERT_EQUAL(pbft_record_decode(PBFT_REC_VIEW, &back, bytes, n), 0);
	bytes[8] = BFT_VIEW_BEGINS;
	CU_ASSERT_EQUAL(pbft_record_decode(PBFT_REC_VIEW, &back, bytes, n), n);
	bytes[8] = 0;
	CU_ASSERT_EQUAL(pbft_record_decode(PBFT_REC_VIEW, &back, bytes, n), n);
	memset(bytes, 0xFF, 8);
	CU_ASSERT_EQUAL(pbft_record_decode(PBFT_REC_VIEW, &back, bytes, n), 0);
	n = fill(PBFT_REC_PREPARE, 0);
	memset(bytes + 8, 0, 8);
	CU_ASSERT_EQUAL(pbft_record_decode(PBFT_REC_PREPARE, &back, bytes, n), 0);
	n = fill(PBFT_REC_CHECKPOINT, 0);
	memset(bytes, 0xFF, 8);
	CU_ASSERT_EQUAL(pbft_record_decode(PBFT_REC_CHECKPOINT, &back, bytes, n), 0);
}

/* The counts behind VIEW-CHANGE and NEW-VIEW, with as many bytes as may be. */
static void counts_are_checked_before_they_bound_anything(void)
{
	static const uint16_t counts[] = { BFT_WINDOW_MAX + 1, 0x7FFF, UINT16_MAX };
	for (size_t i = 0; i < 3; i++) {
		fill(PBFT_REC_VIEW_CHANGE, 5);
		bytes[48] = (uint8_t)counts[i];
		bytes[49] = (uint8_t)(counts[i] >> 8);
		CU_ASSERT_EQUAL(pbft_record_decode(PBFT_REC_VIEW_CHANGE, &back, bytes, sizeof bytes), 0);
		size_t n = fill(PBFT_REC_NEW_VIEW, 5), at = 8 + 8 + 32 + 1 + 3 * 33;
		CU_ASSERT_TRUE(n > at && bytes[at] == 5);
		bytes[at] = (uint8_t)counts[i];
		bytes[at + 1] = (uint8_t)(counts[i] >> 8);
		CU_ASSERT_EQUAL(pbft_record_decode(PBFT_REC_NEW_VIEW, &back, bytes, sizeof bytes), 0);
	}
}

static void types_of_other_releases_are_refused(void)
{
	size_t n = fill(PBFT_REC_CHECKPOINT, 0);
	for (uint32_t type = 0; type < 65536; type++)
		if (type < PBFT_REC_VIEW || type > PBFT_REC_EXECUTED)
			CU_ASSERT_EQUAL(pbft_record_decode((uint16_t)type, &back, bytes, n), 0);
}

static void a_record_says_what_it_is_about(void)
{
	for (size_t t = 0; t < TYPES; t++) {
		size_t n = fill(types[t], 5);
		bool views = types[t] == PBFT_REC_VIEW || types[t] == PBFT_REC_VIEW_CHANGE || types[t] == PBFT_REC_NEW_VIEW;
		CU_ASSERT_EQUAL(pbft_record_decode(types[t], &back, bytes, n), n);
		CU_ASSERT_EQUAL(pbft_record_seq(types[t], &back), views ? 0 : 64);
	}
}

int main(void)
{
	static const struct unit_case cases[] = {
		{ "what is written is read", what_is_written_is_read },
		{ "a certificate says what the core must know", a_certificate_says_what_the_core_must_know },
		{ "whatever is cut is refused", whatever_is_cut_is_refused },
		{ "whatever follows is refused", whatever_follows_is_refused },
		{ "values have bounds", values_have_bounds },
		{ "counts are checked before they bound anything", counts_are_checked_before_they_bound_anything },
		{ "types of other releases are refused", types_of_other_releases_are_refused },
		{ "a record says what it is about", a_record_says_what_it_is_about },
		{ 0 },
	};
	return unit_main("records", cases);
}
