/* replica/driver_state.h - what the driver's files share. Private to replica/driver*.c, admission.c, requests.c, fetch.c, certify.c, answer.c. */
#ifndef REPLICA_DRIVER_STATE_H
#define REPLICA_DRIVER_STATE_H
#include "bft/check.h"
#include "bft/envelope.h"
#include "bft/evidence.h"
#include "bft/protocol.h"
#include "bft/records.h"
#include "bft/roster.h"
#include "bft/standing.h"
#include "replica/allowance.h"
#include "replica/bodies.h"
#include "replica/driver.h"
#include "replica/epoch_chain.h"
#include "replica/execution/execution.h"
#include "replica/fair.h"
#include "replica/history.h"
#include "replica/messages.h"
#include "replica/shares.h"
#include "replica/transfer.h"
#include "replica/verify_pool.h"

/* Holds of the driver's own: no sequence reaches them. */
#define HOLD_LOCAL (UINT64_MAX - 1) /* waits to go back through the door */
#define HOLD_JOB (UINT64_MAX - 2)   /* waits for its signature's check   */

#define FETCHES_MAX (4u * BFT_WINDOW_MAX)
#define FETCH_FIRST_MS 40u /* what the leader pushes is on its way */
#define FETCH_MS_MAX 640u
#define FETCH_DIGESTS_MAX 32u
#define SERVE_BYTES (8u << 20) /* of bodies and chains to one member in SERVE_MS */
#define SERVE_MS 100u
#define MEMBER_JOBS_MAX 2048u
#define REQUESTS_WAITING_MAX 8192u /* for their turn; the memory that they may take: one part in ... of all that bodies may take */
#define REQUESTS_WAITING_PART 8u
#define REQUESTS_BUCKETS 8192u
#define CHECKING_BUCKETS 1024u
#define REQUESTS_CLIENTS_MAX 1024u
#define REQUESTS_TURN_BYTES (16u << 10)
#define REQUESTS_CHECKED_MAX 128u
#define REQUESTS_HELD_MIN 64u
#define REQUESTS_FRESH_MAX 256u /* pooled, and told to the core together */
#define FLUSH_US 5000u          /* an ordinary disk's */
#define LATE_ANSWERS_MAX 256u   /* results told again to one client in a second: each costs a signature */
#define OPENINGS_MAX 64u        /* sessions that one client may open in ... */
#define OPENINGS_MS 4000u
#define READS_MAX 4096u
#define EVIDENCE_EACH_MAX 4u /* files about one member's lies of one kind, in one run */
#define ROUTES_SETS 8192u
#define ROUTES_WAYS 4u
#define RECENT_MAX 16u /* executed proposals that stay in memory for those who come a little later */
#define VERIFY_BUDGET 64u
#define UNFLUSHED_MS 50u /* longest that a record which nothing waits for stays unwritten */

struct fetch {
	bool used;
	struct digest digest;
	bft_seq seq; /* the least that it is wanted for */
	bft_mask to;
	uint8_t last;
	uint32_t wait_ms;
	uint64_t at_ms;
};

/* What follows the newest message of mine that is a record too, and which that is: it is sent again as it was. */
struct own_tail {
	struct digest digest; /* of the core's part */
	uint8_t *bytes;       /* NULL: there is none */
	size_t n;
};

/* Own votes that became free in this wake-up, for the same members in the same view. */
struct leaves {
	bft_mask to;
	struct bft_votes votes;
};
#define LEAVES_GROUPS 4u

struct own_certificate { /* of my COMMIT for `seq`: what my VIEW-CHANGE shows */
	bft_seq seq;
	uint8_t *bytes;
	size_t n;
};

struct own_pre_prepare {
	bft_seq seq;
	bft_view view;
	bft_ref ref;
};

struct member_state {
	bool up, distrusted; /* a signature that was taken lazily was false: SIGNED from now on */
	uint32_t jobs;
	uint32_t rejects;
	uint64_t accused; /* times that it was refused for what no honest replica sends */
	uint64_t rejects_ms, served_ms, chain_ms, border_ms;
	bft_epoch epoch; /* the latest that it spoke in */
	size_t served_bytes;
};

struct route {
	struct public_key key;    /* whose link it is: a session's name alone draws no answers */
	uint64_t session, number; /* number: of an opening, else 0 */
	driver_link link;         /* 0: free */
	uint64_t asked;           /* the highest number that came by this very link */
	uint64_t used;
};

/* A request that is pooled, and that the core is to hear of. */
struct fresh_request {
	struct digest digest;
	driver_link link; /* whose client hears of it if there is no place; 0: nobody */
	bool shown;       /* BFT_SIGNER_SHOWN */
	bft_seq looked;   /* what was executed when it was last looked for in the state */
};

struct to_execute {
	bft_seq seq;
	struct digest digest;
};

struct bundle_job; /* requests.c */
struct driver {
	struct driver_options options;
	const struct bft_genesis *genesis;
	struct digest cluster, null_digest;
	struct epoch_chain *chain;
	bft_epoch executed_epoch; /* execution's, when the links were told last      */
	bool key_missing;         /* the secret of my newest known key is not here   */
	struct secret_key secret; /* for the epoch that I am in; or the last that was */
	uint32_t n;               /* one above the highest number that anybody has, in whichever epoch that is known: loops by member end there */
	struct bft_roster roster; /* of my epoch; who leads last in it, driver_roster knows */
	uint32_t q;               /* of them */
	uint8_t self;
	struct bft_limits limits;
	uint64_t mono_ms, wall_ms, ticked_ms, rtt_at_ms;
	uint32_t rtt_us;
	uint64_t suspicion_ms; /* when one was last noted */
	bft_view view_noted;
	bft_epoch view_noted_epoch;
	bool started, failed, low_space, stepping;
	uint8_t full;           /* which of enum driver_disk; low_space: any */
	uint64_t room_again_ms; /* when the state's is looked at again       */
	char trouble[STANDING_TROUBLE_BYTES_MAX + 1];

	const struct bft_protocol *protocol;
	struct bft_core *core;
	size_t core_bytes;
	bft_epoch epoch;
	bft_seq base; /* it began behind this sequence, with this chain */
	struct digest base_chain;
	bool activated; /* the core has ended: `next_epoch` begins at the end of this wake-up */
	struct bft_rec_view next_epoch;
	bft_lsn next_epoch_lsn;
	struct epochs jump;         /* of a fetched state that is not installed yet */
	struct pass_over pass_over; /* that I bring into the order at the end of this wake-up: then gathered */
	bool pass_over_gathered;
	bool waits_for_chain; /* the state that knew my epoch is gone, and with it which key is mine: the core starts when the others have shown it */
	bool lost;            /* my memory may lack what I signed            */
	uint64_t incarnation;
	bft_seq damaged_from, damaged_to; /* the log lost something around them; 0: nothing */
	bool overtaken;                   /* f+1 members are in a later epoch; since when nothing was executed here */
	uint64_t overtaken_ms;
	bft_seq overtaken_seq;
	struct bft_effects out;
	void *decoded;                          /* of the message being admitted */
	void *record;                           /* of the record being read; one use at a time */
	struct bft_claim claim[BFT_CLAIMS_MAX]; /* of the message being admitted or made */
	uint8_t *scratch;                       /* for encoding; one use at a time */
	size_t scratch_bytes;

	struct messages *messages;
	struct bodies *bodies;
	struct history *history;
	struct execution *execution;
	struct executed *executed;
	struct verify_pool *pool;

	bft_lsn durable, lsn;
	bool flush_wanted;          /* something in this step waits for the disk                      */
	uint64_t unflushed_ms;      /* since when records that nothing waits for stand unwritten; 0: none */
	struct bft_effect *waiting; /* not durable yet; in order of emission */
	size_t waiting_count, waiting_capacity;

	bft_ref *local; /* own messages on their way back through the door: a ring */
	size_t local_head, local_count, local_capacity;
	struct leaves leaves[LEAVES_GROUPS];
	uint32_t leaves_count;
	struct own_pre_prepare *own_pre_prepare; /* ring of 2W */
	struct own_certificate *own_certificate; /* ring of 2W */
	uint8_t *stable_certificate;             /* of my stable checkpoint */
	size_t stable_certificate_n;
	uint8_t *border_certificate; /* of the last epoch's end; NULL: not known here */
	size_t border_certificate_n;
	struct own_tail own_tail;

	struct to_execute *execute; /* ring */
	size_t execute_head, execute_count, execute_capacity;
	bft_lsn snapshot_lsn; /* the snapshot that is due waits until the log is durable through this; 0: not yet known */
	struct digest recent[RECENT_MAX];
	uint32_t recent_next;

	struct fetch fetch[FETCHES_MAX];
	uint32_t fetches_count;
	uint64_t fetch_at_ms;
	struct digest *held; /* proposals that are whole, to be told to the core: HELD */
	size_t held_count, held_capacity;

	bft_seq truncate_seq; /* wanted, but the state on disk still needs more */
	bft_lsn truncate_below;

	uint8_t *certified_certificate; /* of the newest certified snapshot */
	size_t certified_certificate_n;
	bft_seq certified_seq;
	struct transfer_lease lease[BFT_MEMBERS_MAX]; /* of what is served                    */
	struct transfer *transfer;                    /* what is fetched; NULL: nothing is */

	struct waiting_read *reads, **reads_last; /* in order of arrival */
	uint32_t reads_count;
	uint64_t reads_asked; /* counts them: their names to the core */

	struct member_state member[BFT_MEMBERS_MAX];
	uint64_t evidence_served_ms; /* to clients, all together */
	size_t evidence_served_bytes;
	uint8_t evidence_kept[BFT_MEMBERS_MAX][EVIDENCE_PREDICATE_END]; /* since the start, of each member and kind: EVIDENCE_EACH_MAX at most */
	bft_mask closing;                                               /* links to be closed at the end of the wake-up: not within a step */
	struct message_job *checking[CHECKING_BUCKETS];                 /* members' messages, until their signatures were checked */
	struct fair *fair;
	struct shares *shares;
	struct bundle_job *requests_waiting[REQUESTS_BUCKETS]; /* for their turn or their check, by digest */
	struct allowance late;                                 /* LATE_ANSWERS_MAX */
	struct allowance openings;                             /* OPENINGS_MAX     */
	uint32_t requests_checked;                             /* whose signatures are being checked */
	uint32_t requests_held;                                /* how many the core may hold         */
	struct fresh_request fresh[REQUESTS_FRESH_MAX];
	uint32_t fresh_count;
	uint64_t executed_before;
	uint32_t near_us; /* the least round trip of the last while */
	struct route *routes;
	uint64_t routes_used;
	uint64_t view_records;
	struct driver_counts counts;
};

/* driver.c */
void driver_step(struct driver *d, const struct bft_event *event);
void driver_stop(struct driver *d, const char *format, ...) __attribute__((format(printf, 2, 3)));
void driver_note(struct driver *d, enum quorate_level level, const char *format, ...) __attribute__((format(printf, 3, 4)));
bool driver_grow(void *array, size_t *capacity, size_t need, size_t size);
void driver_tick(struct driver *d);
void driver_flush(struct driver *d);

/* effects.c: what happens when an effect is released */
void effect_persist(struct driver *d, const struct bft_effect *e);
void effect_happen(struct driver *d, const struct bft_effect *e);
/* To a member that is in `epoch`, mine or an earlier one: core's part `n` and what follows, signed for that epoch. */
void send_in_epoch(struct driver *d, uint8_t member, uint16_t type, bft_epoch epoch, const uint8_t *bytes, size_t n, size_t tail_n);
/* Signs what was gathered. True: something was. */
bool effects_seal_votes(struct driver *d);
bool effects_run_local(struct driver *d);

/* With my key in `epoch`. False: its secret is not here, and the signature is zeros: enough where the channel is. */
bool driver_sign(struct driver *d, bft_epoch epoch, const struct statement *s, struct signature *out);
/* The members of `epoch`; none when it is not known. */
struct bft_roster driver_roster(const struct driver *d, bft_epoch epoch);
/* Whether I am a member of my epoch: not before I came, though somebody had my number then. */
bool driver_is_member(const struct driver *d);
/* The organization of whoever has or last had that number: for words about it. */
const char *driver_org(const struct driver *d, uint8_t member);
/* Whether the secret of that key of mine is here. */
bool driver_has_secret(const struct driver *d, const struct public_key *key);
/* Whether requests are signed in the epoch that I am in. */
bool driver_signs_requests(const struct driver *d);
/* The key of `member` in `epoch`. NULL: that epoch is not known. */
const struct public_key *driver_key(const struct driver *d, uint8_t member, bft_epoch epoch);

/* certify.c: certificates, made of held messages and checked in received ones */
size_t certify_record(struct driver *d, const struct bft_effect *e, uint8_t *bytes, size_t capacity);
void certify_keep(struct driver *d, uint16_t rtype, const struct bft_certificate_refs *c, const uint8_t *bytes, size_t n);
/* Writes what follows the core's part of a new message of mine that is a record too, and keeps it for when it is sent. */
size_t certify_own(struct driver *d, uint16_t type, const void *body, const struct digest *digest, uint8_t *bytes, size_t capacity);
void certify_keep_tail(struct driver *d, const struct digest *digest, const uint8_t *bytes, size_t n);
/* The certificates behind the core's part prove what it says: their signatures are added to `job`. NULL, or the reason. `job->items` gets allocated. */
const char *certify_tail(struct driver *d, uint16_t type, const void *body, const uint8_t *tail, size_t n, struct verify_job *job);

void certify_forget(struct driver *d);

/* epoch.c */
/* False: such a record cannot stand there, or there is no memory. */
bool epoch_recover(struct driver *d, const struct bft_rec_view *where);
void epoch_set(struct driver *d, const struct bft_rec_view *where);
/* A core for the epoch `where`, of its mode and for its members, that knows nothing yet. False: no memory, and the driver has stopped. */
bool epoch_core(struct driver *d, const struct bft_rec_view *where);
/* What the log says with each record of the epoch that it is of (docs/formats.md), so that a log that was cut can be read: the flags of my records now. */
/* Somebody with a higher number may have become known. */
void epoch_width(struct driver *d);
uint16_t epoch_flags(const struct driver *d);
/* Whether a record with those flags is of the epoch that the records before it are of; the first record of a log makes the core fit. */
bool epoch_flags_fit(struct driver *d, uint16_t flags);
void epoch_ends(struct driver *d, const struct bft_rec_view *where, bft_lsn lsn);
void epoch_secret(struct driver *d);
void epoch_begin(struct driver *d, bool fresh);
/* The chain leads further now: a core that waited for that is started. */
void epoch_known(struct driver *d);
/* Tells the core who leads last in its epoch, if that is known. */
void epoch_order(struct driver *d);
/* Tells the core of the border that execution knows. */
void epoch_tell(struct driver *d);
void epoch_turn(struct driver *d);
void epoch_tick(struct driver *d);
void epoch_count(struct driver *d);
/* A frame of `member` names `epoch`: whether it is mine. Who is behind is helped on. */
bool epoch_same(struct driver *d, uint8_t member, uint16_t type, bft_epoch epoch);
bool epoch_jump(struct driver *d, struct state *next);

/* admission.c */
void admission_message(struct driver *d, uint8_t member, const struct bft_envelope *e, const uint8_t *body, size_t n);
void admission_proposal(struct driver *d, uint8_t member, const uint8_t *body, size_t n);
void admission_deliver(struct driver *d, bft_ref ref, uint8_t from, enum bft_auth auth);
void admission_reject(struct driver *d, uint8_t member, const char *why);
void admission_false_signature(struct driver *d, uint8_t member);
/* The statement of a held message. */
void message_statement(const struct driver *d, struct statement *out, uint16_t type, bft_epoch epoch, const struct digest *digest);
/* What a signature of it covers: H(core's part). `body`: that, decoded. */
void message_body_digest(const struct driver *d, struct digest *out, uint16_t type, const void *body, const uint8_t *bytes, size_t n);
/* Makes sure that a message's signature was checked before it is passed on. */
bool message_verified(struct driver *d, bft_ref ref);

/* requests.c: of clients. `member` -1: from the client's own link. */
void requests_bundle(struct driver *d, int member, driver_link link, const struct public_key *link_key, const struct bft_envelope *e, const uint8_t *body,
                     size_t n);
/* Goes on with those that wait for their turn. True: some did. */
bool requests_feed(struct driver *d);
/* Tells the core of those that came. True: some did. Called before anything is executed: it would wait for ever for what was. */
bool requests_tell(struct driver *d);
/* Every `ms` milliseconds: how much the cluster gets done. */
void requests_pace(struct driver *d, uint64_t ms);
void requests_drop(struct fair_item *place);
/* The core does not hold it any more. */
void requests_release(struct driver *d, struct bundle_body *x);
/* What waits unsigned when an epoch begins that asks for signatures is given back to its client. */
void requests_give_back(struct driver *d);
/* One of this replica itself, signed with its key. */
void requests_own(struct driver *d, const struct digest *digest, const struct signature *signature, const uint8_t *bytes, size_t n);

/* voice_serve.c */
void voice_serve(struct driver *d, driver_link link, const uint8_t *body, size_t n);

/* pass_over.c */
void pass_over_gather(struct driver *d, const struct pass_over_refs *refs);
void pass_over_turn(struct driver *d);

/* fetch.c: bodies from others and for others */
void fetch_order(struct driver *d, const struct digest *digest, bft_seq seq, bft_mask to);
/* It was decided in an epoch before this one, whose mode may have been the other. */
bool fetch_is_older(struct driver *d, const struct digest *digest);
void fetch_forget(struct driver *d, const struct digest *digest);
bool fetch_wanted(struct driver *d, const struct digest *digest);
void fetch_tick(struct driver *d);
uint64_t fetch_deadline(const struct driver *d);
void fetch_serve(struct driver *d, uint8_t member, const uint8_t *body, size_t n);
void fetch_serve_chain(struct driver *d, uint8_t member, bft_epoch epoch, bft_seq from);
bool fetch_may_serve(struct driver *d, uint8_t member, size_t n);
/* A proposal has become whole (or is invalid). */
void fetch_arrived(struct driver *d, struct proposal_body *p);
/* From memory, or from the log into memory. NULL: nowhere here. */
struct proposal_body *body_load(struct driver *d, const struct digest *digest);
bool body_in_log(const struct driver *d, const struct digest *digest);
void body_push(struct driver *d, const struct digest *digest, bft_mask to);

/* answer.c: clients */
void answer_executed(struct driver *d, const struct executed *x);
/* From what is kept: alone, so under a signature of its own, if it is to be `signed_`. */
void answer_late(struct driver *d, driver_link link, bool signed_, uint64_t seq, const struct digest *bundle, const uint8_t *result, size_t n);
/* Whether an answer to a request with that signature is signed. */
bool answer_signs(const struct driver *d, const struct signature *asked);
void answer_refuse(struct driver *d, driver_link link, uint64_t session, uint64_t number, enum refusal reason);
void answer_standing(struct driver *d, int member, driver_link link);
void route_learn(struct driver *d, const struct bundle *b, driver_link link);
void route_attach(struct driver *d, driver_link link, const struct public_key *key, const uint8_t *body, size_t n);
driver_link route_find(struct driver *d, const struct bundle *b);

/* read.c */
void read_take(struct driver *d, driver_link link, const struct public_key *key, const uint8_t *body, size_t n);
void reads_executed(struct driver *d);
void read_at(struct driver *d, uint64_t id, bft_seq seq, bool refused);
void reads_end(struct driver *d);

/* convict.c: the contradiction that a BLAME names, shown to the world as evidence. Requires: the signatures were verified. */
void convict(struct driver *d, const struct bft_effect *effect);

/* evidence_serve.c */
void evidence_serve(struct driver *d, driver_link link, const uint8_t *body, size_t n);

/* carry_out.c: execution in order, snapshots, truncation */
bool carry_out(struct driver *d);
void carry_out_snapshot(struct driver *d);
void truncate_try(struct driver *d);
#endif
