/* What members say of themselves: QUERY and STANDING. It is nobody's word but theirs. */
#include "client/core_state.h"

#include <stdlib.h>

/* A link that is down now may come up in time: client_questions_to. */
static void send(const struct client_question *q)
{
	uint8_t frame[BFT_FRAME_HEAD_BYTES + 1];
	struct wr w = wr_of(frame, sizeof frame);
	client_frame_head(&w, BFT_WIRE_QUERY, NULL);
	wr_u8(&w, 0);
	const struct client_core *c = q->core;
	/* Also whom we know by another key: what it says is shown, and believed in nothing. */
	if ((c->linked | c->strangers) & BFT_BIT(q->member))
		c->options.send(c->options.user, q->member, NET_STATUS, frame, wr_done(&w));
}

enum quorate_error client_core_ask(struct client_core *c, uint32_t member, uint32_t timeout_ms, client_report_fn done, void *user)
{
	if (member >= c->n || !done)
		return QUORATE_USAGE;
	if (c->stopped || c->questions_count >= CLIENT_ASKS_MAX || !client_timers_reserve(&c->timers))
		return QUORATE_FAILED;
	struct client_question *q = calloc(1, sizeof *q);
	if (!q) {
		client_timers_release(&c->timers);
		return QUORATE_FAILED;
	}
	*q = (struct client_question){ .timer.of = CLIENT_TIMER_ASK, .core = c, .member = member, .done = done, .user = user, .next = c->questions };
	if (q->next)
		q->next->prev = q;
	c->questions = q;
	c->questions_count++;
	client_timer_set(&c->timers, &q->timer, c->mono_ms + (timeout_ms ? timeout_ms : c->options.timeout_ms));
	send(q);
	return QUORATE_OK;
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

static void end(struct client_question *q, const struct standing *standing)
{
	take_out(q);
	q->done(q->user, q->member, standing);
	free(q);
}

void client_question_due(struct client_question *q)
{
	end(q, NULL);
}

bool client_on_standing(struct client_core *c, uint32_t member, const uint8_t *body, size_t n)
{
	struct standing standing;
	if (!standing_decode(&standing, body, n))
		return false;
	/* One question is answered by one STANDING, the oldest first: a callback that asks anew waits for the next. */
	struct client_question *oldest = NULL;
	for (struct client_question *q = c->questions; q; q = q->next)
		if (q->member == member)
			oldest = q;
	if (oldest)
		end(oldest, &standing);
	return true;
}

void client_questions_end(struct client_core *c, bool tell)
{
	while (c->questions) {
		struct client_question *q = c->questions;
		if (tell) {
			end(q, NULL);
			continue;
		}
		take_out(q);
		free(q);
	}
}
