/* A whole replica (member 0 of 4) that is sent anything by its peers and by a client. Signatures always hold, so this is worse than any f liars can do: the replica
 * may stop, with a sentence, but it never breaks a check of its own, never says something malformed, never votes twice, and reads back whatever it wrote.
 *
 *   input = steps: u8 what | u16 n | n bytes
 *   what % 8: 0 frame from the client, 1..3 frame from that member, 4 time passes (n ms, no bytes), 5 a member's link goes down and up, 6 restart, 7 disk full or not */
#include "bft/envelope.h"
#include "bft/reply.h"
#include "tests/fuzz/replica_bed.h"

#define VOTES_MAX 4096u
#define STEPS_MAX 256u

struct vote {
	bft_view view;
	struct bft_leaf leaf;
};

static struct cluster_bed cluster;
static struct replica_bed bed;
static struct vote vote[VOTES_MAX];
static uint32_t votes_count;

/* One leaf for one place: an honest replica never says two things. */
static void note_vote(bft_view view, const struct bft_leaf *leaf)
{
	/* The leader's PRE-PREPARE is its PREPARE. */
	bool commit = leaf->kind == BFT_LEAF_COMMIT;
	for (uint32_t i = 0; i < votes_count; i++)
		if (vote[i].view == view && vote[i].leaf.seq == leaf->seq && (vote[i].leaf.kind == BFT_LEAF_COMMIT) == commit) {
			FUZZ_CHECK(digest_equal(&vote[i].leaf.digest, &leaf->digest));
			return;
		}
	if (votes_count < VOTES_MAX)
		vote[votes_count++] = (struct vote){ view, *leaf };
}

static void to_member(void *user, uint8_t from, uint8_t to, const uint8_t *frame, size_t n)
{
	static union pbft_body body;
	struct rd r = rd_of(frame, n);
	struct bft_envelope e;
	(void)user;
	FUZZ_CHECK(to < BFT_MEMBERS_MAX && to != from && envelope_read(&r, &e));
	FUZZ_CHECK(e.signer == BFT_SIGNER_CHANNEL || e.signer < BFT_MEMBERS_MAX);
	if (e.type < PBFT_VOTES || e.type >= PBFT_TYPE_END)
		return;
	FUZZ_CHECK(pbft_decode(e.type, &body, r.at, rd_left(&r)) > 0);
	for (uint16_t i = 0; e.type == PBFT_VOTES && e.signer == BFT_SIGNER_CHANNEL && i < body.votes.count; i++)
		note_vote(body.votes.view, &body.votes.leaf[i]);
}

static void to_client(void *user, uint8_t from, driver_link link, const uint8_t *frame, size_t n)
{
	struct rd r = rd_of(frame, n);
	struct bft_envelope e;
	struct reply reply;
	struct result result;
	(void)user;
	(void)from;
	FUZZ_CHECK(link == 1 && envelope_read(&r, &e));
	if (e.type != BFT_WIRE_REPLY && e.type != BFT_WIRE_REPLY_LATE)
		return;
	FUZZ_CHECK(reply_decode(&reply, e.type == BFT_WIRE_REPLY_LATE, r.at, rd_left(&r)) && result_decode(&result, reply.result, reply.result_bytes));
}

static void links_up(void)
{
	for (uint8_t i = 1; i < BED_MEMBERS; i++)
		driver_member_link(bed.driver, i, true);
}

static void pass(uint64_t ms)
{
	bed.now += ms;
	driver_time(bed.driver, bed.now, BED_WALL_MS + bed.now);
}

static bool restart(void)
{
	bool failed = driver_failed(bed.driver);
	bed_stop(&bed);
	bool ok = bed_start(&bed, &cluster);
	/* One that stopped may have found itself in contradiction with its own log, and finds it again. */
	FUZZ_CHECK(ok || failed);
	if (ok)
		links_up();
	return ok;
}

static bool step(uint8_t what, uint16_t n, struct rd *r)
{
	static bool low;
	uint8_t kind = what % 8;
	const uint8_t *bytes = kind < 4 ? rd_take(r, n) : NULL;
	if (kind < 4 && !bytes)
		return false;
	pass(0);
	switch (kind) {
	case 0: driver_client_frame(bed.driver, 1, &cluster.client_key, bytes, n); break;
	case 4: pass(n % 3000u); break;
	case 5:
		driver_member_link(bed.driver, (uint8_t)(1 + n % 3), false);
		driver_member_link(bed.driver, (uint8_t)(1 + n % 3), true);
		break;
	case 6:
		if (!restart())
			return false;
		break;
	case 7:
		low = !low;
		driver_space(bed.driver, DRIVER_DISK_LOG, low);
		break;
	default: driver_member_frame(bed.driver, kind, bytes, n); break;
	}
	bed_turn(&bed);
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct rd r = rd_of(bytes, n);
	struct standing standing, again;
	uint8_t what, said[STANDING_BYTES_MAX];
	uint16_t length;
	bft_seq executed = 0;
	cluster_make(&cluster);
	bed_create(&bed, 0);
	bed.to_member = to_member;
	bed.to_client = to_client;
	votes_count = 0;
	FUZZ_CHECK(bed_start(&bed, &cluster));
	links_up();
	for (uint32_t i = 0; i < STEPS_MAX && rd_u8(&r, &what) && rd_u16(&r, &length) && step(what, length, &r); i++) {
		driver_standing(bed.driver, &standing);
		FUZZ_CHECK(standing.executed >= executed || driver_failed(bed.driver));
		executed = standing.executed;
		FUZZ_CHECK(standing_decode(&again, said, standing_encode(&standing, said, sizeof said)));
	}
	bed_destroy(&bed);
	return 0;
}
