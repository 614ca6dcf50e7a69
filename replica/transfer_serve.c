/* Serving a certified snapshot: one at a time, within the budget of what is served to a member, and never the fetcher's choice which. */
#include "replica/driver_state.h"

#include <stdlib.h>
#include <string.h>

void transfer_view_close(struct driver *d)
{
	state_view_close(d->view.view);
	free(d->view.certificate);
	d->view = (struct transfer_view){ 0 };
}

/* One that has been served for long gives way to a newer one, or whoever asks again and again would keep it for ever: the others would be offered a state that the
 * logs no longer reach, and its pages could not be used again. Whoever really fetches goes on from what it has. */
static bool view_stays(const struct driver *d, bft_seq newest)
{
	const struct transfer_view *v = &d->view;
	if (!v->view || d->mono_ms >= v->used_ms + TRANSFER_VIEW_MS)
		return false;
	return d->mono_ms < v->opened_ms + TRANSFER_VIEW_LIFE_MS || newest <= v->seq;
}

/* The newest snapshot, once it is certified; the one that is being served stays while somebody fetches it. */
static bool view_ready(struct driver *d)
{
	struct transfer_view *v = &d->view;
	struct state_meta meta = execution_snapshot_meta(d->execution);
	bft_seq newest = meta.seq == d->certified_seq ? meta.seq : 0;
	if (view_stays(d, newest))
		return true;
	transfer_view_close(d);
	if (!newest)
		return false;
	v->certificate = malloc(d->certified_certificate_n);
	if (!v->certificate || state_view_open(&v->view, d->options.state) != STATE_OK) {
		transfer_view_close(d);
		return false;
	}
	memcpy(v->certificate, d->certified_certificate, d->certified_certificate_n);
	v->certificate_n = d->certified_certificate_n;
	v->seq = meta.seq;
	v->used_ms = v->opened_ms = d->mono_ms;
	return true;
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
	if (view_ready(d) && fetch_may_serve(d, member, d->view.certificate_n))
		send(d, member, BFT_WIRE_OFFER, d->view.certificate, d->view.certificate_n);
}

static bool put_node(struct driver *d, struct rd *r, struct wr *w)
{
	uint8_t depth, node[STATE_NODE_BYTES_MAX];
	size_t n;
	const uint8_t *path = rd_u8(r, &depth) && depth <= STATE_PATH_MAX ? rd_take(r, depth) : NULL;
	if (!path || state_view_node(d->view.view, path, depth, node, &n) != STATE_OK)
		return false;
	wr_u32(w, (uint32_t)n);
	wr_bytes(w, node, n);
	return !w->failed;
}

static bool put_entry(struct driver *d, struct rd *r, struct wr *w)
{
	struct digest hash;
	const void *key, *value;
	size_t key_bytes, value_bytes;
	if (!rd_bytes(r, hash.b, DIGEST_BYTES) || state_view_entry(d->view.view, &hash, &key, &key_bytes, &value, &value_bytes) != STATE_OK)
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
	struct wr w = wr_of(d->scratch, d->scratch_bytes);
	wr_u64(&w, seq);
	wr_u32(&w, question);
	wr_u16(&w, 0);
	bool served = view_ready(d) && d->view.seq == seq;
	for (; served && put < count && (size_t)(w.at - w.start) < TRANSFER_PART_BYTES; put++) {
		uint8_t kind;
		if (!rd_u8(&r, &kind) || !(kind == TRANSFER_NODE ? put_node(d, &r, &w) : kind == TRANSFER_ENTRY && put_entry(d, &r, &w)))
			break;
	}
	size_t total = wr_done(&w);
	if (served)
		d->view.used_ms = d->mono_ms;
	if (!total || (served && put == 0) || !fetch_may_serve(d, member, total))
		return;
	struct wr head = wr_of(d->scratch + 12, 2);
	wr_u16(&head, put);
	send(d, member, BFT_WIRE_STATE, d->scratch, total);
}
