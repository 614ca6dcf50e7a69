/* tests/unit/driver_bed.h - one whole replica of four (admission, driver, core, execution, state, log) with real keys over a disk in memory. The test plays the
 * other three and the clients, and sees everything that leaves. The replica is member 1: the first leader is member 0. */
#ifndef TESTS_UNIT_DRIVER_BED_H
#define TESTS_UNIT_DRIVER_BED_H
#include "bft/bundle.h"
#include "bft/envelope.h"
#include "bft/pbft/records.h"
#include "bft/proposal.h"
#include "bft/reply.h"
#include "replica/driver.h"
#include "tests/unit/memory_disk.h"
#include "tests/unit/state_bed.h"

#define DBED_REQUESTS 48u /* the core's table: fewer than are checked ahead */
#define DBED_N 4u
#define DBED_Q 3u
#define DBED_SELF 1u
#define DBED_K 2u
#define DBED_W 8u
#define DBED_FRAMES 20000u
#define DBED_WALL 1000000u
#define DBED_PROPOSAL_BYTES_MAX (64u << 10)

struct dbed_frame {
	bool client;
	uint64_t to; /* a member, or a client's link */
	struct bft_envelope e;
	uint8_t *body;
	size_t n;
};

struct dbed {
	struct bft_genesis genesis;
	struct digest cluster;
	struct public_key key[DBED_N];
	struct secret_key secret[DBED_N];
	struct secret_key org_secret[DBED_N];
	struct public_key client_key[4];
	struct secret_key client_secret[4];
	struct quorate_app app;
	struct state_bed state, next; /* next: fetched from the others; made when it is asked for */
	struct memory_disk *disk;
	struct log *log;
	struct driver *driver;
	size_t memory_bytes;
	uint64_t now;
	/* what was seen */
	struct dbed_frame frame[DBED_FRAMES];
	uint32_t frames_count;
	size_t (*evidence_next)(void *user, const struct evidence_name *after, struct evidence_name *name, uint8_t *bytes, size_t capacity);
	uint32_t closed[BFT_MEMBERS_MAX], client_closed[16], memory_lost;
	uint32_t evidence_count;
	bool evidence_fails;
	uint8_t evidence[16384]; /* the newest */
	size_t evidence_n;
	char evidence_name[96];
	uint8_t links[8192]; /* of the chain of epochs, as they were kept */
	size_t links_n;
};

/* ---- the driver's world ---- */

static inline void dbed_see(struct dbed *b, bool client, uint64_t to, const void *head, size_t head_n, const void *body, size_t n)
{
	CU_ASSERT_FATAL(b->frames_count < DBED_FRAMES);
	struct dbed_frame *f = &b->frame[b->frames_count++];
	uint8_t *all = malloc(head_n + n);
	CU_ASSERT_PTR_NOT_NULL_FATAL(all);
	memcpy(all, head, head_n);
	if (n)
		memcpy(all + head_n, body, n);
	struct rd r = rd_of(all, head_n + n);
	CU_ASSERT_TRUE_FATAL(envelope_read(&r, &f->e));
	f->client = client;
	f->to = to;
	f->n = rd_left(&r);
	f->body = malloc(f->n ? f->n : 1);
	CU_ASSERT_PTR_NOT_NULL_FATAL(f->body);
	memcpy(f->body, r.at, f->n);
	free(all);
}

static inline bool dbed_send(void *user, uint8_t member, enum net_class class, const void *head, size_t head_n, const void *body, size_t n)
{
	(void)class;
	dbed_see(user, false, member, head, head_n, body, n);
	return true;
}

static inline bool dbed_send_client(void *user, driver_link link, const void *head, size_t head_n, const void *body, size_t n)
{
	dbed_see(user, true, link, head, head_n, body, n);
	return true;
}

static inline void dbed_close_member(void *user, uint8_t member, const char *why)
{
	struct dbed *b = user;
	CU_ASSERT_TRUE(strlen(why) > 0);
	b->closed[member]++;
}

static inline void dbed_close_client(void *user, driver_link link, const char *why)
{
	struct dbed *b = user;
	CU_ASSERT_TRUE(strlen(why) > 0);
	b->client_closed[link]++;
}

static inline enum log_result dbed_append(void *user, uint16_t type, uint16_t flags, uint64_t lsn, uint64_t seq, const struct iovec *pieces, unsigned count,
                                          struct log_position *at)
{
	struct dbed *b = user;
	return log_append(b->log, type, flags, lsn, seq, pieces, count, at);
}

static inline void dbed_flush(void *user)
{
	(void)user;
}

static inline void dbed_truncate_below(void *user, uint64_t lsn)
{
	struct dbed *b = user;
	log_truncate_below(b->log, lsn);
}

static inline enum log_result dbed_read(void *user, const struct log_position *at, void *out, size_t capacity, struct log_record *record)
{
	struct dbed *b = user;
	return log_read(b->log, at, out, capacity, record);
}

static inline struct state *dbed_transfer_open(void *user)
{
	struct dbed *b = user;
	if (!b->next.state)
		bed_create(&b->next);
	return b->next.state;
}

static inline uint64_t dbed_memory_lost(void *user)
{
	struct dbed *b = user;
	return ++b->memory_lost;
}

static inline bool dbed_readmitted(void *user)
{
	struct dbed *b = user;
	b->memory_lost = 0;
	return true;
}

static inline bool dbed_evidence(void *user, const uint8_t *bytes, size_t n, const char *name)
{
	struct dbed *b = user;
	if (b->evidence_fails)
		return false;
	CU_ASSERT_FATAL(n <= sizeof b->evidence);
	memcpy(b->evidence, bytes, n);
	b->evidence_n = n;
	snprintf(b->evidence_name, sizeof b->evidence_name, "%s", name);
	b->evidence_count++;
	return true;
}

static inline void dbed_keep_link(void *user, const uint8_t *bytes, size_t n)
{
	struct dbed *b = user;
	CU_ASSERT_FATAL(b->links_n + n <= sizeof b->links);
	memcpy(b->links + b->links_n, bytes, n);
	b->links_n += n;
}

static inline void dbed_note(void *user, enum quorate_level level, const char *line)
{
	(void)user;
	(void)level;
	CU_ASSERT_TRUE(strlen(line) > 0);
}

/* Keeps the operation, and answers it. */
static inline int dbed_execute(void *user, const struct quorate_call *call, struct quorate_reply *reply)
{
	(void)user;
	quorate_state_put(call->state, "last", 4, call->op, call->op_bytes);
	quorate_reply_add(reply, call->op, call->op_bytes < 64 ? call->op_bytes : 64);
	return 0;
}

/* What was kept last, whatever is asked. */
static inline int dbed_look(void *user, const struct quorate_call *call, struct quorate_reply *reply)
{
	const void *value;
	size_t n;
	(void)user;
	if (quorate_state_get(call->state, "last", 4, &value, &n) == QUORATE_STATE_OK)
		quorate_reply_add(reply, value, n < 64 ? n : 64);
	return 0;
}

/* ---- life ---- */

static inline bool dbed_flushed(struct dbed *b)
{
	struct log_io io;
	struct log_disk disk = memory_disk_table(b->disk);
	log_prepare(b->log);
	if (!log_group_take(b->log, &io))
		return false;
	CU_ASSERT_EQUAL(disk.pwrite(disk.user, io.handle, io.bytes, io.n, io.offset), 0);
	CU_ASSERT_EQUAL(disk.sync(disk.user, io.handle), 0);
	log_group_done(b->log, true);
	memory_settle_names(b->disk); /* its journal is short, and nothing here loses power */
	driver_durable(b->driver, log_durable_lsn(b->log));
	return true;
}

/* Until nothing is left to do, the disk included. */
static inline void dbed_turn(struct dbed *b)
{
	do {
		for (uint32_t turns = 0; driver_turn(b->driver); turns++)
			CU_ASSERT_FATAL(turns < 10000);
	} while (dbed_flushed(b));
}

static inline bool dbed_visit(void *arg, const struct log_record *record, const struct log_position *position)
{
	struct dbed *b = arg;
	return driver_record(b->driver, record, position);
}

static inline void dbed_open(struct dbed *b)
{
	struct driver_options o = {
		.genesis = &b->genesis,
		.cluster = b->cluster,
		.self = DBED_SELF,
		.scheme = &sign_ed25519,
		.secret = b->secret[DBED_SELF],
		.requests_max = DBED_REQUESTS,
		.memory_bytes = b->memory_bytes,
		.app = &b->app,
		.state = b->state.state,
		.env = { .user = b,
		         .send = dbed_send,
		         .send_client = dbed_send_client,
		         .close_member = dbed_close_member,
		         .close_client = dbed_close_client,
		         .append = dbed_append,
		         .flush = dbed_flush,
		         .truncate_below = dbed_truncate_below,
		         .read = dbed_read,
		         .transfer_open = dbed_transfer_open,
		         .memory_lost = dbed_memory_lost,
		         .readmitted = dbed_readmitted,
		         .note = dbed_note,
		         .evidence = dbed_evidence,
		         .evidence_next = b->evidence_next,
		         .keep_link = dbed_keep_link },
	};
	struct log_options log = { .cluster = b->cluster, .segment_bytes = 1u << 20, .queue_bytes = 64u << 20 };
	struct log_report report;
	struct log_disk disk = memory_disk_table(b->disk);
	b->driver = driver_create(&o);
	CU_ASSERT_PTR_NOT_NULL_FATAL(b->driver);
	size_t used;
	CU_ASSERT_TRUE_FATAL(driver_epochs(b->driver, b->links, b->links_n, &used));
	CU_ASSERT_EQUAL_FATAL(log_open(&b->log, &disk, &log, dbed_visit, b, &report), LOG_OK);
	CU_ASSERT_TRUE_FATAL(driver_replay(b->driver));
	CU_ASSERT_TRUE_FATAL(driver_start(b->driver, BFT_RECOVERY_WHOLE, 0, report.last_lsn, b->now, DBED_WALL + b->now));
	for (uint8_t i = 0; i < DBED_N; i++)
		driver_member_link(b->driver, i, true);
	dbed_turn(b);
}

static inline void dbed_close(struct dbed *b)
{
	driver_destroy(b->driver);
	log_close(b->log);
	b->driver = NULL;
	b->log = NULL;
}

static inline void dbed_forget(struct dbed *b)
{
	while (b->frames_count)
		free(b->frame[--b->frames_count].body);
	memset(b->closed, 0, sizeof b->closed);
	memset(b->client_closed, 0, sizeof b->client_closed);
	b->memory_lost = 0;
}

static inline void dbed_destroy(struct dbed *b)
{
	dbed_close(b);
	dbed_forget(b);
	bed_destroy(&b->state);
	if (b->next.state)
		bed_destroy(&b->next);
	memory_disk_destroy(b->disk);
}

static inline void dbed_pass(struct dbed *b, uint64_t ms)
{
	b->now += ms;
	driver_time(b->driver, b->now, DBED_WALL + b->now);
	dbed_turn(b);
}

/* ---- saying ---- */

static inline void dbed_frame_in(struct dbed *b, uint8_t link, const struct bft_envelope *e, const void *body, size_t n, const void *tail, size_t tail_n)
{
	static uint8_t bytes[4u << 20];
	struct wr w = wr_of(bytes, sizeof bytes);
	envelope_write(&w, e);
	wr_bytes(&w, body, n);
	wr_bytes(&w, tail, tail_n);
	CU_ASSERT_TRUE_FATAL(wr_done(&w) > 0);
	/* Exactly so many bytes, so that a sanitizer sees what is read beyond. */
	uint8_t *exact = malloc(wr_done(&w));
	CU_ASSERT_PTR_NOT_NULL_FATAL(exact);
	memcpy(exact, bytes, wr_done(&w));
	driver_member_frame(b->driver, link, exact, wr_done(&w));
	free(exact);
}

/* Signs body and type as `signer` does. */
static inline struct bft_envelope dbed_envelope(struct dbed *b, uint8_t signer, uint16_t type, const uint8_t *body, size_t n)
{
	static union pbft_body decoded;
	struct bft_envelope e = { .signer = BFT_SIGNER_CHANNEL, .type = type, .epoch = 1 };
	struct digest d;
	struct statement s;
	if (type == PBFT_VOTES && pbft_decode(type, &decoded, body, n))
		votes_digest_of(&d, &decoded.votes);
	else
		pbft_body_digest(&d, type, body, n);
	statement_make(&s, pbft_domain(type), &b->cluster, 1, &d);
	sign_ed25519.sign(&e.signature, &s, &b->secret[signer]);
	return e;
}

struct dbed_say {
	uint8_t link;   /* whose link it comes by                */
	uint8_t signer; /* whose statement; passed on when another */
	bool false_signature, own_index;
	const void *tail; /* certificates */
	size_t tail_n, cut, extra;
	uint64_t epoch; /* 0: 1 */
};

static inline void dbed_say_as(struct dbed *b, const struct dbed_say *how, uint16_t type, const void *body)
{
	static uint8_t bytes[64u << 10];
	static const uint8_t zeros[64];
	size_t n = pbft_encode(type, body, bytes, sizeof bytes);
	CU_ASSERT_FATAL(n > 0 && how->extra <= sizeof zeros);
	struct bft_envelope e = dbed_envelope(b, how->signer, type, bytes, n);
	if (how->false_signature)
		e.signature.b[3] ^= 1;
	if (how->link != how->signer || how->own_index)
		e.signer = how->signer;
	if (how->epoch)
		e.epoch = how->epoch;
	n -= how->cut;
	if (how->extra)
		dbed_frame_in(b, how->link, &e, bytes, n, zeros, how->extra);
	else
		dbed_frame_in(b, how->link, &e, bytes, n, how->tail, how->tail_n);
	dbed_turn(b);
}

static inline void dbed_say(struct dbed *b, uint8_t member, uint16_t type, const void *body)
{
	struct dbed_say how = { .link = member, .signer = member };
	dbed_say_as(b, &how, type, body);
}

static inline const struct bft_votes *dbed_votes(bft_view view, uint8_t kind, bft_seq seq, struct digest d)
{
	static struct bft_votes v;
	v.view = view;
	v.count = 1;
	v.leaf[0] = (struct bft_leaf){ .kind = kind, .seq = seq, .digest = d };
	return &v;
}

static inline void dbed_leaf(struct dbed *b, uint8_t member, uint8_t kind, bft_seq seq, struct digest d)
{
	dbed_say(b, member, PBFT_VOTES, dbed_votes(0, kind, seq, d));
}

static inline void dbed_create_mode(struct dbed *b, enum bft_mode mode, size_t memory_bytes)
{
	uint8_t seed[32] = { 0 };
	char why[LOG_REASON_BYTES];
	memset(b, 0, sizeof *b);
	CU_ASSERT_TRUE_FATAL(sign_self_test());
	memset(b->cluster.b, 7, sizeof b->cluster.b);
	b->genesis.mode = mode;
	b->genesis.count = DBED_N;
	genesis_limits_default(&b->genesis.limits);
	b->genesis.limits.window = DBED_W;
	b->genesis.limits.checkpoint_every = DBED_K;
	b->genesis.limits.snapshot_seqs = 2 * DBED_K;
	b->genesis.limits.proposal_bytes_max = DBED_PROPOSAL_BYTES_MAX;
	b->genesis.limits.proposal_bundles_max = 8;
	b->genesis.limits.state_bytes = 64u << 20;
	for (uint8_t i = 0; i < DBED_N; i++) {
		seed[0] = (uint8_t)(1 + i);
		sign_ed25519.keypair(&b->key[i], &b->secret[i], seed);
		b->genesis.cards[i].member_key = b->key[i];
		seed[0] = (uint8_t)(50 + i);
		sign_ed25519.keypair(&b->genesis.cards[i].org_key, &b->org_secret[i], seed);
		snprintf(b->genesis.cards[i].org, sizeof b->genesis.cards[i].org, "org-%u", i);
		seed[0] = (uint8_t)(100 + i);
		sign_ed25519.keypair(&b->client_key[i], &b->client_secret[i], seed);
	}
	b->app.execute = dbed_execute;
	b->app.read = dbed_look;
	b->memory_bytes = memory_bytes;
	b->now = 1000;
	bed_create(&b->state);
	b->disk = memory_disk_create(1);
	struct log_disk disk = memory_disk_table(b->disk);
	struct log_options log = { .cluster = b->cluster, .salt = 5, .segment_bytes = 1u << 20 };
	CU_ASSERT_EQUAL_FATAL(log_format(&disk, &log, why), LOG_OK);
	dbed_open(b);
	/* q-1 others hold nothing of mine: a full member. */
	struct pbft_recall none = { 0 };
	for (uint8_t i = 0; mode == BFT_MODE_BFT && i <= 2; i += 2)
		dbed_say(b, i, PBFT_RECALL_DONE, &none);
	dbed_pass(b, 1);
	dbed_forget(b);
}

static inline void dbed_create_with(struct dbed *b, size_t memory_bytes)
{
	dbed_create_mode(b, BFT_MODE_BFT, memory_bytes);
}

static inline void dbed_create(struct dbed *b)
{
	dbed_create_with(b, 16u << 20);
}

/* ---- requests and proposals ---- */

struct dbed_bundle {
	uint8_t *bytes;
	size_t n;
	struct digest digest;
	struct signature signature;
};

static inline struct dbed_bundle dbed_sign_bundle(struct dbed *b, uint8_t client, const struct bundle *x)
{
	struct dbed_bundle out = { .n = BUNDLE_HEAD_BYTES + x->ops_bytes };
	struct statement s;
	out.bytes = malloc(out.n);
	CU_ASSERT_PTR_NOT_NULL_FATAL(out.bytes);
	CU_ASSERT_EQUAL_FATAL(bundle_encode(x, out.bytes, out.n), out.n);
	bundle_digest(&out.digest, out.bytes, out.n);
	bundle_statement(&s, &b->cluster, &out.digest);
	sign_ed25519.sign(&out.signature, &s, &b->client_secret[client]);
	return out;
}

/* One operation of `op_bytes` bytes (8 or more), which begin with the number. */
static inline struct dbed_bundle dbed_request(struct dbed *b, uint8_t client, uint64_t session, uint64_t number, uint32_t op_bytes)
{
	uint8_t *ops = calloc(1, op_bytes + 4);
	CU_ASSERT_FATAL(ops && op_bytes >= 8);
	struct wr w = wr_of(ops, op_bytes + 4);
	wr_u32(&w, op_bytes);
	wr_u64(&w, number);
	struct bundle x = { .key = b->client_key[client],
		            .session = session,
		            .number = number,
		            .reply_mask = ~(uint64_t)0,
		            .count = 1,
		            .ops = ops,
		            .ops_bytes = op_bytes + 4 };
	struct dbed_bundle out = dbed_sign_bundle(b, client, &x);
	free(ops);
	return out;
}

static inline struct dbed_bundle dbed_opening(struct dbed *b, uint8_t client, uint64_t number)
{
	uint8_t ops[12];
	struct wr w = wr_of(ops, sizeof ops);
	wr_u32(&w, 8);
	wr_u64(&w, DBED_WALL + 30000);
	struct bundle x = {
		.key = b->client_key[client], .kind = BUNDLE_OPEN, .number = number, .reply_mask = ~(uint64_t)0, .count = 1, .ops = ops, .ops_bytes = sizeof ops
	};
	return dbed_sign_bundle(b, client, &x);
}

static inline void dbed_client_in(struct dbed *b, driver_link link, uint8_t client, const struct bft_envelope *e, const void *body, size_t n)
{
	static uint8_t bytes[4u << 20];
	struct wr w = wr_of(bytes, sizeof bytes);
	envelope_write(&w, e);
	wr_bytes(&w, body, n);
	uint8_t *exact = malloc(wr_done(&w));
	CU_ASSERT_FATAL(exact && wr_done(&w));
	memcpy(exact, bytes, wr_done(&w));
	driver_client_frame(b->driver, link, &b->client_key[client], exact, wr_done(&w));
	free(exact);
}

static inline void dbed_client_bundle(struct dbed *b, driver_link link, uint8_t client, const struct dbed_bundle *x)
{
	struct bft_envelope e = { .signer = BFT_SIGNER_CHANNEL, .type = BFT_WIRE_BUNDLE, .signature = x->signature };
	dbed_client_in(b, link, client, &e, x->bytes, x->n);
}

struct dbed_proposal {
	uint8_t bytes[PROPOSAL_BYTES(8)];
	size_t n;
	struct digest digest;
};

static inline struct dbed_proposal dbed_propose(struct dbed *b, uint64_t time_ms, const struct dbed_bundle *bundles, uint16_t count)
{
	struct dbed_proposal p;
	uint8_t digests[8 * DIGEST_BYTES];
	for (uint16_t i = 0; i < count; i++)
		memcpy(digests + (size_t)i * DIGEST_BYTES, bundles[i].digest.b, DIGEST_BYTES);
	struct bft_proposal head = { .time_ms = time_ms, .count = count, .digests = digests };
	p.n = proposal_encode(&head, p.bytes, sizeof p.bytes);
	proposal_digest(&p.digest, &b->cluster, p.bytes, p.n);
	return p;
}

/* The proposal with these bundles behind it, whether they are its own or not. */
static inline void dbed_push(struct dbed *b, uint8_t link, const struct dbed_proposal *p, const struct dbed_bundle *bundles, uint16_t count)
{
	static uint8_t bytes[3u << 20];
	struct bft_envelope e = { .signer = BFT_SIGNER_CHANNEL, .type = BFT_WIRE_PROPOSAL, .epoch = 1 };
	struct wr w = wr_of(bytes, sizeof bytes);
	for (uint16_t i = 0; i < count; i++) {
		wr_u32(&w, (uint32_t)bundles[i].n);
		wr_bytes(&w, bundles[i].signature.b, SIGNATURE_BYTES);
		wr_bytes(&w, bundles[i].bytes, bundles[i].n);
	}
	dbed_frame_in(b, link, &e, p->bytes, p->n, bytes, (size_t)(w.at - w.start));
	dbed_turn(b);
}

/* The others agree on `p` at `seq`; whether its body is here is another matter. */
static inline void dbed_agree(struct dbed *b, bft_seq seq, struct digest d)
{
	dbed_leaf(b, 0, BFT_LEAF_PRE_PREPARE, seq, d);
	dbed_leaf(b, 2, BFT_LEAF_PREPARE, seq, d);
	dbed_leaf(b, 3, BFT_LEAF_PREPARE, seq, d);
	dbed_leaf(b, 0, BFT_LEAF_COMMIT, seq, d);
	dbed_leaf(b, 2, BFT_LEAF_COMMIT, seq, d);
	dbed_leaf(b, 3, BFT_LEAF_COMMIT, seq, d);
}

/* ---- seeing ---- */

static inline struct standing dbed_standing(struct dbed *b)
{
	struct standing s;
	driver_standing(b->driver, &s);
	return s;
}

static inline struct driver_counts dbed_counts(struct dbed *b)
{
	struct driver_counts c;
	driver_counts(b->driver, &c);
	return c;
}

static inline uint32_t dbed_sent(const struct dbed *b, uint16_t type)
{
	uint32_t count = 0;
	for (uint32_t i = 0; i < b->frames_count; i++)
		count += !b->frame[i].client && b->frame[i].e.type == type && b->frame[i].e.signer == BFT_SIGNER_CHANNEL;
	return count;
}

/* The replica voted so, and signed it well. */
static inline bool dbed_voted(struct dbed *b, uint8_t kind, bft_seq seq, struct digest d)
{
	static union pbft_body m;
	for (uint32_t i = 0; i < b->frames_count; i++) {
		const struct dbed_frame *f = &b->frame[i];
		if (f->client || f->e.type != PBFT_VOTES || f->e.signer != BFT_SIGNER_CHANNEL || !pbft_decode(PBFT_VOTES, &m, f->body, f->n))
			continue;
		for (uint16_t k = 0; k < m.votes.count; k++)
			if (m.votes.leaf[k].kind == kind && m.votes.leaf[k].seq == seq && digest_equal(&m.votes.leaf[k].digest, &d)) {
				struct digest h;
				struct statement s;
				votes_digest_of(&h, &m.votes);
				statement_make(&s, DOMAIN_VOTES, &b->cluster, 1, &h);
				return sign_ed25519.verify(&f->e.signature, &s, &b->key[DBED_SELF]);
			}
	}
	return false;
}

static inline const struct dbed_frame *dbed_told(const struct dbed *b, driver_link link, uint16_t type)
{
	for (uint32_t i = b->frames_count; i--;)
		if (b->frame[i].client && b->frame[i].to == link && b->frame[i].e.type == type)
			return &b->frame[i];
	return NULL;
}

/* The reason of the last REFUSED to `link`; 0: none. */
static inline uint8_t dbed_refused(const struct dbed *b, driver_link link)
{
	const struct dbed_frame *f = dbed_told(b, link, BFT_WIRE_REFUSED);
	return f && f->n == 17 ? f->body[16] : 0;
}

/* Opens a session for `client` at `seq`, its link being `link`. */
static inline uint64_t dbed_session(struct dbed *b, driver_link link, uint8_t client, bft_seq seq)
{
	struct dbed_bundle x = dbed_opening(b, client, 77);
	struct dbed_proposal p = dbed_propose(b, DBED_WALL, &x, 1);
	dbed_client_bundle(b, link, client, &x);
	dbed_push(b, 0, &p, &x, 1);
	dbed_agree(b, seq, p.digest);
	free(x.bytes);
	CU_ASSERT_EQUAL_FATAL(dbed_standing(b).executed, seq);
	return seq << 16;
}
#endif
