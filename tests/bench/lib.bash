# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# What the benchmark's sections share: tracers that are started and stopped, and numbers of many rounds.

build=$PWD/build
tools=$build/tests
PATH=$PATH:$build/deps/usr/bin # see tests/deps.sh
address=127.0.0.1:10119
work=$(mktemp -d)
tracer= # the process that traces or is measured

finish() {
	stop
	[ -z "${exporter:-}" ] || kill "$exporter" 2>/dev/null || :
	rm -rf "$work"
}
trap finish EXIT
trap 'exit 130' INT TERM

# start COMMAND...: sets tracer
start() {
	"$@" >/dev/null 2>"$work/tracer.log" &
	tracer=$!
}

stop() {
	[ -z "$tracer" ] || { kill "$tracer" && wait "$tracer"; } 2>/dev/null || :
	tracer=
}

start_daemon() {
	start "$build/mqwatchd" --log.level warning --queues.namespaces own "$@"
	wait_for serving "$address"
}

# of the numbers on standard input, one a line
median() {
	sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'
}

# of the numbers on standard input the one that a tenth are below, rounded
tenth() {
	sort -n | awk '{ v[NR] = $1 } END { printf "%.0f\n", v[int((NR + 9) / 10)] }'
}

# half of the distance between the quartiles, which a single outlier does not move
spread() {
	sort -n | awk '{ v[NR] = $1 } END {
		print (v[int((3 * NR + 3) / 4)] - v[int((NR + 3) / 4)]) / 2
	}'
}

# cpu_ns PID: of all its threads, so far
cpu_ns() {
	cat /proc/"$1"/task/*/schedstat | awk '{ n += $1 } END { printf "%.0f\n", n }'
}

# cost_of PID TIMES COMMAND...: that process's CPU for each run of the command, in ns
cost_of() {
	local pid=$1 times=$2 before i

	shift 2
	"$@" >/dev/null
	before=$(cpu_ns "$pid")
	for ((i = 0; i < times; i++)); do
		"$@" >/dev/null
	done
	echo $((($(cpu_ns "$pid") - before) / times))
}

# kilobytes PID KEY: of /proc/PID/status
kilobytes() {
	awk -v key="$2:" '$1 == key { print $2 }' "/proc/$1/status"
}

divide() {
	awk -v a="$1" -v b="$2" -v format="${3:-%.2f}" 'BEGIN { printf format "\n", b ? a / b : 0 }'
}
