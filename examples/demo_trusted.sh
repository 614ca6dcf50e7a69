#!/usr/bin/env bash
# The demo of trusted mode: three replicas of one operator on this machine, a real file, and their leader killed under load. ./dev demo --mode trusted [--for 10s]
set -euo pipefail
cd "$(dirname "$0")/.."

seconds=10
usage() { echo "usage: ./dev demo --mode trusted [--for 10s]" >&2; exit 2; }
while [ $# -gt 0 ]; do
	case $1 in
	--mode) [ "${2:-}" = trusted ] || usage; shift 2 ;;
	--for) [[ ${2:-} =~ ^([0-9]+)s?$ ]] || usage; seconds=${BASH_REMATCH[1]}; shift 2 ;;
	*) usage ;;
	esac
done

demo_replicas=3
. examples/demo_lib.sh

leader_and_view() { # who says that it leads, and its view; the highest if there are two
	status | tr '{' '\n' | sed -n 's/^"id":\([0-9]*\),.*"role":"leader".*"view":\([0-9]*\),.*/\2 \1/p' | sort -n | tail -1
}
tolerated() { "$quorate" status --cluster "$cluster" --timeout 300ms 2>/dev/null | grep -E '^(tolerated now|the cluster stands still)' || true; }
until_tolerated() { # until_tolerated WORDS
	for _ in $(seq 100); do
		[[ "$(tolerated)" != *"$1"* ]] || return 0
		sleep 0.1
	done
	fail "status does not say '$1' in ten seconds: $(tolerated)"
}

printf '%s\n' "${bold}Quorate, trusted mode: three replicas of one operator. One of them may crash; none of them is expected to lie.${plain}"
"$quorate" testnet "$dir/cluster" --mode trusted --base-port $((20000 + RANDOM % 10000)) >/dev/null
began=$(date +%s%N)
for i in 0 1 2; do start $i; done
"$quorate" put demo begins --cluster "$cluster" --timeout 10s >/dev/null || fail "the first operation did not come through"
first=$(ms)
say "three daemons are up, one is elected, and the first operation is on two disks or more, and answered (${first} ms after their start)"
until_tolerated "1 more crash"
say "quorate status: $(tolerated)"

awk '{ print $0 "\t" NR }' "$words" >"$dir/words.tsv"
rows=$(wc -l <"$dir/words.tsv")
# Half a million rows a round: long enough for an accident to happen in the middle of it, whatever the list's length.
times=$((500000 / rows + 1))
for ((i = 0; i < times; i++)); do cat "$dir/words.tsv"; done >"$dir/round.tsv"
say "loading $words: $rows words, each with its line number, $times times a round"

# Again and again until the accident is over: every round sets every word so often.
load() {
	local round=0 bar=/dev/null
	[ ! -t 2 ] || bar=/dev/stderr
	until [ -e "$dir/stop" ]; do
		round=$((round + 1))
		"$quorate" load "$dir/round.tsv" --cluster "$cluster" --json --sessions 4 --bundle 16 --progress "$dir/progress-$round" >>"$dir/loads" 2>"$bar" || touch "$dir/failed"
		[ ! -e "$dir/failed" ] || return 0
	done
}
: >"$dir/loads"
load &
loader=$!

# Half a second into a round that has just begun: between two rounds nobody would wait for an answer.
mid_round() {
	local before
	before=$(wc -l <"$dir/loads")
	for _ in $(seq 1000); do
		[ "$(wc -l <"$dir/loads")" -eq "$before" ] || break
		sleep 0.02
	done
	sleep 0.5
}

pause=$(awk "BEGIN { p = $seconds / 5; print p < 0.5 ? 0.5 : p }")
sleep "$pause"
mid_round
read -r view leader < <(leader_and_view) || fail "no replica says that it leads"
killed=$(date +%s%3N)
kill_hard "$leader"
say "${red}replica $leader, the leader, is killed under load${plain}: who hears nothing of it asks for votes"
# In the words of the new leader: "2026-01-31T12:00:00.000Z info view 5: replica 1 leads".
elected() { cat "$dir"/replica-*.log | grep -oE '^[^ ]+ [a-z]+ +view [0-9]+: replica [0-9]+ leads' | awk -v view="$view" '{ v = $4 + 0 } v > view { print v, $6, $1 }' | sort -n | tail -1; }
for _ in $(seq 500); do
	read -r now next at < <(elected) && break
	sleep 0.02
done
[ "${now:-0}" -gt "$view" ] || fail "no new leader in ten seconds"
say "replica $next leads, elected $(($(date -d "$at" +%s%3N) - killed)) ms after the kill"
until_tolerated "no failure"
say "quorate status: $(tolerated)"
sleep "$pause"
start "$leader"
say "replica $leader is started again: it follows, and gets what it missed"
until_tolerated "1 more crash"
say "quorate status: $(tolerated)"
sleep "$pause"
touch "$dir/stop"
wait $loader
loader=0
[ ! -e "$dir/failed" ] || fail "the load ended with an error"
say "the load is done: every word was acknowledged"

"$quorate" scan "" --cluster "$cluster" >"$dir/scanned" || fail "the words cannot be read back"
grep -v '^demo	' "$dir/scanned" | LC_ALL=C sort >"$dir/found"
# demo is a word too: it holds what the list says, or what this script put before.
grep -v '^demo	' "$dir/words.tsv" | LC_ALL=C sort >"$dir/expected"
cmp -s "$dir/found" "$dir/expected" || fail "what is there is not what was acknowledged: $(diff "$dir/expected" "$dir/found" | head -3)"
say "every acknowledged word is there, with its value"
digests=$("$quorate" status --digest --json --cluster "$cluster" --timeout 30s) || fail "the replicas did not make a snapshot"
equal=$(echo "$digests" | each state_digest | sort | uniq -c)
[ "$(echo "$equal" | wc -l)" = 1 ] && [ "$(echo "$equal" | awk '{ print $1 }')" = 3 ] || fail "the digests differ: $equal"

total=$(each rows <"$dir/loads" | awk '{ s += $1 } END { print s }')
printf '\n%s\n' "${bold}What happened${plain}"
printf '  %-34s %s\n' "first operation after the start" "$first ms" \
	"words set, in $(wc -l <"$dir/loads") rounds" "$total" \
	"throughput, by round" "$(each throughput_ops <"$dir/loads" | awk '{ printf "%s%.0f", (NR > 1 ? ", " : ""), $1 }') operations/s" \
	"latency of a word, by round (p50)" "$(each p50 <"$dir/loads" | awk '{ printf "%s%.1f", (NR > 1 ? ", " : ""), $1 / 1000 }') ms" \
	"                            (p99)" "$(each p99 <"$dir/loads" | awk '{ printf "%s%.1f", (NR > 1 ? ", " : ""), $1 / 1000 }') ms" \
	"longest time without an answer" "$(each gap_ms_max <"$dir/loads" | sort -n | tail -1 | awk '{ printf "%.0f", $1 }') ms (the leader was killed in it)" \
	"words there, with their values" "$(wc -l <"$dir/expected") of $((rows - $(grep -c '^demo	' "$dir/words.tsv" || true)))" \
	"state digests, three of three equal" "$(echo "$equal" | awk '{ print substr($2, 1, 32) "..." }')"
printf '%s\n' "${green}Nothing that was acknowledged is lost, and all three replicas hold the same.${plain}"
