/* The daemon: a replica with the key-value service, until a signal asks it to stop. */
#include "cli.h"
#include "quorate_kv.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define LOOK_NS (200 * 1000 * 1000) /* how often it is looked whether the replica still runs */

static void say(void *user, enum quorate_level level, const char *line)
{
	static const char *const names[] = { "info", "warning", "error" };
	char stamp[32];
	struct timespec now;
	struct tm utc;
	(void)user;
	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &utc);
	strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%S", &utc);
	/* In one call, so that lines of two threads do not mix. */
	fprintf(stderr, "%s.%03ldZ %-7s %s\n", stamp, now.tv_nsec / 1000000, names[level <= QUORATE_LEVEL_ERROR ? level : QUORATE_LEVEL_ERROR], line);
}

/* Before any thread exists, so that all of them leave these signals to this one. */
static void hold_signals(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGINT);
	pthread_sigmask(SIG_BLOCK, set, NULL);
}

/* Until a signal comes (true), or the replica stops by itself. */
static bool wait_for_end(struct quorate *q, const sigset_t *set, struct quorate_standing *standing)
{
	const struct timespec look = { 0, LOOK_NS };
	for (;;) {
		int signal_number = sigtimedwait(set, NULL, &look);
		if (signal_number > 0) {
			say(NULL, QUORATE_LEVEL_INFO, signal_number == SIGTERM ? "SIGTERM: stopping" : "SIGINT: stopping");
			return true;
		}
		quorate_standing(q, standing);
		if (standing->failed)
			return false;
	}
}

static int run(struct quorate *q, const sigset_t *set)
{
	char reason[QUORATE_REASON_BYTES] = "", line[128];
	struct quorate_standing standing;
	enum quorate_error error = quorate_start(q, reason);
	if (error != QUORATE_OK)
		return cli_error(error, reason);
	quorate_standing(q, &standing);
	snprintf(line, sizeof line, "ready: replica %u listens on port %u", standing.id, quorate_port(q));
	say(NULL, QUORATE_LEVEL_INFO, line);
	bool asked = wait_for_end(q, set, &standing);
	quorate_stop(q, NULL, NULL);
	if (!asked)
		return cli_fail(CLI_FAILED, "the replica has stopped: %s", *standing.trouble ? standing.trouble : "it does not say why");
	say(NULL, QUORATE_LEVEL_INFO, "stopped");
	return CLI_OK;
}

static int create_and_run(const struct quorate_options *options)
{
	char reason[QUORATE_REASON_BYTES] = "";
	struct quorate_app app;
	struct quorate *q;
	sigset_t set;
	hold_signals(&set);
	quorate_kv_app(&app);
	enum quorate_error error = quorate_create(&q, options, &app, reason);
	if (error != QUORATE_OK)
		return cli_error(error, reason);
	int code = run(q, &set);
	quorate_destroy(q);
	return code;
}

int cmd_start(const struct cli *cli)
{
	const char *path = cli_need(cli, OPT_CONFIG);
	struct quorate_config *config;
	char *passphrase;
	if (!path || !cli_passphrase(cli, &passphrase))
		return CLI_USAGE;
	setvbuf(stderr, NULL, _IOLBF, 1024);
	enum quorate_error error = quorate_config_read(&config, QUORATE_CONFIG_REPLICA, path, cli_problem, NULL);
	int code = cli_code(error);
	if (error == QUORATE_OK) {
		struct quorate_options o = *quorate_config_options(config);
		o.passphrase = passphrase;
		o.log = say;
		code = create_and_run(&o);
		quorate_config_free(config);
	}
	cli_passphrase_free(passphrase);
	return code;
}
