#!/usr/bin/env bash
# lifecycle.sh QUORATE: what the cluster is for. A load of 100,000 rows, all four killed in the middle of it, started again, loaded to its end: every row is there, and
# the four states are equal. Then, under load, a replica that stands still for five seconds, and a leader that is killed.
. "$(dirname "$0")/lib.sh"
rows=100000

testnet
for i in 0 1 2 3; do start $i; done
until_ok 20 equal || fail "the cluster does not begin: $(status)"
seq -f 'row-%.0f' 1 $rows | awk '{ print $0 "\tvalue of " $0 }' >"$dir/rows.tsv"

# ---- all four are killed in the middle ----
"$quorate" load "$dir/rows.tsv" --cluster "$cluster" --json --sessions 4 --bundle 10 --progress "$dir/progress" >"$dir/first" 2>&1 &
loader=$!
others+=("$loader")
half_way() { [ "$(status | each executed | sort -n | tail -1)" -gt 100 ]; }
until_ok 20 half_way || fail "nothing is executed: $(cat "$dir/first")"
for i in 0 1 2 3; do kill -KILL "${pids[$i]}"; done
for i in 0 1 2 3; do kill_hard $i; done
kill -0 "$loader" 2>/dev/null || fail "the load was over before the kill: $(cat "$dir/first")"
kill -KILL "$loader"
wait "$loader" 2>/dev/null || true
for i in 0 1 2 3; do start $i; done
until_ok 30 equal || fail "the four do not come back: $(status)"
there=$("$quorate" count --cluster "$cluster")
say "killed in the middle, all four came back with $there of $rows rows"

# ---- loaded again, to the end; replica 3 stands still for five seconds, then the leader is killed ----
"$quorate" load "$dir/rows.tsv" --cluster "$cluster" --json --progress "$dir/progress" >"$dir/second" 2>"$dir/second.err" || fail "the second load: $(cat "$dir/second.err")"
[ "$("$quorate" count --cluster "$cluster")" = $rows ] || fail "not $rows rows"
"$quorate" scan "" --cluster "$cluster" | LC_ALL=C sort >"$dir/found"
LC_ALL=C sort "$dir/rows.tsv" | cmp -s - "$dir/found" || fail "a row has another value"
digests_equal || fail "the states differ after the load"
say "loaded again: $rows rows, each with its value, and four equal states: $(cat "$dir/second")"

small_load() { # small_load NAME: in the background
	"$quorate" load "$dir/rows.tsv" --cluster "$cluster" --json --sessions 2 --bundle 5 --progress "$dir/progress-$1" >"$dir/$1" 2>"$dir/$1.err" &
	loader=$!
	others+=("$loader")
}
executed() { status | each executed | sort -n | tail -1; }
begun() { [ "$(executed)" -gt $((at + 20)) ]; }
at=$(executed)
small_load still
until_ok 20 begun || fail "the load does not begin: $(cat "$dir/still.err")"
kill -STOP "${pids[3]}"
sleep 5 # this is the accident, not a wait
kill -CONT "${pids[3]}"
wait "$loader" || fail "with a replica that stood still: $(cat "$dir/still.err")"
until_ok 30 equal || fail "the one that stood still does not follow: $(status)"
say "one stood still for 5 s; longest gap of the load: $(each gap_ms_max <"$dir/still") ms"

at=$(executed)
leader=$(status | each leader | sort -n | tail -1)
small_load killed
until_ok 20 begun || fail "the load does not begin: $(cat "$dir/killed.err")"
kill_hard "$leader"
wait "$loader" || fail "with the leader killed: $(cat "$dir/killed.err")"
start "$leader"
until_ok 30 equal || fail "the old leader does not come back: $(status)"
digests_equal || fail "the states differ at the end"
[ "$("$quorate" count --cluster "$cluster")" = $rows ] || fail "not $rows rows at the end"
# The old leader votes again: with it, three are enough, and no other view is needed.
view=$(status | each view | sort -n | tail -1)
other=$(((leader + 2) % 4))
kill_hard $other
"$quorate" put last one --cluster "$cluster" --timeout 10s >/dev/null || fail "three of four, the old leader among them"
[ "$(status | each view | sort -n | tail -1)" = "$view" ] || fail "the old leader does not vote in view $view: $(status)"
say "the leader (replica $leader) was killed under load; longest time to the next completion: $(each gap_ms_max <"$dir/killed") ms"
