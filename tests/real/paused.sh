#!/usr/bin/env bash
# paused.sh QUORATE SMALL_GENESIS: replicas that stand still (SIGSTOP) under load: each in turn for one to four seconds, the leader among them, and one for so long that
# the others' logs no longer reach back to it. Clients go on; nothing acknowledged is missing, and the four states are equal.
. "$(dirname "$0")/lib.sh"
small_genesis=$2

testnet
"$small_genesis" "$dir/cluster/genesis"
for i in 0 1 2 3; do small_log $i; done
for i in 0 1 2 3; do start $i; done
until_ok 30 equal || fail "the cluster does not begin: $(status)"
clients_begin
clients_go_on "before anybody stands still"

led=0
stand_still() { # stand_still I SECONDS
	[ "$(leader)" != "$1" ] || led=$((led + 1))
	say "replica $1 stands still for $2 s in view $(view), led by $(leader)"
	kill -STOP "${pids[$1]}"
	sleep "$2" # this is the accident, not a wait
	kill -CONT "${pids[$1]}"
	clients_go_on "after replica $1 stood still for $2 s"
}
stand_still 3 1
stand_still 0 2
stand_still 1 3
stand_still 2 4
[ "$led" -gt 0 ] || stand_still "$(leader)" 2

# The log of the others is cut at the older of their two newest snapshots: well behind that the state itself is fetched.
victim=$((($(leader) + 1) % 4))
at=$(executed)
kill -STOP "${pids[$victim]}"
left_behind() { [ "$(executed)" -gt $((at + 200)) ]; }
until_ok 90 left_behind || fail "three of four do not go on: $(status)"
kill -CONT "${pids[$victim]}"
say "replica $victim stood still from $at to $(executed)"
fetched() { grep -q 'the state at .* is here' "$dir/replica-$victim.log"; }
until_ok 90 fetched || fail "replica $victim does not fetch the state: $(last_words $victim) $(status)"
until_ok 90 takes_part $victim || fail "replica $victim takes no part: $(status)"
clients_go_on "after the long one"
clients_end
until_ok 60 equal || fail "the four do not become equal: $(status)"
digests_equal_among 0 1 2 3 || fail "the states differ: $(status)"
all_there
nobody_accused
say "$(wc -l <"$dir/acknowledged-load") rows and $(cat "$dir/acked") values of a register: all there, in four equal states"
