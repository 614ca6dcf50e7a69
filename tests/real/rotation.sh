#!/usr/bin/env bash
# rotation.sh QUORATE: a replica gets another key under load, while another one is away. It votes with the new key, also after all were killed; a client that has the
# genesis alone, and the replica that was away, follow the chain of epochs; when all keys were changed nobody needs a former one.
. "$(dirname "$0")/lib.sh"

testnet
for i in 0 1 2 3; do start $i; done
until_ok 20 equal || fail "the cluster does not begin: $(status)"
home=$dir/cluster
seq -f 'row-%.0f' 1 60000 | awk '{ print $0 "\tvalue of " $0 }' >"$dir/rows.tsv"
rotate() { # rotate ID [CONFIG_OF] [KEY_OF]
	run timeout 60 "$quorate" member rotate-key "$1" --key "$home/replica-${3:-$1}/org.key" --config "$home/replica-${2:-$1}/replica.yaml" \
		--cluster "$cluster" --timeout 40s --json
}
keys_of() { find "$home/replica-$1" -name 'member.key.*' | wc -l; }

rotate 4 3 3
[ "$code" = 2 ] || fail "a replica that does not exist: exit $code: $(cat "$dir/out")"
rotate 3 2 3
[ "$code" = 3 ] || fail "another replica's configuration: exit $code: $(cat "$dir/out")"
rotate 3 3 2
[ "$code" = 8 ] || fail "another organization's key: exit $code: $(cat "$dir/out")"
[ "$(keys_of 3)" = 0 ] || fail "a key was made that nobody has"

"$quorate" load "$dir/rows.tsv" --cluster "$cluster" --json --sessions 2 --bundle 5 --progress "$dir/progress" >"$dir/loaded" 2>"$dir/loaded.err" &
loader=$!
others+=("$loader")
executed() { status | each executed | sort -n | tail -1; }
under_way() { [ "$(executed)" -gt 100 ]; }
until_ok 20 under_way || fail "the load does not begin: $(cat "$dir/loaded.err")"
kill_hard 2
rotate 3
[ "$code" = 0 ] || fail "its organization cannot give it another key: exit $code: $(cat "$dir/out")"
[ "$(each epoch <"$dir/out")" = 2 ] || fail "not the second epoch: $(cat "$dir/out")"
[ "$(keys_of 3)" = 1 ] || fail "there are $(keys_of 3) new keys"
say "another key under load: $(cat "$dir/out")"
# With one away three are needed: it votes, and with the new key alone.
rm "$home/replica-3/member.key"
wait "$loader" || fail "the load: $(cat "$dir/loaded.err")"
"$quorate" put after one --cluster "$cluster" --timeout 20s >/dev/null || fail "three of four, one with a new key: $(status)"
start 2
until_ok 40 equal || fail "who was away does not follow: $(status)"
digests_equal || fail "the states differ"
say "who was away has followed"

# All are killed, and come back: the key that is used is that of the log's epoch.
for i in 0 1 2 3; do kill -KILL "${pids[$i]}"; done
for i in 0 1 2 3; do kill_hard $i; done
for i in 0 2 3; do start $i; done
"$quorate" put last one --cluster "$cluster" --timeout 20s >/dev/null || fail "three of four after a restart: $(status)"
[ "$(status | of 3 epoch)" = 2 ] || fail "the epoch was forgotten: $(status)"
kill_hard 0
start 1
"$quorate" put other three --cluster "$cluster" --timeout 20s >/dev/null || fail "another three: $(status)"
start 0
until_ok 20 equal || fail "all four: $(status)"
say "it votes with its new key after all were killed"

# Everybody's key is changed, one by one, while replica 1 sleeps and misses the others' changes: it knows nobody's key but its own then.
kill_hard 1
for i in 0 2 3; do
	rotate $i
	[ "$code" = 0 ] || fail "replica $i: exit $code: $(cat "$dir/out")"
done
[ "$(status | of 3 epoch)" = 5 ] || fail "not the fifth epoch: $(status)"
"$quorate" put all new --cluster "$cluster" --timeout 20s >/dev/null || fail "all keys are new: $(status)"
start 1
until_ok 40 equal || fail "who slept does not follow: $(status)"
[ "$(status | of 1 epoch)" = 5 ] || fail "who slept is in another epoch: $(status)"
rotate 1
[ "$code" = 0 ] || fail "replica 1: exit $code: $(cat "$dir/out")"
rm -f "$home"/replica-{0,1,2}/member.key
until_ok 20 equal || fail "with new keys alone: $(status)"
[ "$("$quorate" get all --cluster "$cluster" --timeout 20s)" = new ] || fail "a client with the genesis alone"
[ "$("$quorate" count --cluster "$cluster")" = 60004 ] || fail "not all rows are there: $("$quorate" count --cluster "$cluster")"
for i in 0 1 2 3; do kill -KILL "${pids[$i]}"; done
for i in 0 1 2 3; do kill_hard $i; done
for i in 0 1 2 3; do start $i; done
until_ok 20 equal || fail "after all were killed again: $(status)"
digests_equal || fail "the states differ"
say "all keys are new, and the former ones are gone"

# A receipt of the last epoch proves itself from the genesis on: it brings the chain.
run "$quorate" put shown to-others --cluster "$cluster" --timeout 20s --receipt "$dir/receipt"
[ "$code" = 0 ] || fail "no receipt: $(cat "$dir/out")"
run "$quorate" receipt verify "$dir/receipt" --genesis "$dir/cluster/genesis"
[ "$code" = 0 ] && grep -q 'epoch 6' "$dir/out" || fail "the receipt: exit $code: $(cat "$dir/out")"
say "a receipt of the sixth epoch holds by the genesis alone"
