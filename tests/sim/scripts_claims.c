/* What a liar claims beside what its replica says: a second vote in each slot, absurd numbers, others' guilt, what it said in another time or place, and epochs that never
 * were. */
#include "bft/epoch_link.h"
#include "replica/driver_state.h"
#include "tests/sim/scripts.h"

/* ---- two votes ---- */

/* The other one is for the null proposal, or for what stands in another slot. */
bool script_votes_twice(struct node *d, uint8_t to, uint16_t type, const struct frame *f)
{
	struct sim *s = d->sim;
	struct opened x;
	if (type != PBFT_VOTES || !script_has(d, FAULT_BOTH) || !script_open(d, &x, f) || !script_acts(d, FAULT_BOTH))
		return false;
	for (uint16_t i = 0; i < x.b->votes.count; i++) {
		struct bft_leaf *l = &x.b->votes.leaf[i];
		if (l->seq % 2 && l->seq > 1 && l->seq < SIM_SEQS_MAX && !digest_is_zero(&s->proposal_at[l->seq - 1]))
			l->digest = s->proposal_at[l->seq - 1];
		else
			proposal_null_digest(&l->digest, &s->cluster);
	}
	struct frame *second = script_close(d, &x), *mine = frame_make(f->bytes, f->n, NULL, 0);
	bool before = rng_chance(&s->lying, 50);
	script_send(d, to, before ? second : mine, 0);
	script_send(d, to, before ? mine : second, 0);
	return true;
}

/* ---- absurd ---- */

static uint64_t absurd_number(struct sim *s)
{
	static const uint64_t number[] = { 0, 1, BFT_SEQ_MAX - 1, BFT_SEQ_MAX, UINT32_MAX, 1ull << 63, UINT64_MAX - 1, UINT64_MAX };
	return number[rng_below(&s->lying, sizeof number / sizeof number[0])];
}

/* Most of these say more than can be written, and are not sent. */
static struct frame *absurd_message(struct node *d, uint16_t type)
{
	struct sim *s = d->sim;
	union pbft_body *b = s->said;
	uint8_t body[1 << 14];
	uint64_t x = absurd_number(s), y = absurd_number(s);
	memset(b, 0, sizeof *b);
	switch ((enum pbft_type)type) {
	case PBFT_VOTES: b->votes = (struct bft_votes){ .view = x, .count = 1, .leaf = { { .kind = (uint8_t)(1 + y % 3), .seq = y } } }; break;
	case PBFT_SUSPECT: b->suspect = (struct pbft_suspect){ x, 1 }; break;
	case PBFT_VIEW_CHANGE: b->view_change = (struct pbft_view_change){ .view = x, .stable = y }; break;
	case PBFT_NEW_VIEW:
		b->new_view = (struct pbft_new_view){ .view = x, .stable = y, .sources_count = (uint8_t)s->q, .count = (uint16_t)(y % (BFT_WINDOW_MAX + 1)) };
		break;
	case PBFT_CHECKPOINT:
	case PBFT_STABLE: b->checkpoint.seq = x; break;
	case PBFT_SNAPSHOT: b->snapshot.seq = x; break;
	case PBFT_STATUS:
		b->status = (struct pbft_status){ .view = x,
			                          .flags = (uint8_t)y,
			                          .low = y,
			                          .executed = y,
			                          .view_changes = UINT64_MAX,
			                          .checkpoints = UINT64_MAX,
			                          .snapshot = x,
			                          .snapshots = UINT64_MAX,
			                          .count = (uint16_t)rng_below(&s->lying, BFT_WINDOW_MAX + 1) };
		memset(b->status.open, 0xFF, sizeof b->status.open);
		break;
	case PBFT_RECALL: b->recall.stable = x; break;
	case PBFT_FETCH_CHAIN: b->fetch_chain.from = x; break;
	case PBFT_CHAIN: b->chain = (struct bft_chain){ .from = x, .end = y, .count = (uint16_t)(y % (BFT_WINDOW_MAX + 1)) }; break;
	case PBFT_PASS_OVER: b->pass_over.member = (uint8_t)x; break;
	default: break;
	}
	size_t n = pbft_encode(type, b, body, sizeof body);
	return n ? script_frame(d, type, d->driver->epoch, body, n, true) : NULL;
}

/* Of any kind that there is, or is not: few bytes, and counts of much more. */
static struct frame *absurd_bytes(struct node *d)
{
	struct sim *s = d->sim;
	uint8_t body[600];
	uint16_t type = (uint16_t)(rng_chance(&s->lying, 80) ? rng_below(&s->lying, BFT_WIRE_EPOCH + 2) : rng_next(&s->lying));
	size_t n = rng_below(&s->lying, rng_chance(&s->lying, 50) ? 24 : sizeof body);
	struct wr w = wr_of(body, sizeof body);
	while (w.at < body + n && !w.failed)
		wr_u64(&w, absurd_number(s));
	return script_frame(d, type, rng_chance(&s->lying, 80) ? d->driver->epoch : absurd_number(s), body, n, rng_chance(&s->lying, 80));
}

static void absurd(struct node *d, uint8_t to)
{
	struct sim *s = d->sim;
	if (rng_chance(&s->lying, 60))
		script_send(d, to, absurd_message(d, (uint16_t)(PBFT_VOTES + rng_below(&s->lying, PBFT_TYPE_END - PBFT_VOTES))), 0);
	else
		script_send(d, to, absurd_bytes(d), 0);
}

/* ---- the guilt of others ---- */

static uint8_t somebody_honest(struct sim *s)
{
	uint8_t i;
	do
		i = (uint8_t)rng_below(&s->lying, s->n);
	while (s->node[i].liar.lies);
	return i;
}

/* The word of q about somebody: the liars' own, and for the rest one of them again under their names. */
static struct frame *false_entry(struct node *d, uint8_t accused, bft_epoch epoch)
{
	struct sim *s = d->sim;
	struct pass_over p = { .epoch = epoch, .member = accused };
	struct statement statement;
	uint8_t op[4 + PASS_OVER_BYTES_MAX], bytes[BUNDLE_HEAD_BYTES + sizeof op], head[BFT_FRAME_HEAD_BYTES];
	pass_over_statement(&statement, epoch, accused, &s->cluster);
	for (uint8_t i = 0; i < s->n && p.count < s->q; i++) {
		if (i == accused && rng_chance(&s->lying, 90))
			continue;
		struct pass_over_signer *by = &p.by[p.count++];
		by->member = i;
		s->scheme->sign(&by->signature, &statement, liar_key(s->node[i].liar.lies ? &s->node[i] : d));
	}
	struct bundle b = {
		.key = s->genesis.cards[d->id].member_key, .kind = BUNDLE_PASS_OVER, .number = 1 + rng_below(&s->lying, 100), .count = 1, .ops = op
	};
	struct wr length = wr_of(op, 4), w = wr_of(head, sizeof head);
	size_t op_n = pass_over_encode(&p, op + 4);
	wr_u32(&length, (uint32_t)op_n);
	b.ops_bytes = 4 + op_n;
	size_t n = bundle_encode(&b, bytes, sizeof bytes);
	struct digest digest;
	struct bft_envelope e = { .signer = BFT_SIGNER_CHANNEL, .type = BFT_WIRE_BUNDLE };
	bundle_digest(&digest, bytes, n);
	bundle_statement(&statement, &s->cluster, &digest);
	s->scheme->sign(&e.signature, &statement, &s->secret[d->id]);
	envelope_write(&w, &e);
	return frame_make(head, sizeof head, bytes, n);
}

/* Two votes of one that contradict each other, had it given them. */
static struct frame *false_votes(struct node *d, uint8_t accused)
{
	struct sim *s = d->sim;
	union pbft_body *b = s->said;
	uint8_t body[128];
	b->votes = (struct bft_votes){ .view = s->node[accused].seen.view, .count = 1 };
	b->votes.leaf[0] = (struct bft_leaf){ .kind = (uint8_t)(1 + rng_below(&s->lying, 3)), .seq = s->node[accused].seen.executed + 1 };
	proposal_null_digest(&b->votes.leaf[0].digest, &s->cluster);
	size_t n = pbft_encode(PBFT_VOTES, b, body, sizeof body);
	struct frame *f = n ? script_frame(d, PBFT_VOTES, d->driver->epoch, body, n, true) : NULL;
	if (f)
		f->bytes[0] = accused;
	return f;
}

static void accuses(struct node *d, uint8_t to)
{
	struct sim *s = d->sim;
	uint8_t accused = somebody_honest(s), zero = 0, word[16];
	bft_epoch epoch = d->driver->epoch, when = rng_chance(&s->lying, 70) ? epoch : epoch + 1 - 2 * rng_below(&s->lying, 2);
	union pbft_body *b = s->said;
	for (uint32_t times = 1 + rng_below(&s->lying, 3); times; times--)
		switch (rng_below(&s->lying, 5)) {
		case 0: script_send(d, to, false_entry(d, accused, when), 0); break;
		case 1: script_send(d, to, false_votes(d, accused), 0); break;
		case 2: script_send(d, to, script_frame(d, BFT_WIRE_FETCH_EVIDENCE + (uint16_t)rng_below(&s->lying, 2), epoch, &zero, 1, false), 0); break;
		default:
			b->pass_over.member = accused;
			script_send(d, to, script_frame(d, PBFT_PASS_OVER, when, word, pbft_encode(PBFT_PASS_OVER, b, word, sizeof word), true), 0);
			break;
		}
}

/* ---- another time or place ---- */

void script_remembers(struct node *d, struct frame *f)
{
	struct rd r = rd_of(f->bytes, f->n), first = rd_of(d->liar.former[0] ? d->liar.former[0]->bytes : NULL, d->liar.former[0] ? d->liar.former[0]->n : 0);
	struct bft_envelope e, since = { .epoch = 0 };
	if (!script_has(d, FAULT_FORMER) || !envelope_read(&r, &e) || e.signer != BFT_SIGNER_CHANNEL || e.type < PBFT_VOTES || e.type >= PBFT_TYPE_END)
		return;
	if (d->liar.former[0] && envelope_read(&first, &since) && since.epoch != e.epoch)
		return;
	struct frame **place = &d->liar.former[d->liar.former_next++ % LIAR_OLD];
	frame_release(*place);
	f->count++;
	*place = f;
}

static void signed_otherwise(struct node *d, struct opened *x, const struct digest *cluster, const struct secret_key *key)
{
	uint8_t body[1 << 16];
	struct digest digest;
	struct statement statement;
	size_t n = pbft_encode(x->e.type, x->b, body, sizeof body);
	if (x->e.type == PBFT_VOTES)
		votes_digest_of(&digest, &x->b->votes);
	else
		pbft_body_digest(&digest, x->e.type, body, n);
	statement_make(&statement, pbft_domain(x->e.type), cluster, x->e.epoch, &digest);
	d->sim->scheme->sign(&x->e.signature, &statement, key);
}

/* As it was; as if it were of now; for another cluster; or with the first key that it had. */
static void says_again(struct node *d, uint8_t to)
{
	struct sim *s = d->sim;
	const struct frame *f = d->liar.former[rng_below(&s->lying, LIAR_OLD)];
	struct opened x;
	uint32_t how = rng_below(&s->lying, 4);
	if (!f || !script_open(d, &x, f))
		return;
	struct frame *again = frame_make(f->bytes, f->n, NULL, 0);
	struct digest elsewhere = s->cluster;
	struct wr w = wr_of(again->bytes, BFT_FRAME_HEAD_BYTES);
	elsewhere.b[0] ^= 1;
	if (how)
		x.e.epoch = d->driver->epoch;
	if (how == 2)
		signed_otherwise(d, &x, &elsewhere, liar_key(d));
	if (how == 3)
		signed_otherwise(d, &x, &s->cluster, &s->secret[d->id]);
	envelope_write(&w, &x.e);
	script_send(d, to, again, 0);
}

/* ---- epochs that never were ---- */

/* Its own organization is with it, and the other liars sign; the honest ones that are missing stand there with nothing. */
static void make_link(struct node *d, const struct epoch_keys *k, struct epoch_link *link)
{
	struct sim *s = d->sim;
	struct epoch_change *c = &link->record.change;
	struct statement statement;
	struct signature none = { { 0 } };
	struct secret_key fresh;
	uint8_t seed[32] = { (uint8_t)s->seed, (uint8_t)rng_next(&s->lying), 7 };
	memset(link, 0, sizeof *link);
	link->record.epoch = k->epoch + 1;
	link->record.base = k->base + s->genesis.limits.checkpoint_every * (1 + (uint64_t)rng_below(&s->lying, 50));
	if (rng_chance(&s->lying, 50)) {
		c->kind = BUNDLE_ROTATE;
		c->rotate = (struct rotate){ .epoch = k->epoch, .member = rng_chance(&s->lying, 70) ? d->id : somebody_honest(s) };
		s->scheme->keypair(&c->rotate.key, &fresh, seed);
		rotate_statement(&statement, &c->rotate, DOMAIN_ROTATE, &s->cluster);
		s->scheme->sign(&c->rotate.signature, &statement, &s->org_secret[d->id]);
		rotate_statement(&statement, &c->rotate, DOMAIN_ROTATE_OWN, &s->cluster);
		s->scheme->sign(&c->rotate.own, &statement, &fresh);
	} else {
		c->kind = BUNDLE_READMIT;
		c->readmit = (struct readmit){ .epoch = k->epoch, .member = d->id, .incarnation = 1 };
		readmit_statement(&statement, &c->readmit, &s->cluster);
		s->scheme->sign(&c->readmit.signature, &statement, &s->org_secret[d->id]);
	}
	epoch_record_statement(&statement, &link->record, &s->cluster);
	for (uint8_t i = 0; i < s->n; i++) {
		struct signature own;
		if (!s->node[i].liar.lies || (epoch_change_touched(&link->record.change) & BFT_BIT(i)))
			continue;
		s->scheme->sign(&own, &statement, liar_key(&s->node[i]));
		epoch_link_add(link, i, &own);
	}
	for (uint8_t i = 0; link->count < s->f + 1; i++)
		epoch_link_add(link, rng_chance(&s->lying, 90) ? i : (uint8_t)(BFT_MEMBERS_MAX - 1 - i), link->count ? &link->by[0].signature : &none);
}

/* Whoever hears of a later epoch asks for its link; what is shown unasked is not looked at, but an answer may be shown again and again. */
static void invents(struct node *d, uint8_t to)
{
	struct sim *s = d->sim;
	const struct node *other = &s->node[to];
	static struct epoch_link link;
	uint8_t bytes[EPOCH_LINK_BYTES_MAX];
	if (!other->driver)
		return;
	const struct epoch_keys *k = &other->driver->chain->keys;
	union pbft_body *b = s->said;
	b->suspect = (struct pbft_suspect){ .view = 0 };
	uint8_t suspect[16];
	size_t n = pbft_encode(PBFT_SUSPECT, b, suspect, sizeof suspect);
	script_send(d, to, script_frame(d, PBFT_SUSPECT, rng_chance(&s->lying, 80) ? k->epoch + 1 : 1ull << 60, suspect, n, true), 0);
	make_link(d, k, &link);
	script_send(d, to, script_frame(d, BFT_WIRE_EPOCH, d->driver->epoch, bytes, epoch_link_encode(&link, bytes, sizeof bytes), false), 0);
}

void script_claims(struct node *d, uint8_t to)
{
	if (script_acts(d, FAULT_ABSURD))
		absurd(d, to);
	if (script_acts(d, FAULT_ACCUSES))
		accuses(d, to);
	if (script_acts(d, FAULT_FORMER))
		says_again(d, to);
	if (script_acts(d, FAULT_INVENTS))
		invents(d, to);
}
