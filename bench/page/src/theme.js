/* Colours come from the style sheet, so that charts follow light, dark and print. */
const names = ["ink", "muted", "line", "grid", "paper", "first", "second", "third", "trouble"];

export function colours() {
	const style = getComputedStyle(document.documentElement);
	return Object.fromEntries(names.map((name) => [name, style.getPropertyValue(`--${name}`).trim()]));
}

/* Calls `draw` when the colours change. */
export function onTheme(draw) {
	matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
	const print = (on) => {
		document.documentElement.classList.toggle("printing", on);
		draw();
	};
	addEventListener("beforeprint", () => print(true));
	addEventListener("afterprint", () => print(false));
}
