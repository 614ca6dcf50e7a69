#include "bench/live.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define HISTORY 40u
#define BAR 50u

static uint64_t history[HISTORY]; /* operations of the last seconds */
static bool screen_is_up;

static void tell_line(struct conductor *c, uint64_t second, const struct track_interval *i, const char *attacks)
{
	(void)c;
	fprintf(stderr, "t=%llus %llu ops/s p50 %.1f ms p99 %.1f ms failed %llu view %llu leader %u suspects %u%s%s\n", (unsigned long long)second,
	        (unsigned long long)i->ops, (double)i->p50_us / 1e3, (double)i->p99_us / 1e3, (unsigned long long)i->failed, (unsigned long long)i->view,
	        i->leader, i->suspects, attacks[0] ? " attack: " : "", attacks);
}

static void tell_screen(struct conductor *c, uint64_t second, const struct track_interval *i, const char *attacks)
{
	uint64_t most = 1;
	memmove(history, history + 1, sizeof history - sizeof history[0]);
	history[HISTORY - 1] = i->ops;
	for (uint32_t k = 0; k < HISTORY; k++)
		most = history[k] > most ? history[k] : most;
	fprintf(stderr, "%s\033[H\033[J", screen_is_up ? "" : "\033[2J");
	screen_is_up = true;
	fprintf(stderr, "quorate-bench  %llu of %.0f s   %s, n = %u\n\n", (unsigned long long)second, c->plan->duration_ms / 1e3, plan_mode_name(c->plan->mode),
	        c->plan->n);
	fprintf(stderr, "rate      %8llu operations/s   failed %llu\n", (unsigned long long)i->ops, (unsigned long long)i->failed);
	fprintf(stderr, "latency   p50 %.1f ms   p99 %.1f ms   max %.1f ms\n", (double)i->p50_us / 1e3, (double)i->p99_us / 1e3, (double)i->max_us / 1e3);
	fprintf(stderr, "view      %llu   leader %u   suspects %u\n", (unsigned long long)i->view, i->leader, i->suspects);
	fprintf(stderr, "attack    %s\n\n", attacks[0] ? attacks : "none now");
	for (uint32_t k = HISTORY > 12 ? HISTORY - 12 : 0; k < HISTORY; k++) {
		uint32_t bar = (uint32_t)(history[k] * BAR / most);
		fprintf(stderr, "%8llu %.*s\n", (unsigned long long)history[k], (int)bar, "##################################################");
	}
	for (uint32_t k = 0; k < c->plan->attacks; k++)
		if (c->attacks_on >> k & 1)
			fprintf(stderr, "\n%s: %s\n", c->plan->attack[k].attack->name, c->plan->attack[k].attack->does);
}

void live_tell(struct conductor *c, uint64_t second, uint64_t now_us)
{
	char attacks[300];
	struct track_interval i = track_last_second(c->track, now_us);
	conduct_attacks_now(c, attacks, sizeof attacks);
	if (isatty(2))
		tell_screen(c, second, &i, attacks);
	else
		tell_line(c, second, &i, attacks);
	fflush(stderr);
}

void live_end(void)
{
	if (screen_is_up)
		fprintf(stderr, "\n");
	screen_is_up = false;
}
