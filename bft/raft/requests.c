/* Requests that wait for their execution here, named by (session, number), in order of arrival. Whoever leads is told of them, and orders them. */
#include "bft/raft/raft.h"

struct raft_request *raft_request_at(const struct raft *p, uint32_t index)
{
	return (struct raft_request *)((uintptr_t)p + p->requests_at) + index;
}

static uint32_t *bucket(const struct raft *p, const struct bft_request_id *id)
{
	uint64_t h = (id->session ^ (id->number << 17 | id->number >> 47)) * 0x9E3779B97F4A7C15u;
	return (uint32_t *)((uintptr_t)p + p->buckets_at) + (h >> 32) % p->buckets;
}

void raft_requests_init(struct raft *p)
{
	raft_request_at(p, 0)->next = raft_request_at(p, 0)->prev = 0;
	for (uint32_t i = 1; i <= p->limits.requests_max; i++)
		raft_request_at(p, i)->next = i < p->limits.requests_max ? i + 1 : 0;
	p->requests_free = 1;
}

static uint32_t find(const struct raft *p, const struct bft_request_id *id)
{
	uint32_t i = *bucket(p, id);
	while (i) {
		const struct raft_request *r = raft_request_at(p, i);
		if (r->id.session == id->session && r->id.number == id->number)
			return i;
		i = r->chain;
	}
	return 0;
}

static void insert(struct raft *p, const struct bft_event *e)
{
	uint32_t i = p->requests_free;
	struct raft_request *r = raft_request_at(p, i), *anchor = raft_request_at(p, 0);
	p->requests_free = r->next;
	uint32_t *head = bucket(p, &e->id);
	*r = (struct raft_request){ .id = e->id, .digest = e->digest, .bytes = e->bytes };
	r->chain = *head;
	*head = i;
	r->prev = anchor->prev;
	raft_request_at(p, anchor->prev)->next = i;
	r->next = 0;
	anchor->prev = i;
	p->requests_count++;
	p->requests_waiting++;
}

static void erase(struct raft *p, uint32_t i)
{
	struct raft_request *r = raft_request_at(p, i);
	uint32_t *at = bucket(p, &r->id);
	while (*at != i)
		at = &raft_request_at(p, *at)->chain;
	*at = r->chain;
	raft_request_at(p, r->prev)->next = r->next;
	raft_request_at(p, r->next)->prev = r->prev;
	if (!r->proposed)
		p->requests_waiting--;
	p->requests_count--;
	r->next = p->requests_free;
	p->requests_free = i;
}

static void drop(struct bft_effects *out, const struct digest *digest, uint16_t reason)
{
	struct bft_effect *e = effects_add(out, BFT_FX_DROP);
	e->digest = *digest;
	e->reason = reason;
}

static void hand_to_leader(const struct raft *p, const struct digest *digest, struct bft_effects *out)
{
	if (p->leader == RAFT_NOBODY || p->leader == p->self)
		return;
	struct bft_effect *e = effects_add(out, BFT_FX_REQUEST);
	e->digest = *digest;
	e->to = BFT_BIT(p->leader);
}

static void take(struct raft *p, const struct bft_event *e, struct bft_effects *out)
{
	if (find(p, &e->id))
		return; /* the first bundle of a number is the one we hold; repeats change nothing */
	if (p->requests_free == 0) {
		drop(out, &e->digest, RAFT_WHY_TABLE_FULL);
		return;
	}
	insert(p, e);
	hand_to_leader(p, &e->digest, out);
}

/* What comes together is proposed together: one by one, a burst of 64 to an idle leader makes proposals of 1, 1, 2, 4, ... */
void raft_on_request(struct raft *p, const struct bft_event *e, struct bft_effects *out)
{
	take(p, e, out);
	if (!e->ok)
		raft_propose_try(p, out);
}

void raft_requests_executed(struct raft *p, const struct bft_request_id *ids, size_t count, struct bft_effects *out)
{
	for (size_t k = 0; k < count; k++) {
		uint32_t i = find(p, &ids[k]);
		if (!i)
			continue;
		drop(out, &raft_request_at(p, i)->digest, RAFT_WHY_EXECUTED);
		erase(p, i);
	}
}

/* What another leader proposed and I did not see executed waits again. */
void raft_requests_leader(struct raft *p, struct bft_effects *out)
{
	p->requests_waiting = p->requests_count;
	for (uint32_t i = raft_request_at(p, 0)->next; i; i = raft_request_at(p, i)->next) {
		struct raft_request *r = raft_request_at(p, i);
		r->proposed = false;
		if (out->count < out->capacity / 2)
			hand_to_leader(p, &r->digest, out);
	}
	raft_propose_try(p, out);
}
