#!/usr/bin/env bash
# membership.sh QUORATE: a fifth member comes under load; one whose disk is gone is replaced by another machine's; one is removed, and is nobody any more. What cannot be is
# refused before anything is ordered, and of two operators who want different things at once one wins.
. "$(dirname "$0")/lib.sh"

testnet
home=$dir/cluster
for i in 0 1 2 3; do start $i; done
until_ok 30 equal || fail "the cluster does not begin: $(status)"

# A machine of its own: keys and a card, and nothing in common with the others but the genesis.
newcomer() { # newcomer I ORG PORT: $home/replica-I
	local at=$home/replica-$1
	mkdir "$at"
	for key in org member tls; do "$quorate" key new -o "$at/$key.key" >/dev/null; done
	"$quorate" card new --org "$2" --org-key "$at/org.key" --member-key "$at/member.key" --tls-key "$at/tls.key" --address "127.0.0.1:$3" -o "$at/card" >/dev/null
	printf 'genesis: ../genesis\nmember_key: member.key\ntls_key: tls.key\ndata: data\nlisten: 127.0.0.1:%s\n' "$3" >"$at/replica.yaml"
}
# By the organization whose key lies with replica I.
propose() { # propose I WHAT...
	local by=$1
	shift
	run timeout 90 "$quorate" member propose "$@" --key "$home/replica-$by/org.key" --cluster "$cluster" --timeout 60s --json
}
approve() { # approve I PROPOSAL
	run timeout 90 "$quorate" member approve "$2" --key "$home/replica-$1/org.key" --cluster "$cluster" --timeout 60s --json
}
proposal() { each proposal <"$dir/out"; }
in_force() { [ "$code" = 0 ] && grep -q '"in_force":true' "$dir/out"; }
waits() { [ "$code" = 0 ] && grep -q '"in_force":false' "$dir/out"; }
refused() { # refused CODE TEXT
	[ "$code" = "$1" ] && grep -q "$2" "$dir/out" || fail "not refused with $1 and '$2': exit $code: $(cat "$dir/out")"
	[ "$(status | of 0 epoch)" = "$epoch" ] || fail "a refusal has begun an epoch: $(status)"
}
prepare() { # prepare I: its folder, by the chain that anybody shows
	rm -f "$dir/chain"
	"$quorate" member chain -o "$dir/chain" --cluster "$cluster" >/dev/null || fail "nobody shows the chain of epochs"
	"$quorate" format --config "$home/replica-$1/replica.yaml" --epochs "$dir/chain" >/dev/null || fail "replica $1 is not found in the chain"
}

# ---- what cannot be ----
epoch=1
newcomer 4 newcomer $((base + 4))
newcomer 5 stranger $((base + 5))
propose 0 remove 3
refused 7 "at least 4 members"
propose 0 remove 9
refused 7 "no such replica"
propose 0 add "$home/replica-1/card"
refused 7 "somebody has or had a key of that card"
propose 0 add "$home/replica-4/card" add "$home/replica-4/card"
refused 7 "two cards have the same member key"
propose 5 add "$home/replica-4/card"
refused 8 "not the key of an organization"
propose 0 replace 0 "$home/replica-4/card" remove 0
refused 2 "named twice"
propose 0 add "$home/replica-4/card" replace 3 "$home/replica-5/card"
refused 7 "too few would remain"
sed 's/^0100/0200/' "$home/replica-4/card" >"$dir/card"
propose 0 add "$dir/card"
[ "$code" != 0 ] || fail "a damaged card: $(cat "$dir/out")"
run "$quorate" format --config "$home/replica-4/replica.yaml"
[ "$code" = 3 ] && grep -q "format --epochs" "$dir/out" || fail "who is no member is formatted: exit $code: $(cat "$dir/out")"
say "what cannot be was refused, with the reason"

# ---- a fifth, under load ----
clients_begin 60
propose 0 add "$home/replica-4/card"
waits || fail "one of four is enough: exit $code: $(cat "$dir/out")"
first=$(proposal)
approve 0 "$first"
waits || fail "one organization counts twice: exit $code: $(cat "$dir/out")"
approve 5 "$first"
refused 8 "not the key of an organization"
"$quorate" member status --cluster "$cluster" >"$dir/out"
grep -q "proposal $first: add newcomer" "$dir/out" && grep -q "organizations of 1 members, and 3 are needed" "$dir/out" || fail "status does not show it: $(cat "$dir/out")"
approve 1 "${first:0:6}"
waits || fail "two of four are enough: exit $code: $(cat "$dir/out")"
approve 2 "$first"
in_force || fail "three of four are not enough: exit $code: $(cat "$dir/out")"
epoch=2
approve 3 "$first"
[ "$code" = 2 ] || fail "what is in force is approved: exit $code: $(cat "$dir/out")"
clients_go_on "five members, of whom one has never been there"
prepare 4
start 4
five() { equal_among 0 1 2 3 4; }
until_ok 90 takes_part 4 || fail "the newcomer does not take part: $(status) $(last_words 4)"
clients_go_on "five members"
say "a fifth came under load"

# With it four of five are enough, whoever the fourth is.
kill_hard 0
clients_go_on "one of five is killed"
start 0
until_ok 60 takes_part 0 || fail "who was killed does not follow: $(status)"

# ---- one is replaced whose disk is gone ----
kill_hard 3
rm -rf "$home/replica-3/data"
mv "$home/replica-3" "$home/former-3"
newcomer 3 third-again $((base + 5))
propose 4 replace 3 "$home/replica-3/card"
waits || fail "one of five is enough: exit $code: $(cat "$dir/out")"
second=$(proposal)
for i in 0 1; do
	approve $i "$second"
	waits || fail "it does not wait for a quorum of five: exit $code: $(cat "$dir/out")"
done
approve 2 "$second"
in_force || fail "four of five are not enough: exit $code: $(cat "$dir/out")"
epoch=3
prepare 3
start 3
until_ok 90 takes_part 3 || fail "who takes its place does not take part: $(status) $(last_words 3)"
clients_go_on "one of five is replaced"
# The former one comes back, and nobody knows it: its number is another's.
"$quorate" format --lost --config "$home/former-3/replica.yaml" >/dev/null
"$quorate" start --config "$home/former-3/replica.yaml" >>"$dir/replica-former.log" 2>&1 &
former=$!
others+=("$former")
disown
clients_go_on "a replica that was replaced is back"
sleep 1
[ "$(status | of 3 role)" = backup ] || [ "$(status | of 3 role)" = leader ] || fail "the former one has pushed the new one out: $(status)"
run timeout 60 "$quorate" member readmit 3 --key "$home/former-3/org.key" --cluster "$cluster" --timeout 20s
[ "$code" != 0 ] || fail "the former organization lets somebody in: $(cat "$dir/out")"
kill -KILL "$former"
say "one was replaced, and its successor votes"

# ---- two operators at once ----
newcomer 9 sixth $((base + 3))
propose 0 remove 1
waits || fail "exit $code: $(cat "$dir/out")"
mine=$(proposal)
propose 2 add "$home/replica-9/card"
waits || fail "exit $code: $(cat "$dir/out")"
yours=$(proposal)
[ "$mine" != "$yours" ] || fail "two proposals have one name"
approve 4 "$yours"
waits || fail "exit $code: $(cat "$dir/out")"
for i in 3 4; do # 4 has changed its mind: its last voice counts
	approve $i "$mine"
	waits || fail "exit $code: $(cat "$dir/out")"
done
"$quorate" member status --cluster "$cluster" >"$dir/out"
grep -A4 "proposal $yours" "$dir/out" | grep -q "organizations of 1 members" || fail "a voice counts for both: $(cat "$dir/out")"
# Who is removed may approve it too.
approve 1 "$mine"
in_force || fail "four of five are not enough: exit $code: $(cat "$dir/out")"
epoch=4
approve 0 "$yours"
[ "$code" = 2 ] && grep -q "no proposal's name begins" "$dir/out" || fail "the other one is still there: exit $code: $(cat "$dir/out")"
propose 1 add "$home/replica-9/card"
refused 8 "not the key of an organization"
say "of two operators one won, and the other was told"

# ---- who was removed ----
gone() { grep -q "no member any more" "$dir/replica-1.log"; }
until_ok 30 gone || fail "who was removed does not say so: $(last_words 1)"
four() { equal_among 0 2 3 4; }
clients_go_on "four of five remain"
kill_hard 1
clients_go_on "who was removed is stopped"
clients_end
until_ok 60 four || fail "the four are not equal: $(status)"
digests_equal_among 0 2 3 4 || fail "the states differ: $(status)"
all_there
nobody_accused
[ "$(status | of 0 epoch)" = 4 ] || fail "not the fourth epoch: $(status)"

# ---- who came later is a member like any other: another key, and a lost folder ----
run timeout 90 "$quorate" member rotate-key 1 --key "$home/replica-4/org.key" --config "$home/replica-4/replica.yaml" --cluster "$cluster" --timeout 30s
[ "$code" = 2 ] && grep -q "no replica 1" "$dir/out" || fail "the key of nobody is changed: exit $code: $(cat "$dir/out")"
run timeout 90 "$quorate" member rotate-key 4 --key "$home/replica-4/org.key" --config "$home/replica-4/replica.yaml" --cluster "$cluster" --timeout 60s
[ "$code" = 0 ] || fail "the newcomer gets no other key: exit $code: $(cat "$dir/out")"
rm "$home/replica-4/member.key"
kill_hard 3
rm -rf "$home/replica-3/data" "$dir/chain"
"$quorate" member chain -o "$dir/chain" --cluster "$cluster" >/dev/null
"$quorate" format --lost --config "$home/replica-3/replica.yaml" --epochs "$dir/chain" >/dev/null || fail "replica 3 is not found in the chain"
start 3
lost() { [ "$(status | of 3 role)" = observer ]; }
until_ok 60 lost || fail "who lost its folder does not observe: $(status)"
run timeout 90 "$quorate" member readmit 3 --key "$home/former-3/org.key" --cluster "$cluster" --timeout 20s
[ "$code" = 8 ] || fail "by the organization that was there before: exit $code: $(cat "$dir/out")"
run timeout 90 "$quorate" member readmit 3 --key "$home/replica-3/org.key" --cluster "$cluster" --timeout 60s
[ "$code" = 0 ] || fail "who came later is not let in again: exit $code: $(cat "$dir/out")"
run "$quorate" evidence list --cluster "$cluster" --timeout 20s
[ "$code" = 0 ] || fail "evidence is not listed where a number is nobody's: exit $code: $(cat "$dir/out")"
until_ok 60 four || fail "the four are not equal: $(status)"
say "who came later got another key, and was let in again after it lost its folder"

# ---- all are killed, and come back; a receipt holds by the genesis alone ----
for i in 0 2 3 4; do kill -KILL "${pids[$i]}"; done
for i in 0 2 3 4; do kill_hard $i; done
for i in 0 2 3 4; do start $i; done
until_ok 60 four || fail "they do not come back: $(status)"
run "$quorate" put shown to-others --cluster "$cluster" --timeout 20s --receipt "$dir/receipt"
[ "$code" = 0 ] || fail "no receipt: $(cat "$dir/out")"
run "$quorate" receipt verify "$dir/receipt" --genesis "$home/genesis"
[ "$code" = 0 ] && grep -q 'epoch 6' "$dir/out" || fail "the receipt: exit $code: $(cat "$dir/out")"
say "four of the five that were, one of them new and one in another's place: every row is there once"
