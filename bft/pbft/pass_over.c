/* Leaders who lose their office again and again (design section 5). Within an epoch the view alone gives the leader, so nothing is judged here: each member counts
 * what it saw, says so when it has seen it PASS_OVER_AFTER times, and an entry with q such words changes the order of the next epoch. */
#include "bft/pass_over.h"
#include "bft/pbft/pbft.h"

_Static_assert(PBFT_PASS_OVER == PASS_OVER_MESSAGE, "an entry shows the signatures of messages");

static bft_ref *said_by(const struct pbft *p, uint8_t member, uint32_t signer)
{
	return (bft_ref *)((uintptr_t)p + p->pass_overs_at) + (size_t)member * p->n + signer;
}

/* ---- counting ---- */

/* f+1 others said that it does not serve them. Who gives its office up, after a restart say, has lost nothing; nor has whoever I only hear to have been left. */
static void judge(struct pbft *p)
{
	struct pbft_office *o = &p->office;
	if (!o->open || (o->suspected & BFT_BIT(o->leader)) || mask_count(o->suspected) < p->weak)
		return;
	o->open = false;
	if (p->offices_lost[o->leader] < PASS_OVER_AFTER)
		p->offices_lost[o->leader]++;
}

void pass_over_suspected(struct pbft *p, uint32_t member, bft_view view, bool standing)
{
	if (view == p->view && standing)
		p->suspected |= BFT_BIT(member);
	else if (view == p->view)
		p->suspected &= ~BFT_BIT(member);
	else if (view == p->office.view && standing) {
		p->office.suspected |= BFT_BIT(member); /* it comes after the VIEW-CHANGEs of others */
		judge(p);
	}
}

/* With those that were here before I came to this view. */
static bft_mask suspected(const struct pbft *p)
{
	bft_mask by = p->suspected;
	for (uint32_t i = 0; i < p->n; i++)
		if (i != p->self && p->peer[i].suspecting && p->peer[i].suspect_view == p->view)
			by |= BFT_BIT(i);
	return by;
}

/* Only what began can be lost; my own office is others' to judge. */
void pass_over_view_ends(struct pbft *p)
{
	uint8_t leader = pbft_leader(p, p->view);
	if (p->mode == PBFT_NORMAL) {
		p->office = (struct pbft_office){ .view = p->view, .leader = leader, .open = leader != p->self, .suspected = suspected(p) };
		judge(p);
	}
	p->suspected = 0;
}

/* ---- saying ---- */

static bool wanted(const struct pbft *p, uint32_t member)
{
	return !p->border && !(p->passed & BFT_BIT(member));
}

static void say(struct pbft *p, uint8_t member, struct bft_effects *out)
{
	struct pbft_pass_over *m = effects_room(out, sizeof *m);
	if (!m)
		return;
	m->member = member;
	pbft_send(p, out, PBFT_PASS_OVER, m, sizeof *m, p->members, 0);
}

/* Again while it stands: not everybody was there, and what was made of it may be lost. */
void pass_over_tick(struct pbft *p, struct bft_effects *out)
{
	if (!pbft_may_sign(p) || p->mono_ms < p->pass_over_ms + PBFT_STATUS_MS)
		return;
	p->pass_over_ms = p->mono_ms;
	for (uint8_t i = 0; i < p->n; i++)
		if (p->offices_lost[i] >= PASS_OVER_AFTER && wanted(p, i))
			say(p, i, out);
}

/* ---- hearing ---- */

enum bft_verdict pass_over_screen(const struct pbft *p, uint8_t from, const struct pbft_pass_over *m)
{
	if (!pbft_member(p, m->member) || m->member == from)
		return BFT_REJECT;
	return wanted(p, m->member) && !*said_by(p, m->member, from) ? BFT_ACCEPT : BFT_IGNORE;
}

static void tell(const struct pbft *p, uint8_t member, struct bft_effects *out)
{
	struct pass_over_refs *refs = effects_room(out, sizeof *refs);
	if (!refs)
		return;
	*refs = (struct pass_over_refs){ .member = member };
	for (uint32_t i = 0; i < p->n; i++) {
		refs->wire[i] = *said_by(p, member, i);
		refs->signers |= refs->wire[i] ? BFT_BIT(i) : 0;
	}
	if (mask_count(refs->signers) < p->q)
		return;
	struct bft_effect *e = effects_add(out, BFT_FX_PASS_OVER);
	e->data = refs;
	e->data_bytes = sizeof *refs;
}

/* Told when the q-th says it, and each time that I do: the entry may have been lost. */
enum bft_verdict on_pass_over(struct pbft *p, const struct bft_vmsg *m, struct bft_effects *out)
{
	const struct pbft_pass_over *body = m->body;
	if (m->auth < BFT_AUTH_SIGNED || !pbft_member(p, body->member) || body->member == m->from)
		return BFT_REJECT;
	bft_ref *wire = said_by(p, body->member, m->from);
	if (!wanted(p, body->member) || (*wire && m->from != p->self))
		return BFT_IGNORE;
	if (!*wire) {
		*wire = m->wire;
		pbft_hold(out, m->wire, PBFT_NO_SEQ);
	}
	tell(p, body->member, out);
	return BFT_ACCEPT;
}
