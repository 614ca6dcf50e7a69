/* bft/epoch_link.h - one link of the chain of epochs, by which those who were away follow from the genesis on: clients, sleepers, whoever verifies offline.
 *
 *   record    = u64 epoch | u64 base | chain 32 | change            `epoch` began behind `base`, with that chain digest, by this change (epoch_change.h)
 *   link      = record | u8 count | count * (u8 member, signature 64)      ascending; at least f+1
 *   statement = (DOMAIN_EPOCH, cluster, epoch, H(DOMAIN_EPOCH, u64 epoch | u64 base | chain 32 | what the change says, without its signatures))
 *
 * Members sign when they have entered `epoch`. The member whose key changes, who leaves, or whose number is another's, does not: the others' keys are the same on both sides of the border, so whoever
 * knows the epoch before can check them, and the key that goes has no say in what comes. f+1 of them, since it is a fact about an executed state and one of
 * them is honest; q of n-1 could be too many, with f of them silent. A new key moreover carries its organization's signature, whose key is the genesis'. */
#ifndef BFT_EPOCH_LINK_H
#define BFT_EPOCH_LINK_H
#include "bft/epoch_change.h"

struct epoch_record {
	bft_epoch epoch;
	bft_seq base;
	struct digest chain;
	struct epoch_change change;
};
#define EPOCH_RECORD_BYTES_MAX (8u + 8u + DIGEST_BYTES + EPOCH_CHANGE_BYTES_MAX)

struct epoch_link {
	struct epoch_record record;
	uint8_t count;
	struct epoch_signer {
		uint8_t member;
		struct signature signature;
	} by[BFT_MEMBERS_MAX];
};
#define EPOCH_LINK_BYTES_MAX (EPOCH_RECORD_BYTES_MAX + 1u + BFT_MEMBERS_MAX * (1u + SIGNATURE_BYTES))

void epoch_record_write(struct wr *w, const struct epoch_record *r);
bool epoch_record_read(struct rd *r, struct epoch_record *out);
void epoch_record_statement(struct statement *out, const struct epoch_record *r, const struct digest *cluster);
/* The same epoch, place, chain and change; signatures are not compared. */
bool epoch_record_equal(const struct epoch_record *a, const struct epoch_record *b);

/* Whether `member` may sign that record: it is one before and after, by the same number. With the key that it has after. */
bool epoch_record_signer(const struct epoch_record *r, uint8_t member);

/* The bytes written; 0: they do not fit. */
size_t epoch_link_encode(const struct epoch_link *link, uint8_t *bytes, size_t capacity);
/* Reads one link and leaves `r` behind it. False: malformed; no signature is looked at, and how many there are is epoch_link_check's. */
bool epoch_link_read(struct rd *r, struct epoch_link *link);
/* In its place among the others, once. False: it is there already. The signature is taken as it is. */
bool epoch_link_add(struct epoch_link *link, uint8_t member, const struct signature *signature);

/* Whether it leads from the epoch that `k` knows as the newest to the next one. NULL, or the reason why it does not. Cost: at most 2n signatures, or n + 2. */
const char *epoch_link_check(const struct epoch_link *link, const struct epoch_keys *k, const struct sign_scheme *scheme, const struct digest *cluster);
/* Follows it. Requires: epoch_link_check said NULL. */
void epoch_link_follow(const struct epoch_link *link, struct epoch_keys *k);

/* Follows links one after another, as a file holds them, up to `until`. NULL, or the reason why the first bad one is; `k` then stands before that. */
const char *epoch_links_follow(struct epoch_keys *k, const uint8_t *bytes, size_t n, bft_epoch until, const struct sign_scheme *scheme,
                               const struct digest *cluster, size_t *used);
#endif
