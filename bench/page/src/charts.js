/* Charts over one time axis, and the percentiles: uPlot. What is attacked is hatched and named, so that no colour is needed to read it. */
import uPlot from "uplot";
import { el, figures, ms } from "./dom.js";
import { colours, onTheme } from "./theme.js";

const font = "12px system-ui, sans-serif";
const made = []; /* {host, make, plot} */

function widthOf(host) {
	return Math.max(200, Math.floor(host.clientWidth));
}

function draw(chart) {
	chart.plot?.destroy();
	chart.plot = chart.make(widthOf(chart.host), colours());
}

export function chart(host, make) {
	const c = { host, make };
	made.push(c);
	return c;
}

/* Once they are in the page. */
export function drawAll() {
	made.forEach(draw);
	onTheme(() => made.forEach(draw));
	let width = innerWidth;
	addEventListener("resize", () => {
		if (innerWidth === width) return;
		width = innerWidth;
		made.forEach((c) => c.plot.setSize({ width: widthOf(c.host), height: c.plot.height }));
	});
}

function hatch(context, colour, ratio) {
	const tile = document.createElement("canvas");
	tile.width = tile.height = Math.round(8 * ratio);
	const t = tile.getContext("2d");
	t.strokeStyle = colour;
	t.globalAlpha = 0.4;
	t.lineWidth = ratio;
	t.beginPath();
	for (const shift of [-1, 0, 1]) {
		t.moveTo(shift * tile.width, tile.width);
		t.lineTo((shift + 1) * tile.width, 0);
	}
	t.stroke();
	return context.createPattern(tile, "repeat");
}

/* spans: [{from, to, name}] to is null for a moment. `named`: the names are written into this chart. */
function troubles(spans, named, c) {
	return (u) => {
		const { ctx, bbox } = u, ratio = devicePixelRatio || 1;
		ctx.save();
		ctx.beginPath();
		ctx.rect(bbox.left, bbox.top - 40 * ratio, bbox.width, bbox.height + 40 * ratio);
		ctx.clip();
		const pattern = hatch(ctx, c.trouble, ratio);
		let row = 0, end = -Infinity;
		for (const span of spans) {
			const left = u.valToPos(span.from, "x", true), right = span.to === null ? left : u.valToPos(span.to, "x", true);
			if (right > left) {
				ctx.fillStyle = pattern;
				ctx.fillRect(left, bbox.top, right - left, bbox.height);
			}
			ctx.strokeStyle = c.trouble;
			ctx.lineWidth = 1.5 * ratio;
			ctx.setLineDash(span.to === null ? [2 * ratio, 3 * ratio] : []);
			ctx.beginPath();
			for (const x of right > left ? [left, right] : [left]) {
				ctx.moveTo(x, bbox.top);
				ctx.lineTo(x, bbox.top + bbox.height);
			}
			ctx.stroke();
			if (!named) continue;
			ctx.font = `600 ${11.5 * ratio}px system-ui, sans-serif`;
			ctx.fillStyle = c.trouble;
			const wide = ctx.measureText(span.name).width, at = Math.max(bbox.left, Math.min(left, bbox.left + bbox.width - wide));
			row = at < end ? (row + 1) % 2 : 0;
			end = at + wide + 10 * ratio;
			ctx.textBaseline = "bottom";
			ctx.fillText(span.name, at, bbox.top - (4 + 14 * row) * ratio);
		}
		ctx.restore();
	};
}

function axis(c, more = {}) {
	return { stroke: c.muted, font, grid: { stroke: c.grid, width: 1 }, ticks: { stroke: c.line, width: 1, size: 4 }, gap: 4, ...more };
}

/* A line needs two points: those that stand alone are dots. */
const alone = { size: 4, show: true, filter: (u, index) => u.data[index].map((v, i, all) => (v !== null && (all[i - 1] ?? null) === null && (all[i + 1] ?? null) === null ? i : -1)).filter((i) => i >= 0) };

const short = (v) => (v >= 1e6 ? `${v / 1e6}M` : v >= 10000 ? `${v / 1000}k` : String(v));

/* On a logarithmic axis 1, 2 and 5 have names. */
const onLog = (v) => (v === null || !/^[125](\.0*)?$/.test((v / 10 ** Math.floor(Math.log10(v) + 1e-9)).toFixed(3)) ? "" : short(+v.toPrecision(2)));

function legend(names) {
	return el("ul", { class: "legend" }, names.map(([dash, name, what]) => el("li", {}, el("span", { class: `key ${dash}`, "aria-hidden": "true" }), name, what ? el("small", {}, ` ${what}`) : null)));
}

const phasesEnd = (run) => Math.max(0, ...run.summary.phases.map((p) => p.to_s));

/* How long was measured; the last interval may be cut short by it. */
export function measured(run) {
	const t = run.intervals, last = t.t_s.length ? t.t_s.at(-1) : 0, ended = phasesEnd(run);
	return ended > last ? Math.min(ended, last + t.every_s) : last + t.every_s;
}

/* The last one may have no length. */
export function cutShort(run) {
	const t = run.intervals, ended = phasesEnd(run);
	while (t.t_s.length > 1 && ended && t.t_s.at(-1) > ended - t.every_s / 5 && !run.manifest.load.from) for (const values of Object.values(t)) if (Array.isArray(values)) values.pop();
}

/* The shared axis: one cursor over all of them, and what it stands on in the line below. */
export function timeCharts(run, spans) {
	const t = run.intervals, every = t.every_s, x = t.t_s.map((s) => s + every / 2), readout = el("p", { class: "readout", "aria-live": "off" }, "Move over a chart to read a moment.");
	const none = (values) => values.map((v, i) => (t.ops[i] ? v : null)), end = measured(run), range = [0, end];
	const rate = t.ops.map((n, i) => n / Math.min(every, Math.max(end - t.t_s[i], every / 10))), edges = [...t.t_s, end], steps = (values) => [...values, values.at(-1)];
	const tell = (u) => {
		if (u.cursor.left < 0 || u.cursor.left === null) return;
		const i = Math.max(0, Math.min(t.t_s.length - 1, Math.floor(u.posToVal(u.cursor.left, "x") / every + 1e-6)));
		readout.textContent = `${t.t_s[i].toFixed(1)} s: ${figures(rate[i])} operations/s; p50 ${t.ops[i] ? ms(t.p50_ms[i]) : "–"}, p99 ${t.ops[i] ? ms(t.p99_ms[i]) : "–"}, slowest ${t.ops[i] ? ms(t.max_ms[i]) : "–"}; view ${t.view[i]}, replica ${t.leader[i]} leads${t.suspects[i] ? `, ${t.suspects[i]} in a change of view` : ""}${t.failed[i] ? `, ${t.failed[i]} failed` : ""}`;
	};
	const base = (width, height, c, named) => ({
		width,
		height,
		padding: [named ? 34 : 10, 12, 0, 0],
		legend: { show: false },
		cursor: { sync: { key: "time" }, drag: { x: true, y: false }, points: { show: false } },
		hooks: { drawClear: [troubles(spans, named, c)], setCursor: [tell] },
	});
	const size = (c, fixed) => axis(c, { size: 52, values: (u, vs) => vs.map((v) => (v === null ? "" : short(v))), ...fixed });
	const seconds = (c, show) => axis(c, { size: show ? 34 : 12, values: (u, vs) => vs.map((v) => (show ? `${v} s` : "")) });
	const xs = { time: false, range: () => range };
	const hosts = ["throughput", "latency", "view"].map((id) => el("div", { class: "chart", id: `chart-${id}`, role: "img" }));
	hosts[0].setAttribute("aria-label", `Operations answered per second over time${spans.length ? `, with ${spans.map((s) => s.name).join(", ")} marked` : ""}`);
	hosts[1].setAttribute("aria-label", "Median, 99th percentile and largest latency over time, on a logarithmic axis");
	hosts[2].setAttribute("aria-label", "View and replicas in a change of view over time");
	chart(hosts[0], (w, c) => new uPlot({ ...base(w, 210, c, spans.length > 0), scales: { x: xs, y: { range: (u, a, b) => [0, Math.max(1, b * 1.05)] } }, axes: [seconds(c, false), size(c)], series: [{}, { stroke: c.first, width: 2, fill: `${c.first}22`, paths: uPlot.paths.stepped({ align: 1 }), points: { show: false } }] }, [edges, steps(rate)], hosts[0]));
	chart(hosts[1], (w, c) =>
		new uPlot(
			{ ...base(w, 210, c, false), scales: { x: xs, y: { distr: 3 } }, axes: [seconds(c, false), size(c, { values: (u, vs) => vs.map(onLog) })], series: [{}, { stroke: c.first, width: 2, points: alone }, { stroke: c.second, width: 1.75, dash: [7, 4], points: alone }, { stroke: c.third, width: 1.25, dash: [2, 3], points: { show: false } }] },
			[x, none(t.p50_ms), none(t.p99_ms), none(t.max_ms)].map((v, i) => (i ? v.map((y) => (y > 0 ? y : null)) : v)),
			hosts[1],
		));
	const top = Math.max(1, ...t.view, ...t.suspects);
	chart(hosts[2], (w, c) => new uPlot({ ...base(w, 130, c, false), scales: { x: xs, y: { range: [Math.min(...t.view, 0), top + 0.5] } }, axes: [seconds(c, true), size(c, { incrs: [1, 2, 5, 10, 20, 50, 100, 1000], space: 22 })], series: [{}, { stroke: c.first, width: 2, paths: uPlot.paths.stepped({ align: 1 }), points: { show: false } }, { stroke: c.trouble, width: 1.5, dash: [3, 3], paths: uPlot.paths.stepped({ align: 1 }), points: { show: false } }] }, [edges, steps(t.view), steps(t.suspects)], hosts[2]));
	return [
		el("h3", {}, "Operations answered, per second"), hosts[0],
		el("h3", {}, "Latency, ms"), legend([["solid", "p50"], ["dashed", "p99"], ["dotted", "largest", "of each tenth of a second"]]), hosts[1],
		el("h3", {}, "View"), legend([["solid", "view", run.manifest.mode === "trusted" ? "term times replicas, and the leader’s place" : "that f+1 replicas say"], ["dashed fault", "replicas in a change of view"]]), hosts[2], readout,
	];
}

export function percentileChart(run) {
	const p = run.percentiles, host = el("div", { class: "chart", id: "chart-percentiles", role: "img", "aria-label": "Latency by percentile, on a logarithmic distance to 100 %" });
	const usable = p.share.map((s, i) => [1 / (1 - s), p.value_ms[i]]).filter(([x, y]) => isFinite(x) && y > 0);
	const x = usable.map((v) => v[0]), y = usable.map((v) => v[1]);
	const names = { 1: "0 %", 10: "90 %", 100: "99 %", 1000: "99.9 %", 10000: "99.99 %", 100000: "99.999 %" };
	chart(host, (w, c) => new uPlot({ width: w, height: 260, padding: [10, 18, 0, 0], legend: { show: false }, cursor: { drag: { x: false, y: false } }, scales: { x: { time: false, distr: 3, range: [1, Math.max(10, ...x)] }, y: { range: (u, a, b) => [0, b * 1.05] } }, axes: [axis(c, { size: 34, values: (u, vs) => vs.map((v) => names[v] ?? "") }), axis(c, { size: 52, values: (u, vs) => vs.map(short) })], series: [{}, { stroke: c.first, width: 2, points: { show: false } }] }, [x, y], host));
	return host;
}

export function kneeChart(run) {
	const steps = [...run.summary.sweep].sort((a, b) => a.rate - b.rate), host = el("div", { class: "chart", id: "chart-knee", role: "img", "aria-label": "Rate answered by rate asked for" });
	const x = steps.map((s) => s.rate), wide = x.at(-1) > 20 * x[0];
	chart(host, (w, c) => new uPlot({ width: w, height: 260, padding: [10, 18, 0, 0], legend: { show: false }, cursor: { drag: { x: false, y: false } }, scales: { x: { time: false, distr: wide ? 3 : 1 }, y: { range: (u, a, b) => [0, b * 1.05] } }, axes: [axis(c, { size: 34, values: (u, vs) => vs.map(wide ? onLog : (v) => short(v)) }), axis(c, { size: 52, values: (u, vs) => vs.map(short) })], series: [{}, { stroke: c.muted, width: 1.25, dash: [2, 3], points: { show: false } }, { stroke: c.first, width: 2, points: { show: true, size: 7, fill: c.paper } }] }, [x, x, steps.map((s) => s.ops_per_s)], host));
	return [legend([["dotted", "asked for"], ["solid", "answered"]]), host];
}

/* By the number of replicas: throughput, and latency below it. */
export function sizeCharts(sizes) {
	const x = sizes.map((r) => r.n), of = (get) => sizes.map((r) => get(r.summary) ?? null), hosts = ["sizes-throughput", "sizes-latency"].map((id) => el("div", { class: "chart", id: `chart-${id}`, role: "img" }));
	hosts[0].setAttribute("aria-label", "Operations a second by the number of replicas");
	hosts[1].setAttribute("aria-label", "Median and 99th percentile of latency by the number of replicas");
	const make = (host, height, lines) =>
		chart(host, (w, c) => new uPlot({ width: w, height, padding: [10, 18, 0, 0], legend: { show: false }, cursor: { drag: { x: false, y: false } }, scales: { x: { time: false, range: [Math.max(0, x[0] - 1), x.at(-1) + 1] }, y: { range: (u, a, b) => [0, Math.max(b, 1e-3) * 1.08] } }, axes: [axis(c, { size: 34, splits: () => x, values: (u, vs) => vs.map((v) => (x.length > 5 ? v : `n = ${v}`)) }), axis(c, { size: 52, values: (u, vs) => vs.map(short) })], series: [{}, ...lines.map(([, colour, dash]) => ({ stroke: c[colour], width: 2, dash, points: { show: true, size: 7, fill: c.paper } }))] }, [x, ...lines.map(([values]) => values)], host));
	make(hosts[0], 210, [[of((s) => s.throughput.ops_per_s), "first"]]);
	make(hosts[1], 190, [[of((s) => s.latency_ms.p50), "first"], [of((s) => s.latency_ms.p99), "second", [7, 4]]]);
	return [el("h3", {}, "Operations answered, per second"), hosts[0], el("h3", {}, "Latency, ms"), legend([["solid", "p50"], ["dashed", "p99"]]), hosts[1]];
}
