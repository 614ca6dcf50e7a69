#include "tests/sim/explain/raft_tale.h"

#include <string.h>

struct raft *tale_raft(const struct raft_tale *r, uint8_t place)
{
	return (struct raft *)cores_core(r->c, place);
}

uint64_t tale_now(const struct raft_tale *r)
{
	return cores_now(r->c) - 1000; /* its clocks begin there */
}

static const char *name(uint32_t place)
{
	return place_name(CORES_PLACES_MAX, 0, place);
}

const char *tale_request_name(uint32_t request)
{
	static const char *const names[] = { "x", "y", "z", "u", "v", "w" };
	return request && request <= sizeof names / sizeof names[0] ? names[request - 1] : "another request";
}

/* "x", "x and y", or how it opens a term. */
static const char *content(const struct raft_tale *r, const struct raft_entry *e)
{
	static char text[64];
	uint32_t requests = cores_requests_of(r->c, &e->digest), used = 0;
	if (!requests) {
		snprintf(text, sizeof text, "it opens term %llu", (unsigned long long)e->term);
		return text;
	}
	for (uint32_t i = 0; i < 32; i++)
		if (requests >> i & 1)
			used += (uint32_t)snprintf(text + used, sizeof text - used, "%s%s", used ? " and " : "", tale_request_name(i + 1));
	return text;
}

/* ---- elections ---- */

static void asks(struct raft_tale *r, uint8_t i, const struct raft *p)
{
	struct raft_tale_seen *s = &r->seen[i];
	unsigned long long waited = cores_now(r->c) - s->reset_ms, term = p->term + 1;
	if (s->role == RAFT_ASKING || s->role == RAFT_CANDIDATE)
		tell_at(r->t, tale_now(r), "%s has no majority after %llu ms. It asks again: would you vote for me in term %llu?", name(i), waited, term);
	else
		tell_at(r->t, tale_now(r), "%s has heard no leader for %llu ms. It asks first: would you vote for me in term %llu?", name(i), waited, term);
}

static void stands(struct raft_tale *r, uint8_t i, const struct raft *p)
{
	tell_at(r->t, tale_now(r), "%s stands in term %llu: it votes for itself, and asks the others once that is on its disk.", name(i),
	        (unsigned long long)p->term);
}

static void leads(struct raft_tale *r, uint8_t i, const struct raft *p)
{
	r->leads = i;
	r->leaders++;
	tell_at(r->t, tale_now(r), "%s has the votes of %s, %u of %u: %s leads term %llu.", name(i), names_of(p->yes).text, mask_count(p->yes), r->n, name(i),
	        (unsigned long long)p->term);
}

static void leads_no_longer(struct raft_tale *r, uint8_t i, const struct raft *p, const struct raft_tale_seen *was)
{
	if (p->term > was->term)
		tell_at(r->t, tale_now(r), "%s hears of term %llu and leads no longer.", name(i), (unsigned long long)p->term);
	else if (p->flush_ms && p->mono_ms - p->flush_ms > RAFT_DISK_MS)
		tell_at(r->t, tale_now(r), "%s steps down by itself: its own disk has not finished a write for %u ms.", name(i), RAFT_DISK_MS);
	else
		tell_at(r->t, tale_now(r), "%s steps down by itself: no majority has answered it for %u ms.", name(i),
		        RAFT_ELECTION_MS + RAFT_ELECTION_SPREAD_MS);
}

/* Who has it on disk, as its leader knows. */
static bft_mask holders(const struct raft_tale *r, uint8_t leader, bft_seq seq)
{
	const struct raft *p = tale_raft(r, leader);
	bft_mask who = raft_log_durable(p) >= seq ? BFT_BIT(leader) : 0;
	for (uint32_t i = 0; i < r->n; i++)
		if (i != leader && p->peer[i].match >= seq)
			who |= BFT_BIT(i);
	return who;
}

static void commits(struct raft_tale *r, uint8_t i, const struct raft *p, bft_seq from)
{
	struct names who = names_of(holders(r, i, p->commit));
	char before[80] = "";
	if (from + 1 == p->commit)
		snprintf(before, sizeof before, ", and with it entry %llu before it", (unsigned long long)from);
	else if (from < p->commit)
		snprintf(before, sizeof before, ", and with it entries %llu to %llu", (unsigned long long)from, (unsigned long long)p->commit - 1);
	tell_at(r->t, tale_now(r), "%s: entry %llu is on the disks of %s, %u of %u. It is committed%s.", name(i), (unsigned long long)p->commit, who.text,
	        mask_count(holders(r, i, p->commit)), r->n, before);
}

static void after(void *user, uint8_t i)
{
	struct raft_tale *r = user;
	const struct raft *p = tale_raft(r, i);
	struct raft_tale_seen *s = &r->seen[i], was = *s;
	bool again = p->role == RAFT_ASKING && was.role == RAFT_ASKING && p->election_ms != was.election_ms;
	if (!r->brief && p->role == RAFT_ASKING && (was.role != RAFT_ASKING || again))
		asks(r, i, p);
	if (p->role == RAFT_CANDIDATE && (was.role != RAFT_CANDIDATE || p->term != was.term) && !r->brief)
		stands(r, i, p);
	if (p->role == RAFT_LEADER && was.role != RAFT_LEADER)
		leads(r, i, p);
	if (was.role == RAFT_LEADER && p->role != RAFT_LEADER)
		leads_no_longer(r, i, p, &was);
	if (p->role == RAFT_LEADER && p->commit > was.commit && was.role == RAFT_LEADER)
		commits(r, i, p, was.commit + 1);
	if (p->election_ms != was.election_ms && p->election_ms != p->heard_ms + RAFT_ELECTION_MS) /* not when it only waits for its promise to end */
		s->reset_ms = cores_now(r->c);
	s->role = p->role;
	s->term = p->term;
	s->leader = p->leader;
	s->commit = p->commit;
	s->election_ms = p->election_ms;
}

/* ---- answers ---- */

/* It answers nobody who stands (4.2.3). */
static bool hears_a_leader(const struct raft *p)
{
	return p->role == RAFT_LEADER || raft_promised(p);
}

static const char *why_not(const struct raft_tale *r, uint8_t i, const struct raft_vote *v, uint8_t to)
{
	static char text[160];
	const struct raft *p = tale_raft(r, i);
	const struct raft_ask_vote *q = &r->question[i];
	if (v->kind == RAFT_ASK_PRE && q->term <= p->term)
		snprintf(text, sizeof text, "it is in term %llu itself", (unsigned long long)p->term);
	else if (hears_a_leader(p) && p->leader == RAFT_NOBODY)
		snprintf(text, sizeof text, "it has heard a leader, or started, a moment ago, and may have promised its vote to nobody else");
	else if (hears_a_leader(p))
		snprintf(text, sizeof text, p->leader == i ? "it leads itself" : "it hears %s, who leads term %llu", name(p->leader),
		         (unsigned long long)p->term);
	else if (raft_log_newer_than(p, q))
		snprintf(text, sizeof text, "its own log is newer: it ends with entry %llu of term %llu, %s's with entry %llu of term %llu",
		         (unsigned long long)p->last, (unsigned long long)raft_log_term(p, p->last), name(to), (unsigned long long)q->last,
		         (unsigned long long)q->last_term);
	else if (p->term > q->term)
		snprintf(text, sizeof text, "that term is over");
	else
		snprintf(text, sizeof text, "its vote of term %llu is %s's", (unsigned long long)p->term,
		         p->voted && p->voted - 1 == i ? "its own, not " : name(p->voted ? p->voted - 1u : 0));
	if (p->voted == i + 1 && !strncmp(text, "its vote", 8))
		snprintf(text, sizeof text, "it has voted for itself in term %llu", (unsigned long long)p->term);
	return text;
}

static void answers(struct raft_tale *r, uint8_t i, const struct raft_vote *v, bft_mask mask)
{
	uint8_t to = (uint8_t)__builtin_ctzll(mask);
	bool pre = v->kind == RAFT_ASK_PRE, yes = v->answer == RAFT_YES;
	if (pre && yes)
		tell_at(r->t, tale_now(r), "%s would vote for %s: it hears no leader either, and its log is not newer.", name(i), name(to));
	else if (yes)
		tell_at(r->t, tale_now(r), "%s votes for %s in term %llu; the vote is on its disk before it is said.", name(i), name(to),
		        (unsigned long long)v->term);
	else
		tell_at(r->t, tale_now(r), pre ? "%s would not vote for %s: %s." : "%s does not vote for %s: %s.", name(i), name(to), why_not(r, i, v, to));
}

/* ---- entries ---- */

static void acknowledges(struct raft_tale *r, uint8_t i, const struct raft_ack *a)
{
	struct raft_tale_seen *s = &r->seen[i];
	const struct raft *p = tale_raft(r, i);
	if (a->term < s->acked_term || p->leader == RAFT_NOBODY)
		return;
	if (a->term > s->acked_term) {
		s->acked = 0;
		s->acked_term = a->term;
	}
	if (a->kind == RAFT_ACK_CONFLICT) {
		tell_at(r->t, tale_now(r), "%s's log does not go on where %s thinks: it says where they part.", name(i), name(p->leader));
		return;
	}
	if (a->match <= s->acked || a->match <= s->commit)
		return;
	if (a->match == s->acked + 1 || a->match == s->commit + 1)
		tell_at(r->t, tale_now(r), "%s has entry %llu on its disk and says so.", name(i), (unsigned long long)a->match);
	else
		tell_at(r->t, tale_now(r), "%s has all entries up to %llu on its disk and says so.", name(i), (unsigned long long)a->match);
	s->acked = a->match;
}

static void records(struct raft_tale *r, uint8_t i, const struct bft_effect *e)
{
	const struct raft *p = tale_raft(r, i);
	if (e->rtype == RAFT_REC_CUT) {
		const struct raft_rec_cut *cut = e->data;
		tell_at(r->t, tale_now(r), "%s takes entry %llu out of its log: it was never committed, and the leader has another there.", name(i),
		        (unsigned long long)cut->seq);
		return;
	}
	if (e->rtype != RAFT_REC_ENTRY || p->role != RAFT_LEADER)
		return;
	const struct raft_rec_entry *rec = e->data;
	const struct raft_entry entry = { .term = rec->term, .digest = rec->digest };
	tell_at(r->t, tale_now(r), "%s sends entry %llu (%s) to the others, and writes it to its own disk meanwhile.", name(i), (unsigned long long)rec->seq,
	        content(r, &entry));
}

static void executes(struct raft_tale *r, uint8_t i, const struct bft_effect *e)
{
	const struct raft_entry entry = { .digest = e->digest };
	if (cores_requests_of(r->c, &e->digest))
		tell_at(r->t, tale_now(r), "%s executes entry %llu: %s.", name(i), (unsigned long long)e->seq, content(r, &entry));
}

static void hands_on(struct raft_tale *r, uint8_t i, const struct bft_effect *e)
{
	tell_at(r->t, tale_now(r), "%s has a request that waits, and hands it to %s, who leads.", name(i), names_of(e->to).text);
}

static void reads(struct raft_tale *r, uint8_t i, const struct bft_effect *e)
{
	r->reads_refused += e->reason != 0;
	r->reads_answered += e->reason == 0;
	r->read_at = e->reason ? r->read_at : e->seq;
	if (e->reason)
		tell_at(r->t, tale_now(r), "%s refuses the read: it cannot show that it still leads.", name(i));
	else
		tell_at(r->t, tale_now(r), "%s may answer the read from its state at entry %llu: a majority has just confirmed that %s leads.", name(i),
		        (unsigned long long)e->seq, name(tale_raft(r, i)->leader));
}

static void does(void *user, uint8_t i, const struct bft_effect *e)
{
	struct raft_tale *r = user;
	if (e->kind == BFT_FX_EXECUTE)
		executes(r, i, e);
	else if (e->kind == BFT_FX_READ_AT)
		reads(r, i, e);
	else if (r->brief)
		return;
	else if (e->kind == BFT_FX_PERSIST)
		records(r, i, e);
	else if (e->kind == BFT_FX_REQUEST)
		hands_on(r, i, e);
	else if (e->kind == BFT_FX_SEND && e->type == RAFT_VOTE)
		answers(r, i, e->data, e->to);
	else if (e->kind == BFT_FX_SEND && e->type == RAFT_ACK)
		acknowledges(r, i, e->data);
}

static void arrives(void *user, const struct cores_letter *l)
{
	struct raft_tale *r = user;
	const struct raft *p = tale_raft(r, l->to);
	if (l->type != RAFT_ASK_VOTE)
		return;
	r->question[l->to] = *(const struct raft_ask_vote *)l->body;
	if (r->question[l->to].kind == RAFT_ASK_REAL && hears_a_leader(p) && !r->brief)
		tell_at(r->t, tale_now(r), "%s does not even answer %s: %s.", name(l->to), name(l->from),
		        p->role == RAFT_LEADER ? "it leads, and a majority follows" : "it hears a leader");
}

static bool passes(void *user, const struct cores_letter *l)
{
	struct raft_tale *r = user;
	return !r->passes || r->passes(r->user, l);
}

/* ---- life ---- */

void raft_tale_begin(struct raft_tale *r, struct teller *t, uint32_t n, uint32_t cluster)
{
	raft_tale_begin_slow(r, t, n, cluster, RAFT_TALE_LATENCY_MS);
}

void raft_tale_begin_slow(struct raft_tale *r, struct teller *t, uint32_t n, uint32_t cluster, uint32_t latency_ms)
{
	static const uint8_t together[CORES_PLACES_MAX];
	const struct cores_plan plan = { .protocol = &bft_raft,
		                         .members = n,
		                         .places = n,
		                         .cluster = cluster,
		                         .latency_ms = latency_ms,
		                         .request_timeout_ms = 1000,
		                         .window = 16,
		                         .checkpoint_every = 4,
		                         .bundles_max = 1,
		                         .records = true };
	*r = (struct raft_tale){ .t = t, .n = n, .leads = CORES_NOBODY };
	r->c = cores_create(&plan);
	const struct cores_watch watch = { .user = r, .passes = passes, .arrives = arrives, .after = after, .does = does };
	cores_watch(r->c, &watch);
	cores_begin(r->c, CORES_NOBODY);
	cores_cells(r->c, together);
}

void raft_tale_end(struct raft_tale *r)
{
	cores_destroy(r->c);
}

void raft_tale_schedule(struct raft_tale *r, bool (*may_pass)(void *user, const struct cores_letter *l), void *user)
{
	r->passes = may_pass;
	r->user = user;
}

void tale_run(struct raft_tale *r, uint32_t ms)
{
	cores_run(r->c, ms);
	tell_must(r->t, tale_safe(r), "nobody executes another entry at the same place");
}

static uint8_t leader_of_majority(const struct raft_tale *r)
{
	for (uint8_t i = 0; i < r->n; i++) {
		const struct raft *p = tale_raft(r, i);
		uint32_t follow = 0;
		for (uint8_t k = 0; k < r->n; k++)
			follow += cores_up(r->c, k) && tale_raft(r, k)->leader == i && tale_raft(r, k)->term == p->term;
		if (cores_up(r->c, i) && p->role == RAFT_LEADER && follow >= p->majority)
			return i;
	}
	return CORES_NOBODY;
}

uint8_t tale_run_to_leader(struct raft_tale *r, uint32_t ms)
{
	uint8_t leader = leader_of_majority(r);
	for (; ms && leader == CORES_NOBODY; ms--) {
		tale_run(r, 1);
		leader = leader_of_majority(r);
	}
	return leader;
}

static bool executed(const struct raft_tale *r, bft_mask places, uint32_t request)
{
	for (uint8_t i = 0; i < r->n; i++)
		if ((places & BFT_BIT(i)) && !(cores_done(r->c, i) >> (request - 1) & 1))
			return false;
	return true;
}

bool tale_run_to_executed(struct raft_tale *r, bft_mask places, uint32_t request, uint32_t ms)
{
	for (; ms && !executed(r, places, request); ms--)
		tale_run(r, 1);
	return executed(r, places, request);
}

uint32_t tale_ask(struct raft_tale *r, uint8_t place)
{
	uint32_t request = cores_request(r->c);
	tell_at(r->t, tale_now(r), "A client asks %s for %s.", name(place), tale_request_name(request));
	cores_ask(r->c, place, request);
	return request;
}

void tale_cut(struct raft_tale *r, const uint8_t *cell, const char *what)
{
	tell_at(r->t, tale_now(r), "%s", what);
	cores_cells(r->c, cell);
}

void tale_timer(struct raft_tale *r, uint8_t place, uint32_t ms)
{
	tale_raft(r, place)->election_ms = r->seen[place].election_ms = cores_now(r->c) + ms;
}

void tale_kill(struct raft_tale *r, uint8_t place)
{
	tell_at(r->t, tale_now(r), "%s is killed.", name(place));
	r->seen[place] = (struct raft_tale_seen){ .leader = RAFT_NOBODY };
	cores_kill(r->c, place);
}

void tale_start(struct raft_tale *r, uint8_t place)
{
	tell_at(r->t, tale_now(r), "%s starts again, with what is on its disk.", name(place));
	cores_start(r->c, place, BFT_RECOVERY_WHOLE);
}

/* Whoever heard a leader a moment ago answers nobody: so first nothing is heard for as long as it takes, and no timer ends. */
static void wait_quietly(struct raft_tale *r)
{
	for (uint32_t ms = 0; ms <= RAFT_ELECTION_MS; ms++) {
		for (uint8_t i = 0; i < r->n; i++)
			tale_timer(r, i, RAFT_ELECTION_MS);
		tale_run(r, 1);
	}
}

/* Asked once, it may learn that the term is taken; then it asks for the next. */
bool tale_make_leader(struct raft_tale *r, uint8_t place)
{
	wait_quietly(r);
	for (uint32_t ms = 0; ms < 2 * RAFT_ELECTION_MS && tale_raft(r, place)->role != RAFT_LEADER; ms++) {
		if (ms % (RAFT_ELECTION_MS / 5) == 0 && tale_raft(r, place)->role == RAFT_FOLLOWER)
			tale_timer(r, place, 0);
		for (uint8_t i = 0; i < r->n; i++)
			if (i != place)
				tale_timer(r, i, RAFT_ELECTION_MS);
		tale_run(r, 1);
	}
	return tale_raft(r, place)->role == RAFT_LEADER;
}

struct tale_log tale_log_of(const struct raft_tale *r, uint8_t place)
{
	struct tale_log log = { "" };
	const struct raft *p = tale_raft(r, place);
	uint32_t used = 0;
	for (bft_seq seq = 1; seq <= p->last && used + 16 < sizeof log.text; seq++) {
		const struct raft_entry *e = raft_entry_find(p, seq);
		uint32_t requests = e ? cores_requests_of(r->c, &e->digest) : 0;
		used += (uint32_t)snprintf(log.text + used, sizeof log.text - used, "%s%llu:%s%s", used ? "  " : "", (unsigned long long)(e ? e->term : 0),
		                           requests ? tale_request_name((uint32_t)__builtin_ctz(requests) + 1) : "-",
		                           raft_log_lsn(p, seq) > p->durable ? "~" : "");
	}
	return log;
}

void tale_logs(struct raft_tale *r)
{
	if (!r->legend)
		tell_line(r->t, "          (a log shows term:request; - is the empty entry that opens a term, ~ is not on disk yet)");
	r->legend = true;
	for (uint8_t i = 0; i < r->n; i++) {
		const struct raft *p = tale_raft(r, i);
		const char *role = !cores_up(r->c, i) ? "is down" : p->role == RAFT_LEADER ? "leads" : p->role == RAFT_FOLLOWER ? "follows" : "stands";
		tell_line(r->t, "          %s %-8s term %llu   log  %-24s committed up to %llu", name(i), role, (unsigned long long)p->term,
		          tale_log_of(r, i).text, (unsigned long long)p->commit);
	}
}

bool tale_safe(const struct raft_tale *r)
{
	return cores_failure(r->c) == NULL;
}
