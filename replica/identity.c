#include "replica/identity.h"

#include "bft/epoch_link.h"
#include "crypto/keyfile.h"
#include "replica/epochs_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static enum quorate_error fail(char *reason, enum quorate_error error, const char *path, const char *sentence)
{
	if (reason)
		snprintf(reason, QUORATE_REASON_BYTES, "%.250s: %.250s", path, sentence);
	return error;
}

/* At most what a genesis can be, and one byte to notice more. */
static size_t read_file(const char *path, uint8_t *bytes, size_t capacity)
{
	FILE *f = fopen(path, "re");
	if (!f)
		return 0;
	size_t n = fread(bytes, 1, capacity, f);
	int error = ferror(f);
	fclose(f);
	return error ? 0 : n;
}

enum quorate_error identity_genesis(struct bft_genesis *out, struct digest *cluster, const char *path, char *reason)
{
	if (!path)
		return fail(reason, QUORATE_USAGE, "options", "no genesis is named");
	uint8_t *bytes = malloc(BFT_GENESIS_BYTES_MAX + 1);
	if (!bytes)
		return fail(reason, QUORATE_FAILED, path, "no memory");
	errno = 0;
	size_t n = read_file(path, bytes, BFT_GENESIS_BYTES_MAX + 1);
	const char *why = n ? genesis_decode(out, bytes, n) : errno ? strerror(errno) : "it is empty";
	enum quorate_error error = QUORATE_CONFIG;
	if (!why) {
		genesis_digest(cluster, bytes, n);
		why = strcmp(out->scheme, sign_ed25519.name) == 0 ? genesis_check(out, &sign_ed25519)
		                                                  : "it names a signature scheme that this release does not have";
		error = why ? QUORATE_VERIFICATION : QUORATE_OK;
	}
	free(bytes);
	return why ? fail(reason, error, path, why) : QUORATE_OK;
}

static enum quorate_error read_key(const char *path, const char *what, const char *passphrase, struct secret_key *sk, struct public_key *pk, char *reason)
{
	if (!path)
		return fail(reason, QUORATE_USAGE, what, "no key is named");
	errno = 0;
	enum keyfile_result r = keyfile_read(path, sk, pk, passphrase);
	if (r == KEYFILE_OK)
		return QUORATE_OK;
	return fail(reason, QUORATE_CONFIG, path, r == KEYFILE_UNREADABLE && errno ? strerror(errno) : keyfile_text(r));
}

bool identity_key_path(char out[IDENTITY_PATH_BYTES], const char *member_key, const struct public_key *key)
{
	int n = snprintf(out, IDENTITY_PATH_BYTES, "%s.%02x%02x%02x%02x", member_key, key->b[0], key->b[1], key->b[2], key->b[3]);
	return n > 0 && (size_t)n < IDENTITY_PATH_BYTES;
}

static bool is_in(const char *path, const struct quorate_options *o, const struct public_key *key, struct secret_key *out)
{
	struct public_key found;
	if (keyfile_read(path, out, &found, o->passphrase) == KEYFILE_OK && public_key_equal(&found, key))
		return true;
	sign_wipe(out);
	return false;
}

bool identity_secret(const struct quorate_options *o, const struct public_key *key, struct secret_key *out)
{
	char beside[IDENTITY_PATH_BYTES];
	if (!o->member_key)
		return false;
	return is_in(o->member_key, o, key, out) || (identity_key_path(beside, o->member_key, key) && is_in(beside, o, key, out));
}

/* It may be gone: after a change of the key only the new one is needed. */
static enum quorate_error read_member_key(struct identity *out, const struct quorate_options *o, char *reason)
{
	enum quorate_error error = read_key(o->member_key, "member_key", o->passphrase, &out->secret, &out->key, reason);
	out->has_key = error == QUORATE_OK;
	return error == QUORATE_CONFIG && errno == ENOENT ? QUORATE_OK : error;
}

static bool in_genesis(struct identity *out, const struct public_key *tls)
{
	const struct bft_genesis *g = &out->genesis;
	for (uint32_t i = 0; i < g->count; i++) {
		if (!public_key_equal(&g->cards[i].tls_key, tls))
			continue;
		out->self = (uint8_t)i;
		out->card = g->cards[i];
		return true;
	}
	return false;
}

/* Bytes of the chain of epochs. NULL: there is none, or no memory. */
static uint8_t *read_chain(const struct quorate_options *o, size_t *n)
{
	uint8_t *bytes = NULL;
	if (!o->epochs)
		return o->data && epochs_file_read(o->data, &bytes, n) ? bytes : NULL;
	bytes = malloc(EPOCHS_FILE_BYTES_MAX);
	*n = bytes ? read_file(o->epochs, bytes, EPOCHS_FILE_BYTES_MAX) : 0;
	return bytes;
}

/* As far as the chain is good. */
static bool in_chain(struct identity *out, const struct quorate_options *o, const struct public_key *tls)
{
	struct epoch_keys *k = malloc(sizeof *k);
	size_t n = 0, used;
	uint8_t *bytes = k ? read_chain(o, &n) : NULL;
	bool found = false;
	if (bytes) {
		epoch_keys_init(k, &out->genesis);
		(void)epoch_links_follow(k, bytes, n, UINT64_MAX, &sign_ed25519, &out->cluster, &used);
	}
	for (uint32_t i = 0; bytes && i < BFT_MEMBERS_MAX && !found; i++) {
		const struct bft_card *card = epoch_card(k, (uint8_t)i, k->epoch);
		found = card && public_key_equal(&card->tls_key, tls);
		if (found) {
			out->self = (uint8_t)i;
			out->card = *card;
		}
	}
	free(bytes);
	free(k);
	return found;
}

/* The member key may be a later one, but not another's. */
static enum quorate_error find_self(struct identity *out, const struct quorate_options *o, const struct public_key *tls, char *reason)
{
	struct keyring keys;
	genesis_keyring(&keys, &out->genesis);
	int member = out->has_key ? keyring_find(&keys, &out->key) : -1;
	bool found = in_genesis(out, tls);
	if (!found && member >= 0)
		return fail(reason, QUORATE_CONFIG, o->tls_key, "it is not the TLS key of this member's card");
	if (found && member >= 0 && member != out->self)
		return fail(reason, QUORATE_CONFIG, o->member_key, "it is another member's key than the TLS key's");
	if (found || in_chain(out, o, tls))
		return QUORATE_OK;
	return fail(reason, QUORATE_CONFIG, o->member_key,
	            "no member of the genesis has this key; if it came later, 'quorate format --epochs' takes the chain of epochs that says so");
}

enum quorate_error identity_read(struct identity *out, const struct quorate_options *o, char *reason)
{
	struct public_key tls;
	if (!sign_self_test())
		return fail(reason, QUORATE_VERIFICATION, "libsodium", "this library verifies signatures by another rule than the genesis names");
	enum quorate_error error = identity_genesis(&out->genesis, &out->cluster, o->genesis, reason);
	if (error == QUORATE_OK)
		error = read_member_key(out, o, reason);
	if (error == QUORATE_OK)
		error = read_key(o->tls_key, "tls_key", o->passphrase, &out->tls_secret, &tls, reason);
	return error == QUORATE_OK ? find_self(out, o, &tls, reason) : error;
}
