/* Which cluster, and who asks: the genesis and the client's key. */
#include "client/client_state.h"

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

/* At most what a genesis can be, and one byte to notice more. NULL, or the reason. */
static const char *read_file(const char *path, uint8_t *bytes, size_t capacity, size_t *n)
{
	errno = 0;
	FILE *f = fopen(path, "re");
	if (!f)
		return strerror(errno);
	*n = fread(bytes, 1, capacity, f);
	const char *why = ferror(f) ? strerror(errno) : *n ? NULL : "it is empty";
	fclose(f);
	return why;
}

static enum quorate_error judge(struct bft_genesis *genesis, struct digest *cluster, const uint8_t *bytes, size_t n, const char **why)
{
	*why = genesis_decode(genesis, bytes, n);
	if (*why)
		return QUORATE_CONFIG;
	genesis_digest(cluster, bytes, n);
	if (strcmp(genesis->scheme, sign_ed25519.name) != 0)
		*why = "it names a signature scheme that this release does not have";
	else
		*why = genesis_check(genesis, &sign_ed25519);
	return *why ? QUORATE_VERIFICATION : QUORATE_OK;
}

enum quorate_error client_genesis_read(struct bft_genesis *genesis, struct digest *cluster, const char *path, char *reason)
{
	if (!sign_self_test())
		return fail(reason, QUORATE_VERIFICATION, "libsodium", "this library verifies signatures by another rule than the genesis names");
	size_t n = 0;
	uint8_t *bytes = malloc(BFT_GENESIS_BYTES_MAX + 1);
	if (!bytes)
		return fail(reason, QUORATE_FAILED, path, "no memory");
	enum quorate_error error = QUORATE_CONFIG;
	const char *why = read_file(path, bytes, BFT_GENESIS_BYTES_MAX + 1, &n);
	if (!why)
		error = judge(genesis, cluster, bytes, n, &why);
	free(bytes);
	return why ? fail(reason, error, path, why) : QUORATE_OK;
}

static enum quorate_error read_key(struct quorate_client *c, const char *path, const char *passphrase, char *reason)
{
	errno = 0;
	enum keyfile_result r = keyfile_read(path, &c->secret, &c->key, passphrase);
	if (r == KEYFILE_OK)
		return QUORATE_OK;
	return fail(reason, QUORATE_CONFIG, path, r == KEYFILE_UNREADABLE && errno ? strerror(errno) : keyfile_text(r));
}

enum quorate_error client_identity_read(struct quorate_client *c, const struct quorate_client_options *o, char *reason)
{
	if (!o->genesis)
		return client_fail(reason, QUORATE_USAGE, "no genesis is named");
	enum quorate_error error = client_genesis_read(c->genesis, &c->cluster, o->genesis, reason);
	if (error != QUORATE_OK)
		return error;
	hex_format(c->cluster_text, c->cluster.b, DIGEST_BYTES);
	if (o->key)
		return read_key(c, o->key, o->passphrase, reason);
	sign_keypair_random(&sign_ed25519, &c->key, &c->secret);
	return QUORATE_OK;
}
