#!/usr/bin/env bash
# receipt.sh QUORATE: what a client can show to somebody who holds nothing but the genesis. Receipts of all operations, verified offline; what was touched proves nothing; with
# one replica killed three signatures are there, with two killed after the answer none can be.
. "$(dirname "$0")/lib.sh"

testnet
genesis=$dir/cluster/genesis
for i in 0 1 2 3; do start $i; done
until_ok 20 equal || fail "the cluster does not begin: $(status)"

verify() { # verify FILE [GENESIS]: $code and $dir/out
	run "$quorate" receipt verify "$1" --genesis "${2:-$genesis}"
}
proves() { # proves FILE WORDS...: it holds, and each of the words is said
	local file=$1 word
	verify "$file"
	[ "$code" = 0 ] || fail "$file: exit $code: $(cat "$dir/out")"
	shift
	for word; do grep -q -- "$word" "$dir/out" || fail "$file: no '$word' in: $(cat "$dir/out")"; done
}
nothing() { # nothing WHAT FILE [GENESIS]
	local what=$1
	shift
	verify "$@"
	[ "$code" = 8 ] || fail "$what: exit $code: $(cat "$dir/out")"
	[ "$(grep -c '^quorate: .*proves nothing' "$dir/out")" = 1 ] && [ "$(wc -l <"$dir/out")" = 1 ] || fail "$what: it says: $(cat "$dir/out")"
}

# ---- each operation ----
"$quorate" put color green --receipt "$dir/put" --cluster "$cluster" || fail "put with a receipt"
proves "$dir/put" "put color = green  ->  done" "it was executed at sequence" "signed by 3 of 4 replicas:"
[ "$("$quorate" get color --receipt "$dir/get" --cluster "$cluster")" = green ] || fail "get with a receipt"
proves "$dir/get" "get color  ->  done, green"
"$quorate" cas color green blue --receipt "$dir/cas" --cluster "$cluster" || fail "cas with a receipt"
proves "$dir/cas" "cas color from green to blue  ->  done"
run "$quorate" cas color green red --receipt "$dir/mismatch" --cluster "$cluster"
[ "$code" = 7 ] || fail "a cas that does not match: exit $code: $(cat "$dir/out")"
proves "$dir/mismatch" "cas color from green to red"
"$quorate" del color --receipt "$dir/del" --cluster "$cluster" || fail "del with a receipt"
proves "$dir/del" "del color  ->  done"
[ "$("$quorate" count --receipt "$dir/count" --cluster "$cluster")" = 0 ] || fail "count with a receipt"
"$quorate" receipt verify "$dir/count" --genesis "$genesis" --json | grep -q '"proved":true' || fail "a receipt as JSON"
say "six operations, six receipts of $(wc -c <"$dir/put") bytes and the like"

# ---- what proves nothing ----
n=$(wc -c <"$dir/put")
flip() { # flip AT: one bit of that byte
	local old
	cp "$dir/put" "$dir/flipped"
	old=$(od -An -tu1 -j "$1" -N 1 "$dir/put" | tr -d ' ')
	printf "\\x$(printf %02x $((old ^ 4)))" | dd of="$dir/flipped" bs=1 seek="$1" conv=notrunc status=none
}
for at in $(seq 0 97 $((n - 1))) $((n - 1)); do
	flip "$at"
	nothing "byte $at of $n flipped" "$dir/flipped"
done
for keep in 0 1 20 $((n / 2)) $((n - 1)); do
	head -c "$keep" "$dir/put" >"$dir/short"
	nothing "cut after $keep bytes" "$dir/short"
done
cat "$dir/put" "$dir/put" >"$dir/long"
nothing "bytes behind it" "$dir/long"
"$quorate" testnet "$dir/foreign" --replicas 4 --base-port "$base" >/dev/null
nothing "another cluster's genesis" "$dir/put" "$dir/foreign/genesis"
nothing "a genesis as receipt" "$genesis"
run "$quorate" receipt verify "$dir/none" --genesis "$genesis"
[ "$code" = 1 ] || fail "a file that is not there: exit $code"
run "$quorate" receipt verify "$dir/put" --genesis "$dir/none"
[ "$code" = 3 ] || fail "a genesis that is not there: exit $code"
run "$quorate" receipt verify "$dir/put"
[ "$code" = 2 ] || fail "no genesis: exit $code"

# ---- nothing is overwritten, and nothing is sent then ----
run "$quorate" put color black --receipt "$dir/put" --cluster "$cluster"
[ "$code" = 1 ] && grep -q "nothing was sent" "$dir/out" || fail "a receipt over another: exit $code: $(cat "$dir/out")"
run "$quorate" get color --cluster "$cluster"
[ "$code" = 1 ] || fail "it was sent: $(cat "$dir/out")"

# ---- one replica less ----
leader=$(status | each leader | sort -n | tail -1)
kill_hard $(((leader + 1) % 4))
"$quorate" put one less --receipt "$dir/less" --cluster "$cluster" || fail "put with a receipt, one replica killed"
proves "$dir/less" "put one = less" "signed by 3 of 4 replicas:"
if grep -q " $(((leader + 1) % 4)) (" "$dir/out"; then fail "the killed replica has signed: $(cat "$dir/out")"; fi

# ---- too few ----
kill_hard "$leader"
run "$quorate" put two less --receipt "$dir/too-few" --cluster "$cluster" --timeout 1s
[ "$code" = 4 ] || fail "two replicas of four: exit $code: $(cat "$dir/out")"
[ ! -e "$dir/too-few" ] || fail "a file without a receipt is left behind"
say "touched, cut, or before another genesis it proves nothing; with one replica killed it is there all the same"
