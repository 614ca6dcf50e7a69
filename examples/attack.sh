#!/usr/bin/env bash
# The demo with a liar: one of four replicas does what --attack says, under load. ./dev demo --attack NAME [--out DIR]
set -euo pipefail
cd "$(dirname "$0")/.."

liar=build/quorate-liar
attack='' out=''
attacks="silent-leader slow-leader equivocating-leader reply-lie state-chunk-lie"
usage() { echo "usage: ./dev demo --attack ${attacks// /|} [--for 10s] [--out DIR]" >&2; exit 2; }
while [ $# -gt 0 ]; do
	case $1 in
	--attack) attack=${2:-}; shift 2 || usage ;;
	--out) out=${2:-}; shift 2 || usage ;;
	--for) shift 2 || usage ;; # it takes as long as its three loads
	*) usage ;;
	esac
done
[[ " $attacks " == *" $attack "* ]] || usage

demo_replicas=4
. examples/demo_lib.sh

view() { status | each view | sort -n | tail -1; }
say() { printf '  %s\n' "$*"; } # its rounds tell the time
round=0
load() { # load WHAT: one round over all words
	round=$((round + 1))
	"$quorate" load "$dir/words.tsv" --cluster "$cluster" --json --sessions 2 --bundle 8 --progress "$dir/progress-$round" >"$dir/load-$round" || fail "the load ended with an error"
	say "$(printf '%-22s %6.0f words/s, p50 %4.1f ms, longest time without an answer %4.0f ms' "$1" "$(each throughput_ops <"$dir/load-$round")" \
		"$(each p50 <"$dir/load-$round" | awk '{ print $1 / 1000 }')" "$(each gap_ms_max <"$dir/load-$round")")"
}

case $attack in
silent-leader) what="replica 0 leads, and from now on proposes nothing" ;;
slow-leader) what="replica 0 leads, and from now on proposes everything at nine tenths of the timeout" ;;
equivocating-leader) what="replica 0 leads, and from now on tells two proposals to two halves" ;;
reply-lie) what="replica 0 gives clients other results, well signed" ;;
state-chunk-lie) what="replica 0 serves wrong parts of the state to a replica that lost its disk" ;;
esac

printf '%s\n' "${bold}Quorate: four replicas, one of them a liar ($attack).${plain}"
"$quorate" testnet "$dir/cluster" --replicas 4 --base-port $((20000 + RANDOM % 10000)) >/dev/null
"$liar" --config "$dir/cluster/replica-0/replica.yaml" --attack "$attack" --on-signal yes >>"$dir/replica-0.log" 2>&1 &
pids[0]=$!
disown
for i in 1 2 3; do start $i; done
# All are there, and linked: a leader that cannot reach the others yet would lose its office before it could lie.
for _ in $(seq 100); do
	[ "$(status | each view | wc -l)" -lt 4 ] || break
	sleep 0.1
done
sleep 0.5
awk 'NR % 4 == 0 { print $0 "\t" NR }' "$words" >"$dir/words.tsv"
"$quorate" put demo begins --cluster "$cluster" --timeout 10s >/dev/null || fail "the first operation did not come through"

load "before"
before=$(view)
[ "$attack" != state-chunk-lie ] || kill -USR1 "${pids[0]}"
say "${red}$what${plain}"
if [ "$attack" = state-chunk-lie ]; then
	"$quorate" status --digest --cluster "$cluster" --timeout 30s >/dev/null || fail "no snapshot was made"
	sleep 10
	"$quorate" status --digest --cluster "$cluster" --timeout 30s >/dev/null || fail "no second snapshot was made"
	kill_hard 3
	rm -rf "$dir/cluster/replica-3/data"
	"$quorate" format --lost --config "$dir/cluster/replica-3/replica.yaml" >/dev/null
	start 3
	say "replica 3 has lost its disk, and fetches the state from the other three"
fi
# In the middle of a load, so that what it costs is seen.
[ "$attack" = state-chunk-lie ] || (sleep 0.3; kill -USR1 "${pids[0]}") &
load "while it begins to lie"
after=$(view)
if [[ "$attack" = *-leader ]]; then
	[ "$after" -gt "$before" ] || fail "the liar still leads"
	say "the others noticed, and are in view $after: replica $((after % 4)) leads"
fi
load "after that"

if [ "$attack" = state-chunk-lie ]; then
	for _ in $(seq 100); do
		grep -q 'the state at .* is here' "$dir/replica-3.log" && break
		sleep 0.1
	done
	grep -q 'replica 0 .* is left as a source' "$dir/replica-3.log" || fail "replica 3 did not notice"
	say "replica 3 noticed, left replica 0 as a source, and has the state from the others"
	"$quorate" member readmit 3 --key "$dir/cluster/replica-3/org.key" --cluster "$cluster" >"$dir/readmitted" 2>&1 || fail "$(cat "$dir/readmitted")"
	say "its organization lets it in again: $(cat "$dir/readmitted")"
fi

"$quorate" scan "" --cluster "$cluster" | grep -v '^demo	' | LC_ALL=C sort >"$dir/found"
grep -v '^demo	' "$dir/words.tsv" | LC_ALL=C sort >"$dir/expected"
cmp -s "$dir/found" "$dir/expected" || fail "what is there is not what was acknowledged"
say "every acknowledged word is there, with its value"

evidence=$(find "$dir"/cluster/replica-[123]/data/evidence -type f 2>/dev/null | head -1 || true)
if [ -n "$evidence" ]; then
	# Its replica's chain of epochs: the liar may have been caught after the readmission.
	chain=$(dirname "$(dirname "$evidence")")/epochs
	[ -s "$chain" ] && chain=(--epochs "$chain") || chain=()
	"$quorate" evidence verify "$evidence" --genesis "$dir/cluster/genesis" "${chain[@]}" || fail "the evidence proves nothing"
elif [ "$attack" = equivocating-leader ]; then
	fail "nobody kept the proof"
else
	say "evidence: none, because nothing that it signed for replicas contradicts itself"
fi
sleep 1
digests=$("$quorate" status --json --cluster "$cluster" --timeout 2s | each chain | sort | uniq -c | sort -rn | awk '{ print $1; exit }')
[ "$digests" -ge 3 ] || fail "the replicas are not at one chain"
say "three honest replicas stand at one chain: ${green}SAFE${plain}"
if [ -n "$out" ]; then
	mkdir -p "$out/evidence"
	cp "$dir/cluster/genesis" "$out/genesis"
	for i in 1 2 3; do
		[ ! -d "$dir/cluster/replica-$i/data/evidence" ] || cp -r "$dir/cluster/replica-$i/data/evidence/." "$out/evidence/"
	done
	[ ! -s "$dir/cluster/replica-1/data/epochs" ] || cp "$dir/cluster/replica-1/data/epochs" "$out/epochs"
	cp "$dir"/replica-*.log "$out/"
	say "kept in $out: the genesis, the chain of epochs, the evidence, the logs"
fi
