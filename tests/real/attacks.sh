#!/usr/bin/env bash
# attacks.sh QUORATE: one replica of four lies, in each way that the demo shows, and clients do not notice.
. "$(dirname "$0")/lib.sh"
seq -f 'word-%.0f' 1 40000 >"$dir/words"
for attack in silent-leader slow-leader equivocating-leader reply-lie state-chunk-lie; do
	run QUORATE_WORDS="$dir/words" timeout 120 bash "$(dirname "$0")/../../examples/attack.sh" --attack "$attack" --out "$dir/$attack"
	[ "$code" = 0 ] || fail "$attack: exit $code: $(tail -n 25 "$dir/out")"
	grep -q 'SAFE' "$dir/out" || fail "$attack does not end as it should: $(cat "$dir/out")"
	say "$attack: $(grep 'while it begins' "$dir/out" | grep -o 'longest time.*')"
done

# The culprit is named by a file that anybody with the genesis can judge, and by no other.
evidence=$(find "$dir/equivocating-leader/evidence" -type f | head -1)
[ -n "$evidence" ] || fail "no evidence was kept"
run "$quorate" evidence verify "$evidence" --genesis "$dir/equivocating-leader/genesis"
[ "$code" = 0 ] && grep -q 'member 0' "$dir/out" || fail "it does not name member 0: $(cat "$dir/out")"
size=$(stat -c %s "$evidence")
cp "$evidence" "$dir/flipped"
byte=$(od -An -tu1 -j $((size / 2)) -N 1 "$evidence")
printf "\\x$(printf '%02x' $((byte ^ 1)))" | dd of="$dir/flipped" bs=1 seek=$((size / 2)) conv=notrunc 2>/dev/null
run "$quorate" evidence verify "$dir/flipped" --genesis "$dir/equivocating-leader/genesis"
[ "$code" = 8 ] || fail "with a flipped bit: exit $code, not 8"
say "its evidence holds, and not with a flipped bit"
