/* client/core_state.h - what the files of the client's core share. Nobody else includes it. */
#ifndef CLIENT_CORE_STATE_H
#define CLIENT_CORE_STATE_H
#include "bft/check.h"
#include "bft/envelope.h"
#include "bft/protocol.h"
#include "bft/reply.h"
#include "bft/roster.h"
#include "client/core.h"
#include "client/match.h"
#include "client/timers.h"

#define CLIENT_BUCKETS 4096u

/* What ends without a frame or a timer behind it is answered in the next tick. `reason` lives for ever. */
struct client_ending {
	struct client_ending *next;
	bool is_request;
	enum quorate_error error;
	const char *reason;
};

/* What waits: operations of one call of submit. */
struct client_work {
	struct client_ending ending; /* first: they are one */
	uint64_t session;            /* as the answer will name it, once it has ended */
	struct client_work *next;
	uint8_t kind;   /* enum bundle_kind */
	bool alone;     /* shares its bundle with nothing */
	bool receipt;   /* its answer waits for a receipt */
	uint16_t count; /* operations */
	uint64_t ends_ms;
	quorate_answer_fn done;
	void *user;
	size_t n;
	uint8_t bytes[]; /* as in a bundle: count * (u32 n | n bytes) */
};

/* Who hears of which operations of a request, in their order. */
struct client_part {
	uint16_t calls;
	quorate_answer_fn done;
	void *user;
};

/* What is in flight, or ended as unknown and kept: one bundle, signed at most once. */
struct client_request {
	struct client_ending ending; /* first: they are one */
	struct client_timer timer;
	struct client_request *hash_next;
	struct client_request *prev, *next; /* in the session's list */
	struct client_session *session;     /* NULL once the session is closed */
	uint8_t kind;
	uint16_t count;
	uint64_t session_id, number; /* as replies name it: session_id 0 for an opening */
	struct digest digest;        /* of the bundle: another one may have been executed under its number */
	uint64_t ends_ms, retry_at_ms, back_off_ms;
	bft_mask sent; /* links that took it                  */
	bool to_all;   /* it is no longer the leader's alone  */
	bool signed_;
	uint32_t parts_count;
	struct client_part *parts;
	uint8_t *frame;
	size_t frame_n;
	struct client_collection *collection; /* NULL: no receipt is asked for */
	uint32_t rows;                        /* members with a lower number may answer it */
	struct client_opinion opinion[];
};

struct client_requests {
	struct client_request *first, *last;
	uint32_t count;
};

/* OPENING -> OPEN -> DEAD, or OPENING -> DEAD; `closing` beside it, until the cluster has heard. */
enum client_session_state { CLIENT_SESSION_OPENING, CLIENT_SESSION_OPEN, CLIENT_SESSION_DEAD };

struct client_session {
	struct client_core *core;
	struct client_session *prev, *next;
	struct client_session *ready_next;
	bool is_ready, closing, attach;
	enum client_session_state state;
	uint64_t id, number;
	struct client_timer timer; /* the first that waits has waited too long */
	struct client_work *waiting, *waiting_last;
	uint32_t waiting_ops;
	struct client_requests flying, kept;
	size_t kept_bytes;
	struct client_work *opening, *farewell; /* made with the session, so that neither needs memory later */
	enum quorate_error error;               /* why it is dead */
	const char *reason;
	void *owner;
};

struct client_question {
	struct client_timer timer;
	struct client_core *core;
	struct client_question *prev, *next;
	uint32_t member;
	client_report_fn done;
	client_evidence_fn evidence; /* not NULL: it asks for evidence */
	struct evidence_name after;
	client_voice_fn voice; /* not NULL: it asks for what organizations approve */
	struct public_key behind;
	void *user;
};

struct client_core {
	struct client_core_options options;
	uint32_t n;               /* one above the highest number that any member has or had: loops by member end there */
	struct bft_roster roster; /* of the newest epoch that is known */
	uint32_t weak, window;
	uint64_t mono_ms, wall_ms;
	uint64_t random;
	bool stopped;
	bft_mask linked;
	uint8_t *links; /* of the chain, from epoch 2 to links_to */
	size_t links_bytes;
	bft_epoch links_to;
	bft_mask strangers; /* linked too, with a key that is not known */
	struct epoch_keys keys;
	bft_epoch epoch_said[BFT_MEMBERS_MAX]; /* the latest that each member spoke in */
	bft_mask epochs_asked;                 /* for a link, and has not answered     */
	uint32_t epochs_last;
	uint64_t epochs_ms;
	uint32_t epochs_wait_ms;
	bft_view said[BFT_MEMBERS_MAX]; /* the last view that each member named */
	bft_view view;                  /* the highest that f+1 named: its leader has been sent what is in flight */
	uint64_t again_ms;              /* may_send_again: when the budget was last counted, ... */
	uint32_t again;                 /* ... and what is left of it, in parts of CLIENT_AGAIN_ANSWERS */
	struct client_timers timers;
	struct client_session *sessions, *ready, *ready_last;
	struct client_ending *ended, *ended_last;
	struct client_read *reads;
	uint32_t reads_count;
	uint64_t reads_ordered; /* that were not answered alike, or not in time */
	struct client_question *questions;
	uint32_t questions_count;
	bool reap; /* a session may be over */
	struct client_request *bucket[CLIENT_BUCKETS];
};

/* core.c */
uint64_t client_random(struct client_core *c);
bool client_send(struct client_core *c, uint32_t member, enum net_class class, const uint8_t *frame, size_t n);
/* Appends a frame's head without a signature. */
void client_frame_head(struct wr *w, uint16_t type, const struct signature *signature);
void client_changed(struct client_session *s);

/* request.c: requests in flight */
struct client_request *client_request_find(struct client_core *c, uint64_t session_id, uint64_t number);
void client_request_fly(struct client_request *r);   /* enters the session's list and the table; it is due at once */
void client_request_unfly(struct client_request *r); /* leaves both, and its timer */
void client_request_free(struct client_core *c, struct client_request *r);
void client_request_send(struct client_request *r); /* to the leader, or to all */
void client_request_due(struct client_request *r);  /* its timer has fired */
void client_request_send_to(struct client_request *r, uint32_t member);
void client_requests_to(struct client_core *c, uint32_t member); /* its link is up, or it has begun to lead */
void client_request_answered(struct client_core *c);             /* one more may be sent again some time */
void client_requests_append(struct client_requests *list, struct client_request *r);
void client_requests_remove(struct client_requests *list, struct client_request *r);

/* bundle_out.c */
/* Makes bundles of what waits, at most `*budget`. */
void client_session_pump(struct client_session *s, uint32_t *budget);
/* Puts the client's signature into its frame, unless it is there. */
void client_request_sign(struct client_request *r);

/* session.c */
void client_session_ready(struct client_session *s);
struct client_work *client_session_take(struct client_session *s); /* the first that waits */
void client_session_due(struct client_session *s);                 /* the first that waits has waited too long */
void client_session_opened(struct client_session *s, uint64_t id);
void client_session_die(struct client_session *s, enum quorate_error error, const char *reason);
void client_session_keep(struct client_session *s, struct client_request *r);
void client_session_free(struct client_session *s);
bool client_session_over(const struct client_session *s);
void client_attach(struct client_core *c, uint32_t member); /* every open session */
void client_attach_one(struct client_session *s);           /* to every member    */

/* collect.c: what members sign, for a receipt */
struct client_collection *client_collection_create(uint32_t n);
void client_collection_free(struct client_collection *k);
/* Notes what a member signed. False: the signature is false, or too many of it were looked at; its word is worth nothing. Requires: a receipt is asked for. */
bool client_collect(struct client_request *r, uint32_t member, const struct bft_envelope *e, bool late, const struct reply *reply, const struct digest *leaf);
/* True when enough members have signed `leaf`: `*receipt` is allocated (NULL: no memory). */
bool client_collected(struct client_request *r, const struct reply *reply, const struct digest *leaf, uint8_t **receipt, size_t *n);
/* Keeps the result that f+1 members gave. False: no memory. */
bool client_collection_keep(struct client_collection *k, const struct reply *reply);
/* Gives it back, with how many members signed it. NULL: there is none. Ownership: the caller's. */
uint8_t *client_collection_take(struct client_collection *k, size_t *n, bft_seq *seq, uint32_t *members);

/* answer.c */
bool client_on_reply(struct client_core *c, uint32_t member, const struct bft_envelope *e, bool late, const uint8_t *body, size_t n);
bool client_on_refused(struct client_core *c, uint32_t member, const uint8_t *body, size_t n);
void client_request_timeout(struct client_request *r);
/* Answered in the next tick; takes ownership. Requires: a request is in no list. */
void client_end_later(struct client_core *c, struct client_ending *e, enum quorate_error error, const char *reason);
void client_end_all(struct client_core *c); /* answers what waits for that */

/* read.c */
bool client_on_read_answer(struct client_core *c, uint32_t member, bft_epoch epoch, const uint8_t *body, size_t n);
void client_read_due(struct client_timer *timer);
void client_reads_leave(struct client_core *c, const struct client_session *s); /* that session is closed */
/* All that wait are put into the one order, in the next tick. */
void client_reads_order(struct client_core *c);
void client_reads_end(struct client_core *c, bool tell);

/* epochs.c */
void client_epochs_begin(struct client_core *c);
void client_epochs_heard(struct client_core *c, uint32_t member, bft_epoch epoch);
void client_epochs_tick(struct client_core *c);
uint64_t client_epochs_deadline(const struct client_core *c);
bool client_on_epoch(struct client_core *c, uint32_t member, const uint8_t *body, size_t n);
/* Whether requests are signed in the newest epoch that is known. */
bool client_signs_requests(const struct client_core *c);

/* ask.c */
bool client_on_standing(struct client_core *c, uint32_t member, const uint8_t *body, size_t n);
bool client_on_voice(struct client_core *c, uint32_t member, const uint8_t *body, size_t n);
bool client_on_evidence(struct client_core *c, uint32_t member, const uint8_t *body, size_t n);
void client_questions_to(struct client_core *c, uint32_t member);
void client_question_due(struct client_question *q);
void client_questions_end(struct client_core *c, bool tell);
#endif
