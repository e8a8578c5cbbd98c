#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Builds, with and without sanitizers, and runs every suite. --long: with the full counts. The last line is
# "N passed, N failed, N skipped"; all suites speak TAP, so that they are counted alike.
set -u
cd "$(dirname "$0")/.." || exit 1

long=
[ "${1:-}" != --long ] || long=1
PATH=$PATH:$PWD/build/deps/usr/bin
export PATH
output=$(mktemp -d)
trap 'rm -rf "$output"' EXIT
passed=0 failed=0 skipped=0

# suite NAME COMMAND...: one that fails without saying which test did counts as one failure
suite() {
	local name=$1 status ok bad skip

	shift
	printf '== %s\n' "$name"
	"$@" >"$output/tap" 2>"$output/errors"
	status=$?
	grep -avE '^(ok .*|# ok - .*|1\.\.[0-9]+|TAP version.*|[0-9]+ passed, .*)$' "$output/tap"
	grep -aiE '^(not )?ok.*# skip' "$output/tap"
	skip=$(grep -aciE '^(not )?ok.*# skip' "$output/tap")
	bad=$(grep -aE '^not ok' "$output/tap" | grep -aciv '# skip')
	ok=$(grep -aE '^ok' "$output/tap" | grep -aciv '# skip')
	if [ "$status" -ne 0 ]; then
		cat "$output/errors"
		[ "$bad" -ne 0 ] || bad=1
	elif [ $((ok + bad + skip)) -eq 0 ]; then
		echo "no test ran"
		bad=1
	fi
	printf '   %d passed, %d failed, %d skipped\n' "$ok" "$bad" "$skip"
	passed=$((passed + ok)) failed=$((failed + bad)) skipped=$((skipped + skip))
}

# skip_suite NAME REASON
skip_suite() {
	printf '== %s\nskipped: %s\n' "$1" "$2"
	skipped=$((skipped + 1))
}

finish() {
	printf '%d passed, %d failed, %d skipped\n' "$passed" "$failed" "$skipped"
	[ "$failed" -eq 0 ]
	exit
}

unit() {
	local build=$1 test

	for test in "$build"/tests/test-*; do
		[ -x "$test" ] || continue
		suite "${test##*/} ($build)" env CMOCKA_MESSAGE_OUTPUT=TAP "$test"
	done
}

host() {
	local build=$1 file

	for file in tests/host/*.bats; do
		suite "${file##*/} ($build)" env MQWATCH_BUILD="$PWD/$build" tests/host/run.sh \
			--formatter tap "$file"
	done
}

# The kernel is made ready first, in the open: the first time that takes a while.
vm() {
	local kernel=$1

	if [ "$(uname -m)" != x86_64 ]; then
		skip_suite "virtual machines ($kernel)" "their kernels are for x86-64"
	elif ! tests/vm/kernel.sh "$kernel" >/dev/null; then
		printf '== virtual machines (%s)\nno kernel\n' "$kernel"
		failed=$((failed + 1))
	else
		suite "virtual machines ($kernel)" tests/vm/check.sh --kernels "$kernel" \
			${long:+--long}
	fi
}

# A Debian that boots, with the packages; the first time its root file system is made.
boot() {
	if [ "$(uname -m)" != x86_64 ] || [ "$(id -u)" -ne 0 ]; then
		skip_suite "boot" "it needs root, to make a root file system, and x86-64"
	else
		suite "boot" tests/vm/boot.sh stock-6.12 patched ${long:+stock-6.1}
	fi
}

# shellcheck disable=SC2317 # suite calls it
lines_as_tap() {
	make --no-print-directory "$1" | sed -E 's/^ok +/ok - /; s/^FAIL +/not ok - /'
	return "${PIPESTATUS[0]}"
}

# What the series is held to beside its own tests, on the architectures that it is built for
kernel_series() {
	if [ "$(uname -m)" != x86_64 ]; then
		skip_suite "kernel series" "the kernels of the virtual machines are for x86-64"
		return
	fi
	suite "kernel measurements" tests/vm/bench.sh
	suite "kernel lint" lines_as_tap kernel-lint
	suite "kernel builds" lines_as_tap kernel-builds
}

# shellcheck disable=SC2317 # suite calls it
fuzz() {
	local target name

	make --no-print-directory fuzz FUZZ_SECONDS="$1" 2>&1 || return
	for target in tests/fuzz/fuzz-*.c; do
		name=${target##*/}
		echo "ok - ${name%.c}"
	done
}

jobs=$(nproc)
if ! make --no-print-directory -j"$jobs" all tests || ! make --no-print-directory -j"$jobs" asan; then
	failed=1
	finish
fi
unit build
unit build-asan
suite "fuzz targets" fuzz "$([ "$long" ] && echo 60 || echo 2)"
for kernel in patched stock-6.12 stock-6.1 ${long:+debug kcsan}; do
	vm "$kernel"
done
boot
[ -z "$long" ] || kernel_series
if [ "$(id -u)" -ne 0 ]; then
	skip_suite "host tests" "they need root: BPF programs, namespaces and mounts"
	finish
fi
export MQWATCH_SNAPSHOTS=${long:+1000000} MQWATCH_MESSAGES='' MQWATCH_OVERTAKERS=${long:+10000000}
export MQWATCH_BURST_SECONDS=${long:+60}
host build
# the sanitizers look for wrong memory accesses, not for rare interleavings
MQWATCH_SNAPSHOTS=2000 MQWATCH_MESSAGES=200000 MQWATCH_OVERTAKERS='' MQWATCH_BURST_SECONDS=''
host build-asan
finish
