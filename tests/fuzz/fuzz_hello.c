/* The first piece on a link. */
#include "net/hello.h"
#include "tests/fuzz/fuzz.h"

static void sign(struct signature *out, const struct statement *s, const struct secret_key *sk)
{
	(void)s;
	memcpy(out->b, sk->b, sizeof out->b);
}

static bool verify(const struct signature *sig, const struct statement *s, const struct public_key *pk)
{
	(void)s;
	return sig->b[0] == pk->b[0];
}

static bool key_ok(const struct public_key *pk)
{
	return pk->b[1] != 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	static const struct sign_scheme scheme = { "fuzz", NULL, sign, verify, key_ok };
	static const uint8_t exporter[TLS_EXPORTER_BYTES] = { 7 };
	struct hello h;
	uint8_t again[HELLO_BYTES];
	enum hello_refusal refusal = hello_read(&h, bytes, n);
	FUZZ_CHECK(hello_refusal_of_them(refusal) || refusal == HELLO_ACCEPTED);
	if (n > 0)
		FUZZ_CHECK(hello_refusal_by_them(bytes[0]) != NULL);
	if (refusal != HELLO_ACCEPTED)
		return 0;
	/* The signature goes where it came from, so all of it must come again. */
	struct secret_key secret;
	memcpy(secret.b, h.signature.b, sizeof h.signature.b);
	hello_write(again, &h, exporter, HELLO_FROM_OPENER, &scheme, &secret);
	FUZZ_CHECK(fuzz_same(bytes, n, again, sizeof again));
	FUZZ_CHECK(hello_holds(&h, exporter, HELLO_FROM_OPENER, &scheme) == (h.signature.b[0] == h.key.b[0] && h.key.b[1] != 0));
	return 0;
}
