/* A broken BFT_CHECK ends the seed, not the program. This definition takes the library's place.
 *
 * There is one way out at a time, and it is taken away before the function that holds it returns: a check that breaks later finds none, and says so, where a jump
 * would land in a frame that is gone. */
#include "bft/check.h"
#include "tests/sim/sim.h"

#include <setjmp.h>

static jmp_buf *way_out;
static char broken_fact[200];

void bft_check_failed(const char *file, int line, const char *fact)
{
	snprintf(broken_fact, sizeof broken_fact, "%s:%d: %s", file, line, fact);
	if (way_out)
		longjmp(*way_out, 1);
	fprintf(stderr, "%s, and nothing runs that it could end\n", broken_fact);
	abort();
}

bool guarded(struct sim *s, void (*what)(struct sim *s))
{
	jmp_buf here;
	if (setjmp(here)) {
		way_out = NULL;
		if (s->at_work >= 0)
			sim_fail(s, "node %d: a check of its own failed: %s", s->at_work, broken_fact);
		else
			sim_fail(s, "a check of the clients', or of nobody's, failed: %s", broken_fact);
		return false;
	}
	way_out = &here;
	what(s);
	way_out = NULL;
	return true;
}
