/* What PBFT replicas say, to the byte. One value has one encoding; counts are checked before they bound a loop; what is cut is refused. */
#include "bft/certificate.h"
#include "bft/codec.h"
#include "bft/pbft/messages.h"
#include "crypto/merkle.h"
#include "tests/unit/unit.h"

#include <stdlib.h>
#include <string.h>

#define BYTES_MAX (64u * 1024u)

static struct digest some(uint64_t i)
{
	struct digest d;
	digest_of(&d, DOMAIN_TEST, &i, sizeof i);
	return d;
}

/* A well-formed message of `type` with `count` of whatever it counts. */
static void fill(union pbft_body *m, uint16_t type, uint16_t count)
{
	memset(m, 0, sizeof *m);
	switch ((enum pbft_type)type) {
	case PBFT_VOTES:
		m->votes.view = 7;
		m->votes.count = count;
		for (uint16_t i = 0; i < count; i++)
			m->votes.leaf[i] = (struct bft_leaf){ .kind = (uint8_t)(1 + i % 3), .seq = 1u + i, .digest = some(i) };
		break;
	case PBFT_SUSPECT: m->suspect = (struct pbft_suspect){ .view = 3, .standing = 1 }; break;
	case PBFT_VIEW_CHANGE:
		m->view_change.view = 9;
		m->view_change.stable = 64;
		m->view_change.chain = some(1);
		m->view_change.count = count;
		for (uint16_t i = 0; i < count; i++)
			m->view_change.prepared[i] = (struct pbft_prepared){ .seq = 65u + i, .view = i % 9u, .digest = some(i) };
		break;
	case PBFT_NEW_VIEW:
		m->new_view.view = 9;
		m->new_view.stable = 64;
		m->new_view.chain = some(1);
		m->new_view.sources_count = 3;
		for (uint8_t i = 0; i < 3; i++) {
			m->new_view.source[i].member = (uint8_t)(2 * i);
			m->new_view.source[i].digest = some(i);
		}
		m->new_view.count = count;
		for (uint16_t i = 0; i < count; i++)
			m->new_view.digest[i] = some(100u + i);
		break;
	case PBFT_STABLE: /* the body of a CHECKPOINT; its certificate follows on the wire */
	case PBFT_CHECKPOINT: m->checkpoint = (struct bft_checkpoint){ .seq = 128, .chain = some(2) }; break;
	case PBFT_SNAPSHOT: m->snapshot = (struct bft_snapshot){ .seq = 128, .chain = some(2), .root = some(3) }; break;
	case PBFT_STATUS:
		m->status = (struct pbft_status){
			.view = 2, .flags = 5, .low = 64, .executed = 70, .view_changes = 3, .checkpoints = 1, .snapshot = 64, .snapshots = 15, .count = count
		};
		for (uint16_t i = 0; i < count; i++) {
			m->status.open[i].prepares = UINT64_MAX - i;
			m->status.open[i].commits = i;
		}
		break;
	case PBFT_RECALL: m->recall.stable = 64; break;
	case PBFT_RECALL_DONE: break;
	case PBFT_FETCH_VIEW_CHANGE: m->fetch_view_change.digest = some(4); break;
	case PBFT_FETCH_CHAIN: m->fetch_chain.from = 12; break;
	case PBFT_PASS_OVER: m->pass_over.member = 63; break;
	case PBFT_CHAIN:
		m->chain.from = 65;
		m->chain.count = count;
		m->chain.end = 64u + count;
		m->chain.chain = some(5);
		for (uint16_t i = 0; i < count; i++) {
			m->chain.entry[i].proposal = some(i);
			m->chain.entry[i].results = some(1000u + i);
		}
		break;
	case PBFT_TYPE_END: break;
	}
}

static uint16_t most(uint16_t type)
{
	return type == PBFT_VOTES ? BFT_LEAVES_MAX : BFT_WINDOW_MAX;
}

static size_t encoded(uint16_t type, uint16_t count, uint8_t *bytes)
{
	static union pbft_body m;
	fill(&m, type, count);
	return pbft_encode(type, &m, bytes, BYTES_MAX);
}

static bool refused(uint16_t type, const uint8_t *bytes, size_t n)
{
	static union pbft_body m;
	return pbft_decode(type, &m, bytes, n) == 0;
}

/* What was decoded is encoded to the same bytes. */
static bool canonical(uint16_t type, const uint8_t *bytes, size_t n)
{
	static union pbft_body m;
	static uint8_t again[BYTES_MAX];
	memset(&m, 0xA5, sizeof m);
	size_t used = pbft_decode(type, &m, bytes, n);
	return used && used <= n && pbft_encode(type, &m, again, sizeof again) == used && memcmp(bytes, again, used) == 0;
}

static void round_trip(void)
{
	static uint8_t bytes[BYTES_MAX];
	static union pbft_body m, back;
	for (uint16_t type = PBFT_VOTES; type < PBFT_TYPE_END; type++)
		for (uint16_t count = type == PBFT_VOTES ? 1 : 0; count <= most(type); count = (uint16_t)(count * 2 + 1)) {
			fill(&m, type, count);
			size_t n = pbft_encode(type, &m, bytes, sizeof bytes);
			CU_ASSERT(n > 0);
			memset(&back, 0, sizeof back);
			CU_ASSERT(pbft_decode(type, &back, bytes, n) == n);
			CU_ASSERT(canonical(type, bytes, n));
			/* RECALL_DONE has no field; every other one comes back as it was, to the last. */
			CU_ASSERT(memcmp(&m, &back, sizeof m) == 0);
		}
}

static void largest_messages(void)
{
	static uint8_t bytes[BYTES_MAX];
	for (uint16_t type = PBFT_VOTES; type < PBFT_TYPE_END; type++) {
		size_t n = encoded(type, most(type), bytes);
		CU_ASSERT(n > 0 && n <= BYTES_MAX && canonical(type, bytes, n));
	}
}

static void every_truncation_is_refused(void)
{
	static uint8_t bytes[BYTES_MAX];
	for (uint16_t type = PBFT_VOTES; type < PBFT_TYPE_END; type++) {
		size_t n = encoded(type, 3, bytes);
		for (size_t cut = 0; cut < n; cut++) {
			uint8_t *part = malloc(cut ? cut : 1);
			memcpy(part, bytes, cut);
			CU_ASSERT(refused(type, part, cut));
			free(part);
		}
	}
}

static void encoding_keeps_its_bound(void)
{
	static uint8_t bytes[BYTES_MAX];
	static union pbft_body m;
	for (uint16_t type = PBFT_VOTES; type < PBFT_TYPE_END; type++) {
		fill(&m, type, 3);
		size_t n = pbft_encode(type, &m, bytes, sizeof bytes);
		for (size_t capacity = 0; capacity < n; capacity++) {
			uint8_t *small = malloc(capacity ? capacity : 1);
			CU_ASSERT(pbft_encode(type, &m, small, capacity) == 0);
			free(small);
		}
	}
}

static void trailing_bytes_show_in_the_length(void)
{
	static uint8_t bytes[BYTES_MAX + 1];
	static union pbft_body m;
	for (uint16_t type = PBFT_VOTES; type < PBFT_TYPE_END; type++) {
		size_t n = encoded(type, 2, bytes);
		bytes[n] = 0x5A;
		CU_ASSERT(pbft_decode(type, &m, bytes, n + 1) == n);
	}
}

/* Where each count stands in the encoding, how wide it is, and the largest value allowed. */
static const struct count_field {
	uint16_t type;
	size_t at;
	unsigned bytes;
	uint64_t most;
} count_fields[] = {
	{ PBFT_VOTES, 8, 2, BFT_LEAVES_MAX },
	{ PBFT_VIEW_CHANGE, 8 + 8 + 32, 2, BFT_WINDOW_MAX },
	{ PBFT_NEW_VIEW, 8 + 8 + 32, 1, BFT_MEMBERS_MAX },
	{ PBFT_NEW_VIEW, 8 + 8 + 32 + 1 + 3 * 33, 2, BFT_WINDOW_MAX },
	{ PBFT_STATUS, 8 + 1 + 8 + 8 + 8 + 8 + 8 + 8, 2, BFT_WINDOW_MAX },
	{ PBFT_CHAIN, 8, 2, BFT_WINDOW_MAX },
};

static void put(uint8_t *at, uint64_t v, unsigned bytes)
{
	for (unsigned i = 0; i < bytes; i++)
		at[i] = (uint8_t)(v >> (8 * i));
}

static void counts_are_limited(void)
{
	static uint8_t bytes[4 * BYTES_MAX];
	for (size_t k = 0; k < sizeof count_fields / sizeof count_fields[0]; k++) {
		const struct count_field *f = &count_fields[k];
		uint64_t all = f->bytes == 1 ? UINT8_MAX : UINT16_MAX;
		/* With all the bytes there that the count promises, and more: the count alone is the reason. */
		memset(bytes, 1, sizeof bytes);
		encoded(f->type, 3, bytes);
		const uint64_t wrong[] = { f->most + 1, all / 2, all - 1, all };
		for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
			put(bytes + f->at, wrong[i], f->bytes);
			CU_ASSERT(refused(f->type, bytes, sizeof bytes));
		}
	}
}

/* Where each view and sequence stands. */
static const struct number_field {
	uint16_t type;
	size_t at;
	bool zero_allowed;
} number_fields[] = {
	{ PBFT_VOTES, 0, true },
	{ PBFT_VOTES, 8 + 2 + 1, false },
	{ PBFT_SUSPECT, 0, true },
	{ PBFT_VIEW_CHANGE, 0, false },
	{ PBFT_VIEW_CHANGE, 8, true },
	{ PBFT_VIEW_CHANGE, 8 + 8 + 32 + 2, false },
	{ PBFT_VIEW_CHANGE, 8 + 8 + 32 + 2 + 8, true },
	{ PBFT_NEW_VIEW, 0, false },
	{ PBFT_NEW_VIEW, 8, true },
	{ PBFT_CHECKPOINT, 0, true }, /* 0 is the core's to refuse */
	{ PBFT_SNAPSHOT, 0, true },
	{ PBFT_STABLE, 0, true },
	{ PBFT_STATUS, 0, true },
	{ PBFT_STATUS, 9, true },
	{ PBFT_STATUS, 17, true },
	{ PBFT_RECALL, 0, true },
	{ PBFT_FETCH_CHAIN, 0, false },
	{ PBFT_CHAIN, 0, false },
	{ PBFT_CHAIN, 8 + 2, false },
};

static void numbers_are_limited(void)
{
	static uint8_t bytes[BYTES_MAX];
	for (size_t k = 0; k < sizeof number_fields / sizeof number_fields[0]; k++) {
		const struct number_field *f = &number_fields[k];
		const uint64_t wrong[] = { BFT_SEQ_MAX + 1, UINT32_MAX * (uint64_t)UINT32_MAX, UINT64_MAX - 1, UINT64_MAX };
		size_t n = encoded(f->type, 3, bytes);
		for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
			put(bytes + f->at, wrong[i], 8);
			CU_ASSERT(refused(f->type, bytes, n));
		}
		put(bytes + f->at, 0, 8);
		CU_ASSERT(refused(f->type, bytes, n) != f->zero_allowed);
	}
}

static void votes_know_three_kinds(void)
{
	static uint8_t bytes[BYTES_MAX];
	size_t n = encoded(PBFT_VOTES, 1, bytes);
	for (unsigned kind = 0; kind < 256; kind++) {
		bytes[10] = (uint8_t)kind;
		CU_ASSERT(refused(PBFT_VOTES, bytes, n) == (kind < 1 || kind > 3));
	}
	static union pbft_body none;
	none.votes.view = 1;
	none.votes.count = 0;
	n = pbft_encode(PBFT_VOTES, &none, bytes, sizeof bytes);
	CU_ASSERT(refused(PBFT_VOTES, bytes, n));
}

static void booleans_and_flags_have_one_form(void)
{
	static uint8_t bytes[BYTES_MAX];
	size_t n = encoded(PBFT_SUSPECT, 0, bytes);
	for (unsigned v = 0; v < 256; v++) {
		bytes[8] = (uint8_t)v;
		CU_ASSERT(refused(PBFT_SUSPECT, bytes, n) == (v > 1));
	}
	n = encoded(PBFT_STATUS, 1, bytes);
	for (unsigned v = 0; v < 256; v++) {
		bytes[8] = (uint8_t)v;
		CU_ASSERT(refused(PBFT_STATUS, bytes, n) == (v > 15));
	}
	for (unsigned v = 0; v < 256; v++) {
		bytes[0] = (uint8_t)v;
		CU_ASSERT(refused(PBFT_RECALL_DONE, bytes, 1) == (v != 0));
	}
}

static void view_changes_are_in_order(void)
{
	static uint8_t bytes[BYTES_MAX];
	static union pbft_body m;
	fill(&m, PBFT_VIEW_CHANGE, 3);
	m.view_change.prepared[1].seq = m.view_change.prepared[0].seq; /* twice */
	CU_ASSERT(refused(PBFT_VIEW_CHANGE, bytes, pbft_encode(PBFT_VIEW_CHANGE, &m, bytes, sizeof bytes)));
	m.view_change.prepared[1].seq = m.view_change.prepared[2].seq + 1; /* backwards */
	CU_ASSERT(refused(PBFT_VIEW_CHANGE, bytes, pbft_encode(PBFT_VIEW_CHANGE, &m, bytes, sizeof bytes)));
	fill(&m, PBFT_VIEW_CHANGE, 3);
	m.view_change.prepared[0].seq = m.view_change.stable; /* at the stable checkpoint: not above */
	CU_ASSERT(refused(PBFT_VIEW_CHANGE, bytes, pbft_encode(PBFT_VIEW_CHANGE, &m, bytes, sizeof bytes)));
	fill(&m, PBFT_VIEW_CHANGE, 3);
	m.view_change.prepared[2].view = m.view_change.view; /* prepared in the view that it only asks for */
	CU_ASSERT(refused(PBFT_VIEW_CHANGE, bytes, pbft_encode(PBFT_VIEW_CHANGE, &m, bytes, sizeof bytes)));
}

static void sources_are_in_order(void)
{
	static uint8_t bytes[BYTES_MAX];
	static union pbft_body m;
	fill(&m, PBFT_NEW_VIEW, 1);
	m.new_view.source[1].member = m.new_view.source[0].member; /* one member twice */
	CU_ASSERT(refused(PBFT_NEW_VIEW, bytes, pbft_encode(PBFT_NEW_VIEW, &m, bytes, sizeof bytes)));
	fill(&m, PBFT_NEW_VIEW, 1);
	m.new_view.source[2].member = 1;
	CU_ASSERT(refused(PBFT_NEW_VIEW, bytes, pbft_encode(PBFT_NEW_VIEW, &m, bytes, sizeof bytes)));
}

static void a_chain_ends_where_it_counts_to(void)
{
	static uint8_t bytes[BYTES_MAX];
	static union pbft_body m;
	fill(&m, PBFT_CHAIN, 4);
	for (int off = -1; off <= 1; off++) {
		m.chain.end = 68 + (bft_seq)off;
		size_t n = pbft_encode(PBFT_CHAIN, &m, bytes, sizeof bytes);
		CU_ASSERT(refused(PBFT_CHAIN, bytes, n) == (off != 0));
	}
}

static void other_types_are_refused(void)
{
	static uint8_t bytes[BYTES_MAX];
	static union pbft_body m;
	for (uint32_t type = 0; type <= UINT16_MAX; type++)
		if (type < PBFT_VOTES || type >= PBFT_TYPE_END) {
			CU_ASSERT(refused((uint16_t)type, bytes, sizeof bytes));
			CU_ASSERT(pbft_encode((uint16_t)type, &m, bytes, sizeof bytes) == 0);
		}
}

/* ---- the digest under a VOTES' signature ---- */

/* A certificate shows a leaf, its path, view and count: that must give what was signed. */
static void a_leaf_and_its_path_give_the_digest(void)
{
	static union pbft_body m;
	for (uint16_t count = 1; count <= BFT_LEAVES_MAX; count++) {
		struct digest signed_digest, leaves[BFT_LEAVES_MAX], path[MERKLE_PATH_MAX], root, again;
		fill(&m, PBFT_VOTES, count);
		votes_digest_of(&signed_digest, &m.votes);
		for (uint16_t i = 0; i < count; i++)
			votes_leaf_digest(&leaves[i], &m.votes.leaf[i]);
		for (uint16_t i = 0; i < count; i++) {
			uint32_t length = merkle_path(path, leaves, count, i);
			CU_ASSERT(length <= BFT_LEAF_PATH_MAX);
			CU_ASSERT(merkle_root_from_path(&root, &leaves[i], count, i, path, length));
			votes_digest(&again, m.votes.view, count, &root);
			CU_ASSERT(digest_equal(&signed_digest, &again));
		}
	}
}

static void one_leaf_alone_is_its_own_root(void)
{
	static union pbft_body m;
	struct digest leaf, a, b;
	fill(&m, PBFT_VOTES, 1);
	votes_leaf_digest(&leaf, &m.votes.leaf[0]);
	votes_digest(&a, m.votes.view, 1, &leaf);
	votes_digest_of(&b, &m.votes);
	CU_ASSERT(digest_equal(&a, &b));
}

static void the_digest_covers_view_count_and_leaves(void)
{
	static union pbft_body m;
	struct digest right, other;
	fill(&m, PBFT_VOTES, 5);
	votes_digest_of(&right, &m.votes);
	m.votes.view++;
	votes_digest_of(&other, &m.votes);
	CU_ASSERT(!digest_equal(&right, &other));
	m.votes.view--;
	m.votes.count--;
	votes_digest_of(&other, &m.votes);
	CU_ASSERT(!digest_equal(&right, &other));
	m.votes.count++;
	for (uint16_t i = 0; i < 5; i++) {
		struct bft_leaf was = m.votes.leaf[i];
		m.votes.leaf[i].kind = (uint8_t)(was.kind % 3 + 1);
		votes_digest_of(&other, &m.votes);
		CU_ASSERT(!digest_equal(&right, &other));
		m.votes.leaf[i] = was;
		m.votes.leaf[i].seq += 1000;
		votes_digest_of(&other, &m.votes);
		CU_ASSERT(!digest_equal(&right, &other));
		m.votes.leaf[i] = was;
		m.votes.leaf[i].digest.b[0] ^= 1;
		votes_digest_of(&other, &m.votes);
		CU_ASSERT(!digest_equal(&right, &other));
		m.votes.leaf[i] = was;
	}
}

/* The same bytes under another type are another statement, whatever domain the two share. */
static void body_digests_differ_by_type(void)
{
	const uint8_t bytes[40] = { 1, 2, 3 };
	struct digest of[PBFT_TYPE_END];
	for (uint16_t a = PBFT_SUSPECT; a < PBFT_TYPE_END; a++) {
		pbft_body_digest(&of[a], a, bytes, sizeof bytes);
		for (uint16_t b = PBFT_SUSPECT; b < a; b++)
			CU_ASSERT(!digest_equal(&of[a], &of[b]));
	}
}

/* ---- noise ---- */

static uint64_t rng_state;

static uint64_t rng(void)
{
	rng_state ^= rng_state << 13;
	rng_state ^= rng_state >> 7;
	rng_state ^= rng_state << 17;
	return rng_state;
}

static void random_bytes_never_crash(void)
{
	static union pbft_body m;
	static uint8_t again[BYTES_MAX];
	rng_state = 0x51F15EED;
	for (unsigned round = 0; round < 100000; round++) {
		uint16_t type = (uint16_t)(PBFT_VOTES + rng() % (PBFT_TYPE_END - PBFT_VOTES));
		size_t n = rng() % 400;
		uint8_t *bytes = malloc(n ? n : 1);
		for (size_t i = 0; i < n; i++) /* zeros are frequent, or no number would ever be small enough */
			bytes[i] = rng() % 4 ? 0 : (uint8_t)(rng() >> 8);
		size_t used = pbft_decode(type, &m, bytes, n);
		if (used)
			CU_ASSERT_FATAL(used <= n && pbft_encode(type, &m, again, sizeof again) == used && memcmp(bytes, again, used) == 0);
		free(bytes);
	}
}

static void damaged_messages_never_crash(void)
{
	static uint8_t bytes[BYTES_MAX];
	rng_state = 0xBADC0DE;
	for (unsigned round = 0; round < 20000; round++) {
		uint16_t type = (uint16_t)(PBFT_VOTES + rng() % (PBFT_TYPE_END - PBFT_VOTES));
		size_t n = encoded(type, (uint16_t)(1 + rng() % 6), bytes);
		for (uint64_t k = 1 + rng() % 3; k--;)
			bytes[rng() % n] = (uint8_t)rng();
		uint8_t *copy = malloc(n);
		memcpy(copy, bytes, n);
		CU_ASSERT_FATAL(refused(type, copy, n) || canonical(type, copy, n));
		free(copy);
	}
}

int main(void)
{
	static const struct unit_case cases[] = {
		{ "each type: encode(decode(b)) = b", round_trip },
		{ "the largest messages", largest_messages },
		{ "every truncation is refused", every_truncation_is_refused },
		{ "encoding keeps its bound", encoding_keeps_its_bound },
		{ "trailing bytes show in the length", trailing_bytes_show_in_the_length },
		{ "counts are limited", counts_are_limited },
		{ "views and sequences are limited", numbers_are_limited },
		{ "votes know three kinds", votes_know_three_kinds },
		{ "booleans and flags have one form", booleans_and_flags_have_one_form },
		{ "a VIEW-CHANGE's certificates are in order", view_changes_are_in_order },
		{ "a NEW-VIEW's sources are in order", sources_are_in_order },
		{ "a CHAIN ends where it counts to", a_chain_ends_where_it_counts_to },
		{ "other types are refused", other_types_are_refused },
		{ "a leaf and its path give the signed digest", a_leaf_and_its_path_give_the_digest },
		{ "one leaf alone is its own root", one_leaf_alone_is_its_own_root },
		{ "the digest covers view, count and leaves", the_digest_covers_view_count_and_leaves },
		{ "body digests differ by type", body_digests_differ_by_type },
		{ "random bytes never crash", random_bytes_never_crash },
		{ "damaged messages never crash", damaged_messages_never_crash },
		{ 0 },
	};
	return unit_main("pbft_messages", cases);
}
