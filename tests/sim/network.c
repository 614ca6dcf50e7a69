/* The network: loss, delay, reordering, duplication, partitions (one-way too). Also the bodies that exist. */
#include "bft/proposal.h"
#include "tests/sim/sim.h"

#include <string.h>

void wire_release(struct wire *w)
{
	if (!w || --w->count)
		return;
	free(w->bytes);
	free(w);
}

static bool lost(struct sim *s, uint8_t from, uint8_t to)
{
	return s->cut[from][to] || (!s->calm && rng_chance(&s->rng, s->loss));
}

static uint64_t arrival(struct sim *s)
{
	uint32_t delay = s->calm ? 5 : s->delay_max_ms;
	return s->now + 1 + rng_below(&s->rng, delay);
}

void net_wire(struct sim *s, uint8_t from, bft_mask to, struct wire *w)
{
	for (uint8_t i = 0; i < s->n; i++) {
		if (!(to & BFT_BIT(i)) || i == from || lost(s, from, i))
			continue;
		uint32_t copies = !s->calm && rng_chance(&s->rng, s->duplicate) ? 2 : 1;
		while (copies--) {
			w->count++;
			s->messages++;
			sim_at(s, (struct sim_event){ .at = arrival(s), .kind = SIM_DELIVER, .node = i, .from = from, .wire = w });
		}
	}
}

void net_body(struct sim *s, uint8_t from, uint8_t to, const struct body *b)
{
	if (!lost(s, from, to))
		sim_at(s, (struct sim_event){ .at = arrival(s), .kind = SIM_BODY, .node = to, .from = from, .body = b });
}

static uint32_t body_bucket(const struct digest *d)
{
	return (d->b[0] | (uint32_t)d->b[1] << 8) % 4096;
}

const struct body *body_find(const struct sim *s, const struct digest *d)
{
	const struct body *b = s->bodies[body_bucket(d)];
	while (b && !digest_equal(&b->digest, d))
		b = b->next;
	return b;
}

static uint16_t request_of(const struct sim *s, const uint8_t *digest)
{
	for (uint32_t r = 0; r < SIM_REQUESTS; r++)
		if (memcmp(s->request[r].b, digest, DIGEST_BYTES) == 0)
			return (uint16_t)r;
	return UINT16_MAX;
}

const struct body *body_add(struct sim *s, const struct digest *d, const uint8_t *bytes, size_t n)
{
	struct bft_proposal p;
	struct digest check;
	const struct body *known = body_find(s, d);
	if (known)
		return known;
	if (!proposal_decode(&p, bytes, n, BFT_PROPOSAL_BUNDLES_MAX))
		abort();
	proposal_digest(&check, &s->cluster, bytes, n);
	if (!digest_equal(&check, d))
		sim_fail(s, "a proposal's digest is not its digest");
	struct body *b = calloc(1, sizeof *b);
	if (!b)
		abort();
	b->digest = *d;
	b->time_ms = p.time_ms;
	b->count = p.count;
	for (uint16_t i = 0; i < p.count; i++) {
		b->request[i] = request_of(s, p.digests + (size_t)i * DIGEST_BYTES);
		if (b->request[i] == UINT16_MAX)
			sim_fail(s, "validity: a proposal names what no client signed");
	}
	b->next = s->bodies[body_bucket(d)];
	s->bodies[body_bucket(d)] = b;
	return b;
}
