#!/usr/bin/env bash
# evidence_list.sh QUORATE QUORATE_LIAR: who contradicted itself, asked of a running cluster. Replica 0 leads and tells two proposals; another one serves files that prove nothing; a
# third does not answer. What is proved is listed, and holds offline; what is not is refused by name.
. "$(dirname "$0")/lib.sh"
liar=$2

testnet
genesis=$dir/cluster/genesis
patience=20s # of a machine that does much else at once
list() { run "$quorate" evidence list --cluster "$cluster" --timeout "$patience" "$@"; }

patience=1s list
[ "$code" = 4 ] && grep -q "no replica answers" "$dir/out" || fail "nobody runs: exit $code: $(cat "$dir/out")"

"$liar" --config "$dir/cluster/replica-0/replica.yaml" --attack equivocating-leader --on-signal yes >>"$dir/replica-0.log" 2>&1 &
pids[0]=$!
disown
for i in 1 2 3; do start $i; done
until_ok 20 equal || fail "the cluster does not begin: $(status)"
list
[ "$code" = 0 ] && grep -q "no replica that answered keeps evidence" "$dir/out" || fail "before anybody lied: exit $code: $(cat "$dir/out")"

# ---- replica 0 lies ----
kill -USR1 "${pids[0]}"
seq -f 'row-%.0f' 1 3000 | awk '{ print $0 "\t" $0 }' >"$dir/rows.tsv"
"$quorate" load "$dir/rows.tsv" --cluster "$cluster" --json --sessions 2 --bundle 5 --progress "$dir/progress" >"$dir/load" 2>&1 || fail "a load with a liar: $(cat "$dir/load")"
kept() { [ -n "$(find "$dir"/cluster/replica-[123]/data/evidence -name '*.evidence' 2>/dev/null)" ]; }
until_ok 20 kept || fail "nobody has kept a proof"
list --out "$dir/proofs"
[ "$code" = 0 ] || fail "with a liar: exit $code: $(cat "$dir/out")"
[ "$(wc -l <"$dir/out")" = "$(grep -c '^member 0 (.*): .*; epoch 1, view .*; kept by replica' "$dir/out")" ] || fail "it accuses somebody else: $(cat "$dir/out")"
lines=$(wc -l <"$dir/out")
[ "$(find "$dir/proofs" -name '*.evidence' | wc -l)" = "$lines" ] || fail "$lines lines, and other files: $(ls "$dir/proofs")"
for f in "$dir"/proofs/*; do
	"$quorate" evidence verify "$f" --genesis "$genesis" >/dev/null || fail "$f does not hold"
done
list --json
[ "$code" = 0 ] && [ "$(grep -o '"proved":true' "$dir/out" | wc -l)" = "$lines" ] && grep -q '"refused":\[\],"silent":\[\]' "$dir/out" || fail "as JSON: $(cat "$dir/out")"
list --out "$dir/proofs" # again: nothing is overwritten, and that is no error
[ "$code" = 0 ] || fail "a second time into the same folder: exit $code: $(cat "$dir/out")"
say "$lines contradictions of replica 0, each in a file that holds by itself"

# ---- replica 3 serves what it likes ----
folder=$dir/cluster/replica-3/data/evidence
mkdir -p "$folder"
proof=$(find "$dir/proofs" -name '*.evidence' | head -1)
cp "$proof" "$folder/0-two-commits-9-9.evidence"
tail -c 1 "$proof" | tr '\000-\377' '\001-\377\000' | dd of="$folder/0-two-commits-9-9.evidence" bs=1 seek=$(($(wc -c <"$proof") - 1)) conv=notrunc status=none
echo "member 1 has lied, believe me" >"$folder/1-two-commits-1-1.evidence"
ln -s "$dir/cluster/replica-3/member.key" "$folder/2-a-link.evidence"
mkdir "$folder/2-a-folder.evidence"
head -c 2000000 /dev/zero >"$folder/2-too-large.evidence"
printf x >"$folder/Bad name.evidence"
list
[ "$code" = 8 ] || fail "files that prove nothing: exit $code: $(cat "$dir/out")"
[ "$(grep -c '^quorate: replica 3 (.*) serves .*, which is not believed' "$dir/out")" = 2 ] || fail "what replica 3 serves: $(cat "$dir/out")"
[ "$(grep -c '^member 0 ' "$dir/out")" -ge "$lines" ] || fail "what holds is not listed any more: $(cat "$dir/out")"
if grep -Eq '^member [123]|secret|quorate-key' "$dir/out"; then fail "it believes, or shows, too much: $(cat "$dir/out")"; fi

# ---- more files than an honest replica keeps ----
for i in $(seq 300); do echo "nothing" >"$folder/3-number-$i.evidence"; done
list
[ "$code" = 8 ] && grep -q 'replica 3 (.*) serves .*more files than a replica keeps' "$dir/out" || fail "without end: exit $code: $(tail -3 "$dir/out")"
[ "$(wc -l <"$dir/out")" -lt 300 ] || fail "without end: $(wc -l <"$dir/out") lines"
rm -rf "$folder"

# ---- one does not answer ----
kill -STOP "${pids[2]}"
patience=2s list
kill -CONT "${pids[2]}"
[ "$code" = 0 ] && grep -q '^quorate: replica 2 (.*) does not answer' "$dir/out" || fail "one is silent: exit $code: $(cat "$dir/out")"
run "$quorate" evidence list --cluster "$cluster" --config "$dir/cluster/replica-1/replica.yaml"
[ "$code" = 2 ] || fail "both at once: exit $code: $(cat "$dir/out")"
say "what proves nothing is refused with the name of who serves it"
