/* Organizations change who the members are, or the mode: one change at a time, approved by all of them through whatever clients there are. Newcomers are started by hand, with
 * the chain of epochs and an empty folder; who was replaced or removed is stopped some time later, or never. */
#include "replica/driver_state.h"
#include "tests/sim/sim.h"

#define CHANGE_MEMBERS 1u
#define CHANGE_MODE 2u

static void plan_class(struct sim *s, enum fault_class class, uint32_t percent, uint32_t times, uint64_t value)
{
	struct rng *plan = &s->faults.plan[class];
	uint32_t count = !s->quiet && rng_chance(plan, percent) ? 1 + rng_below(plan, times) : 0;
	for (uint32_t i = 0; i < count; i++)
		sim_at(s, (struct sim_event){ .at = 500 + rng_below(plan, (uint32_t)s->end_ms), .kind = SIM_RECONFIGURE, .value = value });
}

/* Twins and whoever forgets have rules of their own; trusted members have no liars, and no clock that only liars would notice. */
void reconfigure_create(struct sim *s)
{
	s->members = s->n;
	s->bears = s->f;
	if (s->idlers || s->forgetting || s->places > s->n)
		return;
	plan_class(s, FAULT_MEMBERS, 35, 3, CHANGE_MEMBERS);
	if (s->liars == 0 && !s->clocks_far)
		plan_class(s, FAULT_MODE, 50, 3, CHANGE_MODE);
}

/* The honest node that knows most. */
static struct node *newest(struct sim *s)
{
	struct node *best = NULL;
	for (uint32_t i = 0; i < s->n; i++) {
		struct node *d = &s->node[i];
		if (d->up && !d->liar.lies && !d->left && (!best || d->driver->chain->keys.epoch > best->driver->chain->keys.epoch))
			best = d;
	}
	return best;
}

bool reconfigure_member(struct sim *s, uint32_t i)
{
	const struct node *d = newest(s), *it = &s->node[i];
	if (!d || !it->up)
		return true;
	const struct epoch_keys *k = &d->driver->chain->keys;
	const struct bft_card *card = epoch_card(k, (uint8_t)i, k->epoch);
	struct bft_roster now = driver_roster(d->driver, k->epoch);
	return roster_has(&now, (uint8_t)i) && card && public_key_equal(&card->member_key, &it->driver->options.card_key);
}

/* ---- what is wanted ---- */

static void keypair(struct sim *s, struct public_key *key, struct secret_key *secret)
{
	uint8_t seed[32];
	for (uint32_t i = 0; i < sizeof seed; i++)
		seed[i] = (uint8_t)rng_next(&s->faults.plan[FAULT_MEMBERS]);
	s->scheme->keypair(key, secret, seed);
}

static void make_card(struct sim *s, struct sim_change *c, uint8_t member)
{
	struct bft_card *card = &c->wish.seat[0].card;
	struct secret_key tls;
	struct statement statement;
	keypair(s, &card->member_key, &c->secret);
	keypair(s, &card->tls_key, &tls);
	keypair(s, &card->org_key, &c->org_secret);
	snprintf(card->org, sizeof card->org, "org-%u-%u", member, ++s->cards_made);
	snprintf(card->addresses[0], sizeof card->addresses[0], "replica-%u:7000", member);
	card->addresses_count = 1;
	card_statement(&statement, card, DOMAIN_CARD_ORG);
	s->scheme->sign(&card->org_signature, &statement, &c->org_secret);
	card_statement(&statement, card, DOMAIN_CARD_MEMBER);
	s->scheme->sign(&card->member_signature, &statement, &c->secret);
}

/* Somebody comes, goes, or is replaced: whoever it is, a liar too. */
static void wish_members(struct sim *s, struct sim_change *c)
{
	struct rng *plan = &s->faults.plan[FAULT_MEMBERS];
	uint32_t what = rng_below(plan, 3);
	uint8_t member = (uint8_t)rng_below(plan, s->n);
	if (what == 0 && s->n < SIM_NODES_MAX)
		member = (uint8_t)s->n;
	c->wish.kind = RECONFIGURE_MEMBERS;
	c->wish.seats = 1;
	c->wish.seat[0].member = member;
	c->wish.seat[0].taken = what != 1;
	if (c->wish.seat[0].taken)
		make_card(s, c, member);
}

/* Whoever's clock is hours off counts as one of the f: it may lead, and nobody would believe its time. So does whoever came by a change and is not there yet: with a liar, and one
 * more who goes, nobody would be left to sign the next epoch's link (seed 199). */
static bool is_off(const struct node *d)
{
	return d->liar.lies || d->far || d->seen.role == STANDING_OBSERVER;
}

/* A liar whose number is another's lies on; a new machine's clock is as far off as the one of before. */
static bool enough_honest(const struct sim *s, const struct bft_roster *next)
{
	uint32_t off = 0;
	for (uint32_t i = 0; i < s->n; i++)
		off += is_off(&s->node[i]) && (next->members & BFT_BIT(i)) != 0;
	return off <= roster_faults(next);
}

static void approve(struct sim *s, struct sim_change *c, const struct epoch_keys *k);

static bool wanted(struct sim *s, struct sim_change *c, const struct epoch_keys *k)
{
	struct bft_roster next = reconfigure_roster(&c->wish, k), now = epoch_roster_now(k);
	const char *why = reconfigure_check(&c->wish, k, s->scheme);
	if (why) {
		sim_trace(s, "a change that cannot be: %s", why);
		return false;
	}
	/* Alone it would wait for who comes; that is the operators' to bear, and nothing to see here. */
	return roster_count(&now) > 1 && enough_honest(s, &next);
}

void reconfigure_event(struct sim *s, const struct sim_event *e)
{
	struct node *d = newest(s);
	struct sim_change *c = &s->change;
	enum fault_class class = e->value == CHANGE_MODE ? FAULT_MODE : FAULT_MEMBERS;
	if (!d)
		return;
	const struct epoch_keys *k = &d->driver->chain->keys;
	if (c->open) { /* one after the other: who comes by the last one is not started yet, or somebody's word for it may have been lost */
		if (c->wish.epoch == k->epoch)
			approve(s, c, k);
		return;
	}
	*c = (struct sim_change){ .wish.epoch = k->epoch };
	if (e->value == CHANGE_MODE) {
		c->wish.kind = RECONFIGURE_MODE;
		c->wish.mode = epoch_roster_now(k).mode == BFT_MODE_BFT ? BFT_MODE_TRUSTED : BFT_MODE_BFT;
	} else {
		wish_members(s, c);
	}
	if (!wanted(s, c, k) || !fault(s, class, c->wish.kind == RECONFIGURE_MODE ? "organizations change the mode" : "organizations change the members"))
		return;
	c->open = true;
	approve(s, c, k);
}

static void on_answer(void *user, const struct quorate_answer *a)
{
	struct sim *s = user;
	sim_trace(s, "a change of the cluster: %s", a->error == QUORATE_OK ? "ordered" : a->reason);
}

/* Each organization by itself. */
static void approve(struct sim *s, struct sim_change *c, const struct epoch_keys *k)
{
	struct statement statement;
	reconfigure_statement(&statement, &c->wish, &s->cluster);
	for (uint32_t i = 0; i < s->n; i++) {
		struct sim_client *by = &s->client[rng_below(&s->rng, SIM_CLIENTS)];
		const struct bft_card *card = epoch_card(k, (uint8_t)i, k->epoch);
		struct reconfigure one = c->wish;
		struct signature signature;
		uint8_t word[RECONFIGURE_BYTES_MAX];
		if (!card || !by->open)
			continue;
		s->scheme->sign(&signature, &statement, &s->org_secret[i]);
		(void)reconfigure_add(&one, &card->org_key, &signature);
		size_t n = reconfigure_encode(&one, word, sizeof word);
		(void)client_session_reconfigure(by->session, word, (uint32_t)n, on_answer, s);
	}
	sim_at(s, (struct sim_event){ .at = s->now + 3000, .kind = SIM_RECONFIGURE, .value = c->wish.kind == RECONFIGURE_MODE ? CHANGE_MODE : CHANGE_MEMBERS });
}

/* ---- when it is in force ---- */

static void give_links(struct node *to, const struct node *from)
{
	if (to == from)
		return; /* the old one knew of its own end first */
	free(to->links);
	to->links = malloc(from->links_n ? from->links_n : 1);
	if (!to->links)
		abort();
	memcpy(to->links, from->links, from->links_n);
	to->links_n = from->links_n;
}

static void start_soon(struct sim *s, const struct node *d)
{
	sim_at(s, (struct sim_event){ .at = s->now + 50 + rng_below(&s->rng, 2000), .kind = SIM_START, .node = d->place });
}

/* A new replica where an old one was, or where none was. Its predecessor is stopped first: that one knows nothing of its own end. */
static void begin_anew(struct sim *s, struct node *d, const struct node *from)
{
	struct sim_change *c = &s->change;
	s->secret[d->id] = c->secret;
	s->org_secret[d->id] = c->org_secret;
	d->later_count = 0;
	give_links(d, from);
	start_soon(s, d);
}

static void replace(struct sim *s, struct node *d, const struct node *from)
{
	if (d->up)
		node_crash(d);
	disk_renew(d);
	begin_anew(s, d, from);
}

static void add(struct sim *s, const struct node *from)
{
	struct node *d = &s->node[s->n];
	s->places = ++s->n;
	d->id = (uint8_t)(s->n - 1);
	node_create(s, d->id);
	begin_anew(s, d, from);
}

static void leave(struct sim *s, struct node *d)
{
	d->left = true;
	sim_trace(s, "node %u is no member any more", d->id);
}

/* Somebody has the whole chain to the epoch that the change began: it can be given to others. */
void reconfigure_seen(struct node *d)
{
	struct sim *s = d->sim;
	struct sim_change *c = &s->change;
	bft_epoch began = c->wish.epoch + 1;
	if (!c->open || d->liar.lies || d->left || d->driver->chain->kept + 1 < began)
		return;
	const struct reconfigure_seat *seat = &c->wish.seat[0];
	const struct public_key *key = driver_key(d->driver, seat->member, began);
	struct bft_roster roster = driver_roster(d->driver, began), before = driver_roster(d->driver, c->wish.epoch);
	c->open = false;
	s->members = roster_count(&roster);
	s->bears = roster_faults(&roster);
	if (c->wish.kind == RECONFIGURE_MODE) {
		s->modes_changed += roster.mode != before.mode;
		return;
	}
	bool mine = seat->taken ? key && public_key_equal(key, &seat->card.member_key) : roster.members != before.members && !roster_has(&roster, seat->member);
	if (!mine)
		return; /* another change has ended that epoch */
	s->members_changed++;
	if (!seat->taken)
		leave(s, &s->node[seat->member]);
	else if (seat->member == s->n)
		add(s, d);
	else
		s->replacing = BFT_BIT(seat->member), s->links_from = d->id; /* not within its own wake-up */
}

void reconfigure_after(struct sim *s)
{
	if (!s->replacing)
		return;
	struct node *d = &s->node[__builtin_ctzll(s->replacing)];
	s->replacing = 0;
	replace(s, d, &s->node[s->links_from]);
}
