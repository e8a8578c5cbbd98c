#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Every IPC namespace, and every queue in it.

load lib

setup_file() {
	export DEADLINE=20
}

# namespace: a new IPC namespace with a process that keeps it; sets PID and NS
namespace() {
	spawn unshare --ipc -- sleep 1000
	wait_for other_namespace "$PID"
	NS=$(stat -L -c %i "/proc/$PID/ns/ipc")
	LIST+=(--queues.namespaces "$NS")
}

other_namespace() {
	[ "$(stat -L -c %i "/proc/$1/ns/ipc")" != "$IPCNS" ] && [ "$(cat "/proc/$1/comm")" = sleep ]
}

# inside PID COMMAND...: in that process's IPC namespace
inside() {
	local pid=$1

	shift
	${EXEC:-} nsenter --ipc="/proc/$pid/ns/ipc" -- "$@"
}

payloads() {
	json dump "$@" | jq -r '.messages[].payload.data | @base64d'
}

setup_namespaces() {
	local i

	LIST=()
	pids=() numbers=()
	for i in 0 1 2; do
		namespace
		pids+=("$PID") numbers+=("$NS")
		inside "$PID" "$BIN/mqfill" --depth=$((i + 2)) --message-size=32 create /same
		inside "$PID" "$BIN/mqfill" send /same "0:in the namespace $i" 1:urgent
	done
}

@test "three namespaces with a queue of the same name: three rows, each with what is in it" {
	local i

	setup_namespaces
	daemon_start "${LIST[@]}"
	same 3 "$(json list | jq '[.queues[] | select(.queue == "/same")] | length')"
	same 3 "$(json list | jq '[.queues[] | select(.queue == "/same") | .ipcns] | unique | length')"
	for i in 0 1 2; do
		metric_is 2 mqwatch_queue_messages 'queue="/same"' "ipcns=\"${numbers[i]}\""
		metric_is $((i + 2)) mqwatch_queue_messages_limit 'queue="/same"' "ipcns=\"${numbers[i]}\""
		metric_is 1 mqwatch_queues "ipcns=\"${numbers[i]}\""
		metric_is 256 mqwatch_queues_limit "ipcns=\"${numbers[i]}\""
		metric_is 1 mqwatch_ipc_namespace_info "ipcns=\"${numbers[i]}\""
		same "urgent
in the namespace $i" "$(payloads --ipcns "${numbers[i]}" /same)"
		same "urgent
in the namespace $i" "$(payloads --pid "${pids[i]}" /same)"
		same 1 "$(json list --pid "${pids[i]}" | jq '.queues | length')"
		# what happens there is counted
		inside "${pids[i]}" "$BIN/mqfill" receive /same >/dev/null
		metric_is 1 mqwatch_queue_received_messages_total "ipcns=\"${numbers[i]}\""
	done
	metrics >page
	promtool check metrics <page
	run -2 ctl show /same
	contains "$output" "in 3 others"
}

@test "a namespace ends with its last process, whatever the daemon does" {
	local fds i

	daemon_start --queues.namespaces all
	for i in 1 2 3 4 5; do
		[ $i -ne 2 ] || fds=$(find "/proc/$DAEMON/fd" -mindepth 1 | wc -l)
		namespace
		inside "$PID" "$BIN/mqfill" create /short-lived
		inside "$PID" "$BIN/mqfill" send /short-lived 0:x
		metric_is 1 mqwatch_queue_messages "ipcns=\"$NS\""
		json dump --ipcns "$NS" /short-lived >/dev/null
		kill -KILL "$PID"
		wait "$PID" || :
		wait_for no_namespace "$NS"
		metrics >page
		run ! grep -a "ipcns=\"$NS\"" page
	done
	same "$fds" "$(find "/proc/$DAEMON/fd" -mindepth 1 | wc -l)"
	run ! grep -aE '^<[0-4]>' "$LOG"
}

no_namespace() {
	! metrics | grep -qa "ipcns=\"$1\""
}

@test "own: other namespaces are not watched; a list and a reload choose" {
	setup_namespaces
	"$BIN/mqfill" create /mine
	daemon_start
	same '["/mine"]' "$(json list | jq -c '[.queues[].queue]')"
	run -3 ctl dump --ipcns "${numbers[0]}" /same
	daemon_stop
	daemon_start --queues.namespaces "${numbers[1]}"
	same '["/mine","/same"]' "$(json list | jq -c '[.queues[].queue] | sort')"
	[ -z "$(metric mqwatch_queue_messages "ipcns=\"${numbers[0]}\"")" ]
}

@test "own: queues of other namespaces take no room from those that are watched, until a reload adds them" {
	local other

	NAMESPACES=()
	setup_namespaces
	other="ipcns=\"${numbers[0]}\""
	"$BIN/mqfill" create /mine
	printf '[queues]\nmax = 1\nnamespaces = own\n' >conf
	daemon_start --config=conf
	inside "${pids[0]}" "$BIN/mqfill" receive /same
	"$BIN/mqfill" send /mine 0:x
	metric_is 1 mqwatch_queue_sent_messages_total 'queue="/mine"'
	metric_is 0 mqwatch_events_lost_total 'reason="queues_full"'
	daemon_stop
	printf '[queues]\nmax = 8\nnamespaces = own\n' >conf
	daemon_start --config=conf
	inside "${pids[0]}" "$BIN/mqfill" receive /same
	printf '[queues]\nmax = 8\nnamespaces = own\nnamespaces = %s\n' "${numbers[0]}" >conf
	kill -HUP "$DAEMON"
	wait_for metric_is 0 mqwatch_queue_messages 'queue="/same"' "$other"
	metric_is 0 mqwatch_queue_received_messages_total 'queue="/same"' "$other"
	inside "${pids[0]}" "$BIN/mqfill" send /same 3:seen
	metric_is 1 mqwatch_queue_sent_messages_total 'queue="/same"' "$other"
	same mqfill "$(json dump --ipcns "${numbers[0]}" /same | jq -r '.messages[0].sender.comm')"
	metric_is 0 mqwatch_events_lost_total 'reason="queues_full"'
}

@test "a queue unlinked while open: listed, dumped, linked=\"false\"; gone with its last descriptor" {
	local holder inode

	daemon_start
	"$BIN/mqfill" --depth=3 --message-size=32 create /orphaned
	"$BIN/mqfill" send /orphaned 0:kept
	spawn "$BIN/mqfill" hold /orphaned
	holder=$PID
	wait_for open_to "$holder"
	metric_is 1 mqwatch_queue_info 'queue="/orphaned"' 'linked="true"'
	"$BIN/mqfill" unlink /orphaned
	same false "$(json list | jq '.queues[] | select(.queue == "/orphaned").linked')"
	metric_is 1 mqwatch_queue_info 'queue="/orphaned"' 'linked="false"'
	metric_is 1 mqwatch_queue_messages 'queue="/orphaned"'
	metric_is 1 mqwatch_queue_readers 'queue="/orphaned"'
	metric_is 1 mqwatch_queue_sent_messages_total 'queue="/orphaned"'
	same kept "$(payloads /orphaned)"
	# the name is used again, while the old queue is open
	"$BIN/mqfill" --depth=3 --message-size=32 create /orphaned
	"$BIN/mqfill" send /orphaned 0:new 0:newer
	same '[[true,2],[false,1]]' \
		"$(json list | jq -c '[.queues[] | select(.queue == "/orphaned") | [.linked, .messages]]')"
	same 'new
newer' "$(payloads /orphaned)"
	same 2 "$(metrics | grep -c '^mqwatch_queue_messages{.*queue="/orphaned"')"
	same 1 "$(metrics | grep -c '^mqwatch_queue_messages{.*queue="/orphaned",unlinked="[0-9]*"} 1')"
	metric_is 3 mqwatch_queue_sent_messages_total 'queue="/orphaned"'
	metrics >page
	promtool check metrics <page
	# the old one is reached by its inode
	inode=$(json list | jq '.queues[] | select(.queue == "/orphaned" and .linked == false).inode')
	same kept "$(payloads --inode "$inode" /orphaned)"
	same kept "$(api "/v1/queues/$IPCNS/orphaned/messages?inode=$inode" | jq -r '.messages[].payload.data | @base64d')"
	same 'false 1' "$(json show --inode "$inode" /orphaned | jq -r '"\(.linked) \(.messages)"')"
	same "[$holder]" "$(json who --inode "$inode" /orphaned | jq -c '[.openers[].pid]')"
	contains "$(ctl dump --inode "$inode" /orphaned)" '^/orphaned: 1/3 messages'
	same 'true 2' "$(json show /orphaned | jq -r '"\(.linked) \(.messages)"')"
	run -3 ctl show --inode "$inode" /other
	run -3 ctl show --inode $((inode + 1000000)) /orphaned
	run -2 ctl show --inode x /orphaned
	kill -KILL "$holder"
	wait "$holder" || :
	run -3 ctl show --inode "$inode" /orphaned
	same '[[true,2]]' \
		"$(json list | jq -c '[.queues[] | select(.queue == "/orphaned") | [.linked, .messages]]')"
	metric_is 3 mqwatch_queue_sent_messages_total 'queue="/orphaned"'
}

open_to() {
	# shellcheck disable=SC2012 # the links' targets
	ls -l "/proc/$1/fd" | grep -q "/${2:-orphaned}"
}

@test "names that are to be watched, and not" {
	"$BIN/mqfill" create /app-one
	"$BIN/mqfill" create /app-two
	"$BIN/mqfill" create /other
	daemon_start --queues.include '/app-*' --queues.include /none --queues.exclude '*-two'
	same '["/app-one"]' "$(json list | jq -c '[.queues[].queue]')"
	metric_is 2 mqwatch_queues_dropped 'reason="filter"'
}

# wandering [COUNT]: a process that goes through the namespaces and opens the queue of each
wandering() {
	local pid files=()

	for pid in "${pids[@]}"; do
		files+=("/proc/$pid/ns/ipc")
	done
	spawn "$BIN/mqfill" ${1:+--count="$1"} wander /same "${files[@]}"
}

holding() {
	json who --ipcns "$2" /same | jq -e --argjson pid "$1" 'any(.openers[]; .pid == $pid)'
}

@test "processes that change namespaces, execute and end meanwhile: every row is right, and nothing is logged" {
	local i rows found

	setup_namespaces
	daemon_start --stall.after 0 "${LIST[@]}"
	rows=$(json list | jq -c '[.queues[] | [.ipcns, .queue, .messages, .messages_limit, .linked]]')
	same 3 "$(jq length <<<"$rows")"
	for i in 1 2 3 4; do
		wandering 1000000
	done
	for ((i = 0; i < 15; i++)); do
		found=$(json list | jq -c '[.queues[] | [.ipcns, .queue, .messages, .messages_limit, .linked]]')
		same "$rows" "$found"
		json who --ipcns "${numbers[i % 3]}" /same |
			jq -e 'all(.openers[]; .comm == "mqfill" or .comm == null) and .readers <= 4'
		same "urgent
in the namespace $((i % 3))" "$(payloads --ipcns "${numbers[i % 3]}" /same)"
		metrics >page
		same 3 "$(grep -c '^mqwatch_queue_messages{.*queue="/same"} 2$' page)"
	done
	promtool check metrics <page
	for i in "${SPAWNED[@]: -4}"; do
		kill -KILL "$i"
		wait "$i" || :
	done
	# one that has a queue open of a namespace that it left
	wandering 3
	wait_for holding "$PID" "${numbers[2]}"
	wait_for entered "$PID" "${numbers[0]}"
	holding "$PID" "${numbers[2]}"
	run ! holding "$PID" "${numbers[0]}"
	metric_is 1 mqwatch_queue_readers "ipcns=\"${numbers[2]}\""
	metric_is 0 mqwatch_queue_readers "ipcns=\"${numbers[0]}\""
	run ! grep -aE '^<[0-4]>' "$LOG"
}

entered() {
	[ "$(stat -L -c %i "/proc/$1/ns/ipc")" = "$2" ]
}
