/* Who said what to whom about one place in the order: a sequence diagram. Time runs downwards; long waits are cut short, and say how long they were. */
import { bytes, count, el, folded, list, ms, plural, svg, table } from "./dom.js";
import { isLiar } from "./words.js";

const styles = {
	REQUEST: "client", REPLY: "client", "REPLY-LATE": "client",
	PROPOSAL: "propose", "PRE-PREPARE": "propose", APPEND: "propose",
	PREPARE: "prepare", ACK: "prepare",
	COMMIT: "commit",
	SUSPECT: "change", "VIEW-CHANGE": "change", "NEW-VIEW": "change", "ASK-VOTE": "change", VOTE: "change",
};
const styleOf = (what) => styles[what] ?? "other";
const explained = { client: "requests and replies", propose: "proposals", prepare: "PREPARE, ACK", commit: "COMMIT", change: "change of view or leader", other: "the rest" };
const phases = { baseline: "before anything went wrong", attack: "under attack", after: "afterwards" };
const phaseName = (run, phase) => (phase === "baseline" && !run.manifest.attacks.length && !run.manifest.faults.length ? "in the middle of the run" : phase === "attack" && !run.manifest.attacks.length ? "after the fault" : phases[phase] ?? phase);

/* What goes out at one moment to several is one fan. */
function fans(slot) {
	const open = new Map(), all = [];
	for (const m of slot.messages) {
		const at = m.sent_s ?? m.heard_s, key = [m.from, m.what, m.view, m.proposal, m.of].join(), last = open.get(key);
		if (m.from !== "client" && last && at - last.at < 0.0015 && !last.messages.some((o) => o.to === m.to)) last.messages.push(m);
		else {
			const fan = { at, from: m.from, what: m.what, view: m.view, of: m.of, proposal: m.proposal, messages: [m] };
			open.set(key, fan);
			all.push(fan);
		}
	}
	return all.sort((a, b) => a.at - b.at);
}

/* A place downwards for each moment: in order, never too near to another one to be read, never far away. */
function scale(slot, drawn, begins) {
	const points = new Map(), put = (t, need) => points.set(t, Math.max(points.get(t) ?? 0, need));
	drawn.forEach((fan, i) => put(fan.at, fan.from === "client" && drawn[i - 1]?.from === "client" && fan.at - drawn[i - 1].at < 0.01 ? 7 : 17));
	for (const m of slot.messages) if (m.heard_s !== null && m.sent_s !== null) put(m.heard_s, 3);
	for (const k of slot.marks) put(k.at_s, 3);
	for (const b of begins) put(b.t_s, 22);
	const times = [...points.keys()].sort((a, b) => a - b), y = new Map(), cuts = [];
	let at = 74, lastLabel = 74 - 17, previous = times[0];
	for (const t of times) {
		const waited = (t - previous) * 1000, need = points.get(t);
		let step = Math.min(24, waited * 5);
		if (waited > 25) {
			step = 42;
			cuts.push({ y: at + 21, waited });
		}
		at += Math.max(step, t === times[0] ? 0 : 2.5);
		if (need >= 7) {
			at = Math.max(at, lastLabel + need);
			lastLabel = at;
		}
		y.set(t, at);
		previous = t;
	}
	return { y: (t) => y.get(t), height: at + 26, cuts, times };
}

function arrow(x1, y1, x2, y2, kind, lost) {
	if (lost) {
		x2 = x1 + (x2 - x1) * 0.55;
		y2 = y1 + 5;
	}
	const length = Math.hypot(x2 - x1, y2 - y1) || 1, dx = (x2 - x1) / length, dy = (y2 - y1) / length, parts = [svg("line", { x1, y1, x2: x2 - dx * (lost ? 0 : 4), y2: y2 - dy * (lost ? 0 : 4), class: `arrow ${kind}` })];
	if (lost) parts.push(svg("path", { d: `M${x2 - 4} ${y2 - 4}l8 8m0-8l-8 8`, class: "lost" }));
	else parts.push(svg("path", { d: `M${x2} ${y2}L${x2 - dx * 7 + dy * 3.2} ${y2 - dy * 7 - dx * 3.2}L${x2 - dx * 7 - dy * 3.2} ${y2 - dy * 7 + dx * 3.2}Z`, class: `head ${kind}` }));
	return parts;
}

const glyphs = {
	flushed: (x, y) => svg("rect", { x: x - 3.5, y: y - 3.5, width: 7, height: 7, class: "glyph hollow" }),
	decided: (x, y) => svg("path", { d: `M${x} ${y - 5}l5 5l-5 5l-5 -5z`, class: "glyph hollow" }),
	executed: (x, y) => svg("circle", { cx: x, cy: y, r: 4, class: "glyph full" }),
};

function diagram(run, slot, width) {
	const n = run.manifest.replicas, left = width < 560 ? 52 : 74, lines = ["client", ...Array(n).keys()];
	const wide = Math.max(width, left + (n + 1) * 46), gap = (wide - left - (width < 560 ? 30 : 46)) / n, x = (who) => left + 14 + gap * lines.indexOf(who);
	const drawn = fans(slot), begins = run.events.filter((e) => (e.what === "attack-begins" || e.what === "fault") && e.t_s > slot.from_s - 0.02 && e.t_s < slot.to_s);
	const to = scale(slot, drawn, begins), origin = slot.from_s;
	const picture = svg("svg", { width: wide, height: to.height, viewBox: `0 0 ${wide} ${to.height}`, role: "img", "aria-label": `Sequence diagram: ${sentence(run, slot)}` });
	for (const who of lines) {
		const liar = who !== "client" && isLiar(run, who), word = who === "client" ? "client" : gap < 78 ? `r${who}` : `replica ${who}`;
		picture.append(svg("line", { x1: x(who), x2: x(who), y1: 44, y2: to.height - 6, class: liar ? "life liar" : "life" }));
		picture.append(svg("text", { x: x(who), y: 16, class: "who", "text-anchor": who === "client" ? "middle" : "middle" }, word));
		const notes = [who === slot.leader ? "leads" : "", liar ? (slot.phase === "baseline" ? "will lie" : "lies") : ""].filter(Boolean).join(", ");
		if (notes) picture.append(svg("text", { x: x(who), y: 33, class: liar ? "role liar" : "role", "text-anchor": "middle" }, notes));
	}
	for (const cut of to.cuts) {
		picture.append(svg("rect", { x: left - 8, y: cut.y - 5, width: wide - left + 8, height: 10, class: "cut" }));
		for (const who of lines) picture.append(svg("path", { d: `M${x(who) - 5} ${cut.y - 2}l10 -4m-10 8l10 -4`, class: "life" }));
		picture.append(svg("text", { x: left - 12, y: cut.y + 4, class: "time wait", "text-anchor": "end" }, `+${Math.round(cut.waited)}`));
	}
	picture.append(svg("text", { x: left - 12, y: 48, class: "time", "text-anchor": "end" }, "ms"));
	let lastTime = -100, asked = -1;
	const stamp = (t) => {
		const y = to.y(t);
		if (y - lastTime < 26 || to.cuts.some((c) => Math.abs(c.y - y) < 14)) return;
		lastTime = y;
		picture.append(svg("text", { x: left - 12, y: y + 4, class: "time", "text-anchor": "end" }, Math.max(0, (t - origin) * 1000).toFixed(1)));
	};
	for (const e of begins) {
		const y = to.y(e.t_s);
		picture.append(svg("line", { x1: left - 8, x2: wide, y1: y, y2: y, class: "begins" }));
		picture.append(svg("text", { x: wide - 4, y: y - 4, class: "begins", "text-anchor": "end" }, e.what === "fault" ? e.text : `${e.text} begins`));
	}
	const labels = [];
	for (const fan of drawn) {
		const kind = styleOf(fan.what), y1 = to.y(fan.at), x1 = x(fan.from);
		stamp(fan.at);
		const again = fan.from === "client" && fan.at - asked < 0.01; /* to several, and one label is enough */
		asked = fan.from === "client" ? fan.at : asked;
		for (const m of fan.messages) {
			const lost = m.heard_s === null && m.to !== "client";
			picture.append(...arrow(x1, m.sent_s === null ? to.y(m.heard_s) : to.y(m.sent_s) ?? y1, x(m.to), m.heard_s === null ? y1 : to.y(m.heard_s), kind, lost));
		}
		const right = fan.messages.some((m) => x(m.to) > x1) && (fan.messages.filter((m) => x(m.to) > x1).length >= fan.messages.length / 2 || fan.from === 0);
		const several = slot.proposals.length > 1 && fan.proposal && ["PROPOSAL", "PRE-PREPARE", "PREPARE", "COMMIT", "APPEND"].includes(fan.what) ? ` ${fan.proposal.slice(0, 4)}` : "";
		const text = `${fan.what}${several}${fan.of !== undefined ? ` of r${fan.of}` : ""}`;
		if (!again) labels.push(svg("text", { x: x1 + (right ? 7 : -7), y: y1 - 3, class: `label ${kind}`, "text-anchor": right ? "start" : "end" }, text));
	}
	for (const k of slot.marks) if (glyphs[k.what]) picture.append(glyphs[k.what](x(k.replica), to.y(k.at_s)));
	picture.append(...labels);
	return picture;
}

const viewWord = (run) => (run.manifest.mode === "trusted" ? "term" : "view");

function sentence(run, slot) {
	const led = slot.leader === null ? "" : `, proposed by replica ${slot.leader} in ${viewWord(run)} ${slot.view}`;
	return `slot ${count(slot.seq)}, ${plural(slot.requests, "request")} in one proposal${led}; ${ms((slot.to_s - slot.from_s) * 1000)} from the first message to the last answer`;
}

function key(slot) {
	const kinds = [...new Set(slot.messages.map((m) => styleOf(m.what)))];
	const line = (kind) => svg("svg", { width: 40, height: 12, "aria-hidden": "true" }, svg("line", { x1: 1, y1: 6, x2: 32, y2: 6, class: `arrow ${kind}` }), svg("path", { d: "M39 6L31 2.6L31 9.4Z", class: `head ${kind}` }));
	const sign = (what) => svg("svg", { width: 14, height: 12, "aria-hidden": "true" }, glyphs[what](7, 6));
	return el("ul", { class: "legend" }, kinds.map((kind) => el("li", {}, line(kind), explained[kind])), el("li", {}, sign("flushed"), "on its disk"), el("li", {}, sign("decided"), "decided"), el("li", {}, sign("executed"), "executed"), slot.messages.some((m) => m.heard_s === null && m.to !== "client") ? el("li", {}, "× not heard while it was recorded") : null);
}

const name = (who) => (who === "client" ? "client" : `replica ${who}`);
function messageTable(run, slot) {
	const at = (t) => (t === null ? "–" : ms(Math.max(0, (t - slot.from_s) * 1000)));
	return table([{ head: "From", of: (m) => name(m.from) }, { head: "To", of: (m) => name(m.to) }, { head: "Message", of: (m) => el("code", {}, m.what) }, { head: viewWord(run), number: true, of: (m) => String(m.view) }, { head: "Sent", number: true, of: (m) => at(m.sent_s) }, { head: "Heard", number: true, of: (m) => at(m.heard_s) }, { head: "Size", number: true, of: (m) => bytes(m.bytes) }], slot.messages, "Messages of this slot, from its first one on");
}

export function slots(run) {
	if (!run.slots.length) return null;
	const select = el("select", { id: "slot" }), picture = el("div", { class: "scroll picture", tabindex: "0", role: "region", "aria-label": "Sequence diagram" }), about = el("div"), told = el("div");
	const groups = new Map();
	run.slots.forEach((slot, i) => {
		const group = phaseName(run, slot.phase);
		if (!groups.has(group)) groups.set(group, el("optgroup", { label: group[0].toUpperCase() + group.slice(1) }));
		groups.get(group).append(el("option", { value: i }, `slot ${count(slot.seq)}, ${viewWord(run)} ${slot.view}, ${ms((slot.to_s - slot.from_s) * 1000)}`));
	});
	select.append(...groups.values());
	const attacked = run.slots.findIndex((s) => s.phase === "attack"), disputed = run.slots.findIndex((s) => s.phase === "attack" && s.proposals.length > 1);
	select.value = String(Math.max(0, disputed < 0 ? attacked : disputed));
	const show = () => {
		const slot = run.slots[Number(select.value)];
		const words = sentence(run, slot), several = slot.proposals.length > 1 ? ` ${plural(slot.proposals.length, "different proposal")} were voted for here: ${list(slot.proposals.map((p) => p.slice(0, 4)))}.` : "";
		about.replaceChildren(el("p", {}, `${phaseName(run, slot.phase)[0].toUpperCase()}${phaseName(run, slot.phase).slice(1)}, at ${slot.from_s.toFixed(2)} s: ${words}.${several} The first of its requests and the replies to it are drawn${slot.left_out ? `; ${plural(slot.left_out, "message")} are left out` : ""}.`), key(slot));
		picture.replaceChildren(diagram(run, slot, picture.clientWidth || 320));
		told.replaceChildren(messageTable(run, slot));
	};
	select.addEventListener("change", show);
	let width = 0;
	new ResizeObserver(() => {
		if (picture.clientWidth !== width) {
			width = picture.clientWidth;
			show();
		}
	}).observe(picture);
	return [el("p", { class: "choose" }, el("label", { for: "slot" }, "Slot "), select), about, picture, folded("The same as a table", told)];
}
