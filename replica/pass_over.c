/* What q members say of one of them (the effect PASS_OVER) becomes an entry of the order, brought by each of them as a request of its own. */
#include "replica/driver_state.h"

/* Within a step: it is brought after it. */
void pass_over_gather(struct driver *d, const struct pass_over_refs *refs)
{
	struct pass_over *p = &d->pass_over;
	*p = (struct pass_over){ .epoch = d->epoch, .member = refs->member };
	for (uint8_t i = 0; i < d->n && p->count < d->q; i++) {
		if (!(refs->signers & BFT_BIT(i)))
			continue;
		const struct message *m = messages_at(d->messages, refs->wire[i]);
		BFT_CHECK(m->verified && m->signer == i);
		p->by[p->count++] = (struct pass_over_signer){ .member = i, .signature = m->signature };
	}
	BFT_CHECK(p->count == d->q);
	d->pass_over_gathered = true;
}

/* Its number is the same whichever q were here: one of mine is held at a time. */
static size_t bundle_of(const struct driver *d, uint8_t *bytes, size_t capacity)
{
	uint8_t op[4 + PASS_OVER_BYTES_MAX];
	struct bundle b = { .key = *driver_key(d, d->self, d->epoch), .kind = BUNDLE_PASS_OVER, .count = 1, .ops = op };
	size_t n = pass_over_encode(&d->pass_over, op + 4);
	struct wr w = wr_of(op, 4);
	wr_u32(&w, (uint32_t)n);
	b.ops_bytes = 4 + n;
	b.number = d->pass_over.epoch * BFT_MEMBERS_MAX + d->pass_over.member + 1;
	return bundle_encode(&b, bytes, capacity);
}

void pass_over_turn(struct driver *d)
{
	uint8_t bytes[BUNDLE_HEAD_BYTES + 4 + PASS_OVER_BYTES_MAX];
	struct digest digest;
	struct statement statement;
	struct signature signature;
	const struct epochs *e = execution_epochs(d->execution);
	if (!d->pass_over_gathered)
		return;
	d->pass_over_gathered = false;
	if (d->pass_over.epoch != d->epoch || e->epoch != d->epoch || e->border || !driver_can_sign(d))
		return;
	size_t n = bundle_of(d, bytes, sizeof bytes);
	BFT_CHECK(n > 0);
	bundle_digest(&digest, bytes, n);
	bundle_statement(&statement, &d->cluster, &digest);
	if (driver_sign(d, d->epoch, &statement, &signature))
		requests_own(d, &digest, &signature, bytes, n);
}
