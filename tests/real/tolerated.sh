#!/usr/bin/env bash
# tolerated.sh QUORATE: `quorate status` says how many more failures of which kind are tolerated, in both modes, and that the cluster stands still when it does; that the
# logs of a majority are damaged in the same place, and its advice holds; and a peer of the other mode is refused with that sentence in both logs.
. "$(dirname "$0")/lib.sh"

told() { # told WORDS [FIELDS]: status says the words, and its JSON the fields, within the time that an election or a link needs
	local words=$1 fields=${2:-}
	says() {
		"$quorate" status --cluster "$cluster" --timeout 1s >"$dir/status" 2>&1 && code=0 || code=$?
		grep -qF "$words" "$dir/status" && status | grep -qF "$fields"
	}
	until_ok 30 says || fail "not '$words' and '$fields': $(cat "$dir/status") $(status)"
}

# ---- both modes, one replica after the other ----
testnet --mode trusted
home=$dir/cluster
for i in 0 1 2; do start $i; done
told "tolerated now: 1 more crash, and no liar" '"tolerated":{"voting":3,"needed":2,"crashes":1,"liars":0,"stands_still":false}'
kill_hard 0
told "tolerated now: no failure: with one replica less that votes, the cluster stands still" '"tolerated":{"voting":2,"needed":2,"crashes":0,"liars":0,"stands_still":false}'
[ "$code" = 0 ] || fail "two of three are a majority, and status exits with $code"
kill_hard 1
told "the cluster stands still: 1 replica votes, and it needs 2" '"crashes":0,"liars":0,"stands_still":true}'
[ "$code" != 0 ] || fail "the cluster stands still, and status exits with 0"
start 0
start 1
told "tolerated now: 1 more crash, and no liar"
say "three trusted ones: 1 more crash, then none, then it stands still, and back"

# ---- two logs damaged in the same place ----
for i in $(seq 60); do "$quorate" put "key-$((i % 7))" "$i" --cluster "$cluster" >/dev/null || fail "a put"; done
all_equal() { equal_among 0 1 2; }
until_ok 30 all_equal || fail "they are not equal: $(status)"
for i in 0 1 2; do kill_hard $i; done
for i in 1 2; do
	cp -r "$home/replica-$i/data" "$dir/kept-$i"
	file=$(ls "$home/replica-$i/data"/log/seg-* | head -n 1)
	groups_of "$file" | tail -n 20 | head -n 12 >"$dir/groups"
	[ "$(wc -l <"$dir/groups")" = 12 ] || fail "too few groups in $file"
	while read -r at; do flip "$file" $((at + 130)); done <"$dir/groups"
done
for i in 0 1 2; do start $i; done
told "the logs of 2 of 3 replicas are damaged in the same place, around sequences" '"too_many":true'
told "the cluster stands still: 1 replica votes, and it needs 2"
grep -q 'What to do: keep every data folder as it is' "$dir/status" || fail "it does not say what to do: $(cat "$dir/status")"
grep -q 'its log is damaged around sequences' "$dir/status" || fail "it does not say where: $(cat "$dir/status")"
grep -q 'this replica is an observer: .*around sequences [0-9]* to [0-9]*' "$dir/replica-1.log" || fail "nor in its log: $(last_words 1)"
run "$quorate" put key-0 lost --cluster "$cluster" --timeout 1s
[ "$code" != 0 ] || fail "one whole log of three acknowledges a write"
say "$(grep 'damaged in the same place' "$dir/status")"
# As it says: a copy of when it last stopped.
kill_hard 1
rm -rf "$home/replica-1/data"
mv "$dir/kept-1" "$home/replica-1/data"
start 1
told "tolerated now: no failure" '"observing":1,"damaged":1,"too_many":false'
[ "$("$quorate" get key-4 --cluster "$cluster" --timeout 10s)" = 60 ] || fail "what was acknowledged is not there: $(status)"
run "$quorate" member readmit 2 --key "$home/replica-2/org.key" --cluster "$cluster" --timeout 60s
[ "$code" = 0 ] || fail "the third is not let in again: $(cat "$dir/out")"
until_ok 60 all_equal || fail "they do not come together: $(status)"
told "tolerated now: 1 more crash, and no liar" '"observing":0,"damaged":0,"too_many":false'
say "with one folder put back they went on, and nothing was lost"

# ---- another mode, at the same addresses ----
kill_hard 2
"$quorate" testnet "$dir/other" --replicas 4 --base-port "$base" >/dev/null
"$quorate" start --config "$dir/other/replica-2/replica.yaml" >"$dir/replica-other.log" 2>&1 &
others+=($!)
words='its cluster runs in the other mode: one trusts its members, the other does not'
both_say() { grep -q "$words" "$dir/replica-other.log" && grep -q "$words" "$dir/replica-0.log" && grep -q "$words" "$dir/replica-1.log"; }
until_ok 30 both_say || fail "the other mode is not named in both logs: $(tail -n 3 "$dir/replica-other.log" "$dir/replica-0.log")"
say "$(grep "$words" "$dir/replica-0.log" | head -n 1)"
kill -KILL "${others[-1]}"
for i in 0 1; do kill_hard $i; done

# ---- four of whom one may lie ----
rm -rf "$dir/other"
mv "$home" "$dir/former"
testnet
for i in 0 1 2 3; do start $i; done
told "tolerated now: 1 more failure, crash or liar" '"tolerated":{"voting":4,"needed":3,"crashes":1,"liars":1,"stands_still":false}'
kill_hard 3
told "tolerated now: no failure: with one replica less that votes, the cluster stands still"
kill_hard 2
told "the cluster stands still: 2 replicas vote, and it needs 3" '"stands_still":true}'
say "four with liars: 1 more failure, then none, then it stands still"
