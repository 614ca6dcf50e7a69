/* Other members, or another mode: what organizations approve, made and judged where their keys are. */
#include "bft/reconfigure.h"
#include "quorate_setup.h"
#include "replica/setup_chain.h"
#include "replica/setup_file.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What a change is judged by; too large for a stack. */
struct judge {
	struct setup_chain who;
	struct reconfigure change;
};

static enum quorate_error begin(struct judge **out, const struct quorate_chain *who, char *reason)
{
	*out = calloc(1, sizeof **out);
	return *out ? setup_follow(&(*out)->who, who, reason) : setup_fail(reason, QUORATE_FAILED, who->genesis, "no memory");
}

/* ---- making ---- */

static enum quorate_error seat_of(const struct judge *j, const struct quorate_change_seat *wish, bft_mask taken, struct reconfigure_seat *out, char *reason)
{
	struct bft_roster now = epoch_roster_now(&j->who.keys);
	*out = (struct reconfigure_seat){ .member = (uint8_t)wish->member, .taken = wish->kind != QUORATE_SEAT_REMOVE };
	if (wish->kind != QUORATE_SEAT_ADD && !roster_has(&now, wish->member))
		return setup_fail(reason, QUORATE_PRECONDITION, "ID", "the cluster has no such replica");
	if (wish->kind == QUORATE_SEAT_ADD) {
		bft_mask free = ~(now.members | taken);
		if (!free)
			return setup_fail(reason, QUORATE_PRECONDITION, wish->card, "a cluster has at most 64 members");
		out->member = (uint8_t)__builtin_ctzll(free);
	}
	return out->taken ? setup_read_card(&out->card, wish->card, reason) : QUORATE_OK;
}

/* In its place, by number. */
static bool put_seat(struct reconfigure *r, const struct reconfigure_seat *seat)
{
	uint8_t at = 0;
	while (at < r->seats && r->seat[at].member < seat->member)
		at++;
	if (at < r->seats && r->seat[at].member == seat->member)
		return false;
	memmove(&r->seat[at + 1], &r->seat[at], (size_t)(r->seats - at) * sizeof r->seat[0]);
	r->seat[at] = *seat;
	r->seats++;
	return true;
}

static enum quorate_error wish_for(struct judge *j, const struct quorate_change_wish *wish, char *reason)
{
	struct reconfigure *r = &j->change;
	r->epoch = j->who.keys.epoch;
	r->kind = wish->mode ? RECONFIGURE_MODE : RECONFIGURE_MEMBERS;
	r->mode = wish->mode == QUORATE_TRUSTED ? BFT_MODE_TRUSTED : BFT_MODE_BFT;
	if (wish->mode)
		return QUORATE_OK;
	r->mode = 0;
	if (wish->seats == 0 || wish->seats > RECONFIGURE_SEATS_MAX)
		return setup_fail(reason, QUORATE_USAGE, "change", "one to four members come, go or are replaced at once");
	for (uint32_t i = 0; i < wish->seats; i++) {
		struct reconfigure_seat seat;
		enum quorate_error error = seat_of(j, &wish->seat[i], reconfigure_touched(r), &seat, reason);
		if (error != QUORATE_OK)
			return error;
		if (!put_seat(r, &seat))
			return setup_fail(reason, QUORATE_USAGE, "ID", "one replica is named twice");
	}
	return QUORATE_OK;
}

static enum quorate_error may_be(const struct judge *j, char *reason)
{
	const char *why = reconfigure_check(&j->change, &j->who.keys, &sign_ed25519);
	return why ? setup_fail(reason, QUORATE_PRECONDITION, "this cannot be", why) : QUORATE_OK;
}

/* Approved by one organization, in place of whoever approved it before. */
static enum quorate_error sign(struct judge *j, const char *org_key, const char *passphrase, char *reason)
{
	struct secret_key secret;
	struct public_key key;
	struct statement s;
	struct signature signature;
	enum quorate_error error = setup_read_key(org_key, passphrase, &secret, &key, reason);
	if (error != QUORATE_OK)
		return error;
	reconfigure_statement(&s, &j->change, &j->who.cluster);
	sign_ed25519.sign(&signature, &s, &secret);
	sign_wipe(&secret);
	j->change.approvals = 0;
	(void)reconfigure_add(&j->change, &key, &signature);
	if (!reconfigure_signed(&j->change, &j->who.keys, &sign_ed25519, &j->who.cluster))
		return setup_fail(reason, QUORATE_VERIFICATION, org_key, "it is not the key of an organization that has a member");
	return QUORATE_OK;
}

/* The end of both: what may be is signed and written. Frees `j`. */
static enum quorate_error write_signed(struct judge *j, enum quorate_error error, const char *org_key, const char *passphrase, void *out, size_t *n,
                                       char *reason)
{
	if (error == QUORATE_OK)
		error = may_be(j, reason);
	if (error == QUORATE_OK)
		error = sign(j, org_key, passphrase, reason);
	*n = error == QUORATE_OK ? reconfigure_encode(&j->change, out, RECONFIGURE_BYTES_MAX) : 0;
	free(j);
	return error;
}

enum quorate_error quorate_change_make(const struct quorate_chain *who, const struct quorate_change_wish *wish, const char *org_key, const char *passphrase,
                                       void *change, size_t *n, char *reason)
{
	struct judge *j;
	enum quorate_error error = begin(&j, who, reason);
	if (error == QUORATE_OK)
		error = wish_for(j, wish, reason);
	return write_signed(j, error, org_key, passphrase, change, n, reason);
}

enum quorate_error quorate_change_approve(const struct quorate_chain *who, const void *change, size_t n, const char *org_key, const char *passphrase,
                                          void *approved, size_t *approved_n, char *reason)
{
	struct judge *j;
	enum quorate_error error = begin(&j, who, reason);
	if (error == QUORATE_OK && !reconfigure_decode(&j->change, change, n))
		error = setup_fail(reason, QUORATE_VERIFICATION, "change", "it is malformed");
	return write_signed(j, error, org_key, passphrase, approved, approved_n, reason);
}

/* ---- showing ---- */

static void size_of(struct quorate_change_size *out, const struct bft_roster *r)
{
	*out = (struct quorate_change_size){ .mode = (uint8_t)r->mode, .members = roster_count(r), .quorum = roster_quorum(r), .faults = roster_faults(r) };
}

__attribute__((format(printf, 2, 3))) static void say(struct quorate_change_info *out, const char *format, ...)
{
	size_t at = strlen(out->what);
	va_list args;
	va_start(args, format);
	vsnprintf(out->what + at, sizeof out->what - at, format, args);
	va_end(args);
}

static void say_what(struct quorate_change_info *out, const struct judge *j)
{
	const struct reconfigure *r = &j->change;
	struct bft_roster now = epoch_roster_now(&j->who.keys);
	if (r->kind == RECONFIGURE_MODE)
		say(out, "run in %s mode", r->mode == BFT_MODE_TRUSTED ? "trusted" : "bft");
	for (uint8_t i = 0; i < r->seats; i++) {
		const struct reconfigure_seat *s = &r->seat[i];
		const struct bft_card *gone = epoch_card(&j->who.keys, s->member, j->who.keys.epoch);
		say(out, "%s", i ? "; " : "");
		if (!s->taken)
			say(out, "remove replica %u (%s)", s->member, gone ? gone->org : "?");
		else if (roster_has(&now, s->member))
			say(out, "replace replica %u (%s) by %s at %.64s", s->member, gone ? gone->org : "?", s->card.org, s->card.addresses[0]);
		else
			say(out, "add %s at %.64s as replica %u", s->card.org, s->card.addresses[0], s->member);
	}
}

static void say_who(struct quorate_change_info *out, const struct judge *j)
{
	const struct reconfigure *r = &j->change;
	for (uint8_t i = 0; i < r->approvals; i++)
		for (uint32_t m = 0; m < BFT_MEMBERS_MAX; m++) {
			const struct bft_card *card = epoch_card(&j->who.keys, (uint8_t)m, j->who.keys.epoch);
			if (!card || !public_key_equal(&card->org_key, &r->by[i].org))
				continue;
			snprintf(out->org[out->approvals++], sizeof out->org[0], "%s", card->org);
			break;
		}
}

static void tell(struct quorate_change_info *out, const struct judge *j)
{
	const struct reconfigure *r = &j->change;
	struct bft_roster now = epoch_roster_now(&j->who.keys), next = reconfigure_roster(r, &j->who.keys);
	struct reconfigure_progress p = reconfigure_progress(r, &j->who.keys);
	struct digest digest;
	char hex[QUORATE_HEX_BYTES];
	reconfigure_digest(&digest, r);
	hex_format(hex, digest.b, sizeof digest.b);
	snprintf(out->name, sizeof out->name, "%.16s", hex);
	out->epoch = r->epoch;
	out->of_mode = r->kind == RECONFIGURE_MODE;
	out->have = p.have;
	out->need = p.need;
	size_of(&out->before, &now);
	size_of(&out->after, &next);
	say_what(out, j);
	say_who(out, j);
}

enum quorate_error quorate_change_show(const struct quorate_chain *who, const void *change, size_t n, struct quorate_change_info *out, char *reason)
{
	struct judge *j;
	memset(out, 0, sizeof *out);
	enum quorate_error error = begin(&j, who, reason);
	if (error == QUORATE_OK && !reconfigure_decode(&j->change, change, n))
		error = setup_fail(reason, QUORATE_VERIFICATION, "change", "it is malformed");
	if (error == QUORATE_OK) {
		tell(out, j);
		error = reconfigure_signed(&j->change, &j->who.keys, &sign_ed25519, &j->who.cluster)
		                ? may_be(j, reason)
		                : setup_fail(reason, QUORATE_VERIFICATION, "change", "an approval is false, or of an organization that has no member");
	}
	free(j);
	return error;
}

bool quorate_change_join(void *change, size_t *n, const void *other, size_t other_n)
{
	struct reconfigure a, b;
	struct digest x, y;
	if (!reconfigure_decode(&a, change, *n) || !reconfigure_decode(&b, other, other_n) || a.epoch != b.epoch)
		return false;
	reconfigure_digest(&x, &a);
	reconfigure_digest(&y, &b);
	if (!digest_equal(&x, &y))
		return false;
	for (uint8_t i = 0; i < b.approvals; i++)
		(void)reconfigure_add(&a, &b.by[i].org, &b.by[i].signature);
	*n = reconfigure_encode(&a, change, RECONFIGURE_BYTES_MAX);
	return true;
}

enum quorate_error quorate_chain_size(const struct quorate_chain *who, struct quorate_change_size *out, uint64_t *epoch, char *reason)
{
	struct judge *j;
	enum quorate_error error = begin(&j, who, reason);
	if (error == QUORATE_OK) {
		struct bft_roster now = epoch_roster_now(&j->who.keys);
		size_of(out, &now);
		*epoch = j->who.keys.epoch;
	}
	free(j);
	return error;
}

bool quorate_change_org(const void *change, size_t n, uint8_t key[QUORATE_PUBLIC_KEY_BYTES])
{
	struct reconfigure r;
	if (!reconfigure_decode(&r, change, n))
		return false;
	memcpy(key, r.by[0].org.b, PUBLIC_KEY_BYTES);
	return true;
}
