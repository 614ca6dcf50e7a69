# Sourced by the tests with real processes. $1 is the program `quorate`; every test has its own folder and ports, and leaves nothing behind.
set -euo pipefail
quorate=$1
dir=$(mktemp -d "${TMPDIR:-/tmp}/quorate-test.XXXXXX")
pids=(0 0 0 0)
others=()
mounted=

say() { printf '%s\n' "$*"; }
fail() {
	say "FAILED: $*"
	tail -n 8 "$dir"/replica-*.log 2>/dev/null || true
	exit 1
}
clean_up() {
	local status=$?
	trap '' INT TERM EXIT
	for pid in "${pids[@]}" "${others[@]}"; do
		[ "$pid" = 0 ] || kill -CONT "$pid" 2>/dev/null || true
		[ "$pid" = 0 ] || kill -KILL "$pid" 2>/dev/null || true
	done
	wait 2>/dev/null || true
	[ -z "$mounted" ] || umount "$mounted" 2>/dev/null || umount -l "$mounted" || true
	rm -rf "$dir"
	exit "$status"
}
trap 'exit 130' INT TERM
trap clean_up EXIT

# The first of a run of four ports below the ephemeral ones at which nobody listens.
free_ports() {
	local base port used
	used=$(awk '$4 == "0A" { split($2, a, ":"); print a[2] }' /proc/net/tcp /proc/net/tcp6 2>/dev/null || true)
	for _ in $(seq 200); do
		base=$((10000 + (RANDOM * 7 + $$) % 20000))
		for port in $base $((base + 1)) $((base + 2)) $((base + 3)); do
			! grep -qi "^$(printf '%04X' "$port")\$" <<<"$used" || continue 2
		done
		echo "$base"
		return
	done
	fail "no four free ports"
}

testnet() { # testnet: four replicas in $dir/cluster
	cluster=$dir/cluster/client.yaml
	base=$(free_ports)
	"$quorate" testnet "$dir/cluster" --replicas 4 --base-port "$base" >/dev/null
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
status() { "$quorate" status --json --cluster "$cluster" --timeout "${1:-1s}" 2>/dev/null || true; }
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
	s=$("$quorate" status --digest --json --cluster "$cluster" --timeout 30s) || fail "no common snapshot: $s"
	[ "$(each state_digest <<<"$s" | wc -l)" = 4 ] && [ "$(each state_digest <<<"$s" | sort -u | wc -l)" = 1 ]
}
# The last two lines of a replica's log, for messages.
last_words() { tail -n 2 "$dir/replica-$1.log" | tr '\n' ' '; }
