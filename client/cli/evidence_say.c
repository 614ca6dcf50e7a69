#include "evidence_say.h"

#include <stdio.h>
#include <string.h>

void evidence_place(char out[64], const struct quorate_evidence_info *e)
{
	int n = snprintf(out, 64, "epoch %llu", (unsigned long long)e->epoch);
	/* The first view is 0; those two are about none. */
	if (strcmp(e->predicate, "two-checkpoints") != 0 && strcmp(e->predicate, "two-snapshots") != 0)
		n += snprintf(out + n, 64 - (size_t)n, ", view %llu", (unsigned long long)e->view);
	if (e->seq)
		snprintf(out + n, 64 - (size_t)n, ", sequence %llu", (unsigned long long)e->seq);
}

void evidence_json_add(json_t *o, const struct quorate_evidence_info *e)
{
	json_object_update_new(o, json_pack("{s:s,s:s,s:s,s:i,s:I,s:I,s:I}", "predicate", e->predicate, "sentence", e->sentence, "cluster", e->cluster,
	                                    "culprit", (int)e->culprit, "epoch", (json_int_t)e->epoch, "view", (json_int_t)e->view, "seq", (json_int_t)e->seq));
	if (*e->org)
		json_object_update_new(o, json_pack("{s:s,s:s}", "org", e->org, "key", e->member_key));
}
