/* bft/pbft/records.h - what a PBFT replica must not forget, as bytes in the log (docs/formats.md). */
#ifndef BFT_PBFT_RECORDS_H
#define BFT_PBFT_RECORDS_H
#include "bft/pbft/messages.h"
#include "bft/records.h"

enum pbft_record {
	PBFT_REC_VIEW = BFT_REC_VIEW,
	PBFT_REC_PREPARE = 2,     /* {view, seq, digest}: PRE-PREPARE or PREPARE decided */
	PBFT_REC_COMMIT = 3,      /* {view, seq, digest} and the prepared certificate    */
	PBFT_REC_VIEW_CHANGE = 4, /* as sent                                             */
	PBFT_REC_NEW_VIEW = 5,    /* as sent or accepted                                 */
	PBFT_REC_CHECKPOINT = BFT_REC_CHECKPOINT,
	PBFT_REC_STABLE = BFT_REC_STABLE,
	PBFT_REC_SNAPSHOT = BFT_REC_SNAPSHOT,
	PBFT_REC_CERTIFIED = BFT_REC_CERTIFIED,
	PBFT_REC_EXECUTED = BFT_REC_EXECUTED,
};

struct pbft_rec_vote {
	bft_view view;
	bft_seq seq;
	struct digest digest;
};

union pbft_record_body {
	struct bft_rec_view view;
	struct pbft_rec_vote vote;
	struct bft_certificate_refs certificate;
	struct pbft_view_change view_change;
	struct pbft_new_view new_view;
	struct bft_checkpoint checkpoint;
	struct bft_snapshot snapshot;
	struct bft_rec_executed executed;
};

const struct bft_record_row *pbft_record(uint16_t rtype);
bool pbft_record_has_certificate(uint16_t rtype);
/* Of any record without a certificate. Returns bytes, 0 when they do not fit. */
size_t pbft_record_encode(uint16_t rtype, const void *data, uint8_t *bytes, size_t capacity);
/* Of every record; `out` gets what the core takes as RECORD. Returns the bytes taken, 0: not a record of this release, or damaged. Only behind a VIEW-CHANGE
 * something follows: the certificates with which it was sent, because it is sent again verbatim. */
size_t pbft_record_decode(uint16_t rtype, union pbft_record_body *out, const uint8_t *bytes, size_t n);
/* The sequence that it is about; 0 for one about views. */
bft_seq pbft_record_seq(uint16_t rtype, const void *data);
#endif
