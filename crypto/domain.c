#include "crypto/domain.h"

#define DOMAIN_FITS(name, text) _Static_assert(sizeof(text) - 1 <= DOMAIN_BYTES, #name " is at most 16 characters");
DOMAIN_LIST(DOMAIN_FITS)

/* gcc accepts a string that fills its array to the last byte, without the final zero. */
#define DOMAIN_TEXT(name, text) [name] = text,
static const char texts[DOMAIN_COUNT][DOMAIN_BYTES] = { DOMAIN_LIST(DOMAIN_TEXT) };

const uint8_t *domain_bytes(enum domain domain)
{
	return (const uint8_t *)texts[domain];
}
