/* tests/fuzz/make/make.h - the parts of make_corpus: samples of what is said and kept, of what stands in files, and of what is shown to others. */
#ifndef TESTS_FUZZ_MAKE_MAKE_H
#define TESTS_FUZZ_MAKE_MAKE_H
#include "replica/log/log.h"

struct cluster_bed;

void sample_message(const uint8_t *frame, size_t n);
void sample_reply(const uint8_t *frame, size_t n);
void sample_record(void *user, const struct log_record *record);
void make_files(const struct cluster_bed *cluster);
void make_proofs(const struct cluster_bed *cluster);
#endif
