/* Makes the page's template, one file that fetches nothing: node build.mjs OUT. quorate-bench puts a run's figures in the place of @@RUN@@. */
import { build } from "esbuild";
import { readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";

const here = (name) => fileURLToPath(new URL(name, import.meta.url));
const out = process.argv[2];
if (!out) {
	console.error("usage: node build.mjs OUT");
	process.exit(2);
}

const bundle = async (entry) => {
	const made = await build({ entryPoints: [here(entry)], bundle: true, minify: true, write: false, format: "iife", target: "es2020", legalComments: "none", logLevel: "warning" });
	return made.outputFiles[0].text.trim();
};

const script = await bundle("src/main.js"), style = await bundle("src/style.css");
if (script.includes("</script")) throw new Error("the script would end itself");
const page = (await readFile(here("src/page.html"), "utf8")).replace("/*style*/", () => style).replace("/*script*/", () => script);
await writeFile(out, page);
