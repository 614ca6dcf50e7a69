#!/usr/bin/env bash
# full_disk.sh QUORATE SMALL_GENESIS: under load the file system of one replica fills up: it stays up, says so, and the others go on; with room it catches up by itself.
# Then those of f+1: the cluster takes nothing new and says why, and goes on by itself when there is room. (All four on one disk: bad_input.sh.)
. "$(dirname "$0")/lib.sh"
small_genesis=$2

testnet
"$small_genesis" "$dir/cluster/genesis"
for i in 1 2; do
	mkdir "$dir/disk-$i"
	if ! mount -t tmpfs -o size=160m none "$dir/disk-$i" 2>"$dir/out"; then
		skip "no small file system can be mounted here: $(cat "$dir/out")"
	fi
	mounted+=("$dir/disk-$i")
	sed -i "s|^data: .*|data: $dir/disk-$i/data|" "$dir/cluster/replica-$i/replica.yaml"
done
for i in 0 1 2 3; do small_log $i; done
for i in 0 1 2 3; do start $i; done
until_ok 30 equal || fail "the cluster does not begin: $(status)"
value_bytes=2000 # the state must grow: a log and a state that do not are written in the same blocks again
clients_begin 100
clients_go_on "with room"

fill() { # fill I: not a byte is left
	head -c 1G /dev/zero >"$dir/disk-$1/filler" 2>/dev/null || true
}
full() { [[ "$(trouble "$1")" = *"disk is full"* ]]; }
not_full() { status | of "$1" role | grep -qE 'leader|backup' && ! full "$1"; }

# ---- one ----
fill 1
until_ok 60 full 1 || fail "replica 1 does not say that its disk is full: $(trouble 1) $(last_words 1)"
# It goes no further, whatever the others do.
stands_still() {
	local mine all
	mine=$(status | of 1 executed) all=$(executed)
	clients_go_on "with one full disk"
	[ "$(status | of 1 executed)" = "$mine" ] && [ "$(executed)" -gt $((all + 4)) ]
}
until_ok 60 stands_still || fail "with its disk full replica 1 goes on: $(status)"
alive 1 || fail "replica 1 ended with its disk full: $(last_words 1)"
full 1 || fail "it says it no longer: $(trouble 1)"
rm "$dir/disk-1/filler"
until_ok 60 not_full 1 || fail "with room again it still says: $(trouble 1)"
at=$(executed)
follows() { [ "$(status | of 1 executed)" -ge "$at" ]; }
until_ok 60 follows || fail "with room again replica 1 does not follow: $(status) $(last_words 1)"
clients_go_on "with room again"
say "one full disk: named, the others went on, and it came back by itself at $at"

# ---- f+1 ----
fill 1
fill 2
until_ok 60 full 1 || fail "replica 1 does not say that its disk is full: $(trouble 1) $(last_words 1)"
until_ok 60 full 2 || fail "replica 2 does not say that its disk is full: $(trouble 2) $(last_words 2)"
tries=0
no_answer() { # the outcome of what is asked now is unknown, or nobody takes it; a key for each try, as it may be done later
	tries=$((tries + 1))
	run "$quorate" put "unknown-$tries" x --cluster "$cluster" --timeout 3s
	[ "$code" != 0 ]
}
until_ok 60 no_answer || fail "with two full disks of four everything is still answered: $(status)"
[ "$code" = 4 ] || [ "$code" = 6 ] || fail "a client hears of a full cluster: exit $code: $(cat "$dir/out")"
for i in 0 1 2 3; do alive $i || fail "replica $i ended: $(last_words $i)"; done
say "two full disks: $(cat "$dir/out")"
rm "$dir/disk-1/filler" "$dir/disk-2/filler"
clients_go_on "with room on both again"
clients_end
until_ok 60 equal || fail "the four do not become equal: $(status)"
for i in 1 2; do not_full $i || fail "replica $i still says: $(trouble $i)"; done
digests_equal_among 0 1 2 3 || fail "the states differ: $(status)"
all_there
nobody_accused
say "$(wc -l <"$dir/acknowledged-load") rows and $(cat "$dir/acked") values of a register: all there, in four equal states"
