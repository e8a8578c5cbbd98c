#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What many queues in many IPC namespaces cost: memory, a scrape, a round of looks. NAMESPACES=50 QUEUES=200,
# which is the number in each.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/common.bash
. "$here/../common.bash"
private "$@"
build=${MQWATCH_BUILD:-$here/../../build}
namespaces=${NAMESPACES:-50} queues=${QUEUES:-200}
total=$((namespaces * queues))
work=$(mktemp -d)
daemon=
spaces=

finish() {
	[ -z "$spaces" ] || kill "$spaces" 2>/dev/null || :
	[ -z "$daemon" ] || kill "$daemon" 2>/dev/null || :
	wait
	rm -rf "$work"
}
trap finish EXIT

# CPU time of the daemon so far, in ms: of the scheduler, which counts finer than the ticks of stat
cpu() {
	awk '{ printf "%.3f", $1 / 1e6 }' "/proc/$daemon/schedstat"
}

resident() {
	awk '/^VmRSS/ { print $2 }' "/proc/$daemon/status"
}

anonymous() {
	awk '/^RssAnon/ { print $2 }' "/proc/$daemon/status"
}

# mapped NAME: resident kB of the mappings of that name
mapped() {
	awk -v name="$1" '/^[0-9a-f]+-/ { here = $6 == name } /^Rss/ && here { n += $2 } END { print n + 0 }' \
		"/proc/$daemon/smaps"
}

# spent BEFORE AFTER N: ms each
spent() {
	awk -v a="$1" -v b="$2" -v n="$3" 'BEGIN { printf "%.2f", (b - a) / n }'
}

start_daemon() {
	STATE_DIRECTORY=$work "$build/mqwatchd" --web.listen-address 127.0.0.1:19119 --control.socket "$work/socket" \
		--queues.max 16384 --queues.records 65536 \
		--queues.include '/bench-queue-*' --watch.interval "$1" --stall.after 0 --log.level warning \
		--queues.namespaces all &
	daemon=$!
	wait_for serving 127.0.0.1:19119
}

scrape() {
	curl -sf http://127.0.0.1:19119/metrics -o "$work/page"
}

# changing LABEL STEP: what looks cost while every STEPth queue changes each second, or with 0 none does
changing() {
	local before after n=0

	[ "$2" -eq 0 ] || n=$((namespaces * ((queues + $2 - 1) / $2)))
	before=$(cpu)
	for _ in 1 2 3 4 5 6 7 8 9 10; do
		[ "$2" -eq 0 ] || /bin/kill -s USR1 -q "$2" "$spaces"
		sleep 1
	done
	after=$(cpu)
	printf '%s: per second with %d queues changed: %s ms of CPU\n' "$1" "$n" "$(spent "$before" "$after" 10)"
}

rounds() {
	local step

	scrape
	sleep 3
	for step in 0 100 10 1; do
		changing "$1" $step
	done
}

measure() {
	local label=$1 before after empty empty_anonymous

	shift
	start_daemon 1s
	for _ in 1 2 3; do
		scrape
	done
	empty=$(resident)
	empty_anonymous=$(anonymous)
	coproc SPACES { exec "$build/tests/spaces" "$@" "$namespaces" "$queues"; }
	spaces=$SPACES_PID
	read -r -u "${SPACES[0]}" _
	for _ in 1 2 3; do
		scrape
	done
	printf '%s: %d queues listed in %d namespaces, page of %d bytes\n' "$label" \
		"$(grep -c '^mqwatch_queue_messages{' "$work/page")" \
		"$(grep -o '^mqwatch_queue_messages{ipcns="[0-9]*"' "$work/page" | sort -u | wc -l)" \
		"$(stat -c %s "$work/page")"
	before=$(cpu)
	for _ in 1 2 3 4 5 6 7 8 9 10; do
		scrape
	done
	after=$(cpu)
	printf '%s: CPU per scrape: %s ms\n' "$label" "$(spent "$before" "$after" 10)"
	printf '%s: heap %d kB, slots of the probes %d kB\n' "$label" "$(mapped '[heap]')" "$(mapped anon_inode:bpf-map)"
	printf '%s: resident %d kB, of which %d bytes per queue; anonymous %d kB, %d bytes per queue\n' "$label" \
		"$(resident)" $((($(resident) - empty) * 1024 / total)) \
		"$(anonymous)" $((($(anonymous) - empty_anonymous) * 1024 / total))
	rounds "$label"
	kill "$spaces" "$daemon"
	wait "$spaces" "$daemon" 2>/dev/null || :
	spaces='' daemon=''
}

measure 'unused queues'
measure 'used queues' --send
