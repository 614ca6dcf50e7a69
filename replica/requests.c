/* Requests of clients: from bytes to what the core holds. Each waits for its signature's check in turn by client (replica/fair.h), and no more are checked than
 * the order has use for: so one client's flood is that client's queue. */
#include "replica/driver_state.h"

#include <stdlib.h>
#include <string.h>

#define NEAR_GROWS_PART 64u /* how fast the least round trip is forgotten: a part in so many, five times a second */

struct bundle_job {
	struct verify_job job;
	struct verify_item item;
	struct bundle_job *next; /* of its bucket */
	struct fair_item place;  /* while it waits for its turn */
	int member;              /* -1: from a client */
	bft_seq looked;          /* what was executed when it was last looked for in the state */
	bool shown;              /* BFT_SIGNER_SHOWN */
	enum share share;
	struct public_key key;
	driver_link link;
	struct digest digest;
	struct signature signature;
	size_t n;
	uint8_t bytes[];
};

void requests_release(struct driver *d, struct bundle_body *x)
{
	shares_move(d->shares, &x->head.key, &x->share, SHARE_NONE);
	bodies_set_requested(d->bodies, x, false);
	bodies_unref(d->bodies, x);
}

static void take_request(struct driver *d, const struct digest *digest, const struct signature *signature, const uint8_t *bytes, size_t n, driver_link link,
                         bool shown)
{
	struct bundle_body *x = bodies_add_bundle(d->bodies, digest, signature, bytes, n);
	if (!x)
		return;
	/* The first bundle of a number is the one that is held. */
	if (x->requested || bodies_find_request(d->bodies, &x->id)) {
		bodies_unref(d->bodies, x);
		return;
	}
	bodies_set_requested(d->bodies, x, true); /* takes over the reference: requests_release() */
	shares_move(d->shares, &x->head.key, &x->share, SHARE_UNDER_WAY);
	if (d->fresh_count == REQUESTS_FRESH_MAX)
		requests_tell(d);
	d->fresh[d->fresh_count++] = (struct fresh_request){ *digest, link, shown, execution_seq(d->execution) };
}

void requests_own(struct driver *d, const struct digest *digest, const struct signature *signature, const uint8_t *bytes, size_t n)
{
	const struct bundle_body *known = bodies_find_bundle(d->bodies, digest);
	if (!d->low_space && !(known && known->requested))
		take_request(d, digest, signature, bytes, n, 0, false);
}

static struct bundle_job *job_at(struct fair_item *place)
{
	return (struct bundle_job *)((uint8_t *)place - offsetof(struct bundle_job, place));
}

/* ---- what waits, and is there once ---- */

static size_t bucket_of(const struct digest *digest)
{
	return (digest->b[0] | (size_t)digest->b[1] << 8) % REQUESTS_BUCKETS;
}

/* The same bytes in the same queue. Under another signature it is another: one of them may be false, and that is not known yet. */
static bool waits(const struct driver *d, const struct digest *digest, const struct signature *signature, bool forwarded)
{
	const struct bundle_job *j = d->requests_waiting[bucket_of(digest)];
	while (j && !(digest_equal(&j->digest, digest) && (j->member >= 0) == forwarded && memcmp(&j->signature, signature, sizeof *signature) == 0))
		j = j->next;
	return j != NULL;
}

static void job_enters(struct driver *d, struct bundle_job *j)
{
	struct bundle_job **head = &d->requests_waiting[bucket_of(&j->digest)];
	j->next = *head;
	*head = j;
	shares_move(d->shares, &j->key, &j->share, SHARE_WAITS);
	if (j->member >= 0)
		d->member[j->member].jobs++;
}

static void job_ends(struct driver *d, struct bundle_job *j)
{
	struct bundle_job **at = &d->requests_waiting[bucket_of(&j->digest)];
	while (*at != j)
		at = &(*at)->next;
	*at = j->next;
	shares_move(d->shares, &j->key, &j->share, SHARE_NONE);
	if (j->member >= 0)
		d->member[j->member].jobs--;
	free(j);
}

/* It waited, and is not worth checking any more. */
static void forgotten(void *arg, struct fair_item *place)
{
	job_ends(arg, job_at(place));
}

/* Each costs a signature, and whoever repeats everything for ever could have as many as it sends frames. */
static bool may_tell_again(struct driver *d, const struct public_key *client)
{
	return allowance_spend(&d->late, client, d->mono_ms, LATE_ANSWERS_MAX);
}

/* A client's request as it came: what is known of it before its signature was looked at. */
struct asked {
	const struct bundle *b;
	const struct digest *digest;
	const struct signature *signature;
	int member; /* that passed it on; -1: its client's own link */
	driver_link link;
};

/* What the executed state says of it already. True: it is answered. */
static bool answered(struct driver *d, const struct asked *x)
{
	const struct bundle *b = x->b;
	bool signs = answer_signs(d, x->signature);
	struct session_answer a;
	if (!execution_lookup(d->execution, b, &a)) {
		driver_stop(d, "%s", execution_trouble(d->execution));
		return true;
	}
	if (a.judgement == SESSION_REPEATED) {
		if (x->member < 0 && may_tell_again(d, &b->key))
			answer_late(d, x->link, signs, a.seq, &a.bundle, a.result, a.result_bytes);
		return true;
	}
	/* What is too old stays too old, on every replica that is as far: no place is needed for saying so. Another replica's client may still wait for it to be
	 * ordered, so a forwarded one is. */
	if (x->member < 0 && a.judgement == SESSION_REFUSED && a.status == RESULT_TOO_OLD) {
		uint8_t bytes[RESULT_HEAD_BYTES];
		struct result r = { .session = b->session, .number = b->number, .status = RESULT_TOO_OLD };
		if (may_tell_again(d, &b->key))
			answer_late(d, x->link, signs, 0, x->digest, bytes, result_encode(&r, bytes, sizeof bytes));
		return true;
	}
	return false;
}

/* In an epoch that asks for signatures. A member that passes such a one on may be honest, and in another epoch, before this one or after it: it is dropped, at no cost. */
static bool refused_unsigned(struct driver *d, const struct asked *x)
{
	if (!driver_signs_requests(d) || !signature_is_none(x->signature))
		return false;
	d->counts.refused++;
	if (x->member < 0)
		answer_refuse(d, x->link, x->b->session, x->b->number, REFUSAL_UNSIGNED);
	return true;
}

static bool held(const struct driver *d, const struct digest *digest)
{
	const struct bundle_body *known = bodies_find_bundle(d->bodies, digest);
	return known && known->requested;
}

/* Held already, or executed: also by now, since it waited. Taken once more, it would be waited for until its leader loses its office. */
static bool settled(struct driver *d, const struct asked *x)
{
	return held(d, x->digest) || answered(d, x);
}

/* Still a request that the core should hear of: a state that was fetched meanwhile may have it executed. */
static bool is_fresh(struct driver *d, const struct fresh_request *f)
{
	struct bundle_body *x = bodies_find_bundle(d->bodies, &f->digest);
	if (!x || !x->requested)
		return false;
	struct asked a = { &x->head, &x->digest, &x->signature, f->link ? -1 : d->self, f->link };
	if (execution_seq(d->execution) == f->looked || !answered(d, &a))
		return true;
	requests_release(d, x);
	return false;
}

static void tell(struct driver *d, const struct fresh_request *f, bool more)
{
	const struct bundle_body *x = bodies_find_bundle(d->bodies, &f->digest);
	struct bft_event event = { .kind = BFT_EV_REQUEST, .digest = f->digest, .bytes = (uint32_t)x->n, .id = x->id, .ok = more, .shown = f->shown };
	uint64_t session = x->head.session, number = x->head.number;
	driver_step(d, &event);
	x = bodies_find_bundle(d->bodies, &f->digest);
	if (f->link && (!x || !x->requested))
		answer_refuse(d, f->link, session, number, REFUSAL_BUSY);
}

bool requests_tell(struct driver *d)
{
	uint32_t count = 0;
	for (uint32_t i = 0; i < d->fresh_count; i++)
		if (is_fresh(d, &d->fresh[i]))
			d->fresh[count++] = d->fresh[i];
	d->fresh_count = 0;
	for (uint32_t i = 0; i < count && !d->failed; i++)
		tell(d, &d->fresh[i], i + 1 < count);
	return count > 0;
}

static bool settled_since(struct driver *d, struct bundle_job *j)
{
	struct bundle b;
	struct asked x = { &b, &j->digest, &j->signature, j->member, j->link };
	if (execution_seq(d->execution) == j->looked)
		return held(d, &j->digest);
	j->looked = execution_seq(d->execution);
	return bundle_decode(&b, j->bytes, j->n) != NULL || settled(d, &x);
}

static void bundle_done(void *owner, struct verify_job *job, bool good)
{
	struct driver *d = owner;
	struct bundle_job *j = (struct bundle_job *)job;
	d->requests_checked--;
	if (d->failed) {
		job_ends(d, j);
		return;
	}
	if (good) {
		shares_move(d->shares, &j->key, &j->share, SHARE_NONE); /* from here on it is counted by its body */
		if (!settled_since(d, j))
			take_request(d, &j->digest, &j->signature, j->bytes, j->n, j->link, j->shown);
	} else if (j->member >= 0) {
		admission_false_signature(d, (uint8_t)j->member);
	} else {
		d->counts.bad_signatures++;
		fair_forget(d->fair, &j->key, forgotten, d); /* it is the link's own key: nobody else can be meant */
		d->options.env.close_client(d->options.env.user, j->link, "a request's signature is wrong");
	}
	job_ends(d, j);
}

/* It had a place until somebody came who had less. */
static void pushed_out(void *arg, struct fair_item *place)
{
	struct driver *d = arg;
	struct bundle_job *j = job_at(place);
	struct bundle b;
	d->counts.refused++;
	if (j->member < 0 && !bundle_decode(&b, j->bytes, j->n))
		answer_refuse(d, j->link, b.session, b.number, REFUSAL_BUSY);
	forgotten(d, place);
}

/* What waits for its turn when the driver ends. */
void requests_drop(struct fair_item *place)
{
	free(job_at(place));
}

static bool refused_unsigned_since(struct driver *d, const struct bundle_job *j)
{
	struct bundle b;
	struct asked x = { &b, &j->digest, &j->signature, j->member, j->link };
	return bundle_decode(&b, j->bytes, j->n) == NULL && refused_unsigned(d, &x);
}

/* None is there, and none is asked for: the link it came by is its client's, or the word of a member. */
static bool unsigned_is_fine(const struct driver *d, const struct signature *signature)
{
	return !driver_signs_requests(d) && signature_is_none(signature);
}

static void check(struct driver *d, struct bundle_job *j)
{
	struct statement s;
	if (refused_unsigned_since(d, j) || settled_since(d, j)) {
		forgotten(d, &j->place);
		return;
	}
	if (!unsigned_is_fine(d, &j->signature)) {
		bundle_statement(&s, &d->cluster, &j->digest);
		verify_pool_want(d->pool, &j->job, &j->key, &s, &j->signature);
	}
	d->requests_checked++;
	shares_move(d->shares, &j->key, &j->share, SHARE_UNDER_WAY);
	if (j->job.count)
		verify_pool_submit(d->pool, &j->job, false);
	else
		bundle_done(d, &j->job, true);
}

static bool give_back(void *arg, struct bundle_body *x)
{
	struct driver *d = arg;
	driver_link link = route_find(d, &x->head);
	if (!signature_is_none(&x->signature))
		return true;
	d->counts.refused++;
	if (link)
		answer_refuse(d, link, x->head.session, x->head.number, REFUSAL_UNSIGNED);
	requests_release(d, x);
	return true;
}

/* What nobody needs any more goes too: else an unsigned bundle from before would be taken for one that was checked. */
void requests_give_back(struct driver *d)
{
	if (!driver_signs_requests(d))
		return;
	bodies_each_request(d->bodies, give_back, d);
	bodies_drop_idle(d->bodies);
}

/* What is ordered in four round trips of `us`. */
static uint32_t in_four_turns(uint64_t executed, uint64_t us, uint64_t ms)
{
	uint64_t n = ms ? executed * 4 * us / (ms * 1000) : 0;
	return n < REQUESTS_HELD_MIN ? REQUESTS_HELD_MIN : n > UINT32_MAX ? UINT32_MAX : (uint32_t)n;
}

/* Where I lead. A backup hears little of the others, and would take all that they leave there for room; what it holds of one that wants far more, it waits for. */
static uint32_t room_for_more(const struct driver *d, uint64_t executed, uint64_t ms)
{
	struct bft_standing s;
	d->protocol->standing(d->core, &s);
	return !s.changing && s.leader == d->self ? in_four_turns(executed, d->near_us, ms) : 0;
}

/* How many the core may hold: what the cluster orders in four round trips and flushes. More would only make everybody wait behind whoever sent most; fewer, and
 * distant replicas would idle. It grows with what is executed, so it finds its size by itself. For those who want far more than the others it is by the least round trip: their own crowd makes
 * the others long. */
void requests_pace(struct driver *d, uint64_t ms)
{
	uint64_t executed = d->counts.executed_bundles - d->executed_before;
	d->executed_before = d->counts.executed_bundles;
	uint64_t far_us = d->near_us + d->near_us / NEAR_GROWS_PART + 1;
	d->near_us = d->near_us && d->rtt_us > far_us ? (uint32_t)far_us : d->rtt_us;
	shares_judge(d->shares, room_for_more(d, executed, ms));
	uint32_t held = in_four_turns(executed, (uint64_t)d->rtt_us + FLUSH_US, ms);
	d->requests_held = held > d->limits.requests_max ? d->limits.requests_max : held;
}

/* The pool's other half is for proposals. */
static bool may_check(const struct driver *d)
{
	uint32_t most = d->requests_held < d->limits.requests_max ? d->requests_held : d->limits.requests_max;
	return !d->failed && d->requests_checked < REQUESTS_CHECKED_MAX && bodies_requested(d->bodies) + d->requests_checked < most &&
	       bodies_room(d->bodies, d->options.memory_bytes / 2);
}

/* What members forward stands in a queue beside the client's own: or it could fill that, and have a leader deposed over what it gave to the others. */
static struct public_key queue_of(const struct public_key *client, int member)
{
	struct public_key queue = *client;
	queue.b[sizeof queue.b - 1] ^= member >= 0 ? 0x80 : 0;
	return queue;
}

/* Of a client that is held to a share, what members forward goes before: by that they judge the leader. */
static bool may_have_more(const void *arg, const struct fair_item *next)
{
	const struct driver *d = arg;
	const struct bundle_job *j = (const struct bundle_job *)((const uint8_t *)next - offsetof(struct bundle_job, place));
	if (!shares_allow(d->shares, &j->key))
		return false;
	struct public_key forwarded = queue_of(&j->key, 0);
	return j->member >= 0 || !shares_held(d->shares, &j->key) || !fair_waits(d->fair, &forwarded);
}

bool requests_feed(struct driver *d)
{
	bool any = false;
	struct fair_item *place;
	while (may_check(d) && (place = fair_take(d->fair, may_have_more, d))) {
		check(d, job_at(place));
		any = true;
	}
	return any;
}

static void queue_bundle(struct driver *d, int member, driver_link link, const struct bft_envelope *e, const struct bundle *b, const struct digest *digest,
                         const uint8_t *body, size_t n)
{
	struct bundle_job *j = malloc(sizeof *j + n);
	if (!j)
		return;
	*j = (struct bundle_job){ .job = { .done = bundle_done, .items = &j->item },
		                  .member = member,
		                  .looked = execution_seq(d->execution),
		                  .link = link,
		                  .shown = e->signer == BFT_SIGNER_SHOWN,
		                  .key = b->key,
		                  .digest = *digest,
		                  .signature = e->signature,
		                  .n = n };
	memcpy(j->bytes, body, n);
	struct public_key queue = queue_of(&b->key, member);
	if (!fair_put(d->fair, &queue, &j->place, n, pushed_out, d)) {
		d->counts.refused++;
		if (link)
			answer_refuse(d, link, b->session, b->number, REFUSAL_BUSY);
		free(j);
		return;
	}
	job_enters(d, j);
	requests_feed(d);
}

/* Ordered work, and a place in the state, for nothing but a name: so many for each client, by each way. A member passes on what its own clients' allowance lets
 * through, in two of its spans at most for one of mine; refused here, what it holds would be waited for until the leader loses its office. */
static bool opens_too_much(struct driver *d, const struct bundle *b, int member)
{
	struct public_key way = b->key;
	if (b->kind != BUNDLE_OPEN)
		return false;
	way.b[sizeof way.b - 1] ^= (uint8_t)(member + 1);
	return !allowance_spend(&d->openings, &way, d->mono_ms * 1000 / OPENINGS_MS, member < 0 ? OPENINGS_MAX : 2 * OPENINGS_MAX);
}

static bool refused_here(struct driver *d, const struct bundle *b, int member, driver_link link, size_t n)
{
	struct bft_standing standing;
	d->protocol->standing(d->core, &standing);
	enum refusal why = 0;
	if (n > d->limits.proposal_bytes_max)
		why = REFUSAL_LARGE; /* held, it would wait for ever and cost every leader its office */
	else if (standing.observer)
		why = REFUSAL_OBSERVER;
	else if (d->low_space)
		why = REFUSAL_SPACE;
	else if (opens_too_much(d, b, member))
		why = REFUSAL_BUSY;
	if (why) {
		d->counts.refused++;
		if (link)
			answer_refuse(d, link, b->session, b->number, why);
	}
	return why != 0;
}

void requests_bundle(struct driver *d, int member, driver_link link, const struct public_key *link_key, const struct bft_envelope *e, const uint8_t *body,
                     size_t n)
{
	struct bundle b;
	struct digest digest;
	bool own = e->signer == BFT_SIGNER_CHANNEL || (e->signer == BFT_SIGNER_SHOWN && member < 0);
	const char *malformed = e->epoch != 0 || !own ? "not a client's envelope" : bundle_decode(&b, body, n);
	if (!malformed && member < 0 && !public_key_equal(&b.key, link_key))
		malformed = "a request under another key than the link's";
	if (malformed) {
		if (member >= 0)
			admission_reject(d, (uint8_t)member, malformed);
		else
			d->options.env.close_client(d->options.env.user, link, malformed);
		return;
	}
	bundle_digest(&digest, body, n);
	if (member < 0)
		route_learn(d, &b, link);
	struct asked x = { &b, &digest, &e->signature, member, link };
	if (waits(d, &digest, &e->signature, member >= 0) || refused_unsigned(d, &x) || settled(d, &x) || refused_here(d, &b, member, link, n))
		return;
	/* Nothing to check, and nobody waits before it. */
	if (unsigned_is_fine(d, &e->signature) && fair_count(d->fair) == 0 && may_check(d) && shares_allow(d->shares, &b.key)) {
		take_request(d, &digest, &e->signature, body, n, link, e->signer == BFT_SIGNER_SHOWN);
		return;
	}
	if (member >= 0 && d->member[member].jobs >= MEMBER_JOBS_MAX)
		return;
	queue_bundle(d, member, link, e, &b, &digest, body, n);
}
