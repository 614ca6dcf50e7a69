#include "replica/identity.h"

#include "crypto/keyfile.h"

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

enum quorate_error identity_read(struct identity *out, const struct quorate_options *o, char *reason)
{
	struct public_key member, tls;
	struct keyring keys;
	if (!sign_self_test())
		return fail(reason, QUORATE_VERIFICATION, "libsodium", "this library verifies signatures by another rule than the genesis names");
	enum quorate_error error = identity_genesis(&out->genesis, &out->cluster, o->genesis, reason);
	if (error == QUORATE_OK)
		error = read_key(o->member_key, "member_key", o->passphrase, &out->secret, &member, reason);
	if (error == QUORATE_OK)
		error = read_key(o->tls_key, "tls_key", o->passphrase, &out->tls_secret, &tls, reason);
	if (error != QUORATE_OK)
		return error;
	genesis_keyring(&keys, &out->genesis);
	int self = keyring_find(&keys, &member);
	if (self < 0)
		return fail(reason, QUORATE_CONFIG, o->member_key, "no member of the genesis has this key");
	out->self = (uint8_t)self;
	if (!public_key_equal(&out->genesis.cards[self].tls_key, &tls))
		return fail(reason, QUORATE_CONFIG, o->tls_key, "it is not the TLS key of this member's card");
	if (out->genesis.mode != BFT_MODE_BFT)
		return fail(reason, QUORATE_CONFIG, o->genesis, "it is in trusted mode, which this release does not run yet");
	return QUORATE_OK;
}
