/* Who lied, as far as it can be proved: by the evidence that replicas keep, and, when two histories were decided, by the certificates in two honest logs. */
#include "bench/verdict.h"
#include "bft/certificate.h"
#include "bft/protocol.h"
#include "bft/records.h"
#include "replica/identity.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- two certificates for one place ---- */

struct prepared {
	bft_epoch epoch;
	bft_view view;
	bft_seq seq;
	struct digest digest;
	bft_mask signers;
};

struct audit {
	struct bft_genesis genesis;
	struct digest cluster;
	struct bft_roster roster;
	struct certificate certificate;
	struct prepared *at;
	size_t count, capacity;
};

static bool holds(void *arg, uint8_t member, const struct statement *statement, const struct signature *signature)
{
	const struct audit *a = arg;
	return member < a->genesis.count && sign_ed25519.verify(signature, statement, &a->genesis.cards[member].member_key);
}

/* Only what anybody can check: in the first epoch, whose keys the genesis names. */
static bool visit(void *arg, const struct log_record *record, const struct log_position *position)
{
	struct audit *a = arg;
	struct certificate *c = &a->certificate;
	struct rd r = rd_of(record->payload, record->bytes);
	(void)position;
	const struct bft_record_row *row = bft_protocol_of(a->genesis.mode)->record(record->type);
	if (!row->known || row->certificate != CERTIFICATE_PREPARED || !certificate_read(&r, c))
		return true;
	if (a->count == a->capacity) {
		size_t wanted = a->capacity ? 2 * a->capacity : 1024;
		struct prepared *larger = realloc(a->at, wanted * sizeof *larger);
		if (!larger)
			return false;
		a->at = larger;
		a->capacity = wanted;
	}
	struct prepared *p = &a->at[a->count];
	*p = (struct prepared){ c->epoch, c->view, c->seq, c->digest, 0 };
	for (uint8_t i = 0; i < c->count; i++)
		p->signers |= BFT_BIT(c->by[i].member);
	a->count += certificate_check(c, &a->roster, &a->cluster, holds, a);
	return true;
}

static int by_place(const void *x, const void *y)
{
	const struct prepared *a = x, *b = y;
	if (a->epoch != b->epoch)
		return a->epoch < b->epoch ? -1 : 1;
	if (a->view != b->view)
		return a->view < b->view ? -1 : 1;
	return a->seq < b->seq ? -1 : a->seq > b->seq;
}

uint64_t verdict_audit(const struct cluster *c, uint64_t liars)
{
	struct audit *a = calloc(1, sizeof *a);
	char path[512], reason[QUORATE_REASON_BYTES];
	uint64_t guilty = 0;
	snprintf(path, sizeof path, "%s/cluster/genesis", c->folder);
	if (!a || identity_genesis(&a->genesis, &a->cluster, path, reason) != QUORATE_OK || a->genesis.mode != BFT_MODE_BFT) {
		free(a);
		return 0;
	}
	a->roster = roster_of(a->genesis.mode, a->genesis.count);
	for (uint32_t i = 0; i < c->n; i++)
		if (!(liars >> i & 1))
			verdict_visit_log(c, &a->cluster, i, visit, a); /* a part of one proves something too */
	if (a->count)
		qsort(a->at, a->count, sizeof *a->at, by_place);
	for (size_t i = 1; i < a->count; i++)
		for (size_t k = i; k-- && by_place(&a->at[k], &a->at[i]) == 0;)
			if (!digest_equal(&a->at[k].digest, &a->at[i].digest))
				guilty |= a->at[k].signers & a->at[i].signers;
	free(a->at);
	free(a);
	return guilty;
}

/* ---- evidence that is kept ---- */

struct finding {
	struct verdict *verdict;
	const char *genesis, *epochs, *keep;
	uint32_t replica;
	uint64_t liars;
};

static void copy(const char *from, const char *folder, uint32_t replica)
{
	char to[1024];
	const char *slash = strrchr(from, '/');
	uint8_t bytes[4096];
	size_t n;
	snprintf(to, sizeof to, "%s/replica-%u-%s", folder, replica, slash ? slash + 1 : from);
	FILE *in = fopen(from, "rbe"), *out = in ? fopen(to, "wbe") : NULL;
	while (out && (n = fread(bytes, 1, sizeof bytes, in)) > 0)
		if (fwrite(bytes, 1, n, out) != n)
			break;
	if (out)
		fclose(out);
	if (in)
		fclose(in);
}

static void found(void *user, const char *path)
{
	struct finding *f = user;
	static struct quorate_evidence_info info;
	char reason[QUORATE_REASON_BYTES];
	if (quorate_evidence_verify(path, f->genesis, f->epochs, &info, reason) != QUORATE_OK) {
		verdict_unsafe(f->verdict, "replica %u keeps evidence that proves nothing: %.300s", f->replica, reason);
		return;
	}
	f->verdict->evidence++;
	f->verdict->convicted |= 1ull << (info.culprit & 63);
	if (f->keep)
		copy(path, f->keep, f->replica);
	if (!(f->liars >> (info.culprit & 63) & 1))
		verdict_unsafe(f->verdict, "evidence that replica %u keeps names replica %u, which kept the protocol: %s", f->replica, info.culprit,
		               info.sentence);
}

void verdict_evidence(struct verdict *v, const struct cluster *c, uint64_t liars, const char *keep)
{
	char genesis[512], data[512], epochs[520], reason[QUORATE_REASON_BYTES];
	snprintf(genesis, sizeof genesis, "%s/cluster/genesis", c->folder);
	for (uint32_t i = 0; i < c->n; i++) {
		struct finding f = { .verdict = v, .genesis = genesis, .keep = keep, .replica = i, .liars = liars };
		if (liars >> i & 1)
			continue;
		snprintf(data, sizeof data, "%s/cluster/replica-%u/data", c->folder, i);
		snprintf(epochs, sizeof epochs, "%s/epochs", data);
		f.epochs = access(epochs, R_OK) == 0 ? epochs : NULL;
		(void)quorate_evidence_list(data, found, &f, reason);
	}
}
