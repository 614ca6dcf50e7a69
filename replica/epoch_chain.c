#include "replica/driver_state.h"

#include <stdlib.h>
#include <string.h>

bool links_create(struct driver *d)
{
	d->chain = calloc(1, sizeof *d->chain);
	if (d->chain) {
		epoch_keys_init(&d->chain->keys, d->genesis);
		d->chain->wait_ms = CHAIN_MS;
	}
	return d->chain != NULL;
}

void links_destroy(struct driver *d)
{
	for (size_t i = 0; d->chain && i < d->chain->count; i++) {
		free(d->chain->at[i].whole);
		free(d->chain->at[i].partial);
	}
	if (d->chain)
		free(d->chain->at);
	free(d->chain);
}

static struct epoch_place *place_of(struct driver *d, bft_epoch epoch)
{
	return epoch >= 2 && epoch - 2 < d->chain->count ? &d->chain->at[epoch - 2] : NULL;
}

/* ---- the links ---- */

static struct epoch_place *add_place(struct driver *d)
{
	struct epoch_chain *c = d->chain;
	if (!driver_grow(&c->at, &c->capacity, c->count + 1, sizeof *c->at)) {
		driver_stop(d, "no memory for the chain of epochs");
		return NULL;
	}
	c->at[c->count] = (struct epoch_place){ 0 };
	return &c->at[c->count++];
}

/* In their order, so that the file is a chain from the genesis on. */
static void keep_in_order(struct driver *d)
{
	struct epoch_chain *c = d->chain;
	for (; c->kept < c->count && c->at[c->kept].whole; c->kept++)
		if (d->options.env.keep_link)
			d->options.env.keep_link(d->options.env.user, c->at[c->kept].whole, c->at[c->kept].n);
}

static void put_whole(struct driver *d, struct epoch_place *place, const struct epoch_link *link)
{
	uint8_t bytes[EPOCH_LINK_BYTES_MAX];
	size_t n = epoch_link_encode(link, bytes, sizeof bytes);
	uint8_t *copy = malloc(n);
	if (!n || !copy) {
		free(copy);
		return; /* it stays partial: asked for again */
	}
	place->whole = memcpy(copy, bytes, n);
	place->n = n;
	free(place->partial);
	place->partial = NULL;
	keep_in_order(d);
}

/* Something has come, or somebody. */
static void ask_soon(struct driver *d)
{
	d->chain->wait_ms = CHAIN_MS;
	d->chain->ask_ms = d->mono_ms;
}

static bool may_sign(const struct driver *d, const struct epoch_record *r)
{
	struct bft_roster before = driver_roster(d, r->epoch - 1);
	return !d->lost && roster_has(&before, d->self) && epoch_record_signer(r, d->self);
}

/* How many members of the epoch before must have signed a link. */
static uint32_t weak_before(const struct driver *d, bft_epoch epoch)
{
	struct bft_roster before = driver_roster(d, epoch - 1);
	return roster_weak(&before);
}

/* A link of which the record is known, from the executed state. */
static void begin_link(struct driver *d, struct epoch_place *place, const struct epoch_record *record)
{
	place->partial = calloc(1, sizeof *place->partial);
	if (!place->partial)
		return;
	place->partial->record = *record;
	ask_soon(d);
}

/* I sign it too; where one signature is enough, it is whole by that. */
static void sign_link(struct driver *d, struct epoch_place *place)
{
	struct epoch_link *mine = place->partial;
	struct statement s;
	struct signature signature;
	if (!mine || !may_sign(d, &mine->record))
		return;
	epoch_record_statement(&s, &mine->record, &d->cluster);
	if (driver_sign(d, mine->record.epoch, &s, &signature))
		epoch_link_add(mine, d->self, &signature);
	if (mine->count >= weak_before(d, mine->record.epoch))
		put_whole(d, place, mine);
}

static void tell_keys(struct driver *d)
{
	const struct public_key *mine = driver_member_key(d, d->self);
	d->key_missing = mine && !driver_has_secret(d, mine);
	epoch_width(d);
	if (d->options.env.keys_changed)
		d->options.env.keys_changed(d->options.env.user);
}

/* The record of an epoch is in the executed state: it is known, whether or not anybody has shown a link. */
static bool enter(struct driver *d, bft_epoch epoch)
{
	struct epoch_record record;
	struct epoch_chain *c = d->chain;
	struct epoch_place *place = place_of(d, epoch);
	if (place && (place->whole || place->partial))
		return true;
	if (epochs_record(&record, d->options.state, epoch) != STATE_OK)
		return false;
	if (!place)
		place = add_place(d);
	if (!place)
		return false;
	if (record.epoch > c->keys.epoch)
		epoch_change_apply(&record.change, &c->keys, record.base);
	begin_link(d, place, &record);
	return true;
}

/* Not before the core has: a member that executes the border first would show a key that the others, who need its votes to come there, do not know. */
void links_entered(struct driver *d)
{
	bft_epoch before = d->chain->keys.epoch, epoch = 2;
	while (epoch <= d->epoch && enter(d, epoch))
		epoch++;
	if (d->chain->keys.epoch > before)
		tell_keys(d);
}

void links_sign(struct driver *d)
{
	for (size_t i = d->chain->kept; i < d->chain->count; i++)
		sign_link(d, &d->chain->at[i]);
}

/* The state has crossed a border: what it knows may be shown to us already (driver_next_key). */
void links_executed(struct driver *d)
{
	d->executed_epoch = execution_epochs(d->execution)->epoch;
	if (d->options.env.keys_changed)
		d->options.env.keys_changed(d->options.env.user);
}

static void follow(struct driver *d, const struct epoch_link *link)
{
	struct epoch_place *place = add_place(d);
	if (!place)
		return;
	epoch_link_follow(link, &d->chain->keys);
	put_whole(d, place, link);
}

bool driver_epochs(struct driver *d, const uint8_t *bytes, size_t n, size_t *used)
{
	struct epoch_link link;
	struct rd r = rd_of(bytes, n);
	*used = 0;
	while (!rd_done(&r) && epoch_link_read(&r, &link) && !epoch_link_check(&link, &d->chain->keys, d->options.scheme, &d->cluster)) {
		d->chain->kept++; /* before put_whole: it is in the file */
		follow(d, &link);
		*used = n - rd_left(&r);
	}
	epoch_width(d); /* they may have made members of numbers that the genesis has not */
	return *used == n;
}

bool links_within(const struct driver *d, bft_epoch epoch, bft_seq seq)
{
	const struct epoch_keys *keys = &d->chain->keys;
	return epoch >= keys->epoch || seq <= keys->base;
}

/* With as many signatures as there are: it is known to be true, by them or by the state. */
static bool link_at(const struct epoch_place *place, struct epoch_link *out)
{
	struct rd r = rd_of(place->whole, place->n);
	if (place->partial)
		*out = *place->partial;
	return place->partial || (place->whole && epoch_link_read(&r, out));
}

bool links_let_in(const struct driver *d, bft_epoch epoch, uint64_t incarnation)
{
	const struct epoch_chain *c = d->chain;
	for (bft_epoch e = epoch < c->count + 1 ? epoch : c->count + 1; e >= 2; e--) {
		struct epoch_link link;
		if (!link_at(&c->at[e - 2], &link))
			return false;
		const struct epoch_change *change = &link.record.change;
		if (change->kind == BUNDLE_READMIT && change->readmit.member == d->self)
			return change->readmit.incarnation == incarnation;
	}
	return false;
}

/* ---- asking ---- */

static bool send(struct driver *d, uint8_t member, uint16_t type, const uint8_t *body, size_t n)
{
	uint8_t frame[BFT_FRAME_HEAD_BYTES + EPOCH_LINK_BYTES_MAX];
	struct bft_envelope e = { .signer = BFT_SIGNER_CHANNEL, .type = type, .epoch = d->epoch };
	struct wr w = wr_of(frame, sizeof frame);
	envelope_write(&w, &e);
	wr_bytes(&w, body, n);
	size_t total = wr_done(&w);
	BFT_CHECK(total);
	if (d->options.env.send_chain)
		return d->options.env.send_chain(d->options.env.user, member, frame, total);
	return d->options.env.send(d->options.env.user, member, NET_STATUS, frame, total, NULL, 0);
}

static void ask(struct driver *d, uint8_t member, bft_epoch epoch)
{
	uint8_t body[8];
	struct wr w = wr_of(body, sizeof body);
	wr_u64(&w, epoch);
	if (send(d, member, BFT_WIRE_FETCH_EPOCH, body, wr_done(&w)))
		d->chain->asked |= BFT_BIT(member);
}

/* The lowest that lacks signatures; 0: none does. */
static bft_epoch lowest_partial(const struct driver *d)
{
	for (size_t i = d->chain->kept; i < d->chain->count; i++)
		if (d->chain->at[i].partial)
			return i + 2;
	return 0;
}

/* Who speaks in a later epoch than is known here, or with a key that is not: he may have the next link. */
static bft_mask those_ahead(const struct driver *d)
{
	bft_mask m = d->chain->strangers;
	for (uint8_t i = 0; i < d->n; i++)
		m |= d->member[i].up && d->member[i].epoch > d->chain->keys.epoch ? BFT_BIT(i) : 0;
	return m & ~BFT_BIT(d->self);
}

static bft_mask those_linked(const struct driver *d)
{
	bft_mask m = 0;
	for (uint8_t i = 0; i < d->n; i++)
		m |= d->member[i].up && i != d->self ? BFT_BIT(i) : 0;
	return m;
}

static void ask_next(struct driver *d, uint8_t *last, bft_mask whom, bft_epoch epoch)
{
	for (uint32_t k = 1; k <= d->n; k++) {
		uint8_t i = (uint8_t)((*last + k) % d->n);
		if (!(whom & BFT_BIT(i)))
			continue;
		*last = i;
		ask(d, i, epoch);
		return;
	}
}

/* One question at a time, however many claim to be ahead. The two go round apart: or whoever claims that, alone, would have all signatures asked of the one after it. */
void links_tick(struct driver *d)
{
	struct epoch_chain *c = d->chain;
	if (d->mono_ms < c->ask_ms)
		return;
	bft_mask ahead = those_ahead(d);
	bft_epoch partial = lowest_partial(d);
	if (ahead)
		ask_next(d, &c->last_ahead, ahead, c->keys.epoch + 1);
	if (partial)
		ask_next(d, &c->last_linked, those_linked(d), partial);
	c->ask_ms = ahead || partial ? d->mono_ms + c->wait_ms : 0;
	c->wait_ms = !ahead && !partial ? CHAIN_MS : c->wait_ms * 2 < CHAIN_MS_MAX ? c->wait_ms * 2 : CHAIN_MS_MAX;
}

uint64_t links_deadline(const struct driver *d)
{
	return those_ahead(d) || lowest_partial(d) ? d->chain->ask_ms : UINT64_MAX;
}

void links_stranger(struct driver *d, uint8_t member, bool up)
{
	bool was = d->chain->strangers & BFT_BIT(member);
	if (up)
		d->chain->strangers |= BFT_BIT(member);
	else
		d->chain->strangers &= ~BFT_BIT(member);
	if (up && !was)
		ask_soon(d);
}

/* ---- answering ---- */

static const struct epoch_place *wanted(struct driver *d, const uint8_t *body, size_t n)
{
	struct rd r = rd_of(body, n);
	bft_epoch epoch;
	return rd_u64(&r, &epoch) && rd_done(&r) ? place_of(d, epoch) : NULL;
}

void links_serve(struct driver *d, uint8_t member, const uint8_t *body, size_t n)
{
	uint8_t bytes[EPOCH_LINK_BYTES_MAX];
	const struct epoch_place *place = wanted(d, body, n);
	if (!place || !fetch_may_serve(d, member, EPOCH_LINK_BYTES_MAX))
		return;
	if (place->whole)
		send(d, member, BFT_WIRE_EPOCH, place->whole, place->n);
	else if (place->partial && place->partial->count)
		send(d, member, BFT_WIRE_EPOCH, bytes, epoch_link_encode(place->partial, bytes, sizeof bytes));
}

void links_serve_client(struct driver *d, driver_link link, const uint8_t *body, size_t n)
{
	uint8_t head[BFT_FRAME_HEAD_BYTES];
	struct bft_envelope e = { .signer = BFT_SIGNER_CHANNEL, .type = BFT_WIRE_EPOCH, .epoch = d->epoch };
	const struct epoch_place *place = wanted(d, body, n);
	if (!place || !place->whole)
		return;
	struct wr w = wr_of(head, sizeof head);
	envelope_write(&w, &e);
	d->options.env.send_client(d->options.env.user, link, head, wr_done(&w), place->whole, place->n);
}

/* ---- what is shown ---- */

/* The next one, that was not known. It proves itself, or it is nothing. */
static void take_next(struct driver *d, uint8_t member, const struct epoch_link *link)
{
	const char *why = epoch_link_check(link, &d->chain->keys, d->options.scheme, &d->cluster);
	if (why)
		return; /* an honest one may lack signatures yet; a false one costs as many checks as questions were asked */
	follow(d, link);
	driver_note(d, QUORATE_LEVEL_INFO, "epoch %llu is known", (unsigned long long)d->chain->keys.epoch);
	tell_keys(d);
	if (d->chain->keys.epoch == d->epoch && !d->waits_for_chain)
		epoch_order(d);
	epoch_known(d);
	epoch_count(d);
	ask(d, member, d->chain->keys.epoch + 1);
}

/* Signatures for one that was executed here. */
static void gather(struct driver *d, struct epoch_place *place, const struct epoch_link *link)
{
	struct epoch_link *mine = place->partial;
	struct statement s;
	uint8_t before = mine->count;
	if (!epoch_record_equal(&mine->record, &link->record))
		return;
	epoch_record_statement(&s, &mine->record, &d->cluster);
	for (uint8_t i = 0; i < link->count && mine->count < weak_before(d, mine->record.epoch); i++) {
		const struct epoch_signer *by = &link->by[i];
		const struct public_key *key = epoch_key(&d->chain->keys, by->member, mine->record.epoch);
		if (key && epoch_record_signer(&mine->record, by->member) && verify_pool_now(d->pool, key, &s, &by->signature))
			epoch_link_add(mine, by->member, &by->signature);
	}
	if (mine->count >= weak_before(d, mine->record.epoch))
		put_whole(d, place, mine);
	else if (mine->count > before)
		ask_soon(d);
}

void links_take(struct driver *d, uint8_t member, const uint8_t *body, size_t n)
{
	struct rd r = rd_of(body, n);
	struct epoch_link link;
	if (!(d->chain->asked & BFT_BIT(member)))
		return;
	d->chain->asked &= ~BFT_BIT(member);
	if (!epoch_link_read(&r, &link) || !rd_done(&r))
		return;
	struct epoch_place *place = place_of(d, link.record.epoch);
	if (link.record.epoch == d->chain->keys.epoch + 1)
		take_next(d, member, &link);
	else if (place && place->partial)
		gather(d, place, &link);
}
