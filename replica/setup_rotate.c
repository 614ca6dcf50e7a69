/* An organization's word that its replica has another key, and that key in a file of its own beside the old one. */
#include "quorate_setup.h"
#include "replica/identity.h"
#include "replica/setup_file.h"

#include "bft/rotate.h"
#include "crypto/keyfile.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

_Static_assert(QUORATE_ROTATE_BYTES == ROTATE_BYTES, "as it is told");

static void sign(struct rotate *r, const struct digest *cluster, const struct secret_key *org, const struct secret_key *fresh)
{
	struct statement s;
	rotate_statement(&s, r, DOMAIN_ROTATE, cluster);
	sign_ed25519.sign(&r->signature, &s, org);
	rotate_statement(&s, r, DOMAIN_ROTATE_OWN, cluster);
	sign_ed25519.sign(&r->own, &s, fresh);
}

/* The file comes first: a word without it would leave a replica that can sign nothing. */
static enum quorate_error write_key(const struct quorate_options *o, const struct public_key *key, const struct secret_key *secret, char *path, char *reason)
{
	if (!identity_key_path(path, o->member_key, key))
		return setup_fail(reason, QUORATE_CONFIG, o->member_key, "the path is too long");
	enum keyfile_result r = keyfile_write(path, secret, o->passphrase);
	return r == KEYFILE_OK ? QUORATE_OK : setup_fail(reason, QUORATE_CONFIG, path, r == KEYFILE_UNREADABLE ? strerror(errno) : keyfile_text(r));
}

static enum quorate_error rotate(const struct identity *id, const struct quorate_rotate_options *o, struct rotate *r, char *path, char *reason)
{
	struct secret_key org, fresh;
	struct public_key org_key;
	if (o->member != id->self)
		return setup_fail(reason, QUORATE_CONFIG, o->replica->member_key, "this configuration is another replica's");
	enum quorate_error error = setup_read_key(o->org_key, o->passphrase, &org, &org_key, reason);
	if (error != QUORATE_OK)
		return error;
	sign_keypair_random(&sign_ed25519, &r->key, &fresh);
	if (!public_key_equal(&org_key, &id->card.org_key))
		error = setup_fail(reason, QUORATE_VERIFICATION, o->org_key, "it is not the key of this replica's organization");
	if (error == QUORATE_OK)
		error = write_key(o->replica, &r->key, &fresh, path, reason);
	if (error == QUORATE_OK)
		sign(r, &id->cluster, &org, &fresh);
	sign_wipe(&org);
	sign_wipe(&fresh);
	return error;
}

enum quorate_error quorate_rotate_sign(const struct quorate_rotate_options *o, uint8_t word[QUORATE_ROTATE_BYTES], char path[QUORATE_PATH_BYTES], char *reason)
{
	_Static_assert(QUORATE_PATH_BYTES >= IDENTITY_PATH_BYTES, "every path fits");
	struct rotate r = { .epoch = o->epoch, .member = (uint8_t)(o->member < BFT_MEMBERS_MAX ? o->member : BFT_MEMBERS_MAX) };
	struct identity *id = calloc(1, sizeof *id);
	if (!id)
		return setup_fail(reason, QUORATE_FAILED, "member", "no memory");
	enum quorate_error error = identity_read(id, o->replica, reason);
	if (error == QUORATE_OK)
		error = rotate(id, o, &r, path, reason);
	sign_wipe(&id->secret);
	sign_wipe(&id->tls_secret);
	free(id);
	if (error == QUORATE_OK)
		rotate_encode(&r, word);
	return error;
}

void quorate_rotate_undo(const char *path)
{
	(void)unlink(path);
}
