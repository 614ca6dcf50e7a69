/* tests/stories/raft_world.h - whole Raft traces: bare cores in virtual time (tests/sim/explain/raft_tale.h), and what they do as text, compared with a file. */
#ifndef TESTS_STORIES_RAFT_WORLD_H
#define TESTS_STORIES_RAFT_WORLD_H
#include "tests/sim/explain/raft_tale.h"
#include "tests/unit/unit.h"

#include <stdlib.h>
#include <string.h>

struct raft_world {
	struct teller t;
	struct raft_tale r;
	char *text;
	size_t n;
};

static inline struct raft_world *raft_world_new(uint32_t n, uint32_t cluster)
{
	struct raft_world *w = calloc(1, sizeof *w);
	CU_ASSERT_PTR_NOT_NULL_FATAL(w);
	w->t = (struct teller){ .to = open_memstream(&w->text, &w->n), .last = UINT64_MAX };
	CU_ASSERT_PTR_NOT_NULL_FATAL(w->t.to);
	raft_tale_begin(&w->r, &w->t, n, cluster);
	return w;
}

/* STORY_WRITE=1: the files are written anew, to be read as a diff. */
static inline void raft_world_write(const struct raft_world *w, const char *path)
{
	FILE *f = path && getenv("STORY_WRITE") ? fopen(path, "w") : NULL;
	if (f) {
		fputs(w->text, f);
		fclose(f);
	}
}

/* What must hold held, and with a path the text is what the file says. */
static inline void raft_world_end(struct raft_world *w, const char *path)
{
	static char wanted[1 << 16];
	raft_tale_end(&w->r);
	fclose(w->t.to);
	raft_world_write(w, path);
	FILE *f = path ? fopen(path, "r") : NULL;
	size_t n = f ? fread(wanted, 1, sizeof wanted - 1, f) : 0;
	wanted[n] = 0;
	if (f)
		fclose(f);
	if (w->t.failed || (path && strcmp(wanted, w->text) != 0)) {
		printf("\n%s is not what happened. What happened:\n%s", path ? path : "The story", w->text);
		CU_FAIL("another story");
	}
	free(w->text);
	free(w);
}

/* Which of the five are together: "AB CDE". */
static inline void raft_world_cells(struct raft_world *w, const char *cells, const char *what)
{
	uint8_t cell[CORES_PLACES_MAX] = { 0 }, next = 1;
	for (const char *at = cells; *at; at++)
		if (*at == ' ')
			next++;
		else
			cell[*at - 'A'] = next;
	tale_cut(&w->r, cell, what);
}

static inline bool raft_world_same(const struct raft_world *w, bft_mask places)
{
	int first = __builtin_ctzll(places);
	for (uint8_t i = 0; i < w->r.n; i++)
		if ((places & BFT_BIT(i)) && (cores_executed(w->r.c, i) != cores_executed(w->r.c, (uint8_t)first) ||
		                              !digest_equal(cores_chain(w->r.c, i), cores_chain(w->r.c, (uint8_t)first))))
			return false;
	return true;
}
#endif
