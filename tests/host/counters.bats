#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Counters equal what was done.

load lib

# counted_as_done QUEUE REPORT [SERIES-OF-BEFORE]: the counters against mqload's own report
counted_as_done() {
	local queue="queue=\"$1\"" report=$2 errno

	metric_is "$(jq .sent "$report")" mqwatch_queue_sent_messages_total "$queue"
	metric_is "$(jq .sent_bytes "$report")" mqwatch_queue_sent_bytes_total "$queue"
	metric_is "$(jq .received "$report")" mqwatch_queue_received_messages_total "$queue"
	metric_is "$(jq .received_bytes "$report")" mqwatch_queue_received_bytes_total "$queue"
	for errno in $(jq -r '.send_errors | keys[]' "$report"); do
		metric_is "$(jq ".send_errors.$errno" "$report")" mqwatch_queue_send_errors_total \
			"$queue" "errno=\"$errno\""
	done
	for errno in $(jq -r '.receive_errors | keys[]' "$report"); do
		metric_is "$(jq ".receive_errors.$errno" "$report")" \
			mqwatch_queue_receive_errors_total "$queue" "errno=\"$errno\""
	done
}

nothing_lost() {
	local lost

	lost=$(metrics | awk '/^mqwatch_events_lost_total/ && $NF != 0')
	same '' "$lost" "lost events"
}

@test "2 million sends and receives by 4+4 processes, exactly" {
	local messages=${MQWATCH_MESSAGES:-2000000}

	daemon_start
	"$BIN/mqfill" --message-size=256 create /truth
	"$BIN/mqload" --keep --senders=4 --receivers=4 --messages="$messages" --size=1-256 \
		--priorities=3 /truth | tee report.json
	same "$messages" "$(jq .sent report.json)"
	same "$messages" "$(jq .received report.json)"
	counted_as_done /truth report.json
	nothing_lost
}

@test "non-blocking senders and receivers, every EAGAIN included" {
	daemon_start
	"$BIN/mqfill" --depth=2 create /eagain
	"$BIN/mqload" --keep --nonblock --senders=3 --receivers=3 --messages=100000 --size=8-64 \
		/eagain | tee report.json
	[ "$(jq .send_errors.EAGAIN report.json)" -gt 0 ]
	[ "$(jq .receive_errors.EAGAIN report.json)" -gt 0 ]
	counted_as_done /eagain report.json
	nothing_lost
}

@test "sends and receives that were counted while nobody scraped belong to their own queue" {
	local i

	daemon_start
	for i in 1 2 3 4 5; do
		"$BIN/mqload" --keep --messages=$((i * 1000)) --depth=5 "/each$i" >"report$i.json"
	done
	for i in 1 2 3 4 5; do
		counted_as_done "/each$i" "report$i.json"
	done
}

@test "errors by errno" {
	local queue='queue="/errors"' send=mqwatch_queue_send_errors_total

	daemon_start
	"$BIN/mqfill" --depth=1 --message-size=4 create /errors
	run -1 "$BIN/mqfill" send /errors 0:too-long
	"$BIN/mqfill" send /errors 0:full
	run -1 "$BIN/mqfill" --nonblock send /errors 0:more
	run -1 "$BIN/mqfill" --nonblock send /errors 0:more
	metric_is 1 $send "$queue" 'errno="EMSGSIZE"'
	metric_is 2 $send "$queue" 'errno="EAGAIN"'
	metric_is 1 mqwatch_queue_sent_messages_total "$queue"
	"$BIN/mqfill" receive /errors
	run -1 "$BIN/mqfill" --nonblock --count=1 receive /errors
	metric_is 1 mqwatch_queue_receive_errors_total "$queue" 'errno="EAGAIN"'
	metric_is 1 mqwatch_queue_received_messages_total "$queue"
}

@test "counters go on when a queue is removed and made again" {
	local queue='queue="/again"'

	daemon_start
	"$BIN/mqfill" create /again
	"$BIN/mqfill" send /again 0:1 0:22 0:333
	"$BIN/mqfill" --count=2 receive /again
	metric_is 3 mqwatch_queue_sent_messages_total "$queue"
	"$BIN/mqfill" unlink /again
	metric_is '' mqwatch_queue_messages "$queue"
	"$BIN/mqfill" create /again
	metric_is 3 mqwatch_queue_sent_messages_total "$queue"
	metric_is 0 mqwatch_queue_messages "$queue"
	"$BIN/mqfill" send /again 0:4444
	metric_is 4 mqwatch_queue_sent_messages_total "$queue"
	metric_is 10 mqwatch_queue_sent_bytes_total "$queue"
	metric_is 2 mqwatch_queue_received_messages_total "$queue"
}

@test "counters go on over removals that no scrape saw" {
	local queue='queue="/fast"' i

	daemon_start
	for i in 1 2 3 4 5; do
		"$BIN/mqfill" create /fast
		"$BIN/mqfill" send /fast 0:a 0:b
		"$BIN/mqfill" unlink /fast
	done
	"$BIN/mqfill" create /fast
	metric_is 10 mqwatch_queue_sent_messages_total "$queue"
	metric_is 10 mqwatch_queue_sent_bytes_total "$queue"
}

@test "a queue of the same name in another IPC namespace is another queue" {
	daemon_start
	"$BIN/mqfill" create /twin
	"$BIN/mqfill" send /twin 0:here
	# shellcheck disable=SC2016 # the inner shell expands
	unshare --ipc sh -c '"$1" create /twin && "$1" send /twin 0:there 0:there' sh "$BIN/mqfill"
	metric_is 1 mqwatch_queue_sent_messages_total 'queue="/twin"' "ipcns=\"$IPCNS\""
}

@test "blocked calls show while they last, then in the histogram" {
	local queue='queue="/blocked"' receiver

	daemon_start
	"$BIN/mqfill" --depth=1 create /blocked
	metric_is 0 mqwatch_queue_blocked_receivers "$queue"
	spawn "$BIN/mqfill" receive /blocked
	receiver=$PID
	wait_for asleep_in_queue "$receiver"
	metric_is 1 mqwatch_queue_blocked_receivers "$queue"
	metric_is 0 mqwatch_queue_blocked_senders "$queue"
	run -0 ctl show /blocked
	contains "$output" "\\b$receiver\\b"
	contains "$output" mqfill
	"$BIN/mqfill" send /blocked 0:wake
	wait "$receiver"
	metric_is 0 mqwatch_queue_blocked_receivers "$queue"
	metric_is 1 mqwatch_queue_receive_blocked_seconds_count "$queue"

	"$BIN/mqfill" send /blocked 0:full
	spawn "$BIN/mqfill" send /blocked 0:waits
	wait_for asleep_in_queue "$PID"
	metric_is 1 mqwatch_queue_blocked_senders "$queue"
	"$BIN/mqfill" --count=2 receive /blocked
	wait "$PID"
	metric_is 0 mqwatch_queue_blocked_senders "$queue"
}

@test "calls that began before the daemon are seen as blocked" {
	"$BIN/mqfill" create /early
	spawn "$BIN/mqfill" receive /early
	wait_for asleep_in_queue "$PID"
	daemon_start
	metric_is 1 mqwatch_queue_blocked_receivers 'queue="/early"'
}

@test "depth at send: a send into an empty queue and one into a full queue" {
	local name=mqwatch_queue_depth_at_send_ratio queue='queue="/ratio"'

	daemon_start
	"$BIN/mqfill" --depth=10 create /ratio
	"$BIN/mqfill" send /ratio 0:1
	metric_is 1 ${name}_bucket "$queue" 'le="0"'
	"$BIN/mqfill" send /ratio 0:2 0:3 0:4 0:5 0:6 0:7 0:8 0:9 0:10
	metric_is 1 ${name}_bucket "$queue" 'le="0"'
	metric_is 6 ${name}_bucket "$queue" 'le="0.5"'
	metric_is 10 ${name}_bucket "$queue" 'le="0.9"'
	run -1 "$BIN/mqfill" --nonblock send /ratio 0:11
	metric_is "$(metric ${name}_count "$queue")" ${name}_bucket "$queue" 'le="+Inf"'
}

@test "a call that did not sleep was blocked for no time" {
	local name queue='queue="/at-once"'

	daemon_start
	"$BIN/mqfill" create /at-once
	"$BIN/mqfill" send /at-once 0:a 0:b
	"$BIN/mqfill" --count=2 receive /at-once
	"$BIN/mqfill" --nonblock receive /at-once
	for name in mqwatch_queue_send_blocked_seconds mqwatch_queue_receive_blocked_seconds; do
		metric_is 0 "${name}_sum" "$queue"
		same "$(metric "${name}_count" "$queue")" "$(metric "${name}_bucket" "$queue" 'le="0.000001024"')"
	done
	metric_is 3 mqwatch_queue_receive_blocked_seconds_count "$queue"
}

@test "times of the last send and receive are now, and absent before" {
	local queue='queue="/last"' before after

	daemon_start
	"$BIN/mqfill" create /last
	metric_is '' mqwatch_queue_last_send_timestamp_seconds "$queue"
	before=$(date +%s.%N)
	"$BIN/mqfill" send /last 0:x
	after=$(date +%s.%N)
	metric_is '' mqwatch_queue_last_receive_timestamp_seconds "$queue"
	metric mqwatch_queue_last_send_timestamp_seconds "$queue" |
		awk -v a="$before" -v b="$after" '{ exit !($1 >= a - 0.01 && $1 <= b + 0.01) }'
	"$BIN/mqfill" receive /last
	[ -n "$(metric mqwatch_queue_last_receive_timestamp_seconds "$queue")" ]
}
