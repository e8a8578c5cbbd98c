#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What watching costs: a send and receive without anything, under empty programs, under a bpftrace script
# that counts and times per queue, and under mqwatchd, in turns. Then what mqwatchd itself takes.
# Prints Markdown. ROUNDS=N, PAIRS=N
set -eu
cd "$(dirname "$0")/../.."
. tests/common.bash
private "$@"

build=$PWD/build
tools=$build/tests
rounds=${ROUNDS:-7} pairs=${PAIRS:-40000} address=127.0.0.1:10119
work=$(mktemp -d)
tracer=
trap 'stop_tracer; rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

stop_tracer() {
	[ -z "$tracer" ] || { kill "$tracer" && wait "$tracer"; } 2>/dev/null || :
	tracer=
}

# Whether process $1 has programs on all four tracepoints.
attached() {
	[ "$(bpftool perf show | grep -c "^pid $1 .* tracepoint .*mq_timed")" -ge 4 ]
}

# Those of other processes would be measured too.
alone() {
	! bpftool perf show | grep 'tracepoint .*mq_timed'
}

trace_untraced() {
	:
}

trace_empty() {
	"$tools/attach" "$build/bench/empty.bpf.o" >/dev/null &
	tracer=$!
}

trace_bpftrace() {
	bpftrace tests/bench/mq.bt >/dev/null 2>"$work/bpftrace.log" &
	tracer=$!
}

trace_mqwatchd() {
	"$build/mqwatchd" --log.level warning &
	tracer=$!
}

median() {
	sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'
}

variants='untraced empty bpftrace mqwatchd'

measure_pairs() {
	local round variant

	for ((round = 0; round < rounds; round++)); do
		for variant in $variants; do
			"trace_$variant"
			[ -z "$tracer" ] || wait_for attached "$tracer" || { cat "$work"/*.log; exit 1; }
			taskset -c 0 "$tools/mqpair" "$pairs" >>"$work/$variant.pair"
			taskset -c 0 "$tools/mqpair" "$pairs" getppid >>"$work/$variant.other"
			stop_tracer
		done
		printf '.' >&2
	done
	echo >&2
}

describe() {
	case $1 in
	untraced) echo 'untraced' ;;
	empty) echo 'four empty tracepoint programs' ;;
	bpftrace) echo 'bpftrace script with count() and hist() per queue' ;;
	mqwatchd) echo 'mqwatchd' ;;
	esac
}

print_pairs() {
	local variant base reference

	base=$(median <"$work/untraced.pair")
	reference=$(median <"$work/bpftrace.pair")
	echo '| | ns per send+receive | added | of what bpftrace adds | ns per getppid(2) |'
	echo '| --- | ---: | ---: | ---: | ---: |'
	for variant in $variants; do
		awk -v what="$(describe "$variant")" -v ns="$(median <"$work/$variant.pair")" \
			-v base="$base" -v reference="$reference" \
			-v other="$(median <"$work/$variant.other")" 'BEGIN {
			printf "| %s | %.0f | %.0f | %.2f | %.0f |\n", what, ns, ns - base,
				(ns - base) / (reference - base), other
		}'
	done
}

# Less the time in which other processes had the CPUs.
start_to_first_scrape() {
	local round start end waited

	for ((round = 0; round < rounds; round++)); do
		start=$(date +%s%N)
		trace_mqwatchd
		until curl -sf -o /dev/null "http://$address/metrics"; do :; done
		end=$(date +%s%N)
		read -r _ waited _ <"/proc/$tracer/schedstat"
		echo $(((end - start - waited) / 1000000))
		stop_tracer
	done | median
}

cpu_ns() {
	local ns

	read -r ns _ <"/proc/$1/schedstat"
	echo "$ns"
}

# cost_of COMMAND...: microseconds of mqwatchd's CPU per call
cost_of() {
	local before after i

	"$@" >/dev/null
	before=$(cpu_ns "$tracer")
	for ((i = 0; i < 100; i++)); do
		"$@" >/dev/null
	done
	after=$(cpu_ns "$tracer")
	echo $(((after - before) / 100000))
}

scrape() {
	curl -sf "http://$address/metrics"
}

kilobytes() {
	awk -v key="$1:" '$1 == key { print $2 }' "/proc/$tracer/status"
}

print_resources() {
	local i

	echo '| | |'
	echo '| --- | ---: |'
	echo "| start to first scrape | $(start_to_first_scrape) ms |"
	trace_mqwatchd
	wait_for serving "$address"
	echo "| resident without a queue | $(kilobytes VmRSS) kB |"
	for ((i = 0; i < 256; i++)); do
		"$tools/mqfill" --depth=4 --message-size=64 create "/queue-number-$i"
		"$tools/mqfill" send "/queue-number-$i" 0:first 1:second
		"$tools/mqfill" receive "/queue-number-$i" >/dev/null
	done
	echo "| CPU per scrape of 256 queues | $(cost_of scrape) µs |"
	echo "| the page's size | $(scrape | wc -c) bytes |"
	echo "| CPU per \`mqwatchctl list\` of 256 queues | $(cost_of "$build/mqwatchctl" list) µs |"
	echo "| CPU per \`mqwatchctl dump\` of one | $(cost_of "$build/mqwatchctl" dump /queue-number-1) µs |"
	echo "| resident with 256 queues | $(kilobytes VmRSS) kB |"
	echo "| resident at most | $(kilobytes VmHWM) kB |"
	stop_tracer
}

mkdir -p "$build/bench"
clang -O2 -g -target bpf "-I/usr/include/$(uname -m)-linux-gnu" -c tests/bench/bpf/empty.bpf.c \
	-o "$build/bench/empty.bpf.o"
alone || echo 'Other programs are attached to these tracepoints: the figures include them.' >&2

printf 'Linux %s, %s × %s\n\n' "$(uname -r)" "$(nproc)" \
	"$(awk -F': ' '/model name/ { print $2; exit }' /proc/cpuinfo)"
measure_pairs
print_pairs
echo
print_resources
