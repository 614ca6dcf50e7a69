/* A value with its 95 % interval on an axis, as forest plots have it. The figure stands beside it: the picture shows what lies where, by shape as well as by colour. */
import { el, known, svg } from "./dom.js";

const high = 18, middle = high / 2;
const at = (axis, x) => `${((100 * (Math.min(axis.to, Math.max(axis.from, x)) - axis.from)) / (axis.to - axis.from)).toFixed(2)}%`;
/* Something of a fixed size at a place that moves with the width. */
const here = (x, ...shapes) => svg("svg", { x, y: 0, width: 1, height: high, class: "here" }, ...shapes);

/* An axis for all of these: from and to are round; ticks: at most `many`. */
export function axisOf(values, { zero = true, many = 4 } = {}) {
	const all = values.filter(known), top = Math.max(...all, 0), low = Math.min(...all, Infinity), span = zero || !isFinite(low) ? top : top - low || top;
	const raw = Math.max(span, 1e-9) / many, unit = 10 ** Math.floor(Math.log10(raw)), step = [1, 2, 2.5, 5, 10].map((m) => m * unit).find((s) => s >= raw);
	const from = zero || !isFinite(low) ? 0 : Math.floor(low / step) * step, to = Math.max(from + step, Math.ceil(top / step) * step), ticks = [];
	for (let i = 0; from + i * step <= to + step / 2; i++) ticks.push(from + i * step);
	return { from, to, ticks };
}

/* mark: what is to be kept, or null. below: the value is less than it must be. */
export function plot(axis, value, interval, { mark = null, below = false } = {}) {
	const picture = svg("svg", { class: "interval", height: high, "aria-hidden": "true" }, svg("line", { x1: "0%", x2: "100%", y1: middle, y2: middle, class: "base" }));
	for (const tick of axis.ticks) picture.append(svg("line", { x1: at(axis, tick), x2: at(axis, tick), y1: middle - 3, y2: middle + 3, class: "base" }));
	if (known(mark)) picture.append(svg("line", { x1: at(axis, mark), x2: at(axis, mark), y1: 0, y2: high, class: "mark" }));
	if (!known(value)) return picture;
	const kind = below ? " below" : "";
	if (interval && interval[0] <= axis.to && interval[1] >= axis.from) {
		picture.append(svg("line", { x1: at(axis, interval[0]), x2: at(axis, interval[1]), y1: middle, y2: middle, class: `spread${kind}` }));
		for (const [i, end] of interval.entries()) {
			const beyond = i ? end > axis.to : end < axis.from, turn = i ? 1 : -1;
			picture.append(here(at(axis, end), beyond ? svg("path", { d: `M${turn * 7} ${middle}L0 ${middle - 4}L0 ${middle + 4}Z`, class: `end${kind}` }) : svg("line", { x1: 0, x2: 0, y1: middle - 4, y2: middle + 4, class: `spread${kind}` })));
		}
	}
	const outside = value > axis.to ? 1 : value < axis.from ? -1 : 0;
	const shape = below ? svg("path", { d: `M-6 ${middle}L0 ${middle - 6}L6 ${middle}L0 ${middle + 6}Z`, class: "value below" }) : svg("circle", { cx: 0, cy: middle, r: 4.5, class: "value" });
	picture.append(here(at(axis, value), outside ? svg("path", { d: `M${outside * 9} ${middle}L${outside * -1} ${middle - 6}L${outside * -1} ${middle + 6}Z`, class: `value${kind}` }) : shape));
	return picture;
}

/* For the head of the column; of many ticks every other has its name. */
export function scaleOf(axis, say) {
	const picture = svg("svg", { class: "interval", height: high, "aria-hidden": "true" });
	const named = axis.ticks.filter((tick, i) => axis.ticks.length < 5 || i % 2 === 0);
	for (const tick of named) picture.append(svg("text", { x: at(axis, tick), y: high - 5, "text-anchor": "middle" }, say(tick)));
	return picture;
}

/* The figure, its interval in figures, and the picture: beside each other, or on a phone below. */
export function measure(axis, say, value, interval, more) {
	if (!known(value)) return el("span", { class: "measure" }, el("span", { class: "told" }, "–"), plot(axis, null, null, more));
	return el("span", { class: "measure" }, el("span", { class: "told" }, el("b", {}, say(value)), interval ? el("small", {}, `${say(interval[0], true)} to ${say(interval[1], true)}`) : null), plot(axis, value, interval, more));
}
export const measureHead = (text, axis, say) => el("span", { class: "measure" }, el("span", { class: "told" }, text), scaleOf(axis, say));
