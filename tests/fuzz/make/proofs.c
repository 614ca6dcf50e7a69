/* tests/fuzz/make/proofs.c - see make.h: what is shown to others. */
#include "bft/bundle.h"
#include "bft/envelope.h"
#include "bft/evidence_list.h"
#include "bft/pbft/evidence.h"
#include "bft/receipt.h"
#include "bft/reconfigure.h"
#include "tests/fuzz/make/make.h"
#include "tests/fuzz/make/samples.h"
#include "tests/fuzz/make/script.h"
#include "tests/fuzz/replica_bed.h"

/* ---- evidence: the target believes any signature ---- */

static struct evidence shown;
static uint8_t shown_bytes[EVIDENCE_MESSAGES_MAX][1024];

static void show(uint8_t signer, uint16_t type, const void *body)
{
	struct evidence_message *m = &shown.message[shown.count];
	*m = (struct evidence_message){ .signer = signer, .type = type, .body = shown_bytes[shown.count] };
	m->n = pbft_encode(type, body, shown_bytes[shown.count], sizeof shown_bytes[0]);
	shown.count++;
}

static void show_leaf(uint8_t signer, bft_view view, uint8_t kind, bft_seq seq, uint8_t what, uint16_t count)
{
	static struct bft_votes v;
	v = (struct bft_votes){ .view = view, .count = count };
	for (uint16_t i = 0; i < count; i++)
		v.leaf[i] = (struct bft_leaf){ .kind = kind, .seq = seq + i, .digest = { { what } } };
	struct evidence_message *m = &shown.message[shown.count];
	show(signer, PBFT_VOTES, &v);
	m->form = EVIDENCE_LEAF;
	m->n = evidence_leaf(shown_bytes[shown.count - 1], &v, 0);
}

static void begin_showing(enum evidence_predicate predicate, uint8_t culprit, bft_view view, bft_seq seq)
{
	shown = (struct evidence){ .cluster = { { 7 } }, .epoch = 1, .predicate = predicate, .culprit = culprit, .view = view, .seq = seq };
}

static void save_shown(void)
{
	static uint8_t bytes[SAMPLE_MAX];
	plain("fuzz_evidence", evidence_name(shown.predicate), bytes, evidence_encode(&shown, bytes, sizeof bytes));
}

static void two_votes(enum evidence_predicate predicate, uint8_t kind)
{
	begin_showing(predicate, 2, 6, 17);
	show_leaf(2, 6, kind, 17, 1, 5);
	show_leaf(2, 6, kind, 17, 2, 1);
	save_shown();
}

static void evidence(void)
{
	static struct pbft_view_change vc;
	static struct pbft_new_view nv;
	two_votes(EVIDENCE_TWO_PRE_PREPARES, BFT_LEAF_PRE_PREPARE);
	two_votes(EVIDENCE_TWO_PREPARES, BFT_LEAF_PREPARE);
	two_votes(EVIDENCE_TWO_COMMITS, BFT_LEAF_COMMIT);
	struct bft_snapshot s = { .seq = 32, .chain = { { 1 } } };
	begin_showing(EVIDENCE_TWO_SNAPSHOTS, 1, 0, 32);
	show(1, PBFT_SNAPSHOT, &s);
	s.root.b[0] = 1;
	show(1, PBFT_SNAPSHOT, &s);
	save_shown();
	vc = (struct pbft_view_change){ .view = 7, .stable = 32, .count = 1, .prepared = { { .seq = 33, .view = 6, .digest = { { 3 } } } } };
	begin_showing(EVIDENCE_HIDDEN_COMMIT, 2, 5, 34);
	show_leaf(2, 5, BFT_LEAF_COMMIT, 34, 1, 3);
	show(2, PBFT_VIEW_CHANGE, &vc);
	save_shown();
	nv = (struct pbft_new_view){ .view = 7, .stable = 32, .sources_count = 3, .count = 1, .digest = { { { 4 } } } };
	for (uint8_t i = 0; i < 3; i++) {
		uint8_t bytes[256];
		size_t n = pbft_encode(PBFT_VIEW_CHANGE, &vc, bytes, sizeof bytes);
		nv.source[i].member = i;
		pbft_body_digest(&nv.source[i].digest, PBFT_VIEW_CHANGE, bytes, n);
	}
	begin_showing(EVIDENCE_FALSE_NEW_VIEW, 3, 7, 0);
	show(3, PBFT_NEW_VIEW, &nv);
	for (uint8_t i = 0; i < 3; i++)
		show(i, PBFT_VIEW_CHANGE, &vc);
	save_shown();
	begin_showing(EVIDENCE_NOT_REPROPOSED, 3, 7, 33);
	show_leaf(3, 7, BFT_LEAF_PRE_PREPARE, 33, 9, 2);
	show(3, PBFT_NEW_VIEW, &nv);
	save_shown();
}

/* ---- receipts: so does this one ---- */

static void one_receipt(const char *name, bft_mask signers, bft_mask alone, uint16_t count, uint16_t index)
{
	static const uint8_t op[] = { 3, 0, 0, 0, 'p', 'u', 't' }, value[] = { 1, 0, 0, 0, 0 };
	uint8_t request[128], answer[64], bytes[SAMPLE_MAX];
	struct bundle b = { .session = 7, .number = 3, .reply_mask = 15, .count = 1, .ops = op, .ops_bytes = sizeof op };
	struct result x = { 7, 3, RESULT_DONE, 1, value, sizeof value };
	struct receipt r = { .cluster = { { 7 } }, .epoch = 1, .seq = 9, .bundle = request, .result = answer, .signers = signers, .alone = alone };
	r.bundle_bytes = bundle_encode(&b, request, sizeof request);
	r.result_bytes = result_encode(&x, answer, sizeof answer);
	r.place = (struct reply_place){ .count = count, .index = index, .path_count = merkle_path_length(count, index) };
	plain("fuzz_receipt", name, bytes, receipt_encode(&r, bytes, sizeof bytes));
}

static void receipts(void)
{
	one_receipt("roots", 7, 0, 5, 2);
	one_receipt("alone", 11, 11, 0, 0);
	one_receipt("both-forms", 15, 2, 1, 0);
	one_receipt("too-few", 3, 0, 512, 511);
}

/* ---- members and mode: so does this one, and its four organizations' keys are all ones, all twos, and so on ---- */

static void save_change(const char *name, struct reconfigure *r, uint8_t approvals)
{
	static uint8_t bytes[RECONFIGURE_BYTES_MAX];
	static const struct signature any = { { 6 } };
	for (uint8_t i = 1; i <= approvals; i++) {
		struct public_key org;
		memset(org.b, i, sizeof org.b);
		(void)reconfigure_add(r, &org, &any);
	}
	plain("fuzz_reconfigure", name, bytes, reconfigure_encode(r, bytes, sizeof bytes));
}

static struct bft_card newcomer(uint8_t i)
{
	struct bft_card c = { .org = "new", .addresses_count = 1 };
	snprintf(c.addresses[0], sizeof c.addresses[0], "127.0.0.1:%u", 7000u + i);
	memset(c.org_key.b, 40, 32);
	memset(c.member_key.b, 50 + i, 32);
	memset(c.tls_key.b, 60 + i, 32);
	return c;
}

/* As the chain of epochs shows it. */
static void save_link(const struct reconfigure *r)
{
	static uint8_t bytes[EPOCH_LINK_BYTES_MAX];
	static struct epoch_link link;
	static const struct signature any = { { 6 } };
	link = (struct epoch_link){ .record = { .epoch = 2, .base = 64, .change = { .kind = BUNDLE_RECONFIGURE } } };
	link.record.change.reconfigure = *r;
	(void)epoch_link_add(&link, 0, &any);
	(void)epoch_link_add(&link, 2, &any);
	plain("fuzz_epoch_link", "reconfigure", bytes, epoch_link_encode(&link, bytes, sizeof bytes));
}

/* As a client brings it. */
static void save_request(const struct cluster_bed *cluster, const struct reconfigure *r)
{
	static uint8_t ops[4 + RECONFIGURE_BYTES_MAX], bytes[BUNDLE_HEAD_BYTES + sizeof ops];
	size_t n = reconfigure_encode(r, ops + 4, sizeof ops - 4);
	struct wr w = wr_of(ops, 4);
	wr_u32(&w, (uint32_t)n);
	struct bundle b = { .key = cluster->client_key, .kind = BUNDLE_RECONFIGURE, .session = 7, .number = 3, .count = 1, .ops = ops, .ops_bytes = 4 + n };
	plain("fuzz_bundle", "reconfigure", bytes, bundle_encode(&b, bytes, sizeof bytes));
}

/* What organizations approve is asked of a replica: whole, and one byte short. */
static void save_question(void)
{
	static struct script heard;
	uint8_t frame[BFT_FRAME_HEAD_BYTES + PUBLIC_KEY_BYTES];
	struct bft_envelope e = { .signer = BFT_SIGNER_CHANNEL, .type = BFT_WIRE_FETCH_VOICE };
	struct public_key none = { { 0 } };
	struct wr w = wr_of(frame, sizeof frame);
	envelope_write(&w, &e);
	wr_bytes(&w, none.b, sizeof none.b);
	script_begin(&heard);
	script_add(&heard, 0, wr_done(&w), frame);
	script_add(&heard, 0, wr_done(&w) - 1, frame);
	script_end(&heard, "fuzz_driver", "voices", -1);
}

static void changes(const struct cluster_bed *cluster)
{
	struct reconfigure come = { .epoch = 1, .kind = RECONFIGURE_MEMBERS, .seats = 1, .seat = { { 4, true, newcomer(4) } } };
	struct reconfigure replace = { .epoch = 1, .kind = RECONFIGURE_MEMBERS, .seats = 1, .seat = { { 2, true, newcomer(4) } } };
	struct reconfigure two = { .epoch = 1, .kind = RECONFIGURE_MEMBERS, .seats = 2, .seat = { { 1, false, { { 0 } } }, { 63, true, newcomer(5) } } };
	struct reconfigure trusted = { .epoch = 1, .kind = RECONFIGURE_MODE, .mode = BFT_MODE_TRUSTED };
	struct reconfigure bft = { .epoch = 1, .kind = RECONFIGURE_MODE, .mode = BFT_MODE_BFT };
	save_change("come", &come, 3);
	save_change("replace", &replace, 4);
	save_change("go-and-come", &two, 4);
	save_change("trusted", &trusted, 4);
	save_change("bft-by-one", &bft, 1);
	save_link(&come);
	save_request(cluster, &trusted);
	save_question();
}

static void evidence_list(void)
{
	uint8_t bytes[256];
	struct evidence_answer a;
	evidence_name_set(&a.after, "0-two-commits-0-9.evidence");
	evidence_name_set(&a.name, "3-two-view-changes-4-0.evidence");
	sample("fuzz_evidence_list", "question", 0, bytes, evidence_question_encode(&a.after, bytes, sizeof bytes), 1);
	size_t n = evidence_answer_head_encode(&a, bytes, sizeof bytes);
	memcpy(bytes + n, "file", 4);
	sample("fuzz_evidence_list", "answer", 1, bytes, n + 4, 1);
	evidence_name_set(&a.name, "");
	sample("fuzz_evidence_list", "no-other", 1, bytes, evidence_answer_head_encode(&a, bytes, sizeof bytes), 1);
}

void make_proofs(const struct cluster_bed *cluster)
{
	evidence();
	receipts();
	changes(cluster);
	evidence_list();
}
