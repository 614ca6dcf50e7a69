#include "replica/folder.h"
#include "replica/damage.h"

#include "bft/proposal.h"
#include "bft/quorum.h"
#include "bft/records.h"
#include "replica/driver.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATH_BYTES 4096u
#define STATE_BYTES_DEFAULT ((size_t)16 << 30)
/* superblock.free[]: */
#define FREE_MEMORY_LOST 0u
#define FREE_INCARNATION 1u
enum memory_lost { MEMORY_SHOWN = 1, MEMORY_DAMAGED, MEMORY_POWER };

static enum quorate_error fail(char *reason, enum quorate_error error, const char *path, const char *sentence)
{
	if (reason)
		snprintf(reason, QUORATE_REASON_BYTES, "%.250s: %.250s", path, sentence);
	return error;
}

static bool path_of(char out[PATH_BYTES], const char *folder, const char *name)
{
	int n = snprintf(out, PATH_BYTES, "%s/%s", folder, name);
	return n > 0 && (size_t)n < PATH_BYTES;
}

static void boot_id(char out[SUPERBLOCK_BOOT_ID_BYTES])
{
	memset(out, 0, SUPERBLOCK_BOOT_ID_BYTES);
	FILE *f = fopen("/proc/sys/kernel/random/boot_id", "re");
	if (!f)
		return; /* unknown: zeros, which equal no other boot */
	size_t n = fread(out, 1, SUPERBLOCK_BOOT_ID_BYTES, f);
	if (n != SUPERBLOCK_BOOT_ID_BYTES)
		memset(out, 0, SUPERBLOCK_BOOT_ID_BYTES);
	fclose(f);
}

/* ---- format ---- */

static enum quorate_error make_folders(const char *path, char log_path[PATH_BYTES], char *reason)
{
	char state_path[PATH_BYTES];
	if (!path_of(log_path, path, "log") || !path_of(state_path, path, "state"))
		return fail(reason, QUORATE_CONFIG, path, "the path is too long");
	const char *const all[] = { path, log_path, state_path };
	for (size_t i = 0; i < 3; i++)
		if (mkdir(all[i], 0700) != 0 && errno != EEXIST)
			return fail(reason, QUORATE_FAILED, all[i], strerror(errno));
	return QUORATE_OK;
}

static enum quorate_error lock_folder(const struct log_disk *disk, const char *path, char *reason)
{
	int r = disk->lock(disk->user, "lock");
	if (r == 0)
		return QUORATE_OK;
	return r == -EWOULDBLOCK ? fail(reason, QUORATE_CONFIG, path, "another running process uses this folder")
	                         : fail(reason, QUORATE_FAILED, path, strerror(-r));
}

static enum quorate_error format_files(const struct log_disk *disk, const char *path, struct superblock *sb, const struct quorate_options *o, char *reason)
{
	struct superblock there;
	char why[LOG_REASON_BYTES];
	enum superblock_result found = superblock_read(disk, &there);
	if (found != SUPERBLOCK_NONE)
		return fail(reason, QUORATE_CONFIG, path, "it is formatted already; a data folder is formatted once");
	struct log_options options = { .cluster = sb->cluster, .segment_bytes = o->segment_bytes ? o->segment_bytes : LOG_SEGMENT_BYTES_DEFAULT };
	if (getrandom(&options.salt, sizeof options.salt, 0) != sizeof options.salt)
		return fail(reason, QUORATE_FAILED, path, "the machine gives no random bytes");
	enum log_result r = log_format(disk, &options, why);
	if (r == LOG_ERR_EXISTS)
		return fail(reason, QUORATE_CONFIG, path,
		            "there is a log without a superblock: move it away, then 'quorate format' if this replica has never run, "
		            "'quorate format --lost' if it has");
	if (r != LOG_OK)
		return fail(reason, r == LOG_ERR_REFUSED ? QUORATE_CONFIG : QUORATE_FAILED, path, why);
	enum superblock_result s = superblock_format(disk, sb);
	return s == SUPERBLOCK_OK ? QUORATE_OK : fail(reason, QUORATE_FAILED, path, superblock_text(s));
}

struct folder_needs folder_needs(const struct bft_genesis *genesis)
{
	const struct bft_genesis_limits *l = &genesis->limits;
	size_t proposal = PROPOSAL_BYTES(l->proposal_bundles_max) + (size_t)l->proposal_bundles_max * (4u + SIGNATURE_BYTES) + l->proposal_bytes_max;
	size_t certificate = CERTIFICATE_HEAD_BYTES + quorum_of(genesis->mode, genesis->count) * CERTIFICATE_SIGNER_BYTES_MAX;
	size_t view_change = BFT_RECORD_BYTES_MAX + (l->window + 1) * certificate;
	return (struct folder_needs){ .window = l->window,
		                      .segment_bytes_min = log_segment_bytes_for((uint32_t)(proposal > view_change ? proposal : view_change)),
		                      .queue_bytes = (size_t)l->window * l->proposal_bytes_max + ((size_t)64 << 20) };
}

static enum quorate_error segment_check(uint32_t bytes, uint32_t min, const char *path, char *reason)
{
	char sentence[120];
	if (bytes >= min)
		return QUORATE_OK;
	snprintf(sentence, sizeof sentence, "a log segment of %u KiB cannot hold the largest record of this cluster: segment_size must be %u KiB or more",
	         bytes / 1024, min / 1024);
	return fail(reason, QUORATE_CONFIG, path, sentence);
}

enum quorate_error folder_format(const char *path, const struct digest *cluster, const struct public_key *member, const struct folder_needs *needs,
                                 const struct quorate_options *options, char *reason)
{
	char log_path[PATH_BYTES];
	struct log_disk disk;
	enum quorate_error error =
		segment_check(options->segment_bytes ? options->segment_bytes : LOG_SEGMENT_BYTES_DEFAULT, needs->segment_bytes_min, path, reason);
	if (error == QUORATE_OK)
		error = make_folders(path, log_path, reason);
	if (error != QUORATE_OK)
		return error;
	int r = disk_posix_open(&disk, log_path);
	if (r != 0)
		return fail(reason, QUORATE_FAILED, log_path, strerror(-r));
	struct superblock sb = {
		.cluster = *cluster, .member = *member, .formatted = !options->lost, .clean = true, .durability = (uint8_t)options->durability
	};
	boot_id(sb.boot_id);
	error = lock_folder(&disk, path, reason);
	if (error == QUORATE_OK)
		error = format_files(&disk, path, &sb, options, reason);
	disk_posix_close(&disk);
	return error;
}

/* ---- open ---- */

static enum quorate_error read_superblock(struct folder *f, const char *path, const struct digest *cluster, const struct public_key *member, char *reason)
{
	enum superblock_result r = superblock_read(&f->disk, &f->superblock);
	if (r == SUPERBLOCK_NONE)
		return fail(reason, QUORATE_CONFIG, path,
		            "it holds no replica: 'quorate format' prepares it if this replica has never run, "
		            "'quorate format --lost' if it ran before and its data is gone");
	if (r == SUPERBLOCK_VERSION_UNKNOWN)
		return fail(reason, QUORATE_CONFIG, path, superblock_text(r));
	if (r != SUPERBLOCK_OK)
		return fail(reason, QUORATE_FAILED, path, superblock_text(r));
	if (!digest_equal(&f->superblock.cluster, cluster))
		return fail(reason, QUORATE_CONFIG, path, "it belongs to another cluster than the genesis");
	if (!public_key_equal(&f->superblock.member, member))
		return fail(reason, QUORATE_CONFIG, path, "it belongs to another replica than the member key");
	return QUORATE_OK;
}

static enum state_result open_whole(struct state **out, const char *file, const struct state_options *options, char why[STATE_REASON_BYTES])
{
	enum state_result r = state_open(out, file, options, why);
	if (r == STATE_OK)
		r = state_audit(*out, why);
	if (r != STATE_OK) {
		state_close(*out);
		*out = NULL;
	}
	return r;
}

/* A damaged one may be lost: what was executed is in the log, or comes from the others. A wrong value that stayed would be answered, and later be a contradiction. */
static enum state_result open_or_drop(struct state **out, const char *file, const struct state_options *options, char lost[STATE_REASON_BYTES],
                                      char why[STATE_REASON_BYTES])
{
	enum state_result r = open_whole(out, file, options, why);
	if (r != STATE_ERR_DAMAGED || state_drop(file) != 0)
		return r;
	memcpy(lost, why, STATE_REASON_BYTES);
	return state_open(out, file, options, why);
}

static enum quorate_error open_state(struct folder *f, const char *path, const struct quorate_options *o, char *reason)
{
	char why[STATE_REASON_BYTES] = "";
	if (!path_of(f->state_path, path, "state/state.mdb") || !path_of(f->next_path, path, "state/next.mdb"))
		return fail(reason, QUORATE_CONFIG, path, "the path is too long");
	f->state_options = (struct state_options){ .map_bytes = o->state_bytes ? o->state_bytes : STATE_BYTES_DEFAULT };
	enum state_result r = open_or_drop(&f->state, f->state_path, &f->state_options, f->state_lost, why);
	return r == STATE_OK ? QUORATE_OK : fail(reason, QUORATE_FAILED, f->state_path, why);
}

enum quorate_error folder_open(struct folder *f, const char *path, const struct digest *cluster, const struct public_key *member,
                               const struct quorate_options *options, char *reason)
{
	char log_path[PATH_BYTES];
	*f = (struct folder){ .recovery = BFT_RECOVERY_WHOLE };
	if (!path_of(log_path, path, "log"))
		return fail(reason, QUORATE_CONFIG, path, "the path is too long");
	int r = disk_posix_open(&f->disk, log_path);
	if (r == -ENOENT)
		return fail(reason, QUORATE_CONFIG, path,
		            "it holds no replica: 'quorate format' prepares it if this replica has never run, "
		            "'quorate format --lost' if it ran before and its data is gone");
	if (r != 0)
		return fail(reason, QUORATE_CONFIG, log_path, strerror(-r));
	f->disk_open = true;
	enum quorate_error error = lock_folder(&f->disk, path, reason);
	if (error == QUORATE_OK)
		error = read_superblock(f, path, cluster, member, reason);
	if (error == QUORATE_OK)
		error = open_state(f, path, options, reason);
	if (error != QUORATE_OK)
		folder_close(f, false);
	return error;
}

/* ---- recovery ---- */

/* A new one for each loss: an organization's word for an older one lets nobody in. */
static void draw_incarnation(struct superblock *sb)
{
	uint64_t *at = &sb->free[FREE_INCARNATION];
	while (*at == 0)
		if (getrandom(at, sizeof *at, 0) != sizeof *at)
			*at = 0;
}

/* Until it is let in again: a later start knows no more than this one. */
static void lost(struct folder *f, enum memory_lost how)
{
	static const char *const text[] = {
		[MEMORY_SHOWN] = "another replica held a statement of this one that its log lacks",
		[MEMORY_DAMAGED] = "the log was damaged where it may have held what this replica signed",
		[MEMORY_POWER] = "the machine went down under 'durability: os': what the kernel still held is gone",
	};
	f->recovery = BFT_RECOVERY_LOST;
	f->superblock.free[FREE_MEMORY_LOST] = how;
	draw_incarnation(&f->superblock);
	snprintf(f->why_lost, sizeof f->why_lost, "%s", how <= MEMORY_POWER ? text[how] : text[MEMORY_SHOWN]);
}

static bool same_boot(const struct superblock *sb)
{
	char now[SUPERBLOCK_BOOT_ID_BYTES];
	boot_id(now);
	return now[0] && memcmp(now, sb->boot_id, sizeof now) == 0;
}

static void judge(struct folder *f, const struct damage *v, const struct log_report *report, uint32_t window)
{
	const struct superblock *sb = &f->superblock;
	if (!sb->formatted) {
		f->recovery = BFT_RECOVERY_LOST;
		draw_incarnation(&f->superblock);
		snprintf(f->why_lost, sizeof f->why_lost, "this folder was formatted for a replica that had lost its data");
	} else if (sb->free[FREE_MEMORY_LOST]) {
		lost(f, (enum memory_lost)sb->free[FREE_MEMORY_LOST]);
	} else if (report->class == LOG_DAMAGED && !damage_overtaken(v, window)) {
		lost(f, MEMORY_DAMAGED);
		bft_seq from, to;
		damage_place(v, &from, &to);
		snprintf(f->why_lost, sizeof f->why_lost, "%.180s, around sequences %llu to %llu", report->reason, (unsigned long long)from,
		         (unsigned long long)to);
	} else if (sb->durability == SUPERBLOCK_OS && !sb->clean && !same_boot(sb)) {
		lost(f, MEMORY_POWER);
	}
}

enum quorate_error folder_recover(struct folder *f, struct driver *d, const struct digest *cluster, const struct quorate_options *options,
                                  const struct folder_needs *needs, char *reason)
{
	struct log_report report;
	struct damage visit = { .driver = d, .report = &report };
	struct log_options log_options = { .cluster = *cluster, .segment_bytes = LOG_SEGMENT_BYTES_DEFAULT, .queue_bytes = needs->queue_bytes };
	enum log_result r = log_open(&f->log, &f->disk, &log_options, damage_visit, &visit, &report);
	if (r != LOG_OK) {
		const char *why = driver_trouble(d)[0] ? driver_trouble(d) : report.reason[0] ? report.reason : log_text(r);
		return fail(reason, r == LOG_ERR_REFUSED || r == LOG_ERR_NONE ? QUORATE_CONFIG : QUORATE_FAILED, options->data, why);
	}
	enum quorate_error error = segment_check(log_segment_bytes(f->log), needs->segment_bytes_min, options->data, reason);
	if (error != QUORATE_OK)
		return error;
	f->last_lsn = report.last_lsn;
	judge(f, &visit, &report, needs->window);
	bft_seq from, to;
	damage_place(&visit, &from, &to);
	driver_damage(d, from, to);
	f->superblock.clean = false;
	f->superblock.durability = (uint8_t)options->durability;
	f->superblock.lowest_segment = log_lowest_segment(f->log);
	boot_id(f->superblock.boot_id);
	enum superblock_result s = superblock_write(&f->disk, &f->superblock);
	return s == SUPERBLOCK_OK ? QUORATE_OK : fail(reason, QUORATE_FAILED, options->data, superblock_text(s));
}

struct state *folder_transfer_open(struct folder *f)
{
	char why[STATE_REASON_BYTES] = "", lost[STATE_REASON_BYTES];
	if (f->next)
		return f->next;
	/* What is there already was fetched by an earlier run. */
	if (access(f->next_path, F_OK) != 0 && state_meta(f->state).seq && state_copy(f->state, f->next_path) != 0)
		(void)state_drop(f->next_path);
	if (open_or_drop(&f->next, f->next_path, &f->state_options, lost, why) != STATE_OK)
		f->next = NULL;
	return f->next;
}

static bool sync_parent(const char *file)
{
	char folder[PATH_BYTES];
	snprintf(folder, sizeof folder, "%s", file);
	char *slash = strrchr(folder, '/');
	if (!slash)
		return false;
	*slash = 0;
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool ok = fd >= 0 && fsync(fd) == 0;
	if (fd >= 0)
		close(fd);
	return ok;
}

struct state *folder_transfer_install(struct folder *f)
{
	char why[STATE_REASON_BYTES], lock[PATH_BYTES + 8];
	state_close(f->next);
	state_close(f->state);
	f->next = f->state = NULL;
	snprintf(lock, sizeof lock, "%s-lock", f->next_path);
	if (rename(f->next_path, f->state_path) != 0 || !sync_parent(f->state_path))
		return NULL;
	(void)unlink(lock);
	if (state_open(&f->state, f->state_path, &f->state_options, why) != STATE_OK)
		f->state = NULL;
	return f->state;
}

uint64_t folder_memory_lost(struct folder *f)
{
	f->superblock.free[FREE_MEMORY_LOST] = MEMORY_SHOWN;
	draw_incarnation(&f->superblock);
	(void)superblock_write(&f->disk, &f->superblock); /* if it fails, the recall finds it out again */
	return folder_incarnation(f);
}

uint64_t folder_incarnation(const struct folder *f)
{
	return f->superblock.free[FREE_INCARNATION];
}

bool folder_readmitted(struct folder *f)
{
	f->superblock.free[FREE_MEMORY_LOST] = f->superblock.free[FREE_INCARNATION] = 0;
	f->superblock.formatted = true;
	return superblock_write(&f->disk, &f->superblock) == SUPERBLOCK_OK;
}

void folder_close(struct folder *f, bool clean)
{
	state_close(f->next);
	state_close(f->state);
	log_close(f->log);
	if (f->disk_open && clean) {
		f->superblock.clean = true;
		(void)superblock_write(&f->disk, &f->superblock);
	}
	if (f->disk_open)
		disk_posix_close(&f->disk);
	*f = (struct folder){ 0 };
}
