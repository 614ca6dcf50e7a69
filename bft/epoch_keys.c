#include "bft/epoch_keys.h"

#include "bft/check.h"

void epoch_keys_init(struct epoch_keys *k, const struct bft_genesis *genesis)
{
	k->base = 0;
	k->count = k->rosters = k->cards = 0;
	memset(k->last, 0, sizeof k->last);
	memset(k->last_card, 0, sizeof k->last_card);
	k->genesis = genesis;
	k->epoch = 1;
}

/* ---- asking ---- */

struct bft_roster epoch_roster(const struct epoch_keys *k, bft_epoch epoch)
{
	if (epoch == 0 || epoch > k->epoch)
		return (struct bft_roster){ .mode = k->genesis->mode };
	for (uint16_t at = k->rosters; at; at--)
		if (k->roster[at - 1].from <= epoch)
			return k->roster[at - 1].is;
	return roster_of(k->genesis->mode, k->genesis->count);
}

struct bft_roster epoch_roster_now(const struct epoch_keys *k)
{
	return epoch_roster(k, k->epoch);
}

static bool is_member(const struct epoch_keys *k, uint8_t member, bft_epoch epoch)
{
	struct bft_roster r = epoch_roster(k, epoch);
	return roster_has(&r, member);
}

const struct public_key *epoch_key(const struct epoch_keys *k, uint8_t member, bft_epoch epoch)
{
	if (!is_member(k, member, epoch))
		return NULL;
	for (uint16_t at = k->last[member]; at; at = k->change[at - 1].before)
		if (k->change[at - 1].from <= epoch)
			return &k->change[at - 1].key;
	return &k->genesis->cards[member].member_key;
}

static const struct bft_card *card_at(const struct epoch_keys *k, uint8_t member, bft_epoch epoch)
{
	for (uint16_t at = member < BFT_MEMBERS_MAX ? k->last_card[member] : 0; at; at = k->card[at - 1].before)
		if (k->card[at - 1].from <= epoch)
			return &k->card[at - 1].card;
	return member < k->genesis->count ? &k->genesis->cards[member] : NULL;
}

const struct bft_card *epoch_card(const struct epoch_keys *k, uint8_t member, bft_epoch epoch)
{
	return is_member(k, member, epoch) ? card_at(k, member, epoch) : NULL;
}

const struct bft_card *epoch_card_last(const struct epoch_keys *k, uint8_t member)
{
	return card_at(k, member, k->epoch);
}

static bool on_card(const struct bft_card *card, const struct public_key *key)
{
	return public_key_equal(key, &card->member_key) || public_key_equal(key, &card->tls_key) || public_key_equal(key, &card->org_key);
}

bool epoch_keys_used(const struct epoch_keys *k, const struct public_key *key)
{
	for (uint32_t i = 0; i < k->genesis->count; i++)
		if (on_card(&k->genesis->cards[i], key))
			return true;
	for (uint16_t i = 0; i < k->cards; i++)
		if (on_card(&k->card[i].card, key))
			return true;
	for (uint16_t i = 0; i < k->count; i++)
		if (public_key_equal(key, &k->change[i].key))
			return true;
	return false;
}

/* ---- changing ---- */

void epoch_keys_next(struct epoch_keys *k, bft_seq base)
{
	k->epoch++;
	k->base = base;
}

static void change_key(struct epoch_keys *k, uint8_t member, const struct public_key *key)
{
	BFT_CHECK(k->count < EPOCH_CHANGES_MAX);
	k->change[k->count] = (struct epoch_key_change){ .from = k->epoch, .key = *key, .member = member, .before = k->last[member] };
	k->last[member] = ++k->count;
}

void epoch_keys_rotate(struct epoch_keys *k, bft_seq base, uint8_t member, const struct public_key *key)
{
	BFT_CHECK(is_member(k, member, k->epoch));
	epoch_keys_next(k, base);
	change_key(k, member, key);
}

void epoch_keys_roster(struct epoch_keys *k, const struct bft_roster *roster)
{
	BFT_CHECK(k->rosters < EPOCH_ROSTERS_MAX && roster->members);
	k->roster[k->rosters++] = (struct epoch_roster){ .from = k->epoch, .is = *roster };
}

void epoch_keys_pass(struct epoch_keys *k, bft_seq base, uint8_t member)
{
	struct bft_roster r = epoch_roster_now(k);
	BFT_CHECK(roster_has(&r, member));
	r.passed = order_pass(r.passed, member, roster_count(&r));
	epoch_keys_next(k, base);
	epoch_keys_roster(k, &r);
}

bool epoch_keys_room(const struct epoch_keys *k, uint32_t cards)
{
	return k->rosters < EPOCH_ROSTERS_MAX && k->cards + cards <= EPOCH_CARDS_MAX && k->count + cards <= EPOCH_CHANGES_MAX;
}

void epoch_keys_seat(struct epoch_keys *k, uint8_t member, const struct bft_card *card)
{
	BFT_CHECK(member < BFT_MEMBERS_MAX && k->cards < EPOCH_CARDS_MAX);
	k->card[k->cards] = (struct epoch_card){ .from = k->epoch, .member = member, .before = k->last_card[member], .card = *card };
	k->last_card[member] = ++k->cards;
	change_key(k, member, &card->member_key);
}
