/* What is said of a run with pairs of calm and attack. */
#include "bench/numbers.h"
#include "bench/report.h"

#include <math.h>
#include <stdio.h>

static json_t *one(const struct pair_result *p)
{
	return json_pack("{s:f,s:f,s:f,s:o,s:o,s:o}", "calm_ops", p->calm, "attack_ops", p->held, "burn_ops", p->burn, "kept_pct",
	                 number_json(100 * p->kept.value), "kept_pct_cpu_fair", number_json(100 * p->fair.value), "recover_s", seconds_json(p->recover_s));
}

static json_t *p99_ms(const struct run *r)
{
	static const struct {
		const char *name;
		enum track_phase phase;
	} of[] = { { "calm", TRACK_BASELINE }, { "attack", TRACK_HELD }, { "burn", TRACK_BURN } };
	json_t *o = json_object();
	for (size_t i = 0; i < sizeof of / sizeof *of; i++)
		json_object_set_new(o, of[i].name, json_real((double)histogram_at(&r->track.latency_us[of[i].phase], 0.99) / 1e3));
	return o;
}

json_t *report_pairs(const struct run *r)
{
	const struct pairs *p = &r->plan->pairs;
	if (!p->count || !r->pairs)
		return json_null();
	struct estimate kept = pairs_kept(r->pair, r->pairs, false), fair = pairs_kept(r->pair, r->pairs, true);
	json_t *list = json_array();
	for (uint32_t i = 0; i < r->pairs; i++)
		json_array_append_new(list, one(&r->pair[i]));
	return json_pack("{s:i,s:f,s:f,s:o,s:o,s:o,s:o,s:o,s:o,s:f,s:f,s:o,s:o}", "count", (int)r->pairs, "phase_s", p->phase_ms / 1e3, "grace_s",
	                 p->grace_ms / 1e3, "kept_pct", number_json(100 * kept.value), "kept_pct_ci95", interval_json(&kept, 100), "kept_pct_cpu_fair",
	                 number_json(100 * fair.value), "kept_pct_cpu_fair_ci95", interval_json(&fair, 100), "recover_s",
	                 seconds_json(pairs_recover_s(r->pair, r->pairs)), "first_s", seconds_json(track_first_s(&r->track)), "worst_client_pct",
	                 track_worst_client_pct(&r->track, r->plan->clients), "attackers_cores", conduct_attackers_cores(&r->conductor), "p99_ms", p99_ms(r),
	                 "list", list);
}

static void say_kept(const char *than, const struct estimate *e)
{
	printf("kept        %.1f%% of the throughput %s", 100 * e->value, than);
	if (isfinite(e->low))
		printf(" (95%% confidence: %.1f to %.1f)", 100 * e->low, 100 * e->high);
	printf("\n");
}

void report_pairs_text(const struct run *r)
{
	if (!r->plan->pairs.count || !r->pairs)
		return;
	struct estimate kept = pairs_kept(r->pair, r->pairs, false), fair = pairs_kept(r->pair, r->pairs, true);
	double back = pairs_recover_s(r->pair, r->pairs);
	say_kept("of the calm phases", &kept);
	say_kept("when other processes burn the attackers' CPU in their place", &fair);
	printf("            %u pairs of %.1f s, after %.1f s of grace; the attackers used %.2f cores; the client that got least got %.0f%% of its share\n",
	       r->pairs, r->plan->pairs.phase_ms / 1e3, r->plan->pairs.grace_ms / 1e3, conduct_attackers_cores(&r->conductor),
	       track_worst_client_pct(&r->track, r->plan->clients));
	if (back >= 0)
		printf("            90%% of calm again %.1f s after the attack began, at the latest\n", back);
	else
		printf("            90%% of calm was not reached again in every attack\n");
}
