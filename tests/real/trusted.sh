#!/usr/bin/env bash
# trusted.sh QUORATE: a trusted cluster of three. A load while its leader is killed, and while a follower is; a minority acknowledges nothing; all three are killed and come back
# with every row; one that lost its folder is let in again; a replica of a Byzantine cluster is not one of them.
. "$(dirname "$0")/lib.sh"
rows=4000

testnet --mode trusted
home=$dir/cluster
[ "$(ls -d "$home"/replica-* | wc -l)" = 3 ] || fail "a trusted cluster has $(ls "$home")"
all_equal() { equal_among 0 1 2; }
for i in 0 1 2; do start $i; done
until_ok 30 all_equal || fail "the cluster does not begin: $(status)"
seq -f 'row-%.0f' 1 $rows | awk '{ print $0 "\tvalue of " $0 }' >"$dir/rows.tsv"

leader() { # the member that says it leads; nothing while there is none
	status | tr '{' '\n' | grep '"role":"leader"' | each id | head -n 1 || true
}
led() { first=$(leader) && [ -n "$first" ]; } # sets `first`
another_leads() { now=$(leader) && [ -n "$now" ] && [ "$now" != "$first" ]; } # the load may have ended before the leader did
load_begins() {
	"$quorate" load "$dir/rows.tsv" --cluster "$cluster" --json --sessions 2 --bundle 5 --progress "$dir/progress-$1" --timeout 30s >"$dir/load-$1" 2>"$dir/load-$1.err" &
	loader=$!
	others+=("$loader")
}
executed_more() { [ "$(status | each executed | sort -n | tail -1)" -gt $((before + 20)) ]; }
load_ends() {
	local code=0
	wait "$loader" || code=$?
	[ $code = 0 ] || fail "$1: exit $code: $(cat "$dir/load-$2.err")"
}
at() { status | each executed | sort -n | tail -1; }

# ---- the leader, then a follower, killed under load ----
for who in leader follower; do
	until_ok 20 led || fail "nobody leads: $(status)"
	victim=$first
	[ $who = leader ] || victim=$(((first + 1) % 3))
	before=$(at)
	load_begins $who
	until_ok 30 executed_more || fail "nothing is executed: $(cat "$dir/load-$who.err")"
	kill_hard "$victim"
	load_ends "with its $who killed" $who
	if [ $who = leader ]; then
		until_ok 20 another_leads || fail "the killed leader $first is followed by '$now': $(status)"
	fi
	start "$victim"
	until_ok 60 all_equal || fail "the killed $who does not come back: $(status)"
	say "the $who, replica $victim, was killed under load: every row was acknowledged, and it came back"
done
[ "$("$quorate" count --cluster "$cluster")" = $rows ] || fail "not $rows rows"

# ---- a receipt: asked for, it is signed by a majority ----
"$quorate" put shown "to others" --receipt "$dir/receipt" --cluster "$cluster" || fail "a put with a receipt"
"$quorate" receipt verify "$dir/receipt" --genesis "$home/genesis" --json >"$dir/out" || fail "the receipt does not hold: $(cat "$dir/out")"
grep -q '"proved":true' "$dir/out" || fail "the receipt proves nothing: $(cat "$dir/out")"
"$quorate" del shown --cluster "$cluster" || fail "a del without a receipt"
say "a receipt of the trusted cluster was verified by its genesis alone"

# ---- a minority ----
first=$(leader)
for i in 0 1 2; do [ "$i" = "$first" ] || kill_hard "$i"; done
run "$quorate" put alone here --cluster "$cluster" --timeout 2s
[ "$code" != 0 ] || fail "one of three acknowledges a write: $(cat "$dir/out")"
for i in 0 1 2; do alive $i || start $i; done
until_ok 60 all_equal || fail "the three do not come together: $(status)"
say "one of three acknowledged nothing, and said: $(tail -n 1 "$dir/out")"

# ---- all three at once ----
for i in 0 1 2; do kill -KILL "${pids[$i]}"; done
for i in 0 1 2; do kill_hard $i; done
for i in 0 1 2; do start $i; done
until_ok 60 all_equal || fail "the three do not come back: $(status)"
"$quorate" scan "row-" --cluster "$cluster" --timeout 30s | LC_ALL=C sort >"$dir/found"
LC_ALL=C sort "$dir/rows.tsv" | cmp -s - "$dir/found" || fail "rows are missing, or have another value"
say "all three were killed at once and came back with $rows rows"

# ---- one loses its folder ----
kill_hard 2
rm -rf "$home/replica-2/data"
"$quorate" format --lost --config "$home/replica-2/replica.yaml" >/dev/null
start 2
observes() { [ "$(status | of 2 role)" = observer ]; }
until_ok 30 observes || fail "without its folder it is $(status)"
"$quorate" member readmit 2 --key "$home/replica-2/org.key" --cluster "$cluster" --timeout 60s >/dev/null || fail "it is not let in again: $(status)"
until_ok 60 all_equal || fail "it takes no part at the end: $(status)"
digests_equal_among 0 1 2 || fail "the states differ: $(status)"
say "one lost its folder, observed, and was let in again: three equal states"

# ---- another mode is another cluster ----
"$quorate" testnet "$dir/other" --base-port "$(free_ports)" >/dev/null
run "$quorate" get row-1 --cluster "$dir/other/client.yaml" --timeout 1s
[ "$code" != 0 ] || fail "a cluster that does not run answers"
sed -i "s#^genesis:.*#genesis: $dir/other/genesis#" "$home/replica-1/replica.yaml"
kill_hard 1
run "$quorate" start --config "$home/replica-1/replica.yaml"
[ "$code" = 3 ] || fail "a trusted replica starts with a Byzantine genesis: exit $code: $(cat "$dir/out")"
say "with another genesis it does not start: $(tail -n 1 "$dir/out")"
