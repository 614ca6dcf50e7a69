/* Held requests, named by (session, number) and never by digest: a client that signs two bundles with one number cannot make an honest leader look slow.
 * In order of arrival, so the oldest one's age is the head's. */
#include "bft/pbft/pbft.h"

struct pbft_request *request_at(const struct pbft *p, uint32_t index)
{
	return (struct pbft_request *)((uintptr_t)p + p->requests_at) + index;
}

static uint32_t *bucket(const struct pbft *p, const struct bft_request_id *id)
{
	uint64_t h = (id->session ^ (id->number << 17 | id->number >> 47)) * 0x9E3779B97F4A7C15u;
	return (uint32_t *)((uintptr_t)p + p->buckets_at) + (h >> 32) % p->buckets;
}

void requests_init(struct pbft *p)
{
	request_at(p, 0)->next = request_at(p, 0)->prev = 0;
	for (uint32_t i = 1; i <= p->limits.requests_max; i++)
		request_at(p, i)->next = i < p->limits.requests_max ? i + 1 : 0;
	p->requests_free = 1;
}

static uint32_t find(const struct pbft *p, const struct bft_request_id *id)
{
	uint32_t i = *bucket(p, id);
	while (i) {
		const struct pbft_request *r = request_at(p, i);
		if (r->id.session == id->session && r->id.number == id->number)
			return i;
		i = r->chain;
	}
	return 0;
}

static void insert(struct pbft *p, const struct bft_event *e)
{
	uint32_t i = p->requests_free;
	struct pbft_request *r = request_at(p, i), *anchor = request_at(p, 0);
	p->requests_free = r->next;
	uint32_t *head = bucket(p, &e->id);
	*r = (struct pbft_request){ .id = e->id, .digest = e->digest, .since_ms = p->mono_ms, .bytes = e->bytes, .used = true, .shown = e->shown };
	r->leader_ms = p->pace.leader_ms;
	r->ahead = p->requests_count;
	r->chain = *head;
	*head = i;
	r->prev = anchor->prev;
	request_at(p, anchor->prev)->next = i;
	r->next = 0;
	anchor->prev = i;
	p->requests_count++;
	p->requests_waiting++;
}

static void erase(struct pbft *p, uint32_t i)
{
	struct pbft_request *r = request_at(p, i);
	uint32_t *at = bucket(p, &r->id);
	while (*at != i)
		at = &request_at(p, *at)->chain;
	*at = r->chain;
	request_at(p, r->prev)->next = r->next;
	request_at(p, r->next)->prev = r->prev;
	if (!r->proposed)
		p->requests_waiting--;
	p->requests_count--;
	r->used = false;
	r->next = p->requests_free;
	p->requests_free = i;
}

static void drop(struct bft_effects *out, const struct digest *digest, uint16_t reason)
{
	struct bft_effect *e = effects_add(out, BFT_FX_DROP);
	e->digest = *digest;
	e->reason = reason;
}

static void hand_to_leader(const struct pbft *p, const struct digest *digest, struct bft_effects *out)
{
	uint8_t leader = pbft_leader(p, p->view);
	if (leader == p->self || p->mode != PBFT_NORMAL)
		return;
	struct bft_effect *e = effects_add(out, BFT_FX_REQUEST);
	e->digest = *digest;
	e->to = BFT_BIT(leader);
}

static void take(struct pbft *p, const struct bft_event *e, struct bft_effects *out)
{
	if (find(p, &e->id))
		return; /* the first bundle of a number is the one we hold; repeats change nothing */
	if (p->requests_free == 0) {
		drop(out, &e->digest, PBFT_WHY_TABLE_FULL);
		return;
	}
	insert(p, e);
	hand_to_leader(p, &e->digest, out);
}

/* What comes together is proposed together: one by one, a burst of 64 to an idle leader makes proposals of 1, 1, 2, 4, ... */
void on_request(struct pbft *p, const struct bft_event *e, struct bft_effects *out)
{
	take(p, e, out);
	if (!e->ok)
		propose_try(p, out);
}

void requests_executed(struct pbft *p, const struct bft_request_id *ids, size_t count, struct bft_effects *out)
{
	load_executed(p, ids, count);
	for (size_t k = 0; k < count; k++) {
		uint32_t i = find(p, &ids[k]);
		if (!i)
			continue;
		pace_executed(p, request_at(p, i));
		drop(out, &request_at(p, i)->digest, PBFT_WHY_EXECUTED);
		erase(p, i);
	}
}

const struct pbft_request *request_oldest(const struct pbft *p)
{
	uint32_t i = request_at(p, 0)->next;
	return i ? request_at(p, i) : NULL;
}

/* What the last view proposed and did not execute waits again; its leader hears of everything. */
void requests_enter_view(struct pbft *p, struct bft_effects *out)
{
	p->requests_waiting = p->requests_count;
	for (uint32_t i = request_at(p, 0)->next; i; i = request_at(p, i)->next) {
		struct pbft_request *r = request_at(p, i);
		r->proposed = false;
		if (out->count < out->capacity / 2)
			hand_to_leader(p, &r->digest, out);
	}
}
