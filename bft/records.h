/* bft/records.h - the records that every protocol keeps, as bytes in the log (docs/formats.md): what execution, the state and the epochs live on.
 *
 * A record with a certificate (STABLE, CERTIFIED) is the certificate itself: everything that the core must know stands in it. The driver makes it from the held
 * messages; the core reads it back without them. A protocol's other records have the types around these (bft/core.h, `record`). */
#ifndef BFT_RECORDS_H
#define BFT_RECORDS_H
#include "bft/certificate.h"

enum bft_record {
	BFT_REC_VIEW = 1, /* {view, entered} in {epoch, base, chain, mode, members} */
	BFT_REC_CHECKPOINT = 6,
	BFT_REC_STABLE = 7, /* a checkpoint and its certificate                    */
	BFT_REC_SNAPSHOT = 8,
	BFT_REC_CERTIFIED = 9, /* a snapshot and its certificate                      */
	BFT_REC_EXECUTED = 10, /* {seq, proposal, chain, results}: nothing waits for it */
};
#define BFT_RECORD_BYTES_MAX (64u * 1024u) /* of a core's part: certificates may follow */

/* BEGINS: the epoch does; what stands before it in the log was another one's. A log that was cut begins with records of its epoch, and no such word. */
enum bft_entered { BFT_VIEW_CHANGES = 0, BFT_VIEW_ENTERED = 1, BFT_VIEW_BEGINS = 2 };
struct bft_rec_view {
	bft_view view;
	uint8_t entered;
	bft_epoch epoch;
	bft_seq base;        /* the border behind which the epoch begins; 0 for the first */
	struct digest chain; /* at `base`                                                 */
	enum bft_mode mode;  /* of the epoch                                              */
	bft_mask members;    /* in it                                                     */
};
struct bft_rec_executed {
	bft_seq seq;
	struct digest proposal, chain, results;
};

/* What a certificate is made of: the driver turns the held messages into signatures and paths. Data of PERSIST for records with a certificate. */
struct bft_certificate_refs {
	bft_view view; /* 0 for checkpoints and snapshots */
	bft_seq seq;
	struct digest digest, root; /* proposal, or chain and root */
	bft_mask signers;
	bft_ref wire[BFT_MEMBERS_MAX];
	bft_ref whole; /* nonzero: this message carries the certificate already */
};

/* A row of a protocol's table of records. */
struct bft_record_row {
	bool known;
	bool standing;       /* it says which view or term it is: without it, my memory is not whole                       */
	uint8_t certificate; /* enum certificate_kind: it is written as that certificate. 0: it is not one                  */
	uint16_t message;    /* it is a message of mine, sent again as it was; its certificates stand behind it. 0: it is not */
};

/* Of the types above. Data of a record with a certificate is encoded by the driver. */
bool record_write(uint16_t rtype, const void *data, struct wr *w);
bool record_read(uint16_t rtype, void *data, struct rd *r);
/* A certificate as what the core takes of it. */
bool record_read_certificate(enum certificate_kind kind, struct bft_certificate_refs *out, struct rd *r);
/* The sequence that it is about; 0 for one about views, or of another type. */
bft_seq record_seq(uint16_t rtype, const void *data);
#endif
