#!/usr/bin/env bash
# The pages of runs, of several, and of what changed, from folders of runs, in a headless Chromium: run.sh QUORATE-BENCH SOURCE
set -euo pipefail
bench=$1 source=$2
here=$source/tests/page
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

lacks() { # where it can be had, it is missed
	echo "page: $1"
	[ "${CI:-}" = true ] && exit 1
	exit 77
}
[ -e "$(dirname "$bench")/report.html" ] || lacks "the page was not built: npm's packages are missing"
command -v chromium >/dev/null || lacks "there is no chromium"

wrong() {
	echo "page: $1"
	exit 1
}
refused() { # refused CODE PATTERN arguments: a sentence, and that exit code
	local code=$1 pattern=$2 status=0
	shift 2
	"$bench" report "$@" >"$work/out" 2>&1 || status=$?
	[ "$status" -eq "$code" ] && grep -q "$pattern" "$work/out" || wrong "'report $*' exits $status: $(cat "$work/out")"
}

refused 2 "wants the folder" "$here/attacked"
refused 2 "usage" "$here/attacked" -o x --what
refused 3 "no such folder" "$work/nothing" -o "$work/x.html"
mkdir "$work/empty"
refused 3 "no run in it" "$work/empty" -o "$work/x.html"
refused 3 "no such folder" "$here/run.sh" -o "$work/x.html"
refused 1 "No such file" "$here/attacked" -o "$work/nothing/x.html"
for file in summary.json manifest.json intervals.csv latency.hgrm events.jsonl slots.json; do
	rm -rf "$work/damaged"
	cp -r "$here/attacked" "$work/damaged"
	head -c 60 "$here/attacked/$file" >"$work/damaged/$file"
	refused 3 "$file: it is damaged" "$work/damaged" -o "$work/x.html"
	[ ! -e "$work/x.html" ] || wrong "something was written of a damaged run"
done

for file in matrix/matrix.json scale/scale.json repeated/summary.json repeated/manifest.json; do
	rm -rf "$work/damaged"
	cp -r "$here/${file%/*}" "$work/damaged"
	head -c 60 "$here/$file" >"$work/damaged/${file#*/}"
	refused 3 "${file#*/}: it is damaged" "$work/damaged" -o "$work/x.html"
	[ ! -e "$work/x.html" ] || wrong "something was written of a damaged $file"
done

# A run that says what would end the script, and one that has nothing to show: no attack, no slots, not one interval, no unit costs.
cp -r "$here/attacked" "$work/attacked"
echo '{"t_s":4.9,"what":"note","text":"</script><script>document.body.remove()</script><!-- & \u2028"}' >>"$work/attacked/events.jsonl"
mkdir -p "$work/attacked/evidence"
touch "$work/attacked/evidence/replica-1-0-two-pre-prepares-0-229.evidence"
cp -r "$here/attacked" "$work/calm"
rm "$work/calm/slots.json"
sed -i -e '/^{"t_s":[^,]*,"what":"\(attack\|fault\)/d' "$work/calm/events.jsonl"
sed -i '2,$d' "$work/calm/intervals.csv"
node - "$work/calm" <<'JS'
const fs = require("fs"), folder = process.argv[2];
const change = (name, how) => {
	const value = JSON.parse(fs.readFileSync(`${folder}/${name}`));
	how(value);
	fs.writeFileSync(`${folder}/${name}`, JSON.stringify(value));
};
change("manifest.json", (m) => Object.assign(m, { attacks: [], unit_costs: null })); // as --brief leaves it
change("summary.json", (s) => Object.assign(s, { interrupted: true, bytes_by_message: {}, votes_by_kind: {}, stages_us: {}, phases: s.phases.slice(0, 1), first_after_attack_s: null }));
JS
cp -r "$here"/{matrix,repeated,scale} "$work"
# Everything that a matrix may say beside what was measured: what is not safe, not measured, not known, never came, or has an interval beyond the axis.
cp -r "$work/matrix" "$work/worse"
node - "$work/worse/matrix.json" <<'JS'
const fs = require("fs"), file = process.argv[2], j = JSON.parse(fs.readFileSync(file)), row = (name) => j.rows.find((r) => r.attack === name);
Object.assign(row("reply-lie"), { verdict: "UNSAFE", reason: "two histories", kept_pct_cpu_fair: 300, kept_pct_cpu_fair_ci95: [200, 400] });
Object.assign(row("silent-leader"), { first_s: null, recover_s: null, acted: 0, kept_pct_cpu_fair_ci95: [-40, 200] });
Object.assign(row("client-flood"), { worst_client_pct: 13, kept_pct_cpu_fair_ci95: null });
j.rows.push({ attack: "not-in-the-catalogue", class: "R75", verdict: "NOT MEASURED", reason: "</script><b>ports are taken</b>" });
j.interrupted = true;
j.manifest = { mode: "trusted", argv: ["--only", "it's"] }; // as an older version left it
fs.writeFileSync(file, JSON.stringify(j));
JS

compared() { # compared CODE NAME BEFORE AFTER [more words]: its page
	local code=$1 name=$2 status=0
	shift 2
	"$bench" compare "$@" -o "$work/$name.html" >"$work/out" 2>&1 || status=$?
	[ "$status" -eq "$code" ] || wrong "'compare $*' exits $status: $(cat "$work/out")"
}
compared 1 unsafe "$work/matrix" "$work/worse" --fail-if 5%
grep -q "it was safe, and is UNSAFE" "$work/out" || wrong "a row that became unsafe is not told: $(cat "$work/out")"
compared 0 changed "$here/attacked" "$work/calm"
compared 1 nothing/x "$work/scale" "$work/scale"
grep -q "nothing/x.html: No such file" "$work/out" || wrong "why there is no page is not told: $(cat "$work/out")"

for run in attacked calm matrix worse repeated scale; do
	"$bench" report "$work/$run" -o "$work/$run.html" || wrong "no page of $run"
done
pages=(attacked calm matrix worse repeated scale unsafe changed)
for page in "${pages[@]}"; do
	size=$(stat -c %s "$work/$page.html")
	[ "$size" -le $((400 * 1024)) ] || wrong "the page of $page has $size bytes"
	[ "$(grep -o '</script>' "$work/$page.html" | wc -l)" -eq 2 ] || wrong "the data of $page ends its script"
done
# And a page with an error, a chart without anything, and something too wide: so that it is seen that these are found.
sed -e 's#<main id="page">#<div class="chart" id="bare"><canvas></canvas></div><p style="width:3000px">wide</p><p>undefined ms</p><script>console.error("planted")</script>&#' "$work/matrix.html" >"$work/wrong.html"
pages=("${pages[@]/%/.html}" wrong.html)

node "$source/bench/page/test/look.mjs" ${SHOTS:+--shots "$SHOTS"} "${pages[@]/#/$work/}" >"$work/out" 2>&1 || true
for found in "the console says: planted" "a value is missing in .undefined ms" "nothing is drawn in bare" "it is too wide"; do
	grep -q "^wrong.html.*$found" "$work/out" || wrong "'$found' was not found: $(cat "$work/out")"
done
if grep -v -e '^wrong.html' -e "^${#pages[@]} pages, " "$work/out"; then wrong "things are wrong"; fi
tail -1 "$work/out"
