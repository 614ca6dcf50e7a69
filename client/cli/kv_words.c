#include "kv_words.h"
#include "quorate_kv.h"

#include <stdio.h>

#define SHOWN_MAX 100u

/* What is left of an operation (quorate_kv.h has its bytes). */
struct rest {
	const uint8_t *at;
	size_t n;
	bool bad;
};

static uint32_t number(struct rest *r, size_t bytes)
{
	uint32_t v = 0;
	if (r->n < bytes) {
		r->bad = true;
		return 0;
	}
	for (size_t i = bytes; i--;)
		v = v << 8 | r->at[i];
	r->at += bytes;
	r->n -= bytes;
	return v;
}

static struct rest piece(struct rest *r, size_t length_bytes)
{
	size_t n = number(r, length_bytes);
	if (r->n < n)
		r->bad = true;
	struct rest out = { r->at, r->bad ? 0 : n, false };
	r->at += out.n;
	r->n -= out.n;
	return out;
}

static void show(const void *bytes, size_t n)
{
	if (n > SHOWN_MAX)
		printf("(%zu bytes)", n);
	else if (n == 0)
		fputs("(nothing)", stdout);
	else
		cli_show(bytes, n);
}

/* Taken apart before anything is said, so that what is malformed is not half told. */
struct words {
	const char *verb, *between;
	struct rest key, expected, value;
	bool with_key, with_expected, with_value;
};

static bool take_apart(struct words *w, struct rest r)
{
	*w = (struct words){ .between = " = " };
	uint32_t kind = number(&r, 1);
	switch (kind) {
	case 1: w->verb = "put"; break;
	case 2: w->verb = "get"; break;
	case 3: w->verb = "del"; break;
	case 4: w->verb = "cas"; break;
	case 6: w->verb = "count"; break;
	default: return false;
	}
	w->with_key = kind != 6;
	w->with_value = kind == 1 || kind == 4;
	if (w->with_key)
		w->key = piece(&r, 2);
	if (kind == 4 && number(&r, 1)) {
		w->with_expected = true;
		w->expected = piece(&r, 4);
	}
	if (kind == 4)
		w->between = w->with_expected ? " to " : ", which must not exist, to ";
	if (w->with_value)
		w->value = piece(&r, 4);
	return !r.bad && r.n == 0;
}

void kv_show_op(const void *op, size_t n)
{
	struct words w;
	if (!take_apart(&w, (struct rest){ op, n, false })) {
		fputs("an operation: ", stdout);
		show(op, n);
		return;
	}
	printf("%s%s", w.verb, w.with_key ? " " : "");
	if (w.with_key)
		show(w.key.at, w.key.n);
	if (w.with_expected) {
		fputs(" from ", stdout);
		show(w.expected.at, w.expected.n);
	}
	if (w.with_value) {
		fputs(w.between, stdout);
		show(w.value.at, w.value.n);
	}
}

void kv_show_answer(const void *answer, size_t n)
{
	struct quorate_kv_answer a;
	if (!quorate_kv_answer_read(&a, answer, n)) {
		show(answer, n);
		return;
	}
	if (a.status != QUORATE_KV_OK) {
		fputs(quorate_kv_status_text(a.status), stdout);
		return;
	}
	fputs("done", stdout);
	if (a.body_bytes) {
		fputs(", ", stdout);
		show(a.body, a.body_bytes);
	}
}
