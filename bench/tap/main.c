/* quorate-tapped: a replica as 'quorate start' runs one, that tells the bench what passes by in it (tap.h). It links what the daemon does; the linker puts the tap in between.
 *
 *   quorate-tapped --config FILE      with the tap's file in QUORATE_TAP */
#include "bench/tap/tap.h"
#include "quorate_kv.h"
#include "quorate_setup.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static void say(void *user, enum quorate_level level, const char *line)
{
	(void)user;
	(void)level;
	fprintf(stderr, "%s\n", line);
}

static void problem(void *user, const char *sentence)
{
	(void)user;
	fprintf(stderr, "quorate-tapped: %s\n", sentence);
}

/* Until a signal comes (true), or the replica stops by itself. */
static bool wait_for_end(struct quorate *q, const sigset_t *set)
{
	const struct timespec look = { 0, 200 * 1000 * 1000 };
	struct quorate_standing standing = { .failed = false };
	while (!standing.failed) {
		if (sigtimedwait(set, NULL, &look) > 0)
			return true;
		quorate_standing(q, &standing);
	}
	return false;
}

static int run(struct quorate_options options, const sigset_t *set)
{
	char reason[QUORATE_REASON_BYTES] = "";
	struct quorate_app app;
	struct quorate *q = NULL;
	bool asked = false;
	options.log = say;
	quorate_kv_app(&app);
	enum quorate_error error = quorate_create(&q, &options, &app, reason);
	if (error == QUORATE_OK)
		error = quorate_start(q, reason);
	if (error == QUORATE_OK)
		asked = wait_for_end(q, set);
	else
		fprintf(stderr, "quorate-tapped: %s\n", reason);
	quorate_destroy(q);
	return asked ? 0 : 1;
}

int main(int argc, char **argv)
{
	struct quorate_config *config = NULL;
	sigset_t set;
	if (argc != 3 || strcmp(argv[1], "--config") != 0) {
		fputs("usage: quorate-tapped --config FILE\n", stderr);
		return 2;
	}
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	pthread_sigmask(SIG_BLOCK, &set, NULL); /* before any thread exists */
	tap_begin();
	if (quorate_config_read(&config, QUORATE_CONFIG_REPLICA, argv[2], problem, NULL) != QUORATE_OK)
		return 3;
	int code = run(*quorate_config_options(config), &set);
	quorate_config_free(config);
	return code;
}
