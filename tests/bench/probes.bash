# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# What a send and receive cost untraced and under tracers, in turns; and what another system call does.

# Whether the tracer has programs on all four tracepoints.
attached() {
	[ "$(bpftool perf show | grep -c "^pid $tracer .* tracepoint .*mq_timed")" -ge 4 ]
}

opened() {
	[ "$(find "/proc/$tracer/fd" -lname '*perf_event*' | wc -l)" -ge 4 ]
}

trace_untraced() { :; }

# attach NAME: the programs that compile made
attach() {
	start "$tools/attach" "$build/bench/$1.bpf.o"
	wait_for attached
}

trace_empty() { attach empty; }
trace_clock() { attach clock; }

trace_bpftrace() {
	start bpftrace tests/bench/mq.bt
	wait_for attached
}

trace_perf() {
	start perf trace -a -e mq_timedsend,mq_timedreceive -o /dev/null
	wait_for opened
}

trace_strace() {
	wrap=(strace -f -o /dev/null -e 'trace=mq_timedsend,mq_timedreceive')
	calls=$((calls / 20 + 1))
}

trace_tracepoint() { start_daemon --probe=tracepoint; }
trace_fentry() { start_daemon --probe=fentry; }

fentry_works() {
	curl -sf --unix-socket /run/mqwatch/control.sock http://localhost/v1/status |
		jq -e '.probe.mode == "fentry"' >/dev/null
}

declare -A tracer_names=(
	[untraced]=untraced
	[empty]='four empty tracepoint programs'
	[clock]='the same, but two of them read the clock'
	[bpftrace]='bpftrace: count() and hist() per queue'
	[perf]='perf trace'
	[strace]='strace'
	[tracepoint]='mqwatchd, tracepoint mode'
	[fentry]='mqwatchd, fentry mode'
)

# Runs are short, and many: on a machine that has other things to do some have it to themselves.
runs=20

# measure VARIANT: one round
measure() {
	local run

	wrap=() calls=$((pairs / runs))
	"trace_$1"
	if [ "$1" = fentry ] && ! fentry_works; then
		stop
		return
	fi
	for ((run = 0; run < runs; run++)); do
		"${wrap[@]}" taskset -c 0 "$tools/mqpair" "$calls" >>"$work/$1.pair"
		"${wrap[@]}" taskset -c 0 "$tools/mqpair" "$calls" getppid >>"$work/$1.other"
	done
	stop
}

# added_by VARIANT: to a pair
added_by() {
	echo $(($(tenth <"$work/$1.pair") - $(tenth <"$work/untraced.pair")))
}

print_tracers() {
	local variant reference=0

	[ ! -e "$work/bpftrace.pair" ] || reference=$(added_by bpftrace)
	echo '| | ns per send+receive | median | added | of what bpftrace adds | ns per getppid(2) | median |'
	echo '| --- | ---: | ---: | ---: | ---: | ---: | ---: |'
	for variant in "$@"; do
		if [ ! -e "$work/$variant.pair" ]; then
			echo "| ${tracer_names[$variant]} | not permitted by this kernel | | | | | |"
			continue
		fi
		printf '| %s | %.0f | %.0f | %.0f | %s | %.0f | %.0f |\n' "${tracer_names[$variant]}" \
			"$(tenth <"$work/$variant.pair")" "$(median <"$work/$variant.pair")" \
			"$(added_by "$variant")" "$(divide "$(added_by "$variant")" "$reference")" \
			"$(tenth <"$work/$variant.other")" "$(median <"$work/$variant.other")"
	done
}

# compile NAME [OPTION]...
compile() {
	local name=$1

	shift
	mkdir -p "$build/bench"
	clang -O2 -g -target bpf "-I/usr/include/$(uname -m)-linux-gnu" "$@" -c tests/bench/bpf/empty.bpf.c \
		-o "$build/bench/$name.bpf.o"
}

# compare_tracers VARIANT...
compare_tracers() {
	local round variant

	compile empty
	compile clock -DCLOCK
	for ((round = 0; round < rounds; round++)); do
		for variant in "$@"; do
			measure "$variant"
		done
	done
	print_tracers "$@"
}

section_probes() {
	local others

	echo 'A pair is one `mq_send(3)` and one `mq_receive(3)` of 64 bytes in one process, so that nothing sleeps, in CPU'
	echo "time. Tracers take turns, $rounds times $runs runs each. The figure is the tenth percentile of the runs, as others"
	echo 'on the machine make a run longer and never shorter; the median beside it tells how much they did.'
	echo 'What strace does itself is not in its line, only what the traced process pays.'
	others=$(bpftool perf show | grep -c 'sys_enter_mq_timedsend' || :)
	[ "$others" = 0 ] ||
		echo "**Other programs were attached to these tracepoints ($others):** their cost is in each line, the untraced too."
	echo
	compare_tracers untraced empty clock bpftrace tracepoint fentry perf strace
}
