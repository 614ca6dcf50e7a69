#!/usr/bin/env bash
# readmission.sh QUORATE: a replica loses its folder under load. It observes, fetches the state, is let in again by its organization and by nobody else, and votes.
. "$(dirname "$0")/lib.sh"

testnet
for i in 0 1 2 3; do start $i; done
until_ok 20 equal || fail "the cluster does not begin: $(status)"
home=$dir/cluster
seq -f 'row-%.0f' 1 60000 | awk '{ print $0 "\tvalue of " $0 }' >"$dir/rows.tsv"
readmit() { run timeout 60 "$quorate" member readmit "$1" --key "$home/replica-$2/org.key" --cluster "$cluster" --timeout 40s --json; }

readmit 3 3
[ "$code" = 7 ] || fail "nothing is lost, and it is let in again: exit $code: $(cat "$dir/out")"
readmit 4 3
[ "$code" = 2 ] || fail "a replica that does not exist: exit $code: $(cat "$dir/out")"

"$quorate" load "$dir/rows.tsv" --cluster "$cluster" --json --sessions 2 --bundle 5 --progress "$dir/progress" >"$dir/loaded" 2>"$dir/loaded.err" &
loader=$!
others+=("$loader")
executed() { status | each executed | sort -n | tail -1; }
under_way() { [ "$(executed)" -gt 100 ]; }
until_ok 20 under_way || fail "the load does not begin: $(cat "$dir/loaded.err")"
kill_hard 3
rm -rf "$home/replica-3/data"
"$quorate" format --lost --config "$home/replica-3/replica.yaml" >/dev/null
start 3
observes() { [ "$(status | of 3 role)" = observer ]; }
until_ok 20 observes || fail "the emptied replica does not observe: $(status)"
"$quorate" status --cluster "$cluster" | grep -q "quorate member readmit" || fail "status does not say what to do"

readmit 3 2
[ "$code" = 8 ] || fail "another organization's key: exit $code: $(cat "$dir/out")"
observes || fail "another organization has let it in"
readmit 3 3
[ "$code" = 0 ] || fail "its organization cannot let it in again: exit $code: $(cat "$dir/out")"
[ "$(each epoch <"$dir/out")" = 2 ] || fail "not the second epoch: $(cat "$dir/out")"
say "let in again under load: $(cat "$dir/out")"
wait "$loader" || fail "the load: $(cat "$dir/loaded.err")"
until_ok 30 equal || fail "it does not follow: $(status)"
digests_equal || fail "the states differ"
[ "$("$quorate" count --cluster "$cluster")" = 60000 ] || fail "not all rows are there"

# With it three are enough, also after all were killed: the epoch is remembered.
for i in 0 1 2 3; do kill -KILL "${pids[$i]}"; done
for i in 0 1 2 3; do kill_hard $i; done
for i in 0 2 3; do start $i; done
"$quorate" put last one --cluster "$cluster" --timeout 20s >/dev/null || fail "three of four, the one that came back among them: $(status)"
! observes || fail "it observes again after a restart"
[ "$(status | of 3 epoch)" = 2 ] || fail "the epoch was forgotten: $(status)"
# Its old folder's word is of no use a second time.
readmit 3 3
[ "$code" = 7 ] || fail "let in twice: exit $code"
say "it votes, with three of four, and after all were killed"
