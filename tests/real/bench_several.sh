#!/usr/bin/env bash
# bench_several.sh QUORATE BENCH: runs that consist of runs: pairs of calm and attack, repetitions, the matrix, sizes, comparisons. Nothing is judged by its speed.
. "$(dirname "$0")/lib.sh"
bench=$2
short="--phase 1s --warmup 300ms --keys 100 --clients 8 --folder $dir --brief"

in_json() { grep -qE "$2" "$1" || fail "$1 has no $2: $(cat "$1")"; }
refused() { # refused CODE SENTENCE WORDS...
	local wanted=$1 sentence=$2 code=0
	shift 2
	"$bench" "$@" >"$dir/out" 2>"$dir/err" || code=$?
	[ $code = "$wanted" ] || fail "$*: exit $code, not $wanted: $(cat "$dir/err")"
	grep -qF -- "$sentence" "$dir/err" || fail "$*: it does not say '$sentence': $(cat "$dir/err")"
}

# shellcheck disable=SC2086
"$bench" run --attack bad-signature-flood --pairs 1 --repeat 2 $short --out "$dir/A" --json >"$dir/json" 2>"$dir/err" || fail "repeat: $(cat "$dir/err")"
in_json "$dir/json" '"repeat":2,"throughput":\{"ops_per_s":[0-9.]+,"ci95":\['
in_json "$dir/json" '"kept_pct":[0-9.]+,"kept_pct_ci95":\['
in_json "$dir/json" '"kept_pct_cpu_fair":[0-9.]+'
in_json "$dir/json" '"verdict":"SAFE"'
in_json "$dir/json" '"acted":[1-9]'
for run in 1 2; do
	in_json "$dir/A/$run/summary.json" '"name": "attack-held"'
	in_json "$dir/A/$run/events.jsonl" 'cores are burnt in their place'
done
in_json "$dir/A/summary.json" '"repeat": 2'
in_json "$dir/A/manifest.json" '"--repeat"'
in_json "$dir/A/manifest.json" '"replicas": 4'
say "two repetitions of a pair: $(grep -o '"kept_pct_cpu_fair":[0-9.]*' "$dir/json" | head -n 1)"

# shellcheck disable=SC2086
"$bench" matrix --quick --only double-vote,client-bad-signature --warmup 300ms --keys 100 --clients 8 --folder "$dir" --out "$dir/M" --json >"$dir/json" 2>"$dir/err" ||
	fail "matrix: $(cat "$dir/err" "$dir/json")"
in_json "$dir/json" '"rows":\[\{"attack":"double-vote","class":"B97"'
in_json "$dir/json" '"attack":"client-bad-signature"'
in_json "$dir/json" '"worst_client_pct":[0-9.]+'
in_json "$dir/json" '"convicted":\[3\]'
[ "$(grep -o '"verdict":"SAFE"' "$dir/json" | wc -l)" = 2 ] || fail "not every row is SAFE: $(cat "$dir/json")"
in_json "$dir/M/matrix.json" '"quick": true'
in_json "$dir/M/matrix.json" '"net": "none"'
in_json "$dir/M/matrix.json" '"must_pct": 85'
in_json "$dir/M/double-vote/manifest.json" '"--pairs"'
refused 1 'there is a matrix in it already' matrix --quick --only double-vote --out "$dir/M"
say "a matrix of two rows, SAFE"

"$bench" scale --sizes 4 --duration 1s --warmup 300ms --brief --folder "$dir" --out "$dir/S" --json >"$dir/json" 2>"$dir/err" || fail "scale: $(cat "$dir/err")"
in_json "$dir/json" '"rows":\[\{"n":4,"summary":\{'
in_json "$dir/S/scale.json" '"n": 4'
in_json "$dir/S/scale.json" '"load": \{'
[ -e "$dir/S/4/intervals.csv" ] || fail "a size has no folder of its own: $(ls "$dir/S")"
refused 1 'there is a scale in it already' scale --sizes 4 --out "$dir/S"
"$bench" compare "$dir/S" "$dir/S" >"$dir/out" && grep -q '^n = 4, operations/s .*+0.0%' "$dir/out" || fail "sizes against themselves: $(cat "$dir/out")"

"$bench" compare "$dir/A" "$dir/A" --fail-if 1% --json >"$dir/json" || fail "the same against itself: $(cat "$dir/json")"
in_json "$dir/json" '"regressed":false'
"$bench" compare "$dir/M" "$dir/M" >"$dir/out" && grep -q '^double-vote .*+0.0%' "$dir/out" || fail "a matrix against itself: $(cat "$dir/out")"
# Nearly all of the throughput is gone: a folder that says so.
cp -r "$dir/A" "$dir/B"
sed -E 's/"ops_per_s": [0-9]+/"ops_per_s": 1/' "$dir/A/summary.json" >"$dir/B/summary.json"
code=0
"$bench" compare "$dir/A" "$dir/B" --fail-if 5% >"$dir/out" || code=$?
[ $code = 1 ] && grep -q 'WORSE' "$dir/out" || fail "it is not said which became worse: $(cat "$dir/out")"
refused 3 'none of summary.json, matrix.json' compare "$dir/A" "$dir/nothing"
refused 3 'cannot be compared' compare "$dir/A" "$dir/M"
refused 2 'two folders' compare "$dir/A"
refused 2 'a share' compare "$dir/A" "$dir/B" --fail-if much
refused 2 'did you mean slow-leader?' matrix --only slow-leder
refused 2 'beyond f' matrix --only split-brain-colluders
refused 2 'decides this for each attack' matrix --duration 3s
refused 3 'No such file' matrix --against "$dir/nothing"
refused 2 'sizes from 1 to 16' scale --sizes 4,x
refused 2 '--pairs 1 --repeat 3' run --attack silent-leader --pairs 3
[ "$(find "$dir" -maxdepth 1 -name 'quorate-bench-*' | wc -l)" = 0 ] || fail "a cluster was left behind: $(ls "$dir")"
say "sizes, comparisons, and what is refused"
