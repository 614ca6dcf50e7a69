/* bft/raft/records.h - what a Raft replica must not forget, as bytes in the log (docs/formats.md). */
#ifndef BFT_RAFT_RECORDS_H
#define BFT_RAFT_RECORDS_H
#include "bft/records.h"

enum raft_record {
	RAFT_REC_VIEW = BFT_REC_VIEW, /* the epoch begins */
	RAFT_REC_CHECKPOINT = BFT_REC_CHECKPOINT,
	RAFT_REC_STABLE = BFT_REC_STABLE,
	RAFT_REC_SNAPSHOT = BFT_REC_SNAPSHOT,
	RAFT_REC_CERTIFIED = BFT_REC_CERTIFIED,
	RAFT_REC_EXECUTED = BFT_REC_EXECUTED,
	RAFT_REC_TERM = 16, /* where I stand: {term, vote}, and the term of what is settled */
	RAFT_REC_ENTRY,     /* {term, seq, digest}, its body beside it                      */
	RAFT_REC_CUT,       /* entries from `seq` on are gone: another leader's stand there */
};

struct raft_rec_term {
	bft_view term;
	uint8_t voted; /* 0: nobody yet; else the member + 1 */
	bft_seq seq;   /* settled, by a certificate; and the term of its entry, 0: not known */
	bft_view seq_term;
};
struct raft_rec_entry {
	bft_view term;
	bft_seq seq;
	struct digest digest;
};
struct raft_rec_cut {
	bft_seq seq;
};

union raft_record_body {
	struct bft_rec_view view;
	struct bft_checkpoint checkpoint;
	struct bft_snapshot snapshot;
	struct bft_certificate_refs certificate;
	struct bft_rec_executed executed;
	struct raft_rec_term term;
	struct raft_rec_entry entry;
	struct raft_rec_cut cut;
};

/* For the table (bft/core.h). */
const struct bft_record_row *raft_record(uint16_t rtype);
size_t raft_record_decode(uint16_t rtype, void *data, const uint8_t *bytes, size_t n);
size_t raft_record_encode(uint16_t rtype, const void *data, uint8_t *bytes, size_t capacity);
bft_seq raft_record_seq(uint16_t rtype, const void *data);
#endif
