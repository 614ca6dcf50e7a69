#include "bench/attacks.h"

#include "bench/words.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *by_text(enum attack_by by)
{
	switch (by) {
	case BY_LEADER: return "leader";
	case BY_REPLICA: return "replicas";
	case BY_CLIENT: return "client";
	case BY_COLLUDERS: return "f+1 replicas";
	}
	return "";
}

static const char *class_text(const char *class)
{
	if (!strcmp(class, "B97"))
		return "97% of the throughput, always";
	if (!strcmp(class, "L90"))
		return "a first completion within a second, and 90% from three seconds on";
	if (!strcmp(class, "S90"))
		return "90% from five seconds on, and no client starved";
	if (!strcmp(class, "R75"))
		return "75% over a minute";
	return "nothing: it is beyond what the protocol bears";
}

json_t *attacks_json(const struct attack *a)
{
	return json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:s}", "name", a->name, "class", a->class, "must", class_text(a->class), "by", by_text(a->by), "does",
	                 a->does, "breaks", a->breaks, "answer", a->answer);
}

static int put(json_t *j)
{
	char *text = json_dumps(j, JSON_COMPACT);
	puts(text ? text : "null");
	free(text);
	json_decref(j);
	return 0;
}

static int tell_one(const struct attack *a, bool json)
{
	if (json)
		return put(attacks_json(a));
	printf("%s: %s.\n\n", a->name, a->does);
	printf("By           %s\n", by_text(a->by));
	printf("A naive implementation\n             %s\n", a->breaks);
	printf("A correct one\n             %s\n", a->answer);
	printf("Must keep    %s (%s)\n\n", class_text(a->class), a->class);
	printf("Try it       quorate-bench run --attack %s@3s%s\n", a->name, a->by == BY_COLLUDERS ? " --beyond-f" : "");
	return 0;
}

int attacks_tell(const char *name, bool json)
{
	const char *names[CATALOGUE_MAX];
	const struct attack *a;
	size_t count = 0;
	json_t *list = json_array();
	for (; count < CATALOGUE_MAX && (a = attack_at(count)); count++) {
		names[count] = a->name;
		if (!name && json)
			json_array_append_new(list, attacks_json(a));
		else if (!name)
			printf("%-26s %-12s %-4s %s\n", a->name, by_text(a->by), a->class, a->does);
	}
	if (!name && json)
		return put(list);
	json_decref(list);
	if (!name || (a = attack_find(name)))
		return name ? tell_one(a, json) : 0;
	const char *meant = words_meant(name, names, count);
	fprintf(stderr, "quorate-bench: unknown attack %s%s%s%s\n", name, meant ? "; did you mean " : "", meant ? meant : "", meant ? "?" : "");
	return 2;
}
