/* What honest replicas sign must never satisfy an evidence predicate (design section 10), over all their lives: what one of them says twice is kept here and
 * compared. */
#include "bft/envelope.h"
#include "bft/reply.h"
#include "replica/driver_state.h"
#include "tests/sim/sim.h"

enum said {
	SAID_PRE_PREPARE = BFT_LEAF_PRE_PREPARE, /* E1 */
	SAID_PREPARE = BFT_LEAF_PREPARE,         /* E2 */
	SAID_COMMIT = BFT_LEAF_COMMIT,           /* E2 */
	SAID_CHECKPOINT,                         /* E4 */
	SAID_SNAPSHOT,                           /* E4 */
	SAID_VIEW_CHANGE,                        /* E8 */
	SAID_NEW_VIEW,                           /* E8 */
	SAID_RESULT,                             /* E5 */
	SAID_COMMITTED,                          /* E3: the highest view of a COMMIT for a sequence; of nobody's place: whether there was one in a view */
};
static const char *const names[] = { "", "PRE-PREPARE", "PREPARE", "COMMIT", "CHECKPOINT", "SNAPSHOT", "VIEW-CHANGE", "NEW-VIEW", "result", "" };

static struct statement_seen *place_of(struct statement_seen *table, uint32_t capacity, const struct statement_seen *key)
{
	uint64_t h = ((uint64_t)key->epoch << 16 | (uint64_t)key->node << 8 | key->what) * 0x9E3779B97F4A7C15u;
	h = (h ^ key->a) * 0xBF58476D1CE4E5B9u;
	h = (h ^ (h >> 31) ^ key->b) * 0x94D049BB133111EBu;
	uint32_t i = (uint32_t)(h >> 32) & (capacity - 1);
	while (table[i].what &&
	       (table[i].node != key->node || table[i].what != key->what || table[i].epoch != key->epoch || table[i].a != key->a || table[i].b != key->b))
		i = (i + 1) & (capacity - 1);
	return &table[i];
}

static void grow(struct sim *s)
{
	uint32_t capacity = s->statements_capacity ? s->statements_capacity * 2 : 8192;
	struct statement_seen *table = calloc(capacity, sizeof *table);
	if (!table)
		abort();
	for (uint32_t i = 0; i < s->statements_capacity; i++)
		if (s->statements[i].what)
			*place_of(table, capacity, &s->statements[i]) = s->statements[i];
	free(s->statements);
	s->statements = table;
	s->statements_capacity = capacity;
}

static struct statement_seen *seen(struct sim *s, uint8_t node, bft_epoch epoch, enum said what, uint64_t a, uint64_t b)
{
	struct statement_seen key = { .node = node, .epoch = epoch, .what = (uint8_t)what, .a = a, .b = b };
	if (s->statements_count * 2 >= s->statements_capacity)
		grow(s);
	struct statement_seen *place = place_of(s->statements, s->statements_capacity, &key);
	if (!place->what) {
		*place = key;
		s->statements_count++;
	}
	return place;
}

/* What the others hold may reach it only after it has signed something: RECALL is a question, and answers take time. */
static bool forgot(struct node *d, bft_epoch epoch, bool vote)
{
	d->contradicts |= d->rolled_back;
	if (d->rolled_back && vote)
		d->must_notice = epoch;
	return d->rolled_back;
}

static void say(struct sim *s, uint8_t node, bft_epoch epoch, enum said what, uint64_t a, uint64_t b, const struct digest *digest)
{
	struct statement_seen *place = seen(s, node, epoch, what, a, b);
	if (digest_is_zero(&place->digest)) {
		place->digest = *digest;
		/* What it signed long ago, and the others have shown it, it may pass on. */
		if (s->node[node].incarnation && what != SAID_RESULT)
			sim_fail(s, "amnesia: node %u has lost its memory, knows it, and signs a %s for (%llu, %llu)", node, names[what], (unsigned long long)a,
			         (unsigned long long)b);
	} else if (!digest_equal(&place->digest, digest) && forgot(&s->node[node], epoch, what == SAID_PREPARE || what == SAID_COMMIT)) {
		return;
	} else if (!digest_equal(&place->digest, digest)) {
		sim_fail(s, "evidence: node %u signs two %ss for (%llu, %llu)", node, names[what], (unsigned long long)a, (unsigned long long)b);
	}
}

/* What is below somebody's stable checkpoint is decided for good: nobody need keep its votes, and so nobody need tell it of them (seed 13199). */
static bool settled_elsewhere(const struct sim *s, uint8_t node, bft_epoch epoch, bft_seq seq)
{
	for (uint32_t i = 0; i < s->n; i++)
		if (i != node && s->node[i].seen.epoch == epoch && s->node[i].seen.stable >= seq)
			return true;
	return false;
}

/* E3: what a VIEW-CHANGE says of a sequence is at least what a COMMIT of an older view says. */
static void hides(struct sim *s, uint8_t node, bft_epoch epoch, const struct pbft_view_change *vc, bft_seq seq, bft_view view, const struct digest *digest)
{
	if (view >= vc->view || seq <= vc->stable)
		return;
	for (uint16_t k = 0; k < vc->count; k++)
		if (vc->prepared[k].seq == seq &&
		    (vc->prepared[k].view > view || (vc->prepared[k].view == view && digest_equal(&vc->prepared[k].digest, digest))))
			return;
	if (!forgot(&s->node[node], epoch, !settled_elsewhere(s, node, epoch, seq)))
		sim_fail(s, "evidence: node %u hides its COMMIT for %llu in a VIEW-CHANGE to %llu", node, (unsigned long long)seq,
		         (unsigned long long)vc->view);
}

static void on_votes(struct sim *s, uint8_t node, bft_epoch epoch, const struct bft_votes *v)
{
	for (uint16_t i = 0; i < v->count; i++) {
		const struct bft_leaf *l = &v->leaf[i];
		say(s, node, epoch, (enum said)l->kind, v->view, l->seq, &l->digest);
		if (l->kind != BFT_LEAF_COMMIT)
			continue;
		if (s->node[node].bound && s->node[node].bound_epoch == epoch)
			hides(s, node, epoch, s->node[node].bound, l->seq, v->view, &l->digest);
		struct statement_seen *first = seen(s, SIM_PLACES_MAX, epoch, SAID_COMMITTED, l->seq, v->view);
		if (!first->value && ++first->value)
			check_prepared(&s->node[node]);
		struct statement_seen *c = seen(s, node, epoch, SAID_COMMITTED, l->seq, 0);
		if (v->view + 1 > c->value) {
			c->value = v->view + 1;
			c->digest = l->digest;
		}
	}
}

static void on_view_change(struct sim *s, uint8_t node, bft_epoch epoch, const struct pbft_view_change *vc)
{
	struct node *d = &s->node[node];
	for (bft_seq seq = vc->stable + 1; seq <= vc->stable + s->genesis.limits.window; seq++) {
		const struct statement_seen *c = seen(s, node, epoch, SAID_COMMITTED, seq, 0);
		if (c->value)
			hides(s, node, epoch, vc, seq, c->value - 1, &c->digest);
	}
	if (!d->bound)
		d->bound = calloc(1, sizeof *d->bound);
	if (!d->bound)
		abort();
	if (vc->view >= d->bound->view || d->bound_epoch != epoch)
		*d->bound = *vc;
	d->bound_epoch = epoch;
}

void statements_sent(struct sim *s, uint8_t node, const struct frame *f)
{
	struct rd r = rd_of(f->bytes, f->n);
	struct bft_envelope e;
	union pbft_body *b = s->said;
	struct digest digest;
	if (!envelope_read(&r, &e) || e.signer != BFT_SIGNER_CHANNEL || e.type < PBFT_VOTES)
		return;
	size_t used = pbft_decode(e.type, b, r.at, rd_left(&r));
	pbft_body_digest(&digest, e.type, r.at, used);
	switch ((enum pbft_type)e.type) {
	case PBFT_VOTES: on_votes(s, node, e.epoch, &b->votes); break;
	case PBFT_CHECKPOINT: say(s, node, e.epoch, SAID_CHECKPOINT, b->checkpoint.seq, 0, &digest); break;
	case PBFT_SNAPSHOT: say(s, node, e.epoch, SAID_SNAPSHOT, b->snapshot.seq, 0, &digest); break;
	case PBFT_NEW_VIEW: say(s, node, e.epoch, SAID_NEW_VIEW, b->new_view.view, 0, &digest); break;
	case PBFT_VIEW_CHANGE:
		say(s, node, e.epoch, SAID_VIEW_CHANGE, b->view_change.view, 0, &digest);
		on_view_change(s, node, e.epoch, &b->view_change);
		break;
	default: break;
	}
}

void statements_replied(struct sim *s, uint8_t node, const struct frame *f)
{
	struct rd r = rd_of(f->bytes, f->n);
	struct bft_envelope e;
	struct reply reply;
	struct result x;
	struct digest digest;
	if (!envelope_read(&r, &e) || (e.type != BFT_WIRE_REPLY && e.type != BFT_WIRE_REPLY_LATE))
		return;
	bool late = e.type == BFT_WIRE_REPLY_LATE;
	struct statement statement;
	const struct public_key *key = driver_key(s->node[node].driver, node, e.epoch);
	if (!key || !reply_decode(&reply, late, r.at, rd_left(&r)) || !result_decode(&x, reply.result, reply.result_bytes) ||
	    !reply_statement(&statement, &s->cluster, e.epoch, &reply, late)) {
		sim_fail(s, "node %u sends a reply that is none", node);
		return;
	}
	bool unsigned_may_be = late && !driver_signs_requests(s->node[node].driver) && signature_is_none(&e.signature);
	if (!unsigned_may_be && !s->scheme->verify(&e.signature, &statement, key)) {
		sim_fail(s, "node %u sends a reply that does not verify", node);
		return;
	}
	/* An opening's number is its client's own choice, and not unique. A refusal is no result. */
	if (x.session == 0 || x.status != RESULT_DONE)
		return;
	/* Which request it was, and where, belong to it. */
	result_leaf(&digest, reply.seq, &reply.bundle, reply.result, reply.result_bytes);
	say(s, node, 0, SAID_RESULT, x.session, x.number, &digest);
}
