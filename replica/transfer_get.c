/* Fetching a certified snapshot: see transfer.h. */
#include "replica/driver_state.h"

#include <stdlib.h>
#include <string.h>

#define ASKS_MAX 12u
#define ASK_MS 1000u             /* a source that takes longer has stalled     */
#define STALLS_MAX 3u            /* then it is left                            */
#define TOOK_HALVES_MS 1000u     /* how soon what an answer took is forgotten  */
#define FEW_SERVE_MS 5000u       /* a target that may have liars alone as sources is given so long */
#define OFFERS_MS 300u           /* between two questions who serves what      */
#define OFFERS_MORE_MS 1000u     /* and while somebody serves it               */
#define CERTIFIED_MS 2000u       /* a whole state waits so long for the certificate of its checkpoint */
#define COMMIT_BYTES (64u << 20) /* written between two commits of what is not whole yet */
#define STACK_MAX (1u << 20)

struct item {
	uint8_t kind, depth;
	uint8_t path[STATE_PATH_MAX];
	struct digest expect; /* the node's, or the entry's, digest */
	struct digest hash;   /* of an entry's key                  */
};

struct ask { /* one FETCH_STATE that waits for its answer */
	bool used;
	uint8_t member;
	uint32_t question; /* never used twice: an answer that comes late, or twice, is known as such */
	uint64_t at_ms;
	uint16_t count;
	struct item item[TRANSFER_ITEMS_MAX];
};

struct offer {
	bft_seq seq;
	struct digest chain, root;
};

struct transfer {
	struct state *next;
	bft_seq from;                                /* what was executed when it began */
	struct offer offer[BFT_MEMBERS_MAX], target; /* target.seq 0: not chosen yet */
	uint64_t target_ms;                          /* when it was chosen */
	bft_mask left;                               /* sources that lied or stalled */
	uint8_t stalls[BFT_MEMBERS_MAX], last;
	uint32_t took_ms[BFT_MEMBERS_MAX]; /* its last answer, had it answered all that it was asked; 0: it has not answered yet */
	uint64_t took_at_ms[BFT_MEMBERS_MAX];
	struct item *stack; /* what is to be fetched, last first */
	size_t stack_count, stack_capacity;
	struct ask ask[ASKS_MAX];
	uint32_t questions;
	size_t uncommitted;
	uint64_t offers_ms;
	bool whole; /* the tree is the certified one: install it */
	uint64_t whole_ms;
	bft_lsn install_lsn; /* whole: it is put into its place when the log is durable up to here; 0: not known yet */
	uint64_t nodes, entries, bytes;
};

void transfer_begin(struct driver *d)
{
	if (d->transfer || d->failed)
		return;
	struct transfer *t = calloc(1, sizeof *t);
	if (t)
		t->next = d->options.env.transfer_open(d->options.env.user);
	if (!t || !t->next) {
		free(t);
		driver_note(d, QUORATE_LEVEL_WARNING, "the state must be fetched from the others, and there is no room for it");
		return;
	}
	t->from = execution_seq(d->execution);
	d->transfer = t;
	driver_note(d, QUORATE_LEVEL_INFO, "the others' logs no longer reach back to %llu: the state is fetched from them",
	            (unsigned long long)execution_seq(d->execution) + 1);
}

void transfer_end(struct driver *d)
{
	if (!d->transfer)
		return;
	free(d->transfer->stack);
	free(d->transfer);
	d->transfer = NULL;
}

static void send(struct driver *d, uint8_t member, uint16_t type, const uint8_t *body, size_t n)
{
	uint8_t head[BFT_FRAME_HEAD_BYTES];
	struct bft_envelope e = { .signer = BFT_SIGNER_CHANNEL, .type = type, .epoch = d->epoch };
	struct wr w = wr_of(head, sizeof head);
	envelope_write(&w, &e);
	d->options.env.send(d->options.env.user, member, NET_STATUS, head, sizeof head, body, n);
}

static bool push(struct driver *d, const struct item *item)
{
	struct transfer *t = d->transfer;
	if (t->stack_count >= STACK_MAX || !driver_grow(&t->stack, &t->stack_capacity, t->stack_count + 1, sizeof *t->stack)) {
		driver_note(d, QUORATE_LEVEL_WARNING, "no memory for fetching the state: it begins again");
		t->stack_count = 0;
		t->target.seq = 0;
		return false;
	}
	t->stack[t->stack_count++] = *item;
	return true;
}

/* ---- sources and the target ---- */

static bool state_failed(struct driver *d, enum state_result r)
{
	if (r == STATE_OK || r == STATE_NONE)
		return false;
	driver_note(d, QUORATE_LEVEL_ERROR, "the state cannot be fetched: %s", state_text(r));
	transfer_end(d);
	return true;
}

static void leave(struct driver *d, uint8_t member, const char *why)
{
	d->transfer->left |= BFT_BIT(member);
	d->transfer->offer[member].seq = 0; /* when all are tried again, it has to offer again */
	driver_note(d, QUORATE_LEVEL_WARNING, "replica %u (%s) is left as a source of the state: %s", member, driver_org(d, member), why);
}

static bool is_source(const struct driver *d, uint8_t i)
{
	const struct transfer *t = d->transfer;
	return i != d->self && d->member[i].up && !(t->left & BFT_BIT(i)) && t->target.seq && t->offer[i].seq == t->target.seq &&
	       digest_equal(&t->offer[i].root, &t->target.root);
}

static bft_mask sources(const struct driver *d)
{
	bft_mask serve = 0;
	for (uint8_t i = 0; i < d->n; i++)
		if (is_source(d, i))
			serve |= BFT_BIT(i);
	return serve;
}

/* Liars alone may be those who serve it: then its time is short, and somebody else's offer comes next. What was fetched for it is not fetched again. */
static bool is_over(const struct driver *d)
{
	const struct transfer *t = d->transfer;
	return mask_count(sources(d)) < roster_weak(&d->roster) && d->mono_ms >= t->target_ms + FEW_SERVE_MS;
}

/* The newest that anybody offers who does not serve the present one. What is on its way for another target is void; what was written stays. */
static void choose(struct driver *d)
{
	struct transfer *t = d->transfer;
	const struct offer *best = NULL;
	bft_mask serve = sources(d);
	if (t->whole || (serve && !is_over(d)))
		return;
	for (uint8_t i = 0; i < d->n; i++)
		if (i != d->self && !((t->left | serve) & BFT_BIT(i)) && t->offer[i].seq > execution_seq(d->execution) &&
		    (!best || t->offer[i].seq > best->seq))
			best = &t->offer[i];
	if (!best)
		return;
	t->target = *best;
	t->target_ms = d->mono_ms;
	t->stack_count = 0;
	for (uint32_t i = 0; i < ASKS_MAX; i++)
		t->ask[i].used = false;
	struct item root = { .kind = TRANSFER_NODE, .expect = best->root };
	push(d, &root);
}

struct of_epoch {
	struct driver *d;
	bft_epoch epoch;
};

static bool verify_offer(void *arg, uint8_t member, const struct statement *s, const struct signature *signature)
{
	const struct of_epoch *of = arg;
	return verify_pool_now(of->d->pool, driver_key(of->d, member, of->epoch), s, signature);
}

void transfer_offer(struct driver *d, uint8_t member, const uint8_t *body, size_t n)
{
	struct transfer *t = d->transfer;
	struct rd r = rd_of(body, n);
	struct certificate *c = t ? malloc(sizeof *c) : NULL;
	if (!c)
		return;
	bool read = certificate_read(&r, c) && rd_done(&r) && c->kind == CERTIFICATE_SNAPSHOT && c->epoch;
	struct of_epoch of = { d, read ? c->epoch : 0 };
	struct bft_roster roster = driver_roster(d, of.epoch);
	if (read && c->epoch > d->chain->keys.epoch) {
		free(c); /* who signed it is not known before the chain of epochs is */
		return;
	}
	if (!read || !links_within(d, c->epoch, c->seq) || !certificate_check(c, &roster, &d->cluster, verify_offer, &of)) {
		admission_reject(d, member, "an offer of a state whose certificate is false");
		leave(d, member, "its certificate is false");
	} else {
		t->offer[member] = (struct offer){ c->seq, c->digest, c->root };
	}
	free(c);
	choose(d);
}

/* ---- asking ---- */

static void write_items(struct wr *w, const struct ask *a, bft_seq seq)
{
	wr_u64(w, seq);
	wr_u32(w, a->question);
	wr_u16(w, a->count);
	for (uint16_t i = 0; i < a->count; i++) {
		const struct item *x = &a->item[i];
		wr_u8(w, x->kind);
		if (x->kind == TRANSFER_NODE) {
			wr_u8(w, x->depth);
			wr_bytes(w, x->path, x->depth);
		} else {
			wr_bytes(w, x->hash.b, DIGEST_BYTES);
		}
	}
}

/* What its last answer says, less and less: half with each second. Else an honest one whose answers the network lost once is never asked again while a liar that takes its time
 * is there (seed 662). */
static uint64_t took_ms(const struct driver *d, uint8_t member)
{
	const struct transfer *t = d->transfer;
	uint64_t halvings = (d->mono_ms - t->took_at_ms[member]) / TOOK_HALVES_MS;
	return halvings < 32 ? t->took_ms[member] >> halvings : 0;
}

/* How long an answer of this source would take: each as long as the last one, or as the oldest that is on its way has been so far, one after the other. */
static uint64_t expected_ms(const struct driver *d, uint8_t member)
{
	const struct transfer *t = d->transfer;
	uint64_t each = took_ms(d, member) + 1, asks = 1;
	for (uint32_t i = 0; i < ASKS_MAX; i++) {
		const struct ask *a = &t->ask[i];
		if (!a->used || a->member != member)
			continue;
		asks++;
		each = d->mono_ms - a->at_ms > each ? d->mono_ms - a->at_ms : each;
	}
	return asks * each;
}

/* Whoever is expected to answer first. One that answers late, or little at a time, is asked what nobody else could answer sooner: else all questions would soon be its. */
static int next_source(struct driver *d)
{
	struct transfer *t = d->transfer;
	uint64_t best_ms = UINT64_MAX;
	int best = -1;
	for (uint32_t k = 1; k <= d->n; k++) {
		uint8_t i = (uint8_t)((t->last + k) % d->n);
		uint64_t ms = is_source(d, i) ? expected_ms(d, i) : UINT64_MAX;
		if (ms >= best_ms)
			continue;
		best = i;
		best_ms = ms;
	}
	if (best >= 0)
		t->last = (uint8_t)best;
	return best;
}

static void note_time(struct driver *d, const struct ask *a, uint16_t answered)
{
	uint64_t ms = (d->mono_ms - a->at_ms + 1) * a->count / (answered ? answered : 1);
	d->transfer->took_ms[a->member] = ms < UINT32_MAX ? (uint32_t)ms : UINT32_MAX;
	d->transfer->took_at_ms[a->member] = d->mono_ms;
}

static void ask_more(struct driver *d)
{
	struct transfer *t = d->transfer;
	for (uint32_t i = 0; i < ASKS_MAX && t->stack_count; i++) {
		struct ask *a = &t->ask[i];
		int member = a->used ? -1 : next_source(d);
		if (a->used || member < 0)
			continue;
		uint8_t body[14 + TRANSFER_ITEMS_MAX * (2 + STATE_PATH_MAX)];
		struct wr w = wr_of(body, sizeof body);
		a->used = true;
		a->member = (uint8_t)member;
		a->question = ++t->questions;
		a->at_ms = d->mono_ms;
		a->count = 0;
		while (t->stack_count && a->count < TRANSFER_ITEMS_MAX)
			a->item[a->count++] = t->stack[--t->stack_count];
		write_items(&w, a, t->target.seq);
		send(d, a->member, BFT_WIRE_FETCH_STATE, body, wr_done(&w));
	}
}

/* ---- writing what is proved ---- */

static uint8_t nibble(const struct digest *hash, uint32_t depth)
{
	return depth % 2 ? hash->b[depth / 2] & 15u : hash->b[depth / 2] >> 4;
}

static bool below(const struct digest *hash, const struct item *x)
{
	for (uint32_t i = 0; i < x->depth; i++)
		if (nibble(hash, i) != x->path[i])
			return false;
	return true;
}

static enum state_result remove_by_hash(struct transfer *t, const struct digest *hash)
{
	const void *key;
	size_t n;
	uint8_t copy[1 + STATE_KEY_MAX];
	enum state_result r = state_key_by_hash(t->next, hash, &key, &n);
	if (r != STATE_OK)
		return r;
	if (n == 0 || n > sizeof copy)
		return STATE_ERR_DAMAGED;
	memcpy(copy, key, n);
	return state_delete(t->next, copy[0], copy + 1, n - 1);
}

/* The node that my copy has at this path, as of its last commit. */
static enum state_result local_node(struct transfer *t, const uint8_t *path, uint32_t depth, struct state_node *out)
{
	uint8_t bytes[STATE_NODE_BYTES_MAX];
	size_t n;
	enum state_result r = state_node_read(t->next, path, depth, bytes, &n);
	if (r == STATE_OK && !state_node_parse(out, bytes, n))
		return STATE_ERR_DAMAGED;
	return r;
}

static bool named(const struct state_node *keep, const struct digest *hash)
{
	for (uint32_t i = 0; keep && i < keep->count; i++)
		if (digest_equal(&keep->hash[i], hash))
			return true;
	return false;
}

/* Everything that my copy has below this path goes, but for what `keep` (a leaf, or NULL) names. Depth is bounded by the tree's. */
static enum state_result remove_below(struct transfer *t, uint8_t *path, uint32_t depth, const struct state_node *keep)
{
	struct state_node *n = malloc(sizeof *n);
	if (!n)
		return STATE_ERR_MEMORY;
	enum state_result r = local_node(t, path, depth, n);
	for (uint32_t i = 0; r == STATE_OK && n->leaf && i < n->count; i++)
		if (!named(keep, &n->hash[i])) {
			enum state_result removed = remove_by_hash(t, &n->hash[i]);
			r = removed == STATE_NONE ? STATE_OK : removed;
		}
	for (uint8_t i = 0; r == STATE_OK && !n->leaf && i < 16; i++)
		if (!digest_is_zero(&n->child[i]) && depth < STATE_PATH_MAX) {
			path[depth] = i;
			enum state_result removed = remove_below(t, path, depth + 1, keep);
			r = removed == STATE_NONE ? STATE_OK : removed;
		}
	free(n);
	return r;
}

/* Whether my copy has the entry already. */
static bool have_entry(struct transfer *t, const struct digest *hash, const struct digest *entry)
{
	const void *key, *value;
	size_t n, value_n;
	uint8_t copy[1 + STATE_KEY_MAX];
	struct digest mine;
	if (state_key_by_hash(t->next, hash, &key, &n) != STATE_OK || n == 0 || n > sizeof copy)
		return false;
	memcpy(copy, key, n);
	if (state_get(t->next, copy[0], copy + 1, n - 1, &value, &value_n) != STATE_OK)
		return false;
	state_entry_digest(&mine, copy, n, value, value_n);
	return digest_equal(&mine, entry);
}

static enum state_result take_leaf(struct driver *d, const struct item *x, const struct state_node *n)
{
	struct transfer *t = d->transfer;
	uint8_t path[STATE_PATH_MAX];
	memcpy(path, x->path, sizeof path);
	enum state_result r = remove_below(t, path, x->depth, n);
	for (uint32_t i = 0; i < n->count && (r == STATE_OK || r == STATE_NONE); i++) {
		struct item entry = { .kind = TRANSFER_ENTRY, .expect = n->entry[i], .hash = n->hash[i] };
		if (!have_entry(t, &n->hash[i], &n->entry[i]) && !push(d, &entry))
			return STATE_OK;
	}
	return r;
}

static enum state_result take_inner(struct driver *d, const struct item *x, const struct state_node *n)
{
	struct transfer *t = d->transfer;
	struct state_node mine;
	uint8_t path[STATE_PATH_MAX];
	memcpy(path, x->path, sizeof path);
	enum state_result r = local_node(t, path, x->depth, &mine);
	if (r != STATE_OK && r != STATE_NONE)
		return r;
	bool inner = r == STATE_OK && !mine.leaf;
	/* A few entries where there is a subtree: they come again, if they are in it. */
	if (r == STATE_OK && mine.leaf)
		r = remove_below(t, path, x->depth, NULL);
	for (uint8_t i = 0; i < 16 && (r == STATE_OK || r == STATE_NONE); i++) {
		if (inner && digest_equal(&mine.child[i], &n->child[i]))
			continue;
		path[x->depth] = i;
		if (digest_is_zero(&n->child[i])) {
			r = inner ? remove_below(t, path, x->depth + 1, NULL) : STATE_OK;
			continue;
		}
		struct item child = { .kind = TRANSFER_NODE, .depth = (uint8_t)(x->depth + 1), .expect = n->child[i] };
		memcpy(child.path, path, x->depth + 1u);
		if (!push(d, &child))
			return STATE_OK;
	}
	return r;
}

/* A node of the right digest at the wrong place, or one that is no node, proves nothing. */
static bool take_node(struct driver *d, const struct item *x, const uint8_t *bytes, size_t size, enum state_result *r)
{
	struct state_node n;
	if (!state_node_parse(&n, bytes, size) || !digest_equal(&n.digest, &x->expect) || (!n.leaf && x->depth >= STATE_PATH_MAX))
		return false;
	for (uint32_t i = 0; n.leaf && i < n.count; i++)
		if (!below(&n.hash[i], x))
			return false;
	d->transfer->nodes++;
	*r = n.leaf ? take_leaf(d, x, &n) : take_inner(d, x, &n);
	return true;
}

static bool take_entry(struct driver *d, const struct item *x, const uint8_t *key, size_t key_n, const uint8_t *value, size_t value_n, enum state_result *r)
{
	struct digest hash, entry;
	if (key_n == 0 || key_n > 1 + STATE_KEY_MAX || value_n > STATE_VALUE_MAX)
		return false;
	state_key_hash(&hash, key, key_n);
	state_entry_digest(&entry, key, key_n, value, value_n);
	if (!digest_equal(&hash, &x->hash) || !digest_equal(&entry, &x->expect))
		return false;
	struct transfer *t = d->transfer;
	*r = state_put(t->next, key[0], key + 1, key_n - 1, value, value_n);
	t->entries++;
	t->bytes += key_n + value_n;
	t->uncommitted += key_n + value_n;
	return true;
}

/* ---- answers ---- */

static void give_back(struct driver *d, struct ask *a, uint16_t from)
{
	a->used = false;
	for (uint16_t i = from; i < a->count; i++)
		if (!push(d, &a->item[i]))
			return;
}

static bool take_part(struct driver *d, const struct item *x, struct rd *r, enum state_result *result)
{
	uint32_t n, value_n;
	const uint8_t *bytes = rd_u32(r, &n) ? rd_take(r, n) : NULL;
	if (!bytes)
		return false;
	if (x->kind == TRANSFER_NODE)
		return take_node(d, x, bytes, n, result);
	const uint8_t *value = rd_u32(r, &value_n) ? rd_take(r, value_n) : NULL;
	return value && take_entry(d, x, bytes, n, value, value_n, result);
}

/* What is not whole yet is committed now and then, so that a restart goes on from there; it says of itself that it is at no sequence. */
static bool commit_some(struct driver *d)
{
	struct transfer *t = d->transfer;
	struct state_meta meta = { 0 };
	if (t->uncommitted < COMMIT_BYTES)
		return true;
	t->uncommitted = 0;
	return !state_failed(d, state_snapshot(t->next, &meta));
}

static struct ask *ask_of(struct transfer *t, uint8_t member, uint32_t question)
{
	for (uint32_t i = 0; i < ASKS_MAX; i++) {
		struct ask *a = &t->ask[i];
		if (a->used && a->member == member && a->question == question)
			return a;
	}
	return NULL;
}

void transfer_state(struct driver *d, uint8_t member, const uint8_t *body, size_t n)
{
	struct transfer *t = d->transfer;
	struct rd r = rd_of(body, n);
	uint64_t seq;
	uint32_t question;
	uint16_t count;
	if (!t || t->whole)
		return;
	if (!rd_u64(&r, &seq) || !rd_u32(&r, &question) || !rd_u16(&r, &count) || count > TRANSFER_ITEMS_MAX) {
		admission_reject(d, member, "a malformed STATE");
		return;
	}
	struct ask *a = seq == t->target.seq ? ask_of(t, member, question) : NULL;
	if (!a)
		return;
	count = count < a->count ? count : a->count;
	if (count == 0) { /* it serves another one now */
		t->offer[member].seq = 0;
		give_back(d, a, 0);
		return;
	}
	enum state_result result = STATE_OK;
	uint16_t taken = 0;
	struct ask copy = *a; /* push() may begin anew */
	a->used = false;
	while (taken < count && take_part(d, &copy.item[taken], &r, &result)) {
		taken++;
		if (state_failed(d, result))
			return;
	}
	bool honest = taken == count && rd_done(&r);
	if (!honest) {
		admission_reject(d, member, "a part of the state that is not what the certificate proves");
		leave(d, member, "a part of it is not what the certificate proves");
	}
	note_time(d, &copy, taken);
	if (t->target.seq == seq)
		give_back(d, &copy, taken);
	t->stalls[member] = 0;
	if (commit_some(d))
		ask_more(d);
}

/* ---- the end ---- */

static bool waits_for_answers(const struct transfer *t)
{
	for (uint32_t i = 0; i < ASKS_MAX; i++)
		if (t->ask[i].used)
			return true;
	return false;
}

static uint64_t time_of(struct transfer *t)
{
	const void *value;
	size_t n;
	uint64_t ms = 0;
	if (state_get(t->next, STATE_SYSTEM, "time", 4, &value, &n) == STATE_OK && n == 8) {
		struct rd r = rd_of(value, n);
		rd_u64(&r, &ms);
	}
	return ms;
}

static void finish(struct driver *d)
{
	struct transfer *t = d->transfer;
	struct state_meta meta = { .seq = t->target.seq, .chain = t->target.chain };
	meta.time_ms = time_of(t);
	if (state_failed(d, state_snapshot(t->next, &meta)))
		return;
	t->whole = digest_equal(&meta.root, &t->target.root);
	t->whole_ms = d->mono_ms;
	if (t->whole)
		return;
	/* Something of my own copy is left over where the walk did not look. It is made from nothing then. */
	driver_note(d, QUORATE_LEVEL_WARNING, "the fetched state has another root than the certified one: what differs is fetched again");
	struct item root = { .kind = TRANSFER_NODE, .expect = t->target.root };
	push(d, &root);
}

/* Members that are two epochs ahead show no certificate of this one any more. A newer state has crossed those borders; what is here already is not fetched again. */
static void choose_again(struct driver *d)
{
	struct transfer *t = d->transfer;
	if (d->mono_ms < t->whole_ms + CERTIFIED_MS)
		return;
	memset(t->offer, 0, sizeof t->offer);
	t->target.seq = 0;
	t->whole = false;
}

static void install(struct driver *d)
{
	struct bft_standing standing;
	bft_seq seq = d->transfer->target.seq;
	d->protocol->standing(d->core, &standing);
	if (seq <= execution_seq(d->execution)) { /* the log was enough after all */
		transfer_end(d);
		return;
	}
	if (epoch_jump(d, d->transfer->next))
		return;
	if (standing.low < seq) { /* the certificate of that checkpoint is on its way: STATUS */
		choose_again(d);
		return;
	}
	/* The log comes first, with the checkpoint's certificate: who starts with this state must know what it stands on (design section 12). */
	if (!d->transfer->install_lsn) {
		d->transfer->install_lsn = d->lsn;
		driver_flush(d);
	}
	if (d->durable < d->transfer->install_lsn)
		return;
	driver_note(d, QUORATE_LEVEL_INFO, "the state at %llu is here: %llu parts of the tree, %llu entries, %llu KiB fetched", (unsigned long long)seq,
	            (unsigned long long)d->transfer->nodes, (unsigned long long)d->transfer->entries, (unsigned long long)(d->transfer->bytes >> 10));
	transfer_end(d);
	transfer_leases_end(d);
	struct state *state = d->options.env.transfer_install(d->options.env.user);
	struct execution *x = state ? execution_create(state, d->genesis, d->options.scheme, &d->cluster, d->options.app) : NULL;
	if (!x) {
		driver_stop(d, "the fetched state could not be put into its place");
		return;
	}
	execution_destroy(d->execution);
	d->execution = x;
	d->options.state = state;
	d->execute_count = 0;
	d->snapshot_lsn = 0;
	/* First, whether a border is pending in it: what is committed beyond that is not executed, and the core goes on at once (seed 40 of trusted mode). */
	epoch_tell(d);
	struct bft_event event = { .kind = BFT_EV_INSTALLED, .seq = seq, .digest = *execution_chain(x) };
	driver_step(d, &event);
	reads_executed(d);
	truncate_try(d);
}

static void give_up_stalled(struct driver *d)
{
	struct transfer *t = d->transfer;
	for (uint32_t i = 0; i < ASKS_MAX; i++) {
		struct ask *a = &t->ask[i];
		if (!a->used || (d->mono_ms < a->at_ms + ASK_MS && d->member[a->member].up))
			continue;
		note_time(d, a, 0);
		if (d->member[a->member].up && ++t->stalls[a->member] == STALLS_MAX)
			leave(d, a->member, "it does not answer");
		give_back(d, a, 0);
	}
}

/* Whoever serves nothing of it yet: its answer may have been lost, or its snapshot certified since; and the one that serves may be a liar who takes its time (seed 12472). */
static void ask_for_offers(struct driver *d)
{
	static const uint8_t zero[1];
	struct transfer *t = d->transfer;
	bool served = sources(d) != 0;
	if (d->mono_ms < t->offers_ms + (served ? OFFERS_MORE_MS : OFFERS_MS))
		return;
	/* Everybody has been left: whoever is honest was only slow. */
	if (t->offers_ms && !served) {
		t->left = 0;
		memset(t->stalls, 0, sizeof t->stalls);
		memset(t->took_ms, 0, sizeof t->took_ms);
	}
	t->offers_ms = d->mono_ms;
	for (uint8_t i = 0; i < d->n; i++)
		if (i != d->self && !(t->left & BFT_BIT(i)) && !is_source(d, i))
			send(d, i, BFT_WIRE_FETCH_OFFER, zero, sizeof zero);
}

/* The log was enough after all: somebody still had what others have no more. Else, when nobody offers anything newer, a replica that has everything would be fetching for ever (seed
 * 10551 of trusted mode). Where it is not, the core says so again. */
static bool is_needless(const struct driver *d)
{
	const struct transfer *t = d->transfer;
	bft_seq executed = execution_seq(d->execution);
	return !t->whole && executed > t->from && executed >= t->target.seq;
}

void transfer_tick(struct driver *d)
{
	transfer_leases_tick(d);
	if (d->transfer && is_needless(d))
		transfer_end(d);
	struct transfer *t = d->transfer;
	if (!t)
		return;
	if (t->whole) {
		install(d);
		return;
	}
	give_up_stalled(d);
	choose(d);
	ask_for_offers(d);
	ask_more(d);
	if (t->target.seq && !t->stack_count && !waits_for_answers(t))
		finish(d);
}

uint64_t transfer_deadline(const struct driver *d)
{
	return d->transfer ? d->mono_ms + 20 : transfer_leases_deadline(d);
}
