/* bft/raft/raft.h - the state of one Raft core (Ongaro's dissertation; docs/protocol.md, "Raft"). Private to bft/raft.
 *
 *               timer, no leader heard of         a majority would vote             a majority voted
 *   FOLLOWER ------------------------------> ASKING ------------------> CANDIDATE ------------------> LEADER
 *      ^        campaign_ask()                |       raft_campaign_stand()     |        raft_lead_begin()         |
 *      +--------------------------------------+----------------------------+-----------------------------+
 *          raft_follow(): a higher term, the term's leader speaks, no majority answers a leader, its own disk stalls
 *
 * Beside the role: a LEARNER's memory may lack what it acknowledged. It takes entries and executes them, and neither votes nor counts. */
#ifndef BFT_RAFT_RAFT_H
#define BFT_RAFT_RAFT_H
#include "bft/effects.h"
#include "bft/order.h"
#include "bft/raft/messages.h"
#include "bft/raft/records.h"

enum raft_role { RAFT_FOLLOWER, RAFT_ASKING, RAFT_CANDIDATE, RAFT_LEADER };

/* Why something was refused, dropped or said of the leader; goes out in `reason`. */
enum raft_reason {
	RAFT_WHY_NONE,
	RAFT_WHY_TERM_JUMP,   /* a term that no number of elections reaches              */
	RAFT_WHY_TWO_LEADERS, /* two leaders in one term                                 */
	RAFT_WHY_BEYOND,      /* says that it holds what was never sent                  */
	RAFT_WHY_INVALID,     /* a proposal that breaks the rules of validity            */
	RAFT_WHY_MALFORMED,
	RAFT_WHY_CHAIN_MISMATCH,
	RAFT_WHY_TABLE_FULL,
	RAFT_WHY_EXECUTED,
	RAFT_WHY_MEMORY_LOST, /* my log has a hole                                       */
	RAFT_WHY_OWN_CHAIN,   /* halt: my execution contradicts a certificate            */
	RAFT_WHY_TIMEOUT,     /* of a ROLE: nothing was heard of the leader ...          */
	RAFT_WHY_NO_MAJORITY, /* ... it is I, and a majority does not answer             */
	RAFT_WHY_DISK,        /* ... it is I, and my disk stands still                   */
	RAFT_WHY_ASKED,       /* the operator wants it                                   */
};

#define RAFT_NOBODY 0xFFu
#define RAFT_HEARTBEAT_MS 50u
#define RAFT_ELECTION_MS 250u                  /* at least so long nothing was heard of a leader ... */
#define RAFT_ELECTION_SPREAD_MS 250u           /* ... and a random part of this                      */
#define RAFT_DISK_MS 1000u                     /* a leader's own flush may take so long              */
#define RAFT_FROZEN_MS 100u                    /* a tick that is later than this: I was frozen       */
#define RAFT_TERM_JUMP_MAX ((bft_view)1 << 32) /* ten elections a second for thirteen years          */
#define RAFT_INFLIGHT_BYTES_MAX (4u << 20)     /* bodies on the way to one follower; one always may   */
#define RAFT_READS_MAX 64u                     /* read positions that wait for a majority            */
#define RAFT_STATUS_MS 500u
#define RAFT_STATUS_FAST_MS 60u
#define RAFT_CHAIN_MS 60u
#define RAFT_CATCH_MS 2000u
_Static_assert(RAFT_ELECTION_MS >= 4 * RAFT_HEARTBEAT_MS, "a heartbeat or two may be lost");
_Static_assert(RAFT_DISK_MS > RAFT_ELECTION_MS + RAFT_ELECTION_SPREAD_MS, "who steps down for its disk is not the first to stand again");

struct raft_entry {
	bft_seq seq; /* 0 = unused */
	bft_view term;
	struct digest digest;
	bft_lsn lsn;    /* of its record; 0: taken from an APPEND, and its body is not here yet */
	uint32_t bytes; /* of its bundles, where I proposed it                                  */
	bool held;
	bool sought;    /* recorded before this start, and its body is looked for: it may have gone with what was damaged */
	bft_mask asked; /* whom its body was asked of */
	bft_mask push;  /* followers whose APPEND of this step names it: they get its body unasked */
};

enum raft_progress { RAFT_PROBE, RAFT_REPLICATE, RAFT_SNAPSHOT_NEEDED };

struct raft_peer {
	bool up, learner;
	/* as its leader sees it */
	enum raft_progress progress;
	bft_seq match, next;          /* durable there and mine; the next to be sent                  */
	uint64_t inflight_bytes;      /* of the bodies that were pushed and are not acknowledged      */
	bool probing;                 /* one probe is on the way since sent_ms                        */
	uint64_t round, fence;        /* the newest that it acknowledged; older ones say nothing of what I send now */
	uint64_t ack_ms, sent_ms;     /* when it last answered in this term; was last sent something  */
	uint64_t lease_ms;            /* it has heard something that I sent then, and votes for nobody for a while */
	uint64_t mark_round, mark_ms; /* the next answer to this round or a later one proves that time        */
	/* of its STATUS */
	bft_seq low;
	uint64_t status_ms;
};

struct raft_statement { /* CHECKPOINT or SNAPSHOT of a member */
	bft_seq seq;    /* 0 = none */
	struct digest chain, root;
	bft_ref wire;
};

struct raft_request {
	struct bft_request_id id;
	struct digest digest;
	uint32_t bytes;
	uint32_t next, prev, chain; /* arrival order; hash chain. 0 = none: index 0 is the list's anchor */
	bool proposed;
};

struct raft_read_wait {
	uint64_t id, round; /* confirmed by a majority that acknowledged `round` */
	bft_seq seq;
	uint8_t from; /* self: a read of mine */
};

struct raft {
	struct bft_limits limits;
	struct digest cluster, null_digest;
	bft_epoch epoch;
	uint32_t n; /* rows of the tables by member */
	bft_mask members;
	uint32_t majority;
	uint8_t self;
	uint64_t mono_ms, wall_ms, wanted_ms;
	uint64_t random;
	bft_lsn lsn, durable; /* the last one given out; all up to here is on disk */

	/* what must not be forgotten */
	bft_view term;
	uint8_t voted; /* in `term`: member + 1, 0 nobody */
	bft_lsn term_lsn;
	bft_seq settled;       /* where my log begins, as a certificate settled it ... */
	bft_view settled_term; /* ... and the term there; 0: not known, unless it is the base */

	enum raft_role role;
	uint8_t leader; /* of `term`; RAFT_NOBODY: not known */
	bool started, fresh, learner, halted, closed;
	uint64_t heard_ms, election_ms; /* of a leader, or when I began; when I stand          */
	bool heard;                     /* since the last tick: heard_ms is the next one's     */
	bft_mask yes, no, damaged;      /* answers to my question                             */
	bool asked_by_leader;           /* TIMEOUT_NOW: stickiness does not hold me off       */

	/* the log: entries up to `last` are mine; up to `taken` they wait for their bodies */
	bft_seq last, taken, matched; /* matched: up to here it is known to be the leader's   */
	bft_seq commit, executed, dispatched;
	uint64_t round;    /* as leader: counted up; as follower: the newest of its leader */
	bft_lsn flush_lsn; /* as leader: my oldest entry that is not durable, since ...; 0: all are */
	uint64_t flush_ms;
	bft_seq opening;  /* as leader: the entry that opened my term */
	uint8_t transfer; /* leadership goes to it ...                */
	uint64_t transfer_ms;
	bool handed;          /* in this term I told somebody to stand: no promise of others holds against that */
	uint64_t proposed_ms; /* time of my last proposal */

	struct raft_read_wait read[RAFT_READS_MAX];
	uint32_t reads_count;

	/* settled: checkpoints, snapshots, catching up (as in PBFT, and by the same messages) */
	bft_seq low;
	struct digest low_chain, chain; /* at `low`, at `executed` */
	bft_lsn stable_lsn, certified_lsn;
	struct raft_statement snapshot[BFT_MEMBERS_MAX];
	struct raft_statement own_snapshot, signed_snapshot;
	bft_seq certified[2];
	bft_seq catch_from;
	uint32_t catch_count;
	struct digest catch_digest[BFT_WINDOW_MAX];
	bool catch_held[BFT_WINDOW_MAX];
	uint8_t catch_next;
	uint64_t catch_ms, chain_ms, status_ms, progress_ms;

	/* the epoch and its end */
	bft_seq base, border, fill, snapshot_made;
	bft_mask next_members; /* behind the border, when there is one */
	enum bft_mode next_mode;
	uint32_t border_signers; /* that its checkpoint needs, if more than a majority */
	struct digest base_chain;
	bool overtaken;

	struct raft_peer peer[BFT_MEMBERS_MAX];
	uint32_t requests_count, requests_waiting, requests_free, buckets;
	size_t entries_at, checkpoints_at, own_at, seen_at, requests_at, buckets_at; /* offsets of the tables in the block */
};

/* raft.c */
extern const struct bft_protocol bft_raft;
/* Who has a say in this epoch. Requires: a number below p->n each; I need not be one of them: then I am a learner. */
void raft_set_members(struct raft *p, bft_mask members);
bft_lsn raft_persist(struct raft *p, struct bft_effects *out, uint16_t rtype, const void *data, size_t bytes, const struct digest *body);
void raft_send(struct bft_effects *out, uint16_t type, const void *data, size_t bytes, bft_mask to, bft_lsn lsn);
void raft_blame(struct bft_effects *out, const struct bft_vmsg *m, uint16_t reason);
void raft_halt(struct raft *p, struct bft_effects *out, uint16_t reason, bft_seq seq);
void raft_role(const struct raft *p, struct bft_effects *out, uint16_t why);
static inline bool raft_member(const struct raft *p, uint32_t i)
{
	return i < p->n && (p->members & BFT_BIT(i));
}
/* A member, and not I. */
static inline bool raft_other(const struct raft *p, uint32_t i)
{
	return raft_member(p, i) && i != p->self;
}
static inline bft_mask raft_others(const struct raft *p)
{
	return p->members & ~BFT_BIT(p->self);
}
/* It may vote, stand and lead. */
static inline bool raft_votes(const struct raft *p)
{
	return p->started && !p->learner && !p->halted && !p->closed;
}

/* log.c: entries in a ring of 2W */
struct raft_entry *raft_entry_find(const struct raft *p, bft_seq seq);
bool raft_log_in_window(const struct raft *p, bft_seq seq);
bool raft_log_has_place(const struct raft *p, bft_seq seq, const struct digest *digest);
/* The term of the entry at `seq`; 0: not known here, or the base. */
bft_view raft_log_term(const struct raft *p, bft_seq seq);
/* Whether the term of my last entry is known. Else it is settled, and all of my log is committed. */
bool raft_log_last_known(const struct raft *p);
/* Mine may have what that log lacks (3.6.1). */
bool raft_log_newer_than(const struct raft *p, const struct raft_ask_vote *q);
struct raft_entry *raft_log_take(struct raft *p, bft_seq seq, bft_view term, const struct digest *digest);
/* Entry last+1, taken before, is recorded. False: no room in this step. */
bool raft_log_append(struct raft *p, struct bft_effects *out);
/* What is executed needs no bodies any more that were looked for. */
void raft_log_stop_seeking(struct raft *p, struct bft_effects *out);
/* Some entry, or what is caught up with, is about it. */
bool raft_log_names(const struct raft *p, const struct digest *digest);
/* The same proposal at `seq` in a higher term; what follows it goes. Requires: it is recorded. */
void raft_log_renew(struct raft *p, bft_seq seq, bft_view term, struct bft_effects *out);
/* Entries from `seq` on go: only where another leader's contradict them. */
void raft_log_cut(struct raft *p, bft_seq seq, struct bft_effects *out);
/* The order is known up to `seq` without entries: what is not mine yet need not come as entries. */
void raft_log_settle(struct raft *p, bft_seq seq);
/* A state stands for all up to `seq`, and what my entries above `known` say for these places nobody has compared: none is executed, sent or counted again. */
void raft_log_pass(struct raft *p, bft_seq known, bft_seq seq, struct bft_effects *out);
/* The record that makes `seq` durable. */
bft_lsn raft_log_lsn(const struct raft *p, bft_seq seq);
bft_seq raft_log_durable(const struct raft *p);
/* Persists where I stand. */
bft_lsn raft_stand_record(struct raft *p, struct bft_effects *out);

/* election.c */
void raft_election_reset(struct raft *p);
void raft_election_tick(struct raft *p, struct bft_effects *out);
void raft_election_durable(struct raft *p, struct bft_effects *out);
void raft_follow(struct raft *p, bft_view term, uint8_t leader, uint16_t why, struct bft_effects *out);
/* I have heard a leader, or began, within the shortest timeout: I vote for nobody, and do not stand, unless the leader wants it. */
bool raft_promised(const struct raft *p);
void raft_promise_begin(struct raft *p);
/* Whether a message of `term` may be acted on; a higher term is entered. */
enum bft_verdict raft_term_check(struct raft *p, const struct bft_vmsg *m, bft_view term, struct bft_effects *out);
void raft_campaign_stand(struct raft *p, uint8_t kind, struct bft_effects *out);
enum bft_verdict raft_on_ask_vote(struct raft *p, const struct bft_vmsg *m, struct bft_effects *out);
enum bft_verdict raft_on_vote(struct raft *p, const struct bft_vmsg *m, struct bft_effects *out);

/* append.c: a follower's part */
enum bft_verdict raft_on_append(struct raft *p, const struct bft_vmsg *m, struct bft_effects *out);
/* Entries whose bodies are here now are recorded, in order, and acknowledged when that is durable. */
void raft_append_taken(struct raft *p, struct bft_effects *out);

/* replicate.c: the leader's part */
void raft_lead_begin(struct raft *p, struct bft_effects *out);
void raft_lead_tick(struct raft *p, struct bft_effects *out);
void raft_replicate(struct raft *p, struct bft_effects *out);
void raft_heartbeat(struct raft *p, struct bft_effects *out);
void raft_lead_durable(struct raft *p, struct bft_effects *out);
void raft_lead_persisted(struct raft *p);
void raft_lead_link(struct raft *p, uint8_t peer, struct bft_effects *out);
enum bft_verdict raft_on_ack(struct raft *p, const struct bft_vmsg *m, struct bft_effects *out);

/* commit.c */
void raft_commit_count(struct raft *p, struct bft_effects *out);
void raft_commit_to(struct raft *p, bft_seq seq, struct bft_effects *out);
void raft_execute_dispatch(struct raft *p, struct bft_effects *out);
void raft_on_executed(struct raft *p, const struct bft_event *e, struct bft_effects *out);
void raft_on_held(struct raft *p, const struct bft_event *e, struct bft_effects *out);

/* read.c */
void raft_on_read(struct raft *p, const struct bft_event *e, struct bft_effects *out);
enum bft_verdict raft_on_ask_read(struct raft *p, const struct bft_vmsg *m, struct bft_effects *out);
enum bft_verdict raft_on_read_at(struct raft *p, const struct bft_vmsg *m, struct bft_effects *out);
/* How long a majority that heard me then votes for nobody else, by my clock (6.4.1). */
uint64_t raft_lease_span_ms(uint32_t drift_percent);
void raft_lease_heard(struct raft_peer *peer, uint64_t round);
void raft_reads_confirm(struct raft *p, struct bft_effects *out);
void raft_reads_refuse(struct raft *p, struct bft_effects *out);

/* transfer.c: of leadership */
void raft_transfer_begin(struct raft *p, struct bft_effects *out);
void raft_transfer_try(struct raft *p, struct bft_effects *out);
enum bft_verdict raft_on_timeout_now(struct raft *p, const struct bft_vmsg *m, struct bft_effects *out);

/* propose.c, requests.c */
void raft_propose_try(struct raft *p, struct bft_effects *out);
void raft_propose_opening(struct raft *p, struct bft_effects *out);
void raft_requests_init(struct raft *p);
struct raft_request *raft_request_at(const struct raft *p, uint32_t index);
void raft_on_request(struct raft *p, const struct bft_event *e, struct bft_effects *out);
void raft_requests_executed(struct raft *p, const struct bft_request_id *ids, size_t count, struct bft_effects *out);
/* Another leader, or the first one that is known: it is told of everything that waits. */
void raft_requests_leader(struct raft *p, struct bft_effects *out);

/* checkpoint.c */
bool raft_checkpoint_in_reach(const struct raft *p, bft_seq seq);
void raft_checkpoint_note(struct raft *p, bft_seq seq, const struct digest *chain);
void raft_checkpoint_send(struct raft *p, bft_seq seq, struct bft_effects *out);
void raft_checkpoints_again(struct raft *p, struct bft_effects *out);
struct raft_statement *raft_checkpoint_vote(const struct raft *p, bft_seq seq, uint32_t member);
struct raft_statement *raft_checkpoint_own(const struct raft *p, bft_seq seq);
bft_mask raft_checkpoint_voters(const struct raft *p, bft_seq seq);
enum bft_verdict raft_on_checkpoint(struct raft *p, const struct bft_vmsg *m, struct bft_effects *out);
enum bft_verdict raft_on_stable(struct raft *p, const struct bft_vmsg *m, struct bft_effects *out);
enum bft_verdict raft_on_snapshot_vote(struct raft *p, const struct bft_vmsg *m, struct bft_effects *out);
void raft_on_snapshot(struct raft *p, const struct bft_event *e, struct bft_effects *out);
void raft_snapshot_sign(struct raft *p, struct bft_effects *out);
void raft_stable_adopt(struct raft *p, const struct bft_certificate_refs *cert, struct bft_effects *out);

/* catch_up.c */
void raft_chain_ask(struct raft *p, struct bft_effects *out);
void raft_chain_tick(struct raft *p, struct bft_effects *out);
void raft_chain_give_up(struct raft *p, struct bft_effects *out);
bool raft_chain_wanted(const struct raft *p, const struct bft_chain *c);
enum bft_verdict raft_on_chain(struct raft *p, const struct bft_vmsg *m, struct bft_effects *out);
void raft_on_installed(struct raft *p, const struct bft_event *e, struct bft_effects *out);

/* status.c */
void raft_status_send(struct raft *p, bft_mask to, struct bft_effects *out);
uint64_t status_due(const struct raft *p);
enum bft_verdict raft_on_status(struct raft *p, const struct bft_vmsg *m, struct bft_effects *out);

/* border.c */
void raft_on_epoch(struct raft *p, const struct bft_event *e);
void raft_border_try(struct raft *p, struct bft_effects *out);
void raft_on_jump(struct raft *p, const struct bft_event *e, struct bft_effects *out);
bft_lsn raft_border_stand(struct raft *p, struct bft_effects *out);

/* recover.c */
void raft_on_record(struct raft *p, const struct bft_event *e);
void raft_on_start(struct raft *p, const struct bft_event *e, struct bft_effects *out);

/* invariants.c */
void raft_invariants(const struct bft_core *core);
#endif
