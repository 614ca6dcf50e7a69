/* How the command line speaks: one clear sentence on standard error, results on standard output. */
#include "cli.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int cli_fail(int code, const char *format, ...)
{
	char sentence[2048];
	va_list args;
	va_start(args, format);
	vsnprintf(sentence, sizeof sentence, format, args);
	va_end(args);
	fflush(stdout); /* what was said before stays before */
	fprintf(stderr, "quorate: %s\n", sentence);
	return code;
}

int cli_code(enum quorate_error error)
{
	switch (error) {
	case QUORATE_OK: return CLI_OK;
	case QUORATE_USAGE: return CLI_USAGE;
	case QUORATE_CONFIG: return CLI_CONFIG;
	case QUORATE_UNREACHABLE: return CLI_UNREACHABLE;
	case QUORATE_UNKNOWN: return CLI_UNKNOWN;
	case QUORATE_PRECONDITION: return CLI_PRECONDITION;
	case QUORATE_VERIFICATION: return CLI_VERIFICATION;
	case QUORATE_SAFETY: return CLI_SAFETY;
	case QUORATE_FAILED:
	case QUORATE_REFUSED: break;
	}
	return CLI_FAILED;
}

int cli_error(enum quorate_error error, const char *reason)
{
	return cli_fail(cli_code(error), "%s", reason && *reason ? reason : quorate_error_text(error));
}

int cli_json(json_t *object)
{
	char *line = object ? json_dumps(object, JSON_COMPACT | JSON_PRESERVE_ORDER) : NULL;
	json_decref(object);
	if (!line)
		return cli_fail(CLI_FAILED, "no memory for the result");
	puts(line);
	free(line);
	return fflush(stdout) == 0 ? CLI_OK : cli_fail(CLI_FAILED, "standard output: %s", strerror(errno));
}

static size_t utf8_tail(unsigned char c)
{
	return c >= 0xc2 && c < 0xe0 ? 1 : c >= 0xe0 && c < 0xf0 ? 2 : c >= 0xf0 && c < 0xf5 ? 3 : 0;
}

bool cli_printable(const void *bytes, size_t n)
{
	const unsigned char *b = bytes;
	for (size_t i = 0; i < n; i++) {
		size_t tail = utf8_tail(b[i]);
		if (b[i] < 0x80) {
			if ((b[i] < ' ' && b[i] != '\t') || b[i] == 0x7f)
				return false;
			continue;
		}
		/* C1 controls (c2 80 to c2 9f) move a terminal as ESC does. */
		if (!tail || tail > n - i - 1 || (b[i] == 0xc2 && b[i + 1] < 0xa0))
			return false;
		for (; tail; tail--)
			if ((b[++i] & 0xc0u) != 0x80u)
				return false;
	}
	return true;
}

void cli_hex(char *out, const uint8_t *bytes, size_t n)
{
	static const char digits[] = "0123456789abcdef";
	for (size_t i = 0; i < n; i++) {
		out[2 * i] = digits[bytes[i] >> 4];
		out[2 * i + 1] = digits[bytes[i] & 15];
	}
	out[2 * n] = 0;
}

void cli_show(const void *bytes, size_t n)
{
	const uint8_t *b = bytes;
	if (cli_printable(bytes, n)) {
		fwrite(bytes, 1, n, stdout);
		return;
	}
	fputs("0x", stdout);
	for (size_t i = 0; i < n; i++)
		printf("%02x", b[i]);
}

bool cli_json_bytes(json_t *object, const char *name, const void *bytes, size_t n)
{
	char field[64];
	json_t *text = json_stringn(n ? bytes : "", n); /* NULL when it is not UTF-8 */
	if (text)
		return json_object_set_new(object, name, text) == 0;
	char *hex = malloc(2 * n + 1);
	if (!hex)
		return false;
	cli_hex(hex, bytes, n);
	snprintf(field, sizeof field, "%s_base16", name);
	bool ok = json_object_set_new(object, field, json_string(hex)) == 0;
	free(hex);
	return ok;
}

void cli_problem(void *user, const char *sentence)
{
	(void)user;
	fprintf(stderr, "quorate: %s\n", sentence);
}

int cli_read_file(const char *path, size_t most, char **bytes, size_t *n)
{
	bool standard = strcmp(path, "-") == 0;
	FILE *f = standard ? stdin : fopen(path, "re");
	if (!f)
		return cli_fail(CLI_FAILED, "%s: %s", path, strerror(errno));
	char *space = malloc(most + 1);
	size_t got = space ? fread(space, 1, most + 1, f) : 0;
	bool failed = ferror(f);
	int why = errno;
	if (!standard)
		fclose(f);
	if (space && !failed && got <= most) {
		*bytes = space;
		*n = got;
		return CLI_OK;
	}
	free(space);
	if (space && !failed)
		return cli_fail(CLI_USAGE, "%s: it is too large: at most %zu bytes are possible here", path, most);
	return cli_fail(CLI_FAILED, "%s: %s", path, !space ? "no memory" : strerror(why));
}
