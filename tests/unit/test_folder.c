/* A replica's data folder: prepared once, whose it is, who uses it, and what its log is worth after whatever happened to it. On the real disk. */
#include "bft/pbft/records.h"
#include "bft/quorum.h"
#include "replica/driver.h"
#include "replica/folder.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define WINDOW 8u
#define K 2u

static char parent[64], path[96], reason[QUORATE_REASON_BYTES];
static struct digest cluster, other_cluster;
static struct public_key member, other_member;
static struct quorate_options options;
static struct folder_needs needs;
static struct folder f;
static struct driver *driver;
static uint64_t lsn;

static int remove_one(const char *at, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(at);
}

static void remove_all(const char *at)
{
	nftw(at, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void begin(void)
{
	snprintf(parent, sizeof parent, "/tmp/test-folder-XXXXXX");
	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(parent));
	snprintf(path, sizeof path, "%s/data", parent);
	memset(cluster.b, 1, sizeof cluster.b);
	memset(other_cluster.b, 2, sizeof other_cluster.b);
	memset(member.b, 3, sizeof member.b);
	memset(other_member.b, 4, sizeof other_member.b);
	needs = (struct folder_needs){ .window = WINDOW, .segment_bytes_min = 16u << 10, .queue_bytes = 1u << 20 };
	options = (struct quorate_options){ .data = path, .segment_bytes = 64u << 10, .state_bytes = 8u << 20 };
	memset(&f, 0, sizeof f);
	lsn = 0;
}

static void end(void)
{
	remove_all(parent);
}

static bool says(const char *what)
{
	return strstr(reason, what) != NULL;
}

static enum quorate_error format(void)
{
	reason[0] = 0;
	return folder_format(path, &cluster, &member, &needs, &options, reason);
}

static enum quorate_error open_as(const struct digest *c, const struct public_key *m)
{
	reason[0] = 0;
	return folder_open(&f, path, c, m, &options, reason);
}

static enum quorate_error open_it(void)
{
	return open_as(&cluster, &member);
}

static void file_in(char out[160], const char *name)
{
	snprintf(out, 160, "%s/%s", path, name);
}

/* ---- a driver that only reads ---- */

static void note(void *user, enum quorate_level level, const char *line)
{
	(void)user;
	(void)level;
	(void)line;
}

static int execute(void *user, const struct quorate_call *call, struct quorate_reply *reply)
{
	(void)user;
	(void)call;
	(void)reply;
	return 0;
}

static enum quorate_error recover(void)
{
	static struct bft_genesis genesis;
	static const struct quorate_app app = { .execute = execute };
	memset(&genesis, 0, sizeof genesis);
	genesis.mode = BFT_MODE_BFT;
	genesis.count = 4;
	for (uint8_t i = 0; i < 4; i++)
		genesis.cards[i].member_key.b[0] = i;
	genesis_limits_default(&genesis.limits);
	genesis.limits.window = WINDOW;
	genesis.limits.checkpoint_every = K;
	struct driver_options o = { .genesis = &genesis,
		                    .cluster = cluster,
		                    .scheme = &sign_ed25519,
		                    .requests_max = 16,
		                    .memory_bytes = 1u << 20,
		                    .app = &app,
		                    .state = f.state,
		                    .env = { .note = note } };
	driver = driver_create(&o);
	CU_ASSERT_PTR_NOT_NULL_FATAL(driver);
	reason[0] = 0;
	enum quorate_error error = folder_recover(&f, driver, &cluster, &options, &needs, reason);
	lsn = f.last_lsn;
	return error;
}

static void leave(bool clean)
{
	driver_destroy(driver);
	driver = NULL;
	folder_close(&f, clean);
}

static void start(void)
{
	CU_ASSERT_EQUAL_FATAL(open_it(), QUORATE_OK);
	CU_ASSERT_EQUAL_FATAL(recover(), QUORATE_OK);
}

/* What one start says that the log is worth. */
static enum bft_recovery worth(bool leave_clean)
{
	start();
	enum bft_recovery r = f.recovery;
	CU_ASSERT_EQUAL(f.why_lost[0] != 0, r == BFT_RECOVERY_LOST);
	snprintf(reason, sizeof reason, "%s", f.why_lost);
	leave(leave_clean);
	return r;
}

/* ---- records: each in a group of its own, one block ---- */

static void append(uint16_t type, bft_seq seq, const void *bytes, size_t n)
{
	struct iovec piece = { .iov_base = (void *)(uintptr_t)bytes, .iov_len = n };
	struct log_io io;
	CU_ASSERT_EQUAL_FATAL(log_append(f.log, type, BFT_MODE_BFT | 4u << 2, ++lsn, seq, &piece, 1, NULL), LOG_OK);
	log_prepare(f.log);
	CU_ASSERT_TRUE_FATAL(log_group_take(f.log, &io));
	CU_ASSERT_EQUAL_FATAL(f.disk.pwrite(f.disk.user, io.handle, io.bytes, io.n, io.offset), 0);
	log_group_done(f.log, true);
}

static void write_mark(void)
{
	struct log_io io;
	CU_ASSERT_TRUE_FATAL(log_mark(f.log, &io));
	CU_ASSERT_EQUAL_FATAL(f.disk.pwrite(f.disk.user, io.handle, io.bytes, io.n, io.offset), 0);
	log_group_done(f.log, true);
}

static void write_view(bft_view view)
{
	uint8_t bytes[128];
	struct bft_rec_view r = { .view = view, .entered = 1, .epoch = 1, .chain = cluster, .mode = BFT_MODE_BFT, .members = 0xf };
	append(PBFT_REC_VIEW, 0, bytes, pbft_record_encode(PBFT_REC_VIEW, &r, bytes, sizeof bytes));
}

static void write_vote(bft_seq seq)
{
	uint8_t bytes[64];
	struct pbft_rec_vote r = { .view = 0, .seq = seq };
	append(PBFT_REC_PREPARE, seq, bytes, pbft_record_encode(PBFT_REC_PREPARE, &r, bytes, sizeof bytes));
}

static void write_stable(bft_seq seq)
{
	static struct certificate c;
	static uint8_t bytes[CERTIFICATE_BYTES_MAX];
	static const struct signature none;
	memset(&c, 0, sizeof c);
	c.epoch = 1;
	c.kind = CERTIFICATE_CHECKPOINT;
	c.seq = seq;
	for (uint8_t i = 0; i < 3; i++)
		CU_ASSERT_TRUE(certificate_add(&c, i, NULL, 0, &none));
	append(PBFT_REC_STABLE, seq, bytes, certificate_encode(&c, bytes, sizeof bytes));
}

/* Ruins the group at `index` (from 0) of the first segment. */
static void ruin(uint32_t index)
{
	char name[160];
	static uint8_t bad[LOG_BLOCK_BYTES];
	memset(bad, 0xA5, sizeof bad);
	file_in(name, "log/seg-0000000000000001.log");
	int fd = open(name, O_WRONLY);
	CU_ASSERT_FATAL(fd >= 0);
	CU_ASSERT_EQUAL(pwrite(fd, bad, sizeof bad, (off_t)LOG_BLOCK_BYTES * (1 + index)), sizeof bad);
	close(fd);
}

/* ---- format ---- */

static void a_folder_is_formatted_once(void)
{
	begin();
	CU_ASSERT_EQUAL(format(), QUORATE_OK);
	struct stat st;
	CU_ASSERT_TRUE(stat(path, &st) == 0 && (st.st_mode & 0777) == 0700);
	CU_ASSERT_EQUAL(format(), QUORATE_CONFIG);
	CU_ASSERT_TRUE(says(path) && says("formatted already"));
	options.lost = true;
	CU_ASSERT_EQUAL(format(), QUORATE_CONFIG);
	options.lost = false;
	CU_ASSERT_EQUAL(worth(true), BFT_RECOVERY_WHOLE);
	end();
}

static void a_lost_folder_stays_lost(void)
{
	begin();
	options.lost = true;
	CU_ASSERT_EQUAL(format(), QUORATE_OK);
	options.lost = false;
	for (int i = 0; i < 3; i++) {
		CU_ASSERT_EQUAL(worth(i != 1), BFT_RECOVERY_LOST);
		CU_ASSERT_TRUE(says("lost its data"));
	}
	/* Formatting it now would forget that. */
	CU_ASSERT_EQUAL(format(), QUORATE_CONFIG);
	CU_ASSERT_EQUAL(worth(true), BFT_RECOVERY_LOST);
	end();
}

static void a_log_without_a_superblock_is_not_formatted(void)
{
	char name[160];
	begin();
	CU_ASSERT_EQUAL(format(), QUORATE_OK);
	file_in(name, "log/superblock");
	CU_ASSERT_EQUAL_FATAL(unlink(name), 0);
	CU_ASSERT_EQUAL(format(), QUORATE_CONFIG);
	CU_ASSERT_TRUE(says("without a superblock") && says("--lost"));
	options.lost = true;
	CU_ASSERT_EQUAL(format(), QUORATE_CONFIG);
	CU_ASSERT_EQUAL(open_it(), QUORATE_CONFIG);
	end();
}

static void a_segment_size_that_cannot_be_is_refused(void)
{
	begin();
	options.segment_bytes = 1000;
	CU_ASSERT_EQUAL(format(), QUORATE_CONFIG);
	CU_ASSERT_TRUE(strlen(reason) > 0);
	options.segment_bytes = 64u << 10;
	CU_ASSERT_EQUAL(format(), QUORATE_OK); /* nothing was left in the way */
	end();
}

/* Found by a full disk: what had waited went into one proposal of 4 MiB, and a replica whose segments held 1 MiB stopped for good. */
static void a_segment_holds_the_largest_record_of_its_cluster(void)
{
	static struct bft_genesis genesis;
	memset(&genesis, 0, sizeof genesis);
	genesis.count = 4;
	genesis_limits_default(&genesis.limits);
	struct folder_needs small = folder_needs(&genesis);
	CU_ASSERT(small.segment_bytes_min > genesis.limits.proposal_bytes_max && small.segment_bytes_min < genesis.limits.proposal_bytes_max + (64u << 10));
	genesis.count = BFT_MEMBERS_MAX;
	genesis.limits.window = BFT_WINDOW_MAX;
	genesis.limits.proposal_bytes_max = 1u << 16;
	struct folder_needs many = folder_needs(&genesis);
	CU_ASSERT(many.segment_bytes_min > BFT_WINDOW_MAX * quorum_strong(BFT_MEMBERS_MAX) * SIGNATURE_BYTES && many.segment_bytes_min < LOG_PAYLOAD_MAX);

	begin();
	needs.segment_bytes_min = options.segment_bytes + LOG_BLOCK_BYTES;
	CU_ASSERT_EQUAL(format(), QUORATE_CONFIG);
	CU_ASSERT_TRUE(says("a log segment of 64 KiB") && says("segment_size must be 68 KiB or more"));
	CU_ASSERT_EQUAL(access(path, F_OK), -1);
	/* One made by a release that did not look says so at its start, and keeps what it has. */
	needs.segment_bytes_min = options.segment_bytes;
	CU_ASSERT_EQUAL(format(), QUORATE_OK);
	needs.segment_bytes_min += LOG_BLOCK_BYTES;
	CU_ASSERT_EQUAL_FATAL(open_it(), QUORATE_OK);
	CU_ASSERT_EQUAL(recover(), QUORATE_CONFIG);
	CU_ASSERT_TRUE(says("segment_size must be 68 KiB or more"));
	leave(false);
	end();
}

static void a_place_that_cannot_be_made_is_said(void)
{
	begin();
	snprintf(path, sizeof path, "%s/not/there", parent);
	CU_ASSERT_EQUAL(format(), QUORATE_FAILED);
	CU_ASSERT_TRUE(says(path));
	end();
}

/* ---- whose ---- */

static void an_empty_folder_is_not_started(void)
{
	char name[160];
	begin();
	CU_ASSERT_EQUAL(open_it(), QUORATE_CONFIG); /* nothing at all */
	CU_ASSERT_TRUE(says("'quorate format'") && says("'quorate format --lost'"));
	CU_ASSERT_EQUAL(mkdir(path, 0700), 0);
	CU_ASSERT_EQUAL(open_it(), QUORATE_CONFIG);
	CU_ASSERT_TRUE(says("'quorate format'") && says("'quorate format --lost'"));
	file_in(name, "log");
	CU_ASSERT_EQUAL(mkdir(name, 0700), 0);
	CU_ASSERT_EQUAL(open_it(), QUORATE_CONFIG);
	CU_ASSERT_TRUE(says("'quorate format'") && says("'quorate format --lost'"));
	/* One that ran, and was emptied. */
	CU_ASSERT_EQUAL(format(), QUORATE_OK);
	CU_ASSERT_EQUAL(worth(true), BFT_RECOVERY_WHOLE);
	remove_all(path);
	CU_ASSERT_EQUAL(mkdir(path, 0700), 0);
	CU_ASSERT_EQUAL(open_it(), QUORATE_CONFIG);
	CU_ASSERT_TRUE(says("'quorate format --lost'"));
	end();
}

/* A superblock whose log is gone. */
static void a_log_that_is_gone_is_not_begun_anew(void)
{
	char name[160];
	begin();
	CU_ASSERT_EQUAL(format(), QUORATE_OK);
	file_in(name, "log/seg-0000000000000001.log");
	CU_ASSERT_EQUAL_FATAL(unlink(name), 0);
	CU_ASSERT_EQUAL(open_it(), QUORATE_OK);
	CU_ASSERT_EQUAL(recover(), QUORATE_CONFIG);
	CU_ASSERT_TRUE(strlen(reason) > 0);
	leave(false);
	end();
}

static void anothers_folder_is_not_started(void)
{
	begin();
	CU_ASSERT_EQUAL(format(), QUORATE_OK);
	CU_ASSERT_EQUAL(open_as(&other_cluster, &member), QUORATE_CONFIG);
	CU_ASSERT_TRUE(says("another cluster"));
	CU_ASSERT_EQUAL(open_as(&cluster, &other_member), QUORATE_CONFIG);
	CU_ASSERT_TRUE(says("another replica"));
	CU_ASSERT_EQUAL(worth(true), BFT_RECOVERY_WHOLE); /* and nothing was touched */
	end();
}

static void a_folder_in_use_is_left_alone(void)
{
	struct folder second;
	begin();
	CU_ASSERT_EQUAL(format(), QUORATE_OK);
	start();
	CU_ASSERT_EQUAL(folder_open(&second, path, &cluster, &member, &options, reason), QUORATE_CONFIG);
	CU_ASSERT_TRUE(says("another running process"));
	CU_ASSERT_EQUAL(format(), QUORATE_CONFIG);
	CU_ASSERT_TRUE(says("another running process"));
	leave(true);
	CU_ASSERT_EQUAL(worth(true), BFT_RECOVERY_WHOLE);
	end();
}

static void a_strange_file_in_the_log_is_refused(void)
{
	char name[160];
	begin();
	CU_ASSERT_EQUAL(format(), QUORATE_OK);
	file_in(name, "log/notes.txt");
	FILE *file = fopen(name, "w");
	CU_ASSERT_PTR_NOT_NULL_FATAL(file);
	fclose(file);
	CU_ASSERT_EQUAL(open_it(), QUORATE_OK);
	CU_ASSERT_EQUAL(recover(), QUORATE_CONFIG);
	CU_ASSERT_TRUE(says("notes.txt"));
	leave(false);
	CU_ASSERT_EQUAL(unlink(name), 0);
	CU_ASSERT_EQUAL(worth(true), BFT_RECOVERY_WHOLE);
	end();
}

static void a_superblock_without_a_whole_slot_fails(void)
{
	char name[160];
	static uint8_t bad[2 * SUPERBLOCK_SLOT_BYTES];
	begin();
	CU_ASSERT_EQUAL(format(), QUORATE_OK);
	file_in(name, "log/superblock");
	memset(bad, 0xA5, sizeof bad);
	int fd = open(name, O_WRONLY);
	CU_ASSERT_FATAL(fd >= 0);
	CU_ASSERT_EQUAL(pwrite(fd, bad, sizeof bad, 0), sizeof bad);
	close(fd);
	CU_ASSERT_EQUAL(open_it(), QUORATE_FAILED);
	CU_ASSERT_TRUE(strlen(reason) > 0);
	CU_ASSERT_EQUAL(format(), QUORATE_CONFIG);
	end();
}

/* It may be lost: the log has what is needed, or the others have. */
static void a_damaged_state_is_begun_anew(void)
{
	char name[160];
	static uint8_t bad[64u << 10];
	struct state_meta meta = { .seq = 4 };
	begin();
	CU_ASSERT_EQUAL(format(), QUORATE_OK);
	start();
	CU_ASSERT_EQUAL(state_put(f.state, STATE_USER, "k", 1, "v", 1), STATE_OK);
	CU_ASSERT_EQUAL(state_snapshot(f.state, &meta), STATE_OK);
	leave(true);
	start();
	CU_ASSERT_EQUAL(state_meta(f.state).seq, 4);
	leave(true);
	file_in(name, "state/state.mdb");
	memset(bad, 0xA5, sizeof bad);
	int fd = open(name, O_WRONLY);
	CU_ASSERT_FATAL(fd >= 0);
	CU_ASSERT_EQUAL(pwrite(fd, bad, sizeof bad, 0), sizeof bad);
	close(fd);
	start();
	CU_ASSERT_EQUAL(state_meta(f.state).seq, 0);
	CU_ASSERT_EQUAL(f.recovery, BFT_RECOVERY_WHOLE);
	leave(true);
	end();
}

/* ---- what the log is worth ---- */

static void a_stop_of_any_kind_loses_nothing(void)
{
	begin();
	CU_ASSERT_EQUAL(format(), QUORATE_OK);
	start();
	CU_ASSERT_TRUE(!f.superblock.clean && f.last_lsn == 0);
	write_view(0);
	write_vote(1);
	leave(false);
	start();
	CU_ASSERT_TRUE(f.recovery == BFT_RECOVERY_WHOLE && f.last_lsn == 2 && !f.superblock.clean);
	leave(true);
	CU_ASSERT_EQUAL(open_it(), QUORATE_OK);
	CU_ASSERT_TRUE(f.superblock.clean);
	folder_close(&f, false);
	end();
}

/* As if another boot had written it. */
static void another_boot(bool zeros)
{
	struct superblock sb;
	struct log_disk disk;
	char name[160];
	file_in(name, "log");
	CU_ASSERT_EQUAL_FATAL(disk_posix_open(&disk, name), 0);
	CU_ASSERT_EQUAL_FATAL(superblock_read(&disk, &sb), SUPERBLOCK_OK);
	memset(sb.boot_id, zeros ? 0 : 'x', sizeof sb.boot_id);
	CU_ASSERT_EQUAL_FATAL(superblock_write(&disk, &sb), SUPERBLOCK_OK);
	disk_posix_close(&disk);
}

static void a_power_loss_under_os_costs_the_memory_for_good(void)
{
	for (int zeros = 0; zeros < 2; zeros++) {
		begin();
		options.durability = QUORATE_DURABILITY_OS;
		CU_ASSERT_EQUAL(format(), QUORATE_OK);
		CU_ASSERT_EQUAL(worth(false), BFT_RECOVERY_WHOLE);
		CU_ASSERT_EQUAL(worth(false), BFT_RECOVERY_WHOLE); /* a killed process: the kernel still has it */
		another_boot(zeros);
		CU_ASSERT_EQUAL(worth(false), BFT_RECOVERY_LOST);
		CU_ASSERT_TRUE(says("durability: os"));
		/* The next start is in the same boot, and knows no more than this one. */
		CU_ASSERT_EQUAL(worth(true), BFT_RECOVERY_LOST);
		CU_ASSERT_TRUE(says("durability: os"));
		options.durability = QUORATE_DURABILITY_FLUSH;
		CU_ASSERT_EQUAL(worth(true), BFT_RECOVERY_LOST);
		end();
	}
}

static void an_orderly_stop_under_os_loses_nothing(void)
{
	begin();
	options.durability = QUORATE_DURABILITY_OS;
	CU_ASSERT_EQUAL(format(), QUORATE_OK);
	CU_ASSERT_EQUAL(worth(true), BFT_RECOVERY_WHOLE);
	another_boot(false);
	CU_ASSERT_EQUAL(worth(true), BFT_RECOVERY_WHOLE);
	end();
}

static void a_power_loss_under_flush_loses_nothing(void)
{
	begin();
	CU_ASSERT_EQUAL(format(), QUORATE_OK);
	CU_ASSERT_EQUAL(worth(false), BFT_RECOVERY_WHOLE);
	another_boot(false);
	/* How it ran counts, not how it is to run. */
	options.durability = QUORATE_DURABILITY_OS;
	CU_ASSERT_EQUAL(worth(false), BFT_RECOVERY_WHOLE);
	another_boot(false);
	options.durability = QUORATE_DURABILITY_FLUSH;
	CU_ASSERT_EQUAL(worth(false), BFT_RECOVERY_LOST);
	end();
}

static void what_others_have_shown_is_remembered(void)
{
	begin();
	CU_ASSERT_EQUAL(format(), QUORATE_OK);
	start();
	folder_memory_lost(&f);
	leave(true);
	for (int i = 0; i < 3; i++) {
		CU_ASSERT_EQUAL(worth(i != 1), BFT_RECOVERY_LOST);
		CU_ASSERT_TRUE(says("another replica"));
	}
	end();
}

/* Groups: 0 view, 1 stable 2, 2 vote, 3 vote (ruined by the caller), then what comes after. */
static void begin_log(void)
{
	begin();
	CU_ASSERT_EQUAL(format(), QUORATE_OK);
	start();
	write_view(0);
	write_stable(2);
	write_vote(3);
	write_vote(4);
}

static void a_torn_end_loses_nothing(void)
{
	begin_log();
	leave(false);
	ruin(3);
	CU_ASSERT_EQUAL(worth(true), BFT_RECOVERY_WHOLE);
	end();
}

static void damage_that_was_overtaken_loses_nothing(void)
{
	begin_log();
	write_stable(4);
	write_vote(5);
	write_stable(4 + WINDOW);
	write_view(1);
	leave(true);
	ruin(3);
	for (bft_seq seq = 13; seq <= 15; seq++) {
		start();
		CU_ASSERT_EQUAL(f.recovery, BFT_RECOVERY_WHOLE);
		write_vote(seq); /* it goes on in a segment of its own */
		leave(seq == 14);
		ruin(2); /* more of the same */
	}
	/* What is lost last counts. */
	ruin(6);
	CU_ASSERT_EQUAL(worth(false), BFT_RECOVERY_LOST);
	end();
}

static void damage_that_was_not_overtaken_costs_the_memory(void)
{
	for (int what = 0; what < 7; what++) {
		begin_log(); /* four groups */
		switch (what) {
		case 0: /* which votes is known, but not which view */
			write_stable(4);
			write_stable(4 + WINDOW);
			break;
		case 1: /* which view is known, but not which votes */
			write_view(1);
			write_stable(4);
			write_stable(4 + WINDOW - K);
			break;
		case 2: /* the view's record itself */
			write_stable(4);
			write_stable(4 + WINDOW);
			write_view(1);
			write_vote(4 + WINDOW + 1);
			break;
		case 3: /* a checkpoint was lost too: the vote above it may be as high as it allows */
			write_vote(10 + WINDOW);
			write_stable(12);
			write_view(1);
			break;
		case 4: /* nothing follows that says anything */ write_vote(5); break;
		case 5: /* one that was overtaken does not excuse the next */
			write_stable(4);
			write_stable(4 + WINDOW);
			write_view(1);
			write_vote(4 + WINDOW + 1);
			write_vote(4 + WINDOW + 2);
			break;
		case 6: /* nor is one that no record follows */
			write_stable(4);
			write_stable(4 + WINDOW);
			write_view(1);
			write_vote(4 + WINDOW + 1);
			write_mark();
			break;
		}
		leave(true);
		ruin(what == 2 ? 6 : 3);
		if (what == 3)
			ruin(4);
		if (what >= 5)
			ruin(7);
		CU_ASSERT_EQUAL(worth(true), BFT_RECOVERY_LOST);
		CU_ASSERT_TRUE(strlen(reason) > 0);
		CU_ASSERT_EQUAL(worth(true), BFT_RECOVERY_LOST);
		end();
	}
}

/* Where it is, for who has to compare it with others' damage. */
static void damage_has_a_place(void)
{
	static const struct {
		uint32_t ruined;
		const char *place;
	} cases[] = { { 3, "around sequences 3 to 9" }, { 4, "around sequences 4 to 12" }, { 5, "around sequences 9 to 9" } };
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		begin_log();
		write_vote(9);
		write_vote(12);
		if (i == 2)
			write_mark();
		leave(true);
		ruin(cases[i].ruined);
		start();
		CU_ASSERT(f.recovery == BFT_RECOVERY_LOST && strstr(f.why_lost, cases[i].place) != NULL);
		leave(true);
		end();
	}
}

/* What an observer writes after the damage says nothing of what was written before it. */
static void an_observer_does_not_overtake_its_own_damage(void)
{
	begin_log();
	write_vote(5);
	leave(false);
	ruin(3);
	start();
	CU_ASSERT_EQUAL(f.recovery, BFT_RECOVERY_LOST);
	write_stable(2 + 2 * WINDOW);
	write_view(3);
	write_view(4);
	leave(true);
	for (int i = 0; i < 2; i++)
		CU_ASSERT_EQUAL(worth(true), BFT_RECOVERY_LOST);
	end();
}

static void a_segment_that_is_missing_costs_the_memory(void)
{
	char name[160];
	begin();
	options.segment_bytes = 16u << 10; /* three groups a segment */
	CU_ASSERT_EQUAL(format(), QUORATE_OK);
	start();
	write_view(0);
	for (bft_seq seq = 1; seq <= 7; seq++)
		write_vote(seq);
	/* Where in time it stood is not known, so nothing overtakes it. */
	write_stable(4);
	write_stable(4 + WINDOW);
	write_view(1);
	leave(false);
	file_in(name, "log/seg-0000000000000002.log");
	CU_ASSERT_EQUAL_FATAL(unlink(name), 0);
	CU_ASSERT_EQUAL(worth(true), BFT_RECOVERY_LOST);
	end();
}

static void a_record_that_is_none_ends_the_start(void)
{
	begin();
	CU_ASSERT_EQUAL(format(), QUORATE_OK);
	start();
	append(63, 0, "x", 1);
	leave(false);
	CU_ASSERT_EQUAL(open_it(), QUORATE_OK);
	CU_ASSERT_EQUAL(recover(), QUORATE_CONFIG);
	CU_ASSERT_TRUE(says("type 63"));
	leave(false);
	end();
}

int main(void)
{
	static const struct unit_case cases[] = {
		{ "a folder is formatted once", a_folder_is_formatted_once },
		{ "a lost folder stays lost", a_lost_folder_stays_lost },
		{ "a log without a superblock is not formatted", a_log_without_a_superblock_is_not_formatted },
		{ "a segment size that cannot be is refused", a_segment_size_that_cannot_be_is_refused },
		{ "a segment holds the largest record of its cluster", a_segment_holds_the_largest_record_of_its_cluster },
		{ "a place that cannot be made is said", a_place_that_cannot_be_made_is_said },
		{ "an empty folder is not started", an_empty_folder_is_not_started },
		{ "a log that is gone is not begun anew", a_log_that_is_gone_is_not_begun_anew },
		{ "another's folder is not started", anothers_folder_is_not_started },
		{ "a folder in use is left alone", a_folder_in_use_is_left_alone },
		{ "a strange file in the log is refused", a_strange_file_in_the_log_is_refused },
		{ "a superblock without a whole slot fails", a_superblock_without_a_whole_slot_fails },
		{ "a damaged state is begun anew", a_damaged_state_is_begun_anew },
		{ "a stop of any kind loses nothing", a_stop_of_any_kind_loses_nothing },
		{ "a power loss under os costs the memory for good", a_power_loss_under_os_costs_the_memory_for_good },
		{ "an orderly stop under os loses nothing", an_orderly_stop_under_os_loses_nothing },
		{ "a power loss under flush loses nothing", a_power_loss_under_flush_loses_nothing },
		{ "what others have shown is remembered", what_others_have_shown_is_remembered },
		{ "a torn end loses nothing", a_torn_end_loses_nothing },
		{ "damage that was overtaken loses nothing", damage_that_was_overtaken_loses_nothing },
		{ "damage that was not overtaken costs the memory", damage_that_was_not_overtaken_costs_the_memory },
		{ "damage has a place", damage_has_a_place },
		{ "an observer does not overtake its own damage", an_observer_does_not_overtake_its_own_damage },
		{ "a segment that is missing costs the memory", a_segment_that_is_missing_costs_the_memory },
		{ "a record that is none ends the start", a_record_that_is_none_ends_the_start },
		{ 0 },
	};
	return unit_main("folder", cases);
}
