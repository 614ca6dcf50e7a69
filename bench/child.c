#include "bench/child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define OUTPUT_BYTES_MAX (4u << 20)

static volatile sig_atomic_t stopped;
static volatile pid_t running;

bool child_add(struct child_words *w, const char *format, ...)
{
	char text[1200];
	va_list args;
	if (w->count == CHILD_WORDS_MAX) {
		fputs("quorate-bench: too many words\n", stderr);
		return false;
	}
	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	w->word[w->count] = strdup(text);
	return w->word[w->count++] != NULL;
}

/* 0: it is not among them. Else how many words it takes. */
static int taken_by(const char *word, const char *const *without)
{
	for (size_t i = 0; without[i]; i++) {
		size_t n = strlen(without[i]);
		bool alone = without[i][n - 1] == '!';
		if (strlen(word) == n - alone && !strncmp(word, without[i], n - alone))
			return alone ? 1 : 2;
	}
	return 0;
}

bool child_add_others(struct child_words *w, int argc, char *const *argv, const char *const *without)
{
	for (int i = 0; i < argc;) {
		int gone = taken_by(argv[i], without);
		if (!gone && !child_add(w, "%s", argv[i]))
			return false;
		i += gone ? gone : 1;
	}
	return true;
}

void child_free(struct child_words *w)
{
	for (int i = 0; i < w->count; i++)
		free(w->word[i]);
	*w = (struct child_words){ 0 };
}

static void on_signal(int signal)
{
	stopped = 1;
	if (running)
		kill(running, signal);
}

void child_on_signals(void)
{
	signal(SIGINT, on_signal);
	signal(SIGTERM, on_signal);
}

bool child_stopped(void)
{
	return stopped != 0;
}

static pid_t begin(const struct child_words *w, int out, int err)
{
	char *argv[CHILD_WORDS_MAX + 2] = { (char *)(uintptr_t) "quorate-bench" };
	memcpy(argv + 1, w->word, (size_t)w->count * sizeof *argv);
	fflush(NULL);
	pid_t pid = fork();
	if (pid)
		return pid;
	setpgid(0, 0); /* Ctrl-C is passed on, once */
	signal(SIGINT, SIG_DFL);
	signal(SIGTERM, SIG_DFL);
	if (dup2(out, 1) >= 0 && (err < 0 || dup2(err, 2) >= 0))
		execv("/proc/self/exe", argv);
	_exit(127);
}

/* All that it says; what is beyond the bound is read and dropped. */
static char *read_all(int fd, size_t *n)
{
	char *text = malloc(OUTPUT_BYTES_MAX + 1), spill[4096];
	ssize_t got;
	*n = 0;
	while (text && ((got = read(fd, *n < OUTPUT_BYTES_MAX ? text + *n : spill, *n < OUTPUT_BYTES_MAX ? OUTPUT_BYTES_MAX - *n : sizeof spill)) > 0 ||
	                (got < 0 && errno == EINTR)))
		*n += got > 0 && *n < OUTPUT_BYTES_MAX ? (size_t)got : 0;
	if (text)
		text[*n] = 0;
	return text;
}

static void last_sentence(int fd, char why[300])
{
	char text[4096];
	off_t end = lseek(fd, 0, SEEK_END), from = end > (off_t)sizeof text - 1 ? end - (off_t)sizeof text + 1 : 0;
	ssize_t n = end > 0 ? pread(fd, text, sizeof text - 1, from) : 0;
	while (n > 0 && text[n - 1] == '\n')
		n--;
	text[n > 0 ? n : 0] = 0;
	const char *line = strrchr(text, '\n');
	snprintf(why, 300, "%.299s", line ? line + 1 : text);
}

json_t *child_run(const struct child_words *w, bool aloud, int *code, char why[300])
{
	int ends[2], status = 0, err = aloud ? -1 : memfd_create("said", MFD_CLOEXEC);
	size_t n;
	*code = 1;
	snprintf(why, 300, "it cannot be run");
	if ((!aloud && err < 0) || pipe2(ends, O_CLOEXEC) != 0)
		return NULL;
	running = begin(w, ends[1], err);
	close(ends[1]);
	char *text = running > 0 ? read_all(ends[0], &n) : NULL;
	close(ends[0]);
	while (running > 0 && waitpid(running, &status, 0) < 0 && errno == EINTR)
		;
	running = 0;
	*code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	why[0] = 0;
	if (err >= 0) {
		last_sentence(err, why);
		close(err);
	}
	json_t *said = text ? json_loads(text, 0, NULL) : NULL;
	free(text);
	return said;
}
