#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Queues come and go at any moment.

load lib

# Makes, fills and removes queues under a few names until it is killed.
churn() {
	local i=0

	while :; do
		"$BIN/mqfill" --depth=2 --message-size=16 create "/churn$((i % 7))" || :
		"$BIN/mqfill" --nonblock send "/churn$((i % 7))" 0:x 1:y || :
		"$BIN/mqfill" unlink "/churn$(((i + 3) % 7))" || :
		i=$((i + 1))
	done
}

no_complaint() {
	run ! grep -aE '^<[0-4]>' "$LOG"
}

@test "hundreds of looks while queues come and go" {
	local i

	# on a slow machine a queue may well hold its messages for longer than that takes
	daemon_start --stall.after 0
	spawn churn 2>/dev/null
	spawn churn 2>/dev/null
	for ((i = 0; i < 50; i++)); do
		metrics >page
		json list | jq -e .queues >/dev/null
		run ctl dump "/churn$((i % 7))"
		[ "$status" -eq 0 ] || [ "$status" -eq 3 ]
		run ctl show "/churn$((i % 7))"
		[ "$status" -eq 0 ] || [ "$status" -eq 3 ]
	done
	promtool check metrics <page
	no_complaint
}

@test "stress-ng --mq" {
	local i

	daemon_start
	spawn as "$STRANGER" nice -n 10 stress-ng --mq 2 --mq-size 10 --timeout 300 --quiet \
		--temp-path /tmp
	wait_for sh -c "[ -n \"\$(ls $MQFS)\" ]"
	for ((i = 0; i < 20; i++)); do
		metrics >page
	done
	[ "$(awk '/^mqwatch_queue_sent_messages_total/ { n += $NF } END { print n }' page)" -gt 0 ]
	no_complaint
}

@test "more identities than slots, one after another: counted, and none lost" {
	local i

	daemon_start --queues.max 64
	for ((i = 0; i < 200; i++)); do
		"$BIN/mqfill" --depth=2 --message-size=16 create "/slot$i"
		"$BIN/mqfill" send "/slot$i" 0:x
		[ $((i % 10)) -ne 0 ] ||
			metric_is 1 mqwatch_queue_sent_messages_total "queue=\"/slot$i\""
		"$BIN/mqfill" unlink "/slot$i"
	done
	no_complaint
}

@test "memory and descriptors do not grow" {
	local i before after fds

	! sanitized || skip "the sanitizers keep freed memory"
	daemon_start
	"$BIN/mqfill" create /stays
	"$BIN/mqfill" send /stays 0:x
	for ((i = 0; i < 60; i++)); do
		[ $i -ne 20 ] || before=$(awk '/^VmRSS/ { print $2 }' "/proc/$DAEMON/status")
		"$BIN/mqfill" create "/turn$i"
		metrics >page
		json dump /stays >/dev/null
		"$BIN/mqfill" unlink "/turn$i"
	done
	after=$(awk '/^VmRSS/ { print $2 }' "/proc/$DAEMON/status")
	[ $((after - before)) -lt 1000 ] || same "$before kB" "$after kB"
	fds=$(find "/proc/$DAEMON/fd" -mindepth 1 | wc -l)
	metrics >page
	same "$fds" "$(find "/proc/$DAEMON/fd" -mindepth 1 | wc -l)"
}

# Makes and removes N queues, one message in each, as fast as it goes.
@test "100000 queues made and removed: memory flat, no series left, the log silent, totals right" {
	local i before after total=${MQWATCH_CHURN:-100000}

	! sanitized || skip "the sanitizers keep freed memory"
	daemon_start --stall.after 0
	"$BIN/mqchurn" 5000
	metrics >page
	before=$(awk '/^VmRSS/ { print $2 }' "/proc/$DAEMON/status")
	spawn "$BIN/mqchurn" "$total"
	while ! gone "$PID" && ! grep -q '^State:.Z' "/proc/$PID/status" 2>/dev/null; do
		metrics >page
	done
	wait "$PID"
	metrics >page
	after=$(awk '/^VmRSS/ { print $2 }' "/proc/$DAEMON/status")
	[ $((after - before)) -lt 2000 ] || same "$before kB" "$after kB"
	run ! grep -a 'queue="/churn-' page
	metric_is 0 mqwatch_queues "ipcns=\"$IPCNS\""
	no_complaint
	[ "$(wc -l <"$LOG")" -lt 20 ]
	# the names again: what was sent to each before is in its total, but what found no slot, as they come
	# faster than slots are taken back; that is counted
	for ((i = 0; i < 50; i++)); do
		"$BIN/mqfill" --depth=2 --message-size=16 create "/churn-$i"
	done
	DEADLINE=60 wait_for sums_up $((total + 5000))
}

# Whether so many sends are in the totals or counted as lost.
sums_up() {
	metrics | awk -v expected="$1" '
		/^mqwatch_queue_sent_messages_total\{.*queue="\/churn-/ || /^mqwatch_events_lost_total\{reason="queues_full"/ {
			sum += $NF
		}
		END { if (sum != expected) { print sum; exit 1 } }'
}
