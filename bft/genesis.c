#include "bft/genesis.h"

#include "bft/check.h"

/* ---- limits ---- */

void genesis_limits_default(struct bft_genesis_limits *out)
{
	*out = (struct bft_genesis_limits){
		.window = 128,
		.checkpoint_every = 32,
		.snapshot_bytes = (uint64_t)256 << 20,
		.state_bytes = (uint64_t)8 << 30,
		.snapshot_seqs = 65536,
		.proposal_bytes_max = 4u << 20,
		.proposal_bundles_max = 256,
		.drift_ms = 5000,
		.sessions_per_key = 64,
		.session_window = 128,
		.request_timeout_ms = 1500,
	};
}

static bool within(uint64_t v, uint64_t low, uint64_t high)
{
	return v >= low && v <= high;
}

const char *genesis_limits_check(const struct bft_genesis_limits *l)
{
	if (!within(l->window, 2, BFT_WINDOW_MAX))
		return "limits: window is not from 2 to 256";
	if (!within(l->checkpoint_every, 1, BFT_WINDOW_MAX / 2) || l->window < 2 * l->checkpoint_every)
		return "limits: window is less than twice checkpoint_every, which is at least 1";
	if (!within(l->snapshot_bytes, 1u << 16, (uint64_t)1 << 40))
		return "limits: snapshot_bytes is not from 64 KiB to 1 TiB";
	if (!within(l->state_bytes, 1u << 20, (uint64_t)1 << 44))
		return "limits: state_bytes is not from 1 MiB to 16 TiB";
	if (!within(l->snapshot_seqs, l->checkpoint_every, 1u << 30))
		return "limits: snapshot_seqs is not from checkpoint_every to 2^30";
	if (!within(l->proposal_bytes_max, 1u << 16, BFT_PROPOSAL_BYTES_MAX))
		return "limits: proposal_bytes_max is not from 64 KiB to 8 MiB";
	if (!within(l->proposal_bundles_max, 1, BFT_PROPOSAL_BUNDLES_MAX))
		return "limits: proposal_bundles_max is not from 1 to 512";
	if (!within(l->drift_ms, 1, 3600000))
		return "limits: drift_ms is not from 1 to 3600000";
	if (!within(l->sessions_per_key, 1, 65536))
		return "limits: sessions_per_key is not from 1 to 65536";
	if (!within(l->session_window, 1, 4096))
		return "limits: session_window is not from 1 to 4096";
	if (!within(l->request_timeout_ms, 10, 3600000))
		return "limits: request_timeout_ms is not from 10 to 3600000";
	return NULL;
}

static void limits_write(struct wr *w, const struct bft_genesis_limits *l)
{
	wr_u32(w, l->window);
	wr_u32(w, l->checkpoint_every);
	wr_u64(w, l->snapshot_bytes);
	wr_u64(w, l->state_bytes);
	wr_u32(w, l->snapshot_seqs);
	wr_u32(w, l->proposal_bytes_max);
	wr_u32(w, l->proposal_bundles_max);
	wr_u32(w, l->drift_ms);
	wr_u32(w, l->sessions_per_key);
	wr_u32(w, l->session_window);
	wr_u32(w, l->request_timeout_ms);
}

static bool limits_read(struct rd *r, struct bft_genesis_limits *l)
{
	return rd_u32(r, &l->window) && rd_u32(r, &l->checkpoint_every) && rd_u64(r, &l->snapshot_bytes) && rd_u64(r, &l->state_bytes) &&
	       rd_u32(r, &l->snapshot_seqs) && rd_u32(r, &l->proposal_bytes_max) && rd_u32(r, &l->proposal_bundles_max) && rd_u32(r, &l->drift_ms) &&
	       rd_u32(r, &l->sessions_per_key) && rd_u32(r, &l->session_window) && rd_u32(r, &l->request_timeout_ms);
}

/* ---- the cards' order ---- */

static int card_order(const struct bft_card *a, const struct bft_card *b)
{
	int by_org = text_order(a->org, b->org);
	return by_org ? by_org : memcmp(a->member_key.b, b->member_key.b, PUBLIC_KEY_BYTES);
}

void genesis_sort(struct bft_genesis *g)
{
	BFT_CHECK(g->count <= BFT_MEMBERS_MAX);
	for (uint32_t i = 1; i < g->count; i++) {
		struct bft_card card = g->cards[i];
		uint32_t at = i;
		for (; at > 0 && card_order(&g->cards[at - 1], &card) > 0; at--)
			g->cards[at] = g->cards[at - 1];
		g->cards[at] = card;
	}
}

/* ---- checks ---- */

static const char *scheme_check(const char *text)
{
	size_t n = 0;
	for (; text[n]; n++) {
		char c = text[n];
		if (n >= BFT_SCHEME_BYTES_MAX || !((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'))
			return "the signature scheme's name is not 1 to 31 of a-z, 0-9 and -";
	}
	return n ? NULL : "the genesis names no signature scheme";
}

static const char *count_check(enum bft_mode mode, uint32_t count)
{
	if (mode != BFT_MODE_BFT && mode != BFT_MODE_TRUSTED)
		return "the genesis has an unknown mode";
	if (count > BFT_MEMBERS_MAX)
		return "a cluster has at most 64 members";
	if (mode == BFT_MODE_BFT && count < 4)
		return "a cluster in bft mode has at least 4 members";
	return count ? NULL : "a cluster has at least one member";
}

static const char *cards_check(const struct bft_genesis *g)
{
	for (uint32_t i = 0; i < g->count; i++) {
		const char *reason = card_fields_check(&g->cards[i]);
		for (uint32_t j = 0; j < i && !reason; j++)
			reason = card_pair_check(&g->cards[j], &g->cards[i]);
		if (reason)
			return reason;
		if (i > 0 && card_order(&g->cards[i - 1], &g->cards[i]) >= 0)
			return "the cards are not in order";
	}
	return NULL;
}

const char *genesis_fields_check(const struct bft_genesis *g)
{
	const char *reason = count_check(g->mode, g->count);
	if (!reason)
		reason = scheme_check(g->scheme);
	if (!reason)
		reason = genesis_limits_check(&g->limits);
	return reason ? reason : cards_check(g);
}

const char *genesis_check(const struct bft_genesis *g, const struct sign_scheme *scheme)
{
	const char *reason = genesis_fields_check(g);
	if (reason)
		return reason;
	if (text_order(g->scheme, scheme->name) != 0)
		return "the genesis names another signature scheme";
	for (uint32_t i = 0; i < g->count && !reason; i++)
		reason = card_check(&g->cards[i], scheme);
	return reason;
}

/* ---- bytes ---- */

size_t genesis_encode(void *bytes, size_t capacity, const struct bft_genesis *g)
{
	struct wr w = wr_of(bytes, capacity);
	size_t n = strlen(g->scheme);
	wr_u16(&w, BFT_GENESIS_FORMAT);
	wr_u8(&w, (uint8_t)g->mode);
	wr_u8(&w, (uint8_t)n);
	wr_bytes(&w, g->scheme, n);
	limits_write(&w, &g->limits);
	wr_u8(&w, (uint8_t)g->count);
	for (uint32_t i = 0; i < g->count; i++)
		card_write(&w, &g->cards[i]);
	return wr_done(&w);
}

static bool scheme_read(struct rd *r, char out[BFT_SCHEME_BYTES_MAX + 1])
{
	uint8_t n;
	return rd_u8(r, &n) && n <= BFT_SCHEME_BYTES_MAX && rd_bytes(r, out, n) && strlen(out) == n; /* `out` was zero */
}

static bool cards_read(struct rd *r, struct bft_genesis *g)
{
	uint8_t count;
	if (!rd_u8(r, &count) || count > BFT_MEMBERS_MAX)
		return false;
	for (g->count = 0; g->count < count; g->count++) {
		if (!card_read(r, &g->cards[g->count]))
			return false;
	}
	return true;
}

const char *genesis_decode(struct bft_genesis *g, const void *bytes, size_t n)
{
	struct rd r = rd_of(bytes, n);
	uint16_t format;
	uint8_t mode;
	memset(g, 0, sizeof *g);
	if (!rd_u16(&r, &format))
		return "the genesis is cut short";
	if (format != BFT_GENESIS_FORMAT)
		return "this is no genesis, or one of a format that this version does not know";
	if (!rd_u8(&r, &mode) || !scheme_read(&r, g->scheme) || !limits_read(&r, &g->limits) || !cards_read(&r, g))
		return "the genesis is damaged or cut short";
	if (!rd_done(&r))
		return "the genesis is followed by other bytes";
	g->mode = (enum bft_mode)mode;
	return genesis_fields_check(g);
}

void genesis_digest(struct digest *out, const void *bytes, size_t n)
{
	digest_of(out, DOMAIN_GENESIS, bytes, n);
}

void genesis_keyring(struct keyring *out, const struct bft_genesis *g)
{
	memset(out, 0, sizeof *out);
	for (uint32_t i = 0; i < g->count; i++)
		BFT_CHECK(keyring_add(out, &g->cards[i].member_key));
}
