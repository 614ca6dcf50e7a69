/* What the pages have in common: the files of a folder, read within bounds. */
#include "bench/page_parts.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define FILE_BYTES_MAX (32u << 20) /* no run writes larger ones */

void *page_fail(char why[PAGE_WHY_BYTES], const char *folder, const char *name, const char *what)
{
	snprintf(why, PAGE_WHY_BYTES, "%.300s%s%s: %.150s", folder, name[0] ? "/" : "", name, what);
	return NULL;
}

FILE *page_open(const char *folder, const char *name, char why[PAGE_WHY_BYTES])
{
	char path[1024];
	snprintf(path, sizeof path, "%s/%s", folder, name);
	FILE *f = fopen(path, "re");
	if (!f)
		return page_fail(why, folder, name, strerror(errno));
	if (fseek(f, 0, SEEK_END) != 0 || ftell(f) < 0 || ftell(f) > (long)FILE_BYTES_MAX) {
		fclose(f);
		return page_fail(why, folder, name, "it is no file, or larger than any run's");
	}
	rewind(f);
	return f;
}

json_t *page_read_json(const char *folder, const char *name, char why[PAGE_WHY_BYTES])
{
	json_error_t error;
	FILE *f = page_open(folder, name, why);
	if (!f)
		return NULL;
	json_t *j = json_loadf(f, JSON_REJECT_DUPLICATES, &error);
	fclose(f);
	if (!json_is_object(j)) {
		char what[160];
		snprintf(what, sizeof what, "it is damaged, or not of a run: %.100s", j ? "no object" : error.text);
		json_decref(j);
		return page_fail(why, folder, name, what);
	}
	return j;
}

bool page_is_there(const char *folder, const char *name)
{
	char path[1024];
	snprintf(path, sizeof path, "%s/%s", folder, name);
	return access(path, F_OK) == 0;
}

bool page_add(json_t *data, const char *name, json_t *value)
{
	return value && json_object_set_new(data, name, value) == 0;
}

bool page_lacks(const json_t *j, const char *const *names, const char *folder, char why[PAGE_WHY_BYTES])
{
	char what[100];
	for (; *names; names++) {
		if (json_object_get(j, *names))
			continue;
		snprintf(what, sizeof what, "it lacks \"%s\": the folder of another version, or of no run", *names);
		page_fail(why, folder, "", what);
		return true;
	}
	return false;
}
