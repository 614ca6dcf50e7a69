/* What members say of themselves, and the evidence that they keep of others: QUERY and STANDING, FETCH_EVIDENCE and EVIDENCE, FETCH_VOICE and VOICE. It is nobody's word but theirs. */
#include "client/core_state.h"

#include <stdlib.h>

/* A link that is down now may come up in time: client_questions_to. */
static void send(const struct client_question *q)
{
	uint8_t frame[BFT_FRAME_HEAD_BYTES + 1 + EVIDENCE_NAME_MAX], body[1 + EVIDENCE_NAME_MAX] = { 0 };
	struct wr w = wr_of(frame, sizeof frame);
	client_frame_head(&w, q->evidence ? BFT_WIRE_FETCH_EVIDENCE : q->voice ? BFT_WIRE_FETCH_VOICE : BFT_WIRE_QUERY, NULL);
	if (q->voice)
		wr_bytes(&w, q->behind.b, PUBLIC_KEY_BYTES);
	else
		wr_bytes(&w, body, q->evidence ? evidence_question_encode(&q->after, body, sizeof body) : 1);
	const struct client_core *c = q->core;
	/* Also whom we know by another key: what it says is shown, and believed in nothing. */
	if ((c->linked | c->strangers) & BFT_BIT(q->member))
		c->options.send(c->options.user, q->member, NET_STATUS, frame, wr_done(&w));
}

/* `like` says what is asked and whom to tell. */
static enum quorate_error ask(struct client_core *c, const struct client_question *like, uint32_t timeout_ms)
{
	if (!roster_has(&c->roster, like->member) || (!like->done && !like->evidence && !like->voice))
		return QUORATE_USAGE;
	if (c->stopped || c->questions_count >= CLIENT_ASKS_MAX || !client_timers_reserve(&c->timers))
		return QUORATE_FAILED;
	struct client_question *q = calloc(1, sizeof *q);
	if (!q) {
		client_timers_release(&c->timers);
		return QUORATE_FAILED;
	}
	*q = *like;
	q->timer.of = CLIENT_TIMER_ASK;
	q->core = c;
	q->next = c->questions;
	if (q->next)
		q->next->prev = q;
	c->questions = q;
	c->questions_count++;
	client_timer_set(&c->timers, &q->timer, c->mono_ms + (timeout_ms ? timeout_ms : c->options.timeout_ms));
	send(q);
	return QUORATE_OK;
}

enum quorate_error client_core_ask(struct client_core *c, uint32_t member, uint32_t timeout_ms, client_report_fn done, void *user)
{
	struct client_question q = { .member = member, .done = done, .user = user };
	return ask(c, &q, timeout_ms);
}

enum quorate_error client_core_ask_evidence(struct client_core *c, uint32_t member, const char *after, uint32_t timeout_ms, client_evidence_fn done, void *user)
{
	struct client_question q = { .member = member, .evidence = done, .user = user };
	return evidence_name_set(&q.after, after) ? ask(c, &q, timeout_ms) : QUORATE_USAGE;
}

enum quorate_error client_core_ask_voice(struct client_core *c, uint32_t member, const struct public_key *after, uint32_t timeout_ms, client_voice_fn done,
                                         void *user)
{
	struct client_question q = { .member = member, .voice = done, .behind = *after, .user = user };
	return ask(c, &q, timeout_ms);
}

void client_questions_to(struct client_core *c, uint32_t member)
{
	for (const struct client_question *q = c->questions; q; q = q->next)
		if (q->member == member)
			send(q);
}

static void take_out(struct client_question *q)
{
	struct client_core *c = q->core;
	client_timer_clear(&c->timers, &q->timer);
	client_timers_release(&c->timers);
	if (q->prev)
		q->prev->next = q->next;
	else
		c->questions = q->next;
	if (q->next)
		q->next->prev = q->prev;
	c->questions_count--;
}

/* What came for it: nothing when `standing`, `evidence` and `voice` are NULL. */
struct answer {
	const struct standing *standing;
	const struct evidence_answer *evidence;
	const uint8_t *voice;
	size_t voice_n;
};

static void end(struct client_question *q, const struct answer *a)
{
	take_out(q);
	if (q->evidence)
		q->evidence(q->user, q->member, a->evidence);
	else if (q->voice)
		q->voice(q->user, q->member, a->voice, a->voice_n);
	else
		q->done(q->user, q->member, a->standing);
	free(q);
}

static const struct answer none;

void client_question_due(struct client_question *q)
{
	end(q, &none);
}

bool client_on_standing(struct client_core *c, uint32_t member, const uint8_t *body, size_t n)
{
	struct standing standing;
	if (!standing_decode(&standing, body, n))
		return false;
	/* One question is answered by one STANDING, the oldest first: a callback that asks anew waits for the next. */
	struct client_question *oldest = NULL;
	for (struct client_question *q = c->questions; q; q = q->next)
		if (q->member == member && q->done)
			oldest = q;
	if (oldest)
		end(oldest, &(struct answer){ .standing = &standing });
	return true;
}

bool client_on_evidence(struct client_core *c, uint32_t member, const uint8_t *body, size_t n)
{
	struct evidence_answer a;
	struct client_question *oldest = NULL;
	if (!evidence_answer_decode(&a, body, n))
		return false;
	for (struct client_question *q = c->questions; q; q = q->next)
		if (q->member == member && q->evidence && strcmp(q->after.text, a.after.text) == 0)
			oldest = q;
	if (oldest)
		end(oldest, &(struct answer){ .evidence = &a });
	return true;
}

bool client_on_voice(struct client_core *c, uint32_t member, const uint8_t *body, size_t n)
{
	struct rd r = rd_of(body, n);
	struct public_key behind;
	struct reconfigure voice;
	struct client_question *oldest = NULL;
	if (!rd_bytes(&r, behind.b, PUBLIC_KEY_BYTES) || (!rd_done(&r) && !reconfigure_decode(&voice, r.at, rd_left(&r))))
		return false;
	for (struct client_question *q = c->questions; q; q = q->next)
		if (q->member == member && q->voice && public_key_equal(&q->behind, &behind))
			oldest = q;
	if (oldest)
		end(oldest, &(struct answer){ .voice = r.at, .voice_n = rd_left(&r) });
	return true;
}

void client_questions_end(struct client_core *c, bool tell)
{
	while (c->questions) {
		struct client_question *q = c->questions;
		if (tell) {
			end(q, &none);
			continue;
		}
		take_out(q);
		free(q);
	}
}
