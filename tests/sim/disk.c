/* The disk under a replica's log: what is flushed when, what fails, and what happens to a folder whose replica is down. */
#include "tests/sim/sim.h"

#include <unistd.h>

#define FREE_INCARNATION 1u /* superblock.free[]: as replica/folder.c has it */
#define FULL_AGAIN_MS 100u

static struct log_disk disk_of(struct node *d)
{
	return memory_disk_table(d->disk);
}

static void at(struct node *d, uint64_t in_ms, enum sim_event_kind kind, uint64_t value)
{
	sim_at(d->sim, (struct sim_event){ .at = d->sim->now + in_ms, .kind = kind, .node = d->place, .from = d->place, .boot = d->boot, .value = value });
}

/* ---- writing ---- */

/* The log is final after a failed write or flush: the replica stops, and what the disk holds of that group nobody knows. */
static void refused(struct node *d)
{
	log_group_done(d->log, false);
	driver_fail(d->driver, "the disk refused a write or a flush of the log");
	d->stops = true;
}

static bool refuses(struct node *d, const char *what)
{
	struct sim *s = d->sim;
	return !s->calm && s->disks_fail && rng_below(&s->faults.plan[FAULT_DISK_FAILS], 3000) == 0 &&
	       fault(s, FAULT_DISK_FAILS, "a %s of replica %u's log fails, and it stops", what, d->id);
}

/* Somewhere else in the same segment, instead of where it belongs. */
static uint64_t misdirected(struct node *d, const struct log_io *io)
{
	struct sim *s = d->sim;
	struct rng *plan = &s->faults.plan[FAULT_MISDIRECTED];
	uint64_t bytes = d->disk->files[io->handle].bytes, blocks = (bytes - io->n) / LOG_BLOCK_BYTES;
	uint64_t to = blocks ? (1 + rng_below(plan, (uint32_t)blocks)) * LOG_BLOCK_BYTES : io->offset;
	if (!d->forgetful || d->rolled_back || s->calm || rng_below(plan, 1200) || to == io->offset || to + io->n > bytes ||
	    !fault(s, FAULT_MISDIRECTED, "a write of replica %u's log goes to another place", d->id))
		return io->offset;
	d->rolled_back = true;
	return to;
}

/* The next segment is made ahead. When there is no room for it, the replica takes no new work, and looks again. */
static void prepare(struct node *d)
{
	bool was = d->low_space;
	log_prepare(d->log);
	d->low_space = log_low_space(d->log);
	driver_space(d->driver, DRIVER_DISK_LOG, d->low_space);
	if (d->low_space && !d->space_event) {
		d->space_event = true;
		at(d, FULL_AGAIN_MS, SIM_SPACE, 0);
	}
	if (d->low_space != was) {
		d->sim->refusals += d->low_space;
		at(d, 1, SIM_TICK, 0);
	}
}

static void mark(struct node *d)
{
	struct log_io io;
	struct log_disk disk = disk_of(d);
	if (!log_mark(d->log, &io))
		return;
	disk.pwrite(disk.user, io.handle, io.bytes, io.n, io.offset);
	disk.sync(disk.user, io.handle);
	log_group_done(d->log, true);
}

void disk_tries_again(struct node *d)
{
	d->space_event = false;
	if (!d->flushing)
		mark(d);
	log_reclaim_retry(d->log);
	d->flush_wanted = true;
}

void disk_flush(struct node *d)
{
	struct sim *s = d->sim;
	struct log_io io;
	if (d->flushing || !d->flush_wanted || d->stops)
		return;
	prepare(d);
	if (log_queue_empty(d->log) || !log_group_take(d->log, &io))
		return;
	d->flush_wanted = !log_queue_empty(d->log); /* a segment's end may leave the rest for the next group */
	struct log_disk disk = disk_of(d);
	if (refuses(d, "write")) {
		refused(d);
		return;
	}
	if (disk.pwrite(disk.user, io.handle, io.bytes, io.n, misdirected(d, &io)) != 0) {
		sim_fail(s, "the simulated disk refuses a write");
		return;
	}
	d->flushing = true;
	uint32_t slow = !s->calm && rng_chance(&s->rng, 3) && fault_small(s, FAULT_SLOW_FLUSH) ? 200 : 4;
	at(d, 1 + rng_below(&s->rng, slow), SIM_FLUSHED, (uint64_t)io.handle);
}

void disk_flushed(struct node *d, int handle)
{
	struct log_disk disk = disk_of(d);
	d->flushing = false;
	if (refuses(d, "flush")) {
		refused(d);
		return;
	}
	log_group_done(d->log, disk.sync(disk.user, handle) == 0);
	driver_durable(d->driver, log_durable_lsn(d->log));
	/* Sometimes nothing follows: the marker says that all is flushed. */
	if (log_queue_empty(d->log) && rng_chance(&d->sim->rng, 20))
		mark(d);
}

/* ---- room ---- */

void disk_fills(struct node *d, bool full)
{
	if (full)
		d->disk->space = memory_used(d->disk);
	else
		d->disk->space = 0;
}

/* ---- the superblock ---- */

bool disk_superblock(struct node *d, bool formatted)
{
	struct log_disk disk = disk_of(d);
	d->superblock.free[FREE_INCARNATION] = d->incarnation;
	d->superblock.formatted |= formatted;
	return superblock_write(&disk, &d->superblock) == SUPERBLOCK_OK;
}

/* Until it is let in again it is known by this number, and its operators by that it observes. */
void disk_memory_lost(struct node *d)
{
	d->noticed = true;
	if (!d->incarnation)
		d->incarnation = rng_next(&d->sim->rng) | 1;
	operator_wanted(d);
	(void)disk_superblock(d, false);
}

/* As replica/folder.c judges: what the superblock says, and whether damage can still matter. */
bool disk_judge(struct node *d, const struct damage *damage, bool damaged, const char *reason)
{
	struct sim *s = d->sim;
	struct log_disk disk = disk_of(d);
	enum superblock_result r = superblock_read(&disk, &d->superblock);
	if (r != SUPERBLOCK_OK)
		return sim_fail(s, "node %u: %s", d->id, superblock_text(r));
	d->incarnation = d->superblock.free[FREE_INCARNATION];
	bool lost = !d->superblock.formatted || (damaged && !damage_overtaken(damage, s->genesis.limits.window));
	if (damaged) {
		sim_trace(s, "node %u: %s%s", d->id, reason, lost ? "" : "; later checkpoints overtook it");
		s->damaged++;
		if (!d->rolled_back && !d->liar.lies)
			return sim_fail(s, "node %u: a crash left a log that looks damaged: %s", d->id, reason);
	}
	if (lost)
		disk_memory_lost(d);
	/* Its status says so too where only the older slot is left, and another word was given since (trusted seed 11474). */
	if (d->incarnation)
		operator_wanted(d);
	return disk_superblock(d, false);
}

/* ---- a folder at rest ---- */

void disk_format(struct node *d, bool formatted)
{
	struct sim *s = d->sim;
	char why[LOG_REASON_BYTES];
	d->disk = memory_disk_create(s->seed * 100 + d->place);
	struct log_options o = { .cluster = s->cluster, .salt = s->seed, .segment_bytes = 128u << 10 };
	if (rng_chance(&s->rng, 50))
		o.segment_bytes = 512u << 10;
	struct log_disk disk = disk_of(d);
	if (log_format(&disk, &o, why) != LOG_OK)
		sim_fail(s, "format: %s", why);
	d->superblock = (struct superblock){ .cluster = s->cluster, .member = s->genesis.cards[d->id].member_key, .formatted = formatted };
	if (superblock_format(&disk, &d->superblock) != SUPERBLOCK_OK)
		sim_fail(s, "the superblock cannot be formatted");
	memory_disk_power_loss(d->disk, 1);
}

static struct memory_disk *copy_disk(const struct memory_disk *from)
{
	struct memory_disk *to = malloc(sizeof *to);
	if (!to)
		abort();
	*to = *from;
	for (uint32_t i = 0; i < MEMORY_FILES; i++) {
		struct memory_file *f = &to->files[i];
		if (!f->capacity)
			continue;
		f->now = malloc(f->capacity);
		f->safe = malloc(f->capacity);
		if (!f->now || !f->safe)
			abort();
		memcpy(f->now, from->files[i].now, f->capacity);
		memcpy(f->safe, from->files[i].safe, f->capacity);
	}
	return to;
}

static void copy_file(const char *from, const char *to)
{
	FILE *in = fopen(from, "rb"), *out = fopen(to, "wb");
	char part[1 << 16];
	size_t n;
	if (!in || !out)
		abort();
	while ((n = fread(part, 1, sizeof part, in)) > 0)
		if (fwrite(part, 1, n, out) != n)
			abort();
	fclose(in);
	fclose(out);
}

/* An operator who has lost the folder, and says so: it begins as an observer. */
void disk_empty(struct node *d)
{
	char path[160];
	memory_disk_destroy(d->disk);
	disk_format(d, false);
	unlink(d->state_path);
	snprintf(path, sizeof path, "%s-next", d->state_path);
	unlink(path);
	d->rotten = false;
	d->rolled_back = true;
}

void disk_renew(struct node *d)
{
	disk_empty(d);
	disk_superblock(d, true);
	d->rolled_back = d->noticed = d->readmitted = d->wanted = false;
	d->incarnation = 0;
	d->must_notice = 0;
	d->fetches_since = 0;
	d->seen = (struct standing){ 0 };
	free(d->bound);
	d->bound = NULL;
}

/* One of the log's files that holds something. */
static struct memory_file *some_segment(struct node *d, struct rng *plan)
{
	for (uint32_t tries = 0; tries < 64; tries++) {
		const struct memory_name *name = &d->disk->names[rng_below(plan, MEMORY_NAMES)];
		if (name->file >= 0 && strncmp(name->name, SUPERBLOCK_NAME, strlen(SUPERBLOCK_NAME)) != 0 && d->disk->files[name->file].bytes)
			return &d->disk->files[name->file];
	}
	return NULL;
}

static void flip_at(struct memory_file *f, size_t place, uint32_t bit)
{
	f->now[place] ^= (uint8_t)(1u << bit);
	f->safe[place] = f->now[place];
}

/* Where something was written, if that can be found: most of a segment may still be zeros. */
static void flip_bits(struct node *d)
{
	struct rng *plan = &d->sim->faults.plan[FAULT_BITS];
	struct memory_file *f = some_segment(d, plan);
	for (uint32_t bits = 1 + rng_below(plan, 3); f && bits; bits--) {
		size_t place = rng_below(plan, (uint32_t)f->bytes);
		for (uint32_t tries = 0; tries < 200 && !f->now[place]; tries++)
			place = rng_below(plan, (uint32_t)f->bytes);
		flip_at(f, place, rng_below(plan, 8));
	}
}

/* In one of the two slots: the other one is as good, or a little older. */
static void flip_superblock(struct node *d)
{
	struct sim *s = d->sim;
	struct rng *plan = &s->faults.plan[FAULT_SUPERBLOCK];
	uint32_t place = rng_below(plan, 2 * SUPERBLOCK_SLOT_BYTES), bit = rng_below(plan, 8);
	if (!rng_chance(plan, 10) || s->calm || !fault(s, FAULT_SUPERBLOCK, "a bit flips in replica %u's superblock", d->id))
		return;
	struct memory_file *f = memory_disk_file(d->disk, SUPERBLOCK_NAME);
	if (f && place < f->bytes)
		flip_at(f, place, bit);
}

/* An operator who puts an older copy of the folder back. */
static void older_folder(struct node *d, struct rng *plan)
{
	struct sim *s = d->sim;
	char path[160];
	snprintf(path, sizeof path, "%s-backup", d->state_path);
	if (!d->backup) {
		d->backup = copy_disk(d->disk);
		copy_file(d->state_path, path);
	} else if (rng_chance(plan, 80) && fault(s, FAULT_OLD_FOLDER, "replica %u gets an older folder", d->id)) {
		bool full = d->disk->space != 0; /* the disk is, whatever was so when the copy was made */
		memory_disk_destroy(d->disk);
		d->disk = d->backup;
		disk_fills(d, full);
		d->backup = NULL;
		d->rolled_back = true;
		copy_file(path, d->state_path);
		unlink(path);
	}
}

/* Of those who lose their memory one is enough: with the liars they are at most f. */
static void memory_goes(struct node *d)
{
	struct sim *s = d->sim;
	struct rng *plan = &s->faults.plan[FAULT_OLD_FOLDER];
	uint32_t how = rng_below(plan, 100);
	if (how < 10 && fault(s, FAULT_EMPTY_FOLDER, "replica %u gets an empty folder", d->id)) {
		disk_empty(d);
	} else if (how >= 10 && how < 25 && fault(s, FAULT_BITS, "bits flip in replica %u's log", d->id)) {
		d->rolled_back = true;
		flip_bits(d);
	} else if (how >= 25) {
		older_folder(d, plan);
	}
}

/* Its replica is down. */
void disk_rests(struct node *d)
{
	flip_superblock(d);
	if (d->forgetful && !d->rolled_back)
		memory_goes(d);
	state_rots(d);
}
