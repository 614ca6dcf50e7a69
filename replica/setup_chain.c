#include "replica/setup_chain.h"

#include "bft/epoch_link.h"
#include "replica/identity.h"
#include "replica/setup_file.h"

enum quorate_error setup_follow(struct setup_chain *out, const struct quorate_chain *who, char *reason)
{
	enum quorate_error error = identity_genesis(&out->genesis, &out->cluster, who->genesis, reason);
	if (error != QUORATE_OK)
		return error;
	epoch_keys_init(&out->keys, &out->genesis);
	size_t used;
	const char *why = who->epochs_n ? epoch_links_follow(&out->keys, who->epochs, who->epochs_n, UINT64_MAX, &sign_ed25519, &out->cluster, &used) : NULL;
	return why ? setup_fail(reason, QUORATE_VERIFICATION, "the chain of epochs", why) : QUORATE_OK;
}
