/* Bars with their figures beside them: the figure is what counts, the bar only shows it. */
import { bytes, count, el, figures, percent, plural, table, us } from "./dom.js";
import { measured } from "./charts.js";
import { isLiar } from "./words.js";

const bar = (share, kind = "") => el("span", { class: "bar", "aria-hidden": "true" }, el("span", { class: kind, style: `width:${Math.max(0.4, 100 * share).toFixed(2)}%` }));

export function cpu(run) {
	const used = Object.entries(run.summary.cpu_s_by_process).map(([name, s]) => ({ name: name.replace(/^liar-/, "replica ").replace(/^replica-/, "replica ").replace(/^attacker-/, "client of "), s, liar: /^liar|^attacker/.test(name) }));
	const top = Math.max(...used.map((u) => u.s), 1e-9), all = used.reduce((sum, u) => sum + u.s, 0), length = measured(run);
	const cores = length > 0 ? all / length : 0;
	return [
		table([{ head: "Process", of: (u) => (u.liar ? el("span", {}, u.name, el("small", { class: "tag" }, "lies")) : u.name) }, { head: "", of: (u) => bar(u.s / top, u.liar ? "liar" : "") }, { head: "CPU", number: true, of: (u) => `${figures(u.s)} s` }, { head: "of all", number: true, of: (u) => percent((100 * u.s) / Math.max(all, 1e-9)) }], used, "CPU seconds in the measured time, by process"),
		el("p", { class: "note" }, `Together ${figures(all)} s of CPU${length > 0 ? `, ${figures(cores)} cores on average` : ""}${run.summary.cpu_us_per_op ? `: ${us(run.summary.cpu_us_per_op)} an operation, replicas and load` : ""}. Everything runs on ${plural(run.manifest.machine.cores, "core")}: what one takes, the others lack.`),
	];
}

export function messages(run) {
	const kinds = Object.entries(run.summary.bytes_by_message).map(([name, v]) => ({ name, ...v })).sort((a, b) => b.bytes - a.bytes);
	if (!kinds.length) return null;
	const top = Math.max(...kinds.map((k) => k.bytes)), operations = Math.max(1, run.summary.operations), votes = Object.entries(run.summary.votes_by_kind ?? {});
	const shown = [{ head: "Message", of: (k) => el("code", {}, k.name) }, { head: "", of: (k) => bar(k.bytes / top) }, { head: "Bytes", number: true, of: (k) => bytes(k.bytes) }, { head: "Messages", number: true, of: (k) => count(k.messages) }, { head: "each", number: true, extra: true, of: (k) => bytes(k.bytes / Math.max(1, k.messages)) }, { head: "B/operation", number: true, extra: true, of: (k) => figures(k.bytes / operations) }];
	return [
		table(shown, kinds, "What replicas sent and clients asked in the measured time, by type"),
		votes.length ? el("p", { class: "note" }, `A VOTES holds what one replica has to say in one wake-up under one signature: ${votes.map(([name, n]) => `${plural(n, name)}`).join(", ")}.`) : null,
		el("p", { class: "note" }, "Without TLS and framing. A message to three members counts three times."),
	];
}

const stages = {
	checked: ["signature checked", "it came in, and its signature was checked"],
	proposed: ["proposed", "waited until a proposal held it"],
	flushed: ["on the leader’s disk", "the proposal was flushed there"],
	prepared: ["prepared", "q members had it on their disks and said so"],
	promised: ["promise on the disk", "the leader’s COMMIT was flushed"],
	decided: ["decided", "enough members had it for certain"],
	executed: ["carried out", "waited for its turn, and was executed"],
	answered: ["answered", "the answers were signed and sent"],
};

export function stageBars(run) {
	const taken = Object.entries(run.summary.stages_us).map(([name, v]) => ({ name, label: stages[name]?.[0] ?? name, what: stages[name]?.[1] ?? "", ...v }));
	if (!taken.length) return null;
	const inside = taken.reduce((sum, s) => sum + s.mean, 0), whole = run.mean_ms > 0 ? run.mean_ms * 1000 : inside, outside = whole - inside;
	if (outside > 0 && run.manifest.bundle_ops === 1 && !run.summary.sweep) taken.push({ name: "outside", label: "outside the leader", what: "network, client, and what came before the leader saw it", mean: outside, rest: true });
	const all = taken.reduce((sum, s) => sum + s.mean, 0);
	const strip = el("div", { class: "strip", role: "img", "aria-label": `Of ${us(all)} on average: ${taken.map((s) => `${s.label} ${us(s.mean)}`).join(", ")}` }, taken.map((s, i) => el("span", { class: `part part-${s.rest ? "rest" : i % 4}`, style: `flex-grow:${(s.mean / all).toFixed(4)}` }, el("b", {}, s.mean / all > 0.04 ? String(i + 1) : ""))));
	return [
		el("p", {}, `An operation took ${us(all)} on average${run.summary.stages_requests ? `; the stages are those of ${plural(run.summary.stages_requests, "request")}, as the replica saw them that built their proposals` : ""}.`),
		strip,
		table([{ head: "", number: true, of: (s) => String(taken.indexOf(s) + 1) }, { head: "Stage", of: (s) => el("span", {}, el("b", {}, s.label), el("small", { class: "what" }, s.what)) }, { head: "mean", number: true, of: (s) => us(s.mean) }, { head: "share", number: true, extra: true, of: (s) => percent((100 * s.mean) / all) }, { head: "p50", number: true, of: (s) => (s.rest ? "–" : us(s.p50)) }, { head: "p99", number: true, of: (s) => (s.rest ? "–" : us(s.p99)) }], taken, "Each stage begins where the one before ended"),
	];
}

export const replicaName = (run, id) => `replica ${id}${isLiar(run, id) ? " (lies)" : ""}`;
