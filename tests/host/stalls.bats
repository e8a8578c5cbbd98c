#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Stalls are found soon, told of, recorded, and over when they are over.

load lib

stalled_daemon() {
	daemon_start --stall.after=1s --recorder.directory="$BATS_TEST_TMPDIR/state" "$@"
}

# stalled QUEUE REASON...: exactly these reasons hold
stalled() {
	local queue=$1 shown

	shift
	shown=$(json show "$queue" | jq -r '.stalled | sort | join(" ")')
	same "$(printf '%s\n' "$@" | sort | paste -sd ' ')" "$shown" "$queue"
}

# noticed_within QUEUE REASON LIMIT_MS: the record says that the daemon noticed it in time
noticed_within() {
	local took

	took=$(api /v1/stalls | jq -r --arg q "$1" --arg r "$2" \
		'[.stalls[] | select(.queue == $q and .reason == $r)][0].id')
	[ "$took" != null ]
	# the snapshot is taken when it is noticed
	took=$(api "/v1/stalls/$took" | jq '((.snapshot.taken_at - .began_at) * 1000) | floor')
	if [ "$took" -lt 1000 ] || [ "$took" -gt "$3" ]; then
		echo "noticed after $took ms"
		return 1
	fi
}

# ended QUEUE REASON: all its records of that reason are
ended() {
	api /v1/stalls | jq -e --arg q "$1" --arg r "$2" '[.stalls[] | select(.queue == $q and .reason == $r)] |
		length > 0 and all(.state == "ended" and .ended_at != null)'
}

# ended_within_a_second QUEUE REASON SINCE (Unix time): by its last record
ended_within_a_second() {
	api /v1/stalls | jq -e --arg q "$1" --arg r "$2" --argjson since "$3" \
		'[.stalls[] | select(.queue == $q and .reason == $r)][-1].ended_at - $since <= 1'
}

@test "reader_idle: somebody has it open and does not read" {
	local since

	stalled_daemon
	"$BIN/mqfill" create /idle
	spawn "$BIN/mqfill" hold /idle
	"$BIN/mqfill" send /idle 0:a
	wait_for stalled /idle reader_idle
	noticed_within /idle reader_idle 2000
	metric_is 1 mqwatch_queue_stalled 'queue="/idle"' 'reason="reader_idle"'
	metric_is 0 mqwatch_queue_stalled 'queue="/idle"' 'reason="no_reader"'
	metric_is 1 mqwatch_queue_stalls_total 'queue="/idle"' 'reason="reader_idle"'
	contains "$(ctl list -o queue,stalled)" '^/idle +reader_idle$'
	warned 'Queue /idle is stalled \(reader_idle\)'
	since=$(date +%s.%N)
	"$BIN/mqfill" --count=1 receive /idle
	wait_for ended /idle reader_idle
	ended_within_a_second /idle reader_idle "$since"
	stalled /idle
	warned 'Queue /idle is no longer stalled \(reader_idle\)'
	metric_is 1 mqwatch_queue_stalls_total 'queue="/idle"' 'reason="reader_idle"'
}

@test "no_reader: nobody has it open; whoever comes gets its time" {
	stalled_daemon
	"$BIN/mqfill" create /nobody
	"$BIN/mqfill" send /nobody 0:a
	wait_for stalled /nobody no_reader
	noticed_within /nobody no_reader 2000
	spawn "$BIN/mqfill" hold /nobody
	wait_for stalled /nobody
	wait_for stalled /nobody reader_idle
	kill "$PID"
	wait_for stalled /nobody no_reader
	"$BIN/mqfill" unlink /nobody
	wait_for ended /nobody no_reader
}

@test "sender_blocked: on a full queue, by a call that is seen with its sender" {
	stalled_daemon
	"$BIN/mqfill" --depth=1 create /blocked
	"$BIN/mqfill" send /blocked 0:first
	spawn "$BIN/mqfill" send /blocked 0:second
	wait_for stalled /blocked no_reader sender_blocked
	noticed_within /blocked sender_blocked 2000
	json show /blocked | jq -e ".calls[0].pid == $PID and .calls[0].operation == \"send\""
	[ "$(metric mqwatch_queue_oldest_blocked_timestamp_seconds 'queue="/blocked"' 'operation="send"')" ]
	"$BIN/mqfill" --count=1 receive /blocked
	wait_for ended /blocked sender_blocked
	metric_is '' mqwatch_queue_oldest_blocked_timestamp_seconds 'queue="/blocked"'
}

@test "starved: an old message that others overtake" {
	stalled_daemon
	"$BIN/mqfill" --depth=10 --message-size=64 create /starved
	"$BIN/mqfill" send /starved 0:old
	spawn "$BIN/mqfill" hold /starved
	(
		trap 'exit 0' TERM
		"$BIN/mqfill" send /starved 9:new
		while :; do
			"$BIN/mqfill" send /starved 9:new
			"$BIN/mqfill" --count=1 receive /starved
		done
	) >/dev/null 3>&- &
	SPAWNED+=($!)
	wait_for stalled /starved starved
	json show /starved | jq -e '.oldest.priority == 0 and .oldest.age_seconds >= 1'
	kill "$!"
	wait "$!" || :
	"$BIN/mqfill" --nonblock receive /starved
	wait_for ended /starved starved
	stalled /starved
}

@test "full_rejecting: sends fail again and again" {
	stalled_daemon
	"$BIN/mqfill" --depth=1 create /full
	"$BIN/mqfill" send /full 0:first
	spawn "$BIN/mqfill" hold /full
	(
		trap 'exit 0' TERM
		while :; do
			"$BIN/mqfill" --nonblock send /full 0:more || :
			sleep 0.1
		done
	) >/dev/null 2>&1 3>&- &
	SPAWNED+=($!)
	wait_for stalled /full full_rejecting reader_idle
	kill "$!"
	wait "$!" || :
	"$BIN/mqfill" --count=1 receive /full
	wait_for ended /full full_rejecting
}

@test "bursts that are merely slow are no stall" {
	stalled_daemon --watch.interval=100ms
	"$BIN/mqload" --keep --seconds=8 --senders=4 --receive-rate=20 --send-rate=40 --depth=10 /slow >/dev/null
	same '{"stalls":[]}' "$(api /v1/stalls)"
}

@test "records outlive the daemon; damaged ones are told of and left alone" {
	stalled_daemon
	"$BIN/mqfill" create /kept
	"$BIN/mqfill" send /kept 0:secret-payload
	wait_for stalled /kept no_reader
	same 700 "$(stat -c %a state)"
	same 600 "$(stat -c %a state/stall-1.json)"
	run -1 grep -c secret state/stall-1.json
	echo '{"id":2' >state/stall-2.json
	daemon_stop
	"$BIN/mqfill" unlink /kept
	stalled_daemon
	warned 'stall-2.json is no record of a stall'
	same '1 /kept no_reader interrupted' \
		"$(ctl stalls | awk 'NR == 2 {print $1, $2, $3, $4}')"
	contains "$(ctl stalls 1)" '^Sender of oldest +mqfill'
	run -1 ctl stalls 2
	"$BIN/mqfill" create /next
	"$BIN/mqfill" send /next 0:x
	wait_for stalled /next no_reader
	same 3 "$(api /v1/stalls | jq '.stalls[-1].id')"
}

@test "as many records as are set, the latest" {
	local i

	stalled_daemon --recorder.records=2
	for i in 1 2 3; do
		"$BIN/mqfill" create "/many$i"
		"$BIN/mqfill" send "/many$i" 0:x
		wait_for stalled "/many$i" no_reader
	done
	same '/many2 /many3' "$(api /v1/stalls | jq -r '[.stalls[].queue] | join(" ")')"
	same 2 "$(find state -name 'stall-*.json' | wc -l)"
}

@test "anyone may know of stalls, details are for those who may read the queue" {
	stalled_daemon
	"$BIN/mqfill" create /mine
	"$BIN/mqfill" send /mine 0:x
	wait_for stalled /mine no_reader
	as "$STRANGER" "$BIN/mqwatchctl" --socket "$SOCKET" stalls | grep -q /mine
	run -4 as "$STRANGER" "$BIN/mqwatchctl" --socket "$SOCKET" stalls 1
	"$BIN/mqfill" --mode=0644 create /open
	"$BIN/mqfill" send /open 0:x
	wait_for stalled /open no_reader
	as "$STRANGER" "$BIN/mqwatchctl" --socket "$SOCKET" stalls 2 | grep -q 'Messages .* 1 of 10'
}

@test "thresholds by pattern" {
	cat >conf <<-'END'
		[stall]
		after=1s
		[stall "/patient-*"]
		after=1h
	END
	daemon_start --config=conf --recorder.directory="$BATS_TEST_TMPDIR/state"
	"$BIN/mqfill" create /patient-one
	"$BIN/mqfill" send /patient-one 0:x
	"$BIN/mqfill" create /other
	"$BIN/mqfill" send /other 0:x
	wait_for stalled /other no_reader
	stalled /patient-one
}

@test "the journal gets the fields to search for" {
	stalled_daemon
	mkdir -p /run/systemd/journal
	spawn socat -u UNIX-RECV:/run/systemd/journal/socket,unlink-early CREATE:journal
	wait_for test -S /run/systemd/journal/socket
	"$BIN/mqfill" create /told
	"$BIN/mqfill" send /told 0:x 0:y
	wait_for grep -q '^MQ_REASON=no_reader' journal
	grep -qx 'MQ_QUEUE=/told' journal
	grep -qx "MQ_IPCNS=$IPCNS" journal
	grep -qx 'MQ_DEPTH=2' journal
	grep -qxE 'MQ_AGE_USEC=[0-9]{7}' journal
	grep -qxE 'MESSAGE_ID=[0-9a-f]{32}' journal
	rm /run/systemd/journal/socket
}

@test "a call that was blocked before the daemon came: at least so long" {
	"$BIN/mqfill" create /before
	spawn "$BIN/mqfill" --count=1 receive /before
	wait_for asleep_in_queue "$PID"
	stalled_daemon
	wait_for eval "json show /before | jq -e '.calls | length == 1'"
	json show /before | jq -e ".calls[0] | .pid == $PID and .started_at == null and .started_before > 0"
	contains "$(LC_ALL=C ctl show /before)" '^receive .* >= '
	[ "$(metric mqwatch_queue_oldest_blocked_timestamp_seconds 'queue="/before"' 'operation="receive"')" ]
	"$BIN/mqfill" send /before 0:x
	wait_for eval "json show /before | jq -e '.calls | length == 0'"
}
