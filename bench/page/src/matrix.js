/* A matrix: each attack against the healthy baseline. */
import { el, figures, percent, plural, section, table } from "./dom.js";
import { ran } from "./words.js";

const must = { B97: 85, L90: 75, S90: 75, R75: 50 };

function cell(value, interval, floor) {
	if (value === null || value === undefined) return "–";
	const low = interval?.[0], high = interval?.[1];
	return el("span", { class: "meter" }, el("span", { class: "bar", "aria-hidden": "true" }, el("span", { class: value < floor ? "liar" : "", style: `width:${Math.min(100, Math.max(0.4, value / 1.2)).toFixed(1)}%` }), el("i", { style: `left:${(floor / 1.2).toFixed(1)}%` })), el("b", {}, percent(value)), interval ? el("small", { class: "extra" }, `${figures(low)}–${figures(high)}`) : null);
}

function plain(value, interval) {
	if (value === null || value === undefined) return "–";
	return el("span", {}, el("b", {}, percent(value)), interval ? el("small", {}, ` ${figures(interval[0])}–${figures(interval[1])}`) : null);
}

export function matrix(run) {
	const { rows, manifest } = run.matrix, host = el("div");
	const unsafe = rows.filter((r) => r.verdict !== "SAFE"), below = rows.filter((r) => r.kept_pct_cpu_fair < (must[r.class] ?? 0));
	const columns = [
		{ head: "Attack", key: "attack", of: (r) => el("code", {}, r.attack) },
		{ head: "Class", key: "class", extra: true, of: (r) => r.class },
		{ head: "Kept", key: "kept_pct", number: true, extra: true, of: (r) => plain(r.kept_pct, r.ci95) },
		{ head: "Kept, CPU-fair", key: "kept_pct_cpu_fair", of: (r) => cell(r.kept_pct_cpu_fair, r.kept_pct_cpu_fair_ci95, must[r.class] ?? 0) },
		{ head: "First answer", key: "first_s", number: true, extra: true, of: (r) => (r.first_s === null || r.first_s === undefined ? "–" : `${figures(r.first_s)} s`) },
		{ head: "To 90 %", key: "recover_s", number: true, extra: true, of: (r) => (r.recover_s === null || r.recover_s === undefined ? "–" : `${figures(r.recover_s)} s`) },
		{ head: "Worst client", key: "worst_client_pct", number: true, extra: true, of: (r) => (r.worst_client_pct === null || r.worst_client_pct === undefined ? "–" : percent(r.worst_client_pct)) },
		{ head: "Verdict", key: "verdict", of: (r) => el("b", {}, r.verdict) },
	];
	const show = (key) => {
		const sorted = [...rows].sort((a, b) => (typeof a[key] === "string" ? String(a[key]).localeCompare(String(b[key])) : (a[key] ?? Infinity) - (b[key] ?? Infinity)));
		host.replaceChildren(table(columns, sorted, "Throughput kept under each attack, with 95 % intervals; the mark is what its class must keep, CPU-fair"));
	};
	const select = el("select", { id: "order" }, columns.map((c) => el("option", { value: c.key }, c.head)));
	select.value = "kept_pct_cpu_fair";
	select.addEventListener("change", () => show(select.value));
	show(select.value);
	const worst = unsafe.length ? ["unsafe", "✕", "Not safe everywhere", `${plural(unsafe.length, "attack")} did not end SAFE: ${unsafe.map((r) => `${r.attack} (${r.verdict})`).join(", ")}.`] : ["safe", "✓", "Safe under every attack", `All ${plural(rows.length, "attack")} ended SAFE.`];
	return [
		el("div", { class: `verdict ${worst[0]}` }, el("h1", {}, el("span", { class: "sign", "aria-hidden": "true" }, worst[1]), worst[2]), el("p", { class: "lead" }, worst[3]), el("p", {}, below.length ? `${plural(below.length, "attack")} kept less than the class must: ${below.map((r) => r.attack).join(", ")}.` : "Every attack left what its class must keep.")),
		section("Attacks", "attacks", el("p", { class: "choose" }, el("label", { for: "order" }, "Sorted by "), select), host, el("p", { class: "note" }, "CPU-fair: against a second baseline, in which processes burn the CPU that the attackers used."), manifest?.machine ? el("p", { class: "note" }, ran(manifest)) : null),
	];
}
