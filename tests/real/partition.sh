#!/usr/bin/env bash
# partition.sh QUORATE WIRE: four daemons and their clients, each in a network of its own, on a switch that cuts, delays and loses. A backup is cut off, the leader is, one way
# only, then two are; after each it goes on, nothing acknowledged is missing, and the states are equal. While there is no quorum nothing is acknowledged. On a slow network,
# and on one that loses, leaders keep their office.
#
# All of it happens in namespaces of this test alone, which end with it: nothing of this machine's network is touched.
set -euo pipefail
if [ "${QUORATE_INSIDE:-}" != yes ]; then
	# Networks and mounts of one's own; where the caller is not root, also the right to have them.
	own=(unshare --net --mount)
	[ "$(id -u)" = 0 ] || own+=(--user --map-root-user)
	if ! why=$("${own[@]}" sh -c 'mount -t tmpfs none /run && mkdir /run/netns && ip netns add try && ip tuntap add dev try mode tap' 2>&1); then
		echo "SKIPPED: no networks of one's own here: $why"
		exit 77
	fi
	exec env QUORATE_INSIDE=yes "${own[@]}" bash "$0" "$@"
fi
mount -t tmpfs none /run # where `ip netns` keeps its names
mkdir /run/netns
. "$(dirname "$0")/lib.sh"
wire=$2

# ---- four networks and one for clients ----
net() { ip netns exec "net-$1" "${@:2}"; }
control() { # control LINE...: what the network does from now on; the switch says when it has read it
	local before
	before=$(grep -c read "$dir/wire.log" || true)
	printf '%s\n' "$@" >"$dir/control.new"
	mv "$dir/control.new" "$dir/control"
	has_read() { [ "$(grep -c read "$dir/wire.log" || true)" -gt "$before" ]; }
	until_ok 20 has_read || fail "the switch does not read: $(cat "$dir/wire.log")"
}
touch "$dir/control"
mkfifo "$dir/wire.end"
"$wire" 5 "$dir/control" <"$dir/wire.end" >"$dir/wire.log" 2>&1 &
others+=($!)
exec 9>"$dir/wire.end" # it ends with this
is_ready() { grep -q ready "$dir/wire.log"; }
until_ok 20 is_ready || fail "the switch does not begin: $(cat "$dir/wire.log")"
for i in 0 1 2 3 4; do
	ip netns add "net-$i"
	ip link set "wire$i" netns "net-$i"
	net $i ip link set lo up
	net $i ip link set "wire$i" address "02:00:00:00:00:0$i" up
	net $i ip address add "10.77.0.$((i + 1))/24" dev "wire$i"
done
client="ip netns exec net-4"
# As organizations make a cluster; `testnet` knows this machine's own address only.
cluster=$dir/cluster/client.yaml
base=7000
mkdir "$dir/cluster"
for i in 0 1 2 3; do
	home=$dir/cluster/replica-$i
	mkdir "$home"
	for key in org member tls; do "$quorate" key new -o "$home/$key.key" >/dev/null; done
	"$quorate" card new --org "org-0$i" --org-key "$home/org.key" --member-key "$home/member.key" --tls-key "$home/tls.key" \
		--address "10.77.0.$((i + 1)):$base" -o "$home/card" >/dev/null
	printf '%s\n' "genesis: ../genesis" "member_key: member.key" "tls_key: tls.key" "data: data" "listen: 10.77.0.$((i + 1)):$base" >"$home/replica.yaml"
done
"$quorate" genesis build "$dir"/cluster/replica-*/card -o "$dir/cluster/genesis" >/dev/null
"$quorate" key new -o "$dir/cluster/client.key" >/dev/null
printf '%s\n' "genesis: genesis" "key: client.key" >"$cluster"
for i in 0 1 2 3; do
	"$quorate" format --config "$dir/cluster/replica-$i/replica.yaml" >/dev/null
	# Not through a function: its process would be the shell that waits for the daemon.
	ip netns exec "net-$i" "$quorate" start --config "$dir/cluster/replica-$i/replica.yaml" >>"$dir/replica-$i.log" 2>&1 &
	pids[i]=$!
	disown
done
until_ok 30 equal || fail "the cluster does not begin: $(status)"

alone() { # alone I...: these hear nobody and are heard by nobody, not even by one another
	local i j
	for i in "$@"; do
		for j in 0 1 2 3 4; do printf 'cut %s %s\ncut %s %s\n' "$i" "$j" "$j" "$i"; done
	done
}
# Those that are cut off fall behind and come back; the others and the clients go on.
heal() { # heal WHAT I
	control
	until_ok 60 takes_part "$2" || fail "$1: replica $2 takes no part again: $(last_words "$2") $(status)"
	at=$(executed)
	follows() { [ "$(status | of "$1" executed)" -ge "$at" ]; }
	until_ok 60 follows "$2" || fail "$1: replica $2 does not follow: $(status)"
	clients_go_on "after: $1"
}
gone_from_sight() { [ "$(status | of "$1" reachable)" = false ]; }
clients_begin 100
clients_go_on "with a whole network"

# ---- a backup ----
victim=$((($(leader) + 1) % 4))
control "$(alone $victim)"
until_ok 30 gone_from_sight $victim || fail "replica $victim is cut off and still answers: $(status)"
clients_go_on "with backup $victim cut off"
heal "backup $victim was cut off" $victim
say "backup $victim was cut off: view $(view)"

# ---- the leader ----
victim=$(leader) view=$(view)
control "$(alone "$victim")"
deposed() { [ "$(view)" -gt "$view" ] && [ "$(leader)" != "$victim" ]; }
until_ok 60 deposed || fail "leader $victim is cut off and keeps its office: $(status)"
clients_go_on "with leader $victim cut off"
heal "leader $victim was cut off" "$victim"
say "leader $victim was cut off: replica $(leader) leads view $(view)"

# ---- one way: the leader hears everybody, and no replica hears it; clients do ----
victim=$(leader) view=$(view)
control "$(for j in 0 1 2 3; do echo "cut $victim $j"; done)"
until_ok 60 deposed || fail "no replica hears leader $victim, and it keeps its office: $(status)"
clients_go_on "with leader $victim unheard"
heal "leader $victim was not heard" "$victim"
# The other way: a backup is heard and hears nobody. It asks for no other view, or asks in vain.
victim=$((($(leader) + 1) % 4))
control "$(for j in 0 1 2 3; do echo "cut $j $victim"; done)"
clients_go_on "with backup $victim deaf"
heal "backup $victim was deaf" $victim
say "one way: view $(view)"

# ---- two: no quorum ----
pair=($((($(leader) + 1) % 4)) $((($(leader) + 2) % 4)))
control "$(alone "${pair[@]}")"
for i in "${pair[@]}"; do until_ok 30 gone_from_sight "$i" || fail "replica $i is cut off and still answers: $(status)"; done
acked=$(cat "$dir/acked")
for n in 1 2 3; do # a key for each, as it may be done later
	run $client "$quorate" put "unknown-$n" x --cluster "$cluster" --timeout 2s
	[ "$code" = 4 ] || [ "$code" = 6 ] || fail "two of four: exit $code: $(cat "$dir/out")"
done
[ "$(cat "$dir/acked")" -le $((acked + 1)) ] || fail "two of four acknowledge: $acked, then $(cat "$dir/acked")" # one was on its way
say "two cut off: $(cat "$dir/out")"
heal "two were cut off" "${pair[0]}"
until_ok 60 takes_part "${pair[1]}" || fail "replica ${pair[1]} takes no part again: $(status)"
say "no quorum, then one again: view $(view)"

# ---- a slow network, then one that loses: nobody is at fault ----
for what in "delay 100" "loss 20"; do
	control "$what"
	began=$(now_ms)
	clients_go_on "$what: the first"
	# The switch does what it says: a new client alone has to go to and fro three times.
	[ "$what" = "loss 20" ] || [ $(($(now_ms) - began)) -ge 600 ] || fail "$what: all is done in $(($(now_ms) - began)) ms"
	view=$(view)
	clients_go_on "$what: the second"
	clients_go_on "$what: the third"
	[ $(($(view) - view)) -le 3 ] || fail "$what: views change without end: from $view to $(view): $(grep -h 'should lead' "$dir"/replica-*.log | tail -4)"
	say "$what: views $view to $(view)"
done
control
clients_go_on "with a whole network again"
clients_end
until_ok 60 equal || fail "the four do not become equal: $(status)"
digests_equal_among 0 1 2 3 || fail "the states differ: $(status)"
all_there
nobody_accused
say "$(wc -l <"$dir/acknowledged-load") rows and $(cat "$dir/acked") values of a register: all there, in four equal states, and nobody is accused"
