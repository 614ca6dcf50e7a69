/* Small things: elements, numbers as people read them. */

export function el(name, attributes = {}, ...children) {
	const node = document.createElement(name);
	for (const [key, value] of Object.entries(attributes)) if (value !== undefined && value !== null && value !== false) node.setAttribute(key, value === true ? "" : value);
	node.append(...children.flat(2).filter((c) => c !== null && c !== undefined && c !== false));
	return node;
}

const svgSpace = "http://www.w3.org/2000/svg";
export function svg(name, attributes = {}, ...children) {
	const node = document.createElementNS(svgSpace, name);
	for (const [key, value] of Object.entries(attributes)) if (value !== undefined) node.setAttribute(key, value);
	node.append(...children);
	return node;
}

const thin = "\u202f";
export function count(n) {
	const digits = String(Math.round(n));
	return digits.length < 5 ? digits : digits.replace(/\B(?=(\d{3})+$)/g, thin);
}

/* Three figures that mean something. */
export function figures(x) {
	if (x === null || x === undefined || !isFinite(x)) return "–";
	if (x === 0) return "0";
	const magnitude = Math.floor(Math.log10(Math.abs(x)));
	return magnitude >= 3 ? count(x) : x.toFixed(Math.max(0, Math.min(3, 2 - magnitude)));
}

export const ms = (x) => (x >= 10000 ? `${figures(x / 1000)} s` : x > 0 && x < 1 ? `${figures(x * 1000)} µs` : `${figures(x)} ms`);
export const us = (x) => ms(x / 1000);
export const percent = (x) => `${x >= 99.5 || x === 0 ? Math.round(x) : x.toFixed(Math.abs(x) < 10 ? 1 : 0)}${thin}%`;
export const known = (x) => typeof x === "number" && isFinite(x);
/* Of what may be missing. */
export const or = (x, say, none = "–") => (known(x) ? say(x) : none);
export function bytes(n) {
	const units = ["B", "KiB", "MiB", "GiB"];
	let i = 0;
	for (; n >= 1024 && i < 3; i++) n /= 1024;
	return `${i ? figures(n) : Math.round(n)} ${units[i]}`;
}
export const seconds = (x) => `${figures(x)} s`;
export const plural = (n, one, many = `${one}s`) => `${count(n)} ${n === 1 ? one : many}`;
export const list = (words) => (words.length < 2 ? words.join("") : `${words.slice(0, -1).join(", ")} and ${words.at(-1)}`);

export function section(title, id, ...children) {
	return el("section", { id, "aria-labelledby": `${id}-title` }, el("h2", { id: `${id}-title` }, title), ...children);
}

/* columns: [{head, of: row => text or node, number: true, extra: left out on a phone}]. A row that is {group: text or node} stands above those of its group. */
export function table(columns, rows, caption) {
	const kind = (c) => [c.number && "number", c.extra && "extra"].filter(Boolean).join(" ") || null;
	const head = el("tr", {}, columns.map((c) => el("th", { scope: "col", class: kind(c) }, c.head)));
	const line = (row) => el("tr", { class: row.class ?? null }, columns.map((c, i) => el(i ? "td" : "th", { class: kind(c), scope: i ? null : "row" }, c.of(row))));
	const body = rows.map((row) => (row.group ? el("tr", { class: "group" }, el("th", { scope: "rowgroup", colspan: columns.length }, row.group)) : line(row)));
	return el("figure", {}, el("figcaption", {}, caption), el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": caption }, el("table", {}, el("thead", {}, head), el("tbody", {}, body))));
}

export function folded(title, ...children) {
	return el("details", {}, el("summary", {}, title), ...children);
}
