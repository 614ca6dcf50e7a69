/* One key, two processes (Bano et al., "Twins"): both are whole replicas that keep the protocol, each with a folder of its own, and neither knows what the other says. The
 * bench starts the second one; each has links with its part of the members alone. So whatever one says in its part is valid there. */
#include "bench/malice/malice.h"
#include "bft/pbft/pbft.h"
#include "replica/driver_state.h"
#include "replica/running.h"

static bool apart; /* the members are divided now */

static bool is_my_part(const struct liar *l, uint8_t member)
{
	return (member % 2 != 0) == l->twin;
}

bool twins_refuse(const struct liar *l, const struct public_key *tls_key)
{
	const struct bft_genesis *g = &l->identity.genesis;
	for (uint8_t i = 0; (apart || l->twin) && i < g->count; i++)
		if (public_key_equal(&g->cards[i].tls_key, tls_key))
			return !is_my_part(l, i);
	return false;
}

static void divide(struct liar *l)
{
	for (uint8_t i = 0; !apart && i < l->identity.genesis.count; i++)
		if (i != l->identity.self && !is_my_part(l, i))
			l->q->driver->closing |= BFT_BIT(i); /* at the end of this wake-up */
	apart = true;
}

static bool speaks_in_its_part(struct liar *l, struct sending *s)
{
	divide(l);
	if (!is_my_part(l, s->member))
		return true;
	if (s->mine && (s->e.type == PBFT_VOTES || !liar_core(l)))
		liar_acts(l, l->twin ? "a second process speaks with this key" : "it speaks to some members, and a second process to the others");
	return false;
}

/* Its folder is empty, and it does not ask what it said before: it begins to vote as one that never did. */
static void ask_nobody(struct pbft *core)
{
	for (uint32_t i = 0; i < core->n; i++)
		core->peer[i].recall_answered = i != core->self;
}

/* What the other one signed is passed on to this one too: it would learn that it is two, and stop. */
static bool does_not_hear_itself(struct liar *l, const uint8_t *bytes, size_t n)
{
	struct rd r = rd_of(bytes, n);
	struct bft_envelope e;
	struct pbft *core = liar_core(l);
	if (core && l->twin && core->recalling)
		ask_nobody(core);
	return core && l->hearing->member >= 0 && envelope_read(&r, &e) && e.signer == l->identity.self;
}

static void together_again(struct liar *l)
{
	(void)l;
	apart = false; /* its links come back by themselves */
}

const struct attack attacks_twins[] = {
	{ "twins", "L90", BY_LEADER,
	  "runs twice with one key: a second process, with an empty folder, speaks to members of odd number, and the first to the others",
	  "Each part takes what it hears for the word of that replica, and the two decide different things.",
	  "One key has one vote in each slot, whoever holds it: two parts cannot both gather q. Who hears of both words has proof, and the view changes.",
	  .to_member = speaks_in_its_part, .hears = does_not_hear_itself, .ends = together_again, .needs = NEEDS_TWIN },
	{ 0 },
};
