#include "bench/page_parts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TEMPLATE_BYTES_MAX (32u << 20)
#define PLACE "@@RUN@@"

/* ---- what lies in the folder ---- */

static bool add_kind(json_t *data, const char *kind)
{
	return json_object_set_new(data, "kind", json_string(kind)) == 0;
}

/* A run and a repeated one have the same files on top. */
static bool add_summary(json_t *data, const char *folder, char why[PAGE_WHY_BYTES])
{
	if (!page_add(data, "summary", page_read_json(folder, "summary.json", why)))
		return false;
	bool repeated = json_object_get(json_object_get(data, "summary"), "repeat");
	return add_kind(data, repeated ? "repeat" : "run") && (repeated ? page_add_repeat : page_add_run)(data, folder, why);
}

static bool add_folder(json_t *data, const char *folder, char why[PAGE_WHY_BYTES])
{
	if (page_is_there(folder, "matrix.json"))
		return add_kind(data, "matrix") && page_add_matrix(data, folder, why);
	if (page_is_there(folder, "scale.json"))
		return add_kind(data, "scale") && page_add_scale(data, folder, why);
	if (page_is_there(folder, "summary.json"))
		return add_summary(data, folder, why);
	return page_fail(why, folder, "",
	                 page_is_there(folder, "") ? "there is no run in it: no summary.json, matrix.json or scale.json" : "there is no such folder");
}

json_t *page_data(const char *folder, char why[PAGE_WHY_BYTES])
{
	json_t *data = json_object();
	if (add_folder(data, folder, why))
		return data;
	json_decref(data);
	return NULL;
}

/* ---- the page ---- */

static int put_escaped(const char *text, size_t n, void *out)
{
	for (size_t i = 0; i < n; i++) {
		bool markup = text[i] == '<' || text[i] == '>' || text[i] == '&'; /* these stand in strings alone */
		if (markup ? fprintf(out, "\\u%04x", (unsigned)(unsigned char)text[i]) < 0 : fputc(text[i], out) == EOF)
			return -1;
	}
	return 0;
}

bool page_put_json(FILE *out, const json_t *data)
{
	return json_dump_callback(data, put_escaped, out, JSON_COMPACT | JSON_ENSURE_ASCII | JSON_REAL_PRECISION(9)) == 0;
}

static char *read_template(const char *path, char why[PAGE_WHY_BYTES])
{
	FILE *f = fopen(path, "re");
	char *text = f ? malloc(TEMPLATE_BYTES_MAX) : NULL;
	size_t n = text ? fread(text, 1, TEMPLATE_BYTES_MAX - 1, f) : 0;
	if (f)
		fclose(f);
	if (text)
		text[n] = 0;
	if (n && strstr(text, PLACE))
		return text;
	free(text);
	return page_fail(why, path, "", "it is not the page's template: ./dev build makes it, where npm can be had");
}

static bool put_page(FILE *f, const char *template, const json_t *data)
{
	const char *place = strstr(template, PLACE);
	fwrite(template, 1, (size_t)(place - template), f);
	bool ok = page_put_json(f, data);
	fputs(place + strlen(PLACE), f);
	return ok && !ferror(f);
}

/* PAGE_OK, or PAGE_FAILED: nothing is left at `out`. */
static enum page_result put_whole(const json_t *data, const char *out, const char *template, char why[PAGE_WHY_BYTES])
{
	char *text = read_template(template, why);
	FILE *f = text ? fopen(out, "we") : NULL;
	bool ok = f && put_page(f, text, data);
	if (text && !f)
		page_fail(why, out, "", strerror(errno));
	if (f && (fclose(f) != 0 || !ok)) {
		page_fail(why, out, "", "it cannot be written");
		unlink(out);
		ok = false;
	}
	free(text);
	return ok ? PAGE_OK : PAGE_FAILED;
}

enum page_result page_write(const char *folder, const char *out, const char *template, char why[PAGE_WHY_BYTES])
{
	json_t *data = page_data(folder, why);
	enum page_result result = data ? put_whole(data, out, template, why) : PAGE_NO_RUN;
	json_decref(data);
	return result;
}

enum page_result page_write_comparison(json_t *comparison, const char *out, const char *template, char why[PAGE_WHY_BYTES])
{
	json_t *data = json_pack("{s:s,s:O}", "kind", "compare", "comparison", comparison);
	enum page_result result = put_whole(data, out, template, why);
	json_decref(data);
	return result;
}
