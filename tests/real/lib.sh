# shellcheck shell=bash
# Sourced by the tests with real processes. $1 is the program `quorate`; every test has its own folder and ports, and leaves nothing behind.
set -euo pipefail
quorate=$1
dir=$(mktemp -d "${TMPDIR:-/tmp}/quorate-test.XXXXXX")
pids=(0 0 0 0 0 0) # four replicas, and two that may come later
others=()
groups=() # of background jobs that start programs themselves
mounted=()
client= # what stands before a client's command line: the place where it runs

say() { printf '%s\n' "$*"; }
fail() {
	say "FAILED: $*"
	tail -n 8 "$dir"/replica-*.log 2>/dev/null || true
	exit 1
}
clean_up() {
	local status=$?
	trap '' INT TERM EXIT
	for pid in "${groups[@]}"; do
		kill -KILL -- "-$pid" 2>/dev/null || true
	done
	for pid in "${pids[@]}" "${others[@]}"; do
		[ "$pid" = 0 ] || kill -CONT "$pid" 2>/dev/null || true
		[ "$pid" = 0 ] || kill -KILL "$pid" 2>/dev/null || true
	done
	wait 2>/dev/null || true
	for disk in "${mounted[@]}"; do
		umount "$disk" 2>/dev/null || umount -l "$disk" || true
	done
	rm -rf "$dir"
	exit "$status"
}
trap 'exit 130' INT TERM
trap clean_up EXIT

# The first of a run of six ports below the ephemeral ones at which nobody listens.
free_ports() {
	local base port used
	used=$(awk '$4 == "0A" { split($2, a, ":"); print a[2] }' /proc/net/tcp /proc/net/tcp6 2>/dev/null || true)
	for _ in $(seq 200); do
		base=$((10000 + (RANDOM * 7 + $$) % 20000))
		for port in $(seq "$base" $((base + 5))); do
			! grep -qi "^$(printf '%04X' "$port")\$" <<<"$used" || continue 2
		done
		echo "$base"
		return
	done
	fail "no six free ports"
}

testnet() { # testnet [ARGUMENTS...]: four replicas in $dir/cluster, if nothing else is said
	cluster=$dir/cluster/client.yaml
	base=$(free_ports)
	"$quorate" testnet "$dir/cluster" --base-port "$base" "${@:---replicas=4}" >/dev/null
}
# A small log, so that segments change and nothing takes long.
small_log() { # small_log I
	rm -rf "$dir/cluster/replica-$1/data"
	echo "segment_size: 1MiB" >>"$dir/cluster/replica-$1/replica.yaml"
	"$quorate" format --config "$dir/cluster/replica-$1/replica.yaml" >/dev/null
}
start() { # start I [NAME=VALUE...]
	local i=$1
	shift
	env "$@" "$quorate" start --config "$dir/cluster/replica-$i/replica.yaml" >>"$dir/replica-$i.log" 2>&1 &
	pids[i]=$!
	disown
}
alive() { [ "${pids[$1]}" != 0 ] && kill -0 "${pids[$1]}" 2>/dev/null; }
kill_hard() { # kill_hard I
	[ "${pids[$1]}" = 0 ] || kill -KILL "${pids[$1]}" 2>/dev/null || true
	while alive "$1"; do sleep 0.01; done
	pids[$1]=0
}
status() { $client "$quorate" status --json --cluster "$cluster" --timeout "${1:-1s}" 2>/dev/null || true; }
# Of what replicas say of themselves, one value of each, in order.
each() { grep -o "\"$1\":\"\{0,1\}[^\",}]*" | sed 's/.*:"\{0,1\}//'; }
# What replica I says of itself, one value.
of() { # of I NAME, status on standard input
	tr '{' '\n' | grep "^\"id\":$1," | each "$2"
}
# Runs a command that may be killed; what it says is in $dir/out, how it ended in $code.
run() {
	code=0
	{ env "$@" >"$dir/out" 2>&1 || code=$?; } 2>/dev/null
}
now_ms() { echo $(($(date +%s%N) / 1000000)); }

# until_ok SECONDS COMMAND...: polls.
until_ok() {
	local end=$(($(now_ms) + $1 * 1000))
	shift
	until "$@"; do
		[ "$(now_ms)" -lt "$end" ] || return 1
		sleep 0.02
	done
}
# All four take part and say the same chain at the same place.
equal() {
	local s
	s=$(status)
	[ "$(each role <<<"$s" | grep -cE '^(leader|backup)$')" = 4 ] && [ "$(each executed <<<"$s" | sort -u | wc -l)" = 1 ] &&
		[ "$(each chain <<<"$s" | sort -u | wc -l)" = 1 ]
}
# A snapshot of all four at one place, with one root.
digests_equal() {
	local s
	s=$($client "$quorate" status --digest --json --cluster "$cluster" --timeout 30s) || fail "no common snapshot: $s"
	[ "$(each state_digest <<<"$s" | wc -l)" = 4 ] && [ "$(each state_digest <<<"$s" | sort -u | wc -l)" = 1 ]
}
# ---- what lies on the disk ----

flip() { # flip FILE OFFSET
	local byte
	byte=$(od -An -tu1 -j "$2" -N 1 "$1" | tr -d ' ')
	# shellcheck disable=SC2059
	printf "\\$(printf %o $((byte ^ 4)))" | dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}
groups_of() { # where the groups of a segment begin, each written with the segment's own number (formats.md, "The data folder")
	local number=$((16#$(basename "$1" .log | cut -d - -f 2)))
	od -An -v -tu4 -w4096 "$1" | awk -v n="$number" '$7 == n && $6 == (NR - 1) * 4096 && $2 % 65536 == 1 { print $6 }'
}
# The last two lines of a replica's log, for messages.
last_words() { tail -n 2 "$dir/replica-$1.log" | tr '\n' ' '; }

# ---- clients that work while something happens to the replicas ----

# 77 is how ctest hears that a test was left out.
skip() {
	say "SKIPPED: $*"
	exit 77
}
# The same of some replicas only: they take part, and say the same chain at the same place.
equal_among() { # equal_among I...
	local s i chains=
	s=$(status)
	for i in "$@"; do
		of "$i" role <<<"$s" | grep -qE '^(leader|backup)$' || return 1
		chains+="$(of "$i" executed <<<"$s") $(of "$i" chain <<<"$s")"$'\n'
	done
	[ "$(sort -u <<<"${chains%$'\n'}" | wc -l)" = 1 ]
}
digests_equal_among() { # digests_equal_among I...: a snapshot of these at one place, with one root
	local s i digests=
	s=$($client "$quorate" status --digest --json --cluster "$cluster" --timeout 60s 2>"$dir/digest.err") || [ $# -lt 4 ] || fail "no common snapshot: $(cat "$dir/digest.err") $s"
	for i in "$@"; do digests+="$(of "$i" snapshot_seq <<<"$s") $(of "$i" state_digest <<<"$s")"$'\n'; done
	[ "$(sort -u <<<"${digests%$'\n'}" | wc -l)" = 1 ] && ! grep -q null <<<"$digests"
}
takes_part() { of "$1" role <<<"$(status)" | grep -qE '^(leader|backup)$'; }
# The furthest that anybody says; 0 when nobody answers.
furthest() { status | each "$1" | grep -v null | sort -n | tail -1 | grep . || echo 0; }
executed() { furthest executed; }
view() { furthest view; }
leader() { # who leads the highest view that anybody is in
	status | tr '{' '\n' | sed -n 's/.*"view":\([0-9]*\),.*"leader":\([0-9]*\).*/\1 \2/p' | sort -n | tail -1 | awk '{ print $2 }'
}

value_bytes=0 # beside a row's name
# Until $dir/stop is there: a load of ROWS new keys, and another one. What it acknowledged is in $dir/acknowledged-NAME.
rounds() { # rounds NAME ROWS
	local round=0
	until [ -e "$dir/stop" ]; do
		seq -f "$1-$round-%.0f" 1 "$2" | awk -v n="$value_bytes" 'BEGIN { while (length(x) < n) x = x "0123456789" } { print $0 "\tvalue of " $0 x }' >"$dir/rows-$1"
		rm -f "$dir/progress-$1"
		if ! $client "$quorate" load "$dir/rows-$1" --cluster "$cluster" --json --sessions 2 --bundle 4 --timeout 60s --progress "$dir/progress-$1" >>"$dir/loads-$1" 2>"$dir/error-$1"; then
			[ -s "$dir/error-$1" ] || echo "a load ended without a word" >"$dir/error-$1"
			mv "$dir/error-$1" "$dir/gave-up-$1"
			return
		fi
		cat "$dir/rows-$1" >>"$dir/acknowledged-$1"
		round=$((round + 1))
		note "count-$1" $round
	done
}
# One register, written by one and read by another: who reads sees nothing older than what was acknowledged before it asked, nothing that was not begun, and never
# goes back.
writes() {
	local n=0
	until [ -e "$dir/stop" ]; do
		n=$((n + 1))
		note begun $n
		$client "$quorate" put register $n --cluster "$cluster" --timeout 60s >/dev/null 2>"$dir/error-writes" || { mv "$dir/error-writes" "$dir/gave-up-writes"; return; }
		note acked $n
		sleep 0.1 # each is a new client, and costs more than a thousand rows
	done
}
reads() {
	local least found last=0
	until [ -e "$dir/stop" ]; do
		least=$(cat "$dir/acked")
		found=$($client "$quorate" get register --cluster "$cluster" --timeout 60s 2>"$dir/error-reads") || [ "$least" = 0 ] || { mv "$dir/error-reads" "$dir/gave-up-reads"; return; }
		[ -n "$found" ] || found=0
		if [ "$found" -lt "$least" ] || [ "$found" -lt "$last" ] || [ "$found" -gt "$(cat "$dir/begun")" ]; then
			echo "a read shows $found after $last, with $least acknowledged before it and $(cat "$dir/begun") begun" >"$dir/gave-up-reads"
			return
		fi
		last=$found
		sleep 0.1
	done
}
note() { # note NAME NUMBER: whole or not at all
	echo "$2" >"$dir/$1.new.$BASHPID"
	mv "$dir/$1.new.$BASHPID" "$dir/$1"
}
clients_begin() { # clients_begin [ROWS]: until clients_end
	rm -f "$dir/stop" "$dir"/acknowledged-*
	note begun 0
	note acked 0
	note count-load 0
	set -m # a group for each, so that it can be ended with what it has started
	rounds load "${1:-120}" &
	groups+=($!)
	writes &
	groups+=($!)
	reads &
	groups+=($!)
	set +m
}
# What is done now has been asked for after this was called, all of it.
clients_go_on() {
	local round written
	round=$(cat "$dir/count-load")
	written=$(cat "$dir/acked")
	further() {
		clients_well
		[ "$(cat "$dir/count-load")" -ge $((round + 2)) ] && [ "$(cat "$dir/acked")" -ge $((written + 2)) ]
	}
	until_ok 90 further || fail "$1: clients get no answers: $(cat "$dir"/error-* 2>/dev/null) $(status)"
}
clients_well() {
	local f
	for f in "$dir"/gave-up-*; do
		[ ! -e "$f" ] || fail "$(basename "$f"): $(cat "$f")"
	done
}
clients_end() {
	local pid
	touch "$dir/stop"
	for pid in "${groups[@]}"; do
		gone() { ! kill -0 "$pid" 2>/dev/null; }
		until_ok 90 gone || fail "a client does not come to its end: $(cat "$dir"/error-* 2>/dev/null) $(status)"
		wait "$pid" 2>/dev/null || true
	done
	groups=()
	clients_well
	[ -s "$dir/acknowledged-load" ] || fail "no load was acknowledged"
}
# Everything that was acknowledged is there with its value, and nothing else.
all_there() {
	local found
	$client "$quorate" scan "load-" --cluster "$cluster" --timeout 60s >"$dir/scanned" || fail "the rows cannot be read"
	LC_ALL=C sort "$dir/scanned" >"$dir/found"
	LC_ALL=C sort "$dir"/acknowledged-load >"$dir/expected"
	cmp -s "$dir/found" "$dir/expected" || fail "what is there is not what was acknowledged: $(diff "$dir/expected" "$dir/found" | head -3)"
	found=$($client "$quorate" get register --cluster "$cluster" --timeout 60s)
	[ "$found" = "$(cat "$dir/acked")" ] || fail "the register holds $found, and $(cat "$dir/acked") was acknowledged last"
}
# What replica I says that needs the operator.
trouble() { $client "$quorate" status --cluster "$cluster" --timeout "${2:-2s}" 2>/dev/null | awk -v i="$1" '/^ *[0-9]+ / { of = $1 } /^    / && of == i'; }
proofs() { find "$dir"/cluster/replica-*/data/evidence -name '*.evidence' 2>/dev/null || true; }
nobody_accused() { [ -z "$(proofs)" ] || fail "an honest replica is accused: $(proofs)"; }
