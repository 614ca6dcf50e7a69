#include "tests/sim/explain/pbft_tale.h"

#include "tests/sim/explain/raft_tale.h"

uint64_t pbft_tale_now(const struct pbft_tale *p)
{
	return cores_now(p->c) - 1000;
}

struct pbft *tale_pbft(const struct pbft_tale *p, uint8_t place)
{
	return (struct pbft *)cores_core(p->c, place);
}

static const char *name(const struct pbft_tale *p, uint8_t place)
{
	return place_name(p->n, p->twinned, place);
}

static const char *content(const struct pbft_tale *p, const struct digest *digest)
{
	uint32_t requests = cores_requests_of(p->c, digest);
	return requests ? tale_request_name((uint32_t)__builtin_ctz(requests) + 1) : "nothing";
}

/* ---- the normal case ---- */

/* Whose votes for it one view has, where that is a quorum: its own view's, or an earlier one's; else who there are in its own. */
static bft_mask voters(const struct pbft *core, bft_seq seq, bool commit, const struct digest *digest)
{
	const struct pbft_slot *s = slot_find(core, seq);
	if (!s)
		return 0;
	for (bft_view view = core->view + 1; view--;) {
		bft_mask who = slot_voters(core, s, commit, view, digest);
		if (mask_count(who) >= core->q)
			return who;
	}
	return slot_voters(core, s, commit, core->view, digest);
}

static void leaf(struct pbft_tale *p, uint8_t i, const struct bft_leaf *l)
{
	const struct pbft *core = tale_pbft(p, i);
	bft_mask prepared = voters(core, l->seq, false, &l->digest);
	unsigned long long seq = l->seq;
	if (l->kind == BFT_LEAF_PRE_PREPARE)
		tell_at(p->t, pbft_tale_now(p), "%s proposes %s as number %llu.", name(p, i), content(p, &l->digest), seq);
	else if (l->kind == BFT_LEAF_PREPARE)
		tell_at(p->t, pbft_tale_now(p), "%s prepares %s as number %llu: it has checked it, and has it on its disk.", name(p, i), content(p, &l->digest),
		        seq);
	else
		tell_at(p->t, pbft_tale_now(p), "%s sees %s as number %llu prepared by %s, a quorum of %u. It commits.", name(p, i), content(p, &l->digest),
		        seq, names_of(prepared).text, core->q);
}

static void votes(struct pbft_tale *p, uint8_t i, const struct bft_votes *v)
{
	for (uint16_t k = 0; k < v->count; k++)
		leaf(p, i, &v->leaf[k]);
}

static void executes(struct pbft_tale *p, uint8_t i, const struct bft_effect *e)
{
	const struct pbft *core = tale_pbft(p, i);
	bft_mask commits = voters(core, e->seq, true, &e->digest);
	if (mask_count(commits) >= core->q)
		tell_at(p->t, pbft_tale_now(p), "%s sees it committed by %s, a quorum of %u, and executes %s as number %llu.", name(p, i),
		        names_of(commits).text, core->q, content(p, &e->digest), (unsigned long long)e->seq);
	else
		tell_at(p->t, pbft_tale_now(p), "%s has proof from the others of what is decided, and executes %s as number %llu.", name(p, i),
		        content(p, &e->digest), (unsigned long long)e->seq);
}

/* ---- another leader ---- */

static void suspects(struct pbft_tale *p, uint8_t i, const struct pbft_suspect *s)
{
	if (!s->standing)
		return;
	const struct pbft *core = tale_pbft(p, i);
	const char *leader = name(p, pbft_leader(core, s->view));
	if (core->suspect_why == PBFT_WHY_TIMEOUT)
		tell_at(p->t, pbft_tale_now(p), "%s suspects %s, who leads view %llu: a request has waited for too long.", name(p, i), leader,
		        (unsigned long long)s->view);
	else
		tell_at(p->t, pbft_tale_now(p), "%s suspects %s, who leads view %llu: it cannot be trusted to.", name(p, i), leader,
		        (unsigned long long)s->view);
}

static void changes(struct pbft_tale *p, uint8_t i, const struct pbft_view_change *v)
{
	tell_at(p->t, pbft_tale_now(p), "%s leaves for view %llu, and shows what it has seen prepared: %u number%s.", name(p, i), (unsigned long long)v->view,
	        v->count, v->count == 1 ? "" : "s");
}

static void begins(struct pbft_tale *p, uint8_t i, const struct pbft_new_view *v)
{
	bft_mask sources = 0;
	for (uint8_t k = 0; k < v->sources_count; k++)
		sources |= BFT_BIT(v->source[k].member);
	tell_at(p->t, pbft_tale_now(p), "%s leads view %llu. What it proposes again follows from what %s showed, and all can check that.", name(p, i),
	        (unsigned long long)v->view, names_of(sources).text);
}

/* ---- evidence ---- */

static const char *because(uint16_t reason)
{
	switch (reason) {
	case PBFT_WHY_TWO_PRE_PREPARES: return "two different proposals for one number, both signed";
	case PBFT_WHY_TWO_VOTES: return "two different votes for one number, both signed";
	case PBFT_WHY_TWO_CHECKPOINTS: return "two different checkpoints for one number, both signed";
	case PBFT_WHY_TWO_VIEW_CHANGES: return "two different view changes for one view, both signed";
	default: return "two statements that contradict each other, both signed";
	}
}

static void convicts(struct pbft_tale *p, uint8_t i, const struct bft_effect *e)
{
	if (e->verdict != BFT_CONVICT || (p->twinned == tale_pbft(p, i)->self) || (p->accused & BFT_BIT(i)))
		return;
	p->accused |= BFT_BIT(i);
	tell_at(p->t, pbft_tale_now(p), "%s holds proof that %s lies: %s.", name(p, i), name(p, e->from), because(e->reason));
}

static void does(void *user, uint8_t i, const struct bft_effect *e)
{
	struct pbft_tale *p = user;
	if (e->kind == BFT_FX_EXECUTE)
		executes(p, i, e);
	else if (e->kind == BFT_FX_BLAME)
		convicts(p, i, e);
	else if (e->kind != BFT_FX_SEND || !(e->to & ~BFT_BIT(tale_pbft(p, i)->self)))
		return;
	else if (e->type == PBFT_VOTES)
		votes(p, i, e->data);
	else if (e->type == PBFT_SUSPECT)
		suspects(p, i, e->data);
	else if (e->type == PBFT_VIEW_CHANGE)
		changes(p, i, e->data);
	else if (e->type == PBFT_NEW_VIEW)
		begins(p, i, e->data);
}

/* ---- life ---- */

void pbft_tale_begin(struct pbft_tale *p, struct teller *t, uint32_t n, uint8_t twinned)
{
	static const uint8_t together[CORES_PLACES_MAX];
	const struct cores_plan plan = { .protocol = &bft_pbft,
		                         .members = n,
		                         .places = n + (twinned != CORES_NOBODY),
		                         .cluster = 1,
		                         .latency_ms = PBFT_TALE_LATENCY_MS,
		                         .request_timeout_ms = PBFT_TALE_TIMEOUT_MS,
		                         .window = 16,
		                         .checkpoint_every = 4,
		                         .bundles_max = 1 };
	*p = (struct pbft_tale){ .t = t, .n = n, .places = plan.places, .twinned = twinned };
	p->c = cores_create(&plan);
	const struct cores_watch watch = { .user = p, .does = does };
	cores_watch(p->c, &watch);
	cores_begin(p->c, twinned);
	cores_cells(p->c, together);
	cores_run(p->c, 20);
}

void pbft_tale_end(struct pbft_tale *p)
{
	cores_destroy(p->c);
}

uint32_t pbft_tale_ask(struct pbft_tale *p, uint8_t place)
{
	uint32_t request = cores_request(p->c);
	tell_at(p->t, pbft_tale_now(p), "A client asks %s for %s.", name(p, place), tale_request_name(request));
	cores_ask(p->c, place, request);
	return request;
}
