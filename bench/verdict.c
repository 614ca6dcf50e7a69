#include "bench/verdict.h"

#include "bft/records.h"
#include "replica/bodies.h"
#include "replica/driver.h"
#include "replica/identity.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct place {
	bool set;
	struct digest proposal, chain;
};

/* A bundle's name and the digest of the proposal that names it. */
struct named {
	uint64_t session, number;
	uint8_t proposal[16];
};

struct reading {
	struct verdict *verdict;
	struct bft_genesis genesis;
	struct digest cluster;
	uint32_t replica;
	struct place *at; /* index: sequence */
	size_t at_capacity;
	struct named *named;
	size_t named_count, named_capacity;
	struct bft_rec_executed executed;
};

void verdict_unsafe(struct verdict *v, const char *format, ...)
{
	if (!v->safe)
		return;
	va_list args;
	va_start(args, format);
	vsnprintf(v->why, sizeof v->why, format, args);
	va_end(args);
	v->safe = false;
}

static bool grow(void **at, size_t *capacity, size_t need, size_t size)
{
	size_t wanted = *capacity ? *capacity : 4096;
	if (need <= *capacity)
		return true;
	while (wanted < need)
		wanted *= 2;
	void *grown = realloc(*at, wanted * size);
	if (!grown)
		return false;
	memset((uint8_t *)grown + *capacity * size, 0, (wanted - *capacity) * size);
	*at = grown;
	*capacity = wanted;
	return true;
}

static bool note_executed(struct reading *r, const struct bft_rec_executed *e)
{
	if (e->seq > (1u << 28) || !grow((void **)&r->at, &r->at_capacity, e->seq + 1, sizeof *r->at))
		return false;
	struct place *p = &r->at[e->seq];
	if (!p->set) {
		*p = (struct place){ true, e->proposal, e->chain };
		r->verdict->sequences++;
	} else if (!digest_equal(&p->proposal, &e->proposal) || !digest_equal(&p->chain, &e->chain)) {
		verdict_unsafe(r->verdict, "replica %u executed something else than another one at sequence %llu", r->replica, (unsigned long long)e->seq);
	}
	return true;
}

static bool note_body(struct reading *r, const uint8_t *bytes, size_t n)
{
	struct bft_proposal head;
	struct digest digest;
	size_t used = proposal_decode(&head, bytes, n, BFT_PROPOSAL_BUNDLES_MAX);
	if (!used)
		return false;
	proposal_digest(&digest, &r->cluster, bytes, used);
	struct rd rd = rd_of(bytes + used, n - used);
	for (uint16_t i = 0; i < head.count; i++) {
		uint32_t size;
		struct bundle b;
		if (!rd_u32(&rd, &size) || !rd_take(&rd, SIGNATURE_BYTES))
			return false;
		const uint8_t *bundle = rd_take(&rd, size);
		if (!bundle || bundle_decode(&b, bundle, size) || !grow((void **)&r->named, &r->named_capacity, r->named_count + 1, sizeof *r->named))
			return false;
		struct named *x = &r->named[r->named_count++];
		x->session = b.session;
		x->number = b.number;
		memcpy(x->proposal, digest.b, sizeof x->proposal);
	}
	return rd_done(&rd);
}

static bool note_record(void *arg, const struct log_record *record, const struct log_position *position)
{
	struct reading *r = arg;
	(void)position;
	if (record->type == DRIVER_REC_BODY)
		return note_body(r, record->payload, record->bytes); /* of all: who fetched a state has not every body */
	if (record->type != BFT_REC_EXECUTED)
		return true;
	struct rd rd = rd_of(record->payload, record->bytes);
	return record_read(record->type, &r->executed, &rd) && rd_done(&rd) && note_executed(r, &r->executed);
}

bool verdict_visit_log(const struct cluster *c, const struct digest *cluster, uint32_t replica, log_visit_fn visit, void *arg)
{
	char path[512];
	struct log_disk disk;
	struct log *log = NULL;
	struct log_report report;
	struct log_options options = { .cluster = *cluster, .segment_bytes = LOG_SEGMENT_BYTES_DEFAULT };
	snprintf(path, sizeof path, "%s/cluster/replica-%u/data/log", c->folder, replica);
	if (disk_posix_open(&disk, path) != 0)
		return false;
	bool whole = log_open(&log, &disk, &options, visit, arg, &report) == LOG_OK && report.class != LOG_DAMAGED;
	log_close(log);
	disk_posix_close(&disk);
	return whole;
}

static void read_log(struct reading *r, const struct cluster *c, uint32_t replica)
{
	r->replica = replica;
	r->verdict->whole &= verdict_visit_log(c, &r->cluster, replica, note_record, r);
}

static int by_name(const void *a, const void *b)
{
	const struct named *x = a, *y = b;
	if (x->session != y->session)
		return x->session < y->session ? -1 : 1;
	return x->number < y->number ? -1 : x->number > y->number;
}

static bool reaches(const struct reading *r, uint64_t seq)
{
	return seq < r->at_capacity && r->at[seq].set;
}

/* The proposal executed where the client was told names its request. */
static bool stands_there(const struct reading *r, const struct told *t)
{
	struct named key = { .session = t->session, .number = t->number };
	const struct named *found = bsearch(&key, r->named, r->named_count, sizeof key, by_name);
	if (!found)
		return false;
	while (found > r->named && by_name(found - 1, &key) == 0)
		found--;
	for (; found < r->named + r->named_count && by_name(found, &key) == 0; found++)
		if (memcmp(found->proposal, r->at[t->seq].proposal.b, sizeof found->proposal) == 0)
			return true;
	return false;
}

static int by_told(const void *a, const void *b)
{
	const struct told *x = a, *y = b;
	if (x->session != y->session)
		return x->session < y->session ? -1 : 1;
	return x->number < y->number ? -1 : x->number > y->number;
}

static void check_told(struct reading *r, struct told *told, size_t count)
{
	qsort(r->named, r->named_count, sizeof *r->named, by_name);
	qsort(told, count, sizeof *told, by_told);
	for (size_t i = 0; i < count; i++) {
		if (!reaches(r, told[i].seq)) {
			r->verdict->told_out_of_reach++;
			continue;
		}
		r->verdict->told_checked++;
		if (!stands_there(r, &told[i]))
			verdict_unsafe(r->verdict, "a client was told that request %llu of its session stands at %llu, where it does not",
			               (unsigned long long)told[i].number, (unsigned long long)told[i].seq);
		if (i && by_told(&told[i - 1], &told[i]) == 0 && told[i - 1].seq != told[i].seq)
			verdict_unsafe(r->verdict, "a client was told of two places for request %llu", (unsigned long long)told[i].number);
	}
}

static void compare(struct reading *r, const struct cluster *c, uint64_t liars, struct told *told, size_t told_count)
{
	for (uint32_t i = 0; i < c->n; i++)
		if (!(liars >> i & 1))
			read_log(r, c, i);
	check_told(r, told, told_count);
	free(r->at);
	free(r->named);
}

void verdict_reach(struct verdict *out, const struct cluster *c, uint64_t liars, const struct told *told, size_t told_count, const char *keep)
{
	struct reading *r = calloc(1, sizeof *r);
	struct told *sorted = malloc((told_count + 1) * sizeof *sorted);
	char path[512], reason[QUORATE_REASON_BYTES];
	*out = (struct verdict){ .safe = true, .whole = true };
	snprintf(path, sizeof path, "%s/cluster/genesis", c->folder);
	if (!r || !sorted || identity_genesis(&r->genesis, &r->cluster, path, reason) != QUORATE_OK) {
		out->whole = false;
	} else {
		r->verdict = out;
		if (told_count)
			memcpy(sorted, told, told_count * sizeof *told);
		compare(r, c, liars, sorted, told_count);
		verdict_evidence(out, c, liars, keep);
		if (!out->safe)
			out->convicted |= verdict_audit(c, liars);
	}
	free(sorted);
	free(r);
}
