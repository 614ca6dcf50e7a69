#!/usr/bin/env bash
# demo.sh QUORATE: what a newcomer runs first ends well, and says so; in both modes.
. "$(dirname "$0")/lib.sh"
seq -f 'word-%.0f' 1 20000 >"$dir/words"
run QUORATE_WORDS="$dir/words" timeout 120 bash "$(dirname "$0")/../../examples/demo.sh" --for 4s
[ "$code" = 0 ] || fail "exit $code: $(tail -n 25 "$dir/out")"
grep -q 'state digests, four of four equal' "$dir/out" || fail "no equal digests: $(cat "$dir/out")"
grep -q 'Nothing that was acknowledged is lost' "$dir/out" || fail "it does not end as it should: $(cat "$dir/out")"
say "the demo ends well"

run QUORATE_WORDS="$dir/words" timeout 120 bash "$(dirname "$0")/../../examples/demo.sh" --mode trusted --for 4s
[ "$code" = 0 ] || fail "trusted: exit $code: $(tail -n 25 "$dir/out")"
for words in 'the leader, is killed under load' 'tolerated now: no failure' 'state digests, three of three equal' 'Nothing that was acknowledged is lost'; do
	grep -q "$words" "$dir/out" || fail "trusted: it does not say '$words': $(cat "$dir/out")"
done
gap=$(sed -n 's/.*longest time without an answer *\([0-9]*\) ms.*/\1/p' "$dir/out")
[ "$gap" -ge 100 ] || fail "trusted: its leader was killed, and the longest time without an answer is $gap ms: $(cat "$dir/out")"
killed=$(sed -n 's/.*replica \([0-2]\), the leader, is killed.*/\1/p' "$dir/out") next=$(sed -n 's/.*replica \([0-2]\) leads.*/\1/p' "$dir/out")
[ -n "$killed" ] && [ -n "$next" ] && [ "$killed" != "$next" ] || fail "trusted: replica '$killed' was killed and '$next' leads: $(cat "$dir/out")"
run bash "$(dirname "$0")/../../examples/demo.sh" --mode other
[ "$code" = 2 ] || fail "an unknown mode ends with $code: $(cat "$dir/out")"
say "so does the trusted one, with its leader killed: $gap ms without an answer"
