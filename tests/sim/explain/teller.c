#include "tests/sim/explain/teller.h"

#include <stdarg.h>
#include <string.h>

#define TIME_COLUMNS 10u

/* `text` in lines of at most TELLER_COLUMNS, the second and all others indented. */
static void fold(struct teller *t, uint32_t column, uint32_t indent, const char *text)
{
	bool first = true;
	while (*text) {
		size_t n = strcspn(text, " ");
		if (!first && column + 1 + n > TELLER_COLUMNS) {
			fprintf(t->to, "\n%*s", (int)indent, "");
			column = indent;
		} else if (!first) {
			fputc(' ', t->to);
			column++;
		}
		fprintf(t->to, "%.*s", (int)n, text);
		column += (uint32_t)n;
		text += n + (text[n] == ' ');
		first = false;
	}
	fputc('\n', t->to);
}

void tell(struct teller *t, const char *format, ...)
{
	char text[2048];
	va_list args;
	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	if (!t->quiet)
		fold(t, 0, 0, text);
}

void tell_part(struct teller *t, const char *format, ...)
{
	char text[256];
	va_list args;
	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	t->last = UINT64_MAX;
	if (!t->quiet)
		fprintf(t->to, "\n-- %s\n\n", text);
}

/* Within one millisecond the time stands before the first sentence alone. */
void tell_at(struct teller *t, uint64_t ms, const char *format, ...)
{
	char text[1024];
	va_list args;
	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	if (t->quiet)
		return;
	if (ms == t->last)
		fprintf(t->to, "%*s", (int)TIME_COLUMNS, "");
	else
		fprintf(t->to, "%5llu ms  ", (unsigned long long)ms);
	t->last = ms;
	fold(t, TIME_COLUMNS, TIME_COLUMNS + 2, text);
}

void tell_line(struct teller *t, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	if (!t->quiet) {
		vfprintf(t->to, format, args);
		fputc('\n', t->to);
	}
	va_end(args);
}

bool tell_must(struct teller *t, bool holds, const char *what)
{
	if (!holds) {
		fprintf(t->to, "\nThe story did not go as told. This should hold and does not: %s\n", what);
		t->failed = true;
	}
	return holds;
}

const char *place_name(uint32_t members, uint32_t twinned, uint32_t place)
{
	static const char *const name[] = { "A", "B", "C", "D", "E", "F", "G", "H" };
	static const char *const twin[] = { "A'", "B'", "C'", "D'", "E'", "F'", "G'", "H'" };
	return place < members ? name[place] : twin[twinned];
}

struct names names_of(bft_mask places)
{
	struct names n = { "" };
	size_t used = 0;
	uint32_t left = (uint32_t)__builtin_popcountll(places);
	for (uint32_t i = 0; i < 8; i++) {
		if (!(places >> i & 1))
			continue;
		left--;
		used += (size_t)snprintf(n.text + used, sizeof n.text - used, "%c%s", 'A' + (char)i, left == 0 ? "" : left == 1 ? " and " : ", ");
	}
	if (!used)
		snprintf(n.text, sizeof n.text, "nobody");
	return n;
}
