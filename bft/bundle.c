#include "bft/bundle.h"
#include "bft/pass_over.h"
#include "bft/readmit.h"
#include "bft/reconfigure.h"
#include "bft/rotate.h"

bool bundle_next_op(struct rd *r, const uint8_t **op, uint32_t *n)
{
	if (rd_done(r) || !rd_u32(r, n))
		return false;
	*op = rd_take(r, *n);
	return *op != NULL;
}

static bool ops_well_formed(const struct bundle *b)
{
	struct rd r = rd_of(b->ops, b->ops_bytes);
	const uint8_t *op;
	uint32_t n, seen = 0;
	/* One more than it says is enough to refuse it: the bytes hold up to half a million empty ones. */
	while (seen <= b->count && bundle_next_op(&r, &op, &n))
		seen++;
	return rd_done(&r) && seen == b->count;
}

/* No session: it is the word of members, and each of them may bring it. */
static const char *pass_over_check(const struct bundle *b)
{
	struct pass_over p;
	if (b->session != 0 || b->after != 0 || b->count != 1 || !pass_over_decode(&p, b->ops + 4, b->ops_bytes - 4))
		return "a passing over names no session, and is one operation";
	return NULL;
}

static const char *reconfigure_shape(const struct bundle *b)
{
	struct reconfigure r;
	bool ok = b->count == 1 && reconfigure_decode(&r, b->ops + 4, b->ops_bytes - 4);
	return ok ? NULL : "a change of members or of the mode is one operation, with somebody's approval";
}

static const char *kind_check(const struct bundle *b)
{
	if (b->kind == BUNDLE_OPEN) {
		if (b->session != 0 || b->after != 0 || b->count != 1 || b->ops_bytes != 12)
			return "an opening names no session and one time";
		return NULL;
	}
	if (b->kind == BUNDLE_PASS_OVER)
		return pass_over_check(b);
	if (b->session == 0)
		return "no session is named";
	if (b->kind == BUNDLE_OPS)
		return b->count >= 1 ? NULL : "a bundle without an operation";
	if (b->kind == BUNDLE_READMIT)
		return b->count == 1 && b->ops_bytes == 4 + READMIT_BYTES ? NULL : "a readmission is one operation";
	if (b->kind == BUNDLE_ROTATE)
		return b->count == 1 && b->ops_bytes == 4 + ROTATE_BYTES ? NULL : "a change of a key is one operation";
	if (b->kind == BUNDLE_RECONFIGURE)
		return reconfigure_shape(b);
	if (b->kind != BUNDLE_SNAPSHOT && b->kind != BUNDLE_CLOSE)
		return "an unknown kind of request";
	return b->count == 0 ? NULL : "this kind of request carries no operation";
}

const char *bundle_decode(struct bundle *b, const uint8_t *bytes, size_t n)
{
	struct rd r = rd_of(bytes, n);
	if (n > BFT_BUNDLE_BYTES_MAX)
		return "the request is larger than 2 MiB";
	if (!rd_bytes(&r, b->key.b, PUBLIC_KEY_BYTES) || !rd_u8(&r, &b->kind) || !rd_u64(&r, &b->session) || !rd_u64(&r, &b->number) ||
	    !rd_u64(&r, &b->after) || !rd_u64(&r, &b->reply_mask) || !rd_u16(&r, &b->count))
		return "the request is cut short";
	if (b->count > BFT_BUNDLE_OPS_MAX)
		return "more than 1024 operations in one request";
	if (b->number == 0 || (b->after != 0 && b->after >= b->number))
		return "request numbers begin at 1, and a predecessor's is lower";
	b->ops = r.at;
	b->ops_bytes = rd_left(&r);
	if (!ops_well_formed(b))
		return "the operations' lengths do not add up";
	return kind_check(b);
}

size_t bundle_encode(const struct bundle *b, uint8_t *bytes, size_t capacity)
{
	struct wr w = wr_of(bytes, capacity);
	wr_bytes(&w, b->key.b, PUBLIC_KEY_BYTES);
	wr_u8(&w, b->kind);
	wr_u64(&w, b->session);
	wr_u64(&w, b->number);
	wr_u64(&w, b->after);
	wr_u64(&w, b->reply_mask);
	wr_u16(&w, b->count);
	wr_bytes(&w, b->ops, b->ops_bytes);
	return wr_done(&w);
}

void bundle_digest(struct digest *out, const uint8_t *bytes, size_t n)
{
	digest_of(out, DOMAIN_BUNDLE, bytes, n);
}

void bundle_statement(struct statement *out, const struct digest *cluster, const struct digest *digest)
{
	statement_make(out, DOMAIN_BUNDLE, cluster, 0, digest);
}
