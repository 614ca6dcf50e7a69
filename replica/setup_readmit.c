/* An organization's word that its replica may vote again. */
#include "quorate_setup.h"
#include "replica/setup_chain.h"
#include "replica/setup_file.h"

#include "bft/readmit.h"

#include <stdlib.h>

_Static_assert(QUORATE_READMIT_BYTES == READMIT_BYTES, "as it is told");

static enum quorate_error sign(const struct setup_chain *who, const char *org_key, const char *passphrase, struct readmit *r, char *reason)
{
	const struct bft_card *card = epoch_card(&who->keys, r->member, who->keys.epoch);
	struct secret_key secret;
	struct public_key key;
	struct statement statement;
	if (!card)
		return setup_fail(reason, QUORATE_USAGE, "ID", "the cluster has no such replica");
	enum quorate_error error = setup_read_key(org_key, passphrase, &secret, &key, reason);
	if (error != QUORATE_OK)
		return error;
	if (public_key_equal(&key, &card->org_key)) {
		readmit_statement(&statement, r, &who->cluster);
		sign_ed25519.sign(&r->signature, &statement, &secret);
	} else {
		error = setup_fail(reason, QUORATE_VERIFICATION, org_key, "it is not the key of this replica's organization");
	}
	sign_wipe(&secret);
	return error;
}

enum quorate_error quorate_readmit_sign(const struct quorate_chain *who, const char *org_key, const char *passphrase, uint32_t member, uint64_t epoch,
                                        uint64_t incarnation, uint8_t word[QUORATE_READMIT_BYTES], char *reason)
{
	struct readmit r = { .epoch = epoch, .member = (uint8_t)(member < BFT_MEMBERS_MAX ? member : BFT_MEMBERS_MAX), .incarnation = incarnation };
	struct setup_chain *chain = calloc(1, sizeof *chain);
	if (!chain)
		return setup_fail(reason, QUORATE_FAILED, who->genesis, "no memory");
	enum quorate_error error = setup_follow(chain, who, reason);
	if (error == QUORATE_OK)
		error = sign(chain, org_key, passphrase, &r, reason);
	free(chain);
	if (error == QUORATE_OK)
		readmit_encode(&r, word);
	return error;
}
