/* Serving certified snapshots, within the budget of what is served to a member: to each the newest one at the time when it began, and never the fetcher's choice which.
 *
 * A snapshot that somebody fetches keeps its pages from being used again, so each member has a lease, of one snapshot, that ends. It is the member's alone: shared, whoever
 * asks for parts without end would have all others offered a state that the logs no longer reach. */
#include "replica/driver_state.h"

#include <stdlib.h>
#include <string.h>

static void end(struct transfer_lease *l)
{
	struct transfer_view *v = l->view;
	*l = (struct transfer_lease){ 0 };
	if (!v || --v->leases)
		return;
	state_view_close(v->view);
	free(v->certificate);
	free(v);
}

void transfer_leases_end(struct driver *d)
{
	for (uint8_t i = 0; i < BFT_MEMBERS_MAX; i++)
		end(&d->lease[i]);
}

/* The newest snapshot, once it is certified. 0: there is none to be served. */
static bft_seq newest(const struct driver *d)
{
	bft_seq seq = execution_snapshot_meta(d->execution).seq;
	return seq == d->certified_seq ? seq : 0;
}

static struct transfer_view *view_of(struct driver *d, bft_seq seq)
{
	for (uint8_t i = 0; i < d->n; i++)
		if (d->lease[i].view && d->lease[i].view->seq == seq)
			return d->lease[i].view;
	return NULL;
}

static struct transfer_view *view_open(struct driver *d, bft_seq seq)
{
	struct transfer_view *v = calloc(1, sizeof *v);
	uint8_t *certificate = v ? malloc(d->certified_certificate_n) : NULL;
	if (!certificate || state_view_open(&v->view, d->options.state) != STATE_OK) {
		free(certificate);
		free(v);
		return NULL;
	}
	v->seq = seq;
	v->certificate = memcpy(certificate, d->certified_certificate, d->certified_certificate_n);
	v->certificate_n = d->certified_certificate_n;
	return v;
}

/* It begins, or begins anew: with the newest. What it has already of another one it need not fetch again. */
static void begin(struct driver *d, uint8_t member)
{
	struct transfer_lease *l = &d->lease[member];
	bft_seq seq = newest(d);
	if (l->view && l->view->seq == seq)
		return;
	struct transfer_view *v = seq ? view_of(d, seq) : NULL;
	end(l);
	if (seq && !v)
		v = view_open(d, seq);
	if (!v)
		return;
	v->leases++;
	*l = (struct transfer_lease){ .view = v, .since_ms = d->mono_ms, .used_ms = d->mono_ms };
}

static bool expired(const struct driver *d, const struct transfer_lease *l)
{
	return l->view && (d->mono_ms >= l->used_ms + TRANSFER_LEASE_IDLE_MS || (d->mono_ms >= l->since_ms + TRANSFER_LEASE_MS && newest(d) > l->view->seq));
}

void transfer_leases_tick(struct driver *d)
{
	for (uint8_t i = 0; i < d->n; i++)
		if (expired(d, &d->lease[i]))
			end(&d->lease[i]);
}

uint64_t transfer_leases_deadline(const struct driver *d)
{
	uint64_t at = UINT64_MAX;
	for (uint8_t i = 0; i < d->n; i++)
		if (d->lease[i].view && d->lease[i].used_ms + TRANSFER_LEASE_IDLE_MS < at)
			at = d->lease[i].used_ms + TRANSFER_LEASE_IDLE_MS;
	return at;
}

static void send(struct driver *d, uint8_t member, uint16_t type, const uint8_t *body, size_t n)
{
	uint8_t head[BFT_FRAME_HEAD_BYTES];
	struct bft_envelope e = { .signer = BFT_SIGNER_CHANNEL, .type = type, .epoch = d->epoch };
	struct wr w = wr_of(head, sizeof head);
	envelope_write(&w, &e);
	d->options.env.send(d->options.env.user, member, NET_TRANSFER, head, sizeof head, body, n);
}

void transfer_serve_offer(struct driver *d, uint8_t member)
{
	begin(d, member);
	const struct transfer_view *v = d->lease[member].view;
	if (v && fetch_may_serve(d, member, v->certificate_n))
		send(d, member, BFT_WIRE_OFFER, v->certificate, v->certificate_n);
}

static bool put_node(struct transfer_view *v, struct rd *r, struct wr *w)
{
	uint8_t depth, node[STATE_NODE_BYTES_MAX];
	size_t n;
	const uint8_t *path = rd_u8(r, &depth) && depth <= STATE_PATH_MAX ? rd_take(r, depth) : NULL;
	if (!path || state_view_node(v->view, path, depth, node, &n) != STATE_OK)
		return false;
	wr_u32(w, (uint32_t)n);
	wr_bytes(w, node, n);
	return !w->failed;
}

static bool put_entry(struct transfer_view *v, struct rd *r, struct wr *w)
{
	struct digest hash;
	const void *key, *value;
	size_t key_bytes, value_bytes;
	if (!rd_bytes(r, hash.b, DIGEST_BYTES) || state_view_entry(v->view, &hash, &key, &key_bytes, &value, &value_bytes) != STATE_OK)
		return false;
	wr_u32(w, (uint32_t)key_bytes);
	wr_bytes(w, key, key_bytes);
	wr_u32(w, (uint32_t)value_bytes);
	wr_bytes(w, value, value_bytes);
	return !w->failed;
}

void transfer_serve(struct driver *d, uint8_t member, const uint8_t *body, size_t n)
{
	struct rd r = rd_of(body, n);
	uint64_t seq;
	uint32_t question;
	uint16_t count, put = 0;
	if (!rd_u64(&r, &seq) || !rd_u32(&r, &question) || !rd_u16(&r, &count) || count == 0 || count > TRANSFER_ITEMS_MAX) {
		admission_reject(d, member, "a malformed FETCH_STATE");
		return;
	}
	if (!fetch_may_serve(d, member, 0))
		return; /* it asks again */
	struct transfer_lease *l = &d->lease[member];
	if (expired(d, l))
		end(l);
	if (!l->view && newest(d) == seq)
		begin(d, member);
	struct wr w = wr_of(d->scratch, d->scratch_bytes);
	wr_u64(&w, seq);
	wr_u32(&w, question);
	wr_u16(&w, 0);
	bool served = l->view && l->view->seq == seq;
	for (; served && put < count && (size_t)(w.at - w.start) < TRANSFER_PART_BYTES; put++) {
		uint8_t kind;
		if (!rd_u8(&r, &kind) || !(kind == TRANSFER_NODE ? put_node(l->view, &r, &w) : kind == TRANSFER_ENTRY && put_entry(l->view, &r, &w)))
			break;
	}
	size_t total = wr_done(&w);
	if (served)
		l->used_ms = d->mono_ms;
	if (!total || (served && put == 0) || !fetch_may_serve(d, member, total))
		return;
	struct wr head = wr_of(d->scratch + 12, 2);
	wr_u16(&head, put);
	send(d, member, BFT_WIRE_STATE, d->scratch, total);
}
