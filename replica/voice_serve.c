/* What organizations approve in this epoch, for whoever asks: one voice an answer. Nobody has to be believed: each carries its signature. */
#include "replica/driver_state.h"

/* The lowest key behind `after` that has a voice. */
static bool next_voice(struct driver *d, const struct public_key *after, struct reconfigure *out)
{
	const struct epoch_keys *k = &execution_epochs(d->execution)->keys;
	bool found = false;
	for (uint32_t i = 0; i < BFT_MEMBERS_MAX; i++) {
		const struct bft_card *card = epoch_card(k, (uint8_t)i, k->epoch);
		struct reconfigure voice;
		bool behind = card && memcmp(card->org_key.b, after->b, PUBLIC_KEY_BYTES) > 0;
		bool nearer = behind && (!found || memcmp(card->org_key.b, out->by[0].org.b, PUBLIC_KEY_BYTES) < 0);
		if (!nearer || epochs_voice(&voice, d->options.state, &card->org_key) != STATE_OK)
			continue;
		*out = voice;
		found = true;
	}
	return found;
}

void voice_serve(struct driver *d, driver_link link, const uint8_t *body, size_t n)
{
	uint8_t frame[BFT_FRAME_HEAD_BYTES + PUBLIC_KEY_BYTES + RECONFIGURE_BYTES_MAX];
	struct bft_envelope e = { .signer = BFT_SIGNER_CHANNEL, .type = BFT_WIRE_VOICE, .epoch = d->epoch };
	struct reconfigure voice;
	struct public_key after;
	struct rd r = rd_of(body, n);
	if (!rd_bytes(&r, after.b, PUBLIC_KEY_BYTES) || !rd_done(&r)) {
		d->options.env.close_client(d->options.env.user, link, "a malformed FETCH_VOICE");
		return;
	}
	struct wr w = wr_of(frame, BFT_FRAME_HEAD_BYTES + PUBLIC_KEY_BYTES);
	envelope_write(&w, &e);
	wr_bytes(&w, after.b, PUBLIC_KEY_BYTES);
	size_t head = wr_done(&w), tail = 0;
	if (next_voice(d, &after, &voice))
		tail = reconfigure_encode(&voice, frame + head, RECONFIGURE_BYTES_MAX);
	d->options.env.send_client(d->options.env.user, link, frame, head, frame + head, tail);
}
