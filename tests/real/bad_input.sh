#!/usr/bin/env bash
# bad_input.sh QUORATE SMALL_GENESIS: what a person can get wrong, and what the machine can. Each gets one clear sentence and its exit code, and loses nothing.
. "$(dirname "$0")/lib.sh"
small_genesis=$2
chmod 755 "$dir"

# expect CODE PATTERN COMMAND...: it ends with CODE and one sentence that says PATTERN.
cases=0
expect() {
	local wanted=$1 pattern=$2
	shift 2
	run timeout 30 "$@"
	[ "$code" = "$wanted" ] || fail "exit $code instead of $wanted: $* : $(cat "$dir/out")"
	[ "$(wc -l <"$dir/out")" = 1 ] || fail "not one sentence: $*: $(cat "$dir/out")"
	grep -qE "$pattern" "$dir/out" || fail "it does not say '$pattern': $*: $(cat "$dir/out")"
	cases=$((cases + 1))
}
# Of a folder in use: a file that was there a moment ago may be gone.
copy_once() { rm -rf "$2" && cp -r "$1" "$2" 2>/dev/null; }
copy_living() { until_ok 20 copy_once "$1" "$2" || fail "$1 cannot be copied"; }
client() { # client CODE PATTERN COMMAND...: a command that talks to the cluster
	local wanted=$1 pattern=$2
	shift 2
	expect "$wanted" "$pattern" "$quorate" "$@" --cluster "$cluster"
}
nobody=(setpriv --reuid=65534 --regid=65534 --clear-groups)

testnet
home=$dir/cluster
start_config() { expect "$1" "$2" "$quorate" start --config "${3:-$home/replica-3/replica.yaml}"; }

# ---- usage ----
expect 2 "no command 'stat'" "$quorate" stat
expect 2 "no option '--frobnicate'" "$quorate" status --frobnicate
expect 2 "needs a value" "$quorate" put a b --cluster
expect 2 "needs --cluster" env -u QUORATE_CLUSTER "$quorate" put a b
expect 2 "a key has from 1 to 480 bytes" "$quorate" put "$(printf '%500s' x)" v --cluster "$cluster"
head -c 1048577 /dev/zero >"$dir/large"
expect 2 "at most 1048576 bytes" "$quorate" put large --file "$dir/large" --cluster "$cluster"
expect 3 "exists and is not an empty folder" "$quorate" testnet "$home" --replicas 4
expect 2 "4 to 64" "$quorate" testnet "$dir/other" --replicas 3

# ---- configuration: all at once, with places ----
sed 's/^durability: flush/durabilty: flush/; s/^data: .*/data: [a]/' "$home/replica-3/replica.yaml" >"$home/replica-3/wrong.yaml"
echo 'memory: 5' >>"$home/replica-3/wrong.yaml"
run "$quorate" start --config "$home/replica-3/wrong.yaml"
[ "$code" = 3 ] && [ "$(grep -cE "wrong.yaml:[0-9]+:[0-9]+: " "$dir/out")" -ge 3 ] && grep -q "did you mean 'durability'" "$dir/out" && grep -q "needs a unit" "$dir/out" ||
	fail "a wrong configuration: exit $code: $(cat "$dir/out")"
expect 3 "nowhere.yaml: No such file" "$quorate" start --config "$dir/nowhere.yaml"

# ---- keys ----
chmod 644 "$home/replica-3/member.key"
start_config 3 "member.key: Others than the owner have access"
chmod 600 "$home/replica-3/member.key"
mv "$home/replica-3/member.key" "$home/replica-3/member.away"
start_config 3 "member.key"
echo nonsense >"$home/replica-3/member.key"
chmod 600 "$home/replica-3/member.key"
start_config 3 "member.key"
rm "$home/replica-3/member.key"
"$quorate" key new -o "$home/replica-3/member.key" >/dev/null
start_config 3 "key"
rm "$home/replica-3/member.key"
mv "$home/replica-3/member.away" "$home/replica-3/member.key"
echo "a secret" >"$dir/pass"
echo "another" >"$dir/wrong-pass"
"$quorate" key new -o "$dir/sealed.key" --passphrase-file "$dir/pass" >/dev/null
expect 3 "passphrase" "$quorate" key show "$dir/sealed.key" --passphrase-file "$dir/wrong-pass"
expect 3 "passphrase" "$quorate" key show "$dir/sealed.key"
"$quorate" key show "$dir/sealed.key" --passphrase-file "$dir/pass" >/dev/null || fail "the right passphrase"
expect 3 "never overwritten" "$quorate" key new -o "$dir/sealed.key"

# ---- the genesis ----
cp "$home/genesis" "$dir/genesis"
n=$(stat -c %s "$home/genesis")
for at in 10 $((n / 2)) $((n - 1)); do # a limit, a card, its signature
	cp "$dir/genesis" "$home/genesis"
	byte=$(od -An -tu1 -j "$at" -N 1 "$dir/genesis" | tr -d ' ')
	# shellcheck disable=SC2059
	printf "\\$(printf %o $((byte ^ 1)))" | dd of="$home/genesis" bs=1 seek="$at" conv=notrunc status=none
	run "$quorate" start --config "$home/replica-3/replica.yaml"
	{ [ "$code" = 3 ] || [ "$code" = 8 ]; } && [ "$(wc -l <"$dir/out")" = 1 ] || fail "genesis changed at byte $at: exit $code: $(cat "$dir/out")"
	cases=$((cases + 1))
done
cp "$dir/genesis" "$home/genesis"

# ---- the data folder ----
data=$home/replica-3/data
mv "$data" "$dir/kept"
mkdir "$data"
start_config 3 "'quorate format'.*'quorate format --lost'"
rmdir "$data"
copy_living "$home/replica-2/data" "$data"
start_config 3 "belongs to another replica"
rm -rf "$data"
"$quorate" testnet "$dir/foreign" --replicas 4 --base-port "$base" >/dev/null
cp -r "$dir/foreign/replica-3/data" "$data"
start_config 3 "belongs to another cluster"
rm -rf "$data"
mv "$dir/kept" "$data"
expect 3 "formatted already" "$quorate" format --config "$home/replica-3/replica.yaml"
if [ "$(id -u)" = 0 ] && command -v setpriv >/dev/null; then
	cp "$quorate" "$dir/quorate"
	cp -r "$home" "$dir/theirs"
	chown -R 65534:65534 "$dir/theirs"
	chmod 000 "$dir/theirs/replica-3/data/log"
	expect 3 "log: Permission denied" "${nobody[@]}" "$dir/quorate" start --config "$dir/theirs/replica-3/replica.yaml"
	chmod 700 "$dir/theirs/replica-3/data/log"
	chmod 000 "$dir/theirs/replica-3/data/log/"seg-*
	run timeout 30 "${nobody[@]}" "$dir/quorate" start --config "$dir/theirs/replica-3/replica.yaml"
	[ "$code" = 1 ] || [ "$code" = 3 ] || fail "a segment without permission: exit $code: $(cat "$dir/out")"
	grep -q "Permission denied" "$dir/out" || fail "a segment without permission: $(cat "$dir/out")"
	chmod 000 "$dir/theirs/replica-3/member.key"
	expect 3 "member.key.*Permission denied" "${nobody[@]}" "$dir/quorate" start --config "$dir/theirs/replica-3/replica.yaml"
else
	say "not root, or no setpriv: what another user may not read is left out"
fi

# ---- a running cluster ----
for i in 0 1 2 3; do start $i; done
until_ok 20 equal || fail "the cluster does not begin: $(status)"
start_config 3 "another running process"
copy_living "$home/replica-2" "$home/replica-2b"
rm -rf "$home/replica-2b/data"
"$quorate" format --config "$home/replica-2b/replica.yaml" >/dev/null
start_config 3 "127.0.0.1:$((base + 2)).*in use" "$home/replica-2b/replica.yaml"
rm -rf "$home/replica-2b"

"$quorate" put key one --cluster "$cluster" >/dev/null
client 7 "." cas key two three
client 7 "." cas key --absent three
[ "$("$quorate" get key --cluster "$cluster")" = one ] || fail "cas has changed what it did not match"
client 1 "no such key" get nothing
client 1 "no such key" del nothing
head -c 1048576 /dev/zero >"$dir/largest"
"$quorate" put largest --file "$dir/largest" --cluster "$cluster" >/dev/null || fail "a value of 1 MiB"
"$quorate" get largest --cluster "$cluster" | head -c 1048576 | cmp -s - "$dir/largest" || fail "a value of 1 MiB comes back"
# Noise on the port: nobody minds.
head -c 20000 /dev/urandom >"/dev/tcp/127.0.0.1/$base" 2>/dev/null || true
"$quorate" put after noise --cluster "$cluster" >/dev/null || fail "after noise on the port"

# ---- an older copy of one's own folder: it observes, and says so ----
kill_hard 3
cp -r "$data" "$dir/older"
start 3
until_ok 20 equal || fail "replica 3 does not come back"
for k in 1 2 3 4 5 6; do "$quorate" put "later-$k" x --cluster "$cluster" >/dev/null; done
until_ok 20 equal || fail "replica 3 does not follow"
kill_hard 3
mv "$data" "$dir/newer"
cp -r "$dir/older" "$data"
start 3
observes() { [ "$(status | of 3 role)" = observer ]; }
until_ok 20 observes || fail "with an older copy of its folder it does not observe: $(status)"
"$quorate" status --cluster "$cluster" | grep -q "may have forgotten what it signed" || fail "status does not say why it observes: $("$quorate" status --cluster "$cluster")"
"$quorate" put while observing --cluster "$cluster" >/dev/null || fail "three of four order"
# With the right folder in its place it is a member again: nothing was lost.
kill_hard 3
rm -rf "$data"
mv "$dir/newer" "$data"
start 3
until_ok 20 equal || fail "with its own folder again it is no member: $(last_words 3)"

# ---- too few ----
kill_hard 2
kill_hard 3
expect 4 "." "$quorate" put key value --cluster "$cluster" --timeout 1s
run "$quorate" status --cluster "$cluster" --timeout 300ms --json
[ "$code" = 4 ] && grep -q "^quorate: 2 of 4 replicas answer" "$dir/out" || fail "status without a quorum: exit $code: $(cat "$dir/out")"
kill_hard 0
kill_hard 1
expect 4 "." "$quorate" get key --cluster "$cluster" --timeout 300ms
say "$cases cases: one sentence and the right exit code for each"

# ---- a full disk ----
disk=$dir/disk
mkdir "$disk"
if [ "$(id -u)" != 0 ] || ! mount -t tmpfs -o size=36m none "$disk" 2>/dev/null; then
	say "no small disk can be mounted here: the full disk is left out"
	exit 0
fi
mounted=("$disk")
expect_small() { expect 3 'a log segment of 1024 KiB cannot hold .* segment_size must be [0-9]+ KiB or more' "$quorate" format --config "$home/replica-0/replica.yaml"; }
cp "$home/replica-0/replica.yaml" "$dir/replica-0.yaml"
sed -i "s|^data: .*|data: $disk/data-0|" "$home/replica-0/replica.yaml"
echo "segment_size: 1MiB" >>"$home/replica-0/replica.yaml"
expect_small
cp "$dir/replica-0.yaml" "$home/replica-0/replica.yaml"
"$small_genesis" "$home/genesis"
for i in 0 1 2 3; do
	rm -rf "$home/replica-$i/data"
	sed -i "s|^data: .*|data: $disk/data-$i|" "$home/replica-$i/replica.yaml"
	echo "segment_size: 1MiB" >>"$home/replica-$i/replica.yaml"
	"$quorate" format --config "$home/replica-$i/replica.yaml" >/dev/null
done
for i in 0 1 2 3; do start $i; done
until_ok 20 equal || fail "the cluster does not begin on a small disk: $(status)"
"$quorate" put before full --cluster "$cluster" >/dev/null
head -c 36m /dev/zero >"$disk/filler" 2>/dev/null || true
seq -f 'full-%.0f' 1 200 | awk 'BEGIN { x = "0123456789"; while (length(x) < 40000) x = x x } { print $0 "\t" x }' >"$dir/full.tsv"
"$quorate" load "$dir/full.tsv" --cluster "$cluster" --json --bundle 1 --timeout 60s >"$dir/loaded" 2>&1 &
loader=$!
others+=("$loader")
says_full() { "$quorate" status --cluster "$cluster" --timeout 1s 2>/dev/null | grep -q "disk is full"; }
until_ok 20 says_full || fail "status does not say that the disk is full: $("$quorate" status --cluster "$cluster")"
kill -0 "$loader" || fail "the load gave up: $(cat "$dir/loaded")"
for i in 0 1 2 3; do alive $i || fail "replica $i ended with its disk full"; done
status | each role | grep -q leader || fail "it does not serve its status"
rm "$disk/filler"
mount -o remount,size=192m "$disk"
wait "$loader" || fail "the load did not go on: $(cat "$dir/loaded")"
until_ok 20 equal || fail "after there was room: $(status)"
! says_full || fail "it still says that the disk is full"
[ "$("$quorate" count --cluster "$cluster")" = 201 ] || fail "not all rows are there"
say "a full disk stopped new work, was named, and work went on when there was room"
