/* bft/card.h - a card: what a member shows of itself to enter a cluster, signed by its organization and by itself.
 *
 * Binary form, in this order: u16 version 1 | u8 n, organization n | organization key 32 | member key 32 | TLS key 32 | u8 count, count times (u8 n,
 * address n) | organization's signature 64 | member's signature 64. The signatures cover the part before them (statement: their domain, a zero cluster,
 * epoch 0, H(part) under the same domain), because a card is older than any cluster that it enters.
 *
 * Text form, for files and mail: the line "quorate-card 1", then the binary form in lower-case hexadecimal, 32 bytes a line. */
#ifndef BFT_CARD_H
#define BFT_CARD_H
#include "bft/codec.h"
#include "bft/types.h"
#include "crypto/sign.h"

#define BFT_CARD_VERSION 1u
#define BFT_ORG_BYTES_MAX 63u
#define BFT_ADDRESSES_MAX 4u
#define BFT_ADDRESS_BYTES_MAX 255u
#define BFT_CARD_BODY_BYTES_MAX (2u + 1u + BFT_ORG_BYTES_MAX + 3u * PUBLIC_KEY_BYTES + 1u + BFT_ADDRESSES_MAX * (1u + BFT_ADDRESS_BYTES_MAX))
#define BFT_CARD_BYTES_MAX (BFT_CARD_BODY_BYTES_MAX + 2u * SIGNATURE_BYTES)
#define BFT_CARD_LINE_BYTES 32u
#define BFT_CARD_TEXT_BYTES_MAX (16u + 2u * BFT_CARD_BYTES_MAX + BFT_CARD_BYTES_MAX / BFT_CARD_LINE_BYTES + 2u) /* the final zero included */

struct bft_card {
	char org[BFT_ORG_BYTES_MAX + 1]; /* 1..63 of [a-z0-9-], ended by a zero */
	struct public_key org_key, member_key, tls_key;
	uint8_t addresses_count;
	char addresses[BFT_ADDRESSES_MAX][BFT_ADDRESS_BYTES_MAX + 1]; /* "host:port", "[v6 address]:port", ended by a zero; the first is tried first */
	struct signature org_signature, member_signature;
};

/* Compares two texts as strcmp does; the core imports memory functions only. */
static inline int text_order(const char *a, const char *b)
{
	size_t na = strlen(a), nb = strlen(b);
	return memcmp(a, b, (na < nb ? na : nb) + 1);
}

/* NULL, or the reason why `text` is no name of an organization, no address. */
const char *card_org_check(const char *text);
const char *card_address_check(const char *text);
/* Takes an address apart; brackets go. Requires: card_address_check(text) is NULL. `host` has BFT_ADDRESS_BYTES_MAX + 1 bytes. */
void card_address_split(const char *text, char *host, uint16_t *port);

/* Everything that needs no key: name, addresses, three different keys. NULL, or the reason. */
const char *card_fields_check(const struct bft_card *card);

/* Whether two members can have these: no key of one stands for another of the other, and organizations and their keys correspond one to one. NULL, or the reason. */
const char *card_pair_check(const struct bft_card *a, const struct bft_card *b);

/* Fields, keys (scheme->key_ok) and both signatures. NULL, or the reason. */
const char *card_check(const struct bft_card *card, const struct sign_scheme *scheme);

/* What the organization signs (`domain` DOMAIN_CARD_ORG) and what the member signs (DOMAIN_CARD_MEMBER).
 *
 * Requires: card_fields_check(card) is NULL. */
void card_statement(struct statement *out, const struct bft_card *card, enum domain domain);

/* Appends the binary form. Requires: card_fields_check(card) is NULL. */
void card_write(struct wr *w, const struct bft_card *card);
/* Reads one card and leaves `r` behind it. False (and `r` failed) when the bytes are no card or a field is not allowed; signatures are not verified. Bytes of
 * `card` that are not used are zero, so that equal cards are equal memory. */
bool card_read(struct rd *r, struct bft_card *card);

/* The text form, ended by a zero; returns its length without the zero, or 0 when it does not fit in `capacity`. */
size_t card_format(char *text, size_t capacity, const struct bft_card *card);
/* Reads the text form of `n` bytes (a final zero is not needed). False when it is anything but what card_format writes. */
bool card_parse(struct bft_card *card, const char *text, size_t n);
#endif
