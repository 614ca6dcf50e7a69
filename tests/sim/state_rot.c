/* A state's file at rest: one byte of a value flips. LMDB sees nothing; the start must, and what is dropped comes back from the log or from the others. One replica of a
 * seed is met by it, so that the others have what it lost. */
#include "tests/sim/sim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ENTRY_BYTES 512u
#define ENTRY_BYTES_MIN 16u /* what is shorter stands by chance in LMDB's own fields too */

struct some_entry { /* key and value stand side by side in the file */
	uint32_t skip;
	uint8_t bytes[ENTRY_BYTES];
	size_t key_bytes, n;
};

static bool take_entry(void *arg, const void *key, size_t key_bytes, const void *value, size_t value_bytes)
{
	struct some_entry *v = arg;
	if (value_bytes > 0 && key_bytes + value_bytes >= ENTRY_BYTES_MIN && key_bytes + value_bytes <= ENTRY_BYTES) {
		memcpy(v->bytes, key, key_bytes);
		memcpy(v->bytes + key_bytes, value, value_bytes);
		v->key_bytes = key_bytes;
		v->n = key_bytes + value_bytes;
	}
	return v->skip-- > 0;
}

/* Wherever it stands in the file: older pages hold copies, and nobody can tell which one counts. */
static void flip_everywhere(const char *path, const struct some_entry *v, size_t place, uint8_t bit)
{
	FILE *f = fopen(path, "r+b");
	if (!f || fseek(f, 0, SEEK_END) != 0)
		abort();
	size_t n = (size_t)ftell(f);
	uint8_t *bytes = malloc(n + 1);
	if (!bytes || fseek(f, 0, SEEK_SET) != 0 || fread(bytes, 1, n, f) != n)
		abort();
	for (uint8_t *at = bytes; (at = memmem(at, n - (size_t)(at - bytes), v->bytes, v->n)); at += v->n)
		at[place] ^= bit;
	if (fseek(f, 0, SEEK_SET) != 0 || fwrite(bytes, 1, n, f) != n || fclose(f) != 0)
		abort();
	free(bytes);
}

static bool some_entry_of(const struct node *d, struct rng *plan, struct some_entry *v)
{
	struct state *state;
	char why[STATE_REASON_BYTES];
	*v = (struct some_entry){ .skip = rng_below(plan, 64) };
	if (state_open(&state, d->state_path, &sim_state_options, why) != STATE_OK)
		abort();
	if (state_scan(state, rng_chance(plan, 70) ? STATE_USER : STATE_SESSION, NULL, 0, NULL, 0, take_entry, v, v->skip + 1) != STATE_OK)
		abort();
	state_close(state);
	return v->n > 0;
}

void state_rots(struct node *d)
{
	struct sim *s = d->sim;
	struct rng *plan = &s->faults.plan[FAULT_STATE];
	struct some_entry v;
	/* Where fewer are borne than in the beginning, who has left may have been the only other one that had it (trusted seeds 1858 and, two of which one is left, 1732). */
	bool alone = s->bears < s->f || s->members == 1;
	if (s->calm || d->liar.lies || s->rots != d->id || alone || !rng_chance(plan, 60) || !some_entry_of(d, plan, &v))
		return;
	uint8_t bit = (uint8_t)(1u << rng_below(plan, 8));
	size_t place = v.key_bytes + rng_below(plan, (uint32_t)(v.n - v.key_bytes));
	if (!fault(s, FAULT_STATE, "a byte of replica %u's state flips", d->id))
		return;
	flip_everywhere(d->state_path, &v, place, bit);
	d->rotten = true;
}

bool state_open_judged(struct node *d)
{
	struct sim *s = d->sim;
	char why[STATE_REASON_BYTES] = "";
	if (state_open(&d->state, d->state_path, &sim_state_options, why) != STATE_OK)
		return sim_fail(s, "node %u: %s", d->id, why);
	enum state_result r = state_audit(d->state, why);
	if (r == STATE_OK)
		return !d->rotten || sim_fail(s, "node %u does not see that its state is damaged", d->id);
	if (!d->rotten || r != STATE_ERR_DAMAGED)
		return sim_fail(s, "node %u: its state is not what it says: %s", d->id, why);
	d->rotten = false;
	s->states_dropped++;
	sim_trace(s, "node %u drops its state: %s", d->id, why);
	state_close(d->state);
	if (state_drop(d->state_path) != 0)
		abort();
	return state_open(&d->state, d->state_path, &sim_state_options, why) == STATE_OK || sim_fail(s, "node %u: %s", d->id, why);
}
