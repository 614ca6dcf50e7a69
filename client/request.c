/* Requests in flight: to the leader, after a while to everybody, then again with back-off, until the time is over. */
#include "client/core_state.h"

#include <stdlib.h>

/* ---- lists and the table ---- */

void client_requests_append(struct client_requests *list, struct client_request *r)
{
	r->prev = list->last;
	r->next = NULL;
	if (list->last)
		list->last->next = r;
	else
		list->first = r;
	list->last = r;
	list->count++;
}

void client_requests_remove(struct client_requests *list, struct client_request *r)
{
	if (r->prev)
		r->prev->next = r->next;
	else
		list->first = r->next;
	if (r->next)
		r->next->prev = r->prev;
	else
		list->last = r->prev;
	r->prev = r->next = NULL;
	list->count--;
}

static struct client_request **bucket_of(struct client_core *c, uint64_t session_id, uint64_t number)
{
	uint64_t h = (session_id * 0x9E3779B97F4A7C15u) ^ number;
	h *= 0xBF58476D1CE4E5B9u;
	return &c->bucket[(h >> 32) % CLIENT_BUCKETS];
}

struct client_request *client_request_find(struct client_core *c, uint64_t session_id, uint64_t number)
{
	struct client_request *r = *bucket_of(c, session_id, number);
	while (r && (r->session_id != session_id || r->number != number))
		r = r->hash_next;
	return r;
}

void client_request_fly(struct client_request *r)
{
	struct client_core *c = r->session->core;
	struct client_request **bucket = bucket_of(c, r->session_id, r->number);
	r->hash_next = *bucket;
	*bucket = r;
	client_requests_append(&r->session->flying, r);
	r->back_off_ms = c->options.retry_ms;
	r->retry_at_ms = c->mono_ms;
	client_timer_set(&c->timers, &r->timer, c->mono_ms);
}

void client_request_unfly(struct client_request *r)
{
	struct client_core *c = r->session->core;
	struct client_request **at = bucket_of(c, r->session_id, r->number);
	while (*at != r)
		at = &(*at)->hash_next;
	*at = r->hash_next;
	client_requests_remove(&r->session->flying, r);
	client_timer_clear(&c->timers, &r->timer);
	if (r->session->closing)
		c->reap = true;
}

void client_request_free(struct client_core *c, struct client_request *r)
{
	client_timers_release(&c->timers);
	client_collection_free(r->collection);
	free(r->parts);
	free(r->frame);
	free(r);
}

/* ---- sending ---- */

static void send_as(struct client_request *r, uint32_t member, uint8_t signer)
{
	r->frame[0] = signer; /* the envelope begins with it */
	if (client_send(r->session->core, member, NET_REQUESTS, r->frame, r->frame_n))
		r->sent |= BFT_BIT(member);
}

void client_request_send_to(struct client_request *r, uint32_t member)
{
	send_as(r, member, BFT_SIGNER_CHANNEL);
}

static uint64_t next_due(const struct client_request *r)
{
	return r->retry_at_ms < r->ends_ms ? r->retry_at_ms : r->ends_ms;
}

/* Jitter keeps many clients that lost one leader from asking in step. */
static void back_off(struct client_request *r)
{
	struct client_core *c = r->session->core;
	uint64_t retry = c->options.retry_ms, most = retry > CLIENT_BACK_OFF_MS_MAX ? retry : CLIENT_BACK_OFF_MS_MAX;
	uint64_t wait = r->back_off_ms;
	r->back_off_ms = wait * 2 < most ? wait * 2 : most;
	if (wait > retry)
		wait -= client_random(c) % (wait / 2);
	r->retry_at_ms = c->mono_ms + wait;
	client_timer_set(&c->timers, &r->timer, next_due(r));
}

void client_request_send(struct client_request *r)
{
	struct client_core *c = r->session->core;
	uint32_t leader = client_core_leader(c);
	bool first = !r->sent;
	if (!(c->linked & BFT_BIT(leader)))
		r->to_all = true;
	for (uint32_t i = 0; i < c->n; i++)
		if (r->to_all || i == leader)
			send_as(r, i, first && i != leader ? BFT_SIGNER_SHOWN : BFT_SIGNER_CHANNEL); /* the leader shall not know which these are */
	back_off(r);
}

/* ---- again ---- */

#define WHOLE CLIENT_AGAIN_ANSWERS

static void earn(struct client_core *c, uint64_t parts)
{
	uint64_t sum = c->again + parts;
	c->again = sum < CLIENT_AGAIN_MAX * WHOLE ? (uint32_t)sum : CLIENT_AGAIN_MAX * WHOLE;
}

void client_request_answered(struct client_core *c)
{
	earn(c, 1);
}

/* A cluster that has more to do than it can is slow, not deaf: everything sent again to everybody then, each replica would be busy with finding out what it
 * knows already (a rate a third above what was possible let through half of that). Some is enough for the backups to know that requests wait. */
static bool may_send_again(struct client_core *c)
{
	uint64_t times = (c->mono_ms - c->again_ms) / CLIENT_AGAIN_MS;
	earn(c, times < CLIENT_AGAIN_MAX ? times * WHOLE : CLIENT_AGAIN_MAX * WHOLE);
	c->again_ms += times * CLIENT_AGAIN_MS;
	if (c->again < WHOLE)
		return false;
	c->again -= WHOLE;
	return true;
}

void client_request_due(struct client_request *r)
{
	struct client_core *c = r->session->core;
	if (c->mono_ms >= r->ends_ms) {
		client_request_timeout(r);
	} else if (may_send_again(c)) {
		r->to_all = true;
		client_request_send(r);
	} else {
		back_off(r);
	}
}

/* What was on its way to that member may be lost; what nobody has, it gets. */
void client_requests_to(struct client_core *c, uint32_t member)
{
	bool leads = member == client_core_leader(c);
	for (struct client_session *s = c->sessions; s; s = s->next)
		for (struct client_request *r = s->flying.first; r; r = r->next)
			if (leads || r->to_all || !r->sent || (r->sent & BFT_BIT(member)))
				client_request_send_to(r, member);
}
