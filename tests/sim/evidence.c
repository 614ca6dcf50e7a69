/* Evidence is true or is not shown: a file that accuses an honest member, or that proves nothing, fails the seed. */
#include "bft/pbft/evidence.h"
#include "replica/driver_state.h"
#include "tests/sim/sim.h"

bool evidence_shown(void *user, const uint8_t *bytes, size_t n, const char *name)
{
	struct node *d = user;
	struct sim *s = d->sim;
	struct {
		struct evidence evidence;
		struct evidence_room room;
	} *w = malloc(sizeof *w);
	if (!w)
		abort();
	if (!d->liar.lies) {
		const char *why = evidence_verify(&w->evidence, bytes, n, &d->driver->chain->keys, &s->cluster, s->scheme, &w->room);
		s->convictions++;
		sim_trace(s, "node %u keeps evidence %s, %zu bytes", d->id, name, n);
		if (why)
			sim_fail(s, "evidence: node %u keeps %s, which proves nothing: %s", d->id, name, why);
		else if (!s->node[w->evidence.culprit].liar.lies && !s->node[w->evidence.culprit].contradicts)
			sim_fail(s, "evidence: node %u keeps %s, and the accused is honest", d->id, name);
	}
	free(w);
	return false; /* not kept: so all of it is shown, and judged */
}
