/* A fuzz target without libFuzzer: TARGET CORPUS RUNS SECONDS. The corpus first, then mutations of it, the same ones in every run of the program, until RUNS of
 * them or SECONDS are over. The input in progress stands in a file that outlives a crash, so that it can be had again: TARGET FILE. */
#include "tests/fuzz/fuzz.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>

#define SEEDS_MAX 64u
#define INPUT_MAX 65536u

struct input {
	uint8_t *bytes;
	size_t n;
};

static uint64_t state;

static uint64_t draw(void)
{
	uint64_t z = (state += 0x9E3779B97F4A7C15u);
	z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
	z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
	return z ^ (z >> 31);
}

static size_t below(size_t n)
{
	return n ? (size_t)(draw() % n) : 0;
}

static bool load(struct input *in, const char *path)
{
	FILE *f = fopen(path, "rb");
	if (!f)
		return false;
	in->bytes = malloc(INPUT_MAX);
	if (!in->bytes)
		abort();
	in->n = fread(in->bytes, 1, INPUT_MAX, f);
	fclose(f);
	return true;
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static size_t load_corpus(struct input *seeds, const char *folder)
{
	struct dirent **names;
	int count = scandir(folder, &names, NULL, by_name);
	size_t loaded = 0;
	for (int i = 0; i < count; i++) {
		char path[1024];
		struct stat st;
		snprintf(path, sizeof path, "%s/%s", folder, names[i]->d_name);
		if (loaded < SEEDS_MAX && stat(path, &st) == 0 && S_ISREG(st.st_mode) && load(&seeds[loaded], path))
			loaded++;
		free(names[i]);
	}
	if (count >= 0)
		free(names);
	return loaded;
}

/* ---- mutations ---- */

static size_t cut(uint8_t *b, size_t n)
{
	size_t at = below(n), some = 1 + below(n - at < 64 ? n - at : 64);
	if (at + some > n)
		return n;
	memmove(b + at, b + at + some, n - at - some);
	return n - some;
}

static size_t repeat(uint8_t *b, size_t n)
{
	size_t at = below(n), some = 1 + below(n - at < 64 ? n - at : 64);
	if (at + some > n || n + some > INPUT_MAX)
		return n;
	memmove(b + at + some, b + at, n - at);
	return n + some;
}

static void overwrite(uint8_t *b, size_t n)
{
	static const uint64_t telling[] = { 0, 1, 2, 3, 0x7f, 0x80, 0xff, 0x100, 0x7fff, 0xffff, 0x10000, 0x7fffffff, 0xffffffff, UINT64_MAX };
	uint64_t v = telling[below(sizeof telling / sizeof telling[0])];
	size_t width = (size_t)1 << below(4), at = below(n);
	for (size_t i = 0; i < width && at + i < n; i++)
		b[at + i] = (uint8_t)(v >> (8 * i));
}

static size_t join_other(uint8_t *b, size_t n, const struct input *other)
{
	size_t at = below(n + 1), from = below(other->n + 1), some = other->n - from;
	if (at + some > INPUT_MAX)
		some = INPUT_MAX - at;
	memcpy(b + at, other->bytes + from, some);
	return at + some;
}

static size_t mutate(uint8_t *b, size_t n, const struct input *seeds, size_t count)
{
	for (size_t steps = 1 + below(6); steps; steps--) {
		size_t kind = n ? below(7) : 6;
		switch (kind) {
		case 0: b[below(n)] ^= (uint8_t)(1u << below(8)); break;
		case 1: b[below(n)] = (uint8_t)draw(); break;
		case 2: overwrite(b, n); break;
		case 3: n = cut(b, n); break;
		case 4: n = repeat(b, n); break;
		case 5: b[below(n)] = (uint8_t)(b[below(n)] + 1 - below(3)); break;
		default:
			if (below(4) == 0)
				n = join_other(b, n, &seeds[below(count)]);
			break;
		}
	}
	return n;
}

/* ---- running ---- */

struct progress {
	uint8_t *bytes; /* INPUT_MAX, in the file */
	char path[64];
	int fd;
};

static void progress_open(struct progress *p)
{
	fuzz_path(p->path, sizeof p->path, "input");
	p->fd = open(p->path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (p->fd < 0 || ftruncate(p->fd, INPUT_MAX) != 0)
		abort();
	p->bytes = mmap(NULL, INPUT_MAX, PROT_READ | PROT_WRITE, MAP_SHARED, p->fd, 0);
	if (p->bytes == MAP_FAILED)
		abort();
	printf("Should this end early: the input is in %s, its length in the last 8 of those %u bytes.\n", p->path, INPUT_MAX);
	fflush(stdout);
}

/* In memory of exactly its size, so that a sanitizer sees one read too many. */
static void run(const uint8_t *bytes, size_t n)
{
	uint8_t *exact = malloc(n ? n : 1);
	if (!exact)
		abort();
	memcpy(exact, bytes, n);
	LLVMFuzzerTestOneInput(exact, n);
	free(exact);
}

static uint64_t now_ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static int one_file(const char *path)
{
	struct input in;
	if (!load(&in, path))
		return 2;
	run(in.bytes, in.n);
	free(in.bytes);
	puts("held");
	return 0;
}

static uint64_t fuzz(const struct input *seeds, size_t count, struct progress *p, uint64_t runs, uint64_t until)
{
	uint64_t done = 0;
	size_t *length = (size_t *)(void *)(p->bytes + INPUT_MAX - sizeof(size_t));
	while (done < runs && now_ms() < until) {
		const struct input *from = &seeds[done % count];
		state = done + 1;
		memcpy(p->bytes, from->bytes, from->n);
		size_t n = mutate(p->bytes, from->n, seeds, count);
		n = n > INPUT_MAX - sizeof n ? INPUT_MAX - sizeof n : n;
		*length = n;
		run(p->bytes, n);
		done++;
	}
	return done;
}

int main(int argc, char **argv)
{
	struct input seeds[SEEDS_MAX];
	struct progress p;
	if (argc == 2)
		return one_file(argv[1]);
	if (argc != 4)
		return 2;
	size_t count = load_corpus(seeds, argv[1]);
	if (count == 0) {
		fprintf(stderr, "%s: no corpus\n", argv[1]);
		return 1;
	}
	for (size_t i = 0; i < count; i++)
		run(seeds[i].bytes, seeds[i].n);
	progress_open(&p);
	uint64_t done = fuzz(seeds, count, &p, strtoull(argv[2], NULL, 10), now_ms() + 1000 * strtoull(argv[3], NULL, 10));
	printf("%zu seeds, %llu mutations: all held\n", count, (unsigned long long)done);
	munmap(p.bytes, INPUT_MAX);
	close(p.fd);
	unlink(p.path);
	for (size_t i = 0; i < count; i++)
		free(seeds[i].bytes);
	return 0;
}
