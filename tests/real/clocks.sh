#!/usr/bin/env bash
# clocks.sh QUORATE CLOCK_SHIFT: wall clocks that are wrong, are stepped, and run too fast, one of four at a time, that of the leader too. Clients, old and new ones, go on;
# a leader whose clock is far ahead loses its office; agreed time never falls and stays near the right clocks.
. "$(dirname "$0")/lib.sh"
library=$2

set_clock() { # set_clock I MS [MS_A_SECOND]: from now on
	echo "$2 ${3:-0}" >"$dir/clock-$1.new"
	mv "$dir/clock-$1.new" "$dir/clock-$1"
}
# Agreed time where most was executed, against this machine's clock: how far ahead, in ms.
ahead() { echo $(($(furthest agreed_ms) - $(now_ms))); }
last_agreed=0
near() { # near WHAT: agreed time has not fallen, and is within what one wrong clock may do to it
	local agreed
	agreed=$(furthest agreed_ms)
	[ "$agreed" -ge "$last_agreed" ] || fail "$1: agreed time fell from $last_agreed to $agreed"
	last_agreed=$agreed
	[ "$(ahead)" -le 5000 ] || fail "$1: agreed time is $(ahead) ms ahead of three right clocks"
}
# When replica I wrote its last line of log, by its own clock, in ms.
log_ms() { date -d "$(tail -n 1 "$dir/replica-$1.log" | cut -d ' ' -f 1)" +%s%3N; }
hour=3600000

testnet
for i in 0 1 2 3; do
	set_clock $i 0
	start $i LD_PRELOAD="$library" CLOCK_SHIFT="$dir/clock-$i"
done
until_ok 30 equal || fail "the cluster does not begin: $(status)"
clients_begin 100
clients_go_on "with right clocks"
near "with right clocks"
[ "$(ahead)" -ge -5000 ] || fail "agreed time is $(ahead) ms ahead with right clocks"

# ---- backups ----
view=$(view)
backup=$((($(leader) + 1) % 4))
set_clock $backup $hour
clients_go_on "with a backup one hour ahead"
near "with a backup one hour ahead"
set_clock $backup -$hour
clients_go_on "with that backup one hour behind"
near "with that backup one hour behind"
set_clock $backup 0
say "a backup one hour ahead, stepped two hours back, and to the right time: views $view to $(view)"

# ---- the leader ahead: what it proposes first is refused, so it loses its office ----
leader=$(leader) view=$(view)
set_clock "$leader" $hour
deposed() { [ "$(view)" -gt "$view" ] && [ "$(leader)" != "$leader" ]; }
until_ok 60 deposed || fail "a leader one hour ahead keeps its office: $(status)"
clients_go_on "with the old leader one hour ahead"
near "with the old leader one hour ahead"
stamped() { [ $(($(log_ms "$leader") - $(now_ms))) -gt $((hour / 2)) ]; }
until_ok 10 stamped || fail "the log of replica $leader is not stamped one hour ahead: $(last_words "$leader")"
set_clock "$leader" 0
clients_go_on "with its clock put right"
say "replica $leader, one hour ahead, lost its office to replica $(leader)"

# ---- its clock is right again, and so it can lead: whoever else leads stands still until then. It was never restarted ----
its_turn() {
	[ "$(leader)" = "$leader" ] && return
	local now
	now=$(leader)
	kill -STOP "${pids[$now]}"
	not_now() { [ "$(leader)" != "$now" ]; }
	until_ok 60 not_now || fail "replica $now stands still and leads: $(status)"
	kill -CONT "${pids[$now]}"
	return 1
}
until_ok 90 its_turn || fail "replica $leader never leads: $(status)"
view=$(view)
clients_go_on "with replica $leader leading again"
[ "$(view)" = "$view" ] || say "view $(view) instead of $view, which may be the machine"
led_well() { [ "$(leader)" = "$leader" ]; }
until_ok 5 led_well || fail "replica $leader, whose clock is right again, cannot lead: $(grep 'view' "$dir/replica-$leader.log" | tail -4)"
near "with replica $leader leading again"

# ---- the leader behind, and new clients come: agreed time must follow ----
leader=$(leader) view=$(view)
set_clock "$leader" -$hour
until_ok 60 deposed || fail "a leader one hour behind keeps its office: $(status)"
clients_go_on "with the leader one hour behind"
near "with the leader one hour behind"
say "replica $leader one hour behind, in view $(view), led by $(leader)"
set_clock "$leader" 0

clients_end
until_ok 60 equal || fail "the four do not become equal: $(status)"
digests_equal_among 0 1 2 3 || fail "the states differ: $(status)"
all_there
nobody_accused
say "$(wc -l <"$dir/acknowledged-load") rows and $(cat "$dir/acked") values of a register: all there, in four equal states"

# ---- a new cluster whose first leader is behind: who opens a session names the right time ----
for i in 0 1 2 3; do kill_hard $i; done
rm -rf "$dir/cluster"
testnet
set_clock 0 -$hour
for i in 0 1 2 3; do start $i LD_PRELOAD="$library" CLOCK_SHIFT="$dir/clock-$i"; done
until_ok 30 equal || fail "the second cluster does not begin: $(status)"
"$quorate" put first one --cluster "$cluster" --timeout 30s >"$dir/out" 2>&1 || fail "a first leader one hour behind lets no client in: $(cat "$dir/out") $(status)"
say "a first leader one hour behind: clients are let in, in view $(view)"

# ---- a clock that runs too fast: a second in a second, until the others refuse ----
leader=$(leader) view=$(view)
set_clock 0 0
clients_begin 100
set_clock "$leader" 0 1000
until_ok 60 deposed || fail "a leader whose clock runs away keeps its office: $(status)"
clients_go_on "with the old leader's clock running away"
[ "$(ahead)" -le 5000 ] || fail "agreed time is $(ahead) ms ahead of three right clocks"
clients_end
all_there
say "replica $leader, whose clock ran away, lost its office to replica $(leader); agreed time is $(ahead) ms ahead"
