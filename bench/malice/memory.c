/* Those who come back without what they signed, and vote all the same: with an emptied folder, or one from before. The run takes their memory (NEEDS_EMPTIED,
 * NEEDS_ROLLED_BACK); what makes an honest replica silent then is put aside here. */
#include "bench/malice/malice.h"
#include "bft/pbft/pbft.h"
#include "replica/driver_state.h"
#include "replica/running.h"

/* Whatever the others show it of its own words. */
static bool votes_all_the_same(struct liar *l, struct sending *s)
{
	struct pbft *core = liar_core(l);
	if (!core || core->halted)
		return false;
	core->observer = core->recalling = false;
	l->q->driver->lost = false;
	if (s->mine && (s->e.type == PBFT_VOTES || s->e.type == PBFT_VIEW_CHANGE || s->e.type == PBFT_CHECKPOINT))
		liar_acts(l, "it votes, and does not know what it has signed");
	return false;
}

const struct attack attacks_memory[] = {
	{ "amnesia-restart", "B97", BY_REPLICA, "f replicas are killed, lose their folder, come back and vote",
	  "A replica votes for two things, and neither knows of the other.",
	  "An honest one asks what it has signed, and is silent until it is let in again. f that are not are f liars: bearable.",
	  .to_member = votes_all_the_same, .needs = NEEDS_EMPTIED },
	{ "rollback-restart", "B97", BY_REPLICA, "f replicas are killed, come back with their folder from before the load, and vote",
	  "What it had committed to is forgotten in the next view.", "As with a lost folder: others tell an honest one what it signed, and its log lacks it.",
	  .to_member = votes_all_the_same, .needs = NEEDS_ROLLED_BACK },
	{ 0 },
};
