/* The page of one run: the verdict first, then the figures, and what ran beside them. */
import { bytes, count, el, figures, folded, ms, percent, seconds, section, table, us } from "./dom.js";
import { cpu, messages, stageBars } from "./bars.js";
import { cutShort, kneeChart, measured, percentileChart, timeCharts } from "./charts.js";
import { slots } from "./slot.js";
import { again, keyFigures, load, ran, verdict } from "./words.js";

function spans(run) {
	const end = measured(run), open = new Map(), all = [];
	for (const e of run.events) {
		if (e.what === "attack-begins") {
			const span = { name: e.text, from: e.t_s, to: end };
			open.set(e.text, span);
			all.push(span);
		}
		if (e.what === "attack-ends" && open.has(e.text)) open.get(e.text).to = Math.min(end, e.t_s);
		if (e.what === "fault") all.push({ name: e.text, from: e.t_s, to: null });
	}
	return all.filter((s) => s.from <= end);
}

function byPhase(run) {
	const names = { baseline: run.summary.pairs ? "calm" : "before", attack: run.manifest.attacks.length ? "under attack" : "after the fault", after: run.summary.pairs ? "between, not compared" : "afterwards", "attack-held": "under attack, compared", burn: "its CPU burnt instead" };
	if (run.summary.phases.length < 2) return null;
	return table([{ head: "", of: (p) => names[p.name] ?? p.name }, { head: "from – to", number: true, of: (p) => `${figures(p.from_s)} – ${seconds(p.to_s)}` }, { head: "ops/s", number: true, of: (p) => count(p.ops_per_s) }, { head: "p50", number: true, of: (p) => ms(p.p50_ms) }, { head: "p99", number: true, of: (p) => ms(p.p99_ms) }], run.summary.phases, "The same by phase");
}

/* A line a second: the charts for whoever does not see them. */
function bySecond(run) {
	const t = run.intervals, rows = [], step = Math.max(1, Math.round(Math.max(1, (t.t_s.length * t.every_s) / 120) / t.every_s));
	for (let i = 0; i < t.t_s.length; i += step) {
		const part = (values) => values.slice(i, i + step), sum = (values) => part(values).reduce((a, b) => a + b, 0);
		rows.push({ t: t.t_s[i], ops: sum(t.ops) / (part(t.ops).length * t.every_s), p99: Math.max(...part(t.p99_ms)), max: Math.max(...part(t.max_ms)), view: t.view[Math.min(i + step, t.view.length) - 1], leader: t.leader[Math.min(i + step, t.view.length) - 1] });
	}
	return table([{ head: "from", number: true, of: (r) => seconds(r.t) }, { head: "ops/s", number: true, of: (r) => count(r.ops) }, { head: "p99 at most", number: true, of: (r) => ms(r.p99) }, { head: "largest", number: true, extra: true, of: (r) => ms(r.max) }, { head: "view", number: true, of: (r) => count(r.view) }, { head: "leader", number: true, of: (r) => String(r.leader) }], rows, "Over time");
}

function percentileTable(run) {
	const { latency_ms: l, service_ms: s } = run.summary, open = run.manifest.load.kind !== "closed";
	const rows = [["p50", "p50"], ["p90", "p90"], ["p99", "p99"], ["p99.9", "p99_9"], ["p99.99", "p99_99"], ["largest", "max"]].map(([name, key]) => ({ name, latency: l[key], service: s[key] }));
	return table([{ head: "", of: (r) => r.name }, { head: "latency", number: true, of: (r) => ms(r.latency) }, open ? { head: "service time", number: true, of: (r) => ms(r.service) } : null].filter(Boolean), rows, open ? "Latency counts from when an operation should have been asked, service time from when it was" : "Latency, in a closed loop: a service that stands still is asked nothing meanwhile");
}

function eventList(run) {
	const words = { "attack-begins": "attack begins", "attack-ends": "attack ends", note: "in the end" };
	const rows = run.events.map((e) => ({ ...e, class: /attack|fault/.test(e.what) ? "strong" : null }));
	if (!rows.length) return null;
	return [table([{ head: "at", number: true, of: (e) => seconds(e.t_s) }, { head: "what", of: (e) => words[e.what] ?? e.what }, { head: "", of: (e) => (e.replica !== undefined && e.what === "note" ? `replica ${e.replica}: ${e.text}` : e.text) }], rows, "What happened, in order"), run.events_left_out ? el("p", { class: "note" }, `${count(run.events_left_out)} more are in events.jsonl.`) : null];
}

function about(run) {
	const { manifest: m, summary: s } = run, u = m.unit_costs;
	return [
		el("p", {}, `${load(m)[0].toUpperCase()}${load(m).slice(1)}.`), el("p", {}, ran(m)),
		el("p", {}, `${u ? `One signature ${us(u.sign_us)}, one check ${us(u.verify_us)}, one flush ${us(u.flush_us)}, a KiB hashed ${us(u.hash_us_per_kib)}; measured after the run, on its disk.` : "What a signature or a flush costs was not measured (--brief)."} Memory ${bytes(m.machine.memory_bytes)}.`),
		s.generator_behind_s > 0.01 ? el("p", { class: "warn" }, `The generator itself fell behind its schedule by up to ${seconds(s.generator_behind_s)}.`) : null,
		s.failed ? el("p", { class: "warn" }, `${count(s.failed)} operations failed, and ${count(s.unanswered)} were not answered.`) : null,
		...again("run", m),
		el("p", { class: "note" }, `quorate ${m.version}, seed ${m.seed}. What each number means: docs/benchmarking.md. Compare figures of two runs on one machine only.`),
	];
}

function sweepTable(run) {
	const rows = [...run.summary.sweep].sort((a, b) => a.rate - b.rate);
	return table([{ head: "asked for", number: true, of: (r) => count(r.rate) }, { head: "answered", number: true, of: (r) => count(r.ops_per_s) }, { head: "p50", number: true, of: (r) => ms(r.p50_ms) }, { head: "p99", number: true, of: (r) => ms(r.p99_ms) }, { head: "", of: (r) => (r.kept ? "kept" : "not kept") }], rows, "Operations a second, step by step");
}

export function run(run) {
	cutShort(run);
	const { manifest: m, summary: s } = run, parts = [], add = (title, id, ...children) => children.flat().some(Boolean) && parts.push(section(title, id, ...children));
	const date = m.date_utc.replace("T", " ").replace("Z", " UTC");
	document.title = `Quorate: ${s.safety.verdict}${m.attacks.length ? `, ${m.attacks.map((a) => a.name).join(", ")}` : ""}, ${count(s.throughput.ops_per_s)} operations/s`;
	parts.push(el("p", { class: "over" }, `Quorate, one run. ${date}. Mode ${m.mode}, ${m.replicas} replicas${m.mode === "trusted" ? "" : `, of which ${m.f} may lie`}.`));
	parts.push(verdict(run), keyFigures(run), el("p", { class: "ran" }, ran(m)));
	if (s.sweep?.length) add("Which rate is kept", "sweep", kneeChart(run), sweepTable(run));
	if (run.intervals.t_s.length) add("Over time", "time", timeCharts(run, spans(run)), m.load.kind === "sweep" ? el("p", { class: "note" }, "Between two steps the last one is answered and the next one warms up: nothing is counted then.") : null, byPhase(run), folded("The figures as a table", bySecond(run)));
	add("Latency by percentile", "percentiles", run.percentiles.share.length > 1 ? [el("h3", {}, "Latency, ms"), percentileChart(run)] : null, percentileTable(run));
	add("Where the time of an operation goes", "stages", stageBars(run));
	add("One slot, message by message", "slots", slots(run));
	add("CPU by process", "cpu", cpu(run));
	add("Messages by type", "messages", messages(run));
	add("What happened", "events", eventList(run));
	if (run.evidence.length) add("Evidence", "evidence", el("p", {}, "In the folder of the run, evidence/; ", el("code", {}, "quorate evidence verify"), " shows that each holds, with the genesis beside it."), el("ul", { class: "files" }, run.evidence.slice(0, 12).map((name) => el("li", {}, el("code", {}, name)))), s.safety.evidence_files > 12 ? el("p", { class: "note" }, `${count(s.safety.evidence_files)} in all.`) : null);
	add("What ran, and how to run it again", "about", about(run));
	return parts;
}
