#!/usr/bin/env bash
# docs/understand.md shows what quorate-sim explain prints, to the byte.
#
#   docs.sh QUORATE-SIM            exit 0 only when it does, and the command refuses what it should
#   docs.sh QUORATE-SIM --write    puts what is printed now into the page
#
# A block of the page that begins with "$ quorate-sim explain TOPIC" is what that command prints.
set -euo pipefail
sim=$1 mode=${2:-check}
page=$(cd "$(dirname "$0")/../../.." && pwd)/docs/understand.md
room=$(mktemp -d "${TMPDIR:-/tmp}/quorate-explain.XXXXXX")
trap 'rm -rf "$room"' EXIT

fail() {
	echo "$*" >&2
	exit 1
}

# topics: as the command lists them
topics() {
	"$sim" explain | sed -n 's/^  \([a-z-]*\)  *.*/\1/p'
}

# renewed PAGE: each block again, with what its command prints now
renewed() {
	local line arguments skip=0
	while IFS= read -r line; do
		if [ $skip -eq 1 ] && [ "$line" != '```' ]; then
			continue
		fi
		skip=0
		printf '%s\n' "$line"
		case $line in
		'$ quorate-sim explain '*)
			read -ra arguments <<<"${line#'$ quorate-sim '}"
			"$sim" "${arguments[@]}" || fail "${line#'$ '}: the story does not go as told"
			skip=1
			;;
		esac
	done <"$1"
}

renewed "$page" >"$room/page"
if [ "$mode" = --write ]; then
	cp "$room/page" "$page"
	exit
fi
diff "$page" "$room/page" >&2 || fail "docs/understand.md is not what the command prints: bash tests/sim/explain/docs.sh build/quorate-sim --write"

count=0
while read -r topic; do
	grep -qx "\\$ quorate-sim explain $topic" "$page" || fail "docs/understand.md does not show $topic"
	count=$((count + 1))
done < <(topics)
[ "$count" -eq 6 ] || fail "$count topics are listed"

# refused HINT ARGUMENTS: exit 2, and the hint is on stderr
refused() {
	local hint=$1 status=0
	shift
	"$sim" explain "$@" >"$room/out" 2>"$room/err" || status=$?
	[ $status -eq 2 ] || fail "explain $*: exit $status"
	[ ! -s "$room/out" ] || fail "explain $* tells a story"
	grep -q "$hint" "$room/err" || fail "explain $*: $(cat "$room/err")"
}
refused 'Did you mean partition?' partiton
refused 'Did you mean quorum-sizes?' quorumsizes
refused 'there is no topic "x"' x
refused 'takes a number' flp --rounds 0
refused 'takes a number' flp --rounds 1001
refused 'takes a number' flp --rounds 5x
refused 'no rounds' election --rounds 5
refused 'only --rounds' flp 5

# As long as it likes: a hundred rounds are a hundred leaders and no decision, and then it ends.
"$sim" explain flp --rounds 100 >"$room/long" || fail "explain flp --rounds 100: exit $?"
grep -q '^101 leaders in [0-9]* ms, and x is not decided' "$room/long" || fail "flp: $(grep leaders "$room/long")"
echo "docs/understand.md shows $count stories as they are told"
