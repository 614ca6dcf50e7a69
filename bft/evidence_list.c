#include "bft/evidence_list.h"

static bool is_letter(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-';
}

static bool read_name(struct rd *r, struct evidence_name *out)
{
	uint8_t n;
	*out = (struct evidence_name){ { 0 } };
	if (!rd_u8(r, &n) || n > EVIDENCE_NAME_MAX || !rd_bytes(r, out->text, n))
		return false;
	for (uint8_t i = 0; i < n; i++)
		if (!is_letter((uint8_t)out->text[i]))
			return false;
	return true;
}

static void write_name(struct wr *w, const struct evidence_name *x)
{
	size_t n = strlen(x->text);
	wr_u8(w, (uint8_t)n);
	wr_bytes(w, x->text, n);
}

bool evidence_name_set(struct evidence_name *out, const char *text)
{
	uint8_t bytes[1 + EVIDENCE_NAME_MAX];
	size_t n = strlen(text);
	if (n > EVIDENCE_NAME_MAX)
		return false;
	bytes[0] = (uint8_t)n;
	memcpy(bytes + 1, text, n);
	struct rd r = rd_of(bytes, 1 + n);
	return read_name(&r, out);
}

size_t evidence_question_encode(const struct evidence_name *after, uint8_t *bytes, size_t capacity)
{
	struct wr w = wr_of(bytes, capacity);
	write_name(&w, after);
	return wr_done(&w);
}

bool evidence_question_decode(struct evidence_name *after, const uint8_t *bytes, size_t n)
{
	struct rd r = rd_of(bytes, n);
	return read_name(&r, after) && rd_done(&r);
}

size_t evidence_answer_head_encode(const struct evidence_answer *a, uint8_t *bytes, size_t capacity)
{
	struct wr w = wr_of(bytes, capacity);
	write_name(&w, &a->after);
	write_name(&w, &a->name);
	return wr_done(&w);
}

bool evidence_answer_decode(struct evidence_answer *a, const uint8_t *bytes, size_t n)
{
	struct rd r = rd_of(bytes, n);
	if (!read_name(&r, &a->after) || !read_name(&r, &a->name))
		return false;
	a->file = r.at;
	a->n = rd_left(&r);
	if (!*a->name.text)
		return a->n == 0;
	return a->n > 0 && a->n <= EVIDENCE_FILE_BYTES_MAX &&
	       memcmp(a->name.text, a->after.text, sizeof a->name.text) > 0; /* zeros behind both: the order of their bytes */
}
