#include "bft/epoch_keys.h"

#include "bft/check.h"
#include "bft/order.h"

void epoch_keys_init(struct epoch_keys *k, const struct bft_genesis *genesis)
{
	memset(k, 0, sizeof *k);
	k->genesis = genesis;
	k->epoch = 1;
}

const struct public_key *epoch_key(const struct epoch_keys *k, uint8_t member, bft_epoch epoch)
{
	if (member >= k->genesis->count || epoch == 0 || epoch > k->epoch)
		return NULL;
	for (uint16_t at = k->last[member]; at; at = k->change[at - 1].before)
		if (k->change[at - 1].from <= epoch)
			return &k->change[at - 1].key;
	return &k->genesis->cards[member].member_key;
}

bft_mask epoch_passed(const struct epoch_keys *k, bft_epoch epoch)
{
	for (uint16_t at = epoch <= k->epoch ? k->orders : 0; at; at--)
		if (k->order[at - 1].from <= epoch)
			return k->order[at - 1].passed;
	return 0;
}

bool epoch_keys_used(const struct epoch_keys *k, const struct public_key *key)
{
	for (uint32_t i = 0; i < k->genesis->count; i++) {
		const struct bft_card *card = &k->genesis->cards[i];
		if (public_key_equal(key, &card->member_key) || public_key_equal(key, &card->tls_key) || public_key_equal(key, &card->org_key))
			return true;
	}
	for (uint16_t i = 0; i < k->count; i++)
		if (public_key_equal(key, &k->change[i].key))
			return true;
	return false;
}

void epoch_keys_next(struct epoch_keys *k, bft_seq base)
{
	k->epoch++;
	k->base = base;
}

void epoch_keys_rotate(struct epoch_keys *k, bft_seq base, uint8_t member, const struct public_key *key)
{
	BFT_CHECK(member < k->genesis->count);
	BFT_CHECK(k->count < EPOCH_CHANGES_MAX);
	epoch_keys_next(k, base);
	k->change[k->count] = (struct epoch_key_change){ .from = k->epoch, .key = *key, .member = member, .before = k->last[member] };
	k->last[member] = ++k->count;
}

void epoch_keys_pass(struct epoch_keys *k, bft_seq base, uint8_t member)
{
	bft_mask passed = epoch_passed(k, k->epoch);
	BFT_CHECK(member < k->genesis->count);
	BFT_CHECK(k->orders < EPOCH_ORDERS_MAX);
	epoch_keys_next(k, base);
	k->order[k->orders++] = (struct epoch_order){ .from = k->epoch, .passed = order_pass(passed, member, k->genesis->count) };
}
