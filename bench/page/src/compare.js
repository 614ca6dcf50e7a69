/* What changed from one folder to another. */
import { count, el, figures, known, list, or, percent, plural, section, table } from "./dom.js";
import { measure, measureHead } from "./interval.js";
import { box, load, ran, verdictWord, when, words } from "./words.js";

const names = { "latency_ms.p50": "median latency, ms", "latency_ms.p99": "99th percentile, ms", "latency_ms.p99_9": "99.9th percentile, ms", cpu_us_per_op: "CPU an operation, µs" };
const signed = (x) => `${x > 0 ? "+" : x < 0 ? "−" : ""}${percent(Math.abs(x))}`;
const ends = (c) => c.ratio_ci95?.map((r) => 100 * (r - 1)) ?? null;
/* More, less, or perhaps nothing: what has no interval is not judged. */
const sense = (c) => (!ends(c) ? null : ends(c)[0] > 0 ? 1 : ends(c)[1] < 0 ? -1 : 0);
const better = (c) => sense(c) * (c.better === "less" ? -1 : 1);
const broke = (c) => c.verdict_after === "UNSAFE" && c.verdict_before !== "UNSAFE";

function axisFor(changes) {
	const most = Math.max(...changes.flatMap((c) => [Math.abs(c.change_pct ?? 0), ...(ends(c) ?? []).map(Math.abs)]), 1), to = [5, 10, 20, 50, 100].find((t) => t >= most) ?? 100;
	return { from: -to, to, ticks: [-to, -to / 2, 0, to / 2, to] };
}

function judged(c) {
	const say = (kind, sign, text) => el("span", { class: `judged ${kind}` }, el("span", { "aria-hidden": "true" }, sign), ` ${text}`);
	if (broke(c)) return say("below", "✕", "was safe, and is UNSAFE");
	if (c.regressed) return say("below", "✕", sense(c) === null ? "worse than allowed; one run has no interval" : "worse by more than allowed, and not by chance: the whole interval is a loss");
	if (sense(c) === null) return say("", "–", "no interval: not judged");
	return { 1: say("", "▲", "better"), 0: say("", "=", "it may be nothing"), "-1": say("below", "▼", "worse") }[String(better(c) || 0)];
}

/* What did not run alike. */
function differences([a, b]) {
	if (!a || !b) return [];
	const of = { Mode: (m) => m.mode, Replicas: (m) => m.replicas, Load: (m) => m.load && load(m), Network: (m) => m.net, CPU: (m) => m.machine && `${m.machine.cores} × ${m.machine.cpu}`, Kernel: (m) => m.machine?.kernel, "Pairs of phases": (m) => m.pairs, Attacks: (m) => m.attacks && (list(m.attacks.map((x) => x.name)) || "none"), "Seconds measured": (m) => m.duration_s };
	return Object.entries(of).map(([name, get]) => ({ name, before: get(a), after: get(b) })).filter((d) => d.before !== undefined && d.after !== undefined && String(d.before) !== String(d.after));
}

function verdict(c, differ) {
	const judgedOnes = c.changes.filter((x) => sense(x) !== null), worse = judgedOnes.filter((x) => better(x) < 0), gained = judgedOnes.filter((x) => better(x) > 0), failed = c.changes.filter((x) => x.regressed);
	const said = (some) => list(some.slice(0, 8).map((x) => `${names[x.what] ?? x.what} (${signed(x.change_pct)})`)) + (some.length > 8 ? ` and ${count(some.length - 8)} more` : "");
	const kind = c.regressed ? "UNSAFE" : worse.length || !judgedOnes.length ? "UNKNOWN" : "SAFE";
	const title = c.became_unsafe ? "It was safe, and is not" : c.regressed ? "Worse" : worse.length ? (gained.length ? "Some better, some worse" : "Something is worse") : gained.length ? "Something is better" : judgedOnes.length ? "Nothing changed for certain" : "Nothing can be said for certain";
	return box(
		kind, title,
		c.fail_if_pct !== null ? (failed.length ? `More than ${c.fail_if_pct} % was lost, and the whole interval is a loss: ${said(failed)}.` : `Nothing lost more than ${c.fail_if_pct} % with the whole interval a loss.`) : null,
		judgedOnes.length ? `Of ${plural(judgedOnes.length, "figure")} with an interval, with 95 % confidence ${count(worse.length)} ${worse.length === 1 ? "is" : "are"} worse and ${count(gained.length)} better; ${count(judgedOnes.length - worse.length - gained.length)} may be nothing.${judgedOnes.length >= 20 ? ` Of so many about ${count(judgedOnes.length / 20)} would be outside by chance.` : ""}` : "No figure has an interval: one run, or one pair, says little.",
		worse.length ? `Worse: ${said(worse)}.` : null, gained.length ? `Better: ${said(gained)}.` : null,
		c.changes.length ? null : el("p", { class: "warn" }, "They have nothing in common."),
		differ.length ? el("p", { class: "warn" }, `They did not run alike: ${list(differ.map((d) => d.name.toLowerCase()))} differ${differ.length === 1 ? "s" : ""}. Compare figures of one machine and one load only.`) : null,
	);
}

const kinds = { run: "two runs", repeat: "two repeated runs", matrix: "two matrices of attacks", scale: "two series of sizes" };

export function compare({ comparison: c }) {
	const axis = axisFor(c.changes), differ = differences(c.manifests), m = c.manifests.find(Boolean);
	const plain = (x) => (x >= 1000 ? count(x) : figures(x)), pc = c.kind === "matrix" ? percent : plain;
	document.title = `Quorate: from ${c.before} to ${c.after}`;
	const rows = [...c.changes].sort((a, b) => (broke(b) || b.regressed) - (broke(a) || a.regressed)).map((x) => ({ ...x, class: x.regressed || broke(x) ? "short" : null }));
	const columns = [
		{ head: c.kind === "matrix" ? "Attack" : "", of: (x) => el("span", {}, c.kind === "matrix" ? el("code", {}, x.what) : names[x.what] ?? x.what, el("small", { class: "what" }, `${or(x.before, pc)} → ${or(x.after, pc)}`), judged(x)) },
		{ head: measureHead("Change", axis, (x) => (x > 0 ? `+${x}` : x < 0 ? `−${-x}` : "0")), of: (x) => measure(axis, (y, short) => (short ? signed(y).replace(/\s?%$/, "") : signed(y)), x.change_pct, ends(x), { mark: 0, below: x.regressed }) },
		c.changes.some((x) => x.verdict_after) ? { head: "verdict", extra: true, of: (x) => (!x.verdict_after ? "" : x.verdict_before === x.verdict_after ? verdictWord(x.verdict_after) : el("span", {}, `${x.verdict_before} → `, verdictWord(x.verdict_after))) } : null,
	].filter(Boolean);
	return [
		el("p", { class: "over" }, `Quorate, ${kinds[c.kind]} compared: from `, el("code", { class: "wraps" }, c.before), " to ", el("code", { class: "wraps" }, c.after), "."),
		verdict(c, differ),
		rows.length ? section("What changed", "changes", table(columns, rows, `${c.kind === "matrix" ? "Throughput kept under each attack, CPU-fair" : "Figure by figure"}: the change in percent with its 95 % interval; the upright line is no change, an arrow goes on beyond the axis`), el("p", { class: "note" }, { run: "Throughput: the interval is over the seconds of each run, which depend a little on each other, so it is too narrow. One run has one median: latencies have no interval.", repeat: "Throughput: the interval is over the runs. Latencies are medians of the runs, and have none.", matrix: "The interval is that of both rows’ intervals together.", scale: "The interval is over the seconds of each run, or over the repetitions where there are some." }[c.kind])) : null,
		differ.length ? section("What did not run alike", "differences", table([{ head: "", of: (d) => d.name }, { head: "before", of: (d) => String(d.before) }, { head: "after", of: (d) => String(d.after) }], differ, "From the manifests of both folders")) : null,
		section("What ran", "about", m?.machine && m.durability ? el("p", {}, `${ran(m)}`) : null, ...["before", "after"].map((name, i) => (c.manifests[i] ? el("p", { class: "note" }, `${name[0].toUpperCase()}${name.slice(1)}: ${when(c.manifests[i])}quorate ${c.manifests[i].version ?? "of an unknown version"}${c.manifests[i].argv ? `, ${words({ repeat: "run" }[c.kind] ?? c.kind, c.manifests[i])}` : ""}.`) : null)), el("p", { class: "note" }, `quorate-bench report makes a page of each folder by itself.`)),
	];
}
