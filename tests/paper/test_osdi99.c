/* Castro and Liskov, "Practical Byzantine Fault Tolerance", OSDI 1999, sections 4.2 to 4.4: one test for each sentence that binds a replica, in our words.
 *
 * Where we do otherwise the test says so and why; docs/protocol.md has the trace. The paper's f, 2f and 2f+1 are for n = 3f+1, so n is 4 or 7 here; its primary
 * is our leader; its client's request is our proposal of bundles; its checkpoint digest is our chain digest. */
#include "tests/rules/core_bed.h"

/* ---- 4.2 normal-case operation ---- */

/* 4.2: The primary that receives a request starts the protocol: it gives it a sequence number and sends PRE-PREPARE to all backups. */
static void s42_the_primary_assigns_a_number_and_sends_pre_prepare(void)
{
	struct bed *b = bed_new(4, 0);
	bed_request(b, 1, 1, bed_digest(5));
	const struct bft_effect *body = bed_last(b, BFT_FX_BODY);
	CU_ASSERT_FATAL(body != NULL);
	bft_mask to = 0;
	for (uint32_t i = 0; i < b->seen_count; i++)
		if (bed_is_leaf(&b->seen[i], BFT_LEAF_PRE_PREPARE, 1)) {
			to |= b->seen[i].to;
			CU_ASSERT(bed_same(bed_leaf_in(&b->seen[i]).digest, body->digest));
		}
	CU_ASSERT(to == mask_all(4));
	bed_free(b);
}

/* 4.2: The primary buffers requests while too many are in progress, and sends them later as a group. */
static void s42_requests_are_buffered_and_sent_as_a_group(void)
{
	struct bed *b = bed_new(4, 1);
	for (uint64_t i = 1; i <= 4; i++)
		bed_request(b, 1, i, bed_digest(i));
	struct bed_changes *c = bed_changes_new(b, 1, 2);
	bed_changes_say(b, c); /* the core becomes the primary with four waiting */
	CU_ASSERT(bed_count(b, BFT_FX_BODY) == 1);
	struct bft_proposal p;
	const struct bft_effect *body = bed_last(b, BFT_FX_BODY);
	CU_ASSERT(body && proposal_decode(&p, body->data, body->data_bytes, 4) && p.count == 4);
	bed_request(b, 1, 5, bed_digest(5)); /* while that is in progress */
	CU_ASSERT(bed_count(b, BFT_FX_BODY) == 1);
	bed_changes_free(c);
	bed_free(b);
}

/* 4.2: PRE-PREPARE does not carry the request: it may travel apart from it. */
static void s42_the_request_travels_apart_from_the_pre_prepare(void)
{
	struct bed *b = bed_new(4, 1);
	bed_pre_prepare(b, 0, 1, bed_digest(1));
	CU_ASSERT(!bed_leaf(b, BFT_LEAF_PREPARE, 1) && bed_last(b, BFT_FX_FETCH) != NULL);
	bed_held(b, bed_digest(1), 0, true);
	CU_ASSERT(bed_leaf(b, BFT_LEAF_PREPARE, 1) != NULL);
	bed_free(b);
}

/* 4.2: A backup accepts a PRE-PREPARE if its signature is right, */
static void s42_accepts_if_signed(void)
{
	struct bed *b = bed_new(4, 1);
	CU_ASSERT(bed_leaf_as(b, 0, 0, BFT_LEAF_PRE_PREPARE, 1, bed_digest(1), BFT_AUTH_CHANNEL) == BFT_REJECT);
	CU_ASSERT(bed_leaf_as(b, 0, 0, BFT_LEAF_PRE_PREPARE, 1, bed_digest(1), BFT_AUTH_SIGNED) == BFT_ACCEPT);
	bed_free(b);
}

/* 4.2: ... it is in view v, */
static void s42_accepts_if_in_that_view(void)
{
	struct bed *b = bed_new(4, 1);
	bed_enter_view(b, 2);
	CU_ASSERT(bed_pre_prepare(b, 0, 1, bed_digest(1)) == BFT_IGNORE);
	bed_pre_prepare(b, 3, 1, bed_digest(1)); /* kept for that view, not voted in this */
	bed_held(b, bed_digest(1), 0, true);
	CU_ASSERT(!bed_leaf(b, BFT_LEAF_PREPARE, 1));
	CU_ASSERT(bed_pre_prepare(b, 2, 2, bed_digest(2)) == BFT_ACCEPT);
	bed_held(b, bed_digest(2), 0, true);
	CU_ASSERT(bed_leaf(b, BFT_LEAF_PREPARE, 2) != NULL);
	bed_free(b);
}

/* 4.2: ... it has not accepted one for the same view and number with another digest, */
static void s42_accepts_one_digest_a_view_and_number(void)
{
	struct bed *b = bed_new(4, 1);
	bed_pre_prepare(b, 0, 1, bed_digest(1));
	CU_ASSERT(bed_pre_prepare(b, 0, 1, bed_digest(2)) == BFT_CONVICT);
	bed_held(b, bed_digest(1), 0, true);
	bed_held(b, bed_digest(2), 0, true);
	CU_ASSERT(bed_leaves(b, BFT_LEAF_PREPARE, 1) == 1 && bed_same(bed_leaf_in(bed_leaf(b, BFT_LEAF_PREPARE, 1)).digest, bed_digest(1)));
	bed_free(b);
}

/* 4.2: ... and its number lies between the water marks h and H: so a faulty primary cannot exhaust the numbers with a very large one. */
static void s42_accepts_between_the_water_marks(void)
{
	struct bed *b = bed_new(4, 1);
	CU_ASSERT(bed_pre_prepare(b, 0, BED_W + 1, bed_digest(1)) == BFT_IGNORE);
	CU_ASSERT(bed_pre_prepare(b, 0, BFT_SEQ_MAX, bed_digest(1)) == BFT_IGNORE);
	CU_ASSERT(bed_pre_prepare(b, 0, BED_W, bed_digest(1)) == BFT_ACCEPT);
	CU_ASSERT(bed_pre_prepare(b, 0, 1, bed_digest(2)) == BFT_ACCEPT);
	bed_free(b);
}

/* 4.2: A backup that accepts sends PREPARE to all other replicas and puts both messages into its log; otherwise it does nothing. */
static void s42_sends_prepare_and_logs_both(void)
{
	struct bed *b = bed_new(4, 1);
	bed_pre_prepare(b, 0, 1, bed_digest(1));
	bft_ref pre = b->last_ref;
	bed_held(b, bed_digest(1), 0, true);
	CU_ASSERT(bed_leaf(b, BFT_LEAF_PREPARE, 1)->to == mask_all(4));
	bool held = false;
	for (uint32_t i = 0; i < b->seen_count; i++)
		held |= b->seen[i].kind == BFT_FX_HOLD && b->seen[i].ref == pre && b->seen[i].seq == 1;
	CU_ASSERT(held && bed_record(b, PBFT_REC_PREPARE) != NULL);
	bed_free(b);
}

/* 4.2: A replica (the primary too) accepts PREPAREs that are signed, of its current view, and between h and H. */
static void s42_accepts_prepares(void)
{
	for (uint8_t self = 0; self < 2; self++) {
		struct bed *b = bed_new(4, self);
		CU_ASSERT(bed_prepare(b, 2, 0, 1, bed_digest(1)) == BFT_ACCEPT);
		CU_ASSERT(bed_prepare(b, 2, 0, BED_W + 1, bed_digest(1)) == BFT_IGNORE);
		CU_ASSERT(bed_leaf_as(b, 3, 0, BFT_LEAF_PREPARE, 1, bed_digest(1), BFT_AUTH_CHANNEL) == BFT_REJECT);
		bed_free(b);
	}
	struct bed *b = bed_new(4, 1);
	bed_enter_view(b, 2);
	CU_ASSERT(bed_prepare(b, 3, 0, 1, bed_digest(1)) == BFT_IGNORE);
	bed_free(b);
}

/* 4.2: prepared(m, v, n, i) is true when i has the request, its PRE-PREPARE, and 2f matching PREPAREs from different backups. */
static void s42_prepared_needs_the_request(void)
{
	struct bed *b = bed_new(4, 1);
	bed_pre_prepare(b, 0, 1, bed_digest(1));
	bed_prepare(b, 2, 0, 1, bed_digest(1));
	bed_prepare(b, 3, 0, 1, bed_digest(1));
	CU_ASSERT(!bed_leaf(b, BFT_LEAF_COMMIT, 1));
	bed_held(b, bed_digest(1), 0, true);
	CU_ASSERT(bed_leaf(b, BFT_LEAF_COMMIT, 1) != NULL);
	bed_free(b);
}

static void s42_prepared_needs_the_pre_prepare(void)
{
	struct bed *b = bed_new(7, 1);
	bed_held(b, bed_digest(1), 0, true);
	for (uint8_t i = 2; i < 7; i++)
		bed_prepare(b, i, 0, 1, bed_digest(1));
	CU_ASSERT(!bed_leaf(b, BFT_LEAF_COMMIT, 1));
	bed_free(b);
}

static void s42_prepared_needs_2f_prepares_from_different_backups(void)
{
	struct bed *b = bed_new(7, 1); /* f = 2: four PREPAREs, mine among them */
	bed_pre_prepare(b, 0, 1, bed_digest(1));
	bed_held(b, bed_digest(1), 0, true);
	bed_prepare(b, 2, 0, 1, bed_digest(1));
	bed_prepare(b, 3, 0, 1, bed_digest(1));
	bed_prepare(b, 3, 0, 1, bed_digest(1));
	CU_ASSERT(!bed_leaf(b, BFT_LEAF_COMMIT, 1));
	bed_prepare(b, 4, 0, 1, bed_digest(1));
	CU_ASSERT(bed_leaf(b, BFT_LEAF_COMMIT, 1) != NULL);
	bed_free(b);
}

static void s42_prepared_needs_prepares_that_match(void)
{
	struct bed *b = bed_new(7, 1);
	bed_pre_prepare(b, 0, 1, bed_digest(1));
	bed_held(b, bed_digest(1), 0, true);
	bed_prepare(b, 2, 0, 1, bed_digest(1));
	bed_prepare(b, 3, 0, 1, bed_digest(2)); /* digest */
	bed_prepare(b, 4, 0, 2, bed_digest(1)); /* number */
	bed_prepare(b, 5, 1, 1, bed_digest(1)); /* view */
	CU_ASSERT(!bed_leaf(b, BFT_LEAF_COMMIT, 1));
	bed_free(b);
}

/* 4.2: If prepared(m, v, n, i) holds at a correct i, prepared(m', v, n, j) is false at every correct j. Two cores of seven, a leader and a member that lie. */
static void s42_no_two_digests_are_prepared_in_one_view(void)
{
	struct bed *one = bed_new(7, 1), *two = bed_new(7, 2);
	struct digest a = bed_digest(1), c = bed_digest(2);
	bed_pre_prepare(one, 0, 1, a);
	bed_held(one, a, 0, true);
	bed_pre_prepare(two, 0, 1, c);
	bed_held(two, c, 0, true);
	/* The liars, 0 and 6, say to each what it likes; the correct 3, 4, 5 say one thing, however they split. */
	bed_prepare(one, 6, 0, 1, a);
	bed_prepare(two, 6, 0, 1, c);
	for (uint8_t i = 3; i <= 5; i++) {
		bed_prepare(one, i, 0, 1, i == 3 ? c : a);
		bed_prepare(two, i, 0, 1, i == 3 ? c : a);
	}
	bed_prepare(one, 2, 0, 1, c);
	bed_prepare(two, 1, 0, 1, a);
	CU_ASSERT(bed_leaf(one, BFT_LEAF_COMMIT, 1) != NULL);
	CU_ASSERT(!bed_leaf(two, BFT_LEAF_COMMIT, 1));
	bed_free(one);
	bed_free(two);
}

/* 4.2: When it is prepared, the replica sends COMMIT to all. */
static void s42_prepared_it_sends_commit(void)
{
	struct bed *b = bed_new(4, 1);
	bed_make_prepared(b, 0, 1, bed_digest(1));
	const struct bft_effect *e = bed_leaf(b, BFT_LEAF_COMMIT, 1);
	CU_ASSERT_FATAL(e != NULL);
	CU_ASSERT(e->to == mask_all(4) && ((const struct bft_votes *)e->data)->view == 0 && bed_same(bed_leaf_in(e).digest, bed_digest(1)));
	bed_free(b);
}

/* 4.2: Replicas accept COMMITs that are signed, of their current view, between h and H.
 * Ours take them from the channel that is bound to the sender (nothing passes them on), and of older views too: q of them decide whatever came after. */
static void s42_accepts_commits(void)
{
	struct bed *b = bed_new(4, 1);
	CU_ASSERT(bed_commit(b, 2, 0, 1, bed_digest(1)) == BFT_ACCEPT);
	CU_ASSERT(bed_commit(b, 2, 0, BED_W + 1, bed_digest(1)) == BFT_IGNORE);
	/* In view 2 everybody shows what it had committed to, or it would contradict itself. */
	struct bed_changes *c = bed_changes_new(b, 2, b->q);
	bed_changes_prepared(c, 2, 1, 0, bed_digest(1));
	bed_changes_prepared(c, 3, 1, 0, bed_digest(1));
	struct pbft_new_view *m = bed_new_view_from(b, c);
	bed_changes_say(b, c);
	bed_say(b, 2, PBFT_NEW_VIEW, m);
	CU_ASSERT(bed_standing(b).view == 2 && !bed_standing(b).changing);
	CU_ASSERT(bed_commit(b, 3, 0, 1, bed_digest(1)) == BFT_ACCEPT);
	bed_changes_free(c);
	free(m);
	bed_free(b);
}

/* 4.2: committed-local(m, v, n, i) is true when it is prepared and i has 2f+1 matching COMMITs, its own perhaps among them. */
static void s42_committed_local_needs_2f_plus_1_commits(void)
{
	struct bed *b = bed_new(7, 1);
	bed_make_prepared(b, 0, 1, bed_digest(1)); /* its own COMMIT is one */
	bed_commit(b, 2, 0, 1, bed_digest(1));
	bed_commit(b, 3, 0, 1, bed_digest(1));
	bed_commit(b, 4, 0, 1, bed_digest(2));
	CU_ASSERT(!bed_last(b, BFT_FX_EXECUTE));
	bed_commit(b, 5, 0, 1, bed_digest(1));
	CU_ASSERT(!bed_last(b, BFT_FX_EXECUTE));
	bed_commit(b, 6, 0, 1, bed_digest(1));
	CU_ASSERT(bed_executes(b, 1, bed_digest(1)));
	bed_free(b);
}

/* The same sentence; ours do not ask for prepared: 2f+1 COMMITs show that f+1 correct replicas have it. */
static void s42_commits_alone_decide_here(void)
{
	struct bed *b = bed_new(4, 1);
	for (uint8_t i = 0; i < 4; i++)
		if (i != 1)
			bed_commit(b, i, 0, 1, bed_digest(1));
	bed_held(b, bed_digest(1), 0, true);
	CU_ASSERT(bed_executes(b, 1, bed_digest(1)));
	bed_free(b);
}

/* 4.2: A replica executes when it is committed-local and every request with a lower number has been executed. */
static void s42_executes_in_order(void)
{
	struct bed *b = bed_new(4, 1);
	bed_decide(b, 0, 2, bed_digest(2));
	CU_ASSERT(!bed_last(b, BFT_FX_EXECUTE));
	bed_decide(b, 0, 1, bed_digest(1));
	CU_ASSERT(bed_executes(b, 1, bed_digest(1)) && bed_executes(b, 2, bed_digest(2)) && bed_standing(b).executed == 2);
	bed_free(b);
}

/* 4.2: Messages need not arrive in order: the PRE-PREPARE, PREPAREs and COMMITs are kept apart. */
static void s42_messages_may_come_in_any_order(void)
{
	struct bed *b = bed_new(4, 1);
	bed_commit(b, 2, 0, 1, bed_digest(1));
	bed_commit(b, 0, 0, 1, bed_digest(1));
	bed_prepare(b, 3, 0, 1, bed_digest(1));
	bed_prepare(b, 2, 0, 1, bed_digest(1));
	bed_pre_prepare(b, 0, 1, bed_digest(1));
	CU_ASSERT(!bed_last(b, BFT_FX_EXECUTE));
	bed_held(b, bed_digest(1), 0, true);
	CU_ASSERT(bed_executes(b, 1, bed_digest(1))); /* with its own COMMIT, three */
	bed_free(b);
}

/* ---- 4.3 garbage collection ---- */

/* 4.3: Checkpoints are made when a number that a constant divides has been executed; the replica sends CHECKPOINT with the number and the state's digest. */
static void s43_checkpoints_at_multiples_of_a_constant(void)
{
	struct bed *b = bed_new(4, 1);
	for (bft_seq seq = 1; seq <= 3 * BED_K; seq++) {
		bed_decide(b, 0, seq, bed_digest(seq));
		CU_ASSERT(bed_sent_count(b, PBFT_CHECKPOINT) == seq / BED_K);
	}
	const struct bft_checkpoint *m = bed_sent(b, PBFT_CHECKPOINT)->data;
	CU_ASSERT(m->seq == 3 * BED_K && bed_same(m->chain, b->chain[3 * BED_K]));
	bed_free(b);
}

/* 4.3: 2f+1 CHECKPOINTs for one number with one digest, from different replicas, are the proof that it is right. */
static void s43_2f_plus_1_equal_ones_are_the_proof(void)
{
	struct bed *b = bed_new(7, 1);
	bed_checkpoint(b, 2, BED_K, bed_digest(1));
	bed_checkpoint(b, 2, BED_K, bed_digest(1));
	bed_checkpoint(b, 3, BED_K, bed_digest(1));
	bed_checkpoint(b, 4, BED_K, bed_digest(1));
	bed_checkpoint(b, 5, BED_K, bed_digest(2));
	bed_checkpoint(b, 6, BED_K, bed_digest(1));
	CU_ASSERT(bed_standing(b).low == 0);
	bed_checkpoint(b, 0, BED_K, bed_digest(1));
	CU_ASSERT(bed_standing(b).low == BED_K);
	const struct bft_certificate_refs *c = bed_record(b, PBFT_REC_STABLE)->data;
	CU_ASSERT(mask_count(c->signers) == 5 && !(c->signers & BFT_BIT(5)));
	bed_free(b);
}

/* 4.3: With the proof it is stable: all PRE-PREPAREs, PREPAREs and COMMITs up to it go, and earlier CHECKPOINTs. */
static void s43_stable_discards_what_is_below(void)
{
	struct bed *b = bed_new(4, 1);
	for (bft_seq seq = 1; seq <= 2 * BED_K; seq++)
		bed_decide(b, 0, seq, bed_digest(seq));
	bed_make_stable(b, 2 * BED_K); /* that of K never became stable here */
	CU_ASSERT(bed_last(b, BFT_FX_STABLE)->seq == 2 * BED_K && bed_standing(b).low == 2 * BED_K);
	bed_forget(b);
	struct pbft_recall m = { .stable = 0 };
	bed_say_as(b, 2, PBFT_RECALL, &m, BFT_AUTH_CHANNEL); /* what do you hold of mine? */
	CU_ASSERT(!bed_last(b, BFT_FX_FORWARD));
	CU_ASSERT(bed_checkpoint(b, 2, BED_K, bed_digest(1)) == BFT_IGNORE);
	bed_free(b);
}

/* 4.3: The checkpoint moves the water marks: h is its number, H = h + k, k large enough not to stall between checkpoints (we: W >= 2K). */
static void s43_the_water_marks_advance_with_it(void)
{
	struct bed *b = bed_new(4, 1);
	for (bft_seq seq = 1; seq <= BED_K; seq++)
		bed_decide(b, 0, seq, bed_digest(seq));
	CU_ASSERT(bed_pre_prepare(b, 0, BED_W + BED_K, bed_digest(9)) == BFT_IGNORE);
	bed_make_stable(b, BED_K);
	CU_ASSERT(bed_pre_prepare(b, 0, BED_K, bed_digest(9)) == BFT_IGNORE);
	CU_ASSERT(bed_pre_prepare(b, 0, BED_W + BED_K, bed_digest(9)) == BFT_ACCEPT);
	CU_ASSERT(bed_pre_prepare(b, 0, BED_W + BED_K + 1, bed_digest(9)) == BFT_IGNORE);
	bed_free(b);
}

/* ---- 4.4 view changes ---- */

/* 4.4: A backup starts a timer when it receives a request and the timer is not running; */
static void s44_a_request_starts_a_timer(void)
{
	struct bed *b = bed_new(4, 1);
	const struct pbft *p = (const struct pbft *)b->core;
	CU_ASSERT(suspect_deadline(p) == UINT64_MAX);
	bed_request(b, 1, 1, bed_digest(1));
	uint64_t due = suspect_deadline(p);
	CU_ASSERT(due == b->mono_ms + BED_TIMEOUT_MS);
	bed_tick(b, 10);
	bed_request(b, 1, 2, bed_digest(2));
	CU_ASSERT(suspect_deadline(p) == due);
	bed_free(b);
}

/* 4.4: ... it stops it when it no longer waits for the request, and restarts it if it waits for another.
 * Ours restarts at the age of that other one, not from now: else a leader could serve one at a time and starve the rest. */
static void s44_it_stops_and_restarts_with_the_requests(void)
{
	struct bed *b = bed_new(4, 1);
	const struct pbft *p = (const struct pbft *)b->core;
	bed_request(b, 1, 1, bed_digest(1));
	bed_tick(b, 200);
	bed_request(b, 1, 2, bed_digest(2));
	uint64_t second = b->mono_ms;
	bed_tick(b, 200);
	b->ends[b->ends_count++] = (struct bft_request_id){ .session = 1, .number = 1 };
	bed_decide(b, 0, 1, bed_digest(100));
	CU_ASSERT(suspect_deadline(p) == second + BED_TIMEOUT_MS);
	b->ends[b->ends_count++] = (struct bft_request_id){ .session = 1, .number = 2 };
	bed_decide(b, 0, 2, bed_digest(101));
	CU_ASSERT(suspect_deadline(p) == UINT64_MAX);
	bed_free(b);
}

/* 4.4: When it expires in view v, the backup starts a view change to v+1 and stops accepting messages but CHECKPOINT, VIEW-CHANGE and NEW-VIEW.
 * Ours first says SUSPECT, and starts when f+1 do: a lone VIEW-CHANGE would take a voter from the view and give nothing. */
static void s44_expiry_leads_to_a_view_change(void)
{
	struct bed *b = bed_new(4, 1);
	bed_request(b, 1, 1, bed_digest(1));
	bed_tick(b, BED_TIMEOUT_MS);
	CU_ASSERT(bed_sent(b, PBFT_SUSPECT) != NULL && !bed_sent(b, PBFT_VIEW_CHANGE));
	bed_suspect(b, 3, 0, true);
	CU_ASSERT_FATAL(bed_sent(b, PBFT_VIEW_CHANGE) != NULL);
	CU_ASSERT(((const struct pbft_view_change *)bed_sent(b, PBFT_VIEW_CHANGE)->data)->view == 1);
	bed_free(b);
}

static void s44_it_stops_accepting_the_old_views_messages(void)
{
	struct bed *b = bed_new(4, 1);
	bed_leave(b, 0);
	CU_ASSERT(bed_pre_prepare(b, 0, 1, bed_digest(1)) == BFT_IGNORE);
	CU_ASSERT(bed_prepare(b, 2, 0, 1, bed_digest(1)) == BFT_IGNORE);
	CU_ASSERT(bed_checkpoint(b, 2, BED_K, bed_digest(1)) == BFT_ACCEPT);
	CU_ASSERT(bed_view_change(b, 2, 1) == BFT_ACCEPT);
	/* Ours still takes COMMITs, as above, and votes on nothing. */
	bed_forget(b);
	for (uint8_t i = 0; i < 4; i++)
		if (i != 1)
			bed_commit(b, i, 0, 1, bed_digest(1));
	bed_held(b, bed_digest(1), 0, true);
	CU_ASSERT(bed_executes(b, 1, bed_digest(1)) && !bed_sent(b, PBFT_VOTES));
	bed_free(b);
}

/* 4.4: VIEW-CHANGE names the last stable checkpoint with its proof, and for each request prepared above it the set that proves that. */
static void s44_view_change_carries_checkpoint_and_prepared(void)
{
	struct bed *b = bed_new(4, 1);
	for (bft_seq seq = 1; seq <= BED_K + 1; seq++)
		bed_decide(b, 0, seq, bed_digest(seq));
	bed_make_stable(b, BED_K);
	bed_pre_prepare(b, 0, BED_K + 2, bed_digest(9)); /* not prepared */
	bed_held(b, bed_digest(9), 0, true);
	bed_leave(b, 0);
	const struct pbft_view_change *m = bed_sent(b, PBFT_VIEW_CHANGE)->data;
	CU_ASSERT(m->stable == BED_K && bed_same(m->chain, b->chain[BED_K]));
	CU_ASSERT_FATAL(m->count == 1);
	CU_ASSERT(m->prepared[0].seq == BED_K + 1 && m->prepared[0].view == 0 && bed_same(m->prepared[0].digest, bed_digest(BED_K + 1)));
	bed_free(b);
}

/* 4.4: The primary of v+1, with 2f VIEW-CHANGEs of others, sends NEW-VIEW to all. */
static void s44_the_new_primary_sends_new_view(void)
{
	struct bed *b = bed_new(7, 1); /* f = 2 */
	for (uint8_t i = 3; i < 6; i++)
		bed_view_change(b, i, 1);
	CU_ASSERT(!bed_sent(b, PBFT_NEW_VIEW));
	bed_view_change(b, 6, 1);
	CU_ASSERT_FATAL(bed_sent(b, PBFT_NEW_VIEW) != NULL);
	CU_ASSERT(bed_sent(b, PBFT_NEW_VIEW)->to == mask_all(7));
	bed_free(b);
}

/* 4.4: It proposes again each number between min-s, the latest stable checkpoint in V, and max-s, the highest prepared in V. */
static void s44_re_proposes_between_min_s_and_max_s(void)
{
	struct bed *b = bed_new(4, 1);
	struct bed_changes *c = bed_changes_new(b, 1, 2);
	c->of[2]->stable = BED_K;
	c->of[2]->chain = bed_digest(800);
	bed_changes_prepared(c, 3, BED_K - 1, 0, bed_digest(3)); /* below min-s */
	bed_changes_prepared(c, 3, BED_K + 3, 0, bed_digest(7));
	bed_changes_say(b, c);
	const struct pbft_new_view *m = bed_sent(b, PBFT_NEW_VIEW)->data;
	CU_ASSERT(m->stable == BED_K && m->count == 3);
	bed_changes_free(c);
	bed_free(b);
}

/* 4.4: For each: the request of the prepared certificate with the highest view in V; where there is none, the null request, */
static void s44_the_highest_view_or_null(void)
{
	struct bed *b = bed_new(4, 1);
	struct bed_changes *c = bed_changes_new(b, 5, 2);
	bed_changes_prepared(c, 2, 2, 1, bed_digest(1));
	bed_changes_prepared(c, 3, 2, 4, bed_digest(4));
	bed_changes_say(b, c);
	const struct pbft_new_view *m = bed_sent(b, PBFT_NEW_VIEW)->data;
	CU_ASSERT_FATAL(m->count == 2);
	CU_ASSERT(bed_same(m->digest[0], b->null) && bed_same(m->digest[1], bed_digest(4)));
	bed_changes_free(c);
	bed_free(b);
}

/* 4.4: ... which goes through the protocol like others and whose execution does nothing. */
static void s44_the_null_request_goes_through_the_protocol(void)
{
	struct bed *b = bed_new(4, 1);
	struct bed_changes *c = bed_changes_new(b, 2, 3);
	bed_changes_prepared(c, 3, 2, 0, bed_digest(2));
	struct pbft_new_view *m = bed_new_view_from(b, c);
	bed_changes_say(b, c);
	bed_say(b, 2, PBFT_NEW_VIEW, m);
	bed_pre_prepare(b, 2, 1, b->null);
	CU_ASSERT(bed_leaf(b, BFT_LEAF_PREPARE, 1) != NULL);
	bed_prepare(b, 3, 2, 1, b->null);
	CU_ASSERT(bed_leaf(b, BFT_LEAF_COMMIT, 1) != NULL);
	bed_commit(b, 2, 2, 1, b->null);
	bed_commit(b, 3, 2, 1, b->null);
	CU_ASSERT(bed_executes(b, 1, b->null));
	bed_changes_free(c);
	free(m);
	bed_free(b);
}

/* 4.4: If min-s is above its own stable checkpoint, the primary takes the proof over, and discards what is below. */
static void s44_the_primary_adopts_min_s(void)
{
	struct bed *b = bed_new(4, 1);
	struct bed_changes *c = bed_changes_new(b, 1, 2);
	c->of[2]->stable = 2 * BED_K;
	c->of[2]->chain = bed_digest(800);
	bed_changes_say(b, c);
	CU_ASSERT(bed_sent(b, PBFT_NEW_VIEW) != NULL && bed_standing(b).low == 2 * BED_K);
	CU_ASSERT(bed_last(b, BFT_FX_STABLE) != NULL && bed_record(b, PBFT_REC_STABLE) != NULL);
	bed_changes_free(c);
	bed_free(b);
}

/* 4.4: Then it enters view v+1: from here on it accepts messages for it. */
static void s44_the_primary_enters_the_view(void)
{
	struct bed *b = bed_new(4, 1);
	bed_view_change(b, 2, 1);
	bed_view_change(b, 3, 1);
	CU_ASSERT(bed_standing(b).view == 1 && !bed_standing(b).changing && bed_standing(b).leader == 1);
	bed_request(b, 1, 1, bed_digest(1));
	CU_ASSERT(bed_leaf(b, BFT_LEAF_PRE_PREPARE, 1) != NULL);
	bed_free(b);
}

/* 4.4: A backup accepts NEW-VIEW if it is signed, its VIEW-CHANGEs are for v+1, and O is right, which it computes itself as the primary did. */
static void s44_a_backup_computes_o_itself(void)
{
	for (int wrong = 0; wrong < 2; wrong++) {
		struct bed *b = bed_new(4, 1);
		struct bed_changes *c = bed_changes_new(b, 2, 3);
		bed_changes_prepared(c, 3, 1, 0, bed_digest(1));
		struct pbft_new_view *m = bed_new_view_from(b, c);
		if (wrong)
			m->digest[0] = bed_digest(2);
		bed_changes_say(b, c);
		bed_say(b, 2, PBFT_NEW_VIEW, m);
		CU_ASSERT(bed_standing(b).changing == wrong);
		CU_ASSERT(!wrong || bed_blame(b, 2, BFT_CONVICT, PBFT_WHY_FALSE_NEW_VIEW) != NULL);
		bed_changes_free(c);
		free(m);
		bed_free(b);
	}
}

/* 4.4: It sends PREPARE for each message in O.
 * Ours when the leader's own leaf for it is there: of what NEW-VIEW's signature alone covers no certificate could be made that stands by itself. */
static void s44_a_backup_prepares_each_of_o(void)
{
	struct bed *b = bed_new(4, 1);
	struct bed_changes *c = bed_changes_new(b, 2, 3);
	for (bft_seq seq = 1; seq <= 3; seq++)
		bed_changes_prepared(c, 3, seq, 0, bed_digest(seq));
	struct pbft_new_view *m = bed_new_view_from(b, c);
	bed_changes_say(b, c);
	bed_say(b, 2, PBFT_NEW_VIEW, m);
	CU_ASSERT(!bed_leaf(b, BFT_LEAF_PREPARE, 0));
	for (bft_seq seq = 1; seq <= 3; seq++) {
		bed_pre_prepare(b, 2, seq, bed_digest(seq));
		bed_held(b, bed_digest(seq), 0, true);
		CU_ASSERT(bed_leaf(b, BFT_LEAF_PREPARE, seq) != NULL);
	}
	bed_changes_free(c);
	free(m);
	bed_free(b);
}

/* 4.4: The protocol is run again for what lies between min-s and max-s; what a client's request did already is not done again. */
static void s44_the_protocol_is_run_again_without_executing_again(void)
{
	struct bed *b = bed_new(4, 1);
	bed_decide(b, 0, 1, bed_digest(1));
	struct bed_changes *c = bed_changes_new(b, 2, 3);
	bed_changes_prepared(c, 3, 1, 0, bed_digest(1));
	struct pbft_new_view *m = bed_new_view_from(b, c);
	bed_changes_say(b, c);
	bed_say(b, 2, PBFT_NEW_VIEW, m);
	bed_forget(b);
	bed_decide(b, 2, 1, bed_digest(1));
	CU_ASSERT(bed_leaf(b, BFT_LEAF_COMMIT, 1) != NULL && !bed_last(b, BFT_FX_EXECUTE));
	bed_changes_free(c);
	free(m);
	bed_free(b);
}

/* 4.4: A replica may lack a request or a stable checkpoint, as NEW-VIEW does not carry them: it gets the missing from another replica. */
static void s44_what_is_missing_is_obtained_from_others(void)
{
	struct bed *b = bed_new(4, 1);
	struct bed_changes *c = bed_changes_new(b, 2, 3);
	for (uint32_t i = 0; i < 4; i++)
		if (c->of[i]) {
			c->of[i]->stable = BED_K;
			c->of[i]->chain = bed_digest(800);
		}
	bed_changes_prepared(c, 3, BED_K + 1, 0, bed_digest(1));
	struct pbft_new_view *m = bed_new_view_from(b, c);
	bed_changes_say(b, c);
	bed_say(b, 2, PBFT_NEW_VIEW, m);
	CU_ASSERT(bed_last(b, BFT_FX_FETCH) != NULL && bed_same(bed_last(b, BFT_FX_FETCH)->digest, bed_digest(1)));
	bed_status(b, 3, 2, BED_K, BED_K);
	bed_tick(b, PBFT_STATUS_MS);
	CU_ASSERT(bed_sent(b, PBFT_FETCH_CHAIN) != NULL);
	bed_changes_free(c);
	free(m);
	bed_free(b);
}

int main(void)
{
	static const struct unit_case cases[] = {
		{ "4.2 the primary assigns a number and sends PRE-PREPARE to all", s42_the_primary_assigns_a_number_and_sends_pre_prepare },
		{ "4.2 requests are buffered and sent as a group", s42_requests_are_buffered_and_sent_as_a_group },
		{ "4.2 the request travels apart from the PRE-PREPARE", s42_the_request_travels_apart_from_the_pre_prepare },
		{ "4.2 PRE-PREPARE is accepted if signed", s42_accepts_if_signed },
		{ "4.2 PRE-PREPARE is accepted if in that view", s42_accepts_if_in_that_view },
		{ "4.2 PRE-PREPARE is accepted with one digest a view and number", s42_accepts_one_digest_a_view_and_number },
		{ "4.2 PRE-PREPARE is accepted between the water marks", s42_accepts_between_the_water_marks },
		{ "4.2 accepting, it sends PREPARE to all and logs both", s42_sends_prepare_and_logs_both },
		{ "4.2 PREPAREs are accepted if signed, of this view, in the window", s42_accepts_prepares },
		{ "4.2 prepared needs the request", s42_prepared_needs_the_request },
		{ "4.2 prepared needs the PRE-PREPARE", s42_prepared_needs_the_pre_prepare },
		{ "4.2 prepared needs 2f PREPAREs from different backups", s42_prepared_needs_2f_prepares_from_different_backups },
		{ "4.2 prepared needs PREPAREs that match", s42_prepared_needs_prepares_that_match },
		{ "4.2 no two digests are prepared in one view", s42_no_two_digests_are_prepared_in_one_view },
		{ "4.2 prepared, it sends COMMIT to all", s42_prepared_it_sends_commit },
		{ "4.2 COMMITs are accepted in the window (ours: of older views too)", s42_accepts_commits },
		{ "4.2 committed-local needs 2f+1 COMMITs that match", s42_committed_local_needs_2f_plus_1_commits },
		{ "4.2 committed-local needs prepared (ours: COMMITs alone)", s42_commits_alone_decide_here },
		{ "4.2 it executes in the order of numbers", s42_executes_in_order },
		{ "4.2 messages may come in any order", s42_messages_may_come_in_any_order },
		{ "4.3 checkpoints at multiples of a constant", s43_checkpoints_at_multiples_of_a_constant },
		{ "4.3 2f+1 equal CHECKPOINTs are the proof", s43_2f_plus_1_equal_ones_are_the_proof },
		{ "4.3 stable discards what is below", s43_stable_discards_what_is_below },
		{ "4.3 the water marks advance with it", s43_the_water_marks_advance_with_it },
		{ "4.4 a request starts a timer", s44_a_request_starts_a_timer },
		{ "4.4 it stops and restarts with the requests", s44_it_stops_and_restarts_with_the_requests },
		{ "4.4 expiry leads to a view change (ours: with f+1)", s44_expiry_leads_to_a_view_change },
		{ "4.4 it stops accepting the old view's messages", s44_it_stops_accepting_the_old_views_messages },
		{ "4.4 VIEW-CHANGE carries the checkpoint and what is prepared", s44_view_change_carries_checkpoint_and_prepared },
		{ "4.4 the new primary sends NEW-VIEW with 2f of others", s44_the_new_primary_sends_new_view },
		{ "4.4 it re-proposes between min-s and max-s", s44_re_proposes_between_min_s_and_max_s },
		{ "4.4 the highest view's certificate, or null", s44_the_highest_view_or_null },
		{ "4.4 the null request goes through the protocol", s44_the_null_request_goes_through_the_protocol },
		{ "4.4 the primary adopts min-s", s44_the_primary_adopts_min_s },
		{ "4.4 the primary enters the view", s44_the_primary_enters_the_view },
		{ "4.4 a backup computes O itself", s44_a_backup_computes_o_itself },
		{ "4.4 a backup prepares each of O (ours: when the leader signed it)", s44_a_backup_prepares_each_of_o },
		{ "4.4 the protocol is run again without executing again", s44_the_protocol_is_run_again_without_executing_again },
		{ "4.4 what is missing is obtained from others", s44_what_is_missing_is_obtained_from_others },
		{ 0 },
	};
	return unit_main("osdi99", cases);
}
