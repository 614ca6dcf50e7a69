/* client/cli/kv_words.h - an operation of the key-value service and its answer, in words. */
#ifndef CLIENT_CLI_KV_WORDS_H
#define CLIENT_CLI_KV_WORDS_H
#include "cli.h"

/* On standard output, without an end of line: "put key = value". What is no operation of the service is shown as bytes; what is long, by its length. */
void kv_show_op(const void *op, size_t n);
/* "done", "no such key", the value. */
void kv_show_answer(const void *answer, size_t n);
#endif
