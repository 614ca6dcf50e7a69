/* Evidence, as anybody who holds the genesis judges it: nothing of the replica that wrote it is trusted. */
#include "quorate_setup.h"
#include "replica/epochs_file.h"
#include "replica/evidence_file.h"
#include "replica/identity.h"
#include "replica/setup_file.h"

#include "bft/epoch_link.h"
#include "bft/evidence.h"
#include "bft/protocol.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

_Static_assert(sizeof((struct quorate_evidence_info *)0)->statement / sizeof(struct quorate_evidence_statement) == EVIDENCE_MESSAGES_MAX, "all fit");

struct judge {
	struct bft_genesis genesis;
	struct epoch_keys keys;
	struct digest cluster;
	struct evidence evidence;
	const struct evidence_rules *rules; /* of the genesis' mode */
	struct evidence_room *room;
};

typedef unsigned long long ull;

static void put(char *text, size_t size, const char *format, ...) __attribute__((format(printf, 3, 4)));
static void put(char *text, size_t size, const char *format, ...)
{
	size_t used = strlen(text);
	va_list args;
	va_start(args, format);
	vsnprintf(text + used, size - used, format, args);
	va_end(args);
}

static void put_digest(char *text, size_t size, const char *name, const struct digest *digest)
{
	char hex[QUORATE_HEX_BYTES];
	hex_format(hex, digest->b, DIGEST_BYTES);
	put(text, size, " %s %s", name, hex);
}

static void say_it(char *text, size_t size, const struct evidence_said *said)
{
	put(text, size, "%s", said->what);
	if (said->has_view)
		put(text, size, " view %llu", (ull)said->view);
	if (said->has_seq)
		put(text, size, " seq %llu", (ull)said->seq);
	if (said->has_stable)
		put(text, size, " stable %llu", (ull)said->stable);
	if (said->counted)
		put(text, size, ", %u %s", said->count, said->counted);
	if (said->has_digest)
		put_digest(text, size, "digest", &said->digest);
	if (said->has_chain)
		put_digest(text, size, "chain", &said->chain);
	if (said->has_root)
		put_digest(text, size, "root", &said->root);
}

static void say(struct quorate_evidence_statement *out, const struct evidence_message *m, const struct judge *j)
{
	struct evidence_said said;
	out->signer = m->signer;
	out->text[0] = 0;
	if (!j->rules->say(&said, m, j->room))
		put(out->text, sizeof out->text, "a message that is malformed");
	else if (!said.what)
		put(out->text, sizeof out->text, "a message of type %u", m->type);
	else
		say_it(out->text, sizeof out->text, &said);
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
		say(&out->statement[i], &e->message[i], j);
}

/* `name`: as the reason calls it. */
static enum quorate_error judge(struct judge *j, const char *name, const uint8_t *bytes, size_t n, struct quorate_evidence_info *out, char *reason)
{
	const char *why = j->rules->verify(&j->evidence, bytes, n, &j->keys, &j->cluster, &sign_ed25519, j->room);
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

static enum quorate_error rules_of(struct judge *j, const char *name, char *reason)
{
	const struct bft_protocol *protocol = bft_protocol_of(j->genesis.mode);
	j->rules = protocol ? protocol->evidence : NULL;
	if (!j->rules)
		return setup_fail(reason, QUORATE_VERIFICATION, name, "it proves nothing: in the mode of this genesis nobody can be convicted");
	j->room = malloc(j->rules->room_bytes);
	return j->room ? QUORATE_OK : setup_fail(reason, QUORATE_FAILED, name, "no memory");
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
		error = rules_of(j, e->name, reason);
	if (error == QUORATE_OK)
		error = judge(j, e->name, e->bytes, e->n, out, reason);
	free(j->room);
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
