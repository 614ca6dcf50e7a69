#!/usr/bin/env bash
# The demo: four replicas of four organizations on this machine, a real file, and three accidents. ./dev demo [--for 10s]
set -euo pipefail
cd "$(dirname "$0")/.."

seconds=
usage() { echo "usage: ./dev demo [--for 10s] [--mode trusted | --attack NAME [--out DIR]]" >&2; exit 2; }
for argument in "$@"; do
	[ "$argument" != --attack ] || exec bash examples/attack.sh "$@"
	[ "$argument" != --mode ] || exec bash examples/demo_trusted.sh "$@"
done
while [ $# -gt 0 ]; do
	case $1 in
	--for) [[ ${2:-} =~ ^([0-9]+)s?$ ]] || usage; seconds=${BASH_REMATCH[1]}; shift 2 ;;
	*) usage ;;
	esac
done

demo_replicas=4
. examples/demo_lib.sh

leader_and_view() { # the highest view that anybody is in, and its leader
	status | tr '{' '\n' | sed -n 's/.*"view":\([0-9]*\),.*"leader":\([0-9]*\).*/\1 \2/p' | sort -n | tail -1
}

printf '%s\n' "${bold}Quorate: four replicas, four organizations. One of them may fail or lie, and nobody notices.${plain}"
"$quorate" testnet "$dir/cluster" --replicas 4 --base-port $((20000 + RANDOM % 10000)) >/dev/null
began=$(date +%s%N)
for i in 0 1 2 3; do start $i; done
"$quorate" put demo begins --cluster "$cluster" --timeout 10s >/dev/null || fail "the first operation did not come through"
first=$(ms)
say "four daemons are up, and the first operation is agreed, on four disks, and answered (${first} ms after their start)"

awk '{ print $0 "\t" NR }' "$words" >"$dir/words.tsv"
rows=$(wc -l <"$dir/words.tsv")
say "loading $words: $rows words, each with its line number"

# Again and again until the accidents are over: every round sets every word. Small requests, so that it lasts a little.
load() {
	local round=0 bar=/dev/null
	[ ! -t 2 ] || bar=/dev/stderr
	until [ -e "$dir/stop" ]; do
		round=$((round + 1))
		"$quorate" load "$dir/words.tsv" --cluster "$cluster" --json --sessions 2 --bundle 4 --progress "$dir/progress-$round" >>"$dir/loads" 2>"$bar" || touch "$dir/failed"
		[ ! -e "$dir/failed" ] || return 0
	done
}
load &
loader=$!

pause=1
[ -z "$seconds" ] || pause=$(awk "BEGIN { p = $seconds / 8; print p < 0.5 ? 0.5 : p }")
sleep "$pause"
read -r view leader < <(leader_and_view) || fail "no replica tells who leads"
backup=$(((leader + 1) % 4))
kill_hard $backup
say "${red}replica $backup, a backup, is killed${plain}: the other three go on"
sleep "$pause"
start $backup
say "replica $backup is started again, reads its log and catches up"
sleep "$pause"
kill_hard "$leader"
say "${red}replica $leader, the leader, is killed${plain}: who waits for it suspects it, and a new view begins"
for _ in $(seq 100); do
	read -r now next < <(leader_and_view) || now=$view
	[ "${now:-0}" -le "$view" ] || [ "$next" = "$leader" ] || break
	sleep 0.1
done
[ "${now:-0}" -gt "$view" ] || fail "no new view after ten seconds"
say "view $now: replica $next leads"
sleep "$pause"
start "$leader"
say "replica $leader is started again, as a backup"
sleep "$pause"
touch "$dir/stop"
wait $loader
loader=0
[ ! -e "$dir/failed" ] || fail "the load ended with an error"
say "the load is done: every word was acknowledged"

for i in 0 1 2 3; do kill_hard $i; done
say "${red}all four are killed${plain}"
for i in 0 1 2 3; do start $i; done
"$quorate" get demo --cluster "$cluster" --timeout 20s >/dev/null || fail "the cluster did not come back"
say "all four are started again, and answer"

"$quorate" scan "" --cluster "$cluster" >"$dir/scanned" || fail "the words cannot be read back"
grep -v '^demo	' "$dir/scanned" | LC_ALL=C sort >"$dir/found"
# demo is a word too: it holds what the list says, or what this script put before.
grep -v '^demo	' "$dir/words.tsv" | LC_ALL=C sort >"$dir/expected"
cmp -s "$dir/found" "$dir/expected" || fail "what is there is not what was acknowledged: $(diff "$dir/expected" "$dir/found" | head -3)"
say "every acknowledged word is there, with its value"
digests=$("$quorate" status --digest --json --cluster "$cluster" --timeout 30s) || fail "the replicas did not make a snapshot"
equal=$(echo "$digests" | each state_digest | sort | uniq -c)
[ "$(echo "$equal" | wc -l)" = 1 ] && [ "$(echo "$equal" | awk '{ print $1 }')" = 4 ] || fail "the digests differ: $equal"

memory=0
for pid in "${pids[@]}"; do
	kib=$(awk '/^RssAnon/ { print $2 }' "/proc/$pid/status")
	[ "$kib" -le "$memory" ] || memory=$kib
done
total=$(each rows <"$dir/loads" | awk '{ s += $1 } END { print s }')
printf '\n%s\n' "${bold}What happened${plain}"
printf '  %-34s %s\n' "first operation after the start" "$first ms" \
	"words set, in $(wc -l <"$dir/loads") rounds" "$total" \
	"throughput, by round" "$(each throughput_ops <"$dir/loads" | awk '{ printf "%s%.0f", (NR > 1 ? ", " : ""), $1 }') operations/s" \
	"latency of a word, by round (p50)" "$(each p50 <"$dir/loads" | awk '{ printf "%s%.1f", (NR > 1 ? ", " : ""), $1 / 1000 }') ms" \
	"                            (p99)" "$(each p99 <"$dir/loads" | awk '{ printf "%s%.1f", (NR > 1 ? ", " : ""), $1 / 1000 }') ms" \
	"longest time without an answer" "$(each gap_ms_max <"$dir/loads" | sort -n | tail -1 | awk '{ printf "%.0f", $1 }') ms (two replicas were killed in it)" \
	"words there, with their values" "$(wc -l <"$dir/expected") of $((rows - 1)), and the one that this script uses" \
	"memory of a replica" "$((memory / 1024)) MiB, beyond the file-backed part" \
	"state digests, four of four equal" "$(echo "$equal" | awk '{ print substr($2, 1, 32) "..." }')"
printf '%s\n' "${green}Nothing that was acknowledged is lost, and all four replicas hold the same.${plain}"
[ -z "$seconds" ] || exit 0

echo
echo "The cluster is yours: put KEY VALUE, get KEY, status, kill I, restart I, quit"
while read -r -e -p '> ' line || { echo; break; }; do
	# shellcheck disable=SC2086
	set -- $line
	case ${1:-} in
	'') ;;
	put | get) "$quorate" "$@" --cluster "$cluster" || true ;;
	status) "$quorate" status --cluster "$cluster" || true ;;
	kill) [[ ${2:-} =~ ^[0-3]$ ]] && kill_hard "$2" && echo "replica $2 is killed" || echo "kill 0..3" ;;
	restart) [[ ${2:-} =~ ^[0-3]$ ]] && { kill_hard "$2"; start "$2"; echo "replica $2 is started"; } || echo "restart 0..3" ;;
	quit | exit) break ;;
	*) echo "put KEY VALUE, get KEY, status, kill I, restart I, quit" ;;
	esac
done
