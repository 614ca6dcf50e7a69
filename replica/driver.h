/* replica/driver.h - around one core: releases its effects when the log position that they wait for is durable, seals votes, keeps what the core holds, and
 * decides nothing.
 *
 * It is itself without clock, socket and thread: the world comes through struct driver_env, so the same code runs in the daemon and in the simulator. After
 * one or more calls of driver_* the caller calls driver_turn once: that is the end of the wake-up, where votes are sealed. */
#ifndef REPLICA_DRIVER_H
#define REPLICA_DRIVER_H
#include "bft/core.h"
#include "bft/evidence_list.h"
#include "bft/genesis.h"
#include "bft/standing.h"
#include "net/queue.h"
#include "quorate.h"
#include "replica/log/log.h"
#include "replica/state/state.h"

struct driver;

/* A client's link: the caller's name for it, never used twice. */
typedef uint64_t driver_link;

struct driver_env {
	void *user;
	/* Queue a frame, head and body together, copied. False: it was dropped; the protocol asks again. */
	bool (*send)(void *user, uint8_t member, enum net_class class, const void *head, size_t head_n, const void *body, size_t body_n);
	bool (*send_client)(void *user, driver_link link, const void *head, size_t head_n, const void *body, size_t body_n);
	/* The peer broke the protocol. driver_member_link or driver_client_gone may come within the call. */
	void (*close_member)(void *user, uint8_t member, const char *why);
	void (*close_client)(void *user, driver_link link, const char *why);
	/* The log. `at` may be NULL. */
	enum log_result (*append)(void *user, uint16_t type, uint16_t flags, uint64_t lsn, uint64_t seq, const struct iovec *pieces, unsigned count,
	                          struct log_position *at);
	void (*flush)(void *user); /* write what was appended: until then it may wait */
	void (*truncate_below)(void *user, uint64_t lsn);
	enum log_result (*read)(void *user, const struct log_position *at, void *out, size_t capacity, struct log_record *record);
	/* The state that is being fetched from others: a file of its own beside the state's, made as a copy of that when it is not there yet. NULL: no room, no memory.
	 * It is the caller's; install puts it in the state's place, closes what was there, and returns it as it is to be used from now on (NULL: it failed). */
	struct state *(*transfer_open)(void *user);
	struct state *(*transfer_install)(void *user);
	/* The superblock must remember that this log may lack something (design section 8). Returns the incarnation under which it may be let in again. */
	uint64_t (*memory_lost)(void *user);
	/* It was let in again: nothing is remembered against it any more. False: that could not be written. */
	bool (*readmitted)(void *user);
	void (*note)(void *user, enum quorate_level level, const char *line);
	/* Results of verifiers wait: have driver_turn called. Threads: any. Not used without verifiers. */
	void (*wake)(void *user);
	/* A member contradicted itself: bft/evidence.h, at most EVIDENCE_BYTES_MAX bytes, borrowed. `name`: the file's, the same for the same contradiction. False: it
	 * could not be kept, and may be offered again. May be NULL. */
	bool (*evidence)(void *user, const uint8_t *bytes, size_t n, const char *name);
	/* The kept one whose name comes first behind `after`: its name, its bytes (at most `capacity`), its size. 0: there is none. May be NULL. */
	size_t (*evidence_next)(void *user, const struct evidence_name *after, struct evidence_name *name, uint8_t *bytes, size_t capacity);
	/* The round trip to a member; 0: unknown. May be NULL. */
	uint64_t (*rtt_us)(void *user, uint8_t member);
	/* ---- each of these may be NULL ---- */
	/* The secret of a key that my organization has given me since the genesis. False: it is not here. */
	bool (*secret)(void *user, const struct public_key *key, struct secret_key *out);
	/* An epoch has become known: driver_member_key may say something else. Links that show another key are to be closed, or told by driver_stranger. */
	void (*keys_changed)(void *user);
	/* A link of the chain of epochs is to be kept, behind the others: driver_epochs takes them back at the next start. Lost, they are asked for again. */
	void (*keep_link)(void *user, const uint8_t *bytes, size_t n);
	/* As `send`, also on a link whose key is not known (driver_stranger). NULL: send. */
	bool (*send_chain)(void *user, uint8_t member, const void *frame, size_t n);
};

struct driver_options {
	const struct bft_genesis *genesis; /* borrowed for the driver's life */
	struct digest cluster;
	uint8_t self;
	struct public_key card_key; /* the member key on my card, by which an epoch knows me; zeros: that of the genesis */
	const struct sign_scheme *scheme;
	struct secret_key secret; /* of one of my keys: the genesis' or a later one; the others by env.secret */
	uint32_t verifiers, requests_max, lease_drift_percent;
	size_t memory_bytes;
	const struct quorate_app *app;
	struct state *state; /* borrowed */
	struct driver_env env;
};

/* Log records beside the core's (bft/records.h): a proposal with its bundles, lsn 0. */
#define DRIVER_REC_BODY 64u

/* NULL: no memory. */
struct driver *driver_create(const struct driver_options *options);
void driver_destroy(struct driver *d);

/* Before the log: the links that were kept. `*used`: how many bytes are a chain; what follows is not, and goes. */
bool driver_epochs(struct driver *d, const uint8_t *bytes, size_t n, size_t *used);
/* Recovery: what the log lost stood around these sequences. For the standing of a replica that observes, and nothing else. */
void driver_damage(struct driver *d, bft_seq from, bft_seq to);
/* Recovery: every record of the log in order; then driver_replay and driver_start, once the log is open for appending and everything in it is durable. False: the
 * record is not one of ours; executing the log again failed or gave another result (driver_trouble). */
bool driver_record(struct driver *d, const struct log_record *record, const struct log_position *at);
/* What the records so far say, for judging damage (replica/damage.h). */
struct driver_recovered {
	bft_seq stable;
	uint64_t view_records; /* how many said which view it is */
};
void driver_recovered(const struct driver *d, struct driver_recovered *out);
/* Executes again what the log holds above the state's snapshot. */
bool driver_replay(struct driver *d);
/* `incarnation`: under which an organization may let it in again, when its memory is lost. */
bool driver_start(struct driver *d, enum bft_recovery recovery, uint64_t incarnation, bft_lsn durable, uint64_t mono_ms, uint64_t wall_ms);

/* Events. Each may be called at any time after driver_start, never from within a callback of env. */
void driver_time(struct driver *d, uint64_t mono_ms, uint64_t wall_ms); /* first in every wake-up */
void driver_member_link(struct driver *d, uint8_t member, bool up);
void driver_member_frame(struct driver *d, uint8_t member, const uint8_t *bytes, size_t n);
/* The same on a link that shows another key than driver_member_key: it may be newer than what is known here, so links of the chain of epochs are taken and given. */
void driver_stranger(struct driver *d, uint8_t member, bool up);
void driver_stranger_frame(struct driver *d, uint8_t member, const uint8_t *bytes, size_t n);
void driver_client_frame(struct driver *d, driver_link link, const struct public_key *key, const uint8_t *bytes, size_t n);
void driver_client_gone(struct driver *d, driver_link link);
void driver_durable(struct driver *d, bft_lsn lsn);
/* A disk is full, or has room again: that of the log, as its writer says; that of the state, as execution finds. */
enum driver_disk { DRIVER_DISK_LOG = 1, DRIVER_DISK_STATE = 2 };
void driver_space(struct driver *d, enum driver_disk disk, bool low);
/* The log failed: nothing may be signed any more. */
void driver_fail(struct driver *d, const char *why);
/* The end of a wake-up. True: there is more to do, call again soon (after looking at the sockets). */
bool driver_turn(struct driver *d);
/* mono_ms at which driver_time and driver_turn are wanted. */
uint64_t driver_deadline(const struct driver *d);

void driver_standing(struct driver *d, struct standing *out);
/* In the newest epoch that is known. NULL: nobody has that number. Borrowed until keys_changed. */
const struct public_key *driver_member_key(const struct driver *d, uint8_t member);
/* Whoever has that number there, or had it last: where it is reached. NULL: nobody ever had it. Borrowed until keys_changed. */
const struct bft_card *driver_member_card(const struct driver *d, uint8_t member);
/* Beside it: the key that the state knows and the core does not yet, at a border. NULL: there is none. */
const struct public_key *driver_next_key(const struct driver *d, uint8_t member);
/* Whether it has the secret of its key in the epoch that it is in: without that it can sign nothing. */
bool driver_can_sign(const struct driver *d);
/* "" while all is well. It has stopped taking part when `failed`. */
const char *driver_trouble(const struct driver *d);
bool driver_failed(const struct driver *d);

struct driver_counts {
	uint64_t executed_bundles, executed_proposals, signatures, bad_signatures, repeated, refused, blamed, convicted, fetches, reads;
};
void driver_counts(const struct driver *d, struct driver_counts *out);
#endif
