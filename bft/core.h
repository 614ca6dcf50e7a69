/* bft/core.h - the one interface of every ordering protocol in Quorate (PBFT, Raft, later Multi-Paxos).
 *
 * A core is a function (state, event) -> (state, effects). It has no clock, socket, file, thread, key or heap. It never touches an operation, a signature
 * or a reply: it sees digests, votes and positions. The same core runs in the daemon, in an embedding program, in the simulator and in the bench's liars. */
#ifndef BFT_CORE_H
#define BFT_CORE_H
#include "bft/types.h"

/* How much is known about who said it. Totally ordered: a handler states the least it accepts (design section 3). */
enum bft_auth {
	BFT_AUTH_CHANNEL = 1, /* arrived on a channel bound to `from`'s key: enough to act on, not to show to others */
	BFT_AUTH_SIGNED = 2,  /* the signature over the statement verified: may enter a certificate or evidence      */
};

/* What a handler says of a message. Every refusal names who could have caused it. */
enum bft_verdict {
	BFT_ACCEPT,
	BFT_IGNORE,  /* an honest replica can cause this: stale, early, repeated                      */
	BFT_REJECT,  /* no honest replica sends this: it counts against the link                      */
	BFT_CONVICT, /* statements by one signer that contradict each other: kept as evidence         */
};

/* An authentic message. Only admission (or a simulator) makes one; `from` is the key that verified, never a field. */
struct bft_vmsg {
	bft_ref wire; /* envelope + signature, kept while held; what certificates, forwards and evidence quote        */
	uint8_t from; /* member index in `epoch`; == self for own messages on their way back                          */
	enum bft_auth auth;
	uint16_t type; /* row of the protocol's message table                                                          */
	bft_epoch epoch;
	struct digest digest; /* H(body): what the signature covers, and what a NEW-VIEW names a VIEW-CHANGE by               */
	const void *body;     /* decoded, well-formed; borrowed for the call                                                  */
};

/* Names a request for as long as its client may repeat it; a digest does not, for a client can sign two bundles with one number. */
struct bft_request_id {
	uint64_t session, number;
};

enum bft_event_kind {
	BFT_EV_RECORD,    /* recovery only: one own record (`rtype`, `data`, `lsn`), in lsn order, before anything else           */
	BFT_EV_START,     /* recovery over: the state stands at `seq` with chain `digest`; `recovery` says what the log is worth; */
			  /* `ok`: the epoch begins now, and nothing was said in it                                               */
	BFT_EV_TICK,      /* `mono_ms` for timers, `wall_ms` for agreed time; both only here. `rtt_us`: to the n-1-f nearest     */
	BFT_EV_MSG,       /* an authentic message, or an own one that has become durable and signed                               */
	BFT_EV_REQUEST,   /* a verified client bundle is pooled: `digest`, `bytes`, `id`. `ok`: more follow at once, wait for the last; `shown`: to all */
	BFT_EV_HELD,      /* proposal `digest` is whole, checked against its digest and the validity rules, and pooled: `time_ms`,   */
			  /* `data_count` bundles of `bytes` in all.                                                              */
			  /* `ok` false: the bytes match the digest and break a validity rule                                     */
	BFT_EV_DURABLE,   /* every record with position <= `lsn` is on disk. Monotonic, prefix-closed                             */
	BFT_EV_EXECUTED,  /* `seq` executed; `digest` = chain after it, `root` = its results; `data` = bft_request_id[] it ended  */
	BFT_EV_SNAPSHOT,  /* the snapshot at `seq` is durable: chain `digest`, state `root`. Execution alone decides when one is due */
	BFT_EV_INSTALLED, /* state transfer finished atomically at `seq`, chain `digest`; `ref` carries the checkpoint certificate */
	BFT_EV_LINK,      /* the link to `from` came up (`ok`) or went down                                                       */
	BFT_EV_EPOCH,     /* execution of an ordered entry fixed the next epoch: it begins behind `seq`, with `members` and `mode` (0: as */
			  /* now); at least `signers` CHECKPOINTs certify the border. `ok`: f+1 members are there already    */
	BFT_EV_JUMP,      /* f+1 members of the later epoch `epoch` certify a state: it began behind `seq` with chain `digest`, `members`, `mode` */
	BFT_EV_FILL,      /* sequences up to `seq` are wanted though no request may come: a snapshot was ordered and is due there  */
	BFT_EV_ORDER,     /* `members` lead last in this epoch (bft/order.h): before START, or when the epoch becomes known later  */
	BFT_EV_READ,      /* a read came that is to be answered without an entry in the order: `id`.number. Answered with READ_AT. By lease: */
			  /* the last TICK's clock was read after it had come                                                        */
	BFT_EV_ADMIN,     /* operator: hand the leadership over                                                                   */
};

enum bft_recovery {
	BFT_RECOVERY_WHOLE, /* no acknowledged vote, certificate or view record can be missing                                    */
	BFT_RECOVERY_LOST,  /* some may be: observer (learns, executes, serves; signs nothing) until the next epoch               */
};

struct bft_event {
	enum bft_event_kind kind;
	uint64_t mono_ms, wall_ms, time_ms;
	const struct bft_vmsg *msg;
	bft_seq seq;
	bft_lsn lsn;
	struct digest digest, root;
	bft_ref ref;
	bool ok, shown;
	uint8_t from;
	bft_mask members;
	enum bft_mode mode;
	uint32_t signers;
	uint32_t bytes;
	uint32_t rtt_us;
	struct bft_request_id id;
	bft_epoch epoch;
	enum bft_recovery recovery;
	uint16_t rtype;
	const void *data;  /* borrowed for the call */
	size_t data_count; /* bytes of a record, entries of an id list */
};

enum bft_effect_kind {
	BFT_FX_PERSIST,   /* append record `rtype` with `data` at `lsn`; `digest` nonzero: also body `digest`, unless it is in the log  */
	BFT_FX_SEND,      /* to `to` (bit self = back through the door): message `type`, body `data`                                   */
	BFT_FX_FORWARD,   /* to `to`: the stored message `ref`, verbatim, with its signer's index `from` in front                      */
	BFT_FX_BODY,      /* the leader built a proposal: pool `data` (canonical bytes) under `digest`; it is held                     */
	BFT_FX_PUSH,      /* send body `digest` to `to`, unasked                                                                       */
	BFT_FX_HOLD,      /* message `ref` is kept for what it says about `seq`: until RELEASE of the same, or until `seq` is STABLE     */
	BFT_FX_RELEASE,   /* undoes one HOLD of `ref` for `seq`                                                                        */
	BFT_FX_FETCH,     /* a standing order: obtain body `digest`; members in `to` claim to hold it. Answered with HELD              */
	BFT_FX_FORGET,    /* body or fetch `digest` is not needed any more                                                             */
	BFT_FX_REQUEST,   /* hand the pooled bundle `digest` to the leader `to`                                                        */
	BFT_FX_DROP,      /* bundle `digest` will not be proposed from here: executed, or the table is full (`reason`)                 */
	BFT_FX_EXECUTE,   /* proposal `digest` at `seq`. Never withdrawn. Answered with EXECUTED                                       */
	BFT_FX_STABLE,    /* `seq` is stable: votes, certificates and messages at or below it are garbage                              */
	BFT_FX_TRUNCATE,  /* records that are below `below` and concern nothing above `seq` may leave the log                          */
	BFT_FX_TRANSFER,  /* the others' logs no longer reach back to what is missing: get certified state at or above `seq`           */
	BFT_FX_BLAME,     /* `from` earned `verdict` for `reason`; for CONVICT `ref` and `other` contradict each other                 */
	BFT_FX_READ_AT,   /* read `id` may be answered from a state at or above `seq`; `reason` nonzero: it is to be ordered instead      */
	BFT_FX_ROLE,      /* view, leader, standing changed: for status, metrics and clients' hints                                    */
	BFT_FX_ACTIVATE,  /* the next epoch takes over after `seq`, chain `digest`: the driver replaces the core, which says no more   */
	BFT_FX_PASS_OVER, /* q members say that one of them should lead last: an entry with their words (`data`) is to be ordered      */
	BFT_FX_HALT,      /* own state contradicts a certificate or an own statement: stop voting, say why (`reason`)                  */
};

struct bft_effect {
	enum bft_effect_kind kind;
	bft_lsn lsn; /* PERSIST: its position. Others: released only when durable >= lsn (0 = at once). This field IS the ordering */
		     /* contract: no driver, simulator or attack decides it anew.                                                  */
	bft_mask to;
	uint16_t type, rtype, reason;
	uint8_t from;
	enum bft_verdict verdict;
	bft_ref ref, other;
	bft_lsn below;
	bft_seq seq;
	uint64_t id;
	struct digest digest;
	const void *data; /* in the output arena, valid until the next step */
	size_t data_bytes;
};
/* The driver's contract, checked by the simulator too:
 *  1. PERSIST effects reach the log in order of lsn; DURABLE covers prefixes only. A flush error ends the replica.
 *  2. Any other effect waits for durable >= its lsn, then happens. Duplicates, loss and reordering on the way are the core's to survive.
 *  3. SEND: the driver seals (envelope, epoch, signature). All votes that become free in one wake-up share one signature. The copy for self re-enters as
 *     MSG with BFT_AUTH_SIGNED after sealing: counted <= durable, by structure.
 *  4. EXECUTE happens in seq order; EXECUTED may come any number of steps later.
 *  5. A crash between any two effects equals a crash before the second. After START nothing released before the crash is assumed to have arrived.
 *  6. Steps never nest. BFT_STEP_MORE asks for another TICK at once, so no peer can hold the loop. */

struct bft_limits {
	uint32_t members; /* one above the highest member's number: tables have so many rows */
	bft_mask absent;  /* numbers below that are nobody's in this epoch */
	uint32_t window, checkpoint_every, proposal_bytes_max, proposal_bundles_max, drift_ms; /* agreed: from the genesis */
	uint32_t request_timeout_ms;
	uint32_t requests_max, executing_max; /* local: cost only */
	uint32_t lease_drift_percent;         /* local, Raft: reads by lease, while no two clocks' speeds differ by more from true time; 0: none */
};

enum bft_step { BFT_STEP_DONE, BFT_STEP_MORE };
struct bft_effects {
	struct bft_effect *at;
	uint32_t count, capacity;
	uint8_t *arena;
	size_t arena_bytes, arena_used;
};
#define BFT_EFFECTS_MAX 8192u
#define BFT_ARENA_BYTES (1u << 20)

struct bft_core; /* a block of protocol->bytes(limits); holds indexes, no pointers into itself: tests copy and compare it */

/* What status, metrics and hints want to know. */
struct bft_standing {
	bft_epoch epoch;
	bft_seq base; /* the border behind which the epoch began */
	struct digest base_chain;
	bft_view view;
	uint8_t leader;
	bool changing, observer, recalling, suspecting;
	bft_seq low, executed, snapshot;
	bft_seq decided; /* highest sequence for which COMMIT was decided here; 0 when none is above `low` */
	bft_lsn lsn;
};

struct bft_claim;
struct bft_message_row;
struct bft_record_row;
struct evidence_rules;

struct bft_protocol { /* one constant table for each protocol; bft/protocol.h says which one a mode runs */
	const char *name;
	size_t (*bytes)(const struct bft_limits *);
	void (*init)(struct bft_core *, const struct bft_limits *, const struct digest *cluster, bft_epoch epoch, uint8_t self);
	/* Requires: `out` is empty. An event that cannot be served within the limits is refused by an effect or dropped, never partially applied. */
	enum bft_step (*step)(struct bft_core *, const struct bft_event *, struct bft_effects *out);
	uint64_t (*deadline)(const struct bft_core *); /* mono_ms at which TICK is wanted; UINT64_MAX = none */
	void (*standing)(const struct bft_core *, struct bft_standing *);
	void (*check)(const struct bft_core *); /* invariants, after each step */

	/* Messages: what any driver must know of one by its type (bft/messages.h). */
	const struct bft_message_row *(*message)(uint16_t type);
	/* Body bytes -> decoded form in `body` (body_bytes large, aligned for u64). Returns how many bytes the core's part takes (0 = malformed); what
	 * follows (certificates) is admission's. encode returns bytes written, 0 when they do not fit. */
	size_t (*decode)(uint16_t type, void *body, const uint8_t *bytes, size_t n);
	size_t (*encode)(uint16_t type, const void *body, uint8_t *bytes, size_t capacity);
	size_t body_bytes;
	/* Admission's questions: pure and cheap, before any signature. Whether it can still matter; the least that must be known about who said it; what certificates
	 * must follow, in this order (bft/certificate.h; at most BFT_CLAIMS_MAX, returns how many). */
	enum bft_verdict (*screen)(const struct bft_core *, uint8_t from, uint16_t type, const void *body);
	enum bft_auth (*needs)(uint16_t type, const void *body);
	size_t (*claims)(uint16_t type, const void *body, struct bft_claim *out);

	/* Records (bft/records.h). decode returns the bytes taken (0 = damaged, or of another release) and fills record_bytes; encode is for those without a
	 * certificate; seq is what a record is about, 0 for none. */
	const struct bft_record_row *(*record)(uint16_t rtype);
	size_t (*record_decode)(uint16_t rtype, void *data, const uint8_t *bytes, size_t n);
	size_t (*record_encode)(uint16_t rtype, const void *data, uint8_t *bytes, size_t capacity);
	bft_seq (*record_seq)(uint16_t rtype, const void *data);
	size_t record_bytes;

	/* Why its leader is not trusted to lead, as the `reason` of a ROLE says it. */
	const char *(*reason)(uint16_t reason);
	const struct evidence_rules *evidence; /* what members can be convicted of; NULL: nothing is signed, nobody can be */
};
#endif
