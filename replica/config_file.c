#include "replica/config_file.h"

#include "replica/setup_file.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

/* ---- problems ---- */

void config_problem(struct config_file *file, struct config_place at, const char *format, ...)
{
	if (file->problems_count == CONFIG_PROBLEMS_MAX) {
		file->problems_more++;
		return;
	}
	struct config_problem *p = &file->problems[file->problems_count++];
	va_list args;
	va_start(args, format);
	vsnprintf(p->text, sizeof p->text, format, args);
	va_end(args);
	p->at = at;
}

static int by_place(const void *a, const void *b)
{
	const struct config_place *x = &((const struct config_problem *)a)->at, *y = &((const struct config_problem *)b)->at;
	if (x->line != y->line)
		return x->line < y->line ? -1 : 1;
	return x->column < y->column ? -1 : x->column > y->column;
}

void config_tell(struct config_file *file, quorate_problem_fn problem, void *user)
{
	char line[2 * QUORATE_REASON_BYTES];
	if (!problem)
		return;
	qsort(file->problems, file->problems_count, sizeof file->problems[0], by_place);
	for (uint32_t i = 0; i < file->problems_count; i++) {
		const struct config_problem *p = &file->problems[i];
		snprintf(line, sizeof line, "%.400s:%zu:%zu: %s", file->path, p->at.line, p->at.column, p->text);
		problem(user, line);
	}
	if (file->problems_more) {
		snprintf(line, sizeof line, "%.400s: and %u more problems", file->path, file->problems_more);
		problem(user, line);
	}
}

struct config_quoted config_quote(const char *text)
{
	struct config_quoted q;
	size_t n = 0;
	for (; text[n] && n < sizeof q.text - 4; n++)
		q.text[n] = (unsigned char)text[n] < ' ' || text[n] == 127 ? '?' : text[n];
	/* Not in the middle of a character of UTF-8. */
	while (text[n] && n > 0 && ((unsigned char)text[n] & 0xc0u) == 0x80u)
		n--;
	memcpy(q.text + n, text[n] ? "..." : "", text[n] ? 4 : 1);
	return q;
}

/* ---- YAML ---- */

struct reader {
	struct config_file *file;
	yaml_parser_t parser;
	yaml_event_t event; /* valid while `held` */
	bool held;
};

static struct config_place place_of(yaml_mark_t mark)
{
	return (struct config_place){ mark.line + 1, mark.column + 1 };
}

static void drop(struct reader *r)
{
	if (r->held)
		yaml_event_delete(&r->event);
	r->held = false;
}

static void syntax(struct reader *r)
{
	const yaml_parser_t *p = &r->parser;
	struct config_place at = place_of(p->problem_mark);
	if (p->error == YAML_MEMORY_ERROR)
		r->file->no_memory = true;
	else if (p->error == YAML_READER_ERROR)
		config_problem(r->file, r->file->end, "this is not UTF-8 text (byte %zu)", p->problem_offset);
	else
		config_problem(r->file, at, "this is not YAML: %s%s%s", p->context ? p->context : "", p->context ? ", " : "",
		               p->problem ? p->problem : "it cannot be read");
	r->file->cut = true;
}

/* The next event; false when the rest cannot be read. */
static bool next(struct reader *r)
{
	drop(r);
	if (r->file->cut || r->file->no_memory)
		return false;
	if (!yaml_parser_parse(&r->parser, &r->event)) {
		syntax(r);
		return false;
	}
	r->held = true;
	r->file->end = place_of(r->event.start_mark);
	return true;
}

/* Past a list or mapping whose beginning is the present event. Deeper than CONFIG_DEPTH_MAX is not read. */
static bool skip(struct reader *r)
{
	uint32_t depth = 1;
	while (depth) {
		if (!next(r))
			return false;
		switch (r->event.type) {
		case YAML_SEQUENCE_START_EVENT:
		case YAML_MAPPING_START_EVENT: depth++; break;
		case YAML_SEQUENCE_END_EVENT:
		case YAML_MAPPING_END_EVENT: depth--; break;
		default: break;
		}
		if (depth > CONFIG_DEPTH_MAX) {
			config_problem(r->file, r->file->end, "this is nested too deeply; the rest is not read");
			r->file->cut = true;
			return false;
		}
	}
	return true;
}

static bool is_null(const char *text)
{
	return !*text || strcmp(text, "~") == 0 || strcmp(text, "null") == 0 || strcmp(text, "Null") == 0 || strcmp(text, "NULL") == 0;
}

static char *copy_scalar(struct reader *r)
{
	char *text = strndup((const char *)r->event.data.scalar.value, r->event.data.scalar.length);
	r->file->no_memory |= !text;
	return text;
}

/* Anchors, tags, and zeros within, which our strings cannot hold. */
static bool scalar_ok(struct reader *r, struct config_place at)
{
	const char *value = (const char *)r->event.data.scalar.value;
	if (r->event.data.scalar.anchor)
		config_problem(r->file, at, "anchors are not used in this file");
	else if (r->event.data.scalar.tag)
		config_problem(r->file, at, "tags are not used in this file");
	else if (strlen(value) != r->event.data.scalar.length)
		config_problem(r->file, at, "a value must not hold a zero byte");
	else
		return true;
	return false;
}

static bool read_value(struct reader *r, struct config_pair *pair)
{
	if (!next(r))
		return false;
	pair->value_at = place_of(r->event.start_mark);
	pair->form = CONFIG_UNREADABLE;
	switch (r->event.type) {
	case YAML_SCALAR_EVENT:
		if (!scalar_ok(r, pair->value_at))
			return true;
		pair->form = r->event.data.scalar.style == YAML_PLAIN_SCALAR_STYLE ? CONFIG_PLAIN : CONFIG_QUOTED;
		if (pair->form == CONFIG_PLAIN && is_null((const char *)r->event.data.scalar.value))
			pair->form = CONFIG_EMPTY;
		pair->value = copy_scalar(r);
		return pair->value != NULL;
	case YAML_ALIAS_EVENT: config_problem(r->file, pair->value_at, "aliases are not used in this file"); return true;
	case YAML_SEQUENCE_START_EVENT: pair->form = CONFIG_LIST; return skip(r);
	case YAML_MAPPING_START_EVENT: pair->form = CONFIG_MAPPING; return skip(r);
	default: return false;
	}
}

/* A key that is no scalar, and its value: reported once and passed over. */
static bool skip_odd_pair(struct reader *r)
{
	config_problem(r->file, r->file->end, "a key must be a word");
	if (r->event.type != YAML_SCALAR_EVENT && r->event.type != YAML_ALIAS_EVENT && !skip(r))
		return false;
	if (!next(r))
		return false;
	return r->event.type == YAML_SCALAR_EVENT || r->event.type == YAML_ALIAS_EVENT || skip(r);
}

static bool read_pair(struct reader *r)
{
	struct config_file *f = r->file;
	if (r->event.type != YAML_SCALAR_EVENT || !scalar_ok(r, f->end))
		return skip_odd_pair(r);
	if (f->pairs_count == CONFIG_PAIRS_MAX) {
		config_problem(f, f->end, "there are too many keys; the rest is not read");
		f->cut = true;
		return false;
	}
	struct config_pair *pair = &f->pairs[f->pairs_count];
	pair->key_at = f->end;
	pair->key = copy_scalar(r);
	if (!pair->key)
		return false;
	f->pairs_count++;
	return read_value(r, pair);
}

static void read_mapping(struct reader *r)
{
	while (next(r) && r->event.type != YAML_MAPPING_END_EVENT) {
		if (!read_pair(r))
			return;
	}
	if (!r->held || !next(r) || !next(r)) /* the document's end, and what follows */
		return;
	if (r->event.type == YAML_DOCUMENT_START_EVENT)
		config_problem(r->file, r->file->end, "there is a second document; the file holds one");
}

static void read_document(struct reader *r)
{
	if (!next(r) || !next(r)) /* stream, document */
		return;
	if (r->event.type == YAML_STREAM_END_EVENT) {
		config_problem(r->file, (struct config_place){ 1, 1 }, "the file says nothing");
		r->file->cut = true;
		return;
	}
	if (!next(r))
		return;
	if (r->event.type == YAML_MAPPING_START_EVENT && !r->event.data.mapping_start.anchor && !r->event.data.mapping_start.tag) {
		read_mapping(r);
		return;
	}
	config_problem(r->file, r->file->end, "the file must be lines of the form 'key: value'");
	r->file->cut = true;
}

static void parse(struct config_file *file, const char *bytes, size_t n)
{
	struct reader r = { .file = file };
	if (!yaml_parser_initialize(&r.parser)) {
		file->no_memory = true;
		return;
	}
	yaml_parser_set_encoding(&r.parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&r.parser, (const unsigned char *)bytes, n);
	read_document(&r);
	drop(&r);
	yaml_parser_delete(&r.parser);
}

struct config_file *config_file_read(const char *path, enum quorate_error *error, char *reason)
{
	char *bytes;
	size_t n;
	*error = setup_read(&bytes, &n, path, CONFIG_FILE_BYTES_MAX, reason);
	if (*error != QUORATE_OK)
		return NULL;
	struct config_file *file = calloc(1, sizeof *file);
	if (file) {
		file->path = path;
		file->end = (struct config_place){ 1, 1 };
		parse(file, bytes, n);
	}
	free(bytes);
	if (file && !file->no_memory)
		return file;
	config_file_free(file);
	*error = setup_fail(reason, QUORATE_FAILED, path, "no memory");
	return NULL;
}

void config_file_free(struct config_file *file)
{
	if (!file)
		return;
	for (uint32_t i = 0; i < file->pairs_count; i++) {
		free(file->pairs[i].key);
		free(file->pairs[i].value);
	}
	free(file);
}
