/* The genesis: built by everybody alone from the same cards, and shown. */
#include "quorate_setup.h"
#include "replica/identity.h"
#include "replica/setup_file.h"

#include "bft/quorum.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum quorate_error setup_read_card(struct bft_card *card, const char *path, char *reason)
{
	char *text;
	size_t n;
	enum quorate_error error = setup_read(&text, &n, path, BFT_CARD_TEXT_BYTES_MAX, reason);
	if (error != QUORATE_OK)
		return error;
	bool parsed = card_parse(card, text, n);
	free(text);
	if (!parsed)
		return setup_fail(reason, QUORATE_CONFIG, path, "it is not a card, or it was changed");
	const char *why = card_check(card, &sign_ed25519);
	return why ? setup_fail(reason, QUORATE_VERIFICATION, path, why) : QUORATE_OK;
}

static enum quorate_error gather(struct bft_genesis *g, const char *const *cards, uint32_t count, enum quorate_mode mode, char *reason)
{
	g->mode = mode == QUORATE_TRUSTED ? BFT_MODE_TRUSTED : BFT_MODE_BFT;
	snprintf(g->scheme, sizeof g->scheme, "%s", sign_ed25519.name);
	genesis_limits_default(&g->limits);
	for (uint32_t i = 0; i < count; i++) {
		enum quorate_error error = setup_read_card(&g->cards[i], cards[i], reason);
		if (error != QUORATE_OK)
			return error;
	}
	g->count = count;
	genesis_sort(g);
	const char *why = genesis_check(g, &sign_ed25519);
	return why ? setup_fail(reason, QUORATE_CONFIG, "genesis", why) : QUORATE_OK;
}

static enum quorate_error write_genesis(const struct bft_genesis *g, const char *out, char digest_hex[QUORATE_HEX_BYTES], char *reason)
{
	uint8_t *bytes = malloc(BFT_GENESIS_BYTES_MAX);
	if (!bytes)
		return setup_fail(reason, QUORATE_FAILED, out, "no memory");
	struct digest digest;
	size_t n = genesis_encode(bytes, BFT_GENESIS_BYTES_MAX, g);
	enum quorate_error error = setup_write(out, bytes, n, reason);
	if (error == QUORATE_OK) {
		genesis_digest(&digest, bytes, n);
		hex_format(digest_hex, digest.b, sizeof digest.b);
	}
	free(bytes);
	return error;
}

enum quorate_error quorate_genesis_build(const char *const *cards, uint32_t count, enum quorate_mode mode, const char *out, char digest_hex[QUORATE_HEX_BYTES],
                                         char *reason)
{
	if (!out)
		return setup_fail(reason, QUORATE_USAGE, "genesis", "no file to write is named");
	if (count == 0 || count > BFT_MEMBERS_MAX)
		return setup_fail(reason, QUORATE_USAGE, "genesis", "a cluster has at most 64 members, and one card for each");
	if (!sign_self_test())
		return setup_fail(reason, QUORATE_VERIFICATION, "libsodium", "its signatures fail their test vectors");
	struct bft_genesis *g = calloc(1, sizeof *g);
	if (!g)
		return setup_fail(reason, QUORATE_FAILED, "genesis", "no memory");
	enum quorate_error error = gather(g, cards, count, mode, reason);
	if (error == QUORATE_OK)
		error = write_genesis(g, out, digest_hex, reason);
	free(g);
	return error;
}

static void show(struct quorate_genesis_info *out, const struct bft_genesis *g, const struct digest *cluster)
{
	memset(out, 0, sizeof *out);
	hex_format(out->digest, cluster->b, sizeof cluster->b);
	out->mode = (uint8_t)g->mode;
	out->members = g->count;
	out->faults = quorum_faults_of(g->mode, g->count);
	out->quorum = quorum_of(g->mode, g->count);
	for (uint32_t i = 0; i < g->count; i++) {
		struct quorate_member_info *m = &out->member[i];
		snprintf(m->org, sizeof m->org, "%s", g->cards[i].org);
		snprintf(m->address, sizeof m->address, "%s", g->cards[i].addresses[0]);
		hex_format(m->member_key, g->cards[i].member_key.b, PUBLIC_KEY_BYTES);
	}
}

enum quorate_error quorate_genesis_show(const char *path, struct quorate_genesis_info *out, char *reason)
{
	struct digest cluster;
	if (!sign_self_test())
		return setup_fail(reason, QUORATE_VERIFICATION, "libsodium", "its signatures fail their test vectors");
	struct bft_genesis *g = calloc(1, sizeof *g);
	if (!g)
		return setup_fail(reason, QUORATE_FAILED, "genesis", "no memory");
	enum quorate_error error = identity_genesis(g, &cluster, path, reason);
	if (error == QUORATE_OK)
		show(out, g, &cluster);
	free(g);
	return error;
}
