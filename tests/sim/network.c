/* The network: loss, delay, reordering, duplication, partitions (one-way too). */
#include "tests/sim/sim.h"

struct frame *frame_make(const void *head, size_t head_n, const void *body, size_t body_n)
{
	struct frame *f = malloc(sizeof *f + head_n + body_n);
	if (!f)
		abort();
	f->count = 1;
	f->n = head_n + body_n;
	memcpy(f->bytes, head, head_n);
	if (body_n)
		memcpy(f->bytes + head_n, body, body_n);
	return f;
}

void frame_release(struct frame *f)
{
	if (f && --f->count == 0)
		free(f);
}

static uint64_t arrival(struct sim *s)
{
	return s->now + 1 + rng_below(&s->rng, s->calm && !s->slow ? 5 : s->delay_max_ms);
}

/* What is left out of the plan draws all the same: the times of what remains do not move. */
static void send(struct sim *s, struct sim_event e, uint64_t late_ms, bool cut)
{
	if (cut)
		return;
	bool lost = !s->calm && rng_chance(&s->rng, s->loss), twice = !s->calm && rng_chance(&s->rng, s->duplicate);
	uint64_t first = arrival(s) + late_ms, second = twice ? arrival(s) : 0;
	if (lost && fault_small(s, FAULT_LOSS))
		return;
	for (uint32_t copies = twice && fault_small(s, FAULT_DUPLICATE) ? 2 : 1; copies; copies--) {
		s->frames++;
		e.frame->count++;
		e.at = copies == 1 ? first : second;
		sim_at(s, e);
	}
}

bool network_lost(const struct sim *s, const struct sim_event *e)
{
	return e->kind == SIM_FRAME && !e->client && s->cut[e->from][e->node];
}

/* To every place that has the member's key. */
void network_send_late(struct node *d, uint8_t member, struct frame *f, uint64_t late_ms)
{
	struct sim *s = d->sim;
	for (uint8_t i = 0; i < s->places; i++)
		if (s->node[i].id == member)
			send(s, (struct sim_event){ .kind = SIM_FRAME, .node = i, .from = d->place, .frame = f }, late_ms + adaptive_delay(s, d->id, i, f),
			     s->cut[d->place][i]);
}

void network_send(struct node *d, uint8_t member, struct frame *f)
{
	network_send_late(d, member, f, 0);
}

void network_reply(struct node *d, uint8_t client, struct frame *f)
{
	send(d->sim, (struct sim_event){ .kind = SIM_REPLY, .node = client, .from = d->id, .frame = f }, 0, false);
}

void network_request(struct sim *s, uint8_t client, uint8_t member, struct frame *f)
{
	for (uint8_t i = 0; i < s->places; i++)
		if (s->node[i].id == member)
			send(s, (struct sim_event){ .kind = SIM_FRAME, .node = i, .from = client, .client = true, .frame = f }, 0, false);
}
