/* The properties: agreement on proposal and chain, equal states, certificates that prove, exactly-once (application.c), durability, no honest replica blamed, monotony, bounded liveness. */
#include "bft/certificate.h"
#include "replica/driver_state.h"
#include "tests/sim/sim.h"

#define STRIKE_BEFORE_A_LIAR 25u /* percent */
#define STRIKE_PREPARED 3u

/* It leads, and a liar comes after it. */
static bool liar_is_next(const struct node *d)
{
	const struct sim *s = d->sim;
	struct bft_roster roster = driver_roster(d->driver, d->driver->epoch);
	return roster_leader(&roster, d->seen.view) == d->id && s->node[roster_leader(&roster, d->seen.view + 1)].liar.lies;
}

/* Alone until the others may have another view. Often they too hear nothing of each other at first, until they suspect their leader: what one of them knows, none of the rest
 * learns in time. */
static void cut_off(struct node *d)
{
	struct sim *s = d->sim;
	uint32_t timeout_ms = s->genesis.limits.request_timeout_ms;
	bool all = rng_chance(&s->faults.plan[FAULT_STRIKE], s->coup ? 90 : 60);
	s->struck_until = s->now + (all ? 4 : 3) * timeout_ms;
	memset(s->cut, all, sizeof s->cut);
	for (uint32_t i = 0; i < s->places; i++) {
		s->cut[d->place][i] = s->cut[i][d->place] = i != d->place;
		s->cut[i][i] = false;
	}
	if (all)
		sim_at(s, (struct sim_event){ .at = s->now + timeout_ms * 3 / 2, .kind = SIM_REUNITE, .node = d->place });
}

/* The worst moment: somebody has decided, and the others go on without it. What is under way from it is lost too. Worst of all is a leader with a liar to follow it:
 * where anybody is struck, it is struck more often. */
static void strike(struct node *d)
{
	struct sim *s = d->sim;
	struct rng *plan = &s->faults.plan[FAULT_STRIKE];
	uint32_t often = s->strike_percent && liar_is_next(d) ? STRIKE_BEFORE_A_LIAR : s->strike_percent;
	if (s->calm || !rng_chance(plan, often))
		return;
	bool by_crash = rng_chance(plan, 30) && s->crash_every_ms;
	if (!fault(s, FAULT_STRIKE, "node %u, the first to execute this, %s", d->id, by_crash ? "crashes" : "is cut off"))
		return;
	if (by_crash)
		d->crash_in = 1;
	else
		cut_off(d);
}

/* It alone has prepared something, and says so to nobody: another view may decide otherwise, and a third one hears of both. */
void check_prepared(struct node *d)
{
	struct sim *s = d->sim;
	if (s->coup && !s->calm && rng_chance(&s->faults.plan[FAULT_STRIKE], STRIKE_PREPARED) &&
	    fault(s, FAULT_STRIKE, "node %u, the first to prepare this, is cut off", d->id))
		cut_off(d);
}

/* One history: whoever executes a sequence executes what the first one executed there, with the same chain after it; over restarts too. */
void check_executed(struct node *d, const struct bft_rec_executed *r)
{
	struct sim *s = d->sim;
	if (r->seq >= SIM_SEQS_MAX) {
		sim_fail(s, "more than %u sequences", SIM_SEQS_MAX);
		return;
	}
	if (digest_is_zero(&s->chain_at[r->seq])) {
		s->proposal_at[r->seq] = r->proposal;
		s->chain_at[r->seq] = r->chain;
		if (r->seq > s->top)
			s->top = r->seq;
		strike(d);
		return;
	}
	if (!digest_equal(&s->proposal_at[r->seq], &r->proposal))
		sim_fail(s, "agreement: node %u executes another proposal at %llu", d->id, (unsigned long long)r->seq);
	else if (!digest_equal(&s->chain_at[r->seq], &r->chain))
		sim_fail(s, "determinism: node %u has another chain at %llu", d->id, (unsigned long long)r->seq);
}

struct of_epoch {
	struct node *d;
	bft_epoch epoch;
};

static bool signature_holds(void *arg, uint8_t member, const struct statement *statement, const struct signature *signature)
{
	const struct of_epoch *of = arg;
	const struct public_key *key = driver_key(of->d->driver, member, of->epoch);
	return key && of->d->sim->scheme->verify(signature, statement, key);
}

/* What an honest replica keeps as proof proves it: enough signers, and of a checkpoint the one chain. */
void check_certificate(struct node *d, const uint8_t *bytes, size_t n)
{
	struct sim *s = d->sim;
	struct rd r = rd_of(bytes, n);
	struct certificate c;
	struct of_epoch of = { .d = d };
	bool read = certificate_read(&r, &c) && rd_done(&r);
	of.epoch = read ? c.epoch : 0;
	struct bft_roster roster = driver_roster(d->driver, of.epoch);
	if (!read || !certificate_check(&c, &roster, &s->cluster, signature_holds, &of))
		sim_fail(s, "certificates: node %u keeps one that proves nothing", d->id);
	else if (c.kind != CERTIFICATE_PREPARED && c.seq < SIM_SEQS_MAX && !digest_is_zero(&s->chain_at[c.seq]) &&
	         !digest_equal(&s->chain_at[c.seq], &c.digest))
		sim_fail(s, "certificates: node %u keeps one for another chain at %llu", d->id, (unsigned long long)c.seq);
}

/* Equal states at equal sequences. */
static void check_root(struct node *d, const struct standing *now)
{
	struct sim *s = d->sim;
	if (!now->snapshot || now->snapshot >= SIM_SEQS_MAX)
		return;
	struct digest *root = &s->root_at[now->snapshot];
	if (digest_is_zero(root))
		*root = now->root;
	else if (!digest_equal(root, &now->root))
		sim_fail(s, "digests: node %u has another state at %llu", d->id, (unsigned long long)now->snapshot);
}

/* Every honest node knows the same keys in the same epoch. */
static void check_keys(struct node *d, bft_epoch epoch)
{
	struct sim *s = d->sim;
	if (epoch >= SIM_EPOCHS_MAX) {
		sim_fail(s, "more than %u epochs", SIM_EPOCHS_MAX);
		return;
	}
	struct bft_roster roster = driver_roster(d->driver, epoch);
	if (epoch > d->driver->chain->keys.epoch)
		return; /* its state and its links are gone: it asks for them */
	for (uint8_t i = 0; i < SIM_NODES_MAX; i++) {
		const struct public_key *key = driver_key(d->driver, i, epoch);
		if (!key)
			continue;
		if (!s->key_known[epoch])
			s->key_at[epoch][i] = *key;
		else if (!public_key_equal(&s->key_at[epoch][i], key))
			sim_fail(s, "keys: in epoch %llu node %u knows another key of node %u than the others do", (unsigned long long)epoch, d->id, i);
	}
	if (!s->key_known[epoch])
		s->roster_at[epoch] = roster;
	else if (s->roster_at[epoch].members != roster.members || s->roster_at[epoch].mode != roster.mode)
		sim_fail(s, "members: in epoch %llu node %u knows other members, or another mode, than the others do", (unsigned long long)epoch, d->id);
	bft_mask passed = epoch_passed(&d->driver->chain->keys, epoch);
	if (!s->key_known[epoch]) {
		s->passed_at[epoch] = passed;
		s->passed_over += passed != epoch_passed(&d->driver->chain->keys, epoch - 1);
	} else if (s->passed_at[epoch] != passed) {
		sim_fail(s, "order: in epoch %llu node %u knows another order than the others do", (unsigned long long)epoch, d->id);
	}
	s->key_known[epoch] = true;
}

/* Those who were away need the links of every epoch, and some of those who could sign one may be away for good: whoever can has signed. */
static void check_links(struct node *d)
{
	const struct epoch_chain *c = d->driver->chain;
	const struct public_key *now = driver_key(d->driver, d->id, d->driver->epoch);
	for (size_t i = c->kept; i < c->count; i++) {
		const struct epoch_link *link = c->at[i].partial;
		const struct public_key *then = link ? driver_key(d->driver, d->id, link->record.epoch) : NULL;
		bool signs = then && now && public_key_equal(then, now) && epoch_record_signer(&link->record, d->id);
		for (uint32_t k = 0; signs && k < link->count; k++)
			signs = link->by[k].member != d->id;
		if (signs && !d->driver->lost && driver_can_sign(d->driver))
			sim_fail(d->sim, "keys: node %u has not signed the link to epoch %llu", d->id, (unsigned long long)link->record.epoch);
	}
}

/* Whoever begins to fetch a state has one soon, whatever those say who serve it: a liar makes everybody begin again a few times, and no more. */
static void check_fetching(struct node *d)
{
	struct sim *s = d->sim;
	if (!d->driver->transfer || d->left) { /* nobody talks any more to whoever left */
		s->transfers_ms += d->fetches_since ? s->now - d->fetches_since : 0;
		d->fetches_since = 0;
		return;
	}
	if (!d->fetches_since)
		d->fetches_since = s->now;
	uint64_t since = d->fetches_since > s->end_ms ? d->fetches_since : s->end_ms;
	if (s->now > since + SIM_FETCH_MS)
		sim_fail(s, "liveness: node %u has fetched a state for %llu ms", d->id, (unsigned long long)(s->now - since));
}

/* Whoever fetches a snapshot keeps it for a while, and no longer than that. That what comes after it finds room meanwhile, the size of the file sees to (node.c). */
static void check_serving(struct node *d)
{
	uint64_t now = mono_of(d); /* it counts by its own clock */
	for (uint32_t i = 0; i < d->sim->n; i++) {
		const struct transfer_lease *l = &d->driver->lease[i];
		uint64_t used = l->view ? l->used_ms : now, since = l->view && d->seen.snapshot > l->view->seq ? l->since_ms : now;
		if (now > used + TRANSFER_LEASE_IDLE_MS + 1000)
			sim_fail(d->sim, "bounds: node %u serves node %u, which has asked for nothing since %llu ms", d->id, i, (unsigned long long)used);
		if (d->driver->certified_seq == d->seen.snapshot && now > since + TRANSFER_LEASE_MS + 1000)
			sim_fail(d->sim, "bounds: node %u serves an old snapshot to node %u since %llu ms", d->id, i, (unsigned long long)since);
	}
}

/* View 0 has a leader from the beginning; among trusted members the first one is elected (a view is term * n + leader). */
static bool left_its_leader(const struct sim *s, const struct node *d, const struct standing *now)
{
	if (d->driver->roster.mode == BFT_MODE_BFT)
		return now->view > 0;
	return !(d->seen.flags & 1) && d->seen.view > 0 && now->view / s->n > d->seen.view / s->n;
}

void check_node(struct node *d)
{
	struct sim *s = d->sim;
	struct standing now;
	struct driver_counts counts;
	driver_standing(d->driver, &now);
	driver_counts(d->driver, &counts);
	if (d->driver->waiting_count > 8192 || d->driver->held_count > 1024 || messages_count(d->driver->messages) > 65536 ||
	    bodies_bytes(d->driver->bodies) > d->driver->options.memory_bytes + (4u << 20))
		sim_fail(s, "bounds: node %u has %zu effects waiting, %zu bodies to tell of, %u messages, %zu bytes of bodies", d->id, d->driver->waiting_count,
		         d->driver->held_count, messages_count(d->driver->messages), bodies_bytes(d->driver->bodies));
	if (d->liar.lies) {
		d->seen = now;
		return;
	}
	clocks_check(d, &now);
	if (driver_failed(d->driver))
		sim_fail(s, "node %u stopped by itself: %s", d->id, driver_trouble(d->driver));
	for (uint32_t i = 0; i < s->n; i++)
		if (d->driver->member[i].accused && !s->node[i].liar.lies && !s->node[i].contradicts)
			sim_fail(s, "node %u accuses honest %u: %llu false signatures, %llu rejected, %llu convicted in all", d->id, i,
			         (unsigned long long)counts.bad_signatures, (unsigned long long)counts.blamed, (unsigned long long)counts.convicted);
	s->accusations += counts.bad_signatures + counts.blamed + counts.convicted > d->accused;
	d->accused = counts.bad_signatures + counts.blamed + counts.convicted;
	s->observers += now.role == STANDING_OBSERVER && d->seen.role != STANDING_OBSERVER;
	if (now.epoch != d->seen.epoch) {
		s->epochs++;
		check_keys(d, now.epoch);
		sim_trace(s, "node %u is in epoch %llu, executed %llu", d->id, (unsigned long long)now.epoch, (unsigned long long)now.executed);
	}
	if (driver_is_member(d->driver))
		check_links(d);
	if (now.epoch < d->seen.epoch && !d->rolled_back)
		sim_fail(s, "node %u fell from epoch %llu to %llu", d->id, (unsigned long long)d->seen.epoch, (unsigned long long)now.epoch);
	if (now.role == STANDING_OBSERVER && !d->rolled_back && driver_is_member(d->driver))
		sim_fail(s, "node %u became an observer", d->id);
	if (s->quiet && left_its_leader(s, d, &now))
		sim_fail(s, "accuracy: node %u left view %llu, and nothing had happened", d->id, (unsigned long long)d->seen.view);
	if (now.view != d->seen.view) {
		s->views++;
		sim_trace(s, "node %u is in view %llu%s, executed %llu, stable %llu", d->id, (unsigned long long)now.view, now.flags & 1 ? " (changing)" : "",
		          (unsigned long long)now.executed, (unsigned long long)now.stable);
	}
	if (now.snapshot != d->seen.snapshot)
		check_root(d, &now);
	if (now.snapshot > d->seen.snapshot) {
		s->snapshots++;
		check_serving(d);
	}
	check_fetching(d);
	reconfigure_seen(d);
	d->seen = now;
}

/* What f+1 replicas told a client stands in every state, once. */
static void check_state(struct node *d)
{
	lying_client_check(d);
	for (uint32_t r = 0; r < SIM_REQUESTS; r++) {
		uint8_t key[4];
		const void *value;
		size_t n;
		struct wr w = wr_of(key, sizeof key);
		wr_u32(&w, r);
		if (!d->sim->request[r].completed)
			continue;
		if (state_get(d->state, STATE_USER, key, sizeof key, &value, &n) != STATE_OK || n != 1 || *(const uint8_t *)value != 1)
			sim_fail(d->sim, "durability: request %u was acknowledged and node %u does not have it once", r, d->id);
	}
}

void check_end(struct sim *s)
{
	for (uint32_t i = 0; i < s->n; i++) {
		const struct standing *at = &s->node[i].seen;
		sim_trace(s, "at the end node %u%s: view %llu%s, executed %llu, stable %llu, snapshot %llu %s", i, s->node[i].liar.lies ? " (lies)" : "",
		          (unsigned long long)at->view, at->flags & 1 ? " (changing)" : "", (unsigned long long)at->executed, (unsigned long long)at->stable,
		          (unsigned long long)at->snapshot, at->trouble);
	}
	if (s->failure[0])
		return;
	if (s->completed < s->requests_count)
		sim_fail(s, "liveness: %u of %u requests completed %u ms after the faults stopped", s->completed, s->requests_count, SIM_LIVE_MS);
	else if (!registers_done(s))
		sim_fail(s, "liveness: %u of %u register operations were answered %u ms after the faults stopped", s->register_over, s->register_begun,
		         SIM_LIVE_MS);
	for (uint32_t i = 0; i < s->n && !s->failure[0]; i++) {
		struct node *d = &s->node[i];
		if (d->liar.lies || d->left || !reconfigure_member(s, i))
			continue;
		if (d->must_notice == d->seen.epoch && !d->noticed)
			sim_fail(s, "amnesia: node %u got an older folder, contradicts what it signed before, and votes on", i);
		else if (d->incarnation || d->seen.role == STANDING_OBSERVER)
			sim_fail(s, "liveness: node %u was not let in again", i);
		else if (!d->up)
			sim_fail(s, "node %u was never started again", i);
		else if (d->seen.executed != s->top || !digest_equal(&d->seen.chain, &s->chain_at[s->top]))
			sim_fail(s, "liveness: node %u is at %llu, the others at %llu", i, (unsigned long long)d->seen.executed, (unsigned long long)s->top);
		else
			check_state(d);
	}
	registers_check(s);
}
