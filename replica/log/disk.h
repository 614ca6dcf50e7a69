/* replica/log/disk.h - the files of one folder, behind a table of functions: the log and the superblock touch nothing else of the world.
 *
 * Names are plain file names within the folder. Every function returns 0 (or a count) or a negative errno. The table for real files is in disk_posix.c;
 * the simulator and the tests bring their own, which lose what was not flushed. */
#ifndef REPLICA_LOG_DISK_H
#define REPLICA_LOG_DISK_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DISK_NAME_MAX 64u

typedef void (*disk_list_fn)(void *arg, const char *name);

struct log_disk {
	void *user;
	/* Opens a file for reading and writing; `create` demands that it does not exist (-EEXIST). The handle is closed by `close`. It follows the file
	 * when that is renamed. */
	int (*open)(void *user, const char *name, bool create, int *handle);
	void (*close)(void *user, int handle);
	int (*size)(void *user, int handle, uint64_t *bytes);
	/* Bytes read: fewer than `n` only at the end of the file. */
	int64_t (*pread)(void *user, int handle, void *out, size_t n, uint64_t offset);
	/* All of it, or an error after which the file's content is unknown. */
	int (*pwrite)(void *user, int handle, const void *bytes, size_t n, uint64_t offset);
	int (*sync)(void *user, int handle);
	int (*rename)(void *user, const char *from, const char *to);
	int (*unlink)(void *user, const char *name);
	/* Every name in the folder but "." and ".."; the order is not defined. */
	int (*list)(void *user, disk_list_fn fn, void *arg);
	int (*sync_folder)(void *user);
	/* Keeps a second process out of the folder until this one ends or closes it; -EWOULDBLOCK when somebody is in. */
	int (*lock)(void *user, const char *name);
};

/* Real files in `path`, which must exist. Errors: -errno. Threads: any; each call stands alone. */
int disk_posix_open(struct log_disk *disk, const char *path);
void disk_posix_close(struct log_disk *disk);
#endif
