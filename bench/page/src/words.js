/* What came out, in sentences: the verdict first. */
import { count, el, figures, list, ms, percent, plural, seconds } from "./dom.js";

export const replicas = (ids) => `${ids.length === 1 ? "replica" : "replicas"} ${list(ids.map(String))}`;
export const isLiar = (run, id) => run.manifest.attacks.some((a) => a.replicas.includes(id));

export const verdicts = {
	SAFE: ["✓", "Safe", "Everything that can be compared agrees."],
	UNSAFE: ["✕", "Unsafe", "What the cluster promises was broken."],
	UNKNOWN: ["?", "Unknown", "Too little could be compared to say that it was safe."],
};

function compared(s) {
	const agree = s.verdict === "SAFE", parts = [`${plural(s.sequences, "sequence")} in the logs of honest replicas${agree ? ", the same in each" : ""}`, `${plural(s.answers_checked, "answer")}${agree ? ", found where clients were told that they stand" : " with where clients were told that they stand"}`];
	if (s.register_operations) parts.push(`${plural(s.register_operations, "operation")} on watched registers${agree ? ", in an order that explains them" : ""}`);
	return `Compared: ${parts.join("; ")}.${s.answers_out_of_reach ? ` ${plural(s.answers_out_of_reach, "answer")} had left the logs and could not be compared.` : ""}`;
}

function evidence(run) {
	const s = run.summary.safety;
	if (s.convicted.length) {
		const files = s.evidence_files ? `${plural(s.evidence_files, "file")} of evidence, in the folder of the run, ${s.evidence_files === 1 ? "holds" : "hold"}` : "The logs hold both of two contradicting certificates";
		return `${files}: ${s.evidence_files === 1 ? "it proves" : "they prove"} to anybody with the genesis that ${replicas(s.convicted)} lied.`;
	}
	if (s.evidence_files) return `${plural(s.evidence_files, "file")} of evidence hold.`;
	return run.manifest.attacks.length ? "Nobody is convicted: there is no evidence of two statements that contradict each other." : null;
}

/* An event's time, where the plan only has what was wanted. */
function began(run, attack) {
	const at = run.events.find((e) => e.what === "attack-begins" && e.text === attack.name);
	return at ? at.t_s : attack.from_s;
}

function acted(run, name) {
	const notes = run.events.filter((e) => e.what === "note" && e.text.startsWith(`${name} `));
	if (!notes.length) return null;
	return notes.every((e) => e.text.includes("never acted")) ? "It never acted: there was no occasion, so this run shows nothing about it." : null;
}

function attackSentence(run, a) {
	const about = run.attacks?.find((x) => x.name === a.name);
	const subject = a.replicas.length ? `${a.replicas.length === 1 ? "Replica" : "Replicas"} ${list(a.replicas.map(String))} lied` : "A client attacked";
	const until = a.to_s === null ? "until the end" : `until ${seconds(a.to_s)}`, pairs = run.summary.pairs;
	const when = pairs ? `in ${plural(pairs.count, "phase")}, each with a calm one before it` : `from ${seconds(began(run, a))} ${until}`;
	const node = el("li", {}, `${subject} ${when}. `, el("strong", {}, a.name), about ? `: ${about.does}.` : ".");
	const idle = acted(run, a.name);
	if (idle) node.append(` ${idle}`);
	return node;
}

function faultSentence(f) {
	const words = { kill: "was killed", pause: "stood still", restart: "was killed and started again", wipe: "lost its disk", "slow-disk": "had a disk ten times as slow" };
	return el("li", {}, `Replica ${f.replica} ${words[f.name] ?? f.name} at ${seconds(f.at_s)}.`);
}

const interval = (ci) => (ci ? ` (95 % interval ${figures(ci[0])} to ${figures(ci[1])})` : "");

export function effectOfPairs(x) {
	const fair = x.kept_pct_cpu_fair === null ? "" : `; against a baseline in which other processes burnt the attackers’ CPU, ${percent(x.kept_pct_cpu_fair)}${interval(x.kept_pct_cpu_fair_ci95)}`;
	const first = x.first_s === null ? "" : ` The first answer to something asked after an attack began came after ${seconds(x.first_s)} at most.`;
	return x.kept_pct === null ? null : `${percent(x.kept_pct)} of the calm throughput was kept${interval(x.kept_pct_ci95)}${fair}.${first}`;
}

function effect(run) {
	if (run.summary.pairs) return effectOfPairs(run.summary.pairs);
	const s = run.summary, phase = (name) => s.phases.find((p) => p.name === name);
	const before = phase("baseline"), during = phase("attack"), after = phase("after"), said = [];
	if (!during) return null;
	if (before && before.ops_per_s > 0) said.push(`Meanwhile ${percent((100 * during.ops_per_s) / before.ops_per_s)} of the throughput before it was kept (${count(during.ops_per_s)} of ${count(before.ops_per_s)} operations a second)`);
	else said.push(`Meanwhile ${count(during.ops_per_s)} operations a second were answered`);
	if (after) said[0] += `, and ${count(after.ops_per_s)} afterwards`;
	if (s.first_after_attack_s === null) said.push("nothing that was asked after it began was answered");
	else said.push(`the first answer to something asked after it began came after ${seconds(s.first_after_attack_s)}`);
	if (s.to_90_pct_s !== null) said.push(`${percent(90)} of the earlier throughput was reached ${seconds(s.to_90_pct_s)} after it began`);
	return `${said.join("; ")}.`;
}

export function verdict(run) {
	const { summary: s, manifest: m } = run, [sign, name, what] = verdicts[s.safety.verdict] ?? ["?", s.safety.verdict, ""];
	const liars = new Set(m.attacks.flatMap((a) => a.replicas)).size, bears = m.mode === "trusted" ? 0 : m.f;
	const box = el("div", { class: `verdict ${name.toLowerCase()}` });
	box.append(el("h1", {}, el("span", { class: "sign", "aria-hidden": "true" }, sign), name), el("p", { class: "lead" }, s.safety.reason ? `${what} ${s.safety.reason[0].toUpperCase()}${s.safety.reason.slice(1)}.` : what));
	if (s.interrupted) box.append(el("p", { class: "warn" }, "The run was interrupted: everything here is of the time until then."));
	if (liars > bears) box.append(el("p", { class: "warn" }, `${plural(liars, "replica")} lied, and mode ${m.mode} bears ${bears}: the guarantee was gone before it began.`));
	const items = [...m.attacks.map((a) => attackSentence(run, a)), ...m.faults.map(faultSentence)];
	if (items.length) box.append(el("ul", {}, items));
	else box.append(el("p", {}, "There was no attack and no fault."));
	for (const sentence of [effect(run), evidence(run), compared(s.safety)]) if (sentence) box.append(el("p", {}, sentence));
	return box;
}

export function load(m) {
	const l = m.load;
	const how = l.kind === "closed" ? `closed loop, ${plural(l.clients, "session")} with ${l.outstanding} under way each` : l.kind === "open" ? `open loop, ${count(l.rate)} operations a second asked for` : `sweep from ${count(l.from)} to ${count(l.to)} operations a second`;
	return `${how}; ${m.reads_pct ? `${m.reads_pct} % reads, ` : ""}values of ${m.value_bytes} bytes over ${count(m.keys)} keys (${m.key_distribution})${m.bundle_ops > 1 ? `, ${m.bundle_ops} operations a signature` : ""}`;
}

const quoted = (word) => (/^[\w@.,:=/%+-]+$/.test(word) ? word : `'${word.replace(/'/g, "'\\''")}'`);

/* The words that repeat it, without where it went. */
export const words = (verb, m) => ["quorate-bench", verb, ...m.argv.filter((w, i) => w !== "--json" && w !== "--out" && m.argv[i - 1] !== "--out").map(quoted)].join(" ");
export const again = (verb, m) => [el("p", {}, "Again:"), el("pre", { tabindex: "0" }, words(verb, m))];

export const when = (m) => (m.date_utc ? `${m.date_utc.replace("T", " ").replace("Z", " UTC")}. ` : "");

/* The box on top. kind: as a verdict of safety; sentences: nodes, or what is left out. */
export function box(kind, title, lead, ...sentences) {
	const [sign] = verdicts[kind] ?? ["?"], name = { SAFE: "safe", UNSAFE: "unsafe" }[kind] ?? "unknown";
	return el("div", { class: `verdict ${name}` }, el("h1", {}, el("span", { class: "sign", "aria-hidden": "true" }, sign), title), lead ? el("p", { class: "lead" }, lead) : null, sentences.flat().filter(Boolean).map((s) => (typeof s === "string" ? el("p", {}, s) : s)));
}

/* In a table: what is not safe has a sign as well. */
export const verdictWord = (verdict) => (verdict === "SAFE" ? "SAFE" : el("b", { class: "below" }, `${verdict === "UNSAFE" ? "✕" : "?"} ${verdict}`));

export const figure = (label, value, unit, note) => el("div", {}, el("dt", {}, label), el("dd", {}, el("b", {}, value), unit ? ` ${unit}` : "", note ? el("small", {}, note) : null));

/* A folder of several may not know all of it: when none of them came to an end. */
export function ran(m) {
	const signed = m.mode === "trusted" ? "requests not signed" : "requests signed", net = m.net ? `, network ${m.net === "none" ? "of one machine, not shaped" : m.net}` : "";
	return `${m.tls ? "TLS 1.3" : "no TLS"}, durability ${m.durability}, ${signed}${net}. ${m.machine.shared ? "Replicas, clients and liars share" : "Each process has"} ${plural(m.machine.cores, "core")} (${m.machine.cpu}, Linux ${m.machine.kernel}).`;
}

export function keyFigures(run) {
	const { summary: s, manifest: m } = run, sweep = m.load.kind === "sweep", phase = (name) => s.phases.find((p) => p.name === name);
	const before = phase("baseline"), during = phase("attack");
	const interval = s.throughput.ci95 ? `95 % interval ${s.throughput.ci95.map(count).join(" to ")}` : "one run, no interval";
	return el(
		"dl",
		{ class: "figures" },
		figure(sweep ? "Knee" : "Throughput", sweep ? (s.knee_ops_per_s ? count(s.knee_ops_per_s) : "none") : count(s.throughput.ops_per_s), "ops/s", sweep ? "the highest rate that was kept" : interval),
		figure("Median latency", figures(s.latency_ms.p50), "ms", `p99 ${ms(s.latency_ms.p99)}`),
		figure("Longest wait", figures(s.latency_ms.max), "ms", `no answer to anybody for ${ms(s.gap_ms_max ?? 0)}`),
		s.pairs ? figure("Kept under attack", percent(s.pairs.kept_pct_cpu_fair ?? s.pairs.kept_pct), "", s.pairs.kept_pct_cpu_fair_ci95 ? `CPU-fair, 95 % interval ${s.pairs.kept_pct_cpu_fair_ci95.map(figures).join(" to ")}` : "of the calm throughput") : before && during && before.ops_per_s > 0 ? figure("Kept under attack", percent((100 * during.ops_per_s) / before.ops_per_s), "", "of the throughput before it, with the machine’s noise in it") : figure("Failed", count(s.failed), "", `of ${plural(s.operations, "operation")}`),
		figure(m.mode === "trusted" ? "Elections" : "View changes", count(s.view_changes), "", `the client key that got least got ${percent(s.worst_client_pct)} of its share`),
	);
}
