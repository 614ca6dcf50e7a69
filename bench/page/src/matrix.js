/* A matrix: what is kept under each attack, held against what its class must keep. */
import { count, el, figures, known, list, or, percent, plural, seconds, section, table } from "./dom.js";
import { measure, measureHead } from "./interval.js";
import { again, box, figure, load, ran, replicas, verdictWord, when } from "./words.js";

const classes = { B: "backups and clients, any attack", L: "a leader that is silent, lies or is invalid", S: "a leader that is slow or unfair within limits", R: "again and again" };
const axis = { from: 0, to: 125, ticks: [0, 25, 50, 75, 100, 125] };
const share = (x, short) => (short ? String(Math.round(x)).replace("-", "−") : percent(x));
const safe = (r) => r.verdict === "SAFE";
const isBelow = (r) => r.below?.length > 0;
const isMeasured = (r) => Array.isArray(r.below);
const must = (r) => percent(r.must_pct);
/* Less than its must with the whole interval: what one pair of phases says is often noise. */
const surely = (r) => r.kept_pct_cpu_fair_ci95 && r.kept_pct_cpu_fair_ci95[1] < r.must_pct;

const lacking = {
	kept_pct_cpu_fair: (r) => `kept ${percent(r.kept_pct_cpu_fair)}, must ${must(r)}${!r.kept_pct_cpu_fair_ci95 ? "" : surely(r) ? ", its whole interval less" : `, its interval up to ${percent(r.kept_pct_cpu_fair_ci95[1])}`}`,
	first_s: (r) => (known(r.first_s) ? `the first answer came after ${seconds(r.first_s)}, must within ${r.must_first_s} s` : "no first answer came"),
	worst_client_pct: (r) => (known(r.worst_client_pct) ? `one client got ${percent(r.worst_client_pct)} of its share, must ${percent(r.must_client_pct)}` : "no client’s share is known"),
};
const why = (r) => r.below.map((name) => lacking[name](r)).join("; ");

function judged(r) {
	const say = (kind, sign, text) => el("span", { class: `judged ${kind}` }, el("span", { "aria-hidden": "true" }, sign), ` ${text}`);
	if (!isMeasured(r)) return say("", "–", `not measured${r.reason ? `: ${r.reason}` : ""}`);
	return [safe(r) ? null : say("below", r.verdict === "UNSAFE" ? "✕" : "?", `${r.verdict}${r.reason ? `: ${r.reason}` : ""}`), isBelow(r) ? say("below", "✕", `below its must: ${why(r)}`) : say("", "✓", "keeps its must")];
}

const convicted = (r) => (r.convicted?.length ? replicas(r.convicted) : "nobody");

const columns = [
	{ head: "Attack", of: (r) => el("span", {}, el("a", { href: `#attack-${r.attack}` }, el("code", {}, r.attack)), judged(r), r.acted === 0 ? el("small", { class: "what" }, "never acted: there was no occasion") : null) },
	{ head: measureHead("Kept, CPU-fair", axis, String), of: (r) => measure(axis, share, r.kept_pct_cpu_fair, r.kept_pct_cpu_fair_ci95, { mark: r.must_pct, below: isBelow(r) && r.below.includes("kept_pct_cpu_fair") }) },
	{ head: "Verdict", extra: true, of: (r) => verdictWord(r.verdict) },
	{ head: "First answer", number: true, extra: true, of: (r) => or(r.first_s, seconds) },
	{ head: "To 90 %", number: true, extra: true, of: (r) => or(r.recover_s, seconds) },
	{ head: "Worst client", number: true, extra: true, of: (r) => or(r.worst_client_pct, percent) },
	{ head: "Convicted", extra: true, of: convicted },
];

const rank = (r) => (r.verdict === "UNSAFE" ? 0 : isBelow(r) ? 1 : safe(r) ? 3 : 2);
const byNeed = (a, b) => rank(a) - rank(b) || (a.kept_pct_cpu_fair ?? Infinity) - (b.kept_pct_cpu_fair ?? Infinity);

function asked(rows) {
	const first = rows.find((r) => known(r.must_first_s)), client = rows.find((r) => known(r.must_client_pct));
	return `must keep ${must(rows[0])}${first ? `, with the first answer within ${first.must_first_s} s` : ""}${client ? `; under attacks by clients, each honest client ${percent(client.must_client_pct)} of its share` : ""}`;
}

function grouped(rows) {
	const all = [];
	for (const letter of Object.keys(classes)) {
		const own = rows.filter((r) => r.class[0] === letter).sort(byNeed), measured = own.filter(isMeasured), keep = measured.filter((r) => !isBelow(r));
		if (!own.length) continue;
		all.push({ group: el("span", {}, el("b", {}, `${own[0].class}, ${classes[letter]}`), el("small", {}, ` ${asked(own)}. ${measured.length ? `${count(keep.length)} of ${count(measured.length)} do` : "None was measured"}.`)) }, ...own.map((r) => ({ ...r, class: isBelow(r) || !safe(r) ? "short" : null })));
	}
	return all;
}

function verdict(rows, below, measured, run) {
	const broken = rows.filter((r) => r.verdict === "UNSAFE"), rest = rows.filter((r) => !safe(r) && r.verdict !== "UNSAFE");
	const named = (some) => list(some.map((r) => `${r.attack}${r.verdict === "UNSAFE" ? "" : ` (${r.verdict.toLowerCase()})`}`)), all = rows.length === 1 ? "the one attack" : `all ${count(rows.length)} attacks`;
	const kind = broken.length ? "UNSAFE" : rest.length || !rows.length ? "UNKNOWN" : "SAFE";
	const title = { UNSAFE: `Unsafe under ${plural(broken.length, "attack")}`, UNKNOWN: rows.length ? "Not everything is known" : "Nothing was measured", SAFE: `Safe under ${all}` }[kind];
	const kept = measured.length ? `${count(measured.length - below.length)} of ${plural(measured.length, "attack")} that ${measured.length === 1 ? "was" : "were"} measured left what a correct engine must keep of its throughput, CPU-fair.` : "What is kept was not measured.";
	return box(
		kind, title,
		[broken.length ? `What the cluster promises was broken under ${named(broken)}.` : "", rest.length ? `Not known to be safe: ${named(rest)}.` : "", `${count(rows.filter(safe).length)} of ${count(rows.length)} ended SAFE.`].filter(Boolean).join(" "),
		kept,
		below.length ? el("div", {}, el("p", {}, `Below ${below.length === 1 ? "its" : "their"} must:`), el("ul", {}, [...below].sort(byNeed).slice(0, 12).map((r) => el("li", {}, el("a", { href: `#attack-${r.attack}` }, r.attack), `: ${why(r)}.`))), below.length > 12 ? el("p", {}, `And ${count(below.length - 12)} more, in the table.`) : null) : null,
		rows.length < run.catalogue ? el("p", { class: "note" }, `These are ${count(rows.length)} of the ${count(run.catalogue)} attacks that liars or clients can make.`) : null,
		run.matrix.interrupted ? el("p", { class: "warn" }, "It was interrupted: attacks are missing.") : null,
		run.matrix.manifest?.mode === "trusted" ? el("p", { class: "warn" }, "In mode trusted no liar is borne: the rows show what Raft does not survive.") : null,
	);
}

function keyFigures(rows, below, measured) {
	const least = [...measured].sort((a, b) => a.kept_pct_cpu_fair - b.kept_pct_cpu_fair)[0], slow = rows.filter((r) => known(r.first_s)).sort((a, b) => b.first_s - a.first_s)[0], proven = rows.filter((r) => r.convicted?.length);
	return el(
		"dl", { class: "figures" },
		figure("Safe", count(rows.filter(safe).length), `of ${count(rows.length)}`),
		figure("Keep their must", count(measured.length - below.length), `of ${count(measured.length)}`),
		least ? figure("Least kept", percent(least.kept_pct_cpu_fair), "", `${least.attack}, must ${must(least)}`) : null,
		slow ? figure("Longest to a first answer", figures(slow.first_s), "s", slow.attack) : null,
		figure("Liars convicted", count(proven.length), proven.length === 1 ? "attack" : "attacks", "by evidence that proves the lie to anybody"),
	);
}

function told(r, run) {
	const a = run.attacks.find((x) => x.name === r.attack), about = (name, text) => [el("dt", {}, name), el("dd", {}, text)];
	const range = (ci) => (ci ? ` (95 % interval ${figures(ci[0])} to ${figures(ci[1])})` : "");
	const here = isMeasured(r)
		? `${r.verdict}. CPU-fair ${percent(r.kept_pct_cpu_fair)} kept${range(r.kept_pct_cpu_fair_ci95)}, of the calm phases ${or(r.kept_pct, percent)}${range(r.ci95)}; first answer ${or(r.first_s, (x) => `after ${seconds(x)}`, "never")}, 90 % again ${or(r.recover_s, (x) => `after ${seconds(x)}`, "not in every pair before the attack’s end")}; the client that got least got ${or(r.worst_client_pct, percent)} of its share; ${plural(r.view_changes ?? 0, "view change")}; it acted ${plural(r.acted ?? 0, "time")}; convicted: ${convicted(r)}. p99 ${or(r.p99_ms?.calm, figures)} ms in calm, ${or(r.p99_ms?.attack, figures)} ms under attack.`
		: `${r.verdict}${r.reason ? `: ${r.reason}` : ""}.`;
	return el(
		"details", { id: `attack-${r.attack}`, class: "attack" },
		el("summary", {}, el("code", {}, r.attack), ` ${isBelow(r) || r.verdict === "UNSAFE" ? "✕" : safe(r) ? "✓" : "?"}`), judged(r),
		el("dl", { class: "about" }, a ? [about("By", `${a.by}: ${a.does}.`), about("A naive implementation", a.breaks), about("A correct one", a.answer), about("Must keep", `${a.must} (${a.class}); on shared cores it is held against ${must(r)}, CPU-fair.`)] : about("What it does", "The catalogue of this version does not know it."), about("Here", here)),
		el("p", { class: "note" }, el("code", { class: "wraps" }, `quorate-bench run --attack ${r.attack}@3s`), " shows it alone."),
	);
}

/* A link opens what it leads to. */
function opens() {
	const target = location.hash.startsWith("#attack-") ? document.getElementById(location.hash.slice(1)) : null;
	if (!target) return;
	target.open = true;
	target.scrollIntoView();
}

/* On paper all of them are open. */
function unfoldOnPaper() {
	let closed = [];
	addEventListener("beforeprint", () => {
		closed = [...document.querySelectorAll("details.attack:not([open])")];
		for (const d of closed) d.open = true;
	});
	addEventListener("afterprint", () => closed.forEach((d) => (d.open = false)));
}

export function matrix(run) {
	const { rows } = run.matrix, m = run.matrix.manifest ?? {}, measured = rows.filter(isMeasured), below = measured.filter(isBelow);
	document.title = `Quorate: ${count(rows.length)} attacks, ${count(rows.filter(safe).length)} SAFE, ${count(measured.length - below.length)} keep what they must`;
	addEventListener("hashchange", opens);
	setTimeout(opens, 0); /* once it is in the page */
	unfoldOnPaper();
	return [
		el("p", { class: "over" }, `Quorate, a matrix of attacks. ${when(m)}${m.mode ? `Mode ${m.mode}` : ""}${m.replicas ? `, ${m.replicas} replicas, of which ${m.f} may lie` : ""}.`),
		verdict(rows, below, measured, run), keyFigures(rows, below, measured), m.machine ? el("p", { class: "ran" }, ran(m)) : null,
		rows.length ? section("What is kept under each attack", "attacks", table(columns, grouped(rows), "Throughput kept, percent, with its 95 % interval; the upright line is what must be kept. Those below it come first: a diamond, where others have a dot; an arrow goes on beyond the axis"), el("p", { class: "note" }, "CPU-fair: against a second baseline, in which processes burn the CPU that the attackers used, on the same cores. First answer: to something asked after the attack began. To 90 %: of the calm throughput again, the longest of the pairs; – stands for not before the attack’s end. Worst client: what the one that got least got of an equal share.")) : null,
		rows.length ? section("What each attack does", "catalogue", el("p", {}, "What it breaks in a naive implementation, what a correct one does, and all that was measured here."), [...rows].sort((a, b) => a.attack.localeCompare(b.attack)).map((r) => told(r, run))) : null,
		section("What ran, and how to run it again", "about", m.load ? el("p", {}, `${load(m)[0].toUpperCase()}${load(m).slice(1)}.`) : null, m.pairs ? el("p", {}, `${plural(m.pairs, "pair")} of calm and attack for each${m.quick ? ", short ones (--quick): a look, not a measurement" : ""}.`) : null, m.argv ? again("matrix", m) : null, el("p", { class: "note" }, "Each attack’s own run lies in a folder of its name beside matrix.json: quorate-bench report makes a page of it as well. What each number means: docs/benchmarking.md.")),
	];
}
