#!/usr/bin/env bash
# The simulator as a tool: it replays, it makes failures smaller, and a check that breaks ends a seed and not the program.
#
#   tool.sh QUORATE-SIM
set -euo pipefail
sim=$1
room=$(mktemp -d "${TMPDIR:-/tmp}/quorate-sim-tool.XXXXXX")
trap 'rm -rf "$room"' EXIT

fail() {
	echo "$*" >&2
	exit 1
}

# A failure that needs two faults, out of thousands, is shrunk to these two; what is printed replays it.
"$sim" shrink 5 --fail-when partition:2,crash:3 >"$room/story" || fail "shrink: exit $?"
grep -q '^seed 5 needs 2 of its [0-9]* faults$' "$room/story" || fail "shrink: $(head -n 1 "$room/story")"
grep -q '(partition:2)$' "$room/story" || fail "shrink: the partition is not told"
grep -q '(crash:3)$' "$room/story" || fail "shrink: the crash is not told"
read -ra again < <(sed -n 's/^replay: quorate-sim \(.*\) --trace$/\1/p' "$room/story")
"$sim" "${again[@]}" >"$room/replay" 2>&1 && fail "shrink: what it printed does not fail: ${again[*]}"
grep -q 'a planted failure' "$room/replay" || fail "shrink: what it printed fails otherwise: $(cat "$room/replay")"

# A seed that does not fail is told apart from one that does.
"$sim" shrink 5 >"$room/clean" && fail "shrink: a clean seed ends with 0"
grep -q '^seed 5 does not fail' "$room/clean" || fail "shrink: $(cat "$room/clean")"

# A check that breaks: within a wake-up, within what follows it, and outside of any replica. What it breaks in the middle of is lost, and known to be.
export ASAN_OPTIONS=detect_leaks=0
for where in crash-inside:1 strike:1 loss:30 partition:1 crash:1; do
	status=0
	"$sim" --seeds 5..8 --break-when "$where" >"$room/broken" 2>&1 || status=$?
	[ "$status" -eq 1 ] || fail "a broken check at $where: exit $status: $(tail -n 3 "$room/broken")"
	grep -q 'no_such_check_fails$' "$room/broken" || fail "a broken check at $where is not told"
	tail -n 1 "$room/broken" | grep -q '^[0-9]* passed, [1-9][0-9]* failed$' || fail "a broken check at $where: $(tail -n 1 "$room/broken")"
done

unset ASAN_OPTIONS

# One seed is one story.
"$sim" --seed 4 --trace >"$room/a" || fail "seed 4: exit $?"
"$sim" --seed 4 --trace >"$room/b" || fail "seed 4: exit $?"
cmp "$room/a" "$room/b" || fail "seed 4 is not the same twice"
# Leaving out what never comes changes nothing; leaving out a crash does.
"$sim" --seed 4 --trace --without crash:100000- >"$room/b"
cmp "$room/a" "$room/b" || fail "seed 4 changes by what is not left out of it"

for bad in "--seed 0" "--seed 5x" "--seeds 3..2" "--seed 1 --without nonsense" "--seed 1 --without crash:0" "--seed 1 --without crash:5-4" "--seed 1 --without crash,"; do
	status=0
	# shellcheck disable=SC2086
	"$sim" $bad >/dev/null 2>&1 || status=$?
	[ "$status" -eq 2 ] || fail "'$bad' ends with $status"
done

for bad in "--mode" "--mode nonsense" "--mode trusted --nonsense" "x"; do
	status=0
	# shellcheck disable=SC2086
	"$sim" mutants $bad >/dev/null 2>&1 || status=$?
	[ "$status" -eq 2 ] || fail "'mutants $bad' ends with $status"
done

# Every planted fault says what it is, names a rule test that exists, if it names one, and still fits where it is planted.
here=$(cd "$(dirname "$0")" && pwd)
for planted in "$here"/mutants/[0-9]*.patch; do
	head -n 1 "$planted" | grep -q '^# ' || fail "$(basename "$planted") does not say what it plants"
	rule=$(sed -n 's/^# Caught by: rules\/\([a-z_]*\).*/\1/p' "$planted" | head -n 1)
	case $(basename "$planted") in *-raft-*) [ -n "$rule" ] || fail "$(basename "$planted") names no rule test" ;; esac
	[ -z "$rule" ] || [ -f "$here/../rules/test_$rule.c" ] || fail "$(basename "$planted") names a rule test that is none: $rule"
	patch -s -p1 --dry-run -d "$here/../.." <"$planted" >"$room/planted" 2>&1 || fail "$(basename "$planted"): $(head -n 1 "$room/planted")"
done
echo "the tool holds"
