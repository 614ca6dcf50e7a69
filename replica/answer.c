/* Answers to clients: one signature over the results of a whole proposal, a path for each (design section 9); none where none was asked for. */
#include "replica/driver_state.h"

#include <string.h>

/* ---- where a client is ---- */

static struct route *route_set(struct driver *d, uint64_t session, uint64_t number)
{
	uint64_t h = (session ^ number) * 0x9E3779B97F4A7C15u;
	return &d->routes[(h >> 40) % ROUTES_SETS * ROUTES_WAYS];
}

static bool is_route(const struct route *r, const struct public_key *key, uint64_t session, uint64_t number)
{
	return r->link && r->session == session && r->number == number && public_key_equal(&r->key, key);
}

static struct route *place_for(struct driver *d, const struct public_key *key, uint64_t session, uint64_t number)
{
	struct route *set = route_set(d, session, number), *place = &set[0];
	for (uint32_t i = 0; i < ROUTES_WAYS; i++) {
		if (is_route(&set[i], key, session, number))
			return &set[i];
		if (!set[i].link || (place->link && set[i].used < place->used))
			place = &set[i];
	}
	return place;
}

static void learn(struct driver *d, const struct public_key *key, uint64_t session, uint64_t number, driver_link link, uint64_t asked)
{
	struct route *place = place_for(d, key, session, number);
	if (is_route(place, key, session, number) && place->link == link && place->asked > asked)
		asked = place->asked;
	*place = (struct route){ .key = *key, .session = session, .number = number, .link = link, .asked = asked, .used = ++d->routes_used };
}

/* An opening has no session yet: its own number stands for it. */
void route_learn(struct driver *d, const struct bundle *b, driver_link link)
{
	struct bft_request_id id;
	bodies_request_id(&id, b);
	learn(d, &b->key, id.session, id.session ? 0 : id.number, link, b->number);
}

void route_attach(struct driver *d, driver_link link, const struct public_key *key, const uint8_t *body, size_t n)
{
	struct rd r = rd_of(body, n);
	uint16_t count;
	uint64_t session;
	if (!rd_u16(&r, &count) || rd_left(&r) != (size_t)count * 8) {
		d->options.env.close_client(d->options.env.user, link, "a malformed ATTACH");
		return;
	}
	while (rd_u64(&r, &session))
		if (session)
			learn(d, key, session, 0, link, 0);
}

static struct route *find(struct driver *d, const struct bundle *b)
{
	struct bft_request_id id;
	bodies_request_id(&id, b);
	uint64_t number = id.session ? 0 : id.number;
	struct route *place = place_for(d, &b->key, id.session, number);
	if (!is_route(place, &b->key, id.session, number))
		return NULL;
	place->used = ++d->routes_used;
	return place;
}

driver_link route_find(struct driver *d, const struct bundle *b)
{
	const struct route *r = find(d, b);
	return r ? r->link : 0;
}

/* ---- answers ---- */

static bft_view view_of(const struct driver *d)
{
	struct bft_standing standing;
	d->protocol->standing(d->core, &standing);
	return standing.view;
}

static void send_reply(struct driver *d, driver_link link, uint16_t type, bft_epoch epoch, const struct signature *signature, const uint8_t *head,
                       size_t head_n, const uint8_t *body, size_t n)
{
	if (!driver_is_member(d))
		return; /* it counts for nobody */
	uint8_t bytes[BFT_FRAME_HEAD_BYTES + REPLY_HEAD_BYTES_MAX];
	struct bft_envelope e = { .signer = BFT_SIGNER_CHANNEL, .type = type, .epoch = epoch };
	if (signature)
		e.signature = *signature;
	struct wr w = wr_of(bytes, sizeof bytes);
	envelope_write(&w, &e);
	wr_bytes(&w, head, head_n);
	size_t total = wr_done(&w);
	BFT_CHECK(total);
	d->options.env.send_client(d->options.env.user, link, bytes, total, body, n);
}

bool answer_signs(const struct driver *d, const struct signature *asked)
{
	return driver_signs_requests(d) || !signature_is_none(asked);
}

void answer_late(struct driver *d, driver_link link, bool signed_, uint64_t seq, const struct digest *bundle, const uint8_t *result, size_t n)
{
	struct reply reply = { .view = view_of(d), .seq = seq, .bundle = *bundle, .result = result, .result_bytes = n };
	struct statement statement;
	struct signature signature;
	uint8_t head[REPLY_HEAD_BYTES_MAX];
	if (signed_) {
		reply_statement(&statement, &d->cluster, d->epoch, &reply, true);
		(void)driver_sign(d, d->epoch, &statement, &signature);
	}
	send_reply(d, link, BFT_WIRE_REPLY_LATE, d->epoch, signed_ ? &signature : NULL, head, reply_head_encode(&reply, true, head, sizeof head), result, n);
}

void answer_refuse(struct driver *d, driver_link link, uint64_t session, uint64_t number, enum refusal reason)
{
	uint8_t body[17];
	struct wr w = wr_of(body, sizeof body);
	wr_u64(&w, session);
	wr_u64(&w, number);
	wr_u8(&w, (uint8_t)reason);
	send_reply(d, link, BFT_WIRE_REFUSED, d->epoch, NULL, NULL, 0, body, wr_done(&w));
}

/* Where my answer is awaited; 0: nowhere. Where nobody lies one answer is enough, of whom the client asked; an opening is asked of all. */
static driver_link awaits_mine(struct driver *d, const struct bundle_body *x)
{
	const struct route *r = x->head.reply_mask & BFT_BIT(d->self) ? find(d, &x->head) : NULL;
	return r && (answer_signs(d, &x->signature) || r->asked >= x->head.number) ? r->link : 0;
}

static void sign_root(struct driver *d, const struct executed *x, struct signature *out)
{
	struct statement statement;
	reply_root_statement(&statement, &d->cluster, d->epoch, x->seq, &x->proposal, &x->chain, x->count, &x->root);
	(void)driver_sign(d, d->epoch, &statement, out);
}

void answer_executed(struct driver *d, const struct executed *x)
{
	struct signature signature;
	bool have_signature = false;
	for (uint16_t i = 0; i < x->count; i++) {
		const struct execution_result *r = &x->result[i];
		driver_link link = awaits_mine(d, r->bundle);
		bool signs = answer_signs(d, &r->bundle->signature);
		if (!link)
			continue;
		if (r->repeated || !signs) {
			answer_late(d, link, signs, r->seq, &r->digest, x->bytes + r->at, r->n);
			continue;
		}
		if (!have_signature) {
			sign_root(d, x, &signature);
			have_signature = true;
		}
		struct reply reply = { .view = view_of(d), .seq = x->seq, .bundle = r->digest };
		reply.place = (struct reply_place){ .proposal = x->proposal, .chain = x->chain, .count = x->count, .index = i };
		reply.place.path_count = merkle_path(reply.place.path, x->leaf, x->count, i);
		uint8_t head[REPLY_HEAD_BYTES_MAX];
		send_reply(d, link, BFT_WIRE_REPLY, d->epoch, &signature, head, reply_head_encode(&reply, false, head, sizeof head), x->bytes + r->at, r->n);
	}
}

void answer_standing(struct driver *d, int member, driver_link link)
{
	struct standing s;
	uint8_t body[STANDING_BYTES_MAX], head[BFT_FRAME_HEAD_BYTES];
	struct bft_envelope e = { .signer = BFT_SIGNER_CHANNEL, .type = BFT_WIRE_STANDING, .epoch = d->epoch };
	driver_standing(d, &s);
	size_t n = standing_encode(&s, body, sizeof body);
	struct wr w = wr_of(head, sizeof head);
	envelope_write(&w, &e);
	if (member >= 0)
		d->options.env.send(d->options.env.user, (uint8_t)member, NET_STATUS, head, sizeof head, body, n);
	else
		d->options.env.send_client(d->options.env.user, link, head, sizeof head, body, n);
}
