#!/usr/bin/env bash
# bench_attacks.sh QUORATE BENCH: a run with attacks and faults leaves its folder whole and ends SAFE; one beyond f ends UNSAFE and names who did it; Ctrl-C keeps what there
# is; and what cannot be run is refused with a sentence. Nothing is judged by its speed.
. "$(dirname "$0")/lib.sh"
bench=$2

in_json() { grep -qE "$2" "$1" || fail "$1 has no $2: $(cat "$1")"; }
nothing_left() { [ "$(find "$dir" -maxdepth 1 -name 'quorate-bench-*' | wc -l)" = 0 ] || fail "a cluster was left behind: $(ls "$dir")"; }
bench_run() { # bench_run CODE WORDS...
	local wanted=$1 code=0
	shift
	"$bench" run --folder "$dir" --json "$@" >"$dir/json" 2>"$dir/err" || code=$?
	[ $code = "$wanted" ] || fail "$*: exit $code, not $wanted: $(cat "$dir/err" "$dir/json")"
	nothing_left
}

# One attack on the leader: somebody else leads, and everything is told.
bench_run 0 --attack silent-leader@1s --duration 4s --warmup 500ms --keys 100 --clients 8 --out "$dir/R"
in_json "$dir/json" '"verdict":"SAFE"'
in_json "$dir/json" '"first_after_attack_s":[0-9]'
for file in summary.json manifest.json intervals.csv latency.hgrm events.jsonl genesis; do [ -s "$dir/R/$file" ] || fail "no $file in the folder"; done
[ -d "$dir/R/evidence" ] || fail "no folder of evidence"
[ "$(head -n 1 "$dir/R/intervals.csv")" = "t_s,ops,failed,p50_ms,p99_ms,max_ms,view,leader,suspects" ] || fail "intervals.csv: $(head -n 1 "$dir/R/intervals.csv")"
[ "$(wc -l <"$dir/R/intervals.csv")" -ge 41 ] || fail "intervals are missing: $(wc -l <"$dir/R/intervals.csv") lines for 4 s"
in_json "$dir/R/events.jsonl" '"what":"attack-begins","text":"silent-leader"'
in_json "$dir/R/events.jsonl" '"what":"leader","text":"replica 1 leads"'
in_json "$dir/R/events.jsonl" 'silent-leader acted'
in_json "$dir/R/summary.json" '"name": "attack"'
in_json "$dir/R/manifest.json" '"name": "silent-leader"'
in_json "$dir/R/summary.json" '"VOTES": {'
in_json "$dir/R/summary.json" '"promised": {'
in_json "$dir/R/slots.json" '"phase": "baseline"'
in_json "$dir/R/slots.json" '"phase": "attack"'
in_json "$dir/R/slots.json" '"what": "PRE-PREPARE"'
[ ! -e "$(dirname "$bench")/report.html" ] || "$bench" report "$dir/R" -o "$dir/R.html" || fail "no page of a run"
grep -q '^t=2s .* attack: silent-leader' "$dir/err" || fail "nobody told a line a second: $(cat "$dir/err")"
say "silent-leader: SAFE, and its folder is whole"
bench_run 1 --duration 1s --out "$dir/R"
grep -q 'a run in it already' "$dir/err" || fail "a folder is written over: $(cat "$dir/err")"

# The same again from its manifest, with another seed: only what is said now is another one.
bench_run 0 --manifest "$dir/R/manifest.json" --seed 5 --duration 3s --out "$dir/R2"
in_json "$dir/R2/manifest.json" '"seed": 5'
in_json "$dir/R2/manifest.json" '"name": "silent-leader"'
say "repeated from its manifest"

# Several at once, an open loop, and reads: a liar that can be proved, a client, a fault that ends.
bench_run 0 --attack equivocating-leader@1s --attack client-bad-signature@1s-2s --fault pause:3@2s-2500ms --rate 300 --reads 50% --distribution zipf --value-size 1KiB \
	--duration 4s --keys 100 --out "$dir/R3"
in_json "$dir/json" '"verdict":"SAFE"'
in_json "$dir/json" '"convicted":\[0\]'
in_json "$dir/R3/events.jsonl" 'equivocating-leader acted'
in_json "$dir/R3/events.jsonl" 'client-bad-signature acted'
in_json "$dir/R3/events.jsonl" 'pause of replica 3 ends'
proof=$(find "$dir/R3/evidence" -type f | head -n 1)
[ -n "$proof" ] || fail "the evidence was not kept"
"$quorate" evidence verify "$proof" --genesis "$dir/R3/genesis" >"$dir/out" && grep -q 'member 0' "$dir/out" || fail "the evidence does not hold: $(cat "$dir/out")"
say "equivocation, a lying client and a pause at once: SAFE, replica 0 convicted"

# An attack that needs an occasion gets one: replica 0 is paused, the liar leads next, and what it says of the last view convicts it.
bench_run 0 --attack bad-new-view@1s --attack epoch-lie@1s --duration 4500ms --warmup 500ms --keys 100 --clients 8 --out "$dir/R6"
in_json "$dir/json" '"verdict":"SAFE"'
in_json "$dir/json" '"convicted":\[1\]'
in_json "$dir/R6/events.jsonl" 'bad-new-view acted'
in_json "$dir/R6/events.jsonl" 'epoch-lie acted'
in_json "$dir/R6/events.jsonl" 'pause of replica 0 ends'
say "bad-new-view and epoch-lie: SAFE, replica 1 convicted"

# Two processes with one key, each with a part of the others: whoever hears of both has proof, which nobody need.
bench_run 0 --attack twins@500ms --duration 2500ms --warmup 300ms --keys 100 --clients 8 --brief --out "$dir/R8"
in_json "$dir/json" '"verdict":"SAFE"'
in_json "$dir/json" '"convicted":\[0*\]'
[ "$(grep -c 'twins acted [1-9]' "$dir/R8/events.jsonl")" = 2 ] || fail "not both of them acted: $(cat "$dir/R8/events.jsonl")"
say "twins: SAFE, nobody else convicted"

# In trusted mode the liar is elected before anything begins.
bench_run 0 --mode trusted --beyond-f --attack silent-leader@1s --duration 3s --warmup 500ms --keys 100 --clients 8 --out "$dir/R7"
in_json "$dir/json" '"verdict":"SAFE"'
in_json "$dir/R7/events.jsonl" '"replica 0 leads"'
in_json "$dir/R7/events.jsonl" 'silent-leader acted'
say "silent-leader in trusted mode: somebody else is elected"

# More than f, of one mind: the verdict can fail, and says who.
# On a busy machine one half may learn what the other was told before anything is decided; then there is no fork, and the guilty are convicted all the same.
for try in 1 2 3; do
	code=0
	"$bench" run --folder "$dir" --json --attack split-brain-colluders@500ms --beyond-f --duration 3s --keys 100 >"$dir/json" 2>"$dir/err" || code=$?
	nothing_left
	[ $code = 0 ] && [ $try -lt 3 ] || break
	in_json "$dir/json" '"verdict":"SAFE"'
done
[ $code = 9 ] || fail "colluders beyond f: exit $code: $(cat "$dir/err" "$dir/json")"
in_json "$dir/json" '"verdict":"UNSAFE","reason":"replica'
in_json "$dir/json" '"convicted":\[0,1\]'
grep -q 'the guarantee is gone' "$dir/err" && grep -q 'it ended UNSAFE' "$dir/err" || fail "it does not say so before and after: $(cat "$dir/err")"
say "split-brain-colluders: UNSAFE, replicas 0 and 1 convicted"

# A sweep.
bench_run 0 --rate 100..400 --duration 4s --keys 100
in_json "$dir/json" '"knee_ops_per_s":([0-9]|null)'
in_json "$dir/json" '"sweep":\[\{"rate":100'
say "a sweep: $(grep -o '"knee_ops_per_s":[0-9.]*' "$dir/json")"

# A network: a client's request and its answer, and three messages between replicas, each 20 ms on their way.
bench_run 0 --net delay=20ms,jitter=1ms --duration 2s --warmup 500ms --keys 100 --clients 4 --out "$dir/R5"
p50=$(grep -o '"latency_ms":{"p50":[0-9]*' "$dir/json" | grep -o '[0-9]*$')
[ "$p50" -ge 100 ] || fail "five times 20 ms in $p50 ms: $(cat "$dir/json")"
in_json "$dir/json" '"relay":0\.[0-9]*[1-9]'
in_json "$dir/R5/manifest.json" '"net": "delay=20ms,jitter=1ms"'
say "with 20 ms on each link: half of the answers come after $p50 ms"

# Ctrl-C.
"$bench" run --folder "$dir" --duration 60s --keys 100 --out "$dir/R4" >"$dir/out" 2>"$dir/err" &
pid=$!
others+=($pid)
until_ok 20 grep -q '^t=1s' "$dir/err" || fail "it does not begin: $(cat "$dir/err")"
kill -INT $pid
code=0
wait $pid || code=$?
[ $code = 1 ] || fail "interrupted: exit $code"
in_json "$dir/R4/summary.json" '"interrupted": true'
grep -q '^interrupted after' "$dir/out" || fail "it does not say that it was interrupted: $(cat "$dir/out")"
nothing_left
say "interrupted: what there is was kept, and marked"

# What cannot be run.
refused() { # refused CODE PATTERN WORDS...
	local wanted=$1 pattern=$2 code=0
	shift 2
	"$bench" "$@" >"$dir/out" 2>"$dir/err" || code=$?
	[ $code = "$wanted" ] && grep -qF -- "$pattern" "$dir/err" || fail "$*: exit $code: $(cat "$dir/err")"
	[ "$(wc -l <"$dir/err")" = 1 ] || fail "$*: more than a sentence: $(cat "$dir/err")"
}
refused 2 'did you mean silent-leader?' run --attack silent-laeder
refused 2 'outside the run' run --attack silent-leader@20s --duration 10s
refused 2 '--beyond-f' run --attack double-vote --liars 2
refused 2 'cannot be mixed' run --rate 1k..2k --attack client-flood
refused 2 'did you mean kill?' run --fault kil:1@2s
refused 2 'did you mean slow-leader?' attacks slow-leadre
refused 2 'did you mean wan4' run --net wna4
refused 2 '--net loss does not take' run --net loss=60%
refused 3 "$dir/nowhere" run --manifest "$dir/nowhere"
refused 1 '/proc/nothing' run --out /proc/nothing
refused 1 'No such file' run --folder "$dir/nowhere" --duration 1s
"$bench" attacks >"$dir/out" && [ "$(wc -l <"$dir/out")" -ge 40 ] || fail "fewer than 40 attacks: $(wc -l <"$dir/out")"
"$bench" attacks reply-lie | grep -q 'f+1 replicas say the same' || fail "an attack is not explained"
say "what cannot be run is refused"
