#!/usr/bin/env bash
# damaged.sh QUORATE SMALL_GENESIS: one byte of replica 3's folder is flipped while it is down: in an old segment of the log, in its last records, before them, in the
# state's pages and in a value, in one place of the superblock and in both; and in a value while it runs. It comes back by itself, or observes and says so until its
# organization lets it in again, or refuses to start with a sentence; it never says, or makes clients hear, anything wrong, and never contradicts what it signed before.
. "$(dirname "$0")/lib.sh"
small_genesis=$2

testnet
home=$dir/cluster
data=$home/replica-3/data
"$small_genesis" "$home/genesis"
for i in 0 1 2 3; do small_log $i; done
for i in 0 1 2 3; do start $i; done
until_ok 30 equal || fail "the cluster does not begin: $(status)"
value_bytes=2000

segments() { # those that hold groups of their own, oldest first
	local f
	for f in "$data"/log/seg-*; do [ -z "$(groups_of "$f")" ] || echo "$f"; done
}
# What became of it, in $became: member, observer or ended.
comes_back() {
	started=$(wc -l <"$dir/replica-3.log" 2>/dev/null || echo 0)
	start 3
	became=
	decided() {
		if ! alive 3; then
			became=ended
		else
			case $(status | of 3 role) in
			observer) [[ "$(trouble 3)" != *"may have forgotten"* ]] || became=observer ;;
			leader | backup) became=member ;;
			esac
		fi
		[ -n "$became" ]
	}
	until_ok 60 decided || fail "$1: neither back nor ended: $(last_words 3) $(trouble 3)"
}
observes_or_full() { [[ "$(trouble 3)" = *"may have forgotten"* ]]; }
# By the operator's hand: an observer is let in again, what refuses gets a new folder first.
# One that came back may still meet the damage when its state is committed: it ends then, and says so.
settled() { takes_part 3 || ! alive 3; }
bring_back() {
	if [ "$became" = member ]; then
		until_ok 60 settled || fail "$1: replica 3 neither takes part nor ends: $(last_words 3) $(trouble 3)"
		alive 3 || became=ended
	fi
	if [ "$became" = ended ]; then
		pids[3]=0
		rm -rf "$dir/damaged"
		mv "$data" "$dir/damaged"
		"$quorate" format --lost --config "$home/replica-3/replica.yaml" >/dev/null
		start 3
		until_ok 60 observes_or_full || fail "$1: a new folder does not observe: $(last_words 3)"
	fi
	if [ "$became" != member ]; then
		run timeout 90 "$quorate" member readmit 3 --key "$home/replica-3/org.key" --cluster "$cluster" --timeout 60s
		[ "$code" = 0 ] || fail "$1: it is not let in again: exit $code: $(cat "$dir/out")"
	fi
	until_ok 60 takes_part 3 || fail "$1: replica 3 takes no part at the end: $(last_words 3) $(trouble 3)"
}
# Under load, killed, damaged by COMMAND..., started again.
damage() { # damage WHAT ALLOWED COMMAND...
	local what=$1 allowed=$2
	shift 2
	kill_hard 3
	"$@"
	comes_back "$what"
	[[ " $allowed " = *" $became "* ]] || fail "$what: it is $became, not $allowed: $(last_words 3) $(trouble 3)"
	words=$(tail -n +$((started + 1)) "$dir/replica-3.log" | cut -d ' ' -f 3-)
	say "$what: $became: $([ "$became" = ended ] && tail -n 1 <<<"$words" || grep -E 'damaged|lacks|lost|state|cut off' <<<"$words" | sed -n 1p || true)"
	if [ "$became" = ended ]; then
		grep -q '^[0-9TZ:.-]* *error\|^quorate: ' <(tail -n 1 "$dir/replica-3.log") || fail "$what: it ends without a sentence: $(last_words 3)"
	fi
	bring_back "$what"
	clients_go_on "after: $what"
}

clients_begin 100
long_enough() { clients_well; [ "$(segments | wc -l)" -ge 3 ]; }
until_ok 60 long_enough || fail "the log does not grow: $(ls "$data/log")"

old_segment() { # far below the stable checkpoint, and not the very first group
	local file
	file=$(segments | sed -n 1p)
	flip "$file" $(($(groups_of "$file" | sed -n 2p) + 200))
}
last_group() { # what was written last: it looks like a write that was torn, and may be what others have seen
	local file
	file=$(segments | tail -1)
	flip "$file" $(($(groups_of "$file" | tail -1) + 130))
}
late_group() { # a few before it: above the stable checkpoint, with whole ones behind it
	local file
	file=$(segments | tail -1)
	[ "$(groups_of "$file" | wc -l)" -gt 4 ] || file=$(segments | tail -2 | sed -n 1p)
	flip "$file" $(($(groups_of "$file" | tail -3 | sed -n 1p) + 130))
}
state_page() { flip "$data/state/state.mdb" $((8192 + 12)); } # the head of the first page behind the two that say what is valid
state_meta() {
	flip "$data/state/state.mdb" $((16 + 1)) # both of these
	flip "$data/state/state.mdb" $((4096 + 16 + 1))
}
state_value() { # of a row that was acknowledged long ago, wherever it lies
	local at found=0
	while read -r at; do
		flip "$data/state/state.mdb" $((at + 2))
		found=1
	done < <(grep -abo 'value of load-0-50' "$data/state/state.mdb" | cut -d : -f 1)
	[ $found = 1 ] || fail "the state does not hold the row"
}
slot() { flip "$data/log/superblock" $(($1 * 4096 + 40)); }
both_slots() {
	slot 0
	slot 1
}

damage "an old segment" "member observer" old_segment
damage "the last records" "member observer" last_group
damage "late records" "observer" late_group
damage "the state's pages" "member observer ended" state_page
damage "the state's head" "member observer ended" state_meta
damage "a value in the state" "member" state_value
grep -q 'the state is damaged (a value is not the one that the tree names): it was dropped' <<<"$words" || fail "a wrong value is not found at the start: $(last_words 3)"
damage "one place of the superblock" "member" slot 0
damage "the other place of the superblock" "member" slot 1
damage "both places of the superblock" "ended" both_slots

clients_end

# ---- a wrong value under a right digest while it runs: nobody is told of it, also when that replica is one of three; and what is decided by it ends that replica ----
kept_row() { # the snapshot that it runs on holds the row
	more
	grep -q 'value of load-0-50' -a "$data/state/state.mdb"
}
rounds=0
more() { # so many that a checkpoint comes
	rounds=$((rounds + 1))
	seq -f "more-$rounds-%.0f	x" 100 >"$dir/more.tsv"
	"$quorate" load "$dir/more.tsv" --cluster "$cluster" --sessions 1 --bundle 1 --timeout 30s --progress "$dir/more-$rounds" >/dev/null ||
		fail "with a wrong value in one of four: no answer: $(status)"
}
until_ok 60 kept_row || fail "replica 3 does not come to a snapshot"
right=$(awk -F '\t' '$1 == "load-0-50" { print $2 }' "$dir/acknowledged-load")
state_value
kill_hard 2
found=$("$quorate" get load-0-50 --cluster "$cluster" --timeout 30s) || fail "with a wrong value in one of three: no answer: $(status)"
[ "$found" = "$right" ] || fail "a client is told a wrong value: $found"
start 2
"$quorate" cas load-0-50 "$right" "$right" --cluster "$cluster" --timeout 30s >/dev/null || fail "with a wrong value in one of four: not swapped: $(status)"
stopped() { # at the next checkpoint, to which the cluster must get
	more
	! alive 3
}
until_ok 60 stopped || fail "replica 3 has decided something else than the others and goes on: $(trouble 3)"
grep -q 'the replica has stopped: what it executed contradicts a certificate' "$dir/replica-3.log" || fail "it does not say why it ended: $(last_words 3)"
say "a value in the state while it runs: the client is told the right one, and it stops: $(tail -n 1 "$dir/replica-3.log")"
became=member
start 3
bring_back "a wrong value that has stopped it"

until_ok 60 equal || fail "the four do not become equal: $(status)"
digests_equal_among 0 1 2 3 || fail "the states differ: $(status)"
all_there
nobody_accused
say "$(wc -l <"$dir/acknowledged-load") rows and $(cat "$dir/acked") values of a register: all there, in four equal states, and nobody is accused"
