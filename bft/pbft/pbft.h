/* bft/pbft/pbft.h - the state of one PBFT core. Private to bft/pbft.
 *
 *             f+1 SUSPECT / f+1 claim a higher view                q VIEW-CHANGEs, NEW-VIEW recomputed and equal
 *   NORMAL ------------------------------------------> CHANGING --------------------------------------------> NORMAL
 *            view_change_start()                        |    ^                 new_view_enter()
 *                                                       +----+ timer, once q are here or above: SUSPECT, then the next view
 *
 * Standing beside the mode: RECALLING (after a start, until q-1 others said what I signed), OBSERVER (my log may lack something: signs nothing). */
#ifndef BFT_PBFT_H
#define BFT_PBFT_H
#include "bft/core.h"
#include "bft/effects.h"
#include "bft/order.h"
#include "bft/pass_over.h"
#include "bft/pbft/pace.h"
#include "bft/pbft/records.h"

enum pbft_mode { PBFT_NORMAL, PBFT_CHANGING };

/* Why a message was refused or a member blamed; goes out in `reason`. */
enum pbft_reason {
	PBFT_WHY_NONE,
	PBFT_WHY_TWO_PRE_PREPARES, /* E1 */
	PBFT_WHY_TWO_VOTES,        /* E2 */
	PBFT_WHY_TWO_CHECKPOINTS,  /* E4 */
	PBFT_WHY_TWO_SNAPSHOTS,    /* E4 */
	PBFT_WHY_TWO_VIEW_CHANGES, /* E8 */
	PBFT_WHY_TWO_NEW_VIEWS,    /* E8 */
	PBFT_WHY_HIDDEN_COMMIT,    /* E3 */
	PBFT_WHY_FALSE_NEW_VIEW,   /* E6 */
	PBFT_WHY_INVALID_PROPOSAL, /* E10 */
	PBFT_WHY_NOT_REPROPOSED,   /* the leader's vote differs from its own NEW-VIEW */
	PBFT_WHY_NOT_LEADER,
	PBFT_WHY_LEADER_PREPARES,
	PBFT_WHY_CHAIN_MISMATCH,
	PBFT_WHY_BAD_SEQ,
	PBFT_WHY_AUTH,
	PBFT_WHY_TABLE_FULL,
	PBFT_WHY_EXECUTED,
	PBFT_WHY_OWN_CHAIN,   /* halt: my execution contradicts a certificate */
	PBFT_WHY_TIMEOUT,     /* of a SUSPECT: the oldest request, or the view change, took longer than the timeout ... */
	PBFT_WHY_SLOW,        /* ... longer than the bar (pace.h)                                                     */
	PBFT_WHY_THIN,        /* ... the leader proposes little at a time (thin.c)                                   */
	PBFT_WHY_CLOCK,       /* ... the leader's clock is far behind mine                                           */
	PBFT_WHY_RESIGNED,    /* it is I, and I may not lead on                                                       */
	PBFT_WHY_ASKED,       /* the operator wants it                                                                */
	PBFT_WHY_MEMORY_LOST, /* a member showed me a statement of mine that my log lacks */
};

struct pbft_vote {
	bool set;
	bft_view view;
	bft_ref wire;
	struct digest digest;
};

struct pbft_slot {
	bft_seq seq; /* 0 = unused */
	/* What this sequence is about: the current view's proposal, or what q COMMITs decided. */
	struct digest digest;
	uint64_t time_ms;
	bool has_digest;
	bool held, fetching, invalid; /* its body */
	uint32_t requests;            /* held: in it */
	bft_mask asked;               /* whom the standing fetch names */
	bool required;                /* `digest` follows from the NEW-VIEW: not validated again */
	bool contradicted;            /* the current leader's leaf is not what its NEW-VIEW says: convicted once */
	bool proposed;                /* the current leader's leaf for `digest` is here */
	bool voted;                   /* my PRE-PREPARE or PREPARE in the current view is decided */
	bool prepared;                /* my COMMIT in the current view is decided */
	bool committed;               /* `digest` is final */
	/* What I ever signed here, from the log: never falls. */
	bool own_prepare_set, own_commit_set;
	bft_view own_prepare_view, own_commit_view;
	struct digest own_prepare, own_commit; /* the second is also my prepared certificate */
};

struct pbft_checkpoint_vote {
	bft_seq seq; /* 0 = none */
	struct digest chain, root;
	bft_ref wire;
};

struct pbft_peer {
	bft_view status_view, suspect_view, vc_view;
	bool suspecting, up, normal, recall_answered;
	bft_seq low, executed;
	bool too_old;                  /* said that its log no longer reaches back to what I miss */
	uint64_t recall_ms, status_ms; /* when I last answered its RECALL, STATUS */
};

struct pbft_request {
	struct bft_request_id id;
	struct digest digest;
	uint64_t since_ms, leader_ms; /* the second: of struct pbft_pace */
	uint32_t bytes;
	uint32_t ahead;             /* were held when it came                                              */
	uint32_t next, prev, chain; /* arrival order; hash chain. 0 = none: index 0 is the list's anchor */
	bool used, proposed, shown;
};

/* The last view that was entered here and left: whether its leader lost it. */
struct pbft_office {
	bft_view view;
	uint8_t leader;
	bool open; /* not judged yet: too few suspect it */
	bft_mask suspected;
};

struct pbft {
	struct bft_limits limits;
	struct digest cluster, null_digest;
	bft_epoch epoch;
	uint32_t n; /* rows of the tables by member */
	bft_mask members;
	uint32_t q, weak;
	uint8_t self;
	uint64_t mono_ms, wall_ms;
	bft_lsn lsn; /* the last one given out */

	bft_view view;
	enum pbft_mode mode;
	bool started, fresh, observer, recalling, halted;
	bool suspecting; /* my SUSPECT of `view` stands */
	uint16_t suspect_why;
	bft_view log_view;     /* the view in which my log stood when I started: it has all that I signed up to there ... */
	bft_view first_change; /* ... and from here on I have changed views since; 0: I have not                          */
	bool resigned;         /* I lead `view`, had entered it before my last start, and may not lead on */
	bool timer_on;         /* view change: q members are here or above since timer_ms */
	uint64_t timer_ms, view_ms, progress_ms, status_ms, caught_up_ms, chain_ms;
	uint32_t fruitless; /* views without progress: the timeout doubles with each */
	uint32_t executed_in_view;
	bft_lsn view_lsn, stable_lsn, certified_lsn; /* records that say where I stand */

	struct pbft_pace pace;
	struct pbft_thin thin;
	struct pbft_load load;

	/* pass_over.c */
	bft_mask passed;    /* who leads last in this epoch                              */
	bft_mask suspected; /* whose SUSPECT of `view` stands */
	struct pbft_office office;
	uint8_t offices_lost[BFT_MEMBERS_MAX]; /* views of this epoch that it led and lost; capped          */
	uint64_t pass_over_ms;                 /* when I last said who should lead last                     */

	bft_seq low; /* the stable checkpoint */
	struct digest low_chain;
	bft_seq executed, dispatched;
	struct digest chain;         /* at `executed` */
	bft_seq next_seq;            /* the leader's next proposal */
	bft_seq new_view_top;        /* last re-proposal of the current view */
	uint64_t proposed_ms;        /* time of my last proposal in this view */
	bft_mask lags;               /* whose last first proposal, of those that I judged, was further behind my clock than drift_ms */
	uint64_t fill_ms, border_ms; /* since when `fill`, `border` are wanted */
	bft_seq fill;                /* up to here the leader proposes though nobody asks                        */
	bft_seq base;                /* the border behind which this epoch began: nothing at or below it is its own */
	struct digest base_chain;
	bft_seq border;        /* no sequence above it exists in this epoch; 0 = no border is pending          */
	bft_mask next_members; /* then: of the next                                                            */
	enum bft_mode next_mode;
	bft_seq snapshot_made; /* the newest one of mine that is durable                                       */
	bool overtaken;        /* f+1 members are in a later epoch: one of them is honest, and saw the border stable */
	bool closed;           /* this epoch has ended here                                                     */

	/* catching up: digests proved by a chain, for executed+1 .. */
	bft_seq catch_from;
	uint32_t catch_count;
	struct digest catch_digest[BFT_WINDOW_MAX];
	bool catch_held[BFT_WINDOW_MAX];
	uint8_t catch_next; /* member to ask next */
	uint64_t catch_ms;  /* when it last went on  */

	struct pbft_peer peer[BFT_MEMBERS_MAX];
	struct pbft_checkpoint_vote snapshot[BFT_MEMBERS_MAX];
	struct pbft_checkpoint_vote own_snapshot;    /* made and not signed yet      */
	struct pbft_checkpoint_vote signed_snapshot; /* my newest one that is signed */
	bft_seq certified[2];                        /* newest two certified snapshots, newest first */

	bool new_view_pending, new_view_known; /* known: new_view_wire is the current view's */
	struct pbft_new_view new_view;
	struct digest new_view_digest; /* of what came from its leader; of an own one, or one from the log, nothing is held against anybody */
	bft_ref new_view_wire, new_view_pending_wire;

	uint32_t requests_count, requests_waiting, requests_free;

	/* offsets of the tables in the block */
	size_t slots_at, votes_at, checkpoints_at, own_chain_at, seen_chain_at, view_changes_at, vc_meta_at, pass_overs_at, requests_at, buckets_at;
	uint32_t buckets;
};

struct pbft_vc_meta {
	bool set;
	bft_ref wire;
	struct digest digest;
};

#define PBFT_STATUS_MS 500u
#define PBFT_STATUS_FAST_MS 60u
#define PBFT_CHAIN_MS 60u
#define PBFT_CATCH_MS 2000u
#define PBFT_RECALL_AGAIN_MS 100u
#define PBFT_BACKOFF_MAX 5u
#define PBFT_NEW_VIEW_LESS 2u /* doublings by which the wait for a NEW-VIEW is shorter */
#define PBFT_BEHIND_TIMES 4u  /* timeouts without any progress, after which being behind is no excuse for the leader */

extern const struct bft_protocol bft_pbft;

/* pbft.c */
bool pbft_may_sign(const struct pbft *p);
/* Who has a say in this epoch. Requires: a number below p->n each; I need not be one of them: then I observe. */
void pbft_set_members(struct pbft *p, bft_mask members);
static inline uint8_t pbft_leader(const struct pbft *p, bft_view view)
{
	return order_leader(view, p->members, p->passed);
}
static inline bool pbft_member(const struct pbft *p, uint32_t i)
{
	return i < p->n && (p->members & BFT_BIT(i));
}
static inline bft_mask pbft_others(const struct pbft *p)
{
	return p->members & ~BFT_BIT(p->self);
}
bft_lsn pbft_persist(struct pbft *p, struct bft_effects *out, uint16_t rtype, const void *data, size_t bytes, const struct digest *body);
void pbft_send(const struct pbft *p, struct bft_effects *out, uint16_t type, const void *data, size_t bytes, bft_mask to, bft_lsn lsn);
void pbft_send_leaf(const struct pbft *p, struct bft_effects *out, uint8_t kind, bft_seq seq, const struct digest *digest, bft_mask to, bft_lsn lsn);
void pbft_blame(struct bft_effects *out, uint8_t from, enum bft_verdict verdict, uint16_t reason, bft_ref ref, bft_ref other);
void pbft_role(const struct pbft *p, struct bft_effects *out);
void pbft_halt(struct pbft *p, struct bft_effects *out, uint16_t reason, bft_seq seq);
/* Message `wire` is kept for what it says about `seq`: until released, or until `seq` is stable. PBFT_NO_SEQ: only until released. */
#define PBFT_NO_SEQ UINT64_MAX
void pbft_hold(struct bft_effects *out, bft_ref wire, bft_seq seq);
void pbft_release(struct bft_effects *out, bft_ref *wire, bft_seq seq);

/* slots.c: the window, as a ring of 2W so that what is decided below `low` and not yet executed stays */
struct pbft_slot *slot_find(const struct pbft *p, bft_seq seq);
struct pbft_slot *slot_open(struct pbft *p, bft_seq seq, struct bft_effects *out);
struct pbft_slot *slot_recover(struct pbft *p, bft_seq seq);
struct pbft_vote *slot_vote(const struct pbft *p, const struct pbft_slot *s, bool commit, uint32_t member);
void slot_set_digest(struct pbft_slot *s, const struct digest *d, const struct pbft *p, struct bft_effects *out);
bft_mask slot_voters(const struct pbft *p, const struct pbft_slot *s, bool commit, bft_view view, const struct digest *d);
/* Some slot is about it. */
bool slots_name(const struct pbft *p, const struct digest *d);
void slots_enter_view(struct pbft *p);
void slots_stable(struct pbft *p, bft_seq low, struct bft_effects *out);
bool pbft_in_window(const struct pbft *p, bft_seq seq);

/* view_change.c: a COMMIT of its sender that a VIEW-CHANGE here hides, blamed. */
void view_change_against_commit(struct pbft *p, const struct bft_vmsg *m, bft_view view, const struct bft_leaf *commit, struct bft_effects *out);

/* votes.c: PRE-PREPARE, PREPARE, COMMIT, and what follows from them */
bool leaf_useful(const struct pbft *p, uint32_t from, bft_view view, const struct bft_leaf *leaf);
enum bft_verdict on_votes(struct pbft *p, const struct bft_vmsg *m, struct bft_effects *out);
void slot_progress(struct pbft *p, struct pbft_slot *s, struct bft_effects *out);
void slots_progress(struct pbft *p, struct bft_effects *out);
void on_held(struct pbft *p, const struct bft_event *e, struct bft_effects *out);

/* propose.c */
void propose_try(struct pbft *p, struct bft_effects *out);

/* execute.c */
void execute_dispatch(struct pbft *p, struct bft_effects *out);
void on_executed(struct pbft *p, const struct bft_event *e, struct bft_effects *out);

/* checkpoint.c: CHECKPOINT and SNAPSHOT */
/* My execution stands at `seq` with this chain. */
void checkpoint_note(struct pbft *p, bft_seq seq, const struct digest *chain);
/* Signs what was noted for `seq`, once. */
void checkpoint_send(struct pbft *p, bft_seq seq, struct bft_effects *out);
enum bft_verdict on_checkpoint(struct pbft *p, const struct bft_vmsg *m, struct bft_effects *out);
enum bft_verdict on_stable(struct pbft *p, const struct bft_vmsg *m, struct bft_effects *out);
enum bft_verdict on_snapshot_vote(struct pbft *p, const struct bft_vmsg *m, struct bft_effects *out);
void on_snapshot(struct pbft *p, const struct bft_event *e, struct bft_effects *out);
void snapshot_sign(struct pbft *p, struct bft_effects *out);
void stable_adopt(struct pbft *p, const struct bft_certificate_refs *cert, struct bft_effects *out);
struct pbft_checkpoint_vote *checkpoint_vote(const struct pbft *p, bft_seq seq, uint32_t member);
struct pbft_checkpoint_vote *checkpoint_own(const struct pbft *p, bft_seq seq);
bft_mask checkpoint_voters(const struct pbft *p, bft_seq seq);

/* chain.c: catching up by proved proposals */
void chain_ask(struct pbft *p, struct bft_effects *out);
void chain_tick(struct pbft *p, struct bft_effects *out);
/* What was to be caught up with is not wanted any more. */
void chain_give_up(struct pbft *p, struct bft_effects *out);
bool chain_wanted(const struct pbft *p, const struct bft_chain *c);
enum bft_verdict on_chain(struct pbft *p, const struct bft_vmsg *m, struct bft_effects *out);

/* status.c */
void status_send(struct pbft *p, bft_mask to, struct bft_effects *out);
enum bft_verdict on_status(struct pbft *p, const struct bft_vmsg *m, struct bft_effects *out);
bool pbft_behind(const struct pbft *p);

/* requests.c */
void requests_init(struct pbft *p);
void on_request(struct pbft *p, const struct bft_event *e, struct bft_effects *out);
void requests_executed(struct pbft *p, const struct bft_request_id *ids, size_t count, struct bft_effects *out);
void requests_enter_view(struct pbft *p, struct bft_effects *out);
struct pbft_request *request_at(const struct pbft *p, uint32_t index);
const struct pbft_request *request_oldest(const struct pbft *p);

/* suspect.c: timers, SUSPECT */
uint64_t pbft_timeout_ms(const struct pbft *p);
void suspect_tick(struct pbft *p, struct bft_effects *out);
uint64_t suspect_deadline(const struct pbft *p);
/* `why`: for people who read logs. */
void suspect_leader(struct pbft *p, uint16_t why, struct bft_effects *out);
void suspect_withdraw(struct pbft *p, struct bft_effects *out);
enum bft_verdict on_suspect(struct pbft *p, const struct bft_vmsg *m, struct bft_effects *out);
void views_evaluate(struct pbft *p, struct bft_effects *out);

/* pass_over.c: leaders who lose their office again and again */
/* A SUSPECT of `view` by `member` stands, or does no longer. */
void pass_over_suspected(struct pbft *p, uint32_t member, bft_view view, bool standing);
/* The view ends here. */
void pass_over_view_ends(struct pbft *p);
void pass_over_tick(struct pbft *p, struct bft_effects *out);
enum bft_verdict pass_over_screen(const struct pbft *p, uint8_t from, const struct pbft_pass_over *m);
enum bft_verdict on_pass_over(struct pbft *p, const struct bft_vmsg *m, struct bft_effects *out);

/* pace.c: leaders that are slow on purpose */
void pace_persisted(struct pbft *p, bft_lsn lsn);
void pace_durable(struct pbft *p, bft_lsn lsn);
/* `before_ms`: the tick before this one; `due_ms`: when this one was wanted. */
void pace_tick(struct pbft *p, uint64_t before_ms, uint64_t due_ms, uint32_t rtt_us);
void pace_executed(struct pbft *p, const struct pbft_request *r); /* it was held here */
uint64_t pace_mean_bar_ms(const struct pbft *p);                  /* for a request that had nothing before it */
void pace_enter_view(struct pbft *p);
void pace_left_view(struct pbft *p);
/* When the leader will have been slow. It moves while it is not the leader's turn. */
uint64_t pace_deadline(const struct pbft *p);

/* load.c: how long a request waits for others' */
void load_executed(struct pbft *p, const struct bft_request_id *ids, size_t count);
uint64_t load_turns_ms(const struct pbft *p);

/* thin.c: leaders that propose little at a time */
/* The proposal of `s`, with so many bytes of requests, is here. */
void thin_held(struct pbft *p, const struct pbft_slot *s, uint32_t bytes);
void thin_enter_view(struct pbft *p);

/* view_change.c */
void view_change_start(struct pbft *p, bft_view view, struct bft_effects *out);
enum bft_verdict on_view_change(struct pbft *p, const struct bft_vmsg *m, struct bft_effects *out);
struct pbft_view_change *view_change_of(const struct pbft *p, uint32_t member);
struct pbft_vc_meta *view_change_meta(const struct pbft *p, uint32_t member);
bool view_change_held(const struct pbft *p, uint32_t member, const struct pbft_view_change *vc);
bft_mask view_change_mask(const struct pbft *p, bft_view view);
enum bft_verdict on_fetch_view_change(struct pbft *p, const struct bft_vmsg *m, struct bft_effects *out);

/* new_view.c */
void new_view_select(const struct pbft_view_change *const *vcs, uint32_t count, const struct digest *null_digest, uint32_t window, struct pbft_new_view *out);
void new_view_try(struct pbft *p, struct bft_effects *out);
void new_view_check_pending(struct pbft *p, struct bft_effects *out);
enum bft_verdict on_new_view(struct pbft *p, const struct bft_vmsg *m, struct bft_effects *out);

/* recover.c */
void on_record(struct pbft *p, const struct bft_event *e);
void on_start(struct pbft *p, const struct bft_event *e, struct bft_effects *out);
enum bft_verdict on_recall(struct pbft *p, const struct bft_vmsg *m, struct bft_effects *out);
enum bft_verdict on_recall_done(struct pbft *p, const struct bft_vmsg *m, struct bft_effects *out);
/* A statement of mine came back. False when my log lacks it: I have become an observer. */
/* Something shows that I do not know what I signed, or that somebody else signs with my key. */
void recall_lost(struct pbft *p, bft_ref shown, struct bft_effects *out);
bool recall_check(struct pbft *p, const struct bft_vmsg *m, struct bft_effects *out);
void recall_send(struct pbft *p, bft_mask to, struct bft_effects *out);

/* border.c */
void on_epoch(struct pbft *p, const struct bft_event *e);
void border_try(struct pbft *p, struct bft_effects *out);
void on_jump(struct pbft *p, const struct bft_event *e, struct bft_effects *out);
/* Where I stand, as a record. */
void border_stand(struct pbft *p, struct bft_effects *out);

/* invariants.c */
void pbft_invariants(const struct bft_core *core);
#endif
