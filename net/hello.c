/* net/hello.c - see net/hello.h. */
#include "net/hello.h"

#include "net/frame.h"

#include <string.h>

#define HELLO_AT_VERSION 4u
#define HELLO_AT_ROLE 6u
#define HELLO_AT_MODE 7u
#define HELLO_AT_CLUSTER 8u
#define HELLO_AT_KEY 40u
#define HELLO_AT_INCARNATION 72u
#define HELLO_AT_SIGNATURE 80u
_Static_assert(HELLO_AT_SIGNATURE + SIGNATURE_BYTES == HELLO_BYTES, "the last field ends the HELLO");
_Static_assert(HELLO_BYTES + 1 <= FRAME_LENGTH_MAX_STRANGER, "a stranger can say HELLO");

#define HELLO_OF_THEM(name, of_them, by_them) of_them,
#define HELLO_BY_THEM(name, of_them, by_them) by_them,

const char *hello_refusal_of_them(enum hello_refusal code)
{
	static const char *const text[HELLO_REFUSAL_COUNT] = { "", HELLO_REFUSALS(HELLO_OF_THEM) };
	return code > HELLO_ACCEPTED && code < HELLO_REFUSAL_COUNT ? text[code] : "for no reason that has a name";
}

const char *hello_refusal_by_them(uint8_t code)
{
	static const char *const text[HELLO_REFUSAL_COUNT] = { "", HELLO_REFUSALS(HELLO_BY_THEM) };
	return code > HELLO_ACCEPTED && code < HELLO_REFUSAL_COUNT ? text[code] : "for a reason that this version does not know";
}

/* What the signature covers. The sender's key is not in it: a signature that verifies under a key names it. */
static void hello_statement(struct statement *out, const struct hello *h, const uint8_t exporter[TLS_EXPORTER_BYTES], enum hello_direction from)
{
	struct digest_ctx ctx;
	struct digest body;
	uint8_t bytes[3] = { h->role, h->mode, (uint8_t)from };

	digest_begin(&ctx, DOMAIN_HELLO);
	digest_add(&ctx, exporter, TLS_EXPORTER_BYTES);
	digest_add_u16(&ctx, h->wire_version);
	digest_add(&ctx, bytes, sizeof bytes);
	digest_add_u64(&ctx, h->incarnation);
	digest_end(&ctx, &body);
	statement_make(out, DOMAIN_HELLO, &h->cluster, 0, &body);
}

void hello_write(uint8_t out[HELLO_BYTES], const struct hello *h, const uint8_t exporter[TLS_EXPORTER_BYTES], enum hello_direction from,
                 const struct sign_scheme *scheme, const struct secret_key *secret)
{
	struct statement statement;
	struct signature signature;
	hello_statement(&statement, h, exporter, from);
	scheme->sign(&signature, &statement, secret);

	for (int i = 0; i < 4; i++)
		out[i] = (uint8_t)(HELLO_MAGIC >> (8 * i));
	out[HELLO_AT_VERSION] = (uint8_t)h->wire_version;
	out[HELLO_AT_VERSION + 1] = (uint8_t)(h->wire_version >> 8);
	out[HELLO_AT_ROLE] = h->role;
	out[HELLO_AT_MODE] = h->mode;
	memcpy(out + HELLO_AT_CLUSTER, h->cluster.b, sizeof h->cluster.b);
	memcpy(out + HELLO_AT_KEY, h->key.b, sizeof h->key.b);
	frame_put_u64(out + HELLO_AT_INCARNATION, h->incarnation);
	memcpy(out + HELLO_AT_SIGNATURE, signature.b, sizeof signature.b);
}

static bool magic_ok(const uint8_t *bytes, size_t n)
{
	if (n < HELLO_AT_ROLE)
		return false;
	for (int i = 0; i < 4; i++) {
		if (bytes[i] != (uint8_t)(HELLO_MAGIC >> (8 * i)))
			return false;
	}
	return true;
}

enum hello_refusal hello_read(struct hello *out, const uint8_t *bytes, size_t n)
{
	if (!magic_ok(bytes, n))
		return HELLO_NOT_A_HELLO;
	out->wire_version = (uint16_t)(bytes[HELLO_AT_VERSION] | bytes[HELLO_AT_VERSION + 1] << 8);
	if (out->wire_version != HELLO_WIRE_VERSION)
		return HELLO_OTHER_VERSION; /* before the length: another version may have another one */
	if (n != HELLO_BYTES)
		return HELLO_NOT_A_HELLO;

	out->role = bytes[HELLO_AT_ROLE];
	out->mode = bytes[HELLO_AT_MODE];
	memcpy(out->cluster.b, bytes + HELLO_AT_CLUSTER, sizeof out->cluster.b);
	memcpy(out->key.b, bytes + HELLO_AT_KEY, sizeof out->key.b);
	out->incarnation = frame_get_u64(bytes + HELLO_AT_INCARNATION);
	memcpy(out->signature.b, bytes + HELLO_AT_SIGNATURE, sizeof out->signature.b);
	return HELLO_ACCEPTED;
}

bool hello_holds(const struct hello *h, const uint8_t exporter[TLS_EXPORTER_BYTES], enum hello_direction from, const struct sign_scheme *scheme)
{
	struct statement statement;
	hello_statement(&statement, h, exporter, from);
	return scheme->key_ok(&h->key) && scheme->verify(&h->signature, &statement, &h->key);
}
