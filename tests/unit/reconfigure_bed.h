/* tests/unit/reconfigure_bed.h - cards, and changes of members and mode that organizations sign: every key comes from two bytes. */
#ifndef TESTS_UNIT_RECONFIGURE_BED_H
#define TESTS_UNIT_RECONFIGURE_BED_H
#include "bft/reconfigure.h"
#include "tests/unit/unit.h"

#include <stdio.h>

/* Of the member with that card number; an organization has a number of its own. */
enum rbed_role { RBED_MEMBER = 11, RBED_ORG = 12, RBED_TLS = 13 };

static inline struct secret_key rbed_secret(enum rbed_role role, uint8_t i)
{
	struct public_key pk;
	struct secret_key sk;
	uint8_t seed[32] = { (uint8_t)role, i };
	sign_ed25519.keypair(&pk, &sk, seed);
	return sk;
}

static inline struct public_key rbed_public(enum rbed_role role, uint8_t i)
{
	struct public_key pk;
	struct secret_key sk;
	uint8_t seed[32] = { (uint8_t)role, i };
	sign_ed25519.keypair(&pk, &sk, seed);
	return pk;
}

static inline void rbed_sign_card(struct bft_card *card, uint8_t org, uint8_t i)
{
	struct secret_key org_secret = rbed_secret(RBED_ORG, org), member = rbed_secret(RBED_MEMBER, i);
	struct statement s;
	card_statement(&s, card, DOMAIN_CARD_ORG);
	sign_ed25519.sign(&card->org_signature, &s, &org_secret);
	card_statement(&s, card, DOMAIN_CARD_MEMBER);
	sign_ed25519.sign(&card->member_signature, &s, &member);
}

/* The `i`-th card that there is, of organization `org`. */
static inline struct bft_card rbed_card(uint8_t org, uint8_t i)
{
	struct bft_card card = {
		.org_key = rbed_public(RBED_ORG, org), .member_key = rbed_public(RBED_MEMBER, i), .tls_key = rbed_public(RBED_TLS, i), .addresses_count = 1
	};
	snprintf(card.org, sizeof card.org, "org-%u", org);
	snprintf(card.addresses[0], sizeof card.addresses[0], "10.0.0.%u:7000", i);
	rbed_sign_card(&card, org, i);
	return card;
}

static inline void rbed_genesis(struct bft_genesis *g, enum bft_mode mode, uint32_t n)
{
	g->mode = mode;
	g->count = n;
	for (uint8_t i = 0; i < n; i++)
		g->cards[i] = rbed_card(i, i);
}

/* ---- what is wanted: nobody has approved it yet ---- */

static inline struct reconfigure rbed_mode(bft_epoch epoch, enum bft_mode mode)
{
	return (struct reconfigure){ .epoch = epoch, .kind = RECONFIGURE_MODE, .mode = (uint8_t)mode };
}

/* Seats come in the order of their numbers. */
static inline void rbed_seat(struct reconfigure *r, uint8_t member, const struct bft_card *card)
{
	CU_ASSERT_FATAL(r->seats < RECONFIGURE_SEATS_MAX);
	struct reconfigure_seat *s = &r->seat[r->seats++];
	s->member = member;
	s->taken = card != NULL;
	if (card)
		s->card = *card;
}

static inline struct reconfigure rbed_members(bft_epoch epoch, uint8_t member, const struct bft_card *card)
{
	struct reconfigure r = { .epoch = epoch, .kind = RECONFIGURE_MEMBERS };
	rbed_seat(&r, member, card);
	return r;
}

static inline void rbed_approve(struct reconfigure *r, uint8_t org, const struct digest *cluster)
{
	struct secret_key secret = rbed_secret(RBED_ORG, org);
	struct public_key key = rbed_public(RBED_ORG, org);
	struct statement s;
	struct signature signature;
	reconfigure_statement(&s, r, cluster);
	sign_ed25519.sign(&signature, &s, &secret);
	CU_ASSERT_TRUE(reconfigure_add(r, &key, &signature));
}

/* By the organizations 0 to count-1. */
static inline void rbed_approve_by(struct reconfigure *r, uint8_t count, const struct digest *cluster)
{
	for (uint8_t i = 0; i < count; i++)
		rbed_approve(r, i, cluster);
}
#endif
