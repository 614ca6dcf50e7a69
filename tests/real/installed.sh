#!/usr/bin/env bash
# installed.sh QUORATE BUILD SOURCE CC: the tree is installed into an empty folder, and the example is built against that with pkg-config alone, and run.
. "$(dirname "$0")/lib.sh"
build=$2 source=$3 cc=$4
prefix=$dir/prefix
cmake --install "$build" --prefix "$prefix" >"$dir/install.log" 2>&1 || fail "install: $(tail -n 3 "$dir/install.log")"
pc=$(find "$prefix" -name quorate.pc)
lib=$(dirname "$(dirname "$pc")")
# The file names the prefix that was configured; pkg-config can move it.
mkdir "$dir/work"
cp "$source/examples/counter.c" "$dir/work/"
[ "$(wc -l <"$dir/work/counter.c")" -lt 60 ] || fail "the example is not under 60 lines"
cd "$dir/work"
flags=$(PKG_CONFIG_PATH=$(dirname "$pc") pkg-config --define-variable=prefix="$prefix" --cflags --libs quorate)
case $flags in *"$prefix"*) ;; *) fail "pkg-config does not name the prefix: $flags" ;; esac
# shellcheck disable=SC2086
"$cc" counter.c $flags -o counter 2>"$dir/cc.log" || fail "it does not build: $(cat "$dir/cc.log")"
[ "$(nm -D --defined-only "$lib"/libquorate.so | awk '{ print $3 }' | grep -cv '^quorate_')" = 0 ] || fail "the library exports more than quorate_*"
port=$(free_ports)
sed -i "s/7600/$port/" counter.c
# shellcheck disable=SC2086
"$cc" counter.c $flags -o counter
run LD_LIBRARY_PATH="$lib" timeout 30 ./counter "$dir/counter"
[ "$code" = 0 ] && [ "$(tr '\n' ' ' <"$dir/out")" = "1 2 3 " ] || fail "the example: exit $code: $(cat "$dir/out")"
run LD_LIBRARY_PATH="$lib" "$prefix/bin/quorate" version
[ "$code" = 0 ] || fail "the installed program: $(cat "$dir/out")"
say "installed, built with pkg-config alone, and run"
