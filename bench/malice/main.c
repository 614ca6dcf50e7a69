/* quorate-liar: a replica that keeps the protocol but for one thing. It links the same core, driver and log as the daemon; the lie is in what leaves it.
 *
 *   quorate-liar --config FILE --attack NAME [--on-signal yes]     honest until SIGUSR1
 *
 *   silent-leader        while it leads, it proposes nothing
 *   slow-leader          while it leads, its proposals leave at nine tenths of the timeout
 *   equivocating-leader  while it leads, members of odd number are told another proposal than the others
 *   reply-lie            clients are given another result, well signed
 *   state-chunk-lie      a replica that fetches the state gets wrong parts of it */
#include "bench/malice/late.h"
#include "bft/envelope.h"
#include "bft/pbft/messages.h"
#include "bft/proposal.h"
#include "bft/reply.h"
#include "quorate_kv.h"
#include "quorate_setup.h"
#include "replica/identity.h"
#include "replica/shim.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum attack { SILENT_LEADER, SLOW_LEADER, EQUIVOCATING_LEADER, REPLY_LIE, STATE_CHUNK_LIE, ATTACKS };
static const char *const names[ATTACKS] = { "silent-leader", "slow-leader", "equivocating-leader", "reply-lie", "state-chunk-lie" };

struct liar {
	enum attack attack;
	struct identity identity;
	uint64_t lies;
	struct late late;
	union pbft_body body;
	uint8_t frame[1 << 16];
};

static volatile sig_atomic_t lying, stopping; /* signals set them */

static void lied(struct liar *l, const char *what)
{
	if (l->lies++ == 0) {
		printf("%s\n", what);
		fflush(stdout);
	}
}

/* Whether the frame carries my own votes, decoded into l->body. */
static bool own_votes(struct liar *l, const uint8_t *bytes, size_t n, struct bft_envelope *e)
{
	struct rd r = rd_of(bytes, n);
	return envelope_read(&r, e) && e->type == PBFT_VOTES && e->signer == BFT_SIGNER_CHANNEL && pbft_decode(PBFT_VOTES, &l->body, r.at, rd_left(&r));
}

static bool proposes(const struct bft_votes *v)
{
	for (uint16_t i = 0; i < v->count; i++)
		if (v->leaf[i].kind == BFT_LEAF_PRE_PREPARE)
			return true;
	return false;
}

/* The same votes, but for the null proposal, signed again. */
static size_t other_proposal(struct liar *l, struct bft_envelope *e, uint8_t *out, size_t capacity)
{
	struct bft_votes *v = &l->body.votes;
	struct digest digest;
	struct statement s;
	for (uint16_t i = 0; i < v->count; i++)
		if (v->leaf[i].kind == BFT_LEAF_PRE_PREPARE)
			proposal_null_digest(&v->leaf[i].digest, &l->identity.cluster);
	votes_digest_of(&digest, v);
	statement_make(&s, DOMAIN_VOTES, &l->identity.cluster, e->epoch, &digest);
	sign_ed25519.sign(&e->signature, &s, &l->identity.secret);
	struct wr w = wr_of(out, capacity);
	envelope_write(&w, e);
	size_t n = wr_done(&w);
	return n + pbft_encode(PBFT_VOTES, v, out + n, capacity - n);
}

/* Head and body in one place; NULL when they are too large to be lied about. */
static uint8_t *join(struct liar *l, const void *head, size_t head_n, const void *body, size_t body_n)
{
	if (head_n + body_n > sizeof l->frame)
		return NULL;
	memcpy(l->frame, head, head_n);
	if (body_n)
		memcpy(l->frame + head_n, body, body_n);
	return l->frame;
}

static bool pass(struct quorate *q, uint8_t member, int class, const void *head, size_t head_n, const void *body, size_t body_n)
{
	uint8_t *whole = malloc(head_n + body_n);
	if (!whole)
		return false;
	memcpy(whole, head, head_n);
	if (body_n)
		memcpy(whole + head_n, body, body_n);
	bool ok = replica_send_member(q, member, class, whole, head_n + body_n);
	free(whole);
	return ok;
}

static bool to_member(void *user, struct quorate *q, uint8_t member, int class, const void *head, size_t head_n, const void *body, size_t body_n)
{
	struct liar *l = user;
	struct bft_envelope e = { .type = 0 };
	uint8_t *bytes = lying ? join(l, head, head_n, body, body_n) : NULL;
	size_t n = head_n + body_n;
	struct rd r = rd_of(bytes, bytes ? n : 0);
	late_send(&l->late, q);
	if (!bytes || !envelope_read(&r, &e))
		return pass(q, member, class, head, head_n, body, body_n);
	bool leads = e.type == PBFT_VOTES && own_votes(l, bytes, n, &e) && proposes(&l->body.votes);
	if (l->attack == SILENT_LEADER && (leads || e.type == BFT_WIRE_PROPOSAL)) {
		lied(l, "it proposes nothing any more");
		return true;
	}
	if (l->attack == SLOW_LEADER && (leads || e.type == BFT_WIRE_PROPOSAL)) {
		lied(l, "its proposals are late");
		return late_put(&l->late, l->identity.genesis.limits.request_timeout_ms * 9 / 10, member, class, head, head_n, body, body_n);
	}
	if (l->attack == EQUIVOCATING_LEADER && leads && member % 2) {
		static uint8_t other[8192];
		lied(l, "it tells two proposals to two halves");
		return replica_send_member(q, member, class, other, other_proposal(l, &e, other, sizeof other));
	}
	if (l->attack == STATE_CHUNK_LIE && e.type == BFT_WIRE_STATE && n > BFT_FRAME_HEAD_BYTES + 20) {
		lied(l, "it serves wrong parts of the state");
		bytes[n - 1] ^= 1;
		return replica_send_member(q, member, class, bytes, n);
	}
	return pass(q, member, class, head, head_n, body, body_n);
}

/* Another value, and a signature that is good for it: only f+1 equal answers protect a client. */
static size_t lie_late(struct liar *l, const struct bft_envelope *was, struct reply *reply, const uint8_t *result, size_t n, uint8_t *out, size_t capacity)
{
	struct statement s;
	struct bft_envelope e = *was;
	struct wr w = wr_of(out, capacity);
	size_t head_n = BFT_FRAME_HEAD_BYTES + REPLY_LATE_HEAD_BYTES;
	if (head_n + n > capacity)
		return 0;
	memcpy(out + head_n, result, n);
	out[head_n + n - 1] ^= 1;
	*reply = (struct reply){ .view = reply->view, .seq = reply->seq, .bundle = reply->bundle, .result = out + head_n, .result_bytes = n };
	reply_statement(&s, &l->identity.cluster, e.epoch, reply, true);
	e.type = BFT_WIRE_REPLY_LATE;
	sign_ed25519.sign(&e.signature, &s, &l->identity.secret);
	envelope_write(&w, &e);
	reply_head_encode(reply, true, out + BFT_FRAME_HEAD_BYTES, REPLY_LATE_HEAD_BYTES);
	return head_n + n;
}

static bool to_client(void *user, struct quorate *q, uint64_t link, const void *head, size_t head_n, const void *body, size_t body_n)
{
	struct liar *l = user;
	struct bft_envelope e = { .type = 0 };
	struct reply reply;
	uint8_t *bytes = join(l, head, head_n, body, body_n);
	struct rd r = rd_of(bytes, bytes ? head_n + body_n : 0);
	bool is_reply = bytes && l->attack == REPLY_LIE && lying && envelope_read(&r, &e) && (e.type == BFT_WIRE_REPLY || e.type == BFT_WIRE_REPLY_LATE) &&
	                reply_decode(&reply, e.type == BFT_WIRE_REPLY_LATE, r.at, rd_left(&r));
	if (is_reply) {
		static uint8_t other[1 << 16];
		size_t n = lie_late(l, &e, &reply, reply.result, reply.result_bytes, other, sizeof other);
		lied(l, "it gives clients another result");
		if (n)
			return replica_send_client(q, link, other, n);
	}
	return bytes && replica_send_client(q, link, bytes, head_n + body_n);
}

static void on_signal(int signal)
{
	if (signal == SIGUSR1)
		lying = 1;
	else
		stopping = 1;
}

static void problem(void *user, const char *sentence)
{
	(void)user;
	fprintf(stderr, "quorate-liar: %s\n", sentence);
}

static int usage(void)
{
	fprintf(stderr, "usage: quorate-liar --config FILE --attack");
	for (int i = 0; i < ATTACKS; i++)
		fprintf(stderr, "%s%s", i ? "|" : " ", names[i]);
	fputs(" [--on-signal yes]\n", stderr);
	return 2;
}

static int run(struct liar *l, const char *config_path)
{
	char reason[QUORATE_REASON_BYTES] = "";
	struct quorate_config *config = NULL;
	struct quorate *q = NULL;
	struct quorate_app app;
	const struct replica_shim shim = { l, to_member, to_client };
	if (quorate_config_read(&config, QUORATE_CONFIG_REPLICA, config_path, problem, NULL) != QUORATE_OK)
		return 3;
	const struct quorate_options *options = quorate_config_options(config);
	quorate_kv_app(&app);
	enum quorate_error error = identity_read(&l->identity, options, reason);
	if (error == QUORATE_OK)
		error = quorate_create(&q, options, &app, reason);
	if (error == QUORATE_OK) {
		replica_set_shim(q, &shim);
		error = quorate_start(q, reason);
	}
	if (error != QUORATE_OK)
		fprintf(stderr, "quorate-liar: %s\n", reason);
	while (error == QUORATE_OK && !stopping)
		usleep(20000);
	if (q)
		quorate_stop(q, NULL, NULL);
	quorate_destroy(q);
	quorate_config_free(config);
	return error == QUORATE_OK ? 0 : 1;
}

int main(int argc, char **argv)
{
	static struct liar liar = { .attack = ATTACKS };
	const char *config = NULL;
	bool waits = false;
	for (int i = 1; i + 1 < argc; i += 2) {
		if (!strcmp(argv[i], "--config"))
			config = argv[i + 1];
		else if (!strcmp(argv[i], "--on-signal"))
			waits = !strcmp(argv[i + 1], "yes");
		for (int k = 0; !strcmp(argv[i], "--attack") && k < ATTACKS; k++)
			if (!strcmp(argv[i + 1], names[k]))
				liar.attack = (enum attack)k;
	}
	if (!config || liar.attack == ATTACKS || argc % 2 == 0)
		return usage();
	signal(SIGUSR1, on_signal);
	signal(SIGTERM, on_signal);
	signal(SIGINT, on_signal);
	lying = !waits;
	return run(&liar, config);
}
