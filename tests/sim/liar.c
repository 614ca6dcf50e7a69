/* Liars: real replicas behind a filter that drops, delays, repeats, sends to some, sends older ones of its own, changes one field and signs again, tells two
 * proposals to two halves, and lies to clients. Up to f of them in a seed; the properties are those of the honest. */
#include "bft/certificate.h"
#include "bft/envelope.h"
#include "bft/proposal.h"
#include "bft/reply.h"
#include "replica/driver_state.h"
#include "tests/sim/sim.h"

/* Some do what does most harm together: they help one to decide, and the rest to forget it. */
static uint32_t draw_habits(struct rng *plan)
{
	static const uint32_t schemes[] = { LIAR_HURRIES | LIAR_HIDES, LIAR_HURRIES | LIAR_HIDES | LIAR_FAVOURS,
		                            LIAR_EQUIVOCATES | LIAR_COLLUDES | LIAR_HURRIES | LIAR_HIDES, LIAR_EQUIVOCATES | LIAR_FORGES };
	bool scheme = rng_chance(plan, 40);
	uint32_t which = rng_below(plan, 4), any = 1 + rng_below(plan, LIAR_HABITS_ALL);
	return scheme ? schemes[which] : any;
}

static const char *habits_text(uint32_t habits, uint64_t scripts)
{
	static char text[400];
	size_t n = 0;
	text[0] = 0;
	for (uint32_t h = 0; h < FAULT_DELAYS - FAULT_DROPS + 1; h++)
		if (habits >> h & 1)
			n += (size_t)snprintf(text + n, sizeof text - n, " %s", fault_words[FAULT_DROPS + h]);
	for (uint32_t h = 0; h < FAULT_SCRIPTS_LAST - FAULT_SCRIPTS_FIRST + 1; h++)
		if (scripts >> h & 1)
			n += (size_t)snprintf(text + n, sizeof text - n, " %s", fault_words[FAULT_SCRIPTS_FIRST + h]);
	return text;
}

/* One of the liars may run twice. Its twin, and mostly it too, is honest in all that it says: they only do not know of each other. */
static void twin_draw(struct sim *s, struct rng *plan)
{
	bool any = rng_chance(plan, 25), plain = rng_chance(plan, 70);
	uint32_t first = rng_below(plan, s->n);
	for (uint32_t i = 0; any && i < s->n; i++) {
		struct node *d = &s->node[(first + i) % s->n];
		if (!d->liar.lies || !fault(s, FAULT_TWIN, "replica %u runs twice%s", (first + i) % s->n, plain ? ", and says nothing else that is false" : ""))
			continue;
		if (plain) {
			d->liar.habits = 0;
			d->liar.scripts = 0;
		}
		s->node[s->n] = (struct node){ .id = (uint8_t)((first + i) % s->n), .liar = { .lies = true } };
		s->places = s->n + 1;
		return;
	}
}

/* Most of the seeds have liars, and those have as many as there may be, mostly. One that is left out is honest. */
void liar_draw(struct sim *s)
{
	struct rng *plan = &s->faults.plan[FAULT_LIAR];
	bool none = rng_chance(plan, 35), all = rng_chance(plan, 80);
	uint32_t count = all ? s->f : 1 + rng_below(plan, s->f);
	if (s->quiet || none)
		return;
	/* Two or more of them may have a plan: the first tells two proposals to two halves, and the rest vote with each half. */
	bool plot = rng_chance(plan, 40) && count > 1;
	for (uint32_t taken = 0; count;) {
		/* Often one of those who lead the first views: a liar does most harm there. */
		uint32_t early = rng_below(plan, 2), anybody = rng_below(plan, s->n), who = rng_chance(plan, 40) ? early : anybody;
		struct liar *l = &s->node[who].liar;
		if (taken >> who & 1)
			continue;
		taken |= 1u << who;
		bool script = rng_chance(plan, 45), alone = rng_chance(plan, 60);
		uint32_t habits = draw_habits(plan);
		uint64_t scripts = script_draw(plan), later = script_draw_later(&s->faults.plan[FAULT_TIMES]);
		script &= !plot;
		if (plot)
			habits = (s->liars ? LIAR_COLLUDES : LIAR_EQUIVOCATES) | LIAR_HURRIES;
		*l = (struct liar){ .habits = script && alone ? 0 : habits,
			            .scripts = (script ? scripts : 0) | (plot ? 0 : later),
			            .percent = 2 + rng_below(plan, 60),
			            .from_ms = rng_chance(plan, 50) ? rng_below(plan, 10000) : 0,
			            .favourites = (bft_mask)rng_below(plan, 1u << s->n) };
		l->lies = fault(s, FAULT_LIAR, "replica %u lies from %llu ms on, %u%%:%s", who, (unsigned long long)l->from_ms, l->percent,
		                habits_text(l->habits, l->scripts));
		s->liars++;
		count--;
	}
	twin_draw(s, plan);
}

static enum fault_class class_of(enum liar_habit h)
{
	return (enum fault_class)(FAULT_DROPS + __builtin_ctz(h));
}

static bool has(const struct node *d, uint32_t habits)
{
	return (d->liar.habits & habits) && d->sim->now >= d->liar.from_ms;
}

/* Not from the stream that the other faults are drawn from: what the other seeds do stays as it was. */
void liar_idlers(struct sim *s)
{
	s->idlers = s->liars && !s->forgetting && (s->seed * 0x9E3779B97F4A7C15u >> 40) % 5 == 0;
	for (uint32_t i = 0; s->idlers && i < s->n; i++)
		if (s->node[i].liar.lies)
			s->node[i].liar = (struct liar){ .lies = true, .habits = LIAR_IDLES };
}

/* Neither are these: liars that hide or forge, and leaders that are cut off when they have prepared or decided something; nothing else need go wrong. */
void liar_coup(struct sim *s)
{
	static const uint32_t habits[] = { LIAR_HURRIES | LIAR_FORGES, LIAR_HIDES | LIAR_HURRIES, LIAR_HIDES | LIAR_HURRIES,
		                           LIAR_HIDES | LIAR_HURRIES | LIAR_FORGES };
	uint64_t whim = s->seed * 0x9E3779B97F4A7C15u >> 44;
	s->coup = s->liars && !s->forgetting && !s->idlers && s->places == s->n && whim % 3 == 0;
	if (!s->coup)
		return;
	s->loss = s->crash_every_ms = 0;
	s->disks_fail = s->slow = false;
	s->strike_percent = 5;
	s->delay_max_ms = 2 + (uint32_t)(whim / 12 % 20);
	s->genesis.limits.request_timeout_ms = 150; /* many views in the time that there is */
	for (uint32_t i = 0; i < s->n; i++)
		if (s->node[i].liar.lies)
			s->node[i].liar = (struct liar){ .lies = true, .habits = habits[whim / 3 % 4] };
}

static bool habit(struct node *d, enum liar_habit h)
{
	return has(d, h) && rng_chance(&d->sim->lying, d->liar.percent) && fault_small(d->sim, class_of(h));
}

/* What one habit has made of a frame, unless this lie is left out. */
static struct frame *unless_left_out(struct node *d, enum liar_habit h, struct frame *lie)
{
	if (!lie || fault_small(d->sim, class_of(h)))
		return lie;
	frame_release(lie);
	return NULL;
}

/* Its key outlives its process: colluders lend theirs while they are down. */
const struct secret_key *liar_key(const struct node *d)
{
	if (d->driver)
		return &d->driver->secret;
	return d->later_count ? &d->later[d->later_count - 1] : &d->sim->secret[d->id];
}

void liar_sign(struct node *d, struct bft_envelope *e, const uint8_t *body, size_t core_n, const struct bft_votes *votes)
{
	struct statement s;
	struct digest digest;
	if (e->type == PBFT_VOTES)
		votes_digest_of(&digest, votes);
	else
		pbft_body_digest(&digest, e->type, body, core_n);
	statement_make(&s, pbft_domain(e->type), &d->sim->cluster, e->epoch, &digest);
	d->sim->scheme->sign(&e->signature, &s, liar_key(d));
}

static void change_digest(struct sim *s, struct digest *x)
{
	x->b[rng_below(&s->lying, DIGEST_BYTES)] ^= (uint8_t)(1 + rng_below(&s->lying, 255));
}

static uint64_t near(struct sim *s, uint64_t v)
{
	switch (rng_below(&s->lying, 5)) {
	case 0: return v + 1;
	case 1: return v ? v - 1 : 0;
	case 2: return v + rng_below(&s->lying, 64);
	case 3: return rng_next(&s->lying) >> 17;
	default: return v > 8 ? v - rng_below(&s->lying, 8) : 1;
	}
}

static void change_votes(struct sim *s, struct bft_votes *v)
{
	struct bft_leaf *l = &v->leaf[rng_below(&s->lying, v->count)];
	switch (rng_below(&s->lying, 5)) {
	case 0: v->view = near(s, v->view) & (BFT_VIEW_MAX - 1); break;
	case 1: l->seq = 1 + (near(s, l->seq) & (BFT_SEQ_MAX - 1)) / 2; break;
	case 2: l->kind = (uint8_t)(1 + rng_below(&s->lying, 3)); break;
	case 3: l->digest = s->proposal_at[1 + rng_below(&s->lying, (uint32_t)s->top + 1)]; break;
	default: change_digest(s, &l->digest); break;
	}
}

static void change_view_change(struct sim *s, struct pbft_view_change *v)
{
	switch (rng_below(&s->lying, 4)) {
	case 0: v->count = v->count ? (uint16_t)(v->count - 1) : 0; break; /* hides one */
	case 1:
		if (v->count)
			change_digest(s, &v->prepared[rng_below(&s->lying, v->count)].digest);
		break;
	case 2: change_digest(s, &v->chain); break;
	default: v->view = 1 + (near(s, v->view) & 0xFFFF); break;
	}
}

static void change_body(struct sim *s, uint16_t type, union pbft_body *b)
{
	switch ((enum pbft_type)type) {
	case PBFT_VOTES: change_votes(s, &b->votes); break;
	case PBFT_VIEW_CHANGE: change_view_change(s, &b->view_change); break;
	case PBFT_NEW_VIEW:
		if (b->new_view.count && rng_chance(&s->lying, 50))
			proposal_null_digest(&b->new_view.digest[rng_below(&s->lying, b->new_view.count)], &s->cluster);
		else if (b->new_view.count)
			change_digest(s, &b->new_view.digest[rng_below(&s->lying, b->new_view.count)]);
		else
			change_digest(s, &b->new_view.source[0].digest);
		break;
	case PBFT_CHECKPOINT:
	case PBFT_STABLE: change_digest(s, &b->checkpoint.chain); break;
	case PBFT_SNAPSHOT: change_digest(s, rng_chance(&s->lying, 50) ? &b->snapshot.chain : &b->snapshot.root); break;
	case PBFT_SUSPECT:
		b->suspect.view = near(s, b->suspect.view) & (BFT_VIEW_MAX - 1);
		b->suspect.standing ^= 1;
		break;
	case PBFT_STATUS:
		b->status.view = near(s, b->status.view) & (BFT_VIEW_MAX - 1);
		b->status.executed = near(s, b->status.executed) & (BFT_SEQ_MAX - 1);
		b->status.low = rng_chance(&s->lying, 50) ? b->status.low : near(s, b->status.low) & (BFT_SEQ_MAX - 1);
		b->status.flags = (uint8_t)rng_below(&s->lying, 16);
		break;
	case PBFT_CHAIN:
		if (b->chain.count)
			change_digest(s, &b->chain.entry[rng_below(&s->lying, b->chain.count)].proposal);
		else
			b->chain.end = near(s, b->chain.end) & (BFT_SEQ_MAX - 1);
		break;
	default: break;
	}
}

/* One field is another, and the signature is good. Certificates behind it stay as they are. Bodies and parts of the state get a wrong byte. */
static struct frame *changed(struct node *d, const struct frame *f)
{
	struct sim *s = d->sim;
	struct rd r = rd_of(f->bytes, f->n);
	struct bft_envelope e;
	union pbft_body *b = s->said;
	if (!envelope_read(&r, &e))
		return NULL;
	size_t n = rd_left(&r), core_n = e.type >= PBFT_VOTES && e.signer == BFT_SIGNER_CHANNEL ? pbft_decode(e.type, b, r.at, n) : 0;
	struct frame *out = frame_make(f->bytes, f->n, NULL, 0);
	if (!core_n) {
		if (n)
			out->bytes[BFT_FRAME_HEAD_BYTES + rng_below(&s->lying, (uint32_t)n)] ^= (uint8_t)(1u << rng_below(&s->lying, 8));
		return out;
	}
	uint8_t body[1 << 16];
	change_body(s, e.type, b);
	size_t changed_n = pbft_encode(e.type, b, body, sizeof body);
	frame_release(out);
	if (!changed_n)
		return NULL;
	uint8_t head[BFT_FRAME_HEAD_BYTES];
	struct wr w = wr_of(head, sizeof head);
	liar_sign(d, &e, body, changed_n, &b->votes);
	envelope_write(&w, &e);
	out = malloc(sizeof *out + sizeof head + changed_n + (n - core_n));
	if (!out)
		abort();
	out->count = 1;
	out->n = sizeof head + changed_n + (n - core_n);
	memcpy(out->bytes, head, sizeof head);
	memcpy(out->bytes + sizeof head, body, changed_n);
	memcpy(out->bytes + sizeof head + changed_n, r.at + core_n, n - core_n);
	return out;
}

/* The same to everybody, and in every run. */
uint32_t liar_whim(const struct node *d, bft_view view)
{
	uint64_t z = (d->sim->seed * 31 + d->id) * 0x9E3779B97F4A7C15u + view * 0xBF58476D1CE4E5B9u;
	return (uint32_t)((z ^ z >> 29) * 0x94D049BB133111EBu >> 40);
}

uint8_t liar_leader(const struct node *d, bft_view view)
{
	struct bft_roster roster = driver_roster(d->driver, d->driver->epoch);
	return roster_leader(&roster, view);
}

static bool leads(const struct node *d, bft_view view)
{
	return liar_leader(d, view) == d->id;
}

/* In some views it leads as if nothing had been prepared before. */
static bool forgets(const struct node *d, bft_view view)
{
	return (d->liar.habits & LIAR_HIDES) && view && leads(d, view) && liar_whim(d, view) % (d->sim->coup ? 4 : 2);
}

static bool equivocates(const struct node *d, bft_view view)
{
	const struct node *leader = &d->sim->node[liar_leader(d, view)];
	return leader->liar.lies && has(leader, LIAR_EQUIVOCATES);
}

/* All that this half sees is about the null proposal: valid, agreed on nowhere else. */
static struct frame *other_proposal(struct node *d, const struct frame *f, bool half)
{
	struct sim *s = d->sim;
	struct rd r = rd_of(f->bytes, f->n);
	struct bft_envelope e;
	union pbft_body *b = s->said;
	if (!envelope_read(&r, &e) || e.type != PBFT_VOTES || e.signer != BFT_SIGNER_CHANNEL || !pbft_decode(e.type, b, r.at, rd_left(&r)))
		return NULL;
	bool any = false, mine = leads(d, b->votes.view), helps = half && !mine && has(d, LIAR_COLLUDES) && equivocates(d, b->votes.view);
	if (!helps && !(half && has(d, LIAR_EQUIVOCATES)) && !forgets(d, b->votes.view))
		return NULL;
	for (uint16_t i = 0; i < b->votes.count; i++)
		if ((b->votes.leaf[i].kind != BFT_LEAF_PREPARE && mine) || helps) {
			proposal_null_digest(&b->votes.leaf[i].digest, &s->cluster);
			any = true;
		}
	if (!any)
		return NULL;
	uint8_t body[8192], head[BFT_FRAME_HEAD_BYTES];
	size_t n = pbft_encode(PBFT_VOTES, b, body, sizeof body);
	struct wr w = wr_of(head, sizeof head);
	liar_sign(d, &e, body, n, &b->votes);
	envelope_write(&w, &e);
	return frame_make(head, sizeof head, body, n);
}

static struct frame *other_new_view(struct node *d, const struct frame *f)
{
	struct sim *s = d->sim;
	struct rd r = rd_of(f->bytes, f->n);
	struct bft_envelope e;
	union pbft_body *b = s->said;
	uint8_t body[1 << 16], head[BFT_FRAME_HEAD_BYTES];
	if (!envelope_read(&r, &e) || e.type != PBFT_NEW_VIEW || e.signer != BFT_SIGNER_CHANNEL || !pbft_decode(e.type, b, r.at, rd_left(&r)) ||
	    !forgets(d, b->new_view.view))
		return NULL;
	for (uint16_t i = 0; i < b->new_view.count; i++)
		proposal_null_digest(&b->new_view.digest[i], &s->cluster);
	size_t n = pbft_encode(e.type, b, body, sizeof body);
	struct wr w = wr_of(head, sizeof head);
	liar_sign(d, &e, body, n, &b->votes);
	envelope_write(&w, &e);
	return frame_make(head, sizeof head, body, n);
}

static size_t own_certificate(struct node *d, const struct pbft_prepared *p, uint8_t *bytes, size_t capacity)
{
	struct sim *s = d->sim;
	/* Some are of the epoch before: true in it, nothing in this one. */
	bft_epoch epoch = d->seen.epoch - (d->seen.epoch > 1 && rng_chance(&s->lying, 20));
	struct certificate c = { .epoch = epoch, .kind = CERTIFICATE_PREPARED, .view = p->view, .seq = p->seq, .digest = p->digest };
	struct bft_votes *votes = calloc(1, sizeof *votes);
	struct bft_envelope e = { .type = PBFT_VOTES, .epoch = epoch };
	if (!votes)
		abort();
	votes->view = p->view;
	votes->count = 1;
	/* The liars lend each other their keys; for the rest the last of them stands twice. */
	for (uint8_t i = 0; i < s->n; i++) {
		if (!s->node[i].liar.lies)
			continue;
		votes->leaf[0] =
			(struct bft_leaf){ .kind = liar_leader(d, p->view) == i ? BFT_LEAF_PRE_PREPARE : BFT_LEAF_PREPARE, .seq = p->seq, .digest = p->digest };
		liar_sign(&s->node[i], &e, NULL, 0, votes);
		certificate_add(&c, i, votes, votes->leaf[0].kind, &e.signature);
	}
	for (; c.count < s->q; c.count++)
		c.by[c.count] = c.by[c.count - 1];
	free(votes);
	return certificate_encode(&c, bytes, capacity);
}

/* A VIEW-CHANGE that says less than was committed, or more. The stable checkpoint's certificate stays: it cannot be made up. */
static struct frame *other_view_change(struct node *d, const struct frame *f)
{
	struct sim *s = d->sim;
	struct rd r = rd_of(f->bytes, f->n);
	struct bft_envelope e;
	union pbft_body *b = s->said;
	uint8_t body[1 << 16], head[BFT_FRAME_HEAD_BYTES];
	size_t core_n;
	if (!envelope_read(&r, &e) || e.type != PBFT_VIEW_CHANGE || e.signer != BFT_SIGNER_CHANNEL || !(core_n = pbft_decode(e.type, b, r.at, rd_left(&r))))
		return NULL;
	struct pbft_view_change *vc = &b->view_change;
	struct certificate c;
	bft_view view = vc->view;
	uint32_t how = liar_whim(d, view) % 4;
	bool forge = (d->liar.habits & LIAR_FORGES) && (how < 2 || !(d->liar.habits & LIAR_HIDES));
	if (!forge && how == 3) { /* what was prepared long ago, under the new view's name */
		struct frame *stale = d->liar.stale;
		if (!stale) {
			if (vc->count)
				d->liar.stale = frame_make(f->bytes, f->n, NULL, 0);
			return NULL;
		}
		r = rd_of(stale->bytes, stale->n);
		if (!envelope_read(&r, &e) || !(core_n = pbft_decode(e.type, b, r.at, rd_left(&r))) || vc->view >= view)
			return NULL;
		vc->view = view;
		size_t tail_n = rd_left(&r) - core_n;
		size_t made = pbft_encode(e.type, b, body, sizeof body);
		struct wr head_w = wr_of(head, sizeof head);
		liar_sign(d, &e, body, made, &b->votes);
		envelope_write(&head_w, &e);
		struct frame *whole = frame_make(body, made, r.at + core_n, tail_n), *out = frame_make(head, sizeof head, whole->bytes, whole->n);
		frame_release(whole);
		return out;
	}
	if (vc->count && (!d->liar.stale || how == 0)) {
		frame_release(d->liar.stale);
		d->liar.stale = frame_make(f->bytes, f->n, NULL, 0);
	}
	const uint8_t *stable = r.at + core_n;
	struct rd tail = rd_of(stable, rd_left(&r) - core_n);
	size_t stable_n = vc->stable && certificate_read(&tail, &c) ? (size_t)(tail.at - stable) : 0;
	vc->count = 0;
	if (forge) {
		vc->count = (uint16_t)(s->genesis.limits.window < 24 ? s->genesis.limits.window : 24);
		for (uint16_t i = 0; i < vc->count; i++) {
			vc->prepared[i] = (struct pbft_prepared){ .seq = vc->stable + 1 + i, .view = vc->view - 1 };
			proposal_null_digest(&vc->prepared[i].digest, &s->cluster);
		}
	}
	size_t n = core_n = pbft_encode(e.type, b, body, sizeof body);
	if (!core_n || core_n + stable_n + 4096 > sizeof body)
		return NULL;
	memcpy(body + n, stable, stable_n);
	n += stable_n;
	struct pbft_prepared said[24];
	uint16_t count = vc->count;
	memcpy(said, vc->prepared, count * sizeof said[0]);
	for (uint16_t i = 0; i < count; i++)
		n += own_certificate(d, &said[i], body + n, sizeof body - n);
	struct wr w = wr_of(head, sizeof head);
	liar_sign(d, &e, body, core_n, &b->votes);
	envelope_write(&w, &e);
	return frame_make(head, sizeof head, body, n);
}

/* Each vote comes with the COMMIT that should follow it. */
static struct frame *hurried(struct node *d, const struct frame *f)
{
	struct rd r = rd_of(f->bytes, f->n);
	struct bft_envelope e;
	union pbft_body *b = d->sim->said;
	uint8_t body[1 << 16], head[BFT_FRAME_HEAD_BYTES];
	if (!envelope_read(&r, &e) || e.type != PBFT_VOTES || e.signer != BFT_SIGNER_CHANNEL || !pbft_decode(e.type, b, r.at, rd_left(&r)))
		return NULL;
	uint16_t count = b->votes.count;
	for (uint16_t i = 0; i < count && b->votes.count < BFT_LEAVES_MAX; i++)
		if (b->votes.leaf[i].kind != BFT_LEAF_COMMIT) {
			b->votes.leaf[b->votes.count] = b->votes.leaf[i];
			b->votes.leaf[b->votes.count++].kind = BFT_LEAF_COMMIT;
		}
	size_t n = pbft_encode(PBFT_VOTES, b, body, sizeof body);
	if (!n || b->votes.count == count)
		return NULL;
	struct wr w = wr_of(head, sizeof head);
	liar_sign(d, &e, body, n, &b->votes);
	envelope_write(&w, &e);
	return frame_make(head, sizeof head, body, n);
}

static void remember(struct node *d, struct frame *f)
{
	struct frame **place = &d->liar.old[d->liar.old_next++ % LIAR_OLD];
	frame_release(*place);
	f->count++;
	*place = f;
}

static bool proposes(struct node *d, const struct frame *f)
{
	union pbft_body *b = d->sim->said;
	struct rd r = rd_of(f->bytes, f->n);
	struct bft_envelope e;
	if (!envelope_read(&r, &e) || e.type != PBFT_VOTES || e.signer != BFT_SIGNER_CHANNEL || !pbft_decode(e.type, b, r.at, rd_left(&r)))
		return false;
	for (uint16_t i = 0; i < b->votes.count; i++)
		if (b->votes.leaf[i].kind == BFT_LEAF_PRE_PREPARE)
			return true;
	return false;
}

/* Its votes go to the leader alone: that one decides first, is cut off, and the rest lack a vote. */
static bool votes_with_the_leader(struct node *d, uint8_t to, const struct frame *f)
{
	struct rd r = rd_of(f->bytes, f->n);
	struct bft_envelope e;
	bft_view view = d->seen.view;
	return d->sim->coup && envelope_read(&r, &e) && e.type == PBFT_VOTES && !leads(d, view) && liar_leader(d, view) != to &&
	       fault_small(d->sim, FAULT_FAVOURS);
}

/* States are fetched seldom, so no liar that is asked for one lets it pass. */
static bool spoils_state(struct node *d, const struct frame *f)
{
	struct rd r = rd_of(f->bytes, f->n);
	struct bft_envelope e;
	return envelope_read(&r, &e) && e.type == BFT_WIRE_STATE && d->sim->now >= d->liar.from_ms && (d->liar.habits | d->liar.scripts) &&
	       rng_chance(&d->sim->lying, 30) && fault_small(d->sim, FAULT_CHANGES);
}

void liar_hears(struct node *d, const struct sim_event *e)
{
	struct rd r = rd_of(e->frame->bytes, e->frame->n);
	struct bft_envelope head;
	uint32_t at = d->liar.heard_next % LIAR_HEARD;
	if (e->client || !envelope_read(&r, &head) || head.signer != BFT_SIGNER_CHANNEL || (head.type != PBFT_VIEW_CHANGE && head.type != PBFT_NEW_VIEW))
		return;
	frame_release(d->liar.heard[at]);
	d->liar.heard[at] = frame_make(e->frame->bytes, e->frame->n, NULL, 0);
	d->liar.heard_from[at] = d->sim->node[e->from].id;
	d->liar.heard_next++;
}

/* The signature is of whoever signed it, and the epoch another one. */
static void shows_old_epoch(struct node *d, uint8_t to, const struct frame *f)
{
	struct sim *s = d->sim;
	uint32_t at = rng_below(&s->lying, LIAR_HEARD);
	const struct frame *x = d->liar.heard[at];
	struct rd r = rd_of(f->bytes, f->n);
	struct bft_envelope now, then;
	if (!x || !envelope_read(&r, &now) || now.type != PBFT_STATUS)
		return;
	r = rd_of(x->bytes, x->n);
	if (!envelope_read(&r, &then) || then.epoch >= now.epoch || !(d->liar.habits | d->liar.scripts) || !rng_chance(&s->lying, 20) ||
	    !fault_small(s, FAULT_OLD_EPOCH))
		return;
	struct frame *lie = frame_make(x->bytes, x->n, NULL, 0);
	struct wr w = wr_of(lie->bytes, BFT_FRAME_HEAD_BYTES);
	then.epoch = now.epoch;
	then.signer = d->liar.heard_from[at];
	envelope_write(&w, &then);
	network_send(d, to, lie);
	frame_release(lie);
}

/* In every other seed they help the honest until the faults stop, and say nothing from then on: what needed them must go on without. */
bool liars_fall_silent(const struct sim *s)
{
	return s->seed % 2;
}

static bool silent(const struct sim *s)
{
	return s->calm && liars_fall_silent(s);
}

/* Sends what the liar makes of it. */
void liar_send(struct node *d, uint8_t to, struct frame *f)
{
	struct sim *s = d->sim;
	if (silent(s))
		return;
	remember(d, f);
	shows_old_epoch(d, to, f);
	if (script_plays(d, to, f) || adaptive_withholds(d, to, f) || votes_with_the_leader(d, to, f))
		return;
	if (habit(d, LIAR_DROPS) || (has(d, LIAR_FAVOURS) && !(d->liar.favourites & BFT_BIT(to)) && fault_small(s, FAULT_FAVOURS)))
		return;
	if ((d->liar.habits & LIAR_IDLES) && proposes(d, f) && fault_small(s, FAULT_MUTE))
		return;
	struct frame *other = NULL;
	if (has(d, LIAR_EQUIVOCATES | LIAR_HIDES | LIAR_COLLUDES))
		other = unless_left_out(d,
		                        has(d, LIAR_EQUIVOCATES) ? LIAR_EQUIVOCATES
		                        : has(d, LIAR_COLLUDES)  ? LIAR_COLLUDES
		                                                 : LIAR_HIDES,
		                        other_proposal(d, f, to % 2));
	if (!other && has(d, LIAR_HIDES | LIAR_FORGES))
		other = unless_left_out(d, has(d, LIAR_HIDES) ? LIAR_HIDES : LIAR_FORGES, other_view_change(d, f));
	if (!other && has(d, LIAR_HIDES))
		other = unless_left_out(d, LIAR_HIDES, other_new_view(d, f));
	if (has(d, LIAR_HURRIES)) {
		struct frame *more = unless_left_out(d, LIAR_HURRIES, hurried(d, other ? other : f));
		if (more) {
			frame_release(other);
			other = more;
		}
	}
	if (!other && (habit(d, LIAR_CHANGES) || spoils_state(d, f)))
		other = changed(d, f);
	network_send_late(d, to, other ? other : f, habit(d, LIAR_DELAYS) ? rng_below(&s->lying, 2000) : 0);
	if (habit(d, LIAR_REPEATS))
		network_send(d, to, other ? other : f);
	struct frame *old = d->liar.old[rng_below(&s->lying, LIAR_OLD)];
	if (old && habit(d, LIAR_REPLAYS))
		network_send(d, to, old);
	frame_release(other);
}

/* Another result, with a good signature over it. */
void liar_reply(struct node *d, uint8_t client, struct frame *f)
{
	struct sim *s = d->sim;
	if (silent(s) || habit(d, LIAR_DROPS))
		return;
	struct rd r = rd_of(f->bytes, f->n);
	struct bft_envelope e = { .type = 0 };
	struct reply reply;
	if (!habit(d, LIAR_LIES_TO_CLIENTS) || !envelope_read(&r, &e) || e.type != BFT_WIRE_REPLY_LATE || !reply_decode(&reply, true, r.at, rd_left(&r))) {
		/* Another value, or the true one under a false signature; nobody else holds this frame. */
		bool signature = e.type == BFT_WIRE_REPLY && (f->bytes[BFT_FRAME_HEAD_BYTES + 8] & 1); /* by its sequence */
		if ((e.type == BFT_WIRE_REPLY || e.type == BFT_WIRE_READ_ANSWER) && habit(d, LIAR_LIES_TO_CLIENTS))
			f->bytes[signature ? BFT_FRAME_HEAD_BYTES - SIGNATURE_BYTES : f->n - 1] ^= 1;
		network_reply(d, client, f);
		return;
	}
	uint8_t *result = f->bytes + (reply.result - f->bytes);
	result[reply.result_bytes - 1] ^= 1;
	struct statement statement;
	reply_statement(&statement, &s->cluster, e.epoch, &reply, true);
	s->scheme->sign(&e.signature, &statement, &d->driver->secret);
	struct wr w = wr_of(f->bytes, BFT_FRAME_HEAD_BYTES);
	envelope_write(&w, &e);
	network_reply(d, client, f);
}

void liar_forget(struct node *d)
{
	frame_release(d->liar.stale);
	d->liar.stale = NULL;
	for (uint32_t i = 0; i < LIAR_HEARD; i++) {
		frame_release(d->liar.heard[i]);
		d->liar.heard[i] = NULL;
	}
	for (uint32_t i = 0; i < LIAR_OLD; i++) {
		frame_release(d->liar.old[i]);
		frame_release(d->liar.former[i]);
		d->liar.old[i] = d->liar.former[i] = NULL;
	}
}
