#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# How long messages stay in a queue, by the send and the receive of each and by the depth over time.

load lib

# counted QUEUE RECEIVED: each of so many received messages has its time
counted() {
	metric_is "$2" mqwatch_queue_received_messages_total "queue=\"$1\""
	metric_is 0 mqwatch_queue_unpaired_messages_total "queue=\"$1\""
	metric_is "$2" mqwatch_queue_residence_seconds_count "queue=\"$1\""
}

# agree QUEUE: the mean residence by pairs is that by depth over time, within 2%
agree() {
	local pairs depth

	pairs=$(metric mqwatch_queue_residence_seconds_sum "queue=\"$1\"")
	depth=$(metric mqwatch_queue_depth_seconds_total "queue=\"$1\"")
	awk -v a="$pairs" -v b="$depth" 'BEGIN {
		printf "%s by pairs, %s by depth: %.2f%%\n", a, b, (a - b) / b * 100
		exit !(a > b * 0.98 && a < b * 1.02)
	}'
}

@test "Little's law: the mean residence by pairs is that by depth over time" {
	daemon_start
	"$BIN/mqload" --keep --quiet --messages=4000 --senders=2 --send-rate=400 --receive-rate=1000 \
		--priorities=3 --size=64 /little
	counted /little 4000
	agree /little
}

# On two CPUs a receiver is often back in user space before its sender is.
# race QUEUE OPTION...
race() {
	local queue=$1

	shift
	"$BIN/mqload" --keep --quiet --messages=100000 --size=64 "$@" "$queue"
	counted "$queue" 100000
	agree "$queue"
}

@test "senders and receivers that race: no message is without its time" {
	daemon_start
	race /one
	race /all --senders=4 --receivers=4 --priorities=5
	race /full --senders=8 --receivers=2 --depth=1
	# deeper than the records at hand
	race /deep --senders=4 --receivers=4 --depth=45
	race /deeper --senders=4 --receivers=4 --depth=500
}

@test "depth over time grows while nothing moves, and never goes back" {
	local last=0 now i

	daemon_start
	"$BIN/mqfill" create /standing
	"$BIN/mqfill" send /standing 0:a 0:b
	spawn "$BIN/mqload" --keep --send-rate=2000 --seconds=5 /moving
	for ((i = 0; i < 40; i++)); do
		now=$(metric mqwatch_queue_depth_seconds_total 'queue="/standing"')
		awk -v a="$last" -v b="$now" 'BEGIN {exit !(b > a)}'
		last=$now
	done
}
