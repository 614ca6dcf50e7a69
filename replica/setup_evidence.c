/* Evidence, as anybody who holds the genesis judges it: nothing of the replica that wrote it is trusted. */
#include "quorate_setup.h"
#include "replica/epochs_file.h"
#include "replica/evidence_file.h"
#include "replica/identity.h"
#include "replica/setup_file.h"

#include "bft/epoch_link.h"
#include "bft/pbft/evidence.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

_Static_assert(sizeof((struct quorate_evidence_info *)0)->statement / sizeof(struct quorate_evidence_statement) == EVIDENCE_MESSAGES_MAX, "all fit");

struct judge {
	struct bft_genesis genesis;
	struct epoch_keys keys;
	struct digest cluster;
	struct evidence evidence;
	struct evidence_room room;
};

typedef unsigned long long ull;

static void say_leaf(char *text, size_t size, bft_view view, uint8_t kind, bft_seq seq, const uint8_t digest[DIGEST_BYTES])
{
	static const char *const names[] = { "vote", "PRE-PREPARE", "PREPARE", "COMMIT" };
	char hex[QUORATE_HEX_BYTES];
	hex_format(hex, digest, DIGEST_BYTES);
	snprintf(text, size, "%s view %llu seq %llu digest %s", names[kind <= PBFT_LEAF_COMMIT ? kind : 0], (ull)view, (ull)seq, hex);
}

static void say_body(char *text, size_t size, uint16_t type, const union pbft_body *m)
{
	char a[QUORATE_HEX_BYTES], b[QUORATE_HEX_BYTES];
	switch ((enum pbft_type)type) {
	case PBFT_VOTES: snprintf(text, size, "VOTES view %llu, %u of them", (ull)m->votes.view, m->votes.count); break;
	case PBFT_VIEW_CHANGE:
		snprintf(text, size, "VIEW-CHANGE view %llu stable %llu, %u prepared", (ull)m->view_change.view, (ull)m->view_change.stable,
		         m->view_change.count);
		break;
	case PBFT_NEW_VIEW:
		snprintf(text, size, "NEW-VIEW view %llu stable %llu, %u proposed again", (ull)m->new_view.view, (ull)m->new_view.stable, m->new_view.count);
		break;
	case PBFT_CHECKPOINT:
		hex_format(a, m->checkpoint.chain.b, DIGEST_BYTES);
		snprintf(text, size, "CHECKPOINT seq %llu chain %s", (ull)m->checkpoint.seq, a);
		break;
	case PBFT_SNAPSHOT:
		hex_format(a, m->snapshot.chain.b, DIGEST_BYTES);
		hex_format(b, m->snapshot.root.b, DIGEST_BYTES);
		snprintf(text, size, "SNAPSHOT seq %llu chain %s root %s", (ull)m->snapshot.seq, a, b);
		break;
	default: snprintf(text, size, "a message of type %u", type); break;
	}
}

static void say(struct quorate_evidence_statement *out, const struct evidence_message *m, struct evidence_room *room)
{
	out->signer = m->signer;
	if (m->form == EVIDENCE_LEAF && evidence_leaf_read(m, &room->votes[0])) {
		const struct pbft_leaf *l = &room->votes[0].leaf[0];
		say_leaf(out->text, sizeof out->text, room->votes[0].view, l->kind, l->seq, l->digest.b);
	} else if (m->form == EVIDENCE_WHOLE && pbft_decode(m->type, &room->body, m->body, m->n) == m->n) {
		say_body(out->text, sizeof out->text, m->type, &room->body);
	} else {
		snprintf(out->text, sizeof out->text, "a message that is malformed");
	}
}

/* What it claims, true or not. */
static void claim(struct quorate_evidence_info *out, struct judge *j)
{
	const struct evidence *e = &j->evidence;
	hex_format(out->cluster, e->cluster.b, DIGEST_BYTES);
	out->epoch = e->epoch;
	out->culprit = e->culprit;
	snprintf(out->predicate, sizeof out->predicate, "%s", evidence_name(e->predicate));
	snprintf(out->sentence, sizeof out->sentence, "%s", evidence_text(e->predicate));
	out->view = e->view;
	out->seq = e->seq;
	if (e->culprit < j->genesis.count && digest_equal(&e->cluster, &j->cluster)) {
		snprintf(out->org, sizeof out->org, "%s", j->genesis.cards[e->culprit].org);
		const struct public_key *key = epoch_key(&j->keys, e->culprit, e->epoch);
		if (key)
			hex_format(out->member_key, key->b, PUBLIC_KEY_BYTES);
	}
	out->statements = e->count;
	for (uint32_t i = 0; i < e->count; i++)
		say(&out->statement[i], &e->message[i], &j->room);
}

/* `name`: as the reason calls it. */
static enum quorate_error judge(struct judge *j, const char *name, const uint8_t *bytes, size_t n, struct quorate_evidence_info *out, char *reason)
{
	const char *why = evidence_verify(&j->evidence, bytes, n, &j->keys, &j->cluster, &sign_ed25519, &j->room);
	if (!evidence_decode(&j->evidence, bytes, n))
		claim(out, j);
	if (!why)
		return QUORATE_OK;
	char sentence[QUORATE_REASON_BYTES];
	snprintf(sentence, sizeof sentence, "it proves nothing: %s", why);
	return setup_fail(reason, QUORATE_VERIFICATION, name, sentence);
}

/* From the genesis on, as far as the links lead: a replica's file may end in one that was torn. */
static enum quorate_error follow(struct judge *j, const void *epochs, size_t n, char *reason)
{
	size_t used;
	epoch_keys_init(&j->keys, &j->genesis);
	const char *why = n ? epoch_links_follow(&j->keys, epochs, n, UINT64_MAX, &sign_ed25519, &j->cluster, &used) : NULL;
	return why && used == 0 ? setup_fail(reason, QUORATE_VERIFICATION, "the chain of epochs", why) : QUORATE_OK;
}

struct piece {
	const char *name;
	const void *bytes;
	size_t n;
};

static enum quorate_error judge_by(const char *genesis, const struct piece *epochs, const struct piece *e, struct quorate_evidence_info *out, char *reason)
{
	memset(out, 0, sizeof *out);
	if (!sign_self_test())
		return setup_fail(reason, QUORATE_VERIFICATION, "libsodium", "its signatures fail their test vectors");
	struct judge *j = calloc(1, sizeof *j);
	if (!j)
		return setup_fail(reason, QUORATE_FAILED, e->name, "no memory");
	enum quorate_error error = identity_genesis(&j->genesis, &j->cluster, genesis, reason);
	if (error == QUORATE_OK)
		error = follow(j, epochs->bytes, epochs->n, reason);
	if (error == QUORATE_OK)
		error = judge(j, e->name, e->bytes, e->n, out, reason);
	free(j);
	return error;
}

enum quorate_error quorate_evidence_judge(const void *bytes, size_t n, const char *genesis, const void *epochs, size_t epochs_n,
                                          struct quorate_evidence_info *out, char *reason)
{
	if (!bytes || !genesis || (epochs_n && !epochs) || !out)
		return setup_fail(reason, QUORATE_USAGE, "evidence", "evidence and a genesis must be named");
	struct piece chain = { "the chain of epochs", epochs, epochs_n }, e = { "the evidence", bytes, n };
	return judge_by(genesis, &chain, &e, out, reason);
}

enum quorate_error quorate_evidence_verify(const char *path, const char *genesis, const char *epochs, struct quorate_evidence_info *out, char *reason)
{
	char *bytes, *links = NULL;
	size_t n, links_n = 0;
	if (!path || !genesis || !out)
		return setup_fail(reason, QUORATE_USAGE, "evidence", "a file of evidence and a genesis must be named");
	memset(out, 0, sizeof *out);
	enum quorate_error error = setup_read(&bytes, &n, path, EVIDENCE_BYTES_MAX, reason);
	if (error != QUORATE_OK)
		return error;
	if (epochs)
		error = setup_read(&links, &links_n, epochs, EPOCHS_FILE_BYTES_MAX, reason);
	struct piece chain = { epochs, links, links_n }, e = { path, bytes, n };
	if (error == QUORATE_OK)
		error = judge_by(genesis, &chain, &e, out, reason);
	free(links);
	free(bytes);
	return error;
}

enum quorate_error quorate_evidence_list(const char *data, quorate_evidence_fn found, void *user, char *reason)
{
	if (!data || !found)
		return setup_fail(reason, QUORATE_USAGE, "evidence", "no data folder is named");
	return evidence_file_list(data, found, user) ? QUORATE_OK : setup_fail(reason, QUORATE_CONFIG, data, strerror(errno));
}
