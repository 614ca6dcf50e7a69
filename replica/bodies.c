#include "replica/bodies.h"

#include "bft/check.h"

#include <stdlib.h>
#include <string.h>

#define BUCKETS 16384u
#define BUNDLE_CHARGE (sizeof(struct bundle_body) + 64u)
#define PROPOSAL_CHARGE (sizeof(struct proposal_body) + 64u)

struct bodies {
	struct bodies_limits limits;
	struct digest cluster;
	size_t bytes;
	bft_lsn durable;
	bool signs;
	uint32_t requested_count;
	struct bundle_body **bundles, **requests;
	struct proposal_body **proposals;
	struct proposal_body *oldest, *newest;
};

static size_t bucket(const struct digest *d)
{
	return (d->b[0] | (size_t)d->b[1] << 8) % BUCKETS;
}

static size_t bucket_id(const struct bft_request_id *id)
{
	return (size_t)(((id->session ^ (id->number << 20)) * 0x9E3779B97F4A7C15u + id->number) >> 40) % BUCKETS;
}

struct bodies *bodies_create(const struct bodies_limits *limits, const struct digest *cluster)
{
	struct bodies *b = calloc(1, sizeof *b);
	if (!b)
		return NULL;
	b->limits = *limits;
	b->cluster = *cluster;
	b->bundles = calloc(BUCKETS, sizeof *b->bundles);
	b->requests = calloc(BUCKETS, sizeof *b->requests);
	b->proposals = calloc(BUCKETS, sizeof *b->proposals);
	uint8_t null[PROPOSAL_HEAD_BYTES];
	struct digest digest;
	proposal_null_digest(&digest, cluster);
	struct proposal_body *p = NULL;
	if (b->bundles && b->requests && b->proposals)
		p = bodies_add_proposal(b, &digest, null, proposal_null(null), 0);
	if (!p) {
		bodies_destroy(b);
		return NULL;
	}
	p->in_log = p->in_use = true; /* it is a constant */
	return b;
}

void bodies_destroy(struct bodies *b)
{
	if (!b)
		return;
	while (b->oldest)
		bodies_remove_proposal(b, b->oldest);
	for (size_t i = 0; b->bundles && i < BUCKETS; i++)
		while (b->bundles[i]) {
			b->bundles[i]->refs = 1;
			bodies_unref(b, b->bundles[i]);
		}
	free(b->bundles);
	free(b->requests);
	free(b->proposals);
	free(b);
}

size_t bodies_bytes(const struct bodies *b)
{
	return b->bytes;
}

bool bodies_room(const struct bodies *b, size_t n)
{
	return b->bytes + n <= b->limits.bytes_max;
}

void bodies_request_id(struct bft_request_id *out, const struct bundle *head)
{
	struct digest_ctx ctx;
	struct digest d;
	*out = (struct bft_request_id){ .session = head->session, .number = head->number };
	if (head->session)
		return;
	digest_begin(&ctx, DOMAIN_BUNDLE);
	digest_add(&ctx, head->key.b, PUBLIC_KEY_BYTES);
	digest_add_u64(&ctx, head->number);
	digest_end(&ctx, &d);
	memcpy(&out->number, d.b, sizeof out->number);
}

/* ---- bundles ---- */

void bodies_set_signs(struct bodies *b, bool signs)
{
	b->signs = signs;
}

struct bundle_body *bodies_find_bundle(const struct bodies *b, const struct digest *digest)
{
	struct bundle_body *x = b->bundles[bucket(digest)];
	while (x && !digest_equal(&x->digest, digest))
		x = x->next;
	return x;
}

struct bundle_body *bodies_find_request(const struct bodies *b, const struct bft_request_id *id)
{
	struct bundle_body *x = b->requests[bucket_id(id)];
	while (x && (x->id.session != id->session || x->id.number != id->number))
		x = x->next_id;
	return x;
}

void bodies_each_request(struct bodies *b, bodies_request_fn visit, void *arg)
{
	for (size_t i = 0; i < BUCKETS; i++)
		for (struct bundle_body *x = b->requests[i], *next; x; x = next) {
			next = x->next_id;
			if (!visit(arg, x))
				return;
		}
}

void bodies_forget_core(struct bodies *b)
{
	for (struct proposal_body *p = b->oldest; p; p = p->newer)
		p->wanted = p->in_use = false;
	struct digest null;
	proposal_null_digest(&null, &b->cluster);
	bodies_find_proposal(b, &null)->in_use = true;
}

struct bundle_body *bodies_add_bundle(struct bodies *b, const struct digest *digest, const struct signature *signature, const uint8_t *bytes, size_t n)
{
	struct bundle_body *x = bodies_find_bundle(b, digest);
	if (x) {
		/* It came unsigned before, in an epoch that asked for no signature. */
		if (signature_is_none(&x->signature))
			x->signature = *signature;
		x->refs++;
		return x;
	}
	x = calloc(1, sizeof *x + n);
	if (!x)
		return NULL;
	uint8_t *copy = (uint8_t *)(x + 1);
	memcpy(copy, bytes, n);
	x->digest = *digest;
	x->signature = *signature;
	x->bytes = copy;
	x->n = n;
	x->refs = 1;
	const char *malformed = bundle_decode(&x->head, copy, n);
	BFT_CHECK(!malformed);
	bodies_request_id(&x->id, &x->head);
	struct bundle_body **at = &b->bundles[bucket(digest)];
	x->next = *at;
	*at = x;
	b->bytes += n + BUNDLE_CHARGE;
	return x;
}

void bodies_ref(struct bundle_body *x)
{
	x->refs++;
}

void bodies_set_requested(struct bodies *b, struct bundle_body *x, bool requested)
{
	if (x->requested == requested)
		return;
	x->requested = requested;
	struct bundle_body **at = &b->requests[bucket_id(&x->id)];
	b->requested_count += requested ? 1 : (uint32_t)-1;
	if (requested) {
		x->next_id = *at;
		*at = x;
		return;
	}
	while (*at != x)
		at = &(*at)->next_id;
	*at = x->next_id;
}

uint32_t bodies_requested(const struct bodies *b)
{
	return b->requested_count;
}

void bodies_unref(struct bodies *b, struct bundle_body *x)
{
	if (--x->refs)
		return;
	bodies_set_requested(b, x, false);
	struct bundle_body **at = &b->bundles[bucket(&x->digest)];
	while (*at != x)
		at = &(*at)->next;
	*at = x->next;
	b->bytes -= x->n + BUNDLE_CHARGE;
	free(x);
}

/* ---- proposals ---- */

struct proposal_body *bodies_find_proposal(const struct bodies *b, const struct digest *digest)
{
	struct proposal_body *p = b->proposals[bucket(digest)];
	while (p && !digest_equal(&p->digest, digest))
		p = p->next;
	return p;
}

static const uint8_t *named(const struct proposal_body *p, uint16_t i)
{
	return p->head.digests + (size_t)i * DIGEST_BYTES;
}

static void take(struct proposal_body *p, uint16_t i, struct bundle_body *x)
{
	bodies_ref(x);
	p->bundles[i] = x;
	p->missing--;
	p->total += 4 + SIGNATURE_BYTES + x->n;
}

struct proposal_body *bodies_add_proposal(struct bodies *b, const struct digest *digest, const uint8_t *bytes, size_t n, uint8_t from)
{
	struct bft_proposal head;
	size_t used = proposal_decode(&head, bytes, n, b->limits.proposal_bundles_max);
	BFT_CHECK(used == n && !bodies_find_proposal(b, digest));
	size_t table = head.count * sizeof(struct bundle_body *);
	struct proposal_body *p = calloc(1, sizeof *p + table + n);
	if (!p)
		return NULL;
	p->bundles = (struct bundle_body **)(p + 1);
	uint8_t *copy = (uint8_t *)(p + 1) + table;
	memcpy(copy, bytes, n);
	p->bytes = copy;
	p->n = p->total = n;
	proposal_decode(&p->head, copy, n, b->limits.proposal_bundles_max);
	p->digest = *digest;
	p->from = from;
	p->missing = p->head.count;
	for (uint16_t i = 0; i < p->head.count; i++) {
		struct digest d;
		memcpy(d.b, named(p, i), DIGEST_BYTES);
		struct bundle_body *x = bodies_find_bundle(b, &d);
		if (x && !(b->signs && signature_is_none(&x->signature)))
			take(p, i, x);
	}
	struct proposal_body **at = &b->proposals[bucket(digest)];
	p->next = *at;
	*at = p;
	p->older = b->newest;
	if (b->newest)
		b->newest->newer = p;
	else
		b->oldest = p;
	b->newest = p;
	b->bytes += table + n + PROPOSAL_CHARGE;
	return p;
}

void bodies_fill(struct bodies *b, struct proposal_body *p, struct bundle_body *x)
{
	(void)b;
	for (uint16_t i = 0; i < p->head.count; i++)
		if (!p->bundles[i] && memcmp(named(p, i), x->digest.b, DIGEST_BYTES) == 0)
			take(p, i, x);
}

void bodies_durable(struct bodies *b, bft_lsn lsn)
{
	b->durable = lsn;
}

bool bodies_idle(const struct bodies *b, const struct proposal_body *p)
{
	return !p->wanted && !p->in_use && !p->pins && p->lsn <= b->durable;
}

void bodies_remove_proposal(struct bodies *b, struct proposal_body *p)
{
	BFT_CHECK(p->pins == 0);
	for (uint16_t i = 0; i < p->head.count; i++)
		if (p->bundles[i])
			bodies_unref(b, p->bundles[i]);
	struct proposal_body **at = &b->proposals[bucket(&p->digest)];
	while (*at != p)
		at = &(*at)->next;
	*at = p->next;
	*(p->older ? &p->older->newer : &b->oldest) = p->newer;
	*(p->newer ? &p->newer->older : &b->newest) = p->older;
	b->bytes -= p->head.count * sizeof(struct bundle_body *) + p->n + PROPOSAL_CHARGE;
	free(p);
}

void bodies_drop_idle(struct bodies *b)
{
	struct proposal_body *newer;
	for (struct proposal_body *p = b->oldest; p; p = newer) {
		newer = p->newer;
		if (bodies_idle(b, p))
			bodies_remove_proposal(b, p);
	}
}

void bodies_trim(struct bodies *b, uint8_t from, uint32_t count)
{
	uint32_t idle = 0;
	struct proposal_body *older;
	for (struct proposal_body *p = b->newest; p; p = older) {
		older = p->older;
		if (!bodies_idle(b, p) || p->from != from)
			continue;
		if (++idle > count || b->bytes > b->limits.bytes_max)
			bodies_remove_proposal(b, p);
	}
}

size_t bodies_encode(const struct proposal_body *p, uint8_t *bytes, size_t capacity)
{
	BFT_CHECK(bodies_whole(p));
	struct wr w = wr_of(bytes, capacity);
	wr_bytes(&w, p->bytes, p->n);
	for (uint16_t i = 0; i < p->head.count; i++) {
		const struct bundle_body *x = p->bundles[i];
		wr_u32(&w, (uint32_t)x->n);
		wr_bytes(&w, x->signature.b, SIGNATURE_BYTES);
		wr_bytes(&w, x->bytes, x->n);
	}
	return wr_done(&w);
}
