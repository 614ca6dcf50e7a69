#include "bft/card.h"

#include "bft/check.h"

/* ---- fields ---- */

static bool name_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
}

const char *card_org_check(const char *text)
{
	size_t n = 0;
	for (; text[n]; n++) {
		if (n >= BFT_ORG_BYTES_MAX)
			return "the organization's name is longer than 63 characters";
		if (!name_char(text[n]))
			return "the organization's name has a character other than a-z, 0-9 and -";
	}
	return n ? NULL : "the organization's name is empty";
}

/* 1..65535 without sign or leading zero: one port has one spelling. */
static bool port_ok(const char *text, size_t n)
{
	uint32_t port = 0;
	if (n == 0 || n > 5 || text[0] == '0')
		return false;
	for (size_t i = 0; i < n; i++) {
		if (text[i] < '0' || text[i] > '9')
			return false;
		port = port * 10 + (uint32_t)(text[i] - '0');
	}
	return port <= 65535;
}

/* A name, an IPv4 address, or an IPv6 address in brackets, which alone may hold colons. */
static bool host_ok(const char *text, size_t n)
{
	bool bracketed = n >= 2 && text[0] == '[' && text[n - 1] == ']';
	size_t begin = bracketed ? 1 : 0, end = bracketed ? n - 1 : n;
	if (begin >= end)
		return false;
	for (size_t i = begin; i < end; i++) {
		char c = text[i];
		if (c <= ' ' || c > '~' || c == '[' || c == ']' || (c == ':' && !bracketed))
			return false;
	}
	return true;
}

const char *card_address_check(const char *text)
{
	size_t n = 0, colon = 0;
	bool found = false;
	for (; text[n]; n++) {
		if (n >= BFT_ADDRESS_BYTES_MAX)
			return "an address is longer than 255 characters";
		if (text[n] == ':') {
			colon = n;
			found = true;
		}
	}
	if (!found || !host_ok(text, colon))
		return "an address is not of the form host:port";
	return port_ok(text + colon + 1, n - colon - 1) ? NULL : "an address has no port from 1 to 65535";
}

void card_address_split(const char *text, char *host, uint16_t *port)
{
	size_t n = strlen(text), colon = n;
	while (text[--colon] != ':')
		;
	bool bracketed = text[0] == '[';
	size_t length = colon - (bracketed ? 2 : 0);
	memcpy(host, text + (bracketed ? 1 : 0), length);
	host[length] = 0;
	uint32_t value = 0;
	for (size_t i = colon + 1; i < n; i++)
		value = value * 10 + (uint32_t)(text[i] - '0');
	*port = (uint16_t)value;
}

static bool address_repeats(const struct bft_card *card, uint32_t index)
{
	for (uint32_t i = 0; i < index; i++) {
		if (text_order(card->addresses[i], card->addresses[index]) == 0)
			return true;
	}
	return false;
}

static const char *addresses_check(const struct bft_card *card)
{
	if (card->addresses_count < 1 || card->addresses_count > BFT_ADDRESSES_MAX)
		return "a card names one to four addresses";
	for (uint32_t i = 0; i < card->addresses_count; i++) {
		const char *reason = card_address_check(card->addresses[i]);
		if (reason)
			return reason;
		if (address_repeats(card, i))
			return "a card names an address twice";
	}
	return NULL;
}

const char *card_fields_check(const struct bft_card *card)
{
	const char *reason = card_org_check(card->org);
	if (!reason)
		reason = addresses_check(card);
	if (reason)
		return reason;
	if (public_key_equal(&card->org_key, &card->member_key) || public_key_equal(&card->org_key, &card->tls_key) ||
	    public_key_equal(&card->member_key, &card->tls_key))
		return "a card uses one key for two purposes";
	return NULL;
}

/* ---- binary ---- */

/* One key in two roles would let a signature or a channel of one stand for the other. */
const char *card_pair_check(const struct bft_card *a, const struct bft_card *b)
{
	bool same_org = text_order(a->org, b->org) == 0, same_org_key = public_key_equal(&a->org_key, &b->org_key);
	if (public_key_equal(&a->member_key, &b->member_key))
		return "two cards have the same member key";
	if (public_key_equal(&a->tls_key, &b->tls_key))
		return "two cards have the same TLS key";
	if (public_key_equal(&a->member_key, &b->tls_key) || public_key_equal(&a->tls_key, &b->member_key))
		return "one card's member key is another's TLS key";
	if (public_key_equal(&a->org_key, &b->member_key) || public_key_equal(&a->org_key, &b->tls_key) || public_key_equal(&a->member_key, &b->org_key) ||
	    public_key_equal(&a->tls_key, &b->org_key))
		return "one card's organization key is another's member or TLS key";
	if (same_org && !same_org_key)
		return "two cards of one organization have different organization keys";
	if (same_org_key && !same_org)
		return "two organizations have the same key";
	return NULL;
}

static void write_text(struct wr *w, const char *text)
{
	size_t n = strlen(text);
	wr_u8(w, (uint8_t)n);
	wr_bytes(w, text, n);
}

static void write_body(struct wr *w, const struct bft_card *card)
{
	wr_u16(w, BFT_CARD_VERSION);
	write_text(w, card->org);
	wr_bytes(w, card->org_key.b, PUBLIC_KEY_BYTES);
	wr_bytes(w, card->member_key.b, PUBLIC_KEY_BYTES);
	wr_bytes(w, card->tls_key.b, PUBLIC_KEY_BYTES);
	wr_u8(w, card->addresses_count);
	for (uint32_t i = 0; i < card->addresses_count; i++)
		write_text(w, card->addresses[i]);
}

void card_write(struct wr *w, const struct bft_card *card)
{
	write_body(w, card);
	wr_bytes(w, card->org_signature.b, SIGNATURE_BYTES);
	wr_bytes(w, card->member_signature.b, SIGNATURE_BYTES);
}

/* A zero inside would end the text early: two encodings of one value. The field checks refuse every other strange character. */
static bool read_text(struct rd *r, char *out, size_t max)
{
	uint8_t n;
	if (!rd_u8(r, &n) || n > max || !rd_bytes(r, out, n))
		return false;
	out[n] = 0;
	return strlen(out) == n;
}

static bool read_addresses(struct rd *r, struct bft_card *card)
{
	if (!rd_u8(r, &card->addresses_count) || card->addresses_count > BFT_ADDRESSES_MAX)
		return false;
	for (uint32_t i = 0; i < card->addresses_count; i++) {
		if (!read_text(r, card->addresses[i], BFT_ADDRESS_BYTES_MAX))
			return false;
	}
	return true;
}

bool card_read(struct rd *r, struct bft_card *card)
{
	uint16_t version;
	memset(card, 0, sizeof *card);
	bool whole = rd_u16(r, &version) && version == BFT_CARD_VERSION && read_text(r, card->org, BFT_ORG_BYTES_MAX) &&
	             rd_bytes(r, card->org_key.b, PUBLIC_KEY_BYTES) && rd_bytes(r, card->member_key.b, PUBLIC_KEY_BYTES) &&
	             rd_bytes(r, card->tls_key.b, PUBLIC_KEY_BYTES) && read_addresses(r, card) && rd_bytes(r, card->org_signature.b, SIGNATURE_BYTES) &&
	             rd_bytes(r, card->member_signature.b, SIGNATURE_BYTES) && !card_fields_check(card);
	if (!whole)
		r->failed = true;
	return whole;
}

/* ---- signatures ---- */

void card_statement(struct statement *out, const struct bft_card *card, enum domain domain)
{
	static const struct digest no_cluster;
	uint8_t bytes[BFT_CARD_BODY_BYTES_MAX];
	struct digest body;
	struct wr w = wr_of(bytes, sizeof bytes);
	write_body(&w, card);
	BFT_CHECK(wr_done(&w) > 0);
	digest_of(&body, domain, bytes, wr_done(&w));
	statement_make(out, domain, &no_cluster, 0, &body);
}

static bool signed_by(const struct bft_card *card, const struct sign_scheme *scheme, enum domain domain, const struct signature *sig,
                      const struct public_key *pk)
{
	struct statement s;
	card_statement(&s, card, domain);
	return scheme->verify(sig, &s, pk);
}

const char *card_check(const struct bft_card *card, const struct sign_scheme *scheme)
{
	const char *reason = card_fields_check(card);
	if (reason)
		return reason;
	if (!scheme->key_ok(&card->org_key) || !scheme->key_ok(&card->member_key) || !scheme->key_ok(&card->tls_key))
		return "a card has a key that is no good public key";
	if (!signed_by(card, scheme, DOMAIN_CARD_ORG, &card->org_signature, &card->org_key))
		return "a card's signature by its organization is false";
	if (!signed_by(card, scheme, DOMAIN_CARD_MEMBER, &card->member_signature, &card->member_key))
		return "a card's signature by its member is false";
	return NULL;
}

/* ---- text ---- */

static const char header[] = "quorate-card 1\n";
#define HEADER_BYTES (sizeof header - 1)

static size_t text_bytes(size_t card_bytes)
{
	return HEADER_BYTES + 2 * card_bytes + (card_bytes + BFT_CARD_LINE_BYTES - 1) / BFT_CARD_LINE_BYTES;
}

size_t card_format(char *text, size_t capacity, const struct bft_card *card)
{
	uint8_t bytes[BFT_CARD_BYTES_MAX];
	struct wr w = wr_of(bytes, sizeof bytes);
	card_write(&w, card);
	size_t n = wr_done(&w);
	if (n == 0 || capacity < text_bytes(n) + 1)
		return 0;
	char *at = text;
	memcpy(at, header, HEADER_BYTES);
	at += HEADER_BYTES;
	for (size_t done = 0; done < n; done += BFT_CARD_LINE_BYTES) {
		size_t line = n - done < BFT_CARD_LINE_BYTES ? n - done : BFT_CARD_LINE_BYTES;
		hex_format(at, bytes + done, line);
		at += 2 * line;
		*at++ = '\n';
	}
	*at = 0;
	return (size_t)(at - text);
}

/* The bytes behind the header, line by line; returns how many, 0 when a line is not 1 to 32 bytes in hexadecimal. */
static size_t parse_lines(uint8_t bytes[BFT_CARD_BYTES_MAX], const char *text, size_t n)
{
	size_t done = 0;
	while (n > 0) {
		char line[2 * BFT_CARD_LINE_BYTES + 1];
		size_t length = 0;
		while (length < n && length < sizeof line - 1 && text[length] != '\n')
			length++;
		if (length == n || text[length] != '\n' || length == 0 || length % 2 || length / 2 > BFT_CARD_BYTES_MAX - done)
			return 0;
		memcpy(line, text, length);
		line[length] = 0;
		if (!hex_parse(bytes + done, length / 2, line))
			return 0;
		done += length / 2;
		text += length + 1;
		n -= length + 1;
	}
	return done;
}

bool card_parse(struct bft_card *card, const char *text, size_t n)
{
	uint8_t bytes[BFT_CARD_BYTES_MAX];
	char again[BFT_CARD_TEXT_BYTES_MAX];
	if (n < HEADER_BYTES || n >= sizeof again || memcmp(text, header, HEADER_BYTES) != 0)
		return false;
	size_t count = parse_lines(bytes, text + HEADER_BYTES, n - HEADER_BYTES);
	struct rd r = rd_of(bytes, count);
	if (count == 0 || !card_read(&r, card) || !rd_done(&r))
		return false;
	/* Capitals and odd line lengths would be a second spelling. */
	return card_format(again, sizeof again, card) == n && memcmp(text, again, n) == 0;
}
