/* What happens when an effect is released: sealing and sending, holding, and the log. Nothing is decided here. */
#include "replica/driver_state.h"

#include <stdlib.h>
#include <string.h>

void message_statement(const struct driver *d, struct statement *out, uint16_t type, bft_epoch epoch, const struct digest *digest)
{
	statement_make(out, d->protocol->message(type)->domain, &d->cluster, epoch, digest);
}

void message_body_digest(const struct driver *d, struct digest *out, uint16_t type, const void *body, const uint8_t *bytes, size_t n)
{
	if (type == BFT_MSG_VOTES)
		votes_digest_of(out, body);
	else
		message_digest(out, d->protocol->message(type)->domain, type, bytes, n);
}

static enum net_class class_of(const struct driver *d, uint16_t type)
{
	return d->protocol->message(type)->votes ? NET_VOTES : NET_STATUS;
}

static void send_to(struct driver *d, bft_mask to, uint8_t signer, const struct message *m)
{
	uint8_t head[BFT_FRAME_HEAD_BYTES];
	struct bft_envelope e = { .signer = signer, .type = m->type, .epoch = m->epoch, .signature = m->signature };
	struct wr w = wr_of(head, sizeof head);
	envelope_write(&w, &e);
	for (uint8_t i = 0; i < d->n; i++)
		if ((to & BFT_BIT(i)) && i != d->self)
			d->options.env.send(d->options.env.user, i, class_of(d, m->type), head, sizeof head, m->body, m->body_bytes);
}

/* ---- the way back through the door ---- */

static void local_put(struct driver *d, bft_ref ref)
{
	if (d->local_count == d->local_capacity) {
		size_t old = d->local_capacity;
		if (!driver_grow(&d->local, &d->local_capacity, old + 1, sizeof *d->local)) {
			driver_stop(d, "no memory for own messages");
			return;
		}
		/* The ring is unrolled into the new room. */
		memcpy(d->local + old, d->local, d->local_head * sizeof *d->local);
	}
	messages_hold(d->messages, ref, HOLD_LOCAL);
	d->local[(d->local_head + d->local_count++) % d->local_capacity] = ref;
}

bool effects_run_local(struct driver *d)
{
	bool any = d->local_count > 0;
	while (d->local_count && !d->failed) {
		bft_ref ref = d->local[d->local_head];
		d->local_head = (d->local_head + 1) % d->local_capacity;
		d->local_count--;
		admission_deliver(d, ref, d->self, BFT_AUTH_SIGNED);
		messages_release(d->messages, ref, HOLD_LOCAL);
	}
	return any;
}

void send_in_epoch(struct driver *d, uint8_t member, uint16_t type, bft_epoch epoch, const uint8_t *bytes, size_t n, size_t tail_n)
{
	struct message m = { .type = type, .epoch = epoch, .body = bytes, .body_bytes = n + tail_n, .core_bytes = n };
	struct statement statement;
	message_body_digest(d, &m.digest, type, NULL, bytes, n);
	message_statement(d, &statement, type, epoch, &m.digest);
	if (!d->protocol->message(type)->bare)
		(void)driver_sign(d, epoch, &statement, &m.signature); /* that epoch's secret may be gone: what is sent so is acted on from the channel */
	send_to(d, BFT_BIT(member), BFT_SIGNER_CHANNEL, &m);
}

/* ---- sealing ---- */

static bft_ref seal(struct driver *d, uint16_t type, const struct digest *digest, const uint8_t *body, size_t n, size_t core_n, bft_mask to)
{
	struct statement statement;
	struct message m = {
		.signer = d->self, .verified = true, .type = type, .epoch = d->epoch, .digest = *digest, .body = body, .body_bytes = n, .core_bytes = core_n
	};
	message_statement(d, &statement, type, d->epoch, digest);
	/* An observer's questions need none; a vote without one is none. */
	const struct bft_message_row *row = d->protocol->message(type);
	if (!row->bare && row->votes && d->lost)
		return 0; /* it waited for the disk while this replica learned that it does not know what it signed */
	if (!row->bare && !driver_sign(d, d->epoch, &statement, &m.signature) && row->votes)
		return 0;
	send_to(d, to, BFT_SIGNER_CHANNEL, &m);
	if (!(to & BFT_BIT(d->self)) && type != BFT_MSG_VOTES)
		return 0;
	bft_ref ref = messages_add(d->messages, &m);
	if (!ref)
		driver_stop(d, "no memory for own messages");
	return ref;
}

/* The certificates behind a message of mine, put behind the `*n` bytes of it. False: while it waited for the disk I went on to a later one: only that one counts. */
static bool add_tail(struct driver *d, uint16_t type, const struct digest *digest, size_t *n)
{
	bool stable = type == BFT_MSG_STABLE;
	const uint8_t *tail = stable ? d->stable_certificate : d->own_tail.bytes;
	size_t tail_n = stable ? d->stable_certificate_n : d->own_tail.n;
	BFT_CHECK(tail && tail_n <= d->scratch_bytes - *n);
	if (!stable && !digest_equal(&d->own_tail.digest, digest))
		return false;
	memcpy(d->scratch + *n, tail, tail_n);
	*n += tail_n;
	return true;
}

static void send_sealed(struct driver *d, const struct bft_effect *e)
{
	size_t core_n = d->protocol->encode(e->type, e->data, d->scratch, d->scratch_bytes), n = core_n;
	struct digest digest;
	BFT_CHECK(core_n > 0);
	message_body_digest(d, &digest, e->type, NULL, d->scratch, core_n);
	if (d->protocol->message(e->type)->certified && !add_tail(d, e->type, &digest, &n))
		return;
	bft_ref ref = seal(d, e->type, &digest, d->scratch, n, core_n, e->to);
	if (ref)
		local_put(d, ref);
}

/* The leaf of my PRE-PREPARE went out beside its flush; now that it is durable the same signed message comes back. */
static bool own_pre_prepare_returns(struct driver *d, const struct bft_votes *one)
{
	const struct bft_leaf *leaf = &one->leaf[0];
	const struct own_pre_prepare *own = &d->own_pre_prepare[leaf->seq % (2 * d->limits.window)];
	if (leaf->kind != BFT_LEAF_PRE_PREPARE || own->seq != leaf->seq || own->view != one->view || !own->ref)
		return false;
	local_put(d, own->ref);
	return true;
}

static void keep_pre_prepares(struct driver *d, const struct bft_votes *votes, bft_ref ref)
{
	for (uint16_t i = 0; i < votes->count; i++) {
		if (votes->leaf[i].kind != BFT_LEAF_PRE_PREPARE)
			continue;
		struct own_pre_prepare *own = &d->own_pre_prepare[votes->leaf[i].seq % (2 * d->limits.window)];
		if (own->ref)
			messages_release(d->messages, own->ref, own->seq);
		*own = (struct own_pre_prepare){ .seq = votes->leaf[i].seq, .view = votes->view, .ref = ref };
		messages_hold(d->messages, ref, own->seq);
	}
}

static void seal_group(struct driver *d, struct leaves *g)
{
	struct digest digest;
	size_t n = d->protocol->encode(BFT_MSG_VOTES, &g->votes, d->scratch, d->scratch_bytes);
	votes_digest_of(&digest, &g->votes);
	bft_ref ref = seal(d, BFT_MSG_VOTES, &digest, d->scratch, n, n, g->to);
	g->votes.count = 0;
	if (!ref)
		return;
	messages_hold(d->messages, ref, HOLD_JOB);
	keep_pre_prepares(d, &g->votes, ref);
	if (g->to & BFT_BIT(d->self))
		local_put(d, ref);
	messages_release(d->messages, ref, HOLD_JOB);
}

bool effects_seal_votes(struct driver *d)
{
	bool any = false;
	for (uint32_t i = 0; i < d->leaves_count && !d->failed; i++)
		if (d->leaves[i].votes.count) {
			any = true;
			seal_group(d, &d->leaves[i]);
		}
	d->leaves_count = 0;
	return any;
}

static void add_leaf(struct driver *d, const struct bft_effect *e)
{
	const struct bft_votes *one = e->data;
	struct leaves *g = NULL;
	if (e->to == BFT_BIT(d->self) && own_pre_prepare_returns(d, one))
		return;
	for (uint32_t i = 0; i < d->leaves_count && !g; i++)
		if (d->leaves[i].to == e->to && (d->leaves[i].votes.count == 0 || d->leaves[i].votes.view == one->view))
			g = &d->leaves[i];
	if (!g && d->leaves_count == LEAVES_GROUPS)
		effects_seal_votes(d);
	if (!g) {
		g = &d->leaves[d->leaves_count++];
		g->votes.count = 0;
	}
	if (g->votes.count == BFT_LEAVES_MAX)
		seal_group(d, g);
	g->to = e->to;
	g->votes.view = one->view;
	g->votes.leaf[g->votes.count++] = one->leaf[0];
}

static void forward(struct driver *d, const struct bft_effect *e)
{
	if (!message_verified(d, e->ref))
		return;
	send_to(d, e->to, e->from == d->self ? BFT_SIGNER_CHANNEL : e->from, messages_at(d->messages, e->ref));
}

/* ---- the log ---- */

static void append(struct driver *d, uint16_t type, bft_lsn lsn, bft_seq seq, const void *bytes, size_t n, struct log_position *at)
{
	struct iovec piece = { .iov_base = (void *)(uintptr_t)bytes, .iov_len = n };
	enum log_result r = d->options.env.append(d->options.env.user, type, epoch_flags(d), lsn, seq, &piece, 1, at);
	if (r != LOG_OK)
		driver_stop(d, "the log takes nothing more: %s", log_text(r));
}

static void persist_body(struct driver *d, const struct digest *digest, bft_seq seq, bft_lsn lsn)
{
	struct proposal_body *p = bodies_find_proposal(d->bodies, digest);
	struct log_position at;
	if (p)
		p->in_use = true;
	/* What was written for a lower sequence goes when that does: a leader may propose the same again. */
	if (digest_equal(digest, &d->null_digest) || history_body_covers(d->history, digest, seq))
		return;
	if (!p || !bodies_whole(p))
		p = body_load(d, digest);
	BFT_CHECK(p && bodies_whole(p));
	p->in_use = true;
	size_t n = bodies_encode(p, d->scratch, d->scratch_bytes);
	BFT_CHECK(n > 0);
	append(d, DRIVER_REC_BODY, 0, seq, d->scratch, n, &at);
	p->in_log = true;
	p->lsn = lsn;
	if (!d->failed && !history_put_body(d->history, digest, seq, &at))
		driver_stop(d, "no memory for the log's index");
}

void effect_persist(struct driver *d, const struct bft_effect *e)
{
	static const struct log_position none;
	struct log_position at = none;
	bft_seq seq = d->protocol->record_seq(e->rtype, e->data);
	if (!digest_is_zero(&e->digest))
		persist_body(d, &e->digest, seq, e->lsn);
	size_t n = d->protocol->record(e->rtype)->certificate ? certify_record(d, e, d->scratch, d->scratch_bytes)
	                                                      : d->protocol->record_encode(e->rtype, e->data, d->scratch, d->scratch_bytes);
	BFT_CHECK(n > 0);
	uint16_t message = d->protocol->record(e->rtype)->message;
	if (message) {
		struct digest digest;
		message_body_digest(d, &digest, message, e->data, d->scratch, n);
		n += certify_own(d, message, e->data, &digest, d->scratch + n, d->scratch_bytes - n);
	}
	if (d->failed)
		return;
	append(d, e->rtype, e->lsn, seq, d->scratch, n, &at);
	d->lsn = e->lsn;
	if (e->rtype == BFT_REC_VIEW && ((const struct bft_rec_view *)e->data)->epoch > d->epoch)
		epoch_ends(d, e->data, e->lsn);
	/* EXECUTED only saves time after a restart: it goes out with the next record that counts. */
	if (e->rtype != BFT_REC_EXECUTED)
		d->flush_wanted = true;
	else if (!d->unflushed_ms)
		d->unflushed_ms = d->mono_ms;
	struct history_entry *h = seq ? history_open(d->history, seq) : NULL;
	if (!h)
		return;
	if (!h->lsn_min)
		h->lsn_min = e->lsn;
	if (e->rtype == BFT_REC_EXECUTED)
		h->executed = at;
	if (e->rtype == BFT_REC_STABLE)
		h->stable = at;
}

/* ---- the rest ---- */

static void body_built(struct driver *d, const struct bft_effect *e)
{
	struct proposal_body *p = bodies_find_proposal(d->bodies, &e->digest);
	if (!p)
		p = bodies_add_proposal(d->bodies, &e->digest, e->data, e->data_bytes, d->self);
	if (!p) {
		driver_stop(d, "no memory for a proposal");
		return;
	}
	BFT_CHECK(bodies_whole(p)); /* the core names only requests that it holds */
	p->in_use = true;
}

static void hand_request(struct driver *d, const struct bft_effect *e)
{
	const struct bundle_body *x = bodies_find_bundle(d->bodies, &e->digest);
	if (!x)
		return;
	uint8_t head[BFT_FRAME_HEAD_BYTES];
	struct bft_envelope envelope = { .signer = BFT_SIGNER_CHANNEL, .type = BFT_WIRE_BUNDLE, .epoch = 0, .signature = x->signature };
	struct wr w = wr_of(head, sizeof head);
	envelope_write(&w, &envelope);
	for (uint8_t i = 0; i < d->n; i++)
		if ((e->to & BFT_BIT(i)) && i != d->self)
			d->options.env.send(d->options.env.user, i, NET_REQUESTS, head, sizeof head, x->bytes, x->n);
}

static void drop_request(struct driver *d, const struct bft_effect *e)
{
	struct bundle_body *x = bodies_find_bundle(d->bodies, &e->digest);
	if (!x || !x->requested)
		return;
	requests_release(d, x);
}

static void forget_body(struct driver *d, const struct digest *digest)
{
	struct proposal_body *p = bodies_find_proposal(d->bodies, digest);
	fetch_forget(d, digest);
	if (p && !digest_equal(digest, &d->null_digest))
		p->in_use = p->wanted = false;
}

static void execute_put(struct driver *d, const struct bft_effect *e)
{
	if (d->execute_count == d->execute_capacity) {
		size_t old = d->execute_capacity;
		if (!driver_grow(&d->execute, &d->execute_capacity, old + 1, sizeof *d->execute)) {
			driver_stop(d, "no memory for what is to be executed");
			return;
		}
		memcpy(d->execute + old, d->execute, d->execute_head * sizeof *d->execute);
	}
	d->execute[(d->execute_head + d->execute_count++) % d->execute_capacity] = (struct to_execute){ e->seq, e->digest };
}

static void stable(struct driver *d, bft_seq seq)
{
	messages_stable(d->messages, seq);
	for (size_t i = 0; i < (size_t)2 * d->limits.window; i++)
		if (d->own_pre_prepare[i].seq && d->own_pre_prepare[i].seq <= seq)
			d->own_pre_prepare[i] = (struct own_pre_prepare){ 0 };
}

static void blame(struct driver *d, const struct bft_effect *e)
{
	if (e->from == d->self) {
		driver_note(d, QUORATE_LEVEL_ERROR, "another replica holds a statement of this one that its log lacks: it observes from now on");
		d->incarnation = d->options.env.memory_lost(d->options.env.user);
		d->lost = true;
		return;
	}
	/* What was acted on because of the channel it came by proves nothing to others until its signature has been looked at. */
	bool proved = e->verdict == BFT_CONVICT && (!e->ref || message_verified(d, e->ref)) && (!e->other || message_verified(d, e->other));
	if (proved) {
		d->counts.convicted++;
		d->member[e->from].accused++;
		driver_note(d, QUORATE_LEVEL_ERROR, "replica %u (%s) contradicts itself (reason %u)", e->from, driver_org(d, e->from), e->reason);
		convict(d, e);
	} else if (e->verdict == BFT_REJECT) {
		admission_reject(d, e->from, "a message that no honest replica sends");
	}
}

/* Who leads, and who is not trusted to. Suspicions come and go: a line a second at most. */
static void role(struct driver *d, const struct bft_effect *e)
{
	struct bft_standing s;
	d->protocol->standing(d->core, &s);
	if (e->reason && d->mono_ms >= d->suspicion_ms + 1000) {
		d->suspicion_ms = d->mono_ms;
		driver_note(d, QUORATE_LEVEL_INFO, "view %llu: replica %u should lead no longer: %s", (unsigned long long)e->seq, e->from,
		            d->protocol->reason(e->reason));
	}
	if (!s.changing && (s.view != d->view_noted || s.epoch != d->view_noted_epoch))
		driver_note(d, QUORATE_LEVEL_INFO, "view %llu: replica %u leads", (unsigned long long)s.view, s.leader);
	d->view_noted = s.changing ? UINT64_MAX : s.view;
	d->view_noted_epoch = s.epoch;
}

void effect_happen(struct driver *d, const struct bft_effect *e)
{
	switch (e->kind) {
	case BFT_FX_PERSIST: break; /* effect_persist */
	case BFT_FX_SEND:
		if (e->type == BFT_MSG_VOTES)
			add_leaf(d, e);
		else
			send_sealed(d, e);
		break;
	case BFT_FX_FORWARD: forward(d, e); break;
	case BFT_FX_BODY: body_built(d, e); break;
	case BFT_FX_PUSH: body_push(d, &e->digest, e->to); break;
	case BFT_FX_HOLD: messages_hold(d->messages, e->ref, e->seq); break;
	case BFT_FX_RELEASE: messages_release(d->messages, e->ref, e->seq); break;
	case BFT_FX_FETCH: fetch_order(d, &e->digest, e->seq, e->to); break;
	case BFT_FX_FORGET: forget_body(d, &e->digest); break;
	case BFT_FX_REQUEST: hand_request(d, e); break;
	case BFT_FX_DROP: drop_request(d, e); break;
	case BFT_FX_EXECUTE: execute_put(d, e); break;
	case BFT_FX_STABLE: stable(d, e->seq); break;
	case BFT_FX_TRUNCATE:
		d->truncate_seq = e->seq;
		d->truncate_below = e->below;
		truncate_try(d);
		break;
	case BFT_FX_TRANSFER: transfer_begin(d); break;
	case BFT_FX_BLAME: blame(d, e); break;
	case BFT_FX_READ_AT: read_at(d, e->id, e->seq, e->reason != 0); break;
	case BFT_FX_ROLE: role(d, e); break;
	case BFT_FX_PASS_OVER: pass_over_gather(d, e->data); break;
	case BFT_FX_ACTIVATE: d->activated = true; break;
	case BFT_FX_HALT: driver_stop(d, "what it executed contradicts a certificate at %llu (reason %u)", (unsigned long long)e->seq, e->reason); break;
	}
}
