/* docs/protocol.md, "Raft": what comes back after a restart, what is settled by certificates, and damage. The core is member 1. */
#include "tests/rules/raft_bed.h"

static struct bft_chain *chain_of(const struct rbed *b, bft_seq from, bft_seq end, bft_view term)
{
	struct bft_chain *c = rbed_alloc(sizeof(union raft_body));
	struct digest at = b->chain[from - 1];
	c->from = from;
	c->count = (uint16_t)(end - from + 1);
	c->end = end;
	for (uint16_t i = 0; i < c->count; i++) {
		struct digest next;
		c->entry[i].proposal = rbed_digest(term * 10000 + from + i);
		c->entry[i].results = rbed_digest(2000000 + from + i);
		chain_next(&next, &at, from + i, &c->entry[i].proposal, &c->entry[i].results);
		at = next;
	}
	c->chain = at;
	return c;
}

static enum bft_verdict caught_up(struct rbed *b, bft_seq end, bft_view term)
{
	struct bft_chain *c = chain_of(b, b->executed + 1, end, term);
	enum bft_verdict verdict = rbed_say(b, 0, RAFT_CHAIN, c);
	free(c);
	return verdict;
}

static void the_log_comes_back(void)
{
	struct rbed *b = rbed_new(3, 1);
	rbed_append(b, 0, 2, 1, 0, 0, 0, 3, 2);
	rbed_append(b, 2, 3, 1, 3, 2, 2, 2, 3);
	CU_ASSERT_EQUAL(b->executed, 2);
	rbed_restart(b, 2, BFT_RECOVERY_WHOLE);
	const struct raft *p = rbed_raft(b);
	CU_ASSERT(p->term == 3 && p->last == 5 && raft_log_term(p, 3) == 2 && raft_log_term(p, 5) == 3);
	CU_ASSERT(!p->learner && p->commit == 2); /* what is committed, the next leader tells */
	rbed_append(b, 0, 4, 1, 5, 3, 5, 0, 0);
	CU_ASSERT_EQUAL(b->executed, 5);
	CU_ASSERT_EQUAL(rbed_last_ack(b).match, 5);
	rbed_free(b);
}

static void what_was_not_flushed_is_not_there(void)
{
	struct rbed *b = rbed_new(3, 1);
	rbed_append(b, 0, 1, 1, 0, 0, 0, 2, 1);
	b->durable = false;
	rbed_append(b, 0, 1, 2, 2, 1, 0, 2, 1);
	rbed_flush_to(b, b->lsn - 1);
	b->durable = true;
	rbed_restart(b, 0, BFT_RECOVERY_WHOLE);
	CU_ASSERT_EQUAL(rbed_raft(b)->last, 3);
	rbed_append(b, 0, 1, 3, 4, 1, 0, 0, 0);
	struct raft_ack a = rbed_last_ack(b);
	CU_ASSERT(a.kind == RAFT_ACK_CONFLICT && a.match == 4); /* missing, and it may be said: it was never acknowledged */
	rbed_free(b);
}

static void a_hole_is_damage(void)
{
	struct rbed *b = rbed_new(3, 1);
	rbed_append(b, 0, 1, 1, 0, 0, 0, 4, 1);
	for (bft_lsn i = 0; i < b->lsn; i++)
		if (b->log[i].rtype == RAFT_REC_ENTRY && b->log[i].data.entry.seq == 2)
			b->log[i] = (struct rbed_record){ .rtype = RAFT_REC_EXECUTED, .data.executed.seq = 1 };
	rbed_restart(b, 0, BFT_RECOVERY_WHOLE);
	CU_ASSERT_TRUE(rbed_raft(b)->learner);
	CU_ASSERT_TRUE(rbed_standing(b).observer);
	rbed_ask_vote(b, 2, 9, RAFT_ASK_REAL, 8, 9);
	CU_ASSERT_EQUAL(rbed_last_vote(b).answer, RAFT_DAMAGED);
	/* It is repaired from the others all the same, and executes. */
	rbed_append(b, 0, 2, 1, 0, 0, 4, 4, 1);
	CU_ASSERT(b->executed == 4 && rbed_last_ack(b).learner == 1);
	rbed_free(b);
}

/* Where a certificate settled the order, no entry says in which term. But all of such a log is committed: it is compared by that. */
static void who_does_not_know_its_last_term_is_judged_by_what_is_committed(void)
{
	for (enum raft_ask kind = RAFT_ASK_REAL; kind <= RAFT_ASK_PRE; kind++) {
		struct rbed *b = rbed_new(3, 1);
		rbed_append(b, 0, 6, 1, 0, 0, 0, 0, 0);
		caught_up(b, 4, 5);
		CU_ASSERT(b->executed == 4 && rbed_raft(b)->last == 4 && rbed_raft(b)->low == 4 && !raft_log_last_known(rbed_raft(b)));
		rbed_run(b, RAFT_ELECTION_MS + 10);
		/* Whatever the terms: an entry of a leader that was deposed may stand in a long log. */
		rbed_ask_vote_at(b, 2, 7, kind, 6, 9, 3);
		CU_ASSERT_EQUAL(rbed_last_vote(b).answer, RAFT_NO);
		rbed_ask_vote_at(b, 2, 9, kind, 5, 9, 4);
		CU_ASSERT_EQUAL(rbed_last_vote(b).answer, RAFT_YES);
		rbed_free(b);
		/* Nor does who asks have to know it. */
		b = rbed_new(3, 1);
		rbed_append(b, 0, 6, 1, 0, 0, 4, 5, 6);
		rbed_run(b, RAFT_ELECTION_MS + 10);
		rbed_ask_vote_at(b, 2, 8, kind, 0, 4, 4);
		CU_ASSERT_EQUAL(rbed_last_vote(b).answer, RAFT_NO); /* it may lack my fifth */
		rbed_ask_vote_at(b, 2, 9, kind, 0, 8, 8);
		CU_ASSERT_EQUAL(rbed_last_vote(b).answer, RAFT_YES);
		rbed_free(b);
	}
	/* Were it not to stand, two such members and one that is gone would wait for ever. */
	struct rbed *b = rbed_new(3, 1);
	rbed_append(b, 0, 6, 1, 0, 0, 0, 0, 0);
	caught_up(b, 4, 5);
	rbed_lead(b);
	const struct raft_ask_vote *asked = rbed_sent(b, RAFT_ASK_VOTE)->data;
	CU_ASSERT(asked->last_term == 0 && asked->last == 4 && asked->commit == 4);
	CU_ASSERT(rbed_raft(b)->opening == 5 && ((const struct raft_append *)rbed_sent(b, RAFT_APPEND)->data)->prev_term == 0);
	rbed_ack(b, 2, 5);
	CU_ASSERT(rbed_raft(b)->commit == 5 && b->executed == 5);
	rbed_free(b);
}

/* Three logs and one certificate: shorter, the same and longer, another. */
static void a_matching_suffix_stays(void)
{
	struct rbed *b = rbed_new(3, 1);
	rbed_append(b, 0, 1, 1, 0, 0, 0, 6, 1);
	caught_up(b, 4, 1);
	CU_ASSERT(b->executed == 4 && rbed_raft(b)->last == 6 && rbed_records(b, RAFT_REC_CUT) == 0);
	rbed_free(b);
	b = rbed_new(3, 1);
	rbed_append(b, 0, 1, 1, 0, 0, 0, 6, 1);
	caught_up(b, 4, 2);
	CU_ASSERT(b->executed == 4 && rbed_raft(b)->last == 4 && rbed_records(b, RAFT_REC_CUT) == 1);
	rbed_restart(b, 4, BFT_RECOVERY_WHOLE);
	CU_ASSERT(rbed_raft(b)->last == 4 && !rbed_raft(b)->learner);
	rbed_free(b);
}

static void install(struct rbed *b, bft_seq at)
{
	for (bft_seq seq = b->executed + 1; seq <= at; seq++) {
		struct digest d = rbed_digest(10000 + seq);
		b->chain[seq] = rbed_chain_after(&b->chain[seq - 1], seq, &d);
	}
	b->executed = b->to_execute = at;
	struct bft_event e = { .kind = BFT_EV_INSTALLED, .seq = at, .digest = b->chain[at], .ref = 1 };
	rbed_step(b, &e);
}

static void an_installed_state_takes_nothing_away(void)
{
	struct rbed *b = rbed_new(3, 1);
	rbed_append(b, 0, 1, 1, 0, 0, 0, 6, 1);
	install(b, 4);
	CU_ASSERT(rbed_raft(b)->last == 6 && rbed_raft(b)->commit == 4 && rbed_raft(b)->low == 4);
	/* An older one changes nothing. */
	struct raft before = *rbed_raft(b);
	struct bft_event e = { .kind = BFT_EV_INSTALLED, .seq = 2, .digest = b->chain[2], .ref = 1 };
	rbed_step(b, &e);
	CU_ASSERT_EQUAL(memcmp(&before, rbed_raft(b), sizeof before), 0);
	rbed_free(b);
}

/* Nobody has compared my entries below an installed state with what was decided there: a leader that was overruled may have written them. */
static void below_an_installed_state_no_entry_counts(void)
{
	for (bft_seq last = 6; last <= 14; last += 8) { /* shorter than the state, and longer */
		struct rbed *b = rbed_new(3, 1);
		rbed_append(b, 0, 1, 1, 0, 0, 2, (uint16_t)last, 1);
		CU_ASSERT_EQUAL(b->executed, 2);
		install(b, 8);
		const struct raft *p = rbed_raft(b);
		CU_ASSERT(p->settled == 8 && p->settled_term == 0 && p->commit == 8 && p->last == (last < 8 ? 8 : last));
		CU_ASSERT(raft_entry_find(p, 2) != NULL); /* committed before */
		for (bft_seq seq = 3; seq <= 8; seq++)
			CU_ASSERT_PTR_NULL(raft_entry_find(p, seq));
		CU_ASSERT(last < 8 || raft_entry_find(p, 9) != NULL); /* I may have acknowledged it */
		/* The state is damaged, and an older one stands in its place: none of mine is executed. */
		rbed_restart(b, 2, BFT_RECOVERY_WHOLE);
		CU_ASSERT(b->executed == 2 && b->to_execute == 2 && rbed_raft(b)->commit == 8 && !rbed_raft(b)->learner);
		rbed_free(b);
	}
}

/* The state stands in its place, its certificate in the log, and what the core had to say of it was not written yet. */
static void a_state_that_the_log_does_not_know(void)
{
	struct rbed *b = rbed_new(3, 1);
	rbed_append(b, 0, 1, 1, 0, 0, 2, 6, 1);
	for (bft_seq seq = 3; seq <= 4; seq++) {
		struct digest d = rbed_digest(10000 + seq);
		b->chain[seq] = rbed_chain_after(&b->chain[seq - 1], seq, &d);
	}
	struct bft_checkpoint c = { .seq = 4, .chain = b->chain[4] };
	CU_ASSERT_EQUAL(rbed_say(b, 0, RAFT_STABLE, &c), BFT_ACCEPT);
	CU_ASSERT(rbed_raft(b)->low == 4 && rbed_raft(b)->settled == 0);
	rbed_restart(b, 4, BFT_RECOVERY_WHOLE);
	CU_ASSERT(rbed_raft(b)->settled == 4 && !raft_entry_find(rbed_raft(b), 3) && raft_entry_find(rbed_raft(b), 5));
	/* And so again: it has been written. */
	rbed_restart(b, 2, BFT_RECOVERY_WHOLE);
	CU_ASSERT(rbed_raft(b)->settled == 4 && !raft_entry_find(rbed_raft(b), 3) && b->to_execute == 2);
	rbed_free(b);
}

/* It was signed, and reached nobody; then the state was gone: at a border nothing would ever take its place (trusted seed 12528). */
static void a_checkpoint_executed_again_is_said_again(void)
{
	struct rbed *b = rbed_new(3, 1);
	rbed_append(b, 0, 1, 1, 0, 0, 4, 4, 1);
	CU_ASSERT(b->executed == 4 && rbed_sent(b, RAFT_CHECKPOINT) != NULL);
	rbed_restart(b, 1, BFT_RECOVERY_WHOLE);
	uint32_t records = rbed_records(b, RAFT_REC_CHECKPOINT);
	CU_ASSERT_PTR_NULL(rbed_sent(b, RAFT_CHECKPOINT));
	rbed_append(b, 0, 1, 2, 4, 1, 4, 0, 0);
	rbed_settle(b, b->seen_count);
	const struct bft_effect *e = rbed_sent(b, RAFT_CHECKPOINT);
	CU_ASSERT_FATAL(b->executed == 4 && e != NULL);
	CU_ASSERT(((const struct bft_checkpoint *)e->data)->seq == 4 && rbed_records(b, RAFT_REC_CHECKPOINT) == records);
	rbed_free(b);
}

/* An entry of a term that no record says I have entered: my vote in it is gone too. */
static void a_term_that_was_not_recorded_is_damage(void)
{
	struct rbed *b = rbed_new(3, 1);
	rbed_append(b, 0, 5, 1, 0, 0, 0, 4, 5);
	for (bft_lsn i = 0; i < b->lsn; i++)
		if (b->log[i].rtype == RAFT_REC_TERM)
			b->log[i] = (struct rbed_record){ .rtype = RAFT_REC_EXECUTED, .data.executed.seq = 1 };
	rbed_restart(b, 0, BFT_RECOVERY_WHOLE);
	CU_ASSERT(rbed_raft(b)->term == 5 && rbed_raft(b)->learner && rbed_standing(b).observer);
	rbed_ask_vote(b, 2, 9, RAFT_ASK_REAL, 8, 9);
	CU_ASSERT_EQUAL(rbed_last_vote(b).answer, RAFT_DAMAGED);
	rbed_free(b);
}

/* The state is gone, and was damaged: what a certificate settled stays settled, whatever entries a leader shows for those places. */
static void what_was_settled_outlives_the_state(void)
{
	struct rbed *b = rbed_new(3, 1);
	rbed_append(b, 0, 6, 1, 0, 0, 0, 0, 0);
	caught_up(b, 4, 5);
	rbed_restart(b, 0, BFT_RECOVERY_WHOLE);
	CU_ASSERT(rbed_raft(b)->settled == 4 && rbed_raft(b)->commit == 4 && !rbed_raft(b)->learner);
	rbed_append(b, 0, 6, 2, 2, 5, 4, 2, 6);
	CU_ASSERT(rbed_raft(b)->last == 4 && rbed_raft(b)->settled == 4 && rbed_records(b, RAFT_REC_CUT) == 0);
	rbed_free(b);
}

/* Taken, and its body never came: the certificate settles its place, and does not make it mine. */
static void what_was_only_taken_is_not_mine(void)
{
	struct rbed *b = rbed_new(3, 1);
	b->bodies = false;
	rbed_append(b, 0, 1, 1, 0, 0, 4, 6, 1);
	CU_ASSERT(rbed_raft(b)->taken == 6 && rbed_raft(b)->last == 0);
	caught_up(b, 4, 1);
	CU_ASSERT(rbed_raft(b)->last == 4 && rbed_count(b, BFT_FX_EXECUTE) == 0);
	rbed_run(b, RAFT_CATCH_MS + RAFT_STATUS_MS); /* nobody has the bodies any more */
	CU_ASSERT(rbed_raft(b)->catch_count == 0 && rbed_count(b, BFT_FX_EXECUTE) == 0);
	b->bodies = true;
	caught_up(b, 4, 1);
	CU_ASSERT_EQUAL(b->executed, 4);
	rbed_free(b);
}

/* What came by the chain stands in no entry, below it there may be some: they are sent up to there, and the rest is caught up with by the chain. */
static void what_came_by_the_chain_is_not_sent(void)
{
	struct rbed *b = rbed_new(3, 1);
	rbed_append(b, 0, 1, 1, 0, 0, 4, 4, 1);
	caught_up(b, 8, 1);
	rbed_append(b, 0, 1, 2, 8, 1, 10, 2, 1);
	CU_ASSERT(b->executed == 10 && raft_entry_find(rbed_raft(b), 4) && !raft_entry_find(rbed_raft(b), 5) && raft_entry_find(rbed_raft(b), 9));
	rbed_run(b, RAFT_ELECTION_MS);
	rbed_lead(b);
	struct raft_ack m = { .term = rbed_raft(b)->term, .round = rbed_raft(b)->round, .kind = RAFT_ACK_CONFLICT, .match = 1 };
	rbed_say(b, 2, RAFT_ACK, &m);
	const struct raft_append *sent = rbed_sent(b, RAFT_APPEND)->data;
	CU_ASSERT(sent->prev == 0 && sent->count == 4);
	m = (struct raft_ack){ .term = rbed_raft(b)->term, .round = rbed_raft(b)->round, .match = 4 };
	rbed_say(b, 2, RAFT_ACK, &m);
	rbed_run(b, RAFT_HEARTBEAT_MS + 10);
	CU_ASSERT(rbed_leads(b) && rbed_raft(b)->peer[2].match == 4 && rbed_raft(b)->peer[2].progress == RAFT_SNAPSHOT_NEEDED);
	rbed_free(b);
}

/* A whole window is committed and stable, and nothing of it is executed here. */
static struct rbed *behind_in_executing(void)
{
	struct rbed *b = rbed_new(3, 1);
	b->execute = false;
	rbed_append(b, 0, 1, 1, 0, 0, RBED_W, RBED_W, 1);
	struct digest chain = b->chain[0];
	for (bft_seq seq = 1; seq <= RBED_W; seq++) {
		struct digest d = rbed_digest(10000 + seq);
		chain = rbed_chain_after(&chain, seq, &d);
	}
	struct bft_checkpoint c = { .seq = RBED_W, .chain = chain };
	rbed_say(b, 0, RAFT_STABLE, &c);
	return b;
}

/* A state that was damaged is dropped, and its replica leads before it has one again: what opens its term finds no room so far above what is executed, and takes it later. */
static void an_opening_waits_for_room(void)
{
	struct rbed *b = behind_in_executing();
	bft_seq top = 2 * RBED_W - 1;
	rbed_append(b, 0, 1, 2, RBED_W, 1, RBED_W, (uint16_t)(top - RBED_W), 1);
	CU_ASSERT(rbed_raft(b)->last == top && rbed_raft(b)->executed == 0);
	rbed_run(b, RAFT_ELECTION_MS);
	rbed_lead(b);
	CU_ASSERT(rbed_raft(b)->opening == top + 1 && rbed_raft(b)->last == top);
	b->execute = true;
	rbed_settle(b, b->seen_count);
	rbed_run(b, 10);
	CU_ASSERT(b->executed == RBED_W && rbed_raft(b)->last == top + 1 && raft_log_term(rbed_raft(b), top + 1) == rbed_raft(b)->term);
	rbed_ack(b, 2, top + 1);
	CU_ASSERT_EQUAL(rbed_raft(b)->commit, top + 1);
	rbed_free(b);
}

/* The window has moved with the others' checkpoint, and none of it is executed here yet: whoever leads then proposes no further than its ring reaches. */
static void what_is_not_executed_keeps_its_place(void)
{
	struct rbed *b = behind_in_executing();
	rbed_append(b, 0, 1, 2, RBED_W, 1, RBED_W, RBED_W - 4, 1);
	rbed_run(b, RAFT_ELECTION_MS);
	rbed_lead(b);
	uint64_t number = 0;
	for (bft_seq last = 0; rbed_raft(b)->last > last;) {
		last = rbed_raft(b)->last;
		for (int i = 0; i < 3 && rbed_raft(b)->requests_count < 16; i++)
			rbed_request(b, ++number);
	}
	CU_ASSERT(rbed_raft(b)->executed == 0 && rbed_raft(b)->low == RBED_W && rbed_raft(b)->requests_waiting > 0);
	CU_ASSERT_EQUAL(rbed_raft(b)->last, 2 * RBED_W - 1);
	b->execute = true;
	rbed_settle(b, b->seen_count);
	rbed_run(b, 10);
	CU_ASSERT(b->executed == RBED_W && rbed_raft(b)->last > 2 * RBED_W - 1 && rbed_raft(b)->requests_waiting == 0);
	rbed_free(b);
}

/* Six are executed and the checkpoint at four is stable; the state is one of before, and what is left of the bodies does not come by itself. */
static struct rbed *back_without_bodies(bft_seq executed, enum bft_recovery recovery)
{
	struct rbed *b = rbed_new(3, 1);
	rbed_append(b, 0, 1, 1, 0, 0, 6, 6, 1);
	struct bft_checkpoint c = { .seq = 4, .chain = b->chain[4] };
	rbed_say(b, 0, RAFT_CHECKPOINT, &c);
	CU_ASSERT(b->executed == 6 && rbed_raft(b)->low == 4);
	b->bodies = false;
	rbed_restart(b, executed, recovery);
	return b;
}

/* Damage that was overtaken by the checkpoint took a body, and left the record that names it. */
static void a_record_is_no_body(void)
{
	struct rbed *b = back_without_bodies(1, BFT_RECOVERY_WHOLE);
	CU_ASSERT(rbed_raft(b)->commit == 4 && !rbed_raft(b)->learner && rbed_count(b, BFT_FX_EXECUTE) == 0);
	CU_ASSERT(rbed_count(b, BFT_FX_FETCH) == 3 && rbed_last(b, BFT_FX_FETCH)->seq == 4 && rbed_last(b, BFT_FX_FETCH)->to == (BFT_BIT(0) | BFT_BIT(2)));
	rbed_held(b, rbed_digest(10002), true); /* it stood in my log after all, or another has it */
	rbed_settle(b, b->seen_count);
	CU_ASSERT_EQUAL(b->executed, 2);
	/* The others' logs no longer reach back: they are asked what came after, and say so. */
	struct raft_status s = { .term = 1, .low = 4, .executed = 6 };
	rbed_say(b, 0, RAFT_STATUS, &s);
	const struct bft_effect *asked = rbed_sent(b, RAFT_FETCH_CHAIN);
	CU_ASSERT_FATAL(asked != NULL);
	CU_ASSERT_EQUAL(((const struct bft_fetch_chain *)asked->data)->from, 3);
	struct bft_event installed = { .kind = BFT_EV_INSTALLED, .seq = 4, .digest = ((const struct raft *)b->core)->low_chain, .ref = 1 };
	b->executed = b->to_execute = 4;
	rbed_step(b, &installed);
	CU_ASSERT(rbed_count(b, BFT_FX_FORGET) == 2 && !b->halted); /* nobody is asked for them any more */
	rbed_append(b, 2, 2, 1, 6, 1, 6, 0, 0);
	CU_ASSERT_EQUAL(b->executed, 6); /* above the checkpoint nothing was lost */
	rbed_free(b);
	/* Or their logs have them. */
	b = back_without_bodies(1, BFT_RECOVERY_WHOLE);
	b->bodies = true;
	caught_up(b, 4, 1);
	CU_ASSERT_EQUAL(b->executed, 4);
	rbed_free(b);
}

/* Whose log was damaged and not overtaken may lack any body. */
static void a_learner_looks_for_every_body(void)
{
	struct rbed *b = back_without_bodies(1, BFT_RECOVERY_LOST);
	CU_ASSERT_EQUAL(rbed_count(b, BFT_FX_FETCH), 5);
	rbed_append(b, 0, 1, 1, 6, 1, 6, 0, 0);
	CU_ASSERT(rbed_raft(b)->commit == 6 && b->executed == 1);
	/* Such an entry is not written over in a higher term as if its body were there: it is taken anew, with its body. */
	b->bodies = true;
	struct raft_append *m = rbed_append_of(3, 1, 6, 1, 6, 1, 3);
	rbed_say(b, 0, RAFT_APPEND, m);
	free(m);
	for (bft_seq seq = 2; seq <= 6; seq++)
		rbed_held(b, rbed_digest(10000 + seq), true);
	rbed_settle(b, b->seen_count);
	CU_ASSERT_EQUAL(b->executed, 6);
	rbed_free(b);
	b = back_without_bodies(4, BFT_RECOVERY_LOST);
	CU_ASSERT(rbed_raft(b)->commit == 4 && rbed_count(b, BFT_FX_FETCH) == 2);
	m = rbed_append_of(3, 1, 4, 1, 4, 2, 3);
	m->entry[0].digest = rbed_digest(10005);
	m->entry[1].digest = rbed_digest(10006);
	b->bodies = true;
	rbed_say(b, 0, RAFT_APPEND, m);
	free(m);
	CU_ASSERT(rbed_raft(b)->last == 6 && raft_log_term(rbed_raft(b), 5) == 3 && rbed_records(b, RAFT_REC_CUT) == 1);
	rbed_append(b, 0, 3, 2, 6, 3, 6, 0, 0);
	CU_ASSERT_EQUAL(b->executed, 6);
	rbed_free(b);
	/* Nobody has it for the only member there is: the driver says so. */
	b = rbed_new(1, 0);
	b->bodies = false;
	rbed_restart(b, 0, BFT_RECOVERY_WHOLE);
	CU_ASSERT_EQUAL(rbed_count(b, BFT_FX_FETCH), 0);
	rbed_free(b);
}

static void a_chain_must_fold(void)
{
	struct rbed *b = rbed_new(3, 1);
	struct bft_chain *c = chain_of(b, 1, 4, 1);
	c->entry[2].proposal = rbed_digest(9);
	CU_ASSERT_EQUAL(rbed_say(b, 0, RAFT_CHAIN, c), BFT_REJECT);
	free(c);
	c = chain_of(b, 1, 3, 1); /* ends at no checkpoint */
	CU_ASSERT_EQUAL(rbed_say(b, 0, RAFT_CHAIN, c), BFT_REJECT);
	free(c);
	c = chain_of(b, 1, 4, 1);
	c->from = 2;
	CU_ASSERT_EQUAL(rbed_say(b, 0, RAFT_CHAIN, c), BFT_IGNORE);
	free(c);
	/* Nobody reaches back: the state is fetched. */
	c = rbed_alloc(sizeof(union raft_body));
	*c = (struct bft_chain){ .from = 1, .end = 40 };
	rbed_say(b, 0, RAFT_CHAIN, c);
	CU_ASSERT_EQUAL(rbed_last(b, BFT_FX_TRANSFER)->seq, 40);
	free(c);
	rbed_free(b);
}

static void own_result_against_a_certificate_halts(void)
{
	struct rbed *b = rbed_new(3, 1);
	rbed_append(b, 0, 1, 1, 0, 0, 4, 4, 1);
	CU_ASSERT_EQUAL(b->executed, 4);
	struct bft_checkpoint c = { .seq = 4, .chain = rbed_digest(1) };
	rbed_say(b, 0, RAFT_STABLE, &c);
	CU_ASSERT_TRUE(b->halted);
	rbed_free(b);
}

static void the_window_moves_with_a_majority(void)
{
	struct rbed *b = rbed_new(5, 1);
	rbed_append(b, 0, 1, 1, 0, 0, 4, 4, 1);
	struct bft_checkpoint c = { .seq = 4, .chain = b->chain[4] };
	rbed_say(b, 0, RAFT_CHECKPOINT, &c);
	CU_ASSERT_EQUAL(rbed_say(b, 0, RAFT_CHECKPOINT, &c), BFT_IGNORE);
	CU_ASSERT_EQUAL(rbed_raft(b)->low, 0);
	c.chain = rbed_digest(3);
	rbed_say(b, 2, RAFT_CHECKPOINT, &c); /* another one adds nothing */
	CU_ASSERT_EQUAL(rbed_raft(b)->low, 0);
	c.chain = b->chain[4];
	rbed_say(b, 3, RAFT_CHECKPOINT, &c);
	CU_ASSERT_EQUAL(rbed_raft(b)->low, 4);
	CU_ASSERT_EQUAL(rbed_last(b, BFT_FX_STABLE)->seq, 4);
	/* Its term is in the log, above what will be cut. */
	rbed_restart(b, 4, BFT_RECOVERY_WHOLE);
	CU_ASSERT(rbed_raft(b)->settled == 4 && rbed_raft(b)->settled_term == 1 && rbed_raft(b)->low == 4);
	rbed_free(b);
}

/* An entry that opens a term stands beyond the window, and is executed: its CHECKPOINT counts though the window has not come there yet. */
static void checkpoints_beyond_the_window_count(void)
{
	struct rbed *b = rbed_new(3, 1);
	bft_seq top = RBED_W + RBED_K;
	rbed_append(b, 0, 1, 1, 0, 0, top, (uint16_t)top, 1);
	CU_ASSERT_EQUAL(b->executed, top);
	struct bft_checkpoint c = { .seq = top, .chain = b->chain[top] };
	CU_ASSERT_EQUAL(rbed_say(b, 0, RAFT_CHECKPOINT, &c), BFT_ACCEPT);
	CU_ASSERT_EQUAL(rbed_raft(b)->low, top);
	/* And no further than what is kept of them. */
	c.seq = top + 2 * RBED_W + RBED_K;
	CU_ASSERT_EQUAL(rbed_say(b, 0, RAFT_CHECKPOINT, &c), BFT_IGNORE);
	rbed_append(b, 0, 1, 2, top, 1, top + 30, 30, 1);
	rbed_append(b, 0, 1, 3, top + 30, 1, top + 60, 30, 1);
	CU_ASSERT_EQUAL(b->executed, top + 2 * RBED_W);
	c = (struct bft_checkpoint){ .seq = top + RBED_W, .chain = b->chain[top + RBED_W] };
	rbed_say(b, 0, RAFT_CHECKPOINT, &c);
	CU_ASSERT(b->executed > top + 2 * RBED_W);
	rbed_free(b);
}

/* The log may be cut below what is certified twice; what was cut away with it is not needed to come back. */
static void a_cut_log_comes_back(void)
{
	struct rbed *b = rbed_new(3, 1);
	for (bft_seq seq = 4; seq <= 12; seq += 4) {
		rbed_append(b, 0, 3, seq, seq - 4, seq > 4 ? 3 : 0, seq, 4, 3);
		struct bft_checkpoint c = { .seq = seq, .chain = b->chain[seq] };
		rbed_say(b, 0, RAFT_CHECKPOINT, &c);
		struct bft_event made = { .kind = BFT_EV_SNAPSHOT, .seq = seq, .digest = b->chain[seq], .root = rbed_digest(seq) };
		rbed_step(b, &made);
	}
	const struct bft_effect *cut = rbed_last(b, BFT_FX_TRUNCATE);
	CU_ASSERT_FATAL(cut != NULL);
	CU_ASSERT(cut->seq == 8 && cut->lsn <= b->durable_lsn && cut->below < cut->lsn);
	/* What concerns a sequence above stays, whatever its position. */
	for (bft_lsn i = 0; i + 1 < cut->below; i++)
		if (raft_record_seq(b->log[i].rtype, &b->log[i].data) <= cut->seq)
			b->log[i] = (struct rbed_record){ .rtype = RAFT_REC_EXECUTED, .data.executed.seq = 1 };
	rbed_restart(b, 12, BFT_RECOVERY_WHOLE);
	const struct raft *p = rbed_raft(b);
	CU_ASSERT(p->term == 3 && p->last == 12 && raft_log_last_known(p) && p->low == 12 && !p->learner && p->epoch == 1);
	rbed_free(b);
}

int main(void)
{
	static const struct unit_case cases[] = {
		{ "the log comes back", the_log_comes_back },
		{ "what was not flushed is not there", what_was_not_flushed_is_not_there },
		{ "a hole is damage", a_hole_is_damage },
		{ "who does not know its last term is judged by what is committed", who_does_not_know_its_last_term_is_judged_by_what_is_committed },
		{ "a matching suffix stays", a_matching_suffix_stays },
		{ "an installed state takes nothing away", an_installed_state_takes_nothing_away },
		{ "below an installed state no entry counts", below_an_installed_state_no_entry_counts },
		{ "a state that the log does not know", a_state_that_the_log_does_not_know },
		{ "a checkpoint executed again is said again", a_checkpoint_executed_again_is_said_again },
		{ "a term that was not recorded is damage", a_term_that_was_not_recorded_is_damage },
		{ "what was settled outlives the state", what_was_settled_outlives_the_state },
		{ "what was only taken is not mine", what_was_only_taken_is_not_mine },
		{ "what came by the chain is not sent", what_came_by_the_chain_is_not_sent },
		{ "what is not executed keeps its place", what_is_not_executed_keeps_its_place },
		{ "an opening waits for room", an_opening_waits_for_room },
		{ "a record is no body", a_record_is_no_body },
		{ "a learner looks for every body", a_learner_looks_for_every_body },
		{ "a chain must fold", a_chain_must_fold },
		{ "an own result against a certificate halts", own_result_against_a_certificate_halts },
		{ "the window moves with a majority", the_window_moves_with_a_majority },
		{ "checkpoints beyond the window count", checkpoints_beyond_the_window_count },
		{ "a cut log comes back", a_cut_log_comes_back },
		{ NULL, NULL },
	};
	return unit_main("raft_recovery", cases);
}
