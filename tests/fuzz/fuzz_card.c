/* Cards: an even first byte means the binary form, an odd one the text. */
#include "bft/card.h"
#include "tests/fuzz/fuzz.h"

static void binary(const uint8_t *bytes, size_t n)
{
	struct bft_card card;
	uint8_t again[BFT_CARD_BYTES_MAX];
	struct rd r = rd_of(bytes, n);
	if (!card_read(&r, &card))
		return;
	struct wr w = wr_of(again, sizeof again);
	FUZZ_CHECK(card_fields_check(&card) == NULL);
	card_write(&w, &card);
	FUZZ_CHECK(fuzz_same(bytes, n - rd_left(&r), again, wr_done(&w)));
	for (uint8_t i = 0; i < card.addresses_count; i++) {
		char host[BFT_ADDRESS_BYTES_MAX + 1];
		uint16_t port;
		card_address_split(card.addresses[i], host, &port);
	}
}

static void text(const char *text, size_t n)
{
	struct bft_card card;
	char again[BFT_CARD_TEXT_BYTES_MAX];
	if (!card_parse(&card, text, n))
		return;
	size_t length = card_format(again, sizeof again, &card);
	FUZZ_CHECK(length > 0 && (length == n || length + 1 == n) && memcmp(text, again, n) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	if (n == 0)
		return 0;
	if (bytes[0] % 2)
		text((const char *)bytes + 1, n - 1);
	else
		binary(bytes + 1, n - 1);
	return 0;
}
