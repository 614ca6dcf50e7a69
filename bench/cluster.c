#include "bench/cluster.h"

#include "bench/relay.h"
#include "bench/tap/tap.h"
#include "bft/genesis.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define STOP_MS 10000

static bool fail(char *reason, const char *what, const char *why)
{
	snprintf(reason, QUORATE_REASON_BYTES, "%.200s: %.250s", what, why);
	return false;
}

static bool are_free(uint16_t base, uint32_t n)
{
	uint32_t good = 0;
	for (uint32_t i = 0; i < n; i++) {
		int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), yes = 1;
		struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons((uint16_t)(base + i)), .sin_addr = { htonl(INADDR_LOOPBACK) } };
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes); /* who left them a moment ago does not count */
		good += bind(fd, (struct sockaddr *)&a, sizeof a) == 0;
		close(fd);
	}
	return good == n;
}

/* A run of free ports, as far as one can know. */
static uint16_t free_ports(uint32_t n, int other)
{
	for (int tries = 0; tries < 50; tries++) {
		uint16_t base = (uint16_t)(20000 + (getpid() * 131 + tries * 977 + (int)time(NULL) + other) % 12000);
		if (are_free(base, n))
			return base;
	}
	return 0;
}

void cluster_slow_path(const struct cluster *c, uint32_t i, char *out, size_t n)
{
	snprintf(out, n, "%s/slow-%u", c->folder, i);
}

void cluster_tap_path(const struct cluster *c, uint32_t i, char *out, size_t n)
{
	snprintf(out, n, "%s/tap-%u", c->folder, i);
}

static void set_tap(const struct cluster *c, uint32_t i)
{
	char path[300];
	cluster_tap_path(c, i, path, sizeof path);
	if (c->tapped[0] && i < c->n)
		setenv(TAP_ENV, path, 1);
}

static void set_preload(const struct cluster *c, uint32_t i)
{
	char path[300], source[32];
	if (!c->preload[0])
		return;
	cluster_slow_path(c, i, path, sizeof path);
	setenv("SLOW_DISK", path, 1);
	snprintf(source, sizeof source, RELAY_SOURCES "%u", i % c->n + 1); /* a twin dials from where its replica is */
	if (c->relay)
		setenv("SOURCE_ADDRESS", source, 1);
	setenv("LD_PRELOAD", c->preload, 1);
}

static void exec_liar(struct cluster *c, uint32_t i, char *config)
{
	char *argv[CLUSTER_WORDS_MAX + 4] = { (char *)(uintptr_t)c->liar, (char *)(uintptr_t) "--config", config }, *rest = NULL;
	uint32_t count = 3;
	for (char *word = strtok_r(c->words[i], " ", &rest); word && count < CLUSTER_WORDS_MAX + 3; word = strtok_r(NULL, " ", &rest))
		argv[count++] = word;
	execv(c->liar, argv);
}

bool cluster_start_one(struct cluster *c, uint32_t i, char *reason)
{
	char config[512], log[512];
	snprintf(config, sizeof config, "%s/cluster/replica-%u/replica.yaml", c->folder, i);
	snprintf(log, sizeof log, "%s/replica-%u.log", c->folder, i);
	fflush(NULL);
	pid_t pid = fork();
	if (pid < 0)
		return fail(reason, "fork", strerror(errno));
	if (pid == 0) {
		int fd = open(log, O_WRONLY | O_CREAT | O_APPEND, 0600);
		if (fd < 0 || dup2(fd, 1) < 0 || dup2(fd, 2) < 0)
			_exit(127);
		setpgid(0, 0); /* Ctrl-C is this program's, which stops them in good order */
		set_preload(c, i);
		set_tap(c, i);
		if (c->words[i][0])
			exec_liar(c, i, config);
		else if (c->tapped[0])
			execl(c->tapped, c->tapped, "--config", config, (char *)NULL);
		else
			execl(c->program, c->program, "start", "--config", config, (char *)NULL);
		_exit(127);
	}
	c->pid[i] = pid;
	return true;
}

bool cluster_make(struct cluster *c, const char *program, const char *preload, const char *where, uint32_t n, enum quorate_mode mode, uint16_t base_port,
                  char *reason)
{
	memset(c, 0, sizeof *c);
	c->n = n;
	snprintf(c->program, sizeof c->program, "%s", program);
	snprintf(c->preload, sizeof c->preload, "%s", preload ? preload : "");
	snprintf(c->folder, sizeof c->folder, "%s/quorate-bench-XXXXXX", where ? where : "/tmp");
	if (!mkdtemp(c->folder)) {
		fail(reason, c->folder, strerror(errno));
		c->folder[0] = 0;
		return false;
	}
	if (base_port && !are_free(base_port, n)) {
		snprintf(reason, QUORATE_REASON_BYTES, "ports %u to %u are not all free on this machine: name others by --base-port, or none", base_port,
		         base_port + n - 1);
		return false;
	}
	c->base_port = base_port ? base_port : free_ports(n, 0);
	if (!c->base_port)
		return fail(reason, "ports", "no run of free ports was found");
	char folder[300];
	snprintf(folder, sizeof folder, "%s/cluster", c->folder);
	return quorate_testnet(folder, n, mode, c->base_port, reason) == QUORATE_OK;
}

/* ---- a network between them ---- */

#define CONFIG_BYTES 4096u

/* The same configuration with another port to listen on. */
static bool listen_elsewhere(const struct cluster *c, uint32_t i, uint16_t port, char *reason)
{
	char path[512], text[CONFIG_BYTES], *at, *after;
	snprintf(path, sizeof path, "%s/cluster/replica-%u/replica.yaml", c->folder, i);
	FILE *f = fopen(path, "re");
	size_t n = f ? fread(text, 1, sizeof text - 1, f) : 0;
	text[n] = 0;
	if (f)
		fclose(f);
	at = strstr(text, "listen: ");
	after = at ? strchr(at, '\n') : NULL;
	f = after ? fopen(path, "we") : NULL;
	if (!f)
		return fail(reason, path, after ? strerror(errno) : "it does not say where to listen");
	fprintf(f, "%.*slisten: 127.0.0.1:%u%s", (int)(at - text), text, port, after);
	return fclose(f) == 0 || fail(reason, path, strerror(errno));
}

bool cluster_shape(struct cluster *c, const struct nets *nets, uint64_t seed, const char *library, char *reason)
{
	struct relay relay = { .nets = *nets, .n = c->n, .outer_port = c->base_port, .inner_port = free_ports(c->n, 6007), .seed = seed };
	if (!relay.inner_port)
		return fail(reason, "ports", "no second run of free ports was found for --net");
	for (uint32_t i = 0; i < c->n; i++)
		if (!listen_elsewhere(c, i, (uint16_t)(relay.inner_port + i), reason))
			return false;
	size_t n = strlen(c->preload);
	snprintf(c->preload + n, sizeof c->preload - n, "%s%s", n ? ":" : "", library);
	pid_t pid = relay_start(&relay);
	c->relay = pid > 0 ? pid : 0;
	return pid > 0 || fail(reason, "the relay of --net", strerror(errno));
}

static void end_relay(struct cluster *c)
{
	struct rusage u;
	int status;
	if (!c->relay)
		return;
	kill(c->relay, SIGKILL);
	if (wait4(c->relay, &status, 0, &u) == c->relay)
		c->relay_cpu_s = (double)u.ru_utime.tv_sec + (double)u.ru_stime.tv_sec + (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
	c->relay = 0;
}

/* ---- its life ---- */

bool cluster_start_all(struct cluster *c, char *reason)
{
	for (uint32_t i = 0; i < c->n; i++)
		if (!cluster_start_one(c, i, reason))
			return false;
	return true;
}

bool cluster_start(struct cluster *c, const char *program, const char *preload, const char *where, uint32_t n, enum quorate_mode mode, char *reason)
{
	return cluster_make(c, program, preload, where, n, mode, 0, reason) && cluster_start_all(c, reason);
}

static void reap(struct cluster *c, uint32_t i, bool *ok)
{
	struct rusage usage;
	int status = 0;
	if (wait4(c->pid[i], &status, 0, &usage) == c->pid[i]) {
		double s = (double)usage.ru_utime.tv_sec + (double)usage.ru_stime.tv_sec + (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
		c->cpu_s += s;
		c->cpu_of_s[i] += s;
		*ok &= WIFEXITED(status) && WEXITSTATUS(status) == 0;
	}
	c->pid[i] = 0;
}

void cluster_kill(struct cluster *c, uint32_t i)
{
	bool ignored = true;
	if (!c->pid[i])
		return;
	kill(c->pid[i], SIGKILL);
	reap(c, i, &ignored);
}

bool cluster_stop(struct cluster *c)
{
	bool ok = true;
	for (uint32_t i = 0; i < CLUSTER_MAX; i++)
		if (c->pid[i])
			kill(c->pid[i], SIGTERM);
	for (uint32_t i = 0; i < CLUSTER_MAX; i++) {
		int waited = 0;
		siginfo_t info = { 0 };
		while (c->pid[i] && waited < STOP_MS && (waitid(P_PID, (id_t)c->pid[i], &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid == 0)) {
			nanosleep(&(struct timespec){ .tv_nsec = 10000000 }, NULL);
			waited += 10;
		}
		if (!c->pid[i])
			continue;
		if (waited >= STOP_MS) {
			kill(c->pid[i], SIGKILL);
			ok = false;
		}
		reap(c, i, &ok);
	}
	end_relay(c);
	return ok;
}

double cluster_pid_cpu_s(pid_t pid)
{
	char path[64];
	unsigned long user = 0, system = 0;
	snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
	FILE *f = pid ? fopen(path, "re") : NULL;
	if (!f)
		return 0;
	if (fscanf(f, "%*d (%*[^)]) %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &system) != 2)
		user = system = 0;
	fclose(f);
	return (double)(user + system) / (double)sysconf(_SC_CLK_TCK);
}

double cluster_relay_cpu_s(const struct cluster *c)
{
	return c->relay_cpu_s + cluster_pid_cpu_s(c->relay);
}

double cluster_cpu_of_s(const struct cluster *c, uint32_t i)
{
	uint32_t twin = cluster_twin(c, i);
	return c->cpu_of_s[i] + cluster_pid_cpu_s(c->pid[i]) + c->cpu_of_s[twin] + cluster_pid_cpu_s(c->pid[twin]);
}

double cluster_cpu_s(const struct cluster *c)
{
	double s = c->cpu_s;
	for (uint32_t i = 0; i < CLUSTER_MAX; i++)
		s += cluster_pid_cpu_s(c->pid[i]);
	return s;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

/* Runs it to its end; what it says goes nowhere. */
static bool run_quietly(const char *program, char *const *argv)
{
	int status = 0;
	fflush(NULL);
	pid_t pid = fork();
	if (pid == 0) {
		(void)!freopen("/dev/null", "w", stdout); /* not closed by exec */
		(void)!freopen("/dev/null", "w", stderr);
		execvp(program, argv);
		_exit(127);
	}
	return pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static void data_of(const struct cluster *c, uint32_t i, const char *more, char out[512])
{
	snprintf(out, 512, "%s/cluster/replica-%u/data%s", c->folder, i, more);
}

#define WORD(text) ((char *)(uintptr_t)(text))

static bool format(const struct cluster *c, uint32_t i, bool lost, char *reason)
{
	char config[512];
	snprintf(config, sizeof config, "%s/cluster/replica-%u/replica.yaml", c->folder, i);
	char *argv[] = { WORD(c->program), WORD("format"), WORD("--config"), config, lost ? WORD("--lost") : NULL, NULL };
	return run_quietly(c->program, argv) || fail(reason, config, "a new folder cannot be prepared");
}

bool cluster_empty(struct cluster *c, uint32_t i, bool lost, char *reason)
{
	char data[512];
	data_of(c, i, "", data);
	cluster_kill(c, i);
	nftw(data, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	return format(c, i, lost, reason);
}

static bool copy_folder(char *from, char *to, char *reason)
{
	char *argv[] = { WORD("cp"), WORD("-a"), from, to, NULL };
	return run_quietly("cp", argv) || fail(reason, from, "it cannot be copied");
}

bool cluster_make_twin(struct cluster *c, uint32_t i, char *reason)
{
	char from[512], to[512];
	uint16_t port = free_ports(1, 8009 + (int)i);
	snprintf(from, sizeof from, "%s/cluster/replica-%u", c->folder, i);
	snprintf(to, sizeof to, "%s/cluster/replica-%u", c->folder, cluster_twin(c, i));
	if (!port)
		return fail(reason, "ports", "none was found for a second process with one key");
	return copy_folder(from, to, reason) && listen_elsewhere(c, cluster_twin(c, i), port, reason);
}

bool cluster_keep(struct cluster *c, uint32_t i, char *reason)
{
	char data[512], aside[512];
	data_of(c, i, "", data);
	data_of(c, i, "-before", aside);
	cluster_kill(c, i);
	return copy_folder(data, aside, reason);
}

bool cluster_roll_back(struct cluster *c, uint32_t i, char *reason)
{
	char data[512], aside[512];
	data_of(c, i, "", data);
	data_of(c, i, "-before", aside);
	cluster_kill(c, i);
	nftw(data, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	return copy_folder(aside, data, reason);
}

bool cluster_small_snapshots(struct cluster *c, uint32_t seqs, char *reason)
{
	static struct bft_genesis g;
	static uint8_t bytes[BFT_GENESIS_BYTES_MAX];
	char path[512];
	snprintf(path, sizeof path, "%s/cluster/genesis", c->folder);
	FILE *f = fopen(path, "re");
	size_t n = f ? fread(bytes, 1, sizeof bytes, f) : 0;
	if (f)
		fclose(f);
	const char *why = n ? genesis_decode(&g, bytes, n) : "it cannot be read";
	if (why)
		return fail(reason, path, why);
	g.limits.snapshot_seqs = seqs;
	n = genesis_encode(bytes, sizeof bytes, &g);
	f = fopen(path, "we");
	bool written = f && fwrite(bytes, 1, n, f) == n;
	if (!f || fclose(f) != 0 || !written)
		return fail(reason, path, strerror(errno));
	for (uint32_t i = 0; i < c->n; i++)
		if (!cluster_empty(c, i, false, reason))
			return false;
	return true;
}

/* ---- let in again ---- */

#define READMIT_TRIES 20

static bool readmit(const struct cluster *c, uint32_t i)
{
	char key[512], cluster[512], number[16];
	snprintf(key, sizeof key, "%s/cluster/replica-%u/org.key", c->folder, i);
	snprintf(cluster, sizeof cluster, "%s/cluster/client.yaml", c->folder);
	snprintf(number, sizeof number, "%u", i);
	char *argv[] = { WORD(c->program), WORD("member"), WORD("readmit"), number, WORD("--key"), key, WORD("--cluster"), cluster, NULL };
	for (int tries = 0; tries < READMIT_TRIES; tries++) {
		if (run_quietly(c->program, argv))
			return true;
		nanosleep(&(struct timespec){ .tv_nsec = 500000000 }, NULL);
	}
	return false;
}

pid_t cluster_readmit(const struct cluster *c, uint32_t i)
{
	fflush(NULL);
	pid_t pid = fork();
	if (pid != 0)
		return pid;
	setpgid(0, 0); /* it ends with what it has started */
	_exit(readmit(c, i) ? 0 : 1);
}

void cluster_remove(struct cluster *c)
{
	for (uint32_t i = 0; i < CLUSTER_MAX; i++)
		cluster_kill(c, i);
	end_relay(c);
	if (c->folder[0])
		nftw(c->folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}
