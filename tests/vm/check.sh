#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Run the tests of tests/vm/suite, each in a virtual machine of its own, and
# count what they report.
#
#   tests/vm/check.sh [--kernels 'NAME...'|all] [--tests PATTERN] [--suite FILE]
#                     [--log DIR] [--long]
#
# --long: with the full counts.
# Prints TAP, then "N passed, N failed, N skipped". A test that prints no TAP
# counts as one, by its exit status (4 and 77 mean skipped). Exits 1 when
# anything failed, or nothing ran; 2 when used wrongly.

set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
kernels=patched
pattern='*'
suite=$here/suite
logs=
model_operations=1000000
passed=0
failed=0
skipped=0

die() { echo "tests/vm/check.sh: $*" >&2; exit 2; }

while [[ $# -gt 0 ]]; do
	if [[ $1 == --long ]]; then
		# shellcheck disable=SC2034 # used by lines of the suite
		model_operations=10000000
		shift
		continue
	fi
	[[ $# -gt 1 ]] || die "$1 needs a value, or is unknown"
	case $1 in
	--kernels) kernels=$2 ;;
	--tests) pattern=$2 ;;
	--suite) suite=$2 ;;
	--log) logs=$2 ;;
	*) die "unknown option '$1'" ;;
	esac
	shift 2
done
[[ -r $suite ]] || die "--suite $suite: cannot read it"
[[ $kernels != all ]] || kernels="patched stock-6.12 stock-6.1 debug kcsan base"

# What the lines of the suite may refer to.
top=$(cd "$here/../.." && pwd)
# shellcheck disable=SC2034 # used by lines of the suite
build=${BUILD:-$top/build}
# shellcheck disable=SC2034
bpftool=$(PATH=$PATH:/usr/sbin:/sbin command -v bpftool || true)
selftests=
series=$(find "$top/kernel/v6.12" -name '[0-9]*.patch' ! -name '0000-*' | wc -l)

result() {
	local verdict=$1 text=$2

	case $verdict in
	pass) passed=$((passed + 1)); echo "ok $((passed + failed + skipped)) - $text" ;;
	skip) skipped=$((skipped + 1)); echo "ok $((passed + failed + skipped)) - $text" ;;
	fail) failed=$((failed + 1)); echo "not ok $((passed + failed + skipped)) - $text" ;;
	esac
}

# Turns the TAP that a test printed into results. Sets points (how many), bad
# (how many failed) and planned (empty without a plan).
read_tap() {
	local label=$1 file=$2 line text

	points=0
	bad=0
	planned=
	while IFS= read -r line; do
		line=${line%$'\r'}
		if [[ $line =~ ^1\.\.([0-9]+) ]]; then
			planned=${BASH_REMATCH[1]}
			[[ $planned -gt 0 ]] || result skip "$label: all # SKIP ${line#*#}"
			continue
		fi
		[[ $line =~ ^(not\ )?ok([[:space:]]+[0-9]+)?([[:space:]]+-)?[[:space:]]*(.*)$ ]] ||
			continue
		points=$((points + 1))
		text="$label: ${BASH_REMATCH[4]}"
		if [[ $line =~ ^not && ! $line =~ \#\ *(TODO|XFAIL) ]]; then
			bad=$((bad + 1))
			result fail "$text"
		elif [[ $line =~ \#\ *[Ss][Kk][Ii][Pp] ]]; then
			result skip "$text"
		else
			result pass "$text"
		fi
	done <"$file"
}

# run_test NAME KERNEL TIMEOUT [OPTION]...
run_test() {
	local name=$1 kernel=$2 timeout=$3 status=0 start=$SECONDS log label

	shift 3
	label="${name}[$kernel]"
	log=$work/$name.$kernel
	"$here/run.sh" --kernel "$kernel" --timeout "$timeout" --console "$log.console" \
		--env MQWATCH_SERIES="$series" "$@" >"$log.out" 2>"$log.err" || status=$?
	read_tap "$label" "$log.out"
	if [[ $points -eq 0 && -z $planned ]]; then
		case $status in
		0) result pass "$label" ;;
		4|77) result skip "$label # SKIP $(tail -n 1 "$log.out")" ;;
		*) result fail "$label: exit status $status" ;;
		esac
	elif [[ -n $planned && $planned -ne $points && $planned -gt 0 ]]; then
		bad=$((bad + 1))
		result fail "$label: $points of $planned results came"
	elif [[ $status -ne 0 && $bad -eq 0 ]]; then
		bad=$((bad + 1))
		result fail "$label: exit status $status"
	fi
	if [[ $status -ne 0 || $bad -gt 0 ]]; then
		tail -n 60 "$log.out" | sed 's/^/# out: /'
		tail -n 150 "$log.err" | sed 's/^/# err: /'
	fi
	echo "# $label took $((SECONDS - start)) s"
}

slower() {
	case $1 in
	debug|kcsan) echo $(($2 * 4)) ;;
	*) echo "$2" ;;
	esac
}

# Evaluates one line of the suite for one kernel.
run_line() {
	local name=$1 kernel=$2 timeout=$3 rest=$4 need
	local -a words

	if [[ $rest == *selftests* && -z $selftests ]]; then
		selftests=$("$top/kernel/build.sh" selftests) || {
			result fail "${name}[$kernel]: the selftests do not build"
			return 0
		}
	fi
	# The suite is part of the tree: its lines are as trusted as this script.
	eval "words=($rest)"
	if [[ ${words[0]} == '?'* ]]; then
		need=${words[0]#\?}
		words=("${words[@]:1}")
		if [[ ! -e $need ]]; then
			result skip "${name}[$kernel] # SKIP ${need#"$top"/} is not built"
			return 0
		fi
	fi
	run_test "$name" "$kernel" "$(slower "$kernel" "$timeout")" "${words[@]}"
}

work=${logs:-$(mktemp -d "${TMPDIR:-/tmp}/mqwatch-check.XXXXXX")}
mkdir -p "$work"
[[ -n $logs ]] || trap 'rm -rf "$work"' EXIT

for kernel in $kernels; do
	"$here/kernel.sh" "$kernel" >/dev/null || {
		result fail "kernel $kernel cannot be had"
		continue
	}
	while read -r name set timeout rest <&3; do
		[[ -n $name && $name != '#'* ]] || continue
		[[ $timeout =~ ^[0-9]+$ && -n $rest ]] ||
			die "$suite: line of '$name' is not NAME KERNELS SECONDS OPTIONS"
		# shellcheck disable=SC2053 # a pattern
		[[ ,$set, == *",$kernel,"* && $name == $pattern ]] || continue
		run_line "$name" "$kernel" "$timeout" "$rest"
	done 3<"$suite"
done
echo "1..$((passed + failed + skipped))"
echo "$passed passed, $failed failed, $skipped skipped"
[[ $failed -eq 0 && $((passed + skipped)) -gt 0 ]]
