#!/usr/bin/env bash
# Planted faults: builds the simulator once per patch in this folder and looks for the first seed that finds it.
#
# A fault that costs time and nothing else names the rule test that catches it; then that is what is run. Each of Raft's names one (NN-raft-*): it must fail there, and
# then seeds of the trusted mode are tried as well, as far as they go.
#
#   run.sh SOURCE CC [--mode bft|trusted] [--quick] [--seeds N] [--jobs N] [NN ...]     exit 0 only when each fault is found
#
#   --mode: those of PBFT (the default) or of Raft; NN: these alone, of either mode unless it is given; --seeds: at most so many for each (without it 2000, and 100 where a
#   rule test has found it already)
#
# Everything happens in a temporary folder. The whole is compiled once; a fault compiles what its patch touches, and links.
set -euo pipefail

source=$1 cc=$2
shift 2
seeds=2000 beside=100 jobs=2 quick=0 mode='' only=()
usage() {
	echo "usage: quorate-sim mutants [--mode bft|trusted] [--quick] [--seeds N] [--jobs N] [NN ...]" >&2
	exit 2
}
while [ $# -gt 0 ]; do
	case $1 in
	--mode)
		mode=${2:-}
		[ "$mode" = bft ] || [ "$mode" = trusted ] || usage
		shift
		;;
	--quick) quick=1 ;;
	--seeds) seeds=${2:?a number} beside=$seeds && shift ;;
	--jobs) jobs=${2:?a number} && shift ;;
	[0-9][0-9]*) only+=("$1") ;;
	*) usage ;;
	esac
	shift
done
[ -n "$mode" ] || [ ${#only[@]} -gt 0 ] || mode=bft
[ $quick -eq 0 ] || seeds=300 beside=30
command -v patch >/dev/null || { echo "patch(1) is needed and not installed" >&2; exit 1; }

room=$(mktemp -d "${TMPDIR:-/tmp}/quorate-mutants.XXXXXX")
trap 'rm -rf "$room"' EXIT

# build FOLDER: make compares times, so a copy of the built tree builds only what differs
build() {
	make -s -C "$1" -j "$jobs" -f mutants.make quorate-sim >"$1/build.log" 2>&1
}

prepare() {
	mkdir "$room/clean"
	(cd "$source" && tar cf - --exclude='*.patch' include crypto bft net replica client/*.[ch] tests/sim tests/linear tests/rules tests/unit/memory_disk.h tests/unit/unit.[ch]) | tar xf - -C "$room/clean"
	cat >"$room/clean/mutants.make" <<-MAKE
		.RECIPEPREFIX := >
		FLAGS := -std=c17 -D_GNU_SOURCE -O2 -w -I. -Iinclude -DSIM_SOURCE='"."' -DSIM_CC='"cc"' $(pkg-config --cflags libsodium libcrypto libuv lmdb yaml-0.1 libisal)
		SIM := \$(patsubst %.c,%.o,\$(wildcard tests/sim/*.c tests/sim/explain/*.c tests/linear/*.c))
		LIB := \$(patsubst %.c,%.o,\$(filter-out bft/check.c,\$(wildcard crypto/*.c bft/*.c bft/pbft/*.c bft/raft/*.c replica/*.c replica/log/*.c replica/execution/*.c replica/state/*.c client/*.c)))
		quorate-sim: \$(SIM) \$(LIB)
		> rm -f all.a && ar rcsT all.a \$(LIB)
		> $cc -o \$@ \$(SIM) all.a $(pkg-config --libs libsodium libcrypto libuv lmdb libisal) -lpthread
		rules_%: tests/rules/test_%.o tests/unit/unit.o bft/check.o \$(LIB)
		> rm -f all.a && ar rcsT all.a \$(LIB)
		> $cc -o \$@ \$(filter tests/% bft/check.o,\$^) all.a $(pkg-config --libs libsodium libcrypto libuv lmdb libisal cunit) -lpthread
		%.o: %.c
		> $cc \$(FLAGS) -MMD -c -o \$@ \$<
		-include \$(SIM:.o=.d) \$(LIB:.o=.d)
	MAKE
	build "$room/clean" || { cat "$room/clean/build.log" >&2; exit 1; }
}

# plant PATCH: the simulator with this fault, in $room/fault
plant() {
	rm -rf "$room/fault"
	cp -a "$room/clean" "$room/fault"
	patch -s -p1 -d "$room/fault" <"$1" >"$room/fault/build.log" 2>&1 && build "$room/fault"
}

# mode_of PATCH: whose fault it is
mode_of() {
	case $(basename "$1") in
	*-raft-*) echo trusted ;;
	*) echo bft ;;
	esac
}

# first_seed MODE: the first that fails with the fault and not without it
first_seed() {
	local from=1 line seed
	while [ "$from" -le "$seeds" ]; do
		line=$("$room/fault/quorate-sim" --seeds "$from..$seeds" --mode "$1" --jobs "$jobs" --first 2>/dev/null | head -n 1) || true
		[ -n "$line" ] || return 0
		seed=${line#seed }
		seed=${seed%%:*}
		if "$room/clean/quorate-sim" --seed "$seed" --mode "$1" >/dev/null 2>&1; then
			echo "$line"
			return 0
		fi
		echo "seed $seed fails without any fault" >&2
		from=$((seed + 1))
	done
}

# rule_of PATCH: the rule test that the patch says catches it, where a seed cannot tell, because all that is lost is time
rule_of() {
	sed -n 's/^# Caught by: rules\/\([a-z_]*\).*/\1/p' "$1" | head -n 1
}

# rule_holds FOLDER RULE
rule_holds() {
	make -s -C "$1" -j "$jobs" -f mutants.make "rules_$2" >>"$1/build.log" 2>&1 || return 2
	(cd "$1" && timeout 120 "./rules_$2") >"$1/rule.log" 2>&1
}

# falls RULE: it fails with the fault, and not without; says where
falls() {
	local status=0
	rule_holds "$room/clean" "$1" || return 1
	rule_holds "$room/fault" "$1" || status=$?
	[ $status -ne 0 ] && [ $status -ne 2 ] || return 1 # 2: it does not build
	echo "rules/$1: $(grep -m 1 -o 'test_[a-z_]*\.c:.*' "$room/fault/rule.log" || echo "it does not come to its end")"
}

# by_rule NAME RULE START
by_rule() {
	local fell
	if fell=$(falls "$2"); then
		found=$((found + 1))
		row "$1" "rule" $((SECONDS - $3)) "$fell"
	else
		row "$1" "-" $((SECONDS - $3)) "NOT FOUND by rules/$2"
	fi
}

# by_both NAME RULE START: the rule test must fall; a seed may
by_both() {
	local fell line
	if ! fell=$(falls "$2"); then
		row "$1" "-" $((SECONDS - $3)) "NOT FOUND by rules/$2"
		return
	fi
	found=$((found + 1))
	line=$(seeds=$beside first_seed trusted)
	line=${line#seed }
	if [ -n "$line" ]; then
		in_seed+=("${line%%:*}")
		row "$1" "${line%%:*}" $((SECONDS - $3)) "${line#*: }"
	else
		row "$1" "none" $((SECONDS - $3)) "no seed of $beside tells: by the rule test alone"
	fi
	row "" "" "" "$fell"
}

faults=0 found=0 in_seed=()
row() { # row NAME SEED SECONDS WHAT
	printf '%-34s %-8s %-8s %s\n' "$1" "$2" "$3" "$4"
}

# median: of the seeds that it took, of those found by seeds
median() {
	printf '%s\n' "${in_seed[@]}" | sort -n | awk '{ at[NR] = $1 } END { print NR ? (at[int((NR + 1) / 2)] + at[int(NR / 2) + 1]) / 2 : "-" }'
}

try() {
	local name line start=$SECONDS
	name=$(basename "$1" .patch)
	faults=$((faults + 1))
	if ! plant "$1"; then
		row "$name" "-" "-" "the patch does not apply, or does not build: $(tail -n 1 "$room/fault/build.log")"
		return
	fi
	local rule
	rule=$(rule_of "$1")
	if [ "$(mode_of "$1")" = trusted ]; then
		by_both "$name" "${rule:-none}" "$start"
		return
	fi
	if [ -n "$rule" ]; then
		by_rule "$name" "$rule" "$start"
		return
	fi
	line=$(first_seed bft)
	case $line in
	"seed "*)
		found=$((found + 1))
		line=${line#seed }
		in_seed+=("${line%%:*}")
		row "$name" "${line%%:*}" $((SECONDS - start)) "${line#*: }"
		;;
	*) row "$name" "-" $((SECONDS - start)) "NOT FOUND in $seeds seeds" ;;
	esac
}

prepare
row "fault" "in seed" "seconds" "what fell"
k=0
for p in "$source"/tests/sim/mutants/[0-9]*.patch; do
	[ -z "$mode" ] || [ "$(mode_of "$p")" = "$mode" ] || continue
	k=$((k + 1))
	name=$(basename "$p")
	if [ ${#only[@]} -gt 0 ]; then
		wanted=0
		for o in "${only[@]}"; do [[ $name != "$o"* ]] || wanted=1; done
		[ $wanted -eq 1 ] || continue
	elif [ $quick -eq 1 ] && [ $((k % 4)) -ne 1 ]; then
		continue
	fi
	try "$p"
done
[ ${#in_seed[@]} -eq 0 ] || echo "median of the seeds that it took: $(median)"
echo "$found of $faults faults found in $SECONDS s"
[ "$faults" -gt 0 ] && [ "$found" -eq "$faults" ]
