/* The folder of a matrix, for its page. */
#include "bench/attacks.h"
#include "bench/matrix.h"
#include "bench/page_parts.h"

json_t *page_attacks(const json_t *list, const char *key)
{
	json_t *told = json_array(), *one;
	size_t i;
	json_array_foreach(list, i, one)
	{
		const char *name = json_string_value(json_object_get(one, key));
		const struct attack *a = name ? attack_find(name) : NULL;
		if (a)
			json_array_append_new(told, attacks_json(a));
	}
	return told;
}

static bool is_row(const json_t *row)
{
	return json_is_string(json_object_get(row, "attack")) && json_is_string(json_object_get(row, "class")) &&
	       json_is_string(json_object_get(row, "verdict"));
}

/* Colluders beyond f are no row. */
static json_int_t rows_of_all(void)
{
	json_int_t count = 0;
	for (size_t i = 0; attack_at(i); i++)
		count += attack_at(i)->by != BY_COLLUDERS;
	return count;
}

bool page_add_matrix(json_t *data, const char *folder, char why[PAGE_WHY_BYTES])
{
	json_t *matrix = page_read_json(folder, "matrix.json", why), *rows = json_object_get(matrix, "rows"), *row;
	size_t i;
	if (!page_add(data, "matrix", matrix))
		return false;
	if (!json_is_array(rows) || json_array_size(rows) > CATALOGUE_MAX)
		return page_fail(why, folder, "matrix.json", "it is damaged, or no matrix");
	json_array_foreach(rows, i, row)
	{
		if (!is_row(row))
			return page_fail(why, folder, "matrix.json", "it is damaged, or no matrix");
		matrix_judge(row); /* one that an older version wrote says less */
	}
	return page_add(data, "attacks", page_attacks(rows, "attack")) && page_add(data, "catalogue", json_integer(rows_of_all()));
}
