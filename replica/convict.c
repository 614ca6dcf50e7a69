/* A contradiction that the core found becomes evidence: bytes that anybody with the genesis can check (bft/evidence.h). */
#include "bft/evidence.h"
#include "replica/driver_state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Certificates behind the core's part are under no signature. */
static struct evidence_message shown(const struct message *m)
{
	return (struct evidence_message){ .signer = m->signer, .type = m->type, .signature = m->signature, .body = m->body, .n = m->core_bytes };
}

static bool find(void *user, uint8_t signer, uint16_t type, const struct digest *digest, struct evidence_message *out)
{
	struct driver *d = user;
	bft_ref ref = messages_find(d->messages, signer, type, digest);
	if (!ref || !message_verified(d, ref))
		return false;
	*out = shown(messages_at(d->messages, ref));
	return true;
}

/* The bytes, 0 when it cannot be shown. */
static size_t gather(struct driver *d, const struct bft_effect *effect, struct evidence *e, struct evidence_room *room, uint8_t *bytes)
{
	const struct evidence_source held = { .user = d, .find = find };
	struct evidence_message m = shown(messages_at(d->messages, effect->ref)), other;
	if (effect->other)
		other = shown(messages_at(d->messages, effect->other));
	*e = (struct evidence){ .cluster = d->cluster, .epoch = d->epoch, .culprit = effect->from };
	if (!d->protocol->evidence->gather(e, effect->reason, &m, effect->other ? &other : NULL, &held, room))
		return 0;
	return evidence_encode(e, bytes, EVIDENCE_BYTES_MAX);
}

/* One file convicts; a liar that lies in every slot must not cost a disk's flush, or the client a longer list, for each. */
static void keep(struct driver *d, const struct evidence *e, const uint8_t *bytes, size_t n)
{
	char name[96];
	uint8_t *kept = &d->evidence_kept[e->culprit][e->predicate];
	if (*kept == EVIDENCE_EACH_MAX)
		return;
	snprintf(name, sizeof name, "%u-%s-%llu-%llu.evidence", e->culprit, evidence_name(e->predicate), (unsigned long long)e->view,
	         (unsigned long long)e->seq);
	*kept += d->options.env.evidence(d->options.env.user, bytes, n, name);
}

void convict(struct driver *d, const struct bft_effect *effect)
{
	if (!d->options.env.evidence || !effect->ref || !d->protocol->evidence)
		return;
	/* Evidence is a by-product: what the replica does depends on none of it, nor on there being memory for it. */
	struct evidence *e = malloc(sizeof *e);
	struct evidence_room *room = malloc(d->protocol->evidence->room_bytes);
	uint8_t *bytes = malloc(EVIDENCE_BYTES_MAX);
	size_t n = e && room && bytes ? gather(d, effect, e, room, bytes) : 0;
	if (n)
		keep(d, e, bytes, n);
	free(bytes);
	free(room);
	free(e);
}
