/* Keys and cards: what a member makes for itself before there is a cluster. */
#include "quorate_setup.h"
#include "replica/setup_file.h"

#include "bft/card.h"

#include <stdio.h>
#include <string.h>

_Static_assert(QUORATE_HEX_BYTES == 2 * PUBLIC_KEY_BYTES + 1 && QUORATE_HEX_BYTES == 2 * DIGEST_BYTES + 1, "keys and digests fit");

enum quorate_error quorate_key_new(const char *path, const char *passphrase, char public_hex[QUORATE_HEX_BYTES], char *reason)
{
	struct public_key pk;
	if (!path)
		return setup_fail(reason, QUORATE_USAGE, "key", "no file is named");
	enum quorate_error error = setup_new_key(path, passphrase, &pk, reason);
	if (error == QUORATE_OK)
		hex_format(public_hex, pk.b, sizeof pk.b);
	return error;
}

enum quorate_error quorate_key_show(const char *path, const char *passphrase, char public_hex[QUORATE_HEX_BYTES], char *reason)
{
	struct secret_key sk;
	struct public_key pk;
	if (!path)
		return setup_fail(reason, QUORATE_USAGE, "key", "no file is named");
	enum quorate_error error = setup_read_key(path, passphrase, &sk, &pk, reason);
	if (error == QUORATE_OK)
		hex_format(public_hex, pk.b, sizeof pk.b);
	sign_wipe(&sk);
	return error;
}

/* ---- cards ---- */

struct card_keys {
	struct secret_key org, member, tls;
};

static void wipe(struct card_keys *keys)
{
	sign_wipe(&keys->org);
	sign_wipe(&keys->member);
	sign_wipe(&keys->tls);
}

/* What needs no key; judged before any file is opened. */
static const char *fill_fields(struct bft_card *card, const struct quorate_card_options *o)
{
	const char *why = o->org ? card_org_check(o->org) : "no organization is named";
	if (why)
		return why;
	if (o->addresses_count < 1 || o->addresses_count > BFT_ADDRESSES_MAX)
		return "a card names one to four addresses";
	snprintf(card->org, sizeof card->org, "%s", o->org);
	card->addresses_count = (uint8_t)o->addresses_count;
	for (uint32_t i = 0; i < o->addresses_count; i++) {
		why = card_address_check(o->addresses[i]);
		if (why)
			return why;
		snprintf(card->addresses[i], sizeof card->addresses[i], "%s", o->addresses[i]);
	}
	return NULL;
}

static enum quorate_error read_keys(struct card_keys *keys, struct bft_card *card, const struct quorate_card_options *o, char *reason)
{
	if (!o->org_key || !o->member_key || !o->tls_key)
		return setup_fail(reason, QUORATE_USAGE, "card", "it needs the organization's key, the member's key and the TLS key");
	enum quorate_error error = setup_read_key(o->org_key, o->passphrase, &keys->org, &card->org_key, reason);
	if (error == QUORATE_OK)
		error = setup_read_key(o->member_key, o->passphrase, &keys->member, &card->member_key, reason);
	if (error == QUORATE_OK)
		error = setup_read_key(o->tls_key, o->passphrase, &keys->tls, &card->tls_key, reason);
	return error;
}

static const char *sign_card(struct bft_card *card, const struct card_keys *keys)
{
	struct statement statement;
	const char *why = card_fields_check(card);
	if (why)
		return why;
	card_statement(&statement, card, DOMAIN_CARD_ORG);
	sign_ed25519.sign(&card->org_signature, &statement, &keys->org);
	card_statement(&statement, card, DOMAIN_CARD_MEMBER);
	sign_ed25519.sign(&card->member_signature, &statement, &keys->member);
	return card_check(card, &sign_ed25519);
}

enum quorate_error quorate_card_new(const struct quorate_card_options *options, char *reason)
{
	struct card_keys keys;
	struct bft_card card;
	char text[BFT_CARD_TEXT_BYTES_MAX];
	memset(&keys, 0, sizeof keys);
	memset(&card, 0, sizeof card);
	if (!options->out)
		return setup_fail(reason, QUORATE_USAGE, "card", "no file to write is named");
	const char *why = fill_fields(&card, options);
	if (why)
		return setup_fail(reason, QUORATE_USAGE, "card", why);
	enum quorate_error error = read_keys(&keys, &card, options, reason);
	if (error == QUORATE_OK) {
		why = sign_card(&card, &keys);
		size_t n = why ? 0 : card_format(text, sizeof text, &card);
		error = n ? setup_write(options->out, text, n, reason) : setup_fail(reason, QUORATE_CONFIG, "card", why ? why : "it does not fit");
	}
	wipe(&keys);
	return error;
}
