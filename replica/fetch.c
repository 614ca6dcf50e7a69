/* Bodies from others and for others: standing orders that go round those who claim to hold them, and answers within a budget (design section 4). */
#include "replica/driver_state.h"

#include <stdlib.h>
#include <string.h>

/* ---- where a body is ---- */

bool body_in_log(const struct driver *d, const struct digest *digest)
{
	struct log_position at;
	return digest_equal(digest, &d->null_digest) || history_body(d->history, digest, &at);
}

/* The bytes as they stand in the log, into d->scratch; 0 when they are not there or not whole. */
static size_t read_body(struct driver *d, const struct digest *digest)
{
	struct log_position at;
	struct log_record record;
	struct bft_proposal head;
	struct digest found;
	if (!history_body(d->history, digest, &at) || at.bytes > d->scratch_bytes)
		return 0;
	if (d->options.env.read(d->options.env.user, &at, d->scratch, d->scratch_bytes, &record) != LOG_OK)
		return 0;
	size_t used = proposal_decode(&head, d->scratch, at.bytes, d->limits.proposal_bundles_max);
	if (!used)
		return 0;
	proposal_digest(&found, &d->cluster, d->scratch, used);
	return digest_equal(&found, digest) ? at.bytes : 0;
}

static bool load_bundles(struct driver *d, struct proposal_body *p, struct rd *r)
{
	for (uint16_t i = 0; i < p->head.count; i++) {
		struct signature signature;
		struct digest digest;
		struct bundle b;
		uint32_t n;
		if (!rd_u32(r, &n) || !rd_bytes(r, signature.b, SIGNATURE_BYTES))
			return false;
		const uint8_t *bytes = rd_take(r, n);
		if (!bytes || bundle_decode(&b, bytes, n))
			return false;
		bundle_digest(&digest, bytes, n);
		/* Its signature was checked before it was written. */
		struct bundle_body *x = bodies_add_bundle(d->bodies, &digest, &signature, bytes, n);
		if (!x)
			return false;
		bodies_fill(d->bodies, p, x);
		bodies_unref(d->bodies, x);
	}
	return rd_done(r) && bodies_whole(p);
}

struct proposal_body *body_load(struct driver *d, const struct digest *digest)
{
	struct proposal_body *p = bodies_find_proposal(d->bodies, digest);
	if (p && bodies_whole(p))
		return p;
	size_t n = read_body(d, digest);
	struct bft_proposal head;
	if (!n)
		return NULL;
	size_t used = proposal_decode(&head, d->scratch, n, d->limits.proposal_bundles_max);
	if (!p)
		p = bodies_add_proposal(d->bodies, digest, d->scratch, used, d->self);
	struct rd r = rd_of(d->scratch + used, n - used);
	if (!p || !load_bundles(d, p, &r))
		return NULL;
	p->in_log = true;
	return p;
}

/* ---- standing orders ---- */

/* Once, however often the core asks for it meanwhile: with a full disk it may ask for long before it is told (seed 5705). */
static void held(struct driver *d, const struct digest *digest)
{
	for (size_t i = 0; i < d->held_count; i++)
		if (digest_equal(&d->held[i], digest))
			return;
	if (!driver_grow(&d->held, &d->held_capacity, d->held_count + 1, sizeof *d->held)) {
		driver_stop(d, "no memory for what has arrived");
		return;
	}
	d->held[d->held_count++] = *digest;
}

static struct fetch *find(struct driver *d, const struct digest *digest)
{
	for (uint32_t i = 0; i < FETCHES_MAX && d->fetches_count; i++)
		if (d->fetch[i].used && digest_equal(&d->fetch[i].digest, digest))
			return &d->fetch[i];
	return NULL;
}

void fetch_order(struct driver *d, const struct digest *digest, bft_seq seq, bft_mask to)
{
	struct proposal_body *p = bodies_find_proposal(d->bodies, digest);
	if (p && (bodies_whole(p) || p->invalid)) {
		p->wanted = true;
		fetch_arrived(d, p);
		return;
	}
	if (body_in_log(d, digest) && body_load(d, digest)) {
		held(d, digest);
		return;
	}
	if (p)
		p->wanted = true;
	struct fetch *f = find(d, digest);
	if (f) {
		f->to |= to;
		f->seq = seq < f->seq ? seq : f->seq;
		return;
	}
	for (uint32_t i = 0; i < FETCHES_MAX && !f; i++)
		f = d->fetch[i].used ? NULL : &d->fetch[i];
	if (!f)
		return; /* the core names at most a window, twice; it asks again with STATUS */
	/* One holder is the leader, whose push is on its way; several mean that it is late. */
	uint64_t at = d->mono_ms + (to & (to - 1) ? 0 : FETCH_FIRST_MS);
	*f = (struct fetch){ .used = true, .digest = *digest, .seq = seq, .to = to, .last = d->self, .wait_ms = FETCH_FIRST_MS, .at_ms = at };
	d->fetches_count++;
	if (d->fetches_count == 1 || at < d->fetch_at_ms)
		d->fetch_at_ms = at;
}

void fetch_forget(struct driver *d, const struct digest *digest)
{
	struct fetch *f = find(d, digest);
	if (!f)
		return;
	f->used = false;
	d->fetches_count--;
}

bool fetch_wanted(struct driver *d, const struct digest *digest)
{
	return find(d, digest) != NULL;
}

bool fetch_is_older(struct driver *d, const struct digest *digest)
{
	const struct fetch *f = find(d, digest);
	return f && f->seq <= d->base;
}

/* The agreed limit on a proposal's size: part of what makes it valid. */
static bool within_limits(const struct driver *d, const struct proposal_body *p)
{
	return p->total - p->n - (size_t)p->head.count * (4u + SIGNATURE_BYTES) <= d->limits.proposal_bytes_max;
}

void fetch_arrived(struct driver *d, struct proposal_body *p)
{
	bool asked = p->wanted || find(d, &p->digest) != NULL;
	if (bodies_whole(p) && !within_limits(d, p))
		p->invalid = true;
	if (!asked)
		return; /* it may be asked for later */
	fetch_forget(d, &p->digest);
	p->wanted = false;
	held(d, &p->digest);
}

static void ask(struct driver *d, struct fetch *f)
{
	uint8_t body[2 + DIGEST_BYTES], head[BFT_FRAME_HEAD_BYTES];
	struct bft_envelope e = { .signer = BFT_SIGNER_CHANNEL, .type = BFT_WIRE_FETCH, .epoch = d->epoch };
	struct wr h = wr_of(head, sizeof head), w = wr_of(body, sizeof body);
	for (uint32_t k = 1; k <= d->n; k++) {
		uint8_t i = (uint8_t)((f->last + k) % d->n);
		if (i == d->self || !(f->to & BFT_BIT(i)) || !d->member[i].up)
			continue;
		f->last = i;
		envelope_write(&h, &e);
		wr_u16(&w, 1);
		wr_bytes(&w, f->digest.b, DIGEST_BYTES);
		d->options.env.send(d->options.env.user, i, NET_STATUS, head, sizeof head, body, sizeof body);
		d->counts.fetches++;
		return;
	}
}

void fetch_tick(struct driver *d)
{
	if (d->fetches_count == 0 || d->mono_ms < d->fetch_at_ms)
		return;
	uint64_t next = UINT64_MAX;
	for (uint32_t i = 0; i < FETCHES_MAX; i++) {
		struct fetch *f = &d->fetch[i];
		if (f->used && f->at_ms <= d->mono_ms) {
			ask(d, f);
			f->at_ms = d->mono_ms + f->wait_ms;
			f->wait_ms = f->wait_ms * 2 < FETCH_MS_MAX ? f->wait_ms * 2 : FETCH_MS_MAX;
		}
		if (f->used && f->at_ms < next)
			next = f->at_ms;
	}
	d->fetch_at_ms = next;
}

uint64_t fetch_deadline(const struct driver *d)
{
	return d->fetches_count ? d->fetch_at_ms : UINT64_MAX;
}

/* ---- for others ---- */

/* Serving never delays ordering: so many bytes in so many milliseconds, then the asker waits. */
bool fetch_may_serve(struct driver *d, uint8_t member, size_t n)
{
	struct member_state *m = &d->member[member];
	if (d->mono_ms - m->served_ms >= SERVE_MS) {
		m->served_ms = d->mono_ms;
		m->served_bytes = 0;
	}
	if (m->served_bytes && m->served_bytes + n > SERVE_BYTES)
		return false;
	m->served_bytes += n;
	return true;
}

static bool send_body(struct driver *d, uint8_t member, const uint8_t *bytes, size_t n)
{
	uint8_t head[BFT_FRAME_HEAD_BYTES];
	struct bft_envelope e = { .signer = BFT_SIGNER_CHANNEL, .type = BFT_WIRE_PROPOSAL, .epoch = d->epoch };
	struct wr h = wr_of(head, sizeof head);
	envelope_write(&h, &e);
	return d->options.env.send(d->options.env.user, member, NET_BODIES, head, sizeof head, bytes, n);
}

/* The whole proposal into d->scratch, from memory or from the log. */
static size_t body_bytes(struct driver *d, const struct digest *digest)
{
	const struct proposal_body *p = bodies_find_proposal(d->bodies, digest);
	return p && bodies_whole(p) ? bodies_encode(p, d->scratch, d->scratch_bytes) : read_body(d, digest);
}

void body_push(struct driver *d, const struct digest *digest, bft_mask to)
{
	size_t n = body_bytes(d, digest);
	for (uint8_t i = 0; n && i < d->n; i++)
		if ((to & BFT_BIT(i)) && i != d->self)
			send_body(d, i, d->scratch, n);
}

void fetch_serve(struct driver *d, uint8_t member, const uint8_t *body, size_t n)
{
	struct rd r = rd_of(body, n);
	uint16_t count;
	if (!rd_u16(&r, &count) || count == 0 || count > FETCH_DIGESTS_MAX || rd_left(&r) != (size_t)count * DIGEST_BYTES) {
		admission_reject(d, member, "a malformed fetch");
		return;
	}
	struct digest digest;
	while (rd_bytes(&r, digest.b, DIGEST_BYTES)) {
		if (!fetch_may_serve(d, member, 0))
			return;
		size_t bytes = body_bytes(d, &digest);
		if (bytes && fetch_may_serve(d, member, bytes))
			send_body(d, member, d->scratch, bytes);
	}
}

/* ---- the chain, for those who catch up ---- */

static bool read_executed(struct driver *d, const struct log_position *at, struct bft_rec_executed *out)
{
	uint8_t bytes[256];
	struct log_record record;
	if (!at->segment || at->bytes > sizeof bytes)
		return false;
	if (d->options.env.read(d->options.env.user, at, bytes, sizeof bytes, &record) != LOG_OK)
		return false;
	if (!d->protocol->record_decode(BFT_REC_EXECUTED, d->record, bytes, at->bytes))
		return false;
	*out = *(const struct bft_rec_executed *)d->record;
	return true;
}

static bool fill_chain(struct driver *d, struct bft_chain *c)
{
	for (uint16_t i = 0; i < c->count; i++) {
		const struct history_entry *h = history_find(d->history, c->from + i);
		struct bft_rec_executed r;
		if (!h || !read_executed(d, &h->executed, &r) || r.seq != c->from + i)
			return false;
		/* A log is cut by segments: what came of a proposal may still stand in it when its body, which came before, does not. */
		if (!body_in_log(d, &r.proposal))
			return false;
		c->entry[i].proposal = r.proposal;
		c->entry[i].results = r.results;
	}
	return true;
}

static void send_chain(struct driver *d, uint8_t member, bft_epoch epoch, const struct bft_chain *c, const uint8_t *certificate, size_t certificate_n)
{
	size_t n = d->protocol->encode(BFT_MSG_CHAIN, c, d->scratch, d->scratch_bytes);
	if (certificate_n)
		memcpy(d->scratch + n, certificate, certificate_n);
	send_in_epoch(d, member, BFT_MSG_CHAIN, epoch, d->scratch, n, certificate_n);
}

/* The proposals after `from`, up to the first checkpoint at or above it whose certificate this log kept and a member of `epoch` can check. */
void fetch_serve_chain(struct driver *d, uint8_t member, bft_epoch epoch, bft_seq from)
{
	struct member_state *m = &d->member[member];
	if (m->chain_ms && d->mono_ms < m->chain_ms + 20)
		return;
	m->chain_ms = d->mono_ms ? d->mono_ms : 1;
	struct bft_standing standing;
	d->protocol->standing(d->core, &standing);
	if (from > standing.low)
		return; /* nothing that I could prove */
	struct bft_chain *c = calloc(1, sizeof *c);
	uint8_t *certificate = malloc(CERTIFICATE_BYTES_MAX);
	size_t certificate_n = 0;
	bft_seq end = history_stable_from(d->history, from, d->limits.window - 1);
	if (c && certificate && end) {
		const struct history_entry *h = history_find(d->history, end);
		struct log_record record;
		struct certificate *proof = malloc(sizeof *proof);
		*c = (struct bft_chain){ .from = from, .count = (uint16_t)(end - from + 1), .end = end };
		bool read = proof && h->stable.bytes <= CERTIFICATE_BYTES_MAX &&
		            d->options.env.read(d->options.env.user, &h->stable, certificate, CERTIFICATE_BYTES_MAX, &record) == LOG_OK;
		struct rd r = rd_of(certificate, read ? h->stable.bytes : 0);
		if (read && certificate_read(&r, proof) && proof->epoch <= epoch && fill_chain(d, c)) {
			c->chain = proof->digest;
			certificate_n = h->stable.bytes;
		}
		free(proof);
	}
	if (c && certificate) {
		if (!certificate_n) {
			/* My log no longer reaches back so far. */
			*c = (struct bft_chain){ .from = from, .end = standing.low };
		}
		if (fetch_may_serve(d, member, 64u * c->count))
			send_chain(d, member, epoch, c, certificate, certificate_n);
	}
	free(certificate);
	free(c);
}
