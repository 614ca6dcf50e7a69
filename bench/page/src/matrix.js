/* A matrix: each attack against the healthy baseline. */
import { el, figures, percent, plural, section, table } from "./dom.js";
import { ran } from "./words.js";

const musts = { B: 85, L: 75, S: 75, R: 50 };
const must = (row) => row.must_pct ?? musts[row.class[0]] ?? 0;

/* As matrix_meets() in bench/matrix_rows.c has it. Null: it was not measured. */
function meets(row) {
	if (typeof row.kept_pct_cpu_fair !== "number") return null;
	if (row.kept_pct_cpu_fair < must(row) || (row.class[0] === "L" && !(typeof row.first_s === "number" && row.first_s <= 2))) return false;
	return !row.by_client || row.worst_client_pct >= 75;
}

function cell(value, interval, floor) {
	if (value === null || value === undefined) return "–";
	const low = interval?.[0], high = interval?.[1];
	return el("span", { class: "meter" }, el("b", {}, percent(value)), el("span", { class: "bar", "aria-hidden": "true" }, el("span", { class: value < floor ? "liar" : "", style: `width:${Math.min(100, Math.max(0.4, value / 1.2)).toFixed(1)}%` }), el("i", { style: `left:${(floor / 1.2).toFixed(1)}%` })), interval ? el("small", { class: "extra" }, `${Math.round(low)} to ${Math.round(high)}`) : null);
}

function plain(value, interval) {
	if (value === null || value === undefined) return "–";
	return el("span", {}, el("b", {}, percent(value)), interval ? el("small", {}, ` ${Math.round(interval[0])} to ${Math.round(interval[1])}`) : null);
}

export function matrix(run) {
	const { rows, manifest } = run.matrix, host = el("div");
	const unsafe = rows.filter((r) => r.verdict !== "SAFE"), below = rows.filter((r) => meets(r) === false), measured = rows.filter((r) => meets(r) !== null);
	const columns = [
		{ head: "Attack", key: "attack", of: (r) => el("span", {}, el("code", {}, r.attack), r.acted === 0 ? el("small", { class: "what" }, "never acted") : null, r.reason ? el("small", { class: "what" }, r.reason) : null) },
		{ head: "Verdict", key: "verdict", of: (r) => el("span", {}, el("b", {}, r.verdict), meets(r) === false ? el("small", { class: "below" }, "below its must") : null) },
		{ head: "Class", key: "class", extra: true, of: (r) => r.class },
		{ head: "Kept", key: "kept_pct", number: true, extra: true, of: (r) => plain(r.kept_pct, r.ci95) },
		{ head: "Kept, CPU-fair", key: "kept_pct_cpu_fair", of: (r) => cell(r.kept_pct_cpu_fair, r.kept_pct_cpu_fair_ci95, must(r)) },
		{ head: "First answer", key: "first_s", number: true, extra: true, of: (r) => (r.first_s === null || r.first_s === undefined ? "–" : `${figures(r.first_s)} s`) },
		{ head: "To 90 %", key: "recover_s", number: true, extra: true, of: (r) => (r.recover_s === null || r.recover_s === undefined ? "–" : `${figures(r.recover_s)} s`) },
		{ head: "Worst client", key: "worst_client_pct", number: true, extra: true, of: (r) => (r.worst_client_pct === null || r.worst_client_pct === undefined ? "–" : percent(r.worst_client_pct)) },
	];
	const show = (key) => {
		const sorted = [...rows].sort((a, b) => (typeof a[key] === "string" ? String(a[key]).localeCompare(String(b[key])) : (a[key] ?? Infinity) - (b[key] ?? Infinity)));
		host.replaceChildren(table(columns, sorted, "Throughput kept under each attack, with 95 % intervals; the mark is what its class must keep, CPU-fair"));
	};
	const select = el("select", { id: "order" }, columns.map((c) => el("option", { value: c.key }, c.head)));
	select.value = "kept_pct_cpu_fair";
	select.addEventListener("change", () => show(select.value));
	show(select.value);
	const broken = rows.some((r) => r.verdict === "UNSAFE");
	const worst = unsafe.length && !broken ? ["unknown", "?", "Not everything is known", `${plural(unsafe.length, "attack")} did not end SAFE: ${unsafe.map((r) => `${r.attack} (${r.verdict})`).join(", ")}; the other ${rows.length - unsafe.length} did.`] : unsafe.length ? ["unsafe", "✕", "Not safe everywhere", `${plural(unsafe.length, "attack")} did not end SAFE: ${unsafe.map((r) => `${r.attack} (${r.verdict})`).join(", ")}.`] : ["safe", "✓", "Safe under every attack", `All ${plural(rows.length, "attack")} ended SAFE.`];
	return [
		el("div", { class: `verdict ${worst[0]}` }, el("h1", {}, el("span", { class: "sign", "aria-hidden": "true" }, worst[1]), worst[2]), el("p", { class: "lead" }, worst[3]), el("p", {}, below.length ? `${plural(below.length, "attack")} kept less than the class must: ${below.map((r) => r.attack).join(", ")}.` : measured.length ? "Every attack that was measured left what its class must keep." : "None was measured.")),
		section("Attacks", "attacks", el("p", { class: "choose" }, el("label", { for: "order" }, "Sorted by "), select), host, el("p", { class: "note" }, "CPU-fair: against a second baseline, in which processes burn the CPU that the attackers used."), el("p", { class: "note" }, "Must, of each class: 85 % of it for backups (B) and clients, these with 75 % of its share for each honest client; 75 % where a leader loses its office (L, with the first answer within 2 s) or is slow (S); 50 % when liars lead again and again (R)."), manifest?.interrupted || run.matrix.interrupted ? el("p", { class: "warn" }, "It was interrupted: attacks are missing.") : null, manifest ? el("p", { class: "note" }, `Mode ${manifest.mode}${manifest.pairs ? `, ${plural(manifest.pairs, "pair")} of phases an attack` : ""}${manifest.version ? `, quorate ${manifest.version}` : ""}.`) : null, manifest?.machine ? el("p", { class: "note" }, ran(manifest)) : null),
	];
}
