#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What the kernel series costs and what its cursor is worth, by the series' own
# mq_peek_perf in virtual machines. Prints what was measured, and TAP: the
# series must keep what docs/performance.md says.
#
# Only ratios mean something: the machines are emulated. Sweeps are measured in
# seconds. Sending and receiving is compared in executed instructions, which no
# load of the host changes, and where a hundredth can be seen.

set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
rounds=5
n=0
failed=0

work=$(mktemp -d "${TMPDIR:-/tmp}/mqwatch-bench.XXXXXX")
trap 'rm -rf "$work"' EXIT
selftests=$("$here/../../kernel/build.sh" selftests)

# perf KERNEL FILE COMMAND [OPTION]...: what it prints goes to FILE and is shown
perf() {
	local kernel=$1 file=$work/$2 command=$3

	shift 3
	"$here/run.sh" --kernel "$kernel" --timeout 1800 --memory 2048 "$@" \
		--add "$selftests/x86_64/mq_peek_perf" --run "$command" >"$file"
	sed "s/^/# $kernel: /" "$file"
}

# value FILE LINE UNIT: the number before UNIT in the line that starts with LINE
value() {
	sed -n "s/^$2: \(.* \)\?\([0-9.]*\) $3.*/\2/p" "$work/$1" | head -n 1 | grep .
}

# check NAME CONDITION: in awk
check() {
	n=$((n + 1))
	if awk "BEGIN { exit !($2) }"; then
		echo "ok $n - $1"
	else
		echo "not ok $n - $1"
		failed=1
	fi
}

ratio() { awk "BEGIN { printf \"%.3g\", $1 / $2 }"; }

more() { awk "BEGIN { printf \"%.1f\", ($1 / $2 - 1) * 100 }"; }

sweeps() {
	local levels small large slow

	perf patched sweeps "mq_peek_perf $rounds"
	perf patched:3 walks "mq_peek_perf 1 | sed '/^forward 60000/q'"
	for levels in 1 32; do
		small=$(value sweeps "forward 6000 messages in $levels priorities" s,)
		large=$(value sweeps "forward 60000 messages in $levels priorities" s,)
		check "a sweep of 60000 messages in $levels priorities takes $(
			ratio "$large" "$small") times one of 6000, at most 20" \
			"$large <= 20 * $small"
	done
	large=$(value sweeps "forward 60000 messages in 1 priorities" s,)
	slow=$(value walks "forward 60000 messages in 1 priorities" s,)
	check "it is $(ratio "$slow" "$large") times faster than without the cursor, at least 100" \
		"$slow >= 100 * $large"
}

throughput() {
	local levels before after what

	for kernel in base patched; do
		perf $kernel "count.$kernel" "mq_peek_perf 3 | grep -m $(
			[[ $kernel == base ]] && echo 2 || echo 4) ^send" --virtual-time
	done
	for levels in 1 32; do
		before=$(value count.base "send and receive, $levels priorities" ns)
		for what in "" ", after a peek"; do
			after=$(value count.patched "send and receive, $levels priorities$what" ns)
			check "send and receive in $levels priorities$what: $after instructions, $(
				more "$after" "$before")% more than without the series, at most 2" \
				"$after <= 1.02 * $before"
		done
	done
}

sweeps
throughput
echo "1..$n"
exit "$failed"
