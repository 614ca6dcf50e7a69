# What the demos share. Sourced from the top of the tree, with `demo_replicas` set: a folder of their own, replicas that are started and killed, and nothing that is left behind.
quorate=build/quorate
words=${QUORATE_WORDS:-/usr/share/dict/words} # one a line
dir=$(mktemp -d "${TMPDIR:-/tmp}/quorate-demo.XXXXXX")
cluster=$dir/cluster/client.yaml
pids=()
for ((i = 0; i < demo_replicas; i++)); do pids+=(0); done
loader=0
clean_up() {
	trap '' INT TERM EXIT
	touch "$dir/stop" 2>/dev/null || true
	for pid in "${pids[@]}" "$loader"; do
		[ "$pid" = 0 ] || kill -9 "$pid" 2>/dev/null || true
	done
	pkill -9 -P $$ 2>/dev/null || true
	wait 2>/dev/null || true
	rm -rf "$dir"
}
trap 'clean_up; exit 130' INT TERM
trap clean_up EXIT

bold=$'\e[1m' dim=$'\e[2m' green=$'\e[32m' red=$'\e[31m' plain=$'\e[0m'
[ -t 1 ] || bold='' dim='' green='' red='' plain=''
began=$(date +%s%N)
ms() { echo $((($(date +%s%N) - began) / 1000000)); }
# A line with the time since `began` in front.
say() { printf '%s%7s s%s  %s\n' "$dim" "$(ms | awk '{ printf "%.2f", $1 / 1000 }')" "$plain" "$*"; }
fail() { printf '%s%s%s\n' "$red" "The demo failed: $*" "$plain"; tail -n 5 "$dir"/replica-*.log; exit 1; }

start() { # start I
	"$quorate" start --config "$dir/cluster/replica-$1/replica.yaml" >>"$dir/replica-$1.log" 2>&1 &
	pids[$1]=$!
	disown
}
kill_hard() { # kill_hard I
	kill -9 "${pids[$1]}" 2>/dev/null || true
	pids[$1]=0
}
# One value of each JSON object on standard input, in order.
each() { grep -o "\"$1\":\"\{0,1\}[^\",}]*" | sed 's/.*:"\{0,1\}//'; }
status() { "$quorate" status --json --cluster "$cluster" --timeout 300ms 2>/dev/null || true; }
