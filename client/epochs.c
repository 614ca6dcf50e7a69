/* The chain of epochs, followed from the genesis: which key a member has now. A replica that speaks in a later epoch is asked for the next link, which proves itself;
 * what it claims without one is nothing. */
#include "client/core_state.h"

#include "bft/receipt.h"

#include <stdlib.h>
#include <string.h>

#define ASK_MS 100u      /* between two questions, however many members claim to be ahead */
#define ASK_MS_MAX 2000u /* while they show nothing                                       */

static void take_roster(struct client_core *c)
{
	c->roster = epoch_roster_now(&c->keys);
	c->weak = roster_weak(&c->roster);
	c->n = roster_width(&c->roster) > c->n ? roster_width(&c->roster) : c->n;
	memset(c->said, 0, sizeof c->said); /* views begin anew in each epoch */
	c->view = 0;
}

/* Who has a number now is not who had it: what that one said is not this one's word. */
static void forget_words(struct client_core *c, bft_mask of)
{
	for (uint32_t i = 0; i < c->n; i++)
		if (of & BFT_BIT(i))
			c->epoch_said[i] = 0;
	client_reads_order(c);
	for (struct client_session *s = c->sessions; of && s; s = s->next)
		for (struct client_request *r = s->flying.first; r; r = r->next)
			for (uint32_t i = 0; i < r->rows; i++)
				if (of & BFT_BIT(i))
					r->opinion[i] = (struct client_opinion){ 0 };
}

void client_epochs_begin(struct client_core *c)
{
	epoch_keys_init(&c->keys, c->options.genesis);
	take_roster(c);
	c->links_to = 1;
	c->epochs_wait_ms = ASK_MS;
}

const struct bft_card *client_core_card(const struct client_core *c, uint32_t member)
{
	return epoch_card(&c->keys, (uint8_t)member, c->keys.epoch);
}

const struct bft_roster *client_core_roster(const struct client_core *c)
{
	return &c->roster;
}

const struct public_key *client_core_key(const struct client_core *c, uint32_t member)
{
	return epoch_key(&c->keys, (uint8_t)member, c->keys.epoch);
}

uint64_t client_core_epoch(const struct client_core *c)
{
	return c->keys.epoch;
}

bool client_signs_requests(const struct client_core *c)
{
	return bft_signs_requests(c->roster.mode);
}

/* ---- asking ---- */

static void ask(struct client_core *c, uint32_t member)
{
	uint8_t frame[BFT_FRAME_HEAD_BYTES + 8];
	struct wr w = wr_of(frame, sizeof frame);
	client_frame_head(&w, BFT_WIRE_FETCH_EPOCH, NULL);
	wr_u64(&w, c->keys.epoch + 1);
	if (c->options.send(c->options.user, member, NET_STATUS, frame, wr_done(&w)))
		c->epochs_asked |= BFT_BIT(member);
}

/* Whoever shows a key that is not known may be ahead, or behind; whoever speaks in a later epoch is ahead, if it is true. */
static bft_mask those_ahead(const struct client_core *c)
{
	bft_mask m = c->strangers;
	for (uint32_t i = 0; i < c->n; i++)
		m |= (c->linked & BFT_BIT(i)) && c->epoch_said[i] > c->keys.epoch ? BFT_BIT(i) : 0;
	return m;
}

void client_epochs_tick(struct client_core *c)
{
	bft_mask ahead = those_ahead(c);
	if (!ahead || c->mono_ms < c->epochs_ms)
		return;
	c->epochs_ms = c->mono_ms + c->epochs_wait_ms;
	c->epochs_wait_ms = c->epochs_wait_ms * 2 < ASK_MS_MAX ? c->epochs_wait_ms * 2 : ASK_MS_MAX;
	for (uint32_t k = 1; k <= c->n; k++) {
		uint32_t i = (c->epochs_last + k) % c->n;
		if (!(ahead & BFT_BIT(i)))
			continue;
		c->epochs_last = i;
		ask(c, i);
		return;
	}
}

uint64_t client_epochs_deadline(const struct client_core *c)
{
	return those_ahead(c) ? c->epochs_ms : UINT64_MAX;
}

void client_epochs_heard(struct client_core *c, uint32_t member, bft_epoch epoch)
{
	if (epoch <= c->epoch_said[member])
		return;
	c->epoch_said[member] = epoch;
}

/* ---- links ---- */

/* What was followed is shown to others, behind a receipt. Without memory for it nothing of a later epoch can be shown. */
static void keep(struct client_core *c, const uint8_t *link, size_t n)
{
	bool whole = c->links_to + 1 == c->keys.epoch && c->links_bytes + n <= RECEIPT_LINKS_BYTES_MAX;
	uint8_t *links = whole ? realloc(c->links, c->links_bytes + n) : NULL;
	if (!links)
		return;
	memcpy(links + c->links_bytes, link, n);
	c->links = links;
	c->links_bytes += n;
	c->links_to = c->keys.epoch;
}

const uint8_t *client_core_links(const struct client_core *c, bft_epoch epoch, size_t *n)
{
	struct rd r = rd_of(c->links, c->links_bytes);
	struct epoch_link link;
	*n = 0;
	if (epoch > c->links_to)
		return NULL;
	for (bft_epoch e = 1; e < epoch; e++)
		if (!epoch_link_read(&r, &link))
			return NULL;
	*n = c->links_bytes - rd_left(&r);
	return c->links;
}

bool client_on_epoch(struct client_core *c, uint32_t member, const uint8_t *body, size_t n)
{
	struct rd r = rd_of(body, n);
	struct epoch_link link;
	if (!(c->epochs_asked & BFT_BIT(member)))
		return true; /* it costs as many checks as questions were asked, however often they are answered */
	c->epochs_asked &= ~BFT_BIT(member);
	if (!epoch_link_read(&r, &link) || !rd_done(&r))
		return false;
	if (link.record.epoch <= c->keys.epoch)
		return true; /* another was quicker */
	if (epoch_link_check(&link, &c->keys, c->options.scheme, &c->options.cluster))
		return false;
	epoch_link_follow(&link, &c->keys);
	take_roster(c);
	if (link.record.change.kind == BUNDLE_RECONFIGURE)
		forget_words(c, epoch_change_touched(&link.record.change));
	keep(c, body, n);
	c->epochs_wait_ms = ASK_MS;
	if (c->options.keys_changed)
		c->options.keys_changed(c->options.user);
	ask(c, member);
	return true;
}

void client_core_stranger(struct client_core *c, uint32_t member, bool up)
{
	BFT_CHECK(member < BFT_MEMBERS_MAX);
	c->strangers = up ? c->strangers | BFT_BIT(member) : c->strangers & ~BFT_BIT(member);
	if (up)
		client_questions_to(c, member);
}

bool client_core_stranger_frame(struct client_core *c, uint32_t member, const uint8_t *bytes, size_t n)
{
	struct rd r = rd_of(bytes, n);
	struct bft_envelope e;
	if (c->stopped || member >= c->n)
		return true;
	if (!envelope_read(&r, &e) || e.signer != BFT_SIGNER_CHANNEL)
		return false;
	switch (e.type) {
	case BFT_WIRE_EPOCH: return client_on_epoch(c, member, r.at, rd_left(&r));
	case BFT_WIRE_STANDING: return client_on_standing(c, member, r.at, rd_left(&r)); /* nobody's word but its own */
	default: return true;                                                            /* nothing else counts from somebody who is not known */
	}
}
