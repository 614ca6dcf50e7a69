/* Opens pages in a headless Chromium as people would, and says what is wrong with them: node look.mjs [--shots DIR] PAGE.html...
 * At three widths, light and dark: no console error, no request beside the page itself, no chart empty, nothing wider than the screen. Chromium is Debian's. */
import { chromium } from "playwright-core";
import { access } from "node:fs/promises";
import { basename, resolve } from "node:path";
import { pathToFileURL } from "node:url";

const words = process.argv.slice(2), at = words.indexOf("--shots"), shots = at < 0 ? null : words.splice(at, 2)[1];
const views = shots ? [360, 900, 1600].flatMap((width) => [[width, "light"], [width, "dark"]]) : [[360, "light"], [900, "dark"], [1600, "light"], [360, "dark"]];
const wrong = [];

/* In the page: charts that show nothing but their paper. */
function emptyCharts() {
	const bare = [];
	for (const host of document.querySelectorAll(".chart")) {
		const canvas = host.querySelector("canvas"), data = canvas?.width ? canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data : [];
		const seen = new Set();
		let inked = 0;
		for (let i = 0; i < data.length; i += 4)
			if (data[i + 3] > 200) {
				inked++;
				seen.add((data[i] << 16) | (data[i + 1] << 8) | data[i + 2]);
			}
		if (inked < 500 || seen.size < 3) bare.push(`${host.id} (${inked} points of ${seen.size} colours)`);
	}
	for (const picture of document.querySelectorAll(".picture svg")) if (picture.querySelectorAll(".arrow").length < 3) bare.push("the sequence diagram");
	return bare;
}

/* In the page: what is wider than the screen, but may be scrolled by itself. */
function tooWide() {
	const wide = document.documentElement.scrollWidth > document.documentElement.clientWidth ? [`the page is ${document.documentElement.scrollWidth} wide`] : [];
	const clipped = [...document.querySelectorAll("h1, h2, h3, p, dd, pre, select")].filter((e) => e.getBoundingClientRect().right > innerWidth + 1);
	return wide.concat(clipped.map((e) => `${e.tagName} "${e.textContent.slice(0, 30)}"`));
}

/* In the page: what a missing value left in the words, also where they are folded. */
function spoiled() {
	return [...document.querySelectorAll("p, li, td, th, dd, small, text, h1")].map((e) => e.textContent).filter((text) => /undefined|NaN|\[object/.test(text)).map((text) => `"${text.slice(0, 60)}"`);
}

/* A link to what an attack does opens it. */
async function follow(page, say) {
	const link = await page.$("td a[href^='#attack-'], th a[href^='#attack-']");
	if (!link) return;
	await link.click();
	await page.waitForSelector("details.attack[open] dd", { timeout: 3000 }).catch(() => say("the link to an attack opens nothing"));
}

async function shoot(page, file, width, scheme) {
	await page.screenshot({ path: `${shots}/${basename(file, ".html")}-${width}-${scheme}.png`, fullPage: true });
	if (width === 900 && scheme === "dark") await page.pdf({ path: `${shots}/${basename(file, ".html")}.pdf`, format: "A4" });
}

/* As if the window were made larger, and the evening came. */
async function look(browser, file) {
	const page = await browser.newPage({ viewport: { width: views[0][0], height: 800 }, colorScheme: views[0][1] }), url = pathToFileURL(resolve(file)).href;
	let here = basename(file);
	const say = (what) => wrong.push(`${here}: ${what}`);
	page.on("console", (m) => ["error", "warning"].includes(m.type()) && say(`the console says: ${m.text()}`));
	page.on("pageerror", (e) => say(`an error: ${e.message}`));
	page.on("request", (r) => r.url() !== url && !r.url().startsWith("data:") && say(`it asks for ${r.url()}`));
	await page.goto(url, { waitUntil: "load" });
	await page.waitForSelector("html[data-drawn]", { state: "attached", timeout: 8000 }).catch(() => say("it was never drawn"));
	if (!(await page.$("h1").then((h1) => h1?.textContent()))?.trim()) say("no verdict");
	for (const select of await page.$$("select")) for (const value of await select.$$eval("option", (all) => all.map((o) => o.value))) await select.selectOption(value);
	for (const select of await page.$$("#slot")) await select.selectOption({ index: Math.min(1, (await select.$$("option")).length - 1) });
	for (const text of await page.evaluate(spoiled)) say(`a value is missing in ${text}`);
	await follow(page, say);
	for (const [width, scheme] of views) {
		here = `${basename(file)} at ${width} pixels, ${scheme}`;
		await page.emulateMedia({ colorScheme: scheme });
		await page.setViewportSize({ width, height: 800 });
		await page.evaluate(() => new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))); /* what follows size and colours has followed */
		for (const chart of await page.evaluate(emptyCharts)) say(`nothing is drawn in ${chart}`);
		for (const what of await page.evaluate(tooWide)) say(`it is too wide: ${what}`);
		if (shots) await shoot(page, file, width, scheme);
	}
	await page.close();
}

const executablePath = process.env.CHROMIUM ?? "/usr/bin/chromium";
await access(executablePath);
const browser = await chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-gpu"] });
for (const file of words) await look(browser, file);
await browser.close();
for (const line of wrong) console.log(line);
console.log(`${words.length} pages, ${views.length} times each: ${wrong.length ? `${wrong.length} things are` : "nothing is"} wrong`);
process.exit(wrong.length ? 1 : 0);
