/* All attacks, family by family. */
#include "bench/malice/malice.h"

#include <string.h>

static const struct attack *const families[] = { attacks_withhold,     attacks_leader,  attacks_pace,    attacks_proposals, attacks_votes, attacks_views,
	                                         attacks_certificates, attacks_memory,  attacks_state,   attacks_replies,   attacks_links, attacks_twins,
	                                         attacks_together,     attacks_clients, attacks_crafted, attacks_strangers };

const struct attack *attack_at(size_t i)
{
	for (size_t family = 0; family < sizeof families / sizeof families[0]; family++)
		for (const struct attack *a = families[family]; a->name; a++)
			if (i-- == 0)
				return a;
	return NULL;
}

const struct attack *attack_find(const char *name)
{
	const struct attack *a;
	for (size_t i = 0; (a = attack_at(i)); i++)
		if (!strcmp(a->name, name))
			return a;
	return NULL;
}
