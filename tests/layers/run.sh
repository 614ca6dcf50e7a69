#!/usr/bin/env bash
# The include rule (design section 1), checked on the built objects: run.sh BUILD_DIRECTORY SOURCE_DIRECTORY [NM]
#
# The core (bft, bft/pbft, bft/raft) may import memory functions and the digests, nothing else: no allocation, clock, file, thread, randomness. Other libraries
# may not reach up or sideways. Which protocol runs, one object knows: everybody else goes through the table (bft/protocol.h), and not even the words of one protocol
# stand in their sources. Prints every symbol that breaks the rule, with its object, and every such line.
set -euo pipefail
build=$1
source=$2
nm=${3:-nm}

# What compilers put in by themselves: sanitizers, fuzzing, the stack protector, counting bits on processors without an instruction for it.
runtime='__(asan|ubsan|tsan|sanitizer|sancov|start___sancov|stop___sancov)[A-Za-z0-9_]*|__stack_chk_fail|_GLOBAL_OFFSET_TABLE_|__popcount[sd]i2'
memory='(memcpy|memset|memcmp|memmove|bcmp|strlen)|__(memcpy|memset|memmove)_chk'
crypto='(digest|merkle|hex|domain|keyring)_[a-z0-9_]+|statement_make|public_key_equal'

declare -A above=(
	[crypto]="bft pbft raft protocol net replica client"
	[bft]="pbft raft protocol net replica client"
	[pbft]="raft protocol net replica client"
	[raft]="pbft protocol net replica client"
	[protocol]="net replica client"
	[net]="bft pbft raft protocol replica client"
	[replica]="pbft raft client"
	[client]="pbft raft protocol replica"
)

archive() { # archive NAME: where the library is
	echo "$build/lib$1.a"
}

defined() { # defined NAME...: the global symbols of those libraries that exist
	local name
	for name in "$@"; do
		[ -e "$work/defined.$name" ] || [ ! -e "$(archive "$name")" ] ||
			"$nm" -g --defined-only -P "$(archive "$name")" 2>/dev/null | awk 'NF >= 2 { print $1 }' >"$work/defined.$name"
		[ ! -e "$work/defined.$name" ] || cat "$work/defined.$name"
	done | sort -u
}

wanted() { # wanted NAME: "symbol object" for each symbol that an object of the library leaves to others
	[ -e "$work/undefined.$1" ] ||
		"$nm" -A -g -u -P "$(archive "$1")" 2>/dev/null | sed -E 's/^.*\[([^]]+)\]: ([^ ]+) .*$/\2 \1/' | sort -u >"$work/undefined.$1"
	defined "$1" >"$work/own"
	join -v 1 "$work/undefined.$1" "$work/own"
}

judge_core() { # judge_core NAME BELOW...: what NAME imports beyond the allowed list and the libraries below it
	local name=$1
	shift
	wanted "$name" >"$work/wanted"
	defined "$@" >"$work/below"
	join -v 1 "$work/wanted" "$work/below" | awk -v allowed="^($runtime|$memory|$crypto)\$" -v name="$name" \
		'$1 !~ allowed { print name ": " $2 " imports " $1 ", which a core may not" }'
}

judge_layers() { # judge_layers NAME FORBIDDEN...: what NAME imports from libraries that it may not see
	local name=$1 other
	shift
	wanted "$name" >"$work/wanted"
	for other in "$@"; do
		defined "$other" >"$work/forbidden"
		join "$work/wanted" "$work/forbidden" | awk -v name="$name" -v other="$other" '{ print name ": " $2 " imports " $1 " of " other }'
	done
	if [[ $name == *net ]]; then # also what no library defines yet
		awk -v name="$name" '$1 ~ /^bft_/ { print name ": " $2 " imports " $1 ", but frames are bytes to the network" }' "$work/wanted"
	fi
}

judge_table() { # judge_table NAME PROTOCOL...: what NAME imports from protocols beyond their tables
	local name=$1
	shift
	wanted "$name" >"$work/wanted"
	defined "$@" >"$work/protocols"
	join "$work/wanted" "$work/protocols" | awk -v name="$name" '$1 !~ /^bft_[a-z]+$/ { print name ": " $2 " imports " $1 ", but a table is all that it may name" }'
}

judge_words() { # judge_words FILE...: lines that speak of one protocol
	grep -nE '\b(bft_)?(pbft|raft)_|\bbft_(pbft|raft)\b|\b(PBFT|RAFT)_|"bft/(pbft|raft)/' "$@" /dev/null | sed 's/$/   <- only bft\/protocol.c names a protocol/' || true
}

expect() { # expect TEXT PATTERN...: the self-check
	local text=$1 pattern
	shift
	for pattern in "$@"; do
		if [[ $text != *"$pattern"* ]]; then
			echo "layers: the self-check failed: a wrong object was not reported ($pattern)"
			exit 1
		fi
	done
}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export LC_ALL=C

expect "$(judge_core wrong_core)" "wrong_core.c.o imports malloc" "wrong_core.c.o imports clock_gettime"
expect "$(judge_layers wrong_net)" "wrong_net.c.o imports bft_check_failed"
expect "$(judge_layers wrong_client wrong_replica)" "wrong_client.c.o imports wrong_replica_state of wrong_replica"

expect "$(judge_layers wrong_table quorate_pbft)" "wrong_table.c.o imports bft_pbft of quorate_pbft"
expect "$(judge_words "$source/tests/layers/wrong_table.c")" "wrong_table.c:2:" "wrong_table.c:7:"

# Only the simulator, and what lies and what watches in the bench, may look inside everything.
shopt -s globstar nullglob
files=()
for file in "$source"/{bft,crypto,include}/*.[ch] "$source"/{net,replica,client}/**/*.[ch] "$source"/bench/*.[ch]; do
	[ "$file" = "$source/bft/protocol.c" ] || files+=("$file")
done
judge_words "${files[@]}" >"$work/broken"

judged=0
for name in crypto bft pbft raft protocol net replica client; do
	[ -e "$(archive "quorate_$name")" ] || continue
	judged=$((judged + 1))
	others=()
	for other in ${above[$name]}; do others+=("quorate_$other"); done
	judge_layers "quorate_$name" "${others[@]}" >>"$work/broken"
	case $name in
	bft) judge_core quorate_bft >>"$work/broken" ;;
	pbft) judge_core quorate_pbft quorate_bft >>"$work/broken" ;;
	raft) judge_core quorate_raft quorate_bft >>"$work/broken" ;;
	protocol) judge_table quorate_protocol quorate_pbft quorate_raft >>"$work/broken" ;;
	esac
done

if [ -s "$work/broken" ]; then
	cat "$work/broken"
	exit 1
fi
if [ "$judged" -eq 0 ]; then
	echo "layers: no library found in $build"
	exit 1
fi
echo "layers: $judged libraries keep the include rule"
