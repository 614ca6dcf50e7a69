/* bft/pbft/records.h - the core's own records as bytes in the log (docs/formats.md).
 *
 * A record with a certificate (COMMIT, STABLE, CERTIFIED) is the certificate itself: everything that the core must know stands in it. The driver makes it from
 * the held messages; the core reads it back without them. */
#ifndef BFT_PBFT_RECORDS_H
#define BFT_PBFT_RECORDS_H
#include "bft/pbft/certificate.h"

union pbft_record_body {
	struct pbft_rec_view view;
	struct pbft_rec_vote vote;
	struct pbft_certificate_refs certificate;
	struct pbft_view_change view_change;
	struct pbft_new_view new_view;
	struct pbft_checkpoint checkpoint;
	struct pbft_snapshot snapshot;
	struct pbft_rec_executed executed;
};

bool pbft_record_has_certificate(uint16_t rtype);
/* Of any record without a certificate. Returns bytes, 0 when they do not fit. */
size_t pbft_record_encode(uint16_t rtype, const void *data, uint8_t *bytes, size_t capacity);
/* Of every record; `out` gets what the core takes as RECORD. Returns the bytes taken, 0: not a record of this release, or damaged. Only behind a VIEW-CHANGE
 * something follows: the certificates with which it was sent, because it is sent again verbatim. */
size_t pbft_record_decode(uint16_t rtype, union pbft_record_body *out, const uint8_t *bytes, size_t n);
/* The sequence that it is about; 0 for one about views. */
bft_seq pbft_record_seq(uint16_t rtype, const void *data);
#define PBFT_RECORD_BYTES_MAX (64u * 1024u)
#endif
