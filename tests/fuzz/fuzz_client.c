/* A client that is sent anything. When the first byte is even all of it comes from one member, and a single liar can never make an answer. Every submission is
 * answered exactly once, whatever is sent.
 *
 *   input = u8 mode | steps: u8 what | u16 n | n bytes
 *   what % 16: 0..11 a frame from member what % 4, 12 time passes (n ms), 13 those bytes are submitted as an operation (29: for a receipt), 14 a link changes,
 *   15 a snapshot is asked for */
#include "bft/receipt.h"
#include "tests/fuzz/client_bed.h"

#define STEPS_MAX 256u

struct submission {
	struct client_bed *bed;
	uint8_t id;
	bool receipt;
};
static struct submission submission[256];
static struct cluster_bed cluster;

/* What a receipt shows is what this client asked for, whoever said it. */
static void check_receipt(const struct quorate_answer *a)
{
	static struct receipt r;
	static struct epoch_keys keys;
	epoch_keys_init(&keys, &cluster.genesis);
	FUZZ_CHECK(receipt_verify(&r, a->receipt, a->receipt_bytes, &keys, &cluster.cluster, &bed_scheme) == NULL);
	FUZZ_CHECK(public_key_equal(&r.request.key, &cluster.client_key) && r.request.number == a->number && r.seq == a->seq);
}

static void on_answer(void *user, const struct quorate_answer *a)
{
	struct submission *s = user;
	s->bed->answered++;
	s->bed->good += a->error == QUORATE_OK;
	FUZZ_CHECK(++s->bed->done[s->id] == 1);
	FUZZ_CHECK(s->receipt || !a->receipt);
	if (a->receipt)
		check_receipt(a);
	if (a->receipt || !s->receipt)
		FUZZ_CHECK((a->error == QUORATE_OK) == (a->reason == NULL));
}

static void submit(struct client_bed *b, const uint8_t *op, size_t n, bool receipt)
{
	struct quorate_op one = { op, n };
	enum quorate_error e;
	if (b->submitted == 256)
		return;
	struct submission *s = &submission[b->submitted];
	*s = (struct submission){ b, (uint8_t)b->submitted, receipt };
	if (!op)
		e = client_session_snapshot(b->session, on_answer, s);
	else if (receipt)
		e = client_session_submit_receipt(b->session, &one, 1, on_answer, s);
	else
		e = client_session_submit(b->session, op, n, on_answer, s);
	b->submitted += e == QUORATE_OK;
}

static bool step(struct client_bed *b, bool alone, uint8_t what, uint16_t n, struct rd *r)
{
	uint8_t kind = what % 16;
	bool carries = kind < 12 || kind == 13;
	const uint8_t *bytes = carries ? rd_take(r, n) : NULL;
	if (carries && !bytes)
		return false;
	b->now += kind == 12 ? n % 4000u : 1u;
	client_core_time(b->core, b->now, BED_WALL_MS + b->now);
	if (kind < 12)
		(void)client_core_frame(b->core, alone ? 1 : kind % 4u, bytes, n);
	else if (kind == 13 || kind == 15)
		submit(b, bytes, kind == 13 ? n : 0, kind == 13 && (what & 16));
	else if (kind == 14)
		client_core_link(b->core, n % BED_MEMBERS, what & 16);
	client_bed_tick(b);
	FUZZ_CHECK(client_core_leader(b->core) < BFT_MEMBERS_MAX && client_core_deadline(b->core) > 0);
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct client_bed b;
	struct rd r = rd_of(bytes, n);
	uint8_t mode, what;
	uint16_t length;
	if (!rd_u8(&r, &mode))
		return 0;
	cluster_make(&cluster);
	client_bed_create(&b, &cluster);
	for (uint32_t i = 0; i < BED_MEMBERS; i++)
		client_core_link(b.core, i, true);
	client_bed_tick(&b);
	for (uint32_t i = 0; i < STEPS_MAX && rd_u8(&r, &what) && rd_u16(&r, &length) && step(&b, mode % 2 == 0, what, length, &r); i++)
		FUZZ_CHECK(b.answered <= b.submitted);
	FUZZ_CHECK(mode % 2 || b.good == 0 ||
	           client_core_epoch(b.core) > 1); /* signatures always hold here, so a liar can name other members, or none that lie */
	client_core_stop(b.core);
	FUZZ_CHECK(b.answered == b.submitted && b.opened == 1);
	client_core_destroy(b.core);
	return 0;
}
