/* The page of what lay in a folder, or of what changed between two: the verdict first, whatever kind it is of. */
import { drawAll } from "./charts.js";
import { compare } from "./compare.js";
import { matrix } from "./matrix.js";
import { repeat } from "./repeat.js";
import { run } from "./run.js";
import { scale } from "./scale.js";

const kinds = { run, repeat, matrix, scale, compare };
const data = JSON.parse(document.getElementById("run").textContent);
document.getElementById("page").replaceChildren(...kinds[data.kind](data).filter(Boolean));
drawAll();
document.documentElement.dataset.drawn = "yes";
