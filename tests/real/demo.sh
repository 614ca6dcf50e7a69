#!/usr/bin/env bash
# demo.sh QUORATE: what a newcomer runs first ends well, and says so.
. "$(dirname "$0")/lib.sh"
seq -f 'word-%.0f' 1 20000 >"$dir/words"
run QUORATE_WORDS="$dir/words" timeout 120 bash "$(dirname "$0")/../../examples/demo.sh" --for 4s
[ "$code" = 0 ] || fail "exit $code: $(tail -n 25 "$dir/out")"
grep -q 'state digests, four of four equal' "$dir/out" || fail "no equal digests: $(cat "$dir/out")"
grep -q 'Nothing that was acknowledged is lost' "$dir/out" || fail "it does not end as it should: $(cat "$dir/out")"
say "the demo ends well"
