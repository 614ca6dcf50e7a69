#!/usr/bin/env bash
# kill_at_every_write.sh QUORATE LIBRARY SMALL_GENESIS: replica 1 of 4 is killed at its Nth write, for N = 1, 2, 3, ... until a whole run has fewer (all of the first
# 30, then every 41st), before the write or after it in turn. Each time it comes back as a full member, nothing acknowledged is missing, and the four chains become
# equal. Checkpoints, snapshots and changes of segments come often, so the run has all kinds of writes. Before that the same with `quorate format`.
. "$(dirname "$0")/lib.sh"
library=$2 small_genesis=$3
every=30 step=41

testnet
"$small_genesis" "$dir/cluster/genesis"
for i in 0 1 2 3; do small_log $i; done
data=$dir/cluster/replica-1/data
side() { [ $(($1 % 2)) = 0 ] && echo before || echo after; }

# ---- format: what was half made says what to do, what was made starts ----
config=$dir/cluster/replica-1/replica.yaml
formats=0
for n in $(seq 1 500); do
	rm -rf "$data"
	run LD_PRELOAD="$library" KILL_AT="$n" KILL_WHEN="$(side "$n")" KILL_UNDER="$data" "$quorate" format --config "$config"
	[ "$code" != 0 ] || break
	[ "$code" = 137 ] || fail "format at write $n ends with $code: $(cat "$dir/out")"
	formats=$n
	what="format after a format that was killed $(side "$n") write $n"
	run "$quorate" format --config "$config"
	if [ "$code" = 3 ] && grep -q "move it away" "$dir/out"; then
		rm -rf "$data"
		run "$quorate" format --config "$config"
	fi
	[ "$code" = 0 ] || { [ "$code" = 3 ] && grep -q "formatted already" "$dir/out"; } || fail "$what: exit $code: $(cat "$dir/out")"
	# Now it can be opened: its first write is reached.
	run LD_PRELOAD="$library" KILL_AT=1 KILL_UNDER="$data" "$quorate" start --config "$config"
	[ "$code" = 137 ] || fail "$what, and start: exit $code: $(cat "$dir/out")"
done
[ "$formats" -gt 3 ] || fail "format makes only $formats writes"
say "format: killed at each of its $formats writes"

# ---- a run ----
for i in 0 1 2 3; do start $i; done
until_ok 20 equal || fail "the cluster does not begin"
rows=0 runs=0
load() { # new rows; every one is acknowledged when this returns
	local from=$rows
	rows=$((rows + 6))
	# Some values are large: segments change.
	seq $((from + 1)) $rows | awk 'BEGIN { x = "0123456789"; while (length(x) < 30000) x = x x } { print "key-" $0 "\tvalue of " $0 ($0 % 6 ? "" : " " x) }' >"$dir/rows.tsv"
	cat "$dir/rows.tsv" >>"$dir/all.tsv"
	"$quorate" load "$dir/rows.tsv" --cluster "$cluster" --json --sessions 1 --bundle 2 --progress "$dir/progress" >/dev/null 2>"$dir/load.err" ||
		fail "a load ended with: $(cat "$dir/load.err")"
	rm -f "$dir/progress"
}
dead() { ! alive 1; }
dead_or_equal() { dead || equal; }
n=1 survived=0
while [ "$survived" -lt 3 ]; do
	kill_hard 1
	start 1 LD_PRELOAD="$library" KILL_AT=$n KILL_WHEN="$(side $n)" KILL_UNDER="$data"
	for _ in 1 2 3 4; do dead || load; done
	load
	# It may still have to catch up.
	dead || until_ok 20 dead_or_equal || fail "with write $n before it: $(last_words 1)"
	if ! dead; then
		survived=$((survived + 1))
		continue
	fi
	survived=0
	pids[1]=0
	runs=$((runs + 1))
	start 1
	until_ok 20 equal || fail "after a kill $(side $n) write $n: $(last_words 1) $(status)"
	n=$((n + (n < every ? 1 : step)))
done
# The last one still has its Nth write before it.
kill_hard 1
start 1
until_ok 20 equal || fail "after the last kill: $(last_words 1) $(status)"
[ "$runs" -gt "$every" ] || fail "a run has only $runs writes"
"$quorate" scan "" --cluster "$cluster" | LC_ALL=C sort >"$dir/found"
LC_ALL=C sort "$dir/all.tsv" >"$dir/expected"
cmp -s "$dir/found" "$dir/expected" || fail "what is there is not what was acknowledged: $(diff "$dir/expected" "$dir/found" | cut -c 1-80 | head -3)"
# Snapshots come by themselves here.
snapshots_equal() {
	local s
	s=$(status)
	[ "$(each snapshot_seq <<<"$s" | sort -u | wc -l)" = 1 ] && [ "$(each state_digest <<<"$s" | sort | uniq -c | awk '{ print $1 }')" = 4 ]
}
until_ok 20 snapshots_equal || fail "the states differ: $(status)"
say "start: killed at $runs writes, of a run that has fewer than $n (all of the first $every, then every ${step}th); all $rows rows are there; four equal states"
