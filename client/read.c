/* Reads without ordering (design section 9): every member is asked, q equal answers are the result. When they cannot become equal any more, or not in time, the
 * operation is ordered like any other. */
#include "client/core_state.h"

#include <stdlib.h>
#include <string.h>

struct client_read {
	struct client_timer timer;
	struct client_core *core;
	struct client_session *session; /* NULL once it is closed */
	struct client_read *prev, *next;
	uint64_t nonce;
	bft_mask answered;
	struct digest said[BFT_MEMBERS_MAX];
	bft_epoch in[BFT_MEMBERS_MAX]; /* the epoch that each answered in */
	quorate_answer_fn done;
	void *user;
	size_t n;
	uint8_t op[];
};

static void order(struct client_read *r);

void client_read_due(struct client_timer *timer)
{
	order((struct client_read *)(void *)((uint8_t *)timer - offsetof(struct client_read, timer)));
}

static bool ask(struct client_core *c, const struct client_read *r)
{
	size_t size = BFT_FRAME_HEAD_BYTES + 8 + r->n;
	uint8_t *frame = malloc(size);
	if (!frame)
		return false;
	struct wr w = wr_of(frame, size);
	client_frame_head(&w, BFT_WIRE_READ, NULL);
	wr_u64(&w, r->nonce);
	wr_bytes(&w, r->op, r->n);
	for (uint32_t i = 0; i < c->n; i++)
		if (c->linked & BFT_BIT(i))
			client_send(c, i, NET_REQUESTS, frame, size);
	free(frame);
	return true;
}

enum quorate_error client_session_read(struct client_session *s, const void *op, size_t op_bytes, quorate_answer_fn done, void *user)
{
	struct client_core *c = s->core;
	if (op_bytes == 0 || op_bytes > CLIENT_OP_BYTES_MAX)
		return QUORATE_USAGE;
	if (c->stopped || s->closing || c->reads_count >= CLIENT_READS_MAX || !client_timers_reserve(&c->timers))
		return QUORATE_FAILED;
	struct client_read *r = malloc(sizeof *r + op_bytes);
	if (!r) {
		client_timers_release(&c->timers);
		return QUORATE_FAILED;
	}
	*r = (struct client_read){
		.timer.of = CLIENT_TIMER_READ, .core = c, .session = s, .nonce = client_random(c), .done = done, .user = user, .n = op_bytes, .next = c->reads
	};
	memcpy(r->op, op, op_bytes);
	if (r->next)
		r->next->prev = r;
	c->reads = r;
	c->reads_count++;
	client_timer_set(&c->timers, &r->timer, c->mono_ms + c->options.retry_ms);
	ask(c, r);
	return QUORATE_OK;
}

static void take_out(struct client_core *c, struct client_read *r)
{
	client_timer_clear(&c->timers, &r->timer);
	client_timers_release(&c->timers);
	if (r->prev)
		r->prev->next = r->next;
	else
		c->reads = r->next;
	if (r->next)
		r->next->prev = r->prev;
	c->reads_count--;
}

static void end(struct client_core *c, struct client_read *r, const struct quorate_answer *a)
{
	take_out(c, r);
	r->done(r->user, a);
	free(r);
}

static void fail(struct client_core *c, struct client_read *r, const char *reason)
{
	struct quorate_answer a = { .error = QUORATE_FAILED, .reason = reason };
	end(c, r, &a);
}

/* They do not agree, or not in time: it is put into the one order. */
static void order(struct client_read *r)
{
	struct client_core *c = r->core;
	if (!r->session) {
		fail(c, r, "its session was closed");
		return;
	}
	if (client_session_submit(r->session, r->op, r->n, r->done, r->user) != QUORATE_OK) {
		fail(c, r, "the read could not be put into its session's queue");
		return;
	}
	c->reads_ordered++;
	take_out(c, r);
	free(r);
}

static struct client_read *find(struct client_core *c, uint64_t nonce)
{
	struct client_read *r = c->reads;
	while (r && r->nonce != nonce)
		r = r->next;
	return r;
}

/* Of the newest epoch that is known, as many as its mode needs; nobody's of another. In an epoch that is over nothing new can be seen, and whoever says that it is still in
 * one in which nobody lied may be lying; of one that is not known it cannot be said how many are needed. */
static uint32_t quorum_in(const struct client_core *c, bft_epoch epoch)
{
	return epoch == c->keys.epoch ? quorum_read_of(c->roster.mode, roster_count(&c->roster)) : UINT32_MAX;
}

static uint32_t alike(const struct client_core *c, const struct client_read *r, uint32_t member)
{
	uint32_t same = 0;
	for (uint32_t i = 0; i < c->n; i++)
		same += (r->answered & BFT_BIT(i)) && r->in[i] == r->in[member] && digest_equal(&r->said[i], &r->said[member]);
	return same;
}

/* Whether some answer can still reach a quorum, were all that are missing equal to it. */
static bool can_agree(const struct client_core *c, const struct client_read *r)
{
	uint32_t missing = mask_count(c->roster.members & ~r->answered);
	if (missing >= quorum_in(c, c->keys.epoch))
		return true;
	for (uint32_t i = 0; i < c->n; i++)
		if ((r->answered & BFT_BIT(i)) && alike(c, r, i) + missing >= quorum_in(c, r->in[i]))
			return true;
	return false;
}

bool client_on_read_answer(struct client_core *c, uint32_t member, bft_epoch epoch, const uint8_t *body, size_t n)
{
	struct rd rd = rd_of(body, n);
	uint64_t nonce, seq;
	if (!rd_u64(&rd, &nonce) || !rd_u64(&rd, &seq) || rd_left(&rd) > RESULT_BYTES_MAX)
		return false;
	struct client_read *r = find(c, nonce);
	/* Its first word counts: who changes it is no use. */
	if (!r || !r->session || (r->answered & BFT_BIT(member)))
		return true;
	digest_of(&r->said[member], DOMAIN_RESULT, rd.at, rd_left(&rd));
	r->in[member] = epoch;
	r->answered |= BFT_BIT(member);
	if (alike(c, r, member) >= quorum_in(c, epoch)) {
		struct quorate_answer a = { .error = QUORATE_OK, .value = rd.at, .value_bytes = rd_left(&rd), .session = r->session->id, .seq = seq };
		end(c, r, &a);
	} else if (!can_agree(c, r)) {
		order(r);
	}
	return true;
}

/* Other members: what those before said is not counted with what these say. */
void client_reads_order(struct client_core *c)
{
	for (struct client_read *r = c->reads; r; r = r->next)
		client_timer_set(&c->timers, &r->timer, c->mono_ms);
}

/* Answered in the next tick. */
void client_reads_leave(struct client_core *c, const struct client_session *s)
{
	for (struct client_read *r = c->reads; r; r = r->next) {
		if (r->session != s)
			continue;
		r->session = NULL;
		client_timer_set(&c->timers, &r->timer, c->mono_ms);
	}
}

void client_reads_end(struct client_core *c, bool tell)
{
	while (c->reads) {
		struct client_read *r = c->reads;
		if (tell) {
			fail(c, r, "the client was stopped");
			continue;
		}
		take_out(c, r);
		free(r);
	}
}
