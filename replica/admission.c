/* Admission: bytes in, authentic messages out; the only place that makes one (design section 3). Cheap refusals come first: shape, type, epoch, what the core can
 * still use; then the signatures that the message's use demands; a signature that was checked once is never checked again. */
#include "replica/driver_state.h"

#include <stdlib.h>
#include <string.h>

#define REJECTS_MAX 8u
#define REJECTS_MS 10000u

/* Counts against the link, and the count decays. */
void admission_reject(struct driver *d, uint8_t member, const char *why)
{
	struct member_state *m = &d->member[member];
	d->counts.blamed++;
	m->accused++;
	if (d->mono_ms - m->rejects_ms > REJECTS_MS) {
		m->rejects = 0;
		m->rejects_ms = d->mono_ms;
	}
	if (++m->rejects == 1)
		driver_note(d, QUORATE_LEVEL_WARNING, "replica %u (%s): %s", member, driver_org(d, member), why);
	if (m->rejects < REJECTS_MAX)
		return;
	m->rejects = 0;
	driver_note(d, QUORATE_LEVEL_WARNING, "replica %u (%s) is cut off for a moment: %s", member, driver_org(d, member), why);
	d->closing |= BFT_BIT(member);
}

/* A false signature costs the link at once, and this member needs SIGNED from now on. */
void admission_false_signature(struct driver *d, uint8_t member)
{
	d->counts.bad_signatures++;
	d->member[member].accused++;
	d->member[member].distrusted = true;
	d->closing |= BFT_BIT(member);
	driver_note(d, QUORATE_LEVEL_WARNING, "replica %u (%s) sent a signature that is false", member, driver_org(d, member));
}

/* ---- the protocol's messages ---- */

struct message_job {
	struct verify_job job;    /* first: they are one */
	struct message_job *next; /* of its bucket */
	bft_ref ref;
	uint8_t member, signer; /* whose link; whose statement */
	enum bft_auth auth;
};

void admission_deliver(struct driver *d, bft_ref ref, uint8_t from, enum bft_auth auth)
{
	const struct message *m = messages_at(d->messages, ref);
	size_t used = d->protocol->decode(m->type, d->decoded, m->body, m->core_bytes);
	BFT_CHECK(used == m->core_bytes);
	struct bft_vmsg v = { .wire = ref, .from = from, .auth = auth, .type = m->type, .epoch = m->epoch, .digest = m->digest, .body = d->decoded };
	struct bft_event event = { .kind = BFT_EV_MSG, .msg = &v };
	driver_step(d, &event);
}

/* ---- what is being checked, and is there once ---- */

/* By what its sender cannot choose without signing anew; who does crowds a bucket only for itself, with MEMBER_JOBS_MAX at most. */
static struct message_job **bucket_of(struct driver *d, uint8_t member, const struct signature *signature)
{
	return &d->checking[(member + (signature->b[0] | (size_t)signature->b[1] << 8)) % CHECKING_BUCKETS];
}

/* The same bytes from the same member. What another one sends is checked for itself: each answers for what it passes on. */
static bool under_way(struct driver *d, uint8_t member, const struct bft_envelope *e, const uint8_t *body, size_t n)
{
	for (const struct message_job *j = *bucket_of(d, member, &e->signature); j; j = j->next) {
		const struct message *m = messages_at(d->messages, j->ref);
		if (j->member == member && m->type == e->type && m->epoch == e->epoch && m->body_bytes == n &&
		    memcmp(&m->signature, &e->signature, sizeof e->signature) == 0 && memcmp(m->body, body, n) == 0)
			return true;
	}
	return false;
}

static void job_enters(struct driver *d, struct message_job *j)
{
	struct message_job **head = bucket_of(d, j->member, &messages_at(d->messages, j->ref)->signature);
	j->next = *head;
	*head = j;
	messages_hold(d->messages, j->ref, HOLD_JOB);
	d->member[j->member].jobs++;
}

static void job_ends(struct driver *d, struct message_job *j)
{
	struct message_job **at = bucket_of(d, j->member, &messages_at(d->messages, j->ref)->signature);
	while (*at != j)
		at = &(*at)->next;
	*at = j->next;
	d->member[j->member].jobs--;
}

static void message_end(struct driver *d, struct message_job *j, bool good)
{
	job_ends(d, j);
	if (good && !d->failed) {
		if (j->auth == BFT_AUTH_SIGNED)
			messages_set_verified(d->messages, j->ref);
		admission_deliver(d, j->ref, j->signer, j->auth);
	}
	messages_release(d->messages, j->ref, HOLD_JOB);
	free(j->job.items);
	free(j);
}

static void message_done(void *owner, struct verify_job *job, bool good)
{
	struct driver *d = owner;
	struct message_job *j = (struct message_job *)job;
	if (!good && !d->failed)
		admission_false_signature(d, j->member);
	message_end(d, j, good);
}

static const char *message_job(struct driver *d, struct message_job *j, const struct bft_envelope *e, const uint8_t *body, size_t n, size_t core_n)
{
	struct message m = {
		.signer = j->signer, .type = e->type, .epoch = e->epoch, .signature = e->signature, .body = body, .body_bytes = n, .core_bytes = core_n
	};
	const char *why = certify_tail(d, e->type, d->decoded, body + core_n, n - core_n, &j->job);
	if (why)
		return why;
	message_body_digest(d, &m.digest, e->type, d->decoded, body, core_n);
	bool trusted = d->protocol->message(e->type)->bare || !d->member[j->member].distrusted;
	bool lazily = e->signer == BFT_SIGNER_CHANNEL && trusted && d->protocol->needs(e->type, d->decoded) == BFT_AUTH_CHANNEL;
	j->auth = lazily ? BFT_AUTH_CHANNEL : BFT_AUTH_SIGNED;
	if (!lazily) {
		struct statement s;
		message_statement(d, &s, e->type, e->epoch, &m.digest);
		verify_pool_want(d->pool, &j->job, driver_key(d, j->signer, e->epoch), &s, &e->signature);
	}
	j->ref = messages_add(d->messages, &m);
	return NULL;
}

/* Whoever is linked under that number had it in `epoch` too: the channel's word is not taken for another's. */
static bool same_holder(const struct driver *d, uint8_t member, bft_epoch epoch)
{
	const struct epoch_keys *k = &d->chain->keys;
	return epoch > k->epoch || epoch_card(k, member, epoch) == epoch_card_last(k, member);
}

void admission_message(struct driver *d, uint8_t member, const struct bft_envelope *e, const uint8_t *body, size_t n)
{
	uint8_t signer = e->signer == BFT_SIGNER_CHANNEL ? member : e->signer;
	bool forwarded = e->signer != BFT_SIGNER_CHANNEL;
	const struct bft_message_row *row = d->protocol->message(e->type);
	bool mine = epoch_same(d, member, e->type, e->epoch);
	if (!row->known || signer >= BFT_MEMBERS_MAX || (forwarded && !row->forwarded)) {
		/* Another epoch may be of the other mode, with messages of its own. */
		if (mine || signer >= BFT_MEMBERS_MAX)
			admission_reject(d, member, "an unknown kind of message");
		return;
	}
	if ((!mine && (e->type != BFT_MSG_FETCH_CHAIN || e->epoch == 0 || e->epoch > d->epoch)) || d->member[member].jobs >= MEMBER_JOBS_MAX)
		return;
	struct bft_roster roster = driver_roster(d, e->epoch);
	if (roster_has(&roster, member) && !roster_has(&roster, signer)) {
		admission_reject(d, member, "a message of somebody who is no member");
		return;
	}
	if (!driver_key(d, signer, e->epoch) || !same_holder(d, member, e->epoch))
		return; /* an epoch that the log knows, and neither the state nor the chain: the others are asked for that */
	if (under_way(d, member, e, body, n)) {
		d->counts.repeated++;
		return;
	}
	size_t core_n = d->protocol->decode(e->type, d->decoded, body, n);
	if (!core_n) {
		admission_reject(d, member, "a malformed message");
		return;
	}
	if (e->type == BFT_MSG_FETCH_CHAIN) {
		if (core_n == n)
			fetch_serve_chain(d, member, e->epoch, ((const struct bft_fetch_chain *)d->decoded)->from);
		return;
	}
	enum bft_verdict verdict = signer == d->self ? BFT_ACCEPT : d->protocol->screen(d->core, signer, e->type, d->decoded);
	if (verdict != BFT_ACCEPT) {
		if (verdict == BFT_REJECT)
			admission_reject(d, member, "a message that no honest replica sends");
		return;
	}
	struct message_job *j = calloc(1, sizeof *j);
	if (!j)
		return; /* as if lost on the way: STATUS has it sent again */
	*j = (struct message_job){ .job.done = message_done, .member = member, .signer = signer };
	const char *why = message_job(d, j, e, body, n, core_n);
	if (why || !j->ref) {
		if (why)
			admission_reject(d, member, why);
		free(j->job.items);
		free(j);
		return;
	}
	job_enters(d, j);
	if (j->job.count)
		verify_pool_submit(d->pool, &j->job, true);
	else
		message_end(d, j, true);
}

/* Before it is passed on. A COMMIT that was acted on at CHANNEL may turn out false only now. */
bool message_verified(struct driver *d, bft_ref ref)
{
	const struct message *m = messages_at(d->messages, ref);
	struct statement s;
	if (m->verified)
		return true;
	message_statement(d, &s, m->type, m->epoch, &m->digest);
	if (!verify_pool_now(d->pool, driver_key(d, m->signer, m->epoch), &s, &m->signature)) {
		admission_false_signature(d, m->signer);
		return false;
	}
	messages_set_verified(d->messages, ref);
	return true;
}

/* ---- proposals with their bundles ---- */

struct proposal_job {
	struct verify_job job;
	uint8_t member;
	struct digest digest; /* of the proposal */
	uint16_t fresh_count; /* bundles that are new here */
	struct fresh {
		struct digest digest;
		struct signature signature;
		const uint8_t *bytes; /* into `copy` */
		uint32_t n;
	} * fresh;
	uint8_t *copy;
};

static void proposal_end(struct driver *d, struct proposal_job *j, bool good)
{
	struct proposal_body *p = bodies_find_proposal(d->bodies, &j->digest);
	d->member[j->member].jobs--;
	if (p)
		p->pins--;
	for (uint16_t i = 0; good && p && i < j->fresh_count; i++) {
		struct fresh *f = &j->fresh[i];
		struct bundle_body *x = bodies_add_bundle(d->bodies, &f->digest, &f->signature, f->bytes, f->n);
		if (!x)
			break;
		bodies_fill(d->bodies, p, x);
		bodies_unref(d->bodies, x);
	}
	if (p && !d->failed && bodies_whole(p))
		fetch_arrived(d, p);
	free(j->job.items);
	free(j->fresh);
	free(j->copy);
	free(j);
}

static void proposal_done(void *owner, struct verify_job *job, bool good)
{
	struct driver *d = owner;
	struct proposal_job *j = (struct proposal_job *)job;
	if (!good && !d->failed)
		admission_false_signature(d, j->member);
	proposal_end(d, j, good);
}

/* The bundle's place in the proposal is its digest; what does not match it, nobody honest sends. */
static const char *take_fresh(struct driver *d, struct proposal_body *p, struct proposal_job *j, uint16_t i, struct rd *r)
{
	struct fresh *f = &j->fresh[j->fresh_count];
	struct bundle b;
	struct statement s;
	bool read = rd_u32(r, &f->n) && rd_bytes(r, f->signature.b, SIGNATURE_BYTES);
	f->bytes = read ? rd_take(r, f->n) : NULL;
	BFT_CHECK(f->bytes); /* bundles_well_formed() */
	if (p->bundles[i])
		return NULL;
	bundle_digest(&f->digest, f->bytes, f->n);
	if (memcmp(f->digest.b, p->head.digests + (size_t)i * DIGEST_BYTES, DIGEST_BYTES) != 0)
		return "a bundle that the proposal does not name";
	if (bundle_decode(&b, f->bytes, f->n)) {
		p->invalid = true; /* the bytes are what the leader named, and no replica may prepare them */
		return NULL;
	}
	j->fresh_count++;
	if ((!driver_signs_requests(d) || fetch_is_older(d, &p->digest)) && signature_is_none(&f->signature))
		return NULL; /* who sends it vouches for it, or it was decided where that was enough */
	bundle_statement(&s, &d->cluster, &f->digest);
	verify_pool_want(d->pool, &j->job, &b.key, &s, &f->signature);
	return NULL;
}

static bool bundles_well_formed(struct rd r, uint16_t count)
{
	for (uint16_t i = 0; i < count; i++) {
		uint32_t n;
		if (!rd_u32(&r, &n) || !rd_take(&r, SIGNATURE_BYTES) || !rd_take(&r, n))
			return false;
	}
	return rd_done(&r);
}

/* Requires: bundles_well_formed. */
static bool names_unsigned(struct rd r, uint16_t count)
{
	for (uint16_t i = 0; i < count; i++) {
		struct signature signature;
		uint32_t n = 0;
		if (!rd_u32(&r, &n) || !rd_bytes(&r, signature.b, SIGNATURE_BYTES) || !rd_take(&r, n) || signature_is_none(&signature))
			return true;
	}
	return false;
}

/* Where requests are signed. What was asked for in an epoch before, of the other mode, may still be on its way: only what is wanted now must be signed; and not
 * what was decided in one, which whoever has lost its state asks for in this (trusted seed 7473). */
static bool unsigned_body(struct driver *d, uint8_t member, const struct proposal_body *p, struct rd bundles)
{
	if (!driver_signs_requests(d) || !names_unsigned(bundles, p->head.count) || fetch_is_older(d, &p->digest))
		return false;
	if (p->wanted)
		admission_reject(d, member, "a proposal with a request that is not signed");
	return true;
}

static struct proposal_body *proposal_place(struct driver *d, uint8_t member, const struct digest *digest, const uint8_t *body, size_t used, size_t n)
{
	struct proposal_body *p = bodies_find_proposal(d->bodies, digest);
	if (p)
		return p;
	/* Unasked: within a budget, which the leader's own proposals in flight stay below. */
	bodies_trim(d->bodies, member, 2 * d->limits.window);
	/* What the order waits for always has room, bounded by the window: or whoever fills the pool stops the cluster. */
	if (!bodies_room(d->bodies, n) && !fetch_wanted(d, digest))
		return NULL;
	return bodies_add_proposal(d->bodies, digest, body, used, member);
}

void admission_proposal(struct driver *d, uint8_t member, const uint8_t *body, size_t n)
{
	struct bft_proposal head;
	struct digest digest;
	size_t used = proposal_decode(&head, body, n, d->limits.proposal_bundles_max);
	if (!used || !bundles_well_formed(rd_of(body + used, n - used), head.count)) {
		admission_reject(d, member, "a malformed proposal");
		return;
	}
	proposal_digest(&digest, &d->cluster, body, used);
	struct proposal_body *p = proposal_place(d, member, &digest, body, used, n);
	if (!p || p->invalid || p->pins || d->member[member].jobs >= MEMBER_JOBS_MAX)
		return;
	if (bodies_whole(p)) {
		fetch_arrived(d, p);
		return;
	}
	if (unsigned_body(d, member, p, rd_of(body + used, n - used)))
		return;
	struct proposal_job *j = calloc(1, sizeof *j);
	uint8_t *copy = malloc(n - used ? n - used : 1);
	if (j) {
		*j = (struct proposal_job){ .job.done = proposal_done, .member = member, .digest = digest, .copy = copy };
		j->fresh = calloc(head.count ? head.count : 1, sizeof *j->fresh);
		j->job.items = calloc(head.count ? head.count : 1, sizeof *j->job.items);
	}
	if (!j || !copy || !j->fresh || !j->job.items) {
		if (j) {
			free(j->fresh);
			free(j->job.items);
		}
		free(copy);
		free(j);
		return;
	}
	memcpy(copy, body + used, n - used);
	struct rd r = rd_of(copy, n - used);
	const char *why = NULL;
	for (uint16_t i = 0; !why && i < head.count; i++)
		why = take_fresh(d, p, j, i, &r);
	p->pins++;
	d->member[member].jobs++;
	if (why) {
		admission_reject(d, member, why);
		proposal_end(d, j, false);
	} else if (p->invalid) {
		proposal_end(d, j, false);
		fetch_arrived(d, p);
	} else if (j->job.count) {
		verify_pool_submit(d->pool, &j->job, p->wanted);
	} else {
		proposal_end(d, j, true);
	}
}
