/* The same load on clusters of several sizes. */
import { count, el, list, ms, or, percent, plural, section, table, us } from "./dom.js";
import { sizeCharts } from "./charts.js";
import { axisOf, measure, measureHead } from "./interval.js";
import { again, box, load, ran, verdictWord, verdicts, when } from "./words.js";

const ops = (r) => r.summary.throughput.ops_per_s;

function verdict(run) {
	const bad = ["UNSAFE", "UNKNOWN"].map((v) => run.sizes.filter((r) => (v === "UNSAFE" ? r.summary.safety.verdict === v : !["SAFE", "UNSAFE"].includes(r.summary.safety.verdict)))), worst = bad[0].length ? "UNSAFE" : bad[1].length ? "UNKNOWN" : "SAFE";
	const at = (rows) => list(rows.map((r) => String(r.n))), first = run.sizes[0], last = run.sizes.at(-1), at99 = (r) => or(r.summary.latency_ms.p99, ms);
	return box(
		worst, worst === "SAFE" ? `Safe at n = ${at(run.sizes)}` : `${verdicts[worst][1]} at n = ${at(bad[worst === "UNSAFE" ? 0 : 1])}`,
		verdicts[worst][2],
		run.sizes.length > 1 ? `From ${first.n} to ${last.n} replicas throughput goes from ${count(ops(first))} to ${count(ops(last))} operations a second (${percent((100 * ops(last)) / Math.max(ops(first), 1e-9))}), the 99th percentile of latency from ${at99(first)} to ${at99(last)}.${run.sizes.some((r) => r.summary.throughput.ci95) ? "" : " One run each: what else the machine did meanwhile is in it."}` : `${count(ops(first))} operations a second, 99th percentile of latency ${at99(first)}.`,
		"Everything runs on the same cores: more replicas share what fewer had, so this says more of the work for each operation than of machines of their own.",
		run.sizes.some((r) => r.summary.interrupted) ? el("p", { class: "warn" }, "It was interrupted: the last size is of the time until then.") : null,
	);
}

function sizes(run) {
	const trusted = run.manifest.mode === "trusted", axis = axisOf(run.sizes.flatMap((r) => [ops(r), ...(r.summary.throughput.ci95 ?? [])]));
	return table(
		[
			{ head: "n", number: true, of: (r) => String(r.n) },
			{ head: trusted ? "may stop" : "may lie", number: true, of: (r) => String(Math.floor((r.n - 1) / (trusted ? 2 : 3))) },
			{ head: measureHead("Operations/s", axis, count), of: (r) => measure(axis, count, ops(r), r.summary.throughput.ci95) },
			{ head: "p50", number: true, extra: true, of: (r) => or(r.summary.latency_ms.p50, ms) },
			{ head: "p99", number: true, of: (r) => or(r.summary.latency_ms.p99, ms) },
			{ head: "largest", number: true, extra: true, of: (r) => or(r.summary.latency_ms.max, ms) },
			{ head: "CPU/operation", number: true, extra: true, of: (r) => or(r.summary.cpu_us_per_op, us) },
			{ head: "failed", number: true, extra: true, of: (r) => or(r.summary.failed, count) },
			{ head: "verdict", of: (r) => verdictWord(r.summary.safety.verdict) },
		],
		run.sizes,
		run.sizes.some((r) => r.summary.throughput.ci95) ? "By size, with 95 % intervals over the repetitions" : "By size: one run each, so there is no interval (--repeat gives one)",
	);
}

export function scale(run) {
	const m = run.manifest;
	run.sizes.sort((a, b) => a.n - b.n);
	document.title = `Quorate: n = ${run.sizes.map((r) => r.n).join(", ")}`;
	return [
		el("p", { class: "over" }, `Quorate, ${run.sizes.length === 1 ? "one size" : `${count(run.sizes.length)} sizes`} of cluster. ${when(m)}${m.mode ? `Mode ${m.mode}.` : ""}`),
		verdict(run), m.durability ? el("p", { class: "ran" }, ran(m)) : null,
		section("By size", "sizes", run.sizes.length > 1 ? sizeCharts(run.sizes) : null, sizes(run)),
		section("What ran, and how to run it again", "about", m.load ? el("p", {}, `${load(m)[0].toUpperCase()}${load(m).slice(1)}.`) : null, m.argv ? again("scale", m) : null, el("p", { class: "note" }, "Each size lies in a folder of its number beside scale.json: quorate-bench report makes a page of it as well. What each number means: docs/benchmarking.md.")),
	];
}
