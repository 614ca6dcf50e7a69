/* tests/unit/memory_disk.h - a struct log_disk in memory that knows what was flushed: it can stop at any operation, fail any, run full, and lose power.
 *
 * After memory_disk_power_loss each 512-byte sector that was written and not flushed is kept or lost by the seed's choice, and so is the end of the list of
 * renames, creations and removals that no sync_folder covered. */
#ifndef TESTS_UNIT_MEMORY_DISK_H
#define TESTS_UNIT_MEMORY_DISK_H
#include "replica/log/disk.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MEMORY_FILES 256
#define MEMORY_NAMES 64
#define MEMORY_JOURNAL 256
#define MEMORY_SECTOR 512u

struct memory_file {
	uint8_t *now, *safe; /* `capacity` bytes each; zero beyond the sizes */
	size_t bytes, safe_bytes, capacity;
	size_t dirty_from, dirty_to; /* what may differ between the two */
	bool used;
};
struct memory_name {
	char name[DISK_NAME_MAX];
	int file; /* -1: free */
};
struct memory_disk {
	struct memory_file files[MEMORY_FILES];
	struct memory_name names[MEMORY_NAMES];
	struct memory_name journal[MEMORY_JOURNAL][MEMORY_NAMES]; /* the folder after each change since sync_folder; [0]: before the first */
	int journal_count;
	uint64_t operations; /* that change something */
	uint64_t stop_at;    /* 0: never; from this one on everything fails and nothing happens */
	uint64_t fail_at;    /* 0: never; this one alone fails */
	size_t space;        /* bytes of all files together; 0: endless */
	uint64_t random;
	bool locked;
	uint64_t writes_max_at; /* largest write */
};

static inline uint64_t memory_random(struct memory_disk *d)
{
	d->random ^= d->random << 13;
	d->random ^= d->random >> 7;
	d->random ^= d->random << 17;
	return d->random;
}

static inline int memory_changes(struct memory_disk *d)
{
	d->operations++;
	return (d->stop_at && d->operations >= d->stop_at) || (d->fail_at && d->operations == d->fail_at) ? -EIO : 0;
}

static inline struct memory_name *memory_find(struct memory_disk *d, const char *name)
{
	for (int i = 0; i < MEMORY_NAMES; i++) {
		if (d->names[i].file >= 0 && strcmp(d->names[i].name, name) == 0)
			return &d->names[i];
	}
	return NULL;
}

static inline void memory_journal(struct memory_disk *d)
{
	if (d->journal_count == MEMORY_JOURNAL)
		abort();
	memcpy(d->journal[d->journal_count++], d->names, sizeof d->names);
}

static inline int memory_open(void *user, const char *name, bool create, int *handle)
{
	struct memory_disk *d = user;
	struct memory_name *n = memory_find(d, name);
	if (n && create)
		return -EEXIST;
	if (!n && !create)
		return -ENOENT;
	if (n) {
		*handle = n->file;
		return 0;
	}
	int e = memory_changes(d);
	if (e != 0)
		return e;
	for (int i = 0; i < MEMORY_NAMES; i++) {
		if (d->names[i].file >= 0)
			continue;
		for (int f = 0; f < MEMORY_FILES; f++) {
			if (d->files[f].used)
				continue;
			d->files[f].used = true;
			d->files[f].bytes = d->files[f].safe_bytes = 0;
			snprintf(d->names[i].name, DISK_NAME_MAX, "%s", name);
			d->names[i].file = f;
			memory_journal(d);
			*handle = f;
			return 0;
		}
	}
	return -ENFILE;
}

static inline void memory_close(void *user, int handle)
{
	(void)user;
	(void)handle;
}

static inline int memory_size(void *user, int handle, uint64_t *bytes)
{
	struct memory_disk *d = user;
	*bytes = d->files[handle].bytes;
	return 0;
}

static inline int64_t memory_pread(void *user, int handle, void *out, size_t n, uint64_t offset)
{
	struct memory_disk *d = user;
	const struct memory_file *f = &d->files[handle];
	if (offset >= f->bytes)
		return 0;
	if (n > f->bytes - offset)
		n = f->bytes - offset;
	memcpy(out, f->now + offset, n);
	return (int64_t)n;
}

static inline size_t memory_used(const struct memory_disk *d)
{
	size_t used = 0;
	for (int i = 0; i < MEMORY_NAMES; i++)
		used += d->names[i].file >= 0 ? d->files[d->names[i].file].bytes : 0;
	return used;
}

static inline void memory_grow(struct memory_file *f, size_t bytes)
{
	if (bytes > f->capacity) {
		size_t capacity = f->capacity ? f->capacity : 4096;
		while (capacity < bytes)
			capacity *= 2;
		f->now = realloc(f->now, capacity);
		f->safe = realloc(f->safe, capacity);
		if (!f->now || !f->safe)
			abort();
		memset(f->now + f->capacity, 0, capacity - f->capacity);
		memset(f->safe + f->capacity, 0, capacity - f->capacity);
		f->capacity = capacity;
	}
	if (bytes > f->bytes)
		f->bytes = bytes;
}

/* A write at which the machine stops happens, but is not flushed: power loss tears it. */
static inline int memory_pwrite(void *user, int handle, const void *bytes, size_t n, uint64_t offset)
{
	struct memory_disk *d = user;
	struct memory_file *f = &d->files[handle];
	int e = memory_changes(d);
	if (d->stop_at && d->operations > d->stop_at)
		return e;
	if (d->space && offset + n > f->bytes && memory_used(d) + (offset + n - f->bytes) > d->space)
		return -ENOSPC;
	memory_grow(f, offset + n);
	memcpy(f->now + offset, bytes, n);
	if (f->dirty_to == 0 || offset < f->dirty_from)
		f->dirty_from = offset;
	if (offset + n > f->dirty_to)
		f->dirty_to = offset + n;
	if (n > d->writes_max_at)
		d->writes_max_at = n;
	return e;
}

static inline int memory_sync(void *user, int handle)
{
	struct memory_disk *d = user;
	struct memory_file *f = &d->files[handle];
	int e = memory_changes(d);
	if (e != 0)
		return e;
	if (f->dirty_to > 0)
		memcpy(f->safe + f->dirty_from, f->now + f->dirty_from, f->dirty_to - f->dirty_from);
	f->dirty_from = f->dirty_to = 0;
	f->safe_bytes = f->bytes;
	return 0;
}

static inline int memory_rename(void *user, const char *from, const char *to)
{
	struct memory_disk *d = user;
	int e = memory_changes(d);
	if (e != 0)
		return e;
	struct memory_name *n = memory_find(d, from), *old = memory_find(d, to);
	if (!n)
		return -ENOENT;
	if (old && old != n)
		old->file = -1;
	snprintf(n->name, DISK_NAME_MAX, "%s", to);
	memory_journal(d);
	return 0;
}

static inline int memory_unlink(void *user, const char *name)
{
	struct memory_disk *d = user;
	struct memory_name *n = memory_find(d, name);
	if (!n)
		return -ENOENT;
	int e = memory_changes(d);
	if (e != 0)
		return e;
	n->file = -1;
	memory_journal(d);
	return 0;
}

static inline int memory_list(void *user, disk_list_fn fn, void *arg)
{
	struct memory_disk *d = user;
	for (int i = 0; i < MEMORY_NAMES; i++) {
		if (d->names[i].file >= 0)
			fn(arg, d->names[i].name);
	}
	return 0;
}

/* Files that no name reaches any more are free for use again. */
static inline void memory_collect(struct memory_disk *d)
{
	for (int f = 0; f < MEMORY_FILES; f++) {
		bool named = false;
		for (int i = 0; i < MEMORY_NAMES; i++)
			named = named || d->names[i].file == f;
		if (d->files[f].used && !named) {
			d->files[f].used = false;
			if (d->files[f].capacity > 0) {
				memset(d->files[f].now, 0, d->files[f].capacity);
				memset(d->files[f].safe, 0, d->files[f].capacity);
			}
			d->files[f].bytes = d->files[f].safe_bytes = 0;
			d->files[f].dirty_from = d->files[f].dirty_to = 0;
		}
	}
}

static inline void memory_settle_names(struct memory_disk *d)
{
	d->journal_count = 0;
	memory_journal(d);
}

static inline int memory_sync_folder(void *user)
{
	struct memory_disk *d = user;
	int e = memory_changes(d);
	if (e == 0)
		memory_settle_names(d);
	return e;
}

static inline int memory_lock(void *user, const char *name)
{
	struct memory_disk *d = user;
	(void)name;
	if (d->locked)
		return -EWOULDBLOCK;
	d->locked = true;
	return 0;
}

static inline struct memory_disk *memory_disk_create(uint64_t seed)
{
	struct memory_disk *d = calloc(1, sizeof *d);
	if (!d)
		abort();
	d->random = seed * 0x9e3779b97f4a7c15ull + 1;
	for (int i = 0; i < MEMORY_NAMES; i++)
		d->names[i].file = -1;
	memory_settle_names(d);
	return d;
}

static inline void memory_disk_destroy(struct memory_disk *d)
{
	for (int f = 0; f < MEMORY_FILES; f++) {
		free(d->files[f].now);
		free(d->files[f].safe);
	}
	free(d);
}

static inline struct log_disk memory_disk_table(struct memory_disk *d)
{
	return (struct log_disk){ d,           memory_open,   memory_close,  memory_size, memory_pread,       memory_pwrite,
		                  memory_sync, memory_rename, memory_unlink, memory_list, memory_sync_folder, memory_lock };
}

/* The machine is on again. `how`: 0 nothing unflushed was kept, 1 all of it (a killed process), 2 sector by sector as the seed says. */
static inline void memory_disk_power_loss(struct memory_disk *d, int how)
{
	int kept = how == 0 ? 0 : how == 1 ? d->journal_count - 1 : (int)(memory_random(d) % (uint64_t)d->journal_count);
	memcpy(d->names, d->journal[kept], sizeof d->names);
	for (int i = 0; i < MEMORY_FILES; i++) {
		struct memory_file *f = &d->files[i];
		if (!f->used)
			continue;
		for (size_t at = 0; at < f->bytes; at += MEMORY_SECTOR) {
			bool keep = how == 1 || (how == 2 && memory_random(d) % 2 == 0);
			size_t n = f->bytes - at < MEMORY_SECTOR ? f->bytes - at : MEMORY_SECTOR;
			if (!keep)
				memcpy(f->now + at, f->safe + at, n);
		}
		if (how == 0)
			f->bytes = f->safe_bytes;
		if (f->bytes > 0)
			memcpy(f->safe, f->now, f->bytes);
		f->dirty_from = f->dirty_to = 0;
		f->safe_bytes = f->bytes;
	}
	memory_settle_names(d);
	memory_collect(d);
	d->stop_at = d->fail_at = 0;
	d->locked = false;
}

/* For damage: the bytes of a file, or NULL. */
static inline struct memory_file *memory_disk_file(struct memory_disk *d, const char *name)
{
	struct memory_name *n = memory_find(d, name);
	return n ? &d->files[n->file] : NULL;
}
#endif
