/* bft/evidence_list.h - how a client reads the evidence that a replica keeps: one file a question, in the order of their names.
 *
 *   FETCH_EVIDENCE = u8 n, name n                                the first file behind that name; n 0: the first of all
 *   EVIDENCE       = u8 n, name n | u8 m, name m | file          the name as it was asked; the file's; the file itself. m 0: there is none, and no bytes follow
 *
 * A name is of [a-z0-9.-] and a replica's own: it says where the reading goes on, and nothing about what the file proves. Each answer's name lies behind the one
 * that was asked, so a replica that lists without end can be counted, and none can lead a reader round in a circle. */
#ifndef BFT_EVIDENCE_LIST_H
#define BFT_EVIDENCE_LIST_H
#include "bft/codec.h"

#include <stdbool.h>

#define EVIDENCE_NAME_MAX 95u
#define EVIDENCE_FILE_BYTES_MAX (1u << 20)
#define EVIDENCE_LIST_FILES_MAX 256u /* of one replica */

struct evidence_name {
	char text[EVIDENCE_NAME_MAX + 1]; /* "": none */
};
/* False when `text` is no name; "" is one. */
bool evidence_name_set(struct evidence_name *out, const char *text);

struct evidence_answer {
	struct evidence_name after, name;
	const uint8_t *file; /* borrowed */
	size_t n;
};
#define EVIDENCE_ANSWER_HEAD_MAX (2u * (1u + EVIDENCE_NAME_MAX))

size_t evidence_question_encode(const struct evidence_name *after, uint8_t *bytes, size_t capacity);
bool evidence_question_decode(struct evidence_name *after, const uint8_t *bytes, size_t n);
/* The names; append the file. */
size_t evidence_answer_head_encode(const struct evidence_answer *a, uint8_t *bytes, size_t capacity);
bool evidence_answer_decode(struct evidence_answer *a, const uint8_t *bytes, size_t n);
#endif
