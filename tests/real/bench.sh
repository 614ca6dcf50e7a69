#!/usr/bin/env bash
# bench.sh QUORATE BENCH: every profile runs on a small cluster, says that it was safe, and gives figures that can be; wrong words are refused. Nothing is judged by its speed.
. "$(dirname "$0")/lib.sh"
bench=$2

field() { grep -oE "\"$1\": ?[^,}]*" "$dir/json" | head -n 1 | sed 's/^[^:]*: *//; s/"//g'; }
above_zero() { awk -v v="$(field "$1")" 'BEGIN { exit !(v > 0) }' || fail "$2: $1 is '$(field "$1")': $(cat "$dir/json")"; }

for profile in latency signed bundled reads; do
	"$bench" run --profile $profile --duration 1s --keys 1000 --folder "$dir" --json >"$dir/json" 2>"$dir/err" || fail "$profile: exit $?: $(cat "$dir/err")"
	[ "$(field verdict)" = SAFE ] || fail "$profile: $(cat "$dir/json")"
	[ "$(field profile)" = $profile ] || fail "$profile: another profile ran: $(cat "$dir/json")"
	for name in throughput_ops p50 sign verify flush bound_ratio critical_path_ratio; do above_zero $name $profile; done
	[ "$(field failed)" = 0 ] || fail "$profile: operations failed: $(cat "$dir/json")"
	[ $profile = reads ] || above_zero answers_checked $profile
	say "$profile: $(field throughput_ops) operations/s, SAFE"
done
"$bench" run --profile signed --mode trusted --duration 1s --keys 1000 --folder "$dir" --json >"$dir/json" 2>"$dir/err" || fail "trusted: exit $?: $(cat "$dir/err")"
[ "$(field verdict) $(field mode) $(field n)" = "SAFE trusted 3" ] || fail "trusted: $(cat "$dir/json")"
above_zero throughput_ops trusted
say "signed, trusted: $(field throughput_ops) operations/s, SAFE"
"$bench" join --keys 3000 --duration 1s --folder "$dir" --json >"$dir/json" 2>"$dir/err" || fail "join: exit $?: $(cat "$dir/err")"
[ "$(field joined)" = true ] || fail "join: $(cat "$dir/json")"
for name in join_s before_ops during_ops kept_ratio; do above_zero $name join; done
say "join: $(field join_s) s"
for what in follower-dead follower-slow-disk leader-dead; do
	"$bench" fault --what $what --mode trusted --keys 1000 --duration 1s --folder "$dir" --json >"$dir/json" 2>"$dir/err" || fail "$what: exit $?: $(cat "$dir/err")"
	[ "$(field fault) $(field mode)" = "$what trusted" ] || fail "$what: $(cat "$dir/json")"
	for name in before_ops after_ops kept_ratio p99_ratio gap_ms_max; do above_zero $name $what; done
	if [ $what = leader-dead ]; then
		[ "$(field victim)" = "$(field leader)" ] || fail "another than the leader was killed: $(cat "$dir/json")"
	fi
	say "$what: $(field kept_ratio) of the throughput kept, longest gap $(field gap_ms_max) ms"
done
[ "$(ls -d "$dir"/quorate-bench-* 2>/dev/null | wc -l)" = 0 ] || fail "a cluster was left behind: $(ls "$dir")"

for words in "" "run --profile none" "run --profile signed --duration 0s" "run --profile signed --replicas 3" "run --profile signed --keys 0" "join --keys x" "join --attack silent-leader" "fault" "fault --what nothing" "run --profile signed --what none" "run --duration" "walk" "attacks nothing"; do
	code=0
	# shellcheck disable=SC2086
	"$bench" $words >"$dir/out" 2>"$dir/err" || code=$?
	[ $code = 2 ] && grep -qE '^(usage: quorate-bench run|quorate-bench: )' "$dir/err" || fail "'$words' is not refused: exit $code: $(cat "$dir/err")"
	[ ! -s "$dir/out" ] || fail "'$words' says something else: $(cat "$dir/out")"
done
