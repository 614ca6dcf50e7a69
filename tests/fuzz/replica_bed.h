/* tests/fuzz/replica_bed.h - a whole replica in memory (admission, driver, core, execution, state) for fuzz_driver and make_corpus: four members, the key-value
 * service, and a scheme of signatures that says yes to everything, so that what a liar sends is read to its end. */
#ifndef TESTS_FUZZ_REPLICA_BED_H
#define TESTS_FUZZ_REPLICA_BED_H
#include "bft/pbft/records.h"
#include "quorate_kv.h"
#include "replica/driver.h"
#include "tests/fuzz/fuzz.h"

#define BED_MEMBERS 4u
#define BED_RECORDS_MAX 8192u
#define BED_WALL_MS 1000000u

static inline void bed_keypair(struct public_key *pk, struct secret_key *sk, const uint8_t seed[32])
{
	struct digest d;
	digest_of(&d, DOMAIN_TEST, seed, 32);
	memcpy(pk->b, d.b, sizeof pk->b);
	memcpy(sk->b, seed, 32);
	memcpy(sk->b + 32, pk->b, 32);
}

static inline void bed_sign(struct signature *out, const struct statement *s, const struct secret_key *sk)
{
	(void)s;
	memset(out, 0, sizeof *out);
	memcpy(out->b, sk->b, 8);
}

static inline bool bed_verify(const struct signature *sig, const struct statement *s, const struct public_key *pk)
{
	(void)sig;
	(void)s;
	(void)pk;
	return true;
}

static inline bool bed_key_ok(const struct public_key *pk)
{
	(void)pk;
	return true;
}

static const struct sign_scheme bed_scheme = { "fuzz", bed_keypair, bed_sign, bed_verify, bed_key_ok };

struct bed_record {
	struct log_record about;
	uint8_t *payload;
};

struct replica_bed {
	uint8_t self;
	struct driver *driver;
	struct state *state, *next; /* next: being fetched from others */
	char state_path[96], next_path[112];
	uint32_t transfers;
	struct bed_record *record;
	uint32_t records_count;
	uint64_t lsn;
	bool holds_flush; /* the disk stands still: nothing becomes durable */
	uint32_t durable_count;
	uint64_t durable_lsn;
	uint64_t now;
	uint64_t rtt_us; /* to each other member; 0: unknown */
	/* what is heard */
	void *user;
	void (*to_member)(void *user, uint8_t from, uint8_t to, const uint8_t *frame, size_t n);
	void (*to_client)(void *user, uint8_t from, driver_link link, const uint8_t *frame, size_t n);
	void (*kept)(void *user, const struct log_record *record);
};

struct cluster_bed {
	struct bft_genesis genesis;
	struct digest cluster;
	struct secret_key secret[BED_MEMBERS];
	struct public_key client_key;
	struct secret_key client_secret;
	struct quorate_app app;
};

static inline void cluster_make(struct cluster_bed *c)
{
	memset(c, 0, sizeof *c);
	digest_of(&c->cluster, DOMAIN_TEST, "fuzz", 4);
	c->genesis.mode = BFT_MODE_BFT;
	c->genesis.count = BED_MEMBERS;
	c->genesis.limits = (struct bft_genesis_limits){
		.window = 8,
		.checkpoint_every = 2,
		.snapshot_bytes = 1u << 20,
		.state_bytes = 1u << 20,
		.snapshot_seqs = 6,
		.proposal_bytes_max = 1u << 16,
		.proposal_bundles_max = 4,
		.drift_ms = 5000,
		.sessions_per_key = 4,
		.session_window = 8,
		.request_timeout_ms = 400,
	};
	uint8_t seed[32] = { 0 };
	for (uint8_t i = 0; i < BED_MEMBERS; i++) {
		seed[0] = (uint8_t)(1 + i);
		bed_keypair(&c->genesis.cards[i].member_key, &c->secret[i], seed);
		snprintf(c->genesis.cards[i].org, sizeof c->genesis.cards[i].org, "org-%u", i);
	}
	seed[0] = 99;
	bed_keypair(&c->client_key, &c->client_secret, seed);
	quorate_kv_app(&c->app);
}

/* ---- the driver's world ---- */

static inline uint8_t *bed_join(const void *head, size_t head_n, const void *body, size_t body_n)
{
	uint8_t *frame = malloc(head_n + body_n);
	if (!frame)
		abort();
	memcpy(frame, head, head_n);
	if (body_n)
		memcpy(frame + head_n, body, body_n);
	return frame;
}

static inline bool bed_send(void *user, uint8_t member, enum net_class class, const void *head, size_t head_n, const void *body, size_t body_n)
{
	struct replica_bed *b = user;
	(void)class;
	uint8_t *frame = bed_join(head, head_n, body, body_n);
	b->to_member(b->user, b->self, member, frame, head_n + body_n);
	free(frame);
	return true;
}

static inline bool bed_send_client(void *user, driver_link link, const void *head, size_t head_n, const void *body, size_t body_n)
{
	struct replica_bed *b = user;
	uint8_t *frame = bed_join(head, head_n, body, body_n);
	b->to_client(b->user, b->self, link, frame, head_n + body_n);
	free(frame);
	return true;
}

static inline void bed_close_member(void *user, uint8_t member, const char *why)
{
	struct replica_bed *b = user;
	(void)why;
	driver_member_link(b->driver, member, false);
}

static inline void bed_close_client(void *user, driver_link link, const char *why)
{
	struct replica_bed *b = user;
	(void)why;
	driver_client_gone(b->driver, link);
}

static inline enum log_result bed_append(void *user, uint16_t type, uint16_t flags, uint64_t lsn, uint64_t seq, const struct iovec *pieces, unsigned count,
                                         struct log_position *where)
{
	struct replica_bed *b = user;
	size_t n = 0, at = 0;
	if (b->records_count == BED_RECORDS_MAX)
		return LOG_ERR_FULL;
	for (unsigned i = 0; i < count; i++)
		n += pieces[i].iov_len;
	struct bed_record *r = &b->record[b->records_count];
	r->payload = malloc(n ? n : 1);
	if (!r->payload)
		abort();
	for (unsigned i = 0; i < count; i++) {
		if (pieces[i].iov_len)
			memcpy(r->payload + at, pieces[i].iov_base, pieces[i].iov_len);
		at += pieces[i].iov_len;
	}
	r->about = (struct log_record){ .type = type, .flags = flags, .lsn = lsn, .seq = seq, .payload = r->payload, .bytes = (uint32_t)n };
	if (where)
		*where = (struct log_position){ 1, b->records_count, (uint32_t)n };
	b->records_count++;
	if (lsn) {
		FUZZ_CHECK(lsn > b->lsn);
		b->lsn = lsn;
	}
	if (b->kept)
		b->kept(b->user, &r->about);
	return LOG_OK;
}

static inline void bed_flush(void *user)
{
	(void)user;
}

static inline void bed_truncate(void *user, uint64_t lsn)
{
	(void)user;
	(void)lsn;
}

static inline enum log_result bed_read(void *user, const struct log_position *where, void *out, size_t capacity, struct log_record *record)
{
	struct replica_bed *b = user;
	FUZZ_CHECK(where->segment == 1 && where->offset < b->records_count && capacity >= where->bytes);
	*record = b->record[where->offset].about;
	memcpy(out, record->payload, record->bytes);
	record->payload = out;
	return LOG_OK;
}

static const struct state_options bed_state_options = { .map_bytes = 8u << 20, .no_sync = true };

static inline struct state *bed_transfer_open(void *user)
{
	struct replica_bed *b = user;
	char why[STATE_REASON_BYTES];
	if (b->next)
		return b->next;
	if (access(b->next_path, F_OK) != 0 && state_meta(b->state).seq)
		FUZZ_CHECK(state_copy(b->state, b->next_path) == 0);
	FUZZ_CHECK(state_open(&b->next, b->next_path, &bed_state_options, why) == STATE_OK);
	return b->next;
}

static inline struct state *bed_transfer_install(void *user)
{
	struct replica_bed *b = user;
	char why[STATE_REASON_BYTES];
	state_close(b->next);
	state_close(b->state);
	b->next = b->state = NULL;
	b->transfers++;
	(void)state_drop(b->state_path);
	FUZZ_CHECK(rename(b->next_path, b->state_path) == 0 && state_open(&b->state, b->state_path, &bed_state_options, why) == STATE_OK);
	(void)state_drop(b->next_path);
	return b->state;
}

static inline uint64_t bed_memory_lost(void *user)
{
	(void)user;
	return 1;
}

static inline bool bed_readmitted(void *user)
{
	(void)user;
	return true;
}

static inline uint64_t bed_rtt_us(void *user, uint8_t member)
{
	const struct replica_bed *b = user;
	(void)member;
	return b->rtt_us;
}

static inline void bed_note(void *user, enum quorate_level level, const char *line)
{
	(void)user;
	(void)level;
	FUZZ_CHECK(line != NULL);
}

/* ---- life ---- */

static inline void bed_durable(struct replica_bed *b)
{
	if (b->holds_flush)
		return;
	b->durable_count = b->records_count;
	b->durable_lsn = b->lsn;
	driver_durable(b->driver, b->lsn);
}

static inline void bed_turn(struct replica_bed *b)
{
	for (unsigned i = 0; i < 4; i++) {
		for (uint32_t turns = 0; driver_turn(b->driver); turns++)
			FUZZ_CHECK(turns < 100000);
		bed_durable(b);
	}
	for (uint32_t turns = 0; driver_turn(b->driver); turns++)
		FUZZ_CHECK(turns < 100000);
}

static inline bool bed_replay(struct replica_bed *b)
{
	for (uint32_t i = 0; i < b->records_count; i++) {
		struct log_position at = { 1, i, b->record[i].about.bytes };
		if (!driver_record(b->driver, &b->record[i].about, &at))
			return false;
	}
	return driver_replay(b->driver);
}

static inline bool bed_start(struct replica_bed *b, const struct cluster_bed *c)
{
	char why[STATE_REASON_BYTES];
	FUZZ_CHECK(state_open(&b->state, b->state_path, &bed_state_options, why) == STATE_OK);
	struct driver_options o = {
		.genesis = &c->genesis,
		.cluster = c->cluster,
		.self = b->self,
		.scheme = &bed_scheme,
		.secret = c->secret[b->self],
		.requests_max = 64,
		.memory_bytes = 4u << 20,
		.app = &c->app,
		.state = b->state,
		.env = { .user = b,
		         .send = bed_send,
		         .send_client = bed_send_client,
		         .close_member = bed_close_member,
		         .close_client = bed_close_client,
		         .append = bed_append,
		         .flush = bed_flush,
		         .truncate_below = bed_truncate,
		         .read = bed_read,
		         .transfer_open = bed_transfer_open,
		         .transfer_install = bed_transfer_install,
		         .memory_lost = bed_memory_lost,
		         .readmitted = bed_readmitted,
		         .rtt_us = bed_rtt_us,
		         .note = bed_note },
	};
	b->driver = driver_create(&o);
	FUZZ_CHECK(b->driver != NULL);
	if (!bed_replay(b) || !driver_start(b->driver, BFT_RECOVERY_WHOLE, 0, b->lsn, b->now, BED_WALL_MS + b->now))
		return false;
	bed_turn(b);
	return true;
}

static inline void bed_create(struct replica_bed *b, uint8_t self)
{
	char name[32];
	memset(b, 0, sizeof *b);
	b->self = self;
	b->record = calloc(BED_RECORDS_MAX, sizeof *b->record);
	FUZZ_CHECK(b->record != NULL);
	snprintf(name, sizeof name, "%u.mdb", self);
	fuzz_path(b->state_path, sizeof b->state_path, name);
	snprintf(name, sizeof name, "%u-next.mdb", self);
	fuzz_path(b->next_path, sizeof b->next_path, name);
	(void)state_drop(b->state_path);
	(void)state_drop(b->next_path);
}

static inline void bed_stop(struct replica_bed *b)
{
	driver_destroy(b->driver);
	state_close(b->state);
	state_close(b->next);
	b->driver = NULL;
	b->state = b->next = NULL;
}

/* Of a stopped replica: forgets what was not durable. Returns how many records. */
static inline uint32_t bed_tear(struct replica_bed *b)
{
	uint32_t lost = b->records_count - b->durable_count;
	while (b->records_count > b->durable_count)
		free(b->record[--b->records_count].payload);
	b->lsn = b->durable_lsn;
	b->holds_flush = false;
	return lost;
}

static inline void bed_destroy(struct replica_bed *b)
{
	bed_stop(b);
	(void)state_drop(b->state_path);
	(void)state_drop(b->next_path);
	for (uint32_t i = 0; i < b->records_count; i++)
		free(b->record[i].payload);
	free(b->record);
}
#endif
