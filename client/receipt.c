/* Receipts, as anybody who holds the genesis judges them: no connection, no key, nobody believed. */
#include "client/client_state.h"

#include "bft/quorum.h"
#include "bft/receipt.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

_Static_assert(QUORATE_RECEIPT_BYTES_MAX >= RECEIPT_BYTES_MAX, "every receipt fits");
_Static_assert(sizeof((struct quorate_receipt_info *)0)->org / sizeof(((struct quorate_receipt_info *)0)->org[0]) == BFT_MEMBERS_MAX, "all fit");

struct judge {
	struct bft_genesis genesis;
	struct digest cluster;
	struct epoch_keys keys;
	struct receipt receipt;
};

static void say_request(struct quorate_receipt_info *out, const struct receipt *r)
{
	struct digest digest;
	bundle_digest(&digest, r->bundle, r->bundle_bytes);
	hex_format(out->client, r->request.key.b, PUBLIC_KEY_BYTES);
	hex_format(out->request, digest.b, DIGEST_BYTES);
	out->session = r->request.session;
	out->number = r->request.number;
	if (r->request.kind != BUNDLE_OPS)
		return;
	out->operations = r->request.count;
	out->ops = r->request.ops;
	out->ops_bytes = r->request.ops_bytes;
}

static void say_signers(struct quorate_receipt_info *out, const struct judge *j)
{
	const struct receipt *r = &j->receipt;
	out->members = j->genesis.count;
	out->signers = mask_count(r->signers);
	out->signed_by = r->signers;
	out->placed = out->signers - mask_count(r->alone);
	for (uint32_t i = 0; i < out->members; i++)
		if (r->signers & BFT_BIT(i))
			snprintf(out->org[i], sizeof out->org[i], "%s", j->genesis.cards[i].org);
	if (!out->placed)
		return;
	hex_format(out->proposal, r->place.proposal.b, DIGEST_BYTES);
	hex_format(out->chain, r->place.chain.b, DIGEST_BYTES);
}

static void say(struct quorate_receipt_info *out, const struct judge *j)
{
	const struct receipt *r = &j->receipt;
	hex_format(out->cluster, r->cluster.b, DIGEST_BYTES);
	out->epoch = r->epoch;
	out->seq = r->seq;
	out->executed = r->outcome.status == RESULT_DONE;
	out->outcome = result_text(r->outcome.status);
	out->values = r->outcome.values;
	out->values_bytes = r->outcome.values_bytes;
	say_request(out, r);
	say_signers(out, j);
}

enum quorate_error quorate_receipt_verify(const void *receipt, size_t n, const char *genesis, struct quorate_receipt_info *out, char *reason)
{
	if (!receipt || !genesis || !out)
		return client_fail(reason, QUORATE_USAGE, "a receipt and a genesis must be named");
	memset(out, 0, sizeof *out);
	struct judge *j = calloc(1, sizeof *j);
	if (!j)
		return client_fail(reason, QUORATE_FAILED, "no memory");
	enum quorate_error error = client_genesis_read(&j->genesis, &j->cluster, genesis, reason);
	epoch_keys_init(&j->keys, &j->genesis);
	const char *why = error == QUORATE_OK ? receipt_verify(&j->receipt, receipt, n, &j->keys, &j->cluster, &sign_ed25519) : NULL;
	if (error == QUORATE_OK && !why)
		say(out, j);
	free(j);
	if (!why)
		return error;
	char sentence[QUORATE_REASON_BYTES];
	snprintf(sentence, sizeof sentence, "it proves nothing: %s", why);
	return client_fail(reason, QUORATE_VERIFICATION, sentence);
}

bool quorate_receipt_next(const void **at, size_t *left, const void **bytes, size_t *n)
{
	struct rd r = rd_of(*at, *left);
	const uint8_t *item;
	uint32_t size;
	if (!*left || !bundle_next_op(&r, &item, &size))
		return false;
	*bytes = item;
	*n = size;
	*at = r.at;
	*left = rd_left(&r);
	return true;
}
