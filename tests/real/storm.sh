#!/usr/bin/env bash
# storm.sh QUORATE QUORATE_LIAR: one replica of four at a time, drawn at random, is killed and started again, or stands still, for twenty seconds; then replica 0 leads and
# tells two proposals, and nobody else may fail. QUORATE_SEED repeats the draw. Clients go on; everything acknowledged is there, the honest states are equal, and no honest
# replica is accused.
. "$(dirname "$0")/lib.sh"
liar=$2
seed=${QUORATE_SEED:-$((RANDOM * 32768 + RANDOM))}
say "QUORATE_SEED=$seed"

# ---- one at a time ----
testnet
for i in 0 1 2 3; do start $i; done
until_ok 30 equal || fail "the cluster does not begin: $(status)"
clients_begin
clients_go_on "before the storm"
RANDOM=$seed
kills=0 pauses=0
ends=$(($(now_ms) + 20000))
until [ "$(now_ms)" -ge $ends ]; do
	# The upper bits: the lower ones of two draws in a row are alike.
	victim=$((RANDOM / 64 % 4)) what=$((RANDOM / 64 % 3)) first=$((RANDOM / 16 % 1500)) then=$((RANDOM / 16 % 700))
	clients_well
	case $what in
	0)
		kill -STOP "${pids[$victim]}"
		sleep "$((first / 1000)).$(printf %03d $((first % 1000)))" # the accident
		kill -CONT "${pids[$victim]}"
		pauses=$((pauses + 1))
		;;
	1) # and is away for a while
		kill_hard $victim
		sleep "$((first / 1000)).$(printf %03d $((first % 1000)))"
		start $victim
		kills=$((kills + 1))
		;;
	2) # and is there again at once
		kill_hard $victim
		start $victim
		kills=$((kills + 1))
		;;
	esac
	alive $victim || fail "replica $victim is not there any more"
	until_ok 60 takes_part $victim || fail "replica $victim takes no part again: $(last_words $victim) $(status)"
	sleep "0.$(printf %03d $then)"
done
for i in 0 1 2 3; do alive $i || fail "replica $i ended by itself"; done
clients_go_on "after the storm"
clients_end
until_ok 60 equal || fail "the four do not become equal: $(status)"
digests_equal_among 0 1 2 3 || fail "the states differ: $(status)"
all_there
nobody_accused
say "$kills kills and $pauses pauses up to view $(view); $(wc -l <"$dir/acknowledged-load") rows and $(cat "$dir/acked") values of a register: all there, in four equal states"
for i in 0 1 2 3; do kill_hard $i; done

# ---- one lies: with it f are faulty, so nobody else may be ----
rm -rf "$dir/cluster" "$dir"/replica-*.log
testnet
"$liar" --config "$dir/cluster/replica-0/replica.yaml" --attack equivocating-leader --on-signal yes >>"$dir/replica-0.log" 2>&1 &
pids[0]=$!
disown
for i in 1 2 3; do start $i; done
until_ok 30 equal || fail "the cluster with a liar does not begin: $(status)"
clients_begin
clients_go_on "before it lies"
kill -USR1 "${pids[0]}"
lost_office() { [ "$(view)" -gt 0 ]; }
until_ok 60 lost_office || fail "the liar keeps its office: $(status)"
clients_go_on "while it lies"
clients_end
until_ok 60 equal_among 1 2 3 || fail "the honest three do not become equal: $(status)"
digests_equal_among 1 2 3 || fail "the honest states differ: $(status)"
all_there
kept() { [ -n "$(find "$dir"/cluster/replica-[123]/data/evidence -name '0-*.evidence' 2>/dev/null)" ]; }
until_ok 30 kept || fail "nobody has kept a proof"
while read -r proof; do
	run "$quorate" evidence verify "$proof" --genesis "$dir/cluster/genesis"
	[ "$code" = 0 ] && grep -q 'member 0' "$dir/out" || fail "$proof: exit $code: $(cat "$dir/out")"
done < <(proofs)
say "with a liar, up to view $(view): $(wc -l <"$dir/acknowledged-load") rows, all there, in three equal states; $(proofs | wc -l) proofs, all against replica 0"
