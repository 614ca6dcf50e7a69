#include "bench/slots/tell.h"

#include "bft/envelope.h"
#include "bft/pbft/messages.h"
#include "bft/raft/messages.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- names ---- */

static const char *type_name(uint16_t type)
{
	static const char *const names[TAP_TYPES] = {
		[BFT_WIRE_BUNDLE] = "REQUEST",
		[BFT_WIRE_PROPOSAL] = "PROPOSAL",
		[BFT_WIRE_FETCH] = "FETCH",
		[BFT_WIRE_REPLY] = "REPLY",
		[BFT_WIRE_REPLY_LATE] = "REPLY-LATE",
		[BFT_WIRE_REFUSED] = "REFUSED",
		[BFT_WIRE_ATTACH] = "ATTACH",
		[BFT_WIRE_QUERY] = "QUERY",
		[BFT_WIRE_STANDING] = "STANDING",
		[BFT_WIRE_FETCH_OFFER] = "FETCH-OFFER",
		[BFT_WIRE_OFFER] = "OFFER",
		[BFT_WIRE_FETCH_STATE] = "FETCH-STATE",
		[BFT_WIRE_STATE] = "STATE",
		[BFT_WIRE_READ] = "READ",
		[BFT_WIRE_READ_ANSWER] = "READ-ANSWER",
		[PBFT_VOTES] = "VOTES",
		[PBFT_SUSPECT] = "SUSPECT",
		[PBFT_VIEW_CHANGE] = "VIEW-CHANGE",
		[PBFT_NEW_VIEW] = "NEW-VIEW",
		[PBFT_CHECKPOINT] = "CHECKPOINT",
		[PBFT_SNAPSHOT] = "SNAPSHOT",
		[PBFT_STATUS] = "STATUS",
		[PBFT_RECALL] = "RECALL",
		[PBFT_RECALL_DONE] = "RECALL-DONE",
		[PBFT_FETCH_VIEW_CHANGE] = "FETCH-VIEW-CHANGE",
		[PBFT_FETCH_CHAIN] = "FETCH-CHAIN",
		[PBFT_CHAIN] = "CHAIN",
		[PBFT_STABLE] = "STABLE",
		[PBFT_PASS_OVER] = "PASS-OVER",
		[RAFT_ASK_VOTE] = "ASK-VOTE",
		[RAFT_VOTE] = "VOTE",
		[RAFT_APPEND] = "APPEND",
		[RAFT_ACK] = "ACK",
		[RAFT_ASK_READ] = "ASK-READ",
		[RAFT_READ_AT] = "READ-AT",
		[RAFT_TIMEOUT_NOW] = "TIMEOUT-NOW",
		[BFT_WIRE_FETCH_EVIDENCE] = "FETCH-EVIDENCE",
		[BFT_WIRE_EVIDENCE] = "EVIDENCE",
		[BFT_WIRE_FETCH_EPOCH] = "FETCH-EPOCH",
		[BFT_WIRE_EPOCH] = "EPOCH",
		[BFT_WIRE_FETCH_VOICE] = "FETCH-VOICE",
		[BFT_WIRE_VOICE] = "VOICE",
	};
	return type < TAP_TYPES && names[type] ? names[type] : "other";
}

static const char *const leaf_name[4] = { "other", "PRE-PREPARE", "PREPARE", "COMMIT" };

static const char *entry_name(const struct tap_entry *e)
{
	return e->type == PBFT_VOTES ? leaf_name[e->kind & 3] : type_name(e->type);
}

bool slots_is_about(const struct tap_entry *e)
{
	return e->seq && (e->type == PBFT_VOTES || e->type == RAFT_APPEND) && e->what <= TAP_HEARD;
}

bool slots_proposes(const struct tap_entry *e)
{
	return e->seq && ((e->type == PBFT_VOTES && e->kind == BFT_LEAF_PRE_PREPARE) || e->type == RAFT_APPEND);
}

/* ---- sums ---- */

json_t *slots_bytes(const struct slots *s)
{
	json_t *o = json_object();
	for (uint16_t type = 0; type < TAP_TYPES; type++) {
		struct tap_count sum = { 0, 0 };
		for (uint32_t i = 0; i < s->plan->n; i++) {
			sum.messages += s->tap[i]->sent[type].messages + s->tap[i]->asked[type].messages;
			sum.bytes += s->tap[i]->sent[type].bytes + s->tap[i]->asked[type].bytes;
		}
		if (sum.messages)
			json_object_set_new(o, type_name(type), json_pack("{s:I,s:I}", "messages", (json_int_t)sum.messages, "bytes", (json_int_t)sum.bytes));
	}
	return o;
}

json_t *slots_leaves(const struct slots *s)
{
	json_t *o = json_object();
	for (uint32_t kind = 1; kind < 4; kind++) {
		uint64_t sum = 0;
		for (uint32_t i = 0; i < s->plan->n; i++)
			sum += s->tap[i]->leaves[kind];
		if (sum)
			json_object_set_new(o, leaf_name[kind], json_integer((json_int_t)sum));
	}
	return o;
}

json_t *slots_stages(const struct slots *s, uint64_t *requests)
{
	static const char *const names[TAP_STAGES] = { "checked", "proposed", "flushed", "prepared", "promised", "decided", "executed", "answered" };
	json_t *o = json_object();
	*requests = 0;
	for (uint32_t k = 0; k < TAP_STAGES; k++) {
		struct histogram *h = calloc(1, sizeof *h);
		bool bft = s->plan->mode != QUORATE_TRUSTED || (k != TAP_PREPARED && k != TAP_PROMISED);
		for (uint32_t i = 0; h && i < s->plan->n; i++)
			histogram_merge(h, &s->tap[i]->stage_us[k]);
		if (h && h->count && bft) {
			*requests = h->count;
			json_object_set_new(o, names[k],
			                    json_pack("{s:f,s:I,s:I}", "mean", (double)h->sum / (double)h->count, "p50", (json_int_t)histogram_at(h, 0.5),
			                              "p99", (json_int_t)histogram_at(h, 0.99)));
		}
		free(h);
	}
	return o;
}

/* ---- one slot ---- */

#define PROPOSALS_MAX 8u

struct telling {
	const struct capture *c;
	uint64_t begins_ns, seq;
	uint64_t from_ns, to_ns;
	uint64_t proposal[PROPOSALS_MAX]; /* different ones: a liar's */
	uint32_t proposals;
	uint64_t request, request_digest, view;
	uint32_t requests;
	uint64_t acked, fetched; /* bit i: member i's is told of; member i has fetched */
	int leader;
	json_t *messages;
	uint32_t left_out;
};

static json_t *seconds(const struct telling *t, uint64_t ns)
{
	return json_real(ns >= t->begins_ns ? (double)(ns - t->begins_ns) / 1e9 : -(double)(t->begins_ns - ns) / 1e9);
}

static json_t *who(uint8_t member)
{
	return member == TAP_CLIENT ? json_string("client") : json_integer(member);
}

static bool is_its_proposal(const struct telling *t, uint64_t id)
{
	for (uint32_t i = 0; i < t->proposals; i++)
		if (t->proposal[i] == id)
			return true;
	return false;
}

static bool is_about(const struct telling *t, const struct tap_entry *e)
{
	return e->seq == t->seq && slots_is_about(e);
}

/* What the slot is about, and from when to when. */
static void learn(struct telling *t)
{
	for (size_t i = 0; i < t->c->count; i++) {
		const struct tap_entry *e = &t->c->entry[i].e;
		if (is_about(t, e)) {
			if (e->id && !is_its_proposal(t, e->id) && t->proposals < PROPOSALS_MAX)
				t->proposal[t->proposals++] = e->id;
			if (e->what == TAP_SENT && slots_proposes(e) && e->signer == BFT_SIGNER_CHANNEL && e->view >= t->view)
				t->leader = t->c->entry[i].owner;
			t->view = e->view > t->view ? e->view : t->view;
			t->from_ns = e->at_ns < t->from_ns ? e->at_ns : t->from_ns;
		}
		if (e->what == TAP_AT_EXECUTED && e->seq == t->seq && e->bytes > t->requests) {
			t->request = e->id;
			t->request_digest = e->view;
			t->requests = e->bytes;
		}
		if (e->what >= TAP_AT_EXECUTED && e->seq == t->seq && e->at_ns > t->to_ns)
			t->to_ns = e->at_ns;
	}
	for (size_t i = 0; i < t->c->count; i++) {
		const struct tap_entry *e = &t->c->entry[i].e;
		if (e->type == BFT_WIRE_BUNDLE && e->id == t->request && e->what == TAP_HEARD && e->at_ns < t->from_ns)
			t->from_ns = e->at_ns;
	}
}

static bool once(uint64_t *mask, uint8_t member)
{
	bool first = !(*mask >> member & 1);
	*mask |= 1ull << member;
	return first;
}

static bool belongs(struct telling *t, const struct slots_entry *x)
{
	const struct tap_entry *e = &x->e;
	bool within = e->at_ns >= t->from_ns && e->at_ns <= t->to_ns;
	bool from_client = e->what == TAP_HEARD && e->peer == TAP_CLIENT;
	if (e->what == TAP_HEARD && e->type == BFT_WIRE_FETCH && is_its_proposal(t, e->id))
		t->fetched |= 1ull << e->peer;
	if (e->what != TAP_SENT && !from_client)
		return false;
	switch (e->type) {
	case PBFT_VOTES:
	case RAFT_APPEND: return is_about(t, e);
	case BFT_WIRE_BUNDLE: return e->id == t->request && e->at_ns <= t->to_ns;
	case BFT_WIRE_PROPOSAL: return is_its_proposal(t, e->id) || (!e->id && t->fetched >> e->peer & 1 && within);
	case BFT_WIRE_FETCH: return is_its_proposal(t, e->id);
	case BFT_WIRE_REPLY:
	case BFT_WIRE_REPLY_LATE: return e->seq == t->seq && e->id == t->request_digest;
	case RAFT_ACK: return e->kind == RAFT_ACK_MATCH && e->seq >= t->seq && within && once(&t->acked, x->owner);
	case PBFT_SUSPECT:
	case PBFT_VIEW_CHANGE:
	case PBFT_NEW_VIEW:
	case PBFT_FETCH_VIEW_CHANGE:
	case RAFT_ASK_VOTE:
	case RAFT_VOTE: return within;
	default: return false;
	}
}

/* When the other end heard it; 0: it did not, or has no tap. Entries are in order of time. */
static uint64_t heard_ns(const struct telling *t, size_t sent, uint64_t *used)
{
	const struct slots_entry *x = &t->c->entry[sent];
	for (size_t i = sent + 1; i < t->c->count && x->e.peer != TAP_CLIENT; i++) {
		const struct slots_entry *y = &t->c->entry[i];
		if (y->owner == x->e.peer && y->e.what == TAP_HEARD && y->e.peer == x->owner && y->e.frame == x->e.frame && y->e.seq == x->e.seq &&
		    y->e.kind == x->e.kind && !(used[i / 64] >> i % 64 & 1)) {
			used[i / 64] |= 1ull << i % 64;
			return y->e.at_ns;
		}
	}
	return 0;
}

static void tell_message(struct telling *t, size_t at, uint64_t *used)
{
	const struct slots_entry *x = &t->c->entry[at];
	const struct tap_entry *e = &x->e;
	bool sent = e->what == TAP_SENT;
	char proposal[20] = "";
	uint64_t heard = sent ? heard_ns(t, at, used) : e->at_ns;
	if (e->id && e->type != BFT_WIRE_BUNDLE && e->type != BFT_WIRE_REPLY && e->type != BFT_WIRE_REPLY_LATE)
		snprintf(proposal, sizeof proposal, "%08x", (unsigned)(e->id >> 32));
	json_t *m = json_pack("{s:o,s:o,s:s,s:I,s:o,s:o,s:I}", "from", sent ? who(x->owner) : who(e->peer), "to", sent ? who(e->peer) : who(x->owner), "what",
	                      entry_name(e), "view", (json_int_t)e->view, "sent_s", sent ? seconds(t, e->at_ns) : json_null(), "heard_s",
	                      heard ? seconds(t, heard) : json_null(), "bytes", (json_int_t)e->bytes);
	if (e->signer != BFT_SIGNER_CHANNEL && e->signer < BFT_MEMBERS_MAX)
		json_object_set_new(m, "of", json_integer(e->signer));
	if (proposal[0])
		json_object_set_new(m, "proposal", json_string(proposal));
	json_array_append_new(t->messages, m);
}

static json_t *marks(const struct telling *t)
{
	static const char *const names[] = { [TAP_AT_FLUSHED] = "flushed", [TAP_AT_PREPARED] = "prepared", [TAP_AT_PROMISED] = "promised",
		                             [TAP_AT_DECIDED] = "decided", [TAP_AT_EXECUTED] = "executed", [TAP_AT_ANSWERED] = "answered" };
	json_t *list = json_array();
	for (size_t i = 0; i < t->c->count; i++) {
		const struct slots_entry *x = &t->c->entry[i];
		if (x->e.what >= TAP_AT_FLUSHED && x->e.what <= TAP_AT_ANSWERED && x->e.seq == t->seq)
			json_array_append_new(list,
			                      json_pack("{s:i,s:s,s:o}", "replica", (int)x->owner, "what", names[x->e.what], "at_s", seconds(t, x->e.at_ns)));
	}
	return list;
}

static json_t *tell_slot(const struct capture *c, uint64_t seq, uint64_t begins_ns)
{
	struct telling t = { .c = c, .begins_ns = begins_ns, .seq = seq, .from_ns = UINT64_MAX, .leader = -1, .messages = json_array() };
	uint64_t *used = calloc(c->count / 64 + 1, sizeof *used);
	json_t *proposals = json_array();
	char text[20];
	learn(&t);
	for (size_t i = 0; used && i < c->count; i++) {
		if (!belongs(&t, &c->entry[i]))
			continue;
		if (json_array_size(t.messages) < SLOTS_MESSAGES_MAX)
			tell_message(&t, i, used);
		else
			t.left_out++;
	}
	free(used);
	for (uint32_t i = 0; i < t.proposals; i++) {
		snprintf(text, sizeof text, "%08x", (unsigned)(t.proposal[i] >> 32));
		json_array_append_new(proposals, json_string(text));
	}
	return json_pack("{s:s,s:I,s:I,s:o,s:o,s:o,s:I,s:o,s:o,s:o,s:I}", "phase", c->phase, "seq", (json_int_t)seq, "view", (json_int_t)t.view, "leader",
	                 t.leader < 0 ? json_null() : json_integer(t.leader), "from_s", seconds(&t, t.from_ns), "to_s", seconds(&t, t.to_ns), "requests",
	                 (json_int_t)t.requests, "proposals", proposals, "messages", t.messages, "marks", marks(&t), "left_out", (json_int_t)t.left_out);
}

static int by_time(const void *a, const void *b)
{
	const struct slots_entry *x = a, *y = b;
	return x->e.at_ns < y->e.at_ns ? -1 : x->e.at_ns > y->e.at_ns;
}

json_t *slots_told(const struct slots *s, uint64_t begins_ns)
{
	json_t *list = json_array();
	for (uint32_t i = 0; i < s->captures; i++) {
		const struct capture *c = &s->capture[i];
		if (c->count)
			qsort(c->entry, c->count, sizeof *c->entry, by_time);
		for (uint32_t k = 0; k < c->found; k++)
			json_array_append_new(list, tell_slot(c, c->seq[k], begins_ns));
	}
	return json_pack("{s:o}", "slots", list);
}
