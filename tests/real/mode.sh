#!/usr/bin/env bash
# mode.sh QUORATE: a running cluster of four goes from bft to trusted mode and back, under load: nothing is lost, nothing is done twice, and everybody has the same state. One
# short is not enough, and three members are too few for bft.
. "$(dirname "$0")/lib.sh"

testnet
home=$dir/cluster
for i in 0 1 2 3; do start $i; done
until_ok 30 equal || fail "the cluster does not begin: $(status)"

mode() { # mode VERB ARGUMENT I
	run timeout 90 "$quorate" mode "$1" "$2" --key "$home/replica-$3/org.key" --cluster "$cluster" --timeout 60s --json
}
proposal() { each proposal <"$dir/out"; }
in_force() { [ "$code" = 0 ] && grep -q '"in_force":true' "$dir/out"; }
waits() { [ "$code" = 0 ] && grep -q '"in_force":false' "$dir/out"; }
# Each organization by itself; the last one brings it about.
change_to() { # change_to MODE
	local name i
	mode propose "$1" 0
	waits || fail "one of four is enough for $1: exit $code: $(cat "$dir/out")"
	name=$(proposal)
	for i in 1 2; do
		mode approve "$name" $i
		waits || fail "$((i + 1)) of four are enough for $1: exit $code: $(cat "$dir/out")"
	done
	mode approve "$name" 3
	in_force && grep -q '"have":4,"need":4' "$dir/out" || fail "four of four are not enough for $1: exit $code: $(cat "$dir/out")"
	say "$1: $(tail -n 1 "$dir/out")"
}
is_mode() { "$quorate" mode status --cluster "$cluster" --json | grep -q "\"mode\":\"$1\""; }

mode propose bft 0
[ "$code" = 7 ] && grep -q "that is the mode already" "$dir/out" || fail "what is already: exit $code: $(cat "$dir/out")"

# ---- bft, trusted, bft: under load ----
clients_begin 60
clients_go_on "bft"
change_to trusted
is_mode trusted || fail "it is not in trusted mode: $("$quorate" mode status --cluster "$cluster")"
clients_go_on "trusted"
[ "$(status | of 0 epoch)" = 2 ] || fail "not the second epoch: $(status)"
# A majority is three of four, whoever leads.
victim=$(leader)
kill_hard "$victim"
clients_go_on "trusted, without its leader"
start "$victim"
until_ok 60 takes_part "$victim" || fail "the killed leader does not come back: $(status)"
# One sleeps while the mode changes back, and wakes up in it.
kill_hard 2
change_to bft
is_mode bft || fail "it is not in bft mode"
clients_go_on "bft again, with one away"
start 2
until_ok 60 takes_part 2 || fail "who was away does not follow into the other mode: $(status) $(last_words 2)"
clients_go_on "bft again"
clients_end
until_ok 60 equal || fail "the four are not equal: $(status)"
digests_equal || fail "the states differ"
all_there
nobody_accused
[ "$(status | of 0 epoch)" = 3 ] || fail "not the third epoch: $(status)"
say "there and back under load: every row is there once, and four states are equal"

# ---- the logs are of several modes, and are read back ----
for i in 0 1 2 3; do kill -KILL "${pids[$i]}"; done
for i in 0 1 2 3; do kill_hard $i; done
for i in 0 1 2 3; do start $i; done
until_ok 60 equal || fail "they do not come back: $(status)"
digests_equal || fail "the states differ after a restart"
all_there
change_to trusted
for i in 0 1 2 3; do kill -KILL "${pids[$i]}"; done
for i in 0 1 2 3; do kill_hard $i; done
for i in 0 1 2 3; do start $i; done
until_ok 60 equal || fail "they do not come back in trusted mode: $(status)"
is_mode trusted || fail "the mode was forgotten"
all_there
say "all were killed in either mode, and came back in it"

# ---- three are too few for bft ----
name=
for i in 0 1 2; do
	run timeout 90 "$quorate" member "$([ $i = 0 ] && echo propose || echo approve)" ${name:-remove 3} --key "$home/replica-$i/org.key" --cluster "$cluster" --timeout 60s --json
	[ "$code" = 0 ] || fail "a fourth is removed: exit $code: $(cat "$dir/out")"
	name=$(proposal)
done
in_force || fail "three of four are not enough to remove one: $(cat "$dir/out")"
kill_hard 3
before=$(executed)
mode propose bft 0
[ "$code" = 7 ] && grep -q "at least 4 members" "$dir/out" || fail "three in bft mode: exit $code: $(cat "$dir/out")"
[ "$(executed)" = "$before" ] || fail "something was ordered"
run "$quorate" put after all --cluster "$cluster" --timeout 20s
[ "$code" = 0 ] || fail "three trusted members: $(cat "$dir/out")"
say "three trusted members go on, and are refused as too few for bft"
