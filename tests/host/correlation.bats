#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The age and sender of every queued message, against what the messages themselves say.

load lib

# truth QUEUE [STAMPS]: the counts of one dump, in $TRUTH
truth() {
	local queue=$1

	shift
	TRUTH=$(json dump --bytes 64 "$queue" | "$BIN/mqtruth" "$@")
}

# of KEY: a count of the last truth
of() {
	jq ".$1" <<<"$TRUTH"
}

fill() {
	"$BIN/mqload" --receivers=0 --keep --quiet "$@"
}

# Fills a queue that takes most of what one user's queues may.
fill_deep() {
	install -m 0666 /dev/null stamps
	as "$STRANGER" "$BIN/mqload" --receivers=0 --keep --quiet --messages=3000 --depth=3000 --size=64 \
		--stamps=stamps "$@"
}

@test "one sender per priority: every message's sender and age are right" {
	daemon_start
	fill_deep --senders=5 --own-priority /own
	truth /own stamps
	echo "$TRUTH"
	same '3000 0 0 0' "$(of known) $(of before) $(of unknown) $(of wrong_sender)"
	same 0 "$(of off_1ms)"
}

@test "senders that race: 99.9% of the senders are right, none is unknown" {
	daemon_start
	fill_deep --senders=8 --priorities=5 /race
	truth /race stamps
	echo "$TRUTH"
	same '3000 0 0' "$(of known) $(of before) $(of unknown)"
	[ "$(of wrong_sender)" -le 3 ]
	same 0 "$(of off_10ms)"
}

@test "messages older than the daemon have a bound, the others an age" {
	fill --senders=2 --priorities=2 --messages=100 --size=64 --depth=200 /older
	daemon_start
	truth /older
	echo "$TRUTH"
	same '0 100 0' "$(of known) $(of before) $(of unknown)"
	fill --senders=2 --priorities=2 --messages=100 --size=64 /older
	truth /older
	echo "$TRUTH"
	same '100 100 0 0' "$(of known) $(of before) $(of unknown) $(of wrong_sender)"
	ctl dump /older --no-payload | grep -q '≥'
	# how long they stayed is known of those that were seen coming
	"$BIN/mqfill" --nonblock receive /older >/dev/null
	metric_is 100 mqwatch_queue_unpaired_messages_total 'queue="/older"'
	metric_is 100 mqwatch_queue_residence_seconds_count 'queue="/older"'
}

@test "a daemon restarted in the middle of a flow never says a wrong sender, and knows again" {
	local i load

	daemon_start
	spawn "$BIN/mqload" --senders=3 --receivers=2 --priorities=3 --size=64 --depth=500 \
		--send-rate=2000 --receive-rate=2000 --quiet /flow
	load=$PID
	for i in 1 2 3 4 5; do
		daemon_stop
		daemon_start
		truth /flow
		echo "$TRUTH"
		same '0 0' "$(of wrong_sender) $(of wrong_bound)"
	done
	kill "$load"
	wait "$load"
	fill --senders=3 --priorities=3 --messages=100 --size=64 --depth=200 /flow
	truth /flow
	same '100 0 0' "$(of known) $(of unknown) $(of wrong_sender)"
}

# paired QUEUE: each receive of a message that is sent now is paired with its send
paired() {
	local queue="queue=\"$1\"" before

	before=$(metric mqwatch_queue_unpaired_messages_total "$queue")
	"$BIN/mqfill" --nonblock receive "$1" >/dev/null
	"$BIN/mqfill" send "$1" 0:a 1:b 2:c 3:d
	"$BIN/mqfill" --nonblock receive "$1" >/dev/null
	metric_is "$before" mqwatch_queue_unpaired_messages_total "$queue"
}

@test "receivers that do not ask for the priority leave ages and senders right" {
	daemon_start
	"$BIN/mqload" --senders=3 --receivers=2 --priorities=4 --messages=20000 --size=64 --depth=100 \
		--no-priority --keep --quiet /null
	fill --senders=3 --priorities=4 --messages=80 --size=64 /null
	truth /null
	echo "$TRUTH"
	same '80 0 0' "$(of known) $(of unknown) $(of wrong_sender)"
	metric_is 0 mqwatch_events_lost_total 'reason="call"'
	# which of several levels a message was of is unknown, until one look
	[ "$(metric mqwatch_queue_unpaired_messages_total 'queue="/null"')" -gt 10000 ]
	paired /null
}

@test "receivers that do not ask are paired while there is one priority" {
	daemon_start
	"$BIN/mqload" --senders=3 --receivers=2 --messages=20000 --size=64 --depth=100 --no-priority \
		--keep --quiet /one
	metric_is 0 mqwatch_queue_unpaired_messages_total 'queue="/one"'
	metric_is 20000 mqwatch_queue_residence_seconds_count 'queue="/one"'
}

starved() {
	json show "$1" | jq -e '.stalled == ["starved"]'
}

# truth_of_last QUEUE: its last message has its sender and age
truth_of_last() {
	json dump --bytes 64 "$1" | jq '.messages |= .[-1:]' >last.json
	jq -c '.messages[0] | [.priority, .sender.comm, .age_seconds]' last.json
	TRUTH=$("$BIN/mqtruth" <last.json)
	echo "$TRUTH"
	same 0 "$(jq .messages[0].priority last.json)"
	same '1 0 0' "$(of known) $(of wrong_sender) $(of off_10ms)"
}

@test "a message that is starved behind many others keeps its age and sender" {
	local half first

	daemon_start --stall.after=1s
	fill --messages=1 --size=64 --depth=500 /starved
	fill --first-priority=1 --priorities=3 --messages=400 --size=64 /starved
	half=$((${MQWATCH_OVERTAKERS:-1000000} / 2))
	spawn "$BIN/mqfill" --count=$half overtake /starved 1 2 3
	first=$PID
	spawn "$BIN/mqfill" --count=$half overtake /starved 3 1
	wait_for starved /starved
	wait "$first" "$PID"
	truth_of_last /starved
	metric_is "$((2 * half))" mqwatch_queue_received_messages_total 'queue="/starved"'
	metric_is 1 mqwatch_queue_stalls_total 'queue="/starved"' 'reason="starved"'
}

@test "32 queues at once, looked at while their messages come and go" {
	local i pids=() loads=()

	daemon_start
	for i in $(seq 32); do
		spawn "$BIN/mqload" --senders=2 --receivers=1 --priorities=2 --size=64 --depth=50 --keep \
			--quiet --send-rate=100 --receive-rate=150 "/many-$i"
		loads+=("$PID")
	done
	for i in $(seq 32); do
		wait_for test -e "$MQFS/many-$i"
		truth "/many-$i"
		same '0 0' "$(of wrong_sender) $(of wrong_bound)"
	done
	kill "${loads[@]}"
	wait "${loads[@]}"
	for i in $(seq 32); do
		"$BIN/mqfill" --nonblock receive "/many-$i" >/dev/null
		fill --senders=2 --priorities=2 --messages=50 --size=64 "/many-$i" &
		pids+=($!)
	done
	wait "${pids[@]}"
	for i in $(seq 32); do
		truth "/many-$i"
		same '50 0 0' "$(of known) $(of unknown) $(of wrong_sender)"
	done
}

@test "more sends than are remembered: unknown, counted, and known again" {
	local unknown

	daemon_start --queues.records 1024
	fill_deep --senders=1 /over
	truth /over
	echo "$TRUTH"
	[ "$(of unknown)" -ge 1900 ]
	same '0 0' "$(of wrong_sender) $(of off_10ms)"
	[ "$(metric mqwatch_events_lost_total 'reason="record"')" -ge "$(of unknown)" ]
	unknown=$(of unknown)
	# so is the time that those stayed which nobody remembers
	"$BIN/mqfill" --nonblock receive /over >/dev/null
	metric_is "$unknown" mqwatch_queue_unpaired_messages_total 'queue="/over"'
	metric_is $((3000 - unknown)) mqwatch_queue_residence_seconds_count 'queue="/over"'
	fill --senders=1 --messages=20 --size=64 /over
	truth /over
	same '20 0 0' "$(of known) $(of unknown) $(of wrong_sender)"
}
