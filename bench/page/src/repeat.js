/* The same run several times: what they say together, and each by itself. */
import { count, el, figures, list, ms, or, percent, plural, seconds, section, table } from "./dom.js";
import { axisOf, measure, measureHead } from "./interval.js";
import { again, box, effectOfPairs, figure, load, ran, replicas, verdictWord, verdicts, when } from "./words.js";

const rate = (x) => count(x);
const ends = (ci) => ci ?? [];

function eachRun(runs, s) {
	const axis = axisOf([...runs.map((r) => r.throughput.ops_per_s), ...ends(s.throughput.ci95)]);
	const rows = [...runs.map((r, i) => ({ ...r, name: `run ${i + 1}` })), { ...s, name: "all: mean", class: "strong" }];
	return table(
		[
			{ head: "", of: (r) => r.name },
			{ head: measureHead("Operations/s", axis, count), of: (r) => measure(axis, rate, r.throughput.ops_per_s, r.throughput.ci95) },
			{ head: "p50", number: true, extra: true, of: (r) => or(r.latency_ms.p50, ms) },
			{ head: "p99", number: true, of: (r) => or(r.latency_ms.p99, ms) },
			{ head: "largest", number: true, extra: true, of: (r) => or(r.latency_ms.max, ms) },
			{ head: "failed", number: true, extra: true, of: (r) => or(r.failed, count) },
			{ head: "views", number: true, extra: true, of: (r) => or(r.view_changes, count) },
			{ head: "verdict", of: (r) => verdictWord(r.safety.verdict) },
		],
		rows,
		`Each run by itself; below them the mean with its 95 % interval, medians of the latencies, and the sums of what failed`,
	);
}

function allPairs(run) {
	const { summary: s, pairs } = run, axis = axisOf([...pairs.map((p) => p.kept_pct_cpu_fair), ...ends(s.pairs.kept_pct_cpu_fair_ci95).map((x) => Math.min(x, 200)), 100], { many: 5 });
	const rows = [...pairs.map((p) => ({ ...p, name: `run ${p.run}` })), { ...s.pairs, name: "all: median", class: "strong", ci: s.pairs.kept_pct_cpu_fair_ci95 }];
	return [
		table(
			[
				{ head: "", of: (p) => p.name },
				{ head: measureHead("Kept, CPU-fair", axis, String), of: (p) => measure(axis, (x, short) => (short ? String(Math.round(x)) : percent(x)), p.kept_pct_cpu_fair, p.ci, { mark: 100 }) },
				{ head: "of calm", number: true, of: (p) => or(p.kept_pct, percent) },
				{ head: "calm", number: true, extra: true, of: (p) => or(p.calm_ops, count) },
				{ head: "attack", number: true, extra: true, of: (p) => or(p.attack_ops, count) },
				{ head: "burnt", number: true, extra: true, of: (p) => or(p.burn_ops, count) },
				{ head: "to 90 %", number: true, of: (p) => or(p.recover_s, seconds) },
			],
			rows,
			"Every pair: throughput kept under attack, percent of the second baseline; the upright line is all of it. Calm, attack and burnt: operations a second in its three phases",
		),
		run.pairs_left_out ? el("p", { class: "note" }, `${plural(run.pairs_left_out, "pair")} more are in summary.json.`) : null,
		el("p", { class: "note" }, "CPU-fair: against the second baseline, in which other processes burn the CPU that the attackers used. To 90 %: of the calm throughput again; – stands for not before the attack’s end."),
	];
}

function verdict(run) {
	const { summary: s, runs, manifest: m } = run, wanted = Number(m.argv[m.argv.indexOf("--repeat") + 1]) || runs.length;
	const bad = runs.map((r, i) => [r.safety.verdict, i + 1]).filter(([v]) => v === s.safety.verdict), where = list(bad.map(([, i]) => String(i)));
	const [, name, what] = verdicts[s.safety.verdict] ?? ["?", s.safety.verdict, ""], safe = s.safety.verdict === "SAFE";
	const ci = s.throughput.ci95;
	return box(
		s.safety.verdict, safe ? `Safe in ${runs.length === 1 ? "the one run" : `all ${count(runs.length)} runs`}` : `${name} in ${bad.length === 1 ? "run" : "runs"} ${where}`,
		safe ? what : `${what}${s.safety.reason ? ` ${s.safety.reason[0].toUpperCase()}${s.safety.reason.slice(1)}.` : ""}`,
		`${count(s.throughput.ops_per_s)} operations a second on average of ${plural(runs.length, "run")}${ci ? `: with 95 % confidence the mean lies between ${count(ci[0])} and ${count(ci[1])}` : ""}.`,
		s.pairs ? effectOfPairs(s.pairs) : null,
		m.attacks.length ? el("ul", {}, m.attacks.map((a) => el("li", {}, el("strong", {}, a.name), run.attacks.find((x) => x.name === a.name) ? `: ${run.attacks.find((x) => x.name === a.name).does}.` : "."))) : null,
		s.safety.convicted?.length ? `Evidence proves that ${replicas(s.safety.convicted)} lied.` : null,
		s.acted === 0 && m.attacks.length ? el("p", { class: "warn" }, "No attack ever acted: there was no occasion, so these runs show nothing about it.") : null,
		runs.length < wanted ? el("p", { class: "warn" }, `${count(runs.length)} of ${count(wanted)} runs came to an end.`) : null,
		s.interrupted ? el("p", { class: "warn" }, "It was interrupted: the last run is of the time until then.") : null,
	);
}

export function repeat(run) {
	const { summary: s, runs, manifest: m } = run, ops = runs.map((r) => r.throughput.ops_per_s);
	document.title = `Quorate: ${s.safety.verdict}, ${plural(runs.length, "run")}, ${count(s.throughput.ops_per_s)} operations/s`;
	return [
		el("p", { class: "over" }, `Quorate, ${plural(runs.length, "run")} of the same. ${when(m)}Mode ${m.mode}, ${m.replicas} replicas${m.mode === "trusted" ? "" : `, of which ${m.f} may lie`}.`),
		verdict(run),
		el(
			"dl", { class: "figures" },
			figure("Throughput, mean", count(s.throughput.ops_per_s), "ops/s", s.throughput.ci95 ? `95 % interval ${s.throughput.ci95.map(count).join(" to ")}` : "one run, no interval"),
			figure("From run to run", `${count(Math.min(...ops))}–${count(Math.max(...ops))}`, "ops/s", "the least and the most"),
			figure("Median latency", or(s.latency_ms.p50, figures), "ms", `p99 ${or(s.latency_ms.p99, ms)}, medians of the runs`),
			s.pairs ? figure("Kept under attack", or(s.pairs.kept_pct_cpu_fair ?? s.pairs.kept_pct, percent), "", `${plural(run.pairs.length + run.pairs_left_out, "pair")}${s.pairs.kept_pct_cpu_fair_ci95 ? `, CPU-fair, 95 % interval ${s.pairs.kept_pct_cpu_fair_ci95.map(figures).join(" to ")}` : ""}`) : figure("Failed", or(s.failed, count), "", `of ${plural(s.operations ?? 0, "operation")}`),
		),
		el("p", { class: "ran" }, ran(m)),
		section("Run by run", "runs", eachRun(runs, s), s.throughput.ci95 ? el("p", { class: "note" }, "The interval is Student’s t over the runs, each with a cluster of its own.") : null),
		s.pairs && run.pairs.length ? section("What was kept, pair by pair", "pairs", allPairs(run)) : null,
		section("What ran, and how to run it again", "about", el("p", {}, `${load(m)[0].toUpperCase()}${load(m).slice(1)}.`), again("run", m), el("p", { class: "note" }, `quorate ${m.version}. Each run lies in a folder of its number beside summary.json: quorate-bench report makes a page of it as well. What each number means: docs/benchmarking.md.`)),
	];
}
