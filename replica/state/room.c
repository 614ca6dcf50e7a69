/* replica/state/room.c - disk space for the next commit, taken before it is needed: LMDB throws away a whole transaction when the disk is full at its end. */
#include "replica/state/store.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/statvfs.h>

#define ROOM_STEP ((uint64_t)4 << 20) /* kept ahead, so that the file system is seldom asked */
#define PAGE_BYTES 4096u
#define PAGES_PER_KEY 8u       /* that a touched key changes at most, on average: its entry, its name, its path in the tree */
#define GROWTH_PER_ENTRY 1024u /* of a new one in the tree and among the names                                              */

void room_note(struct state *s, size_t old_bytes, bool existed, size_t value_bytes)
{
	if (!existed)
		s->room.growth += GROWTH_PER_ENTRY;
	/* Large values lie in pages of their own, which are never written over. */
	if (value_bytes > PAGE_BYTES / 2)
		s->room.growth += value_bytes + PAGE_BYTES;
	else if (value_bytes > old_bytes)
		s->room.growth += 2 * (uint64_t)(value_bytes - old_bytes);
}

/* Above what is committed: every page that changes is written anew, at most all there are; and what grows. */
static uint64_t needed(const struct state *s, uint64_t pages)
{
	uint64_t changed = (uint64_t)s->touched.count * PAGES_PER_KEY;
	return (changed < pages ? changed : pages) * PAGE_BYTES + s->room.growth;
}

/* Where the file system cannot reserve, it is at least asked. */
static int reserve(int fd, uint64_t from, uint64_t to)
{
	struct statvfs fs;
	int e = fallocate(fd, FALLOC_FL_KEEP_SIZE, (off_t)from, (off_t)(to - from)) == 0 ? 0 : errno;
	if (e != EOPNOTSUPP && e != ENOSYS)
		return e;
	if (fstatvfs(fd, &fs) != 0)
		return errno;
	return (uint64_t)fs.f_bavail * fs.f_frsize >= to - from ? 0 : ENOSPC;
}

bool state_room(struct state *s, size_t coming)
{
	MDB_envinfo info;
	mdb_filehandle_t fd;
	if (s->failure != STATE_OK || mdb_env_info(s->env, &info) != 0 || mdb_env_get_fd(s->env, &fd) != 0)
		return true; /* that is told by whoever uses the state next */
	uint64_t pages = (uint64_t)info.me_last_pgno + 1, end = pages * PAGE_BYTES;
	uint64_t wanted = end + needed(s, pages) + 4 * (uint64_t)coming + ROOM_STEP / 2;
	if (wanted <= s->room.reserved)
		return true;
	uint64_t from = s->room.reserved > end ? s->room.reserved : end;
	int e = reserve(fd, from, wanted + ROOM_STEP / 2);
	if (e == 0)
		s->room.reserved = wanted + ROOM_STEP / 2;
	return e != ENOSPC && e != EDQUOT && e != EFBIG;
}
