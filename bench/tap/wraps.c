/* The linker puts these in the place of the driver's functions, in quorate-tapped and in quorate-liar: they look, and do what they stand for. */
#include "bench/tap/wraps.h"

#include "bench/tap/tap_state.h"
#include "bft/pbft/records.h"
#include "bft/raft/records.h"

void __real_driver_step(struct driver *d, const struct bft_event *event);
void __wrap_driver_step(struct driver *d, const struct bft_event *event);
void __wrap_driver_step(struct driver *d, const struct bft_event *event)
{
	if (tap_here && event->kind == BFT_EV_REQUEST)
		stages_request_checked(event->id.session, event->id.number);
	__real_driver_step(d, event);
}

void __real_effect_persist(struct driver *d, const struct bft_effect *e);
void __wrap_effect_persist(struct driver *d, const struct bft_effect *e);
void __wrap_effect_persist(struct driver *d, const struct bft_effect *e)
{
	bool bft = d->roster.mode == BFT_MODE_BFT;
	bool proposal = e->rtype == (bft ? (uint16_t)PBFT_REC_PREPARE : (uint16_t)RAFT_REC_ENTRY), commit = bft && e->rtype == PBFT_REC_COMMIT;
	if (tap_here && (proposal || commit))
		stages_written(d->protocol->record_seq(e->rtype, e->data), e->lsn, tap_id(e->digest.b), commit);
	__real_effect_persist(d, e);
}

void __real_effect_happen(struct driver *d, const struct bft_effect *e);
void __wrap_effect_happen(struct driver *d, const struct bft_effect *e);
void __wrap_effect_happen(struct driver *d, const struct bft_effect *e)
{
	if (tap_here && e->kind == BFT_FX_BODY)
		stages_built(tap_id(e->digest.b));
	if (tap_here && e->kind == BFT_FX_EXECUTE)
		stages_decided(e->seq);
	__real_effect_happen(d, e);
}

void __real_driver_durable(struct driver *d, bft_lsn lsn);
void __wrap_driver_durable(struct driver *d, bft_lsn lsn);
void __wrap_driver_durable(struct driver *d, bft_lsn lsn)
{
	if (tap_here)
		stages_durable(lsn);
	__real_driver_durable(d, lsn);
}

void __real_body_push(struct driver *d, const struct digest *digest, bft_mask to);
void __wrap_body_push(struct driver *d, const struct digest *digest, bft_mask to);
void __wrap_body_push(struct driver *d, const struct digest *digest, bft_mask to)
{
	tap_pushing = tap_id(digest->b);
	__real_body_push(d, digest, to);
	tap_pushing = 0;
}

void __real_answer_executed(struct driver *d, const struct executed *x);
void __wrap_answer_executed(struct driver *d, const struct executed *x);
void __wrap_answer_executed(struct driver *d, const struct executed *x)
{
	uint64_t executed_ns = tap_here ? tap_now_ns() : 0;
	__real_answer_executed(d, x);
	if (tap_here)
		stages_executed(x, executed_ns);
}
