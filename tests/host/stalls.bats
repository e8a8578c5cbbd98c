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
	local since

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
	since=$(date +%s.%N)
	"$BIN/mqfill" unlink /nobody
	wait_for ended /nobody no_reader
	ended_within_a_second /nobody no_reader "$since"
}

@test "sender_blocked: on a full queue, by a call that is seen with its sender" {
	local since

	stalled_daemon
	"$BIN/mqfill" --depth=1 create /blocked
	"$BIN/mqfill" send /blocked 0:first
	spawn "$BIN/mqfill" send /blocked 0:second
	wait_for stalled /blocked no_reader sender_blocked
	noticed_within /blocked sender_blocked 2000
	json show /blocked | jq -e ".calls[0].pid == $PID and .calls[0].operation == \"send\""
	[ "$(metric mqwatch_queue_oldest_blocked_timestamp_seconds 'queue="/blocked"' 'operation="send"')" ]
	since=$(date +%s.%N)
	"$BIN/mqfill" --count=1 receive /blocked
	wait_for ended /blocked sender_blocked
	ended_within_a_second /blocked sender_blocked "$since"
	metric_is '' mqwatch_queue_oldest_blocked_timestamp_seconds 'queue="/blocked"'
}

@test "starved: an old message that others overtake" {
	local since

	stalled_daemon
	"$BIN/mqfill" --depth=10 --message-size=64 create /starved
	"$BIN/mqfill" send /starved 0:old 9:new
	spawn "$BIN/mqfill" --rate=1000 --count=1000000 overtake /starved 9
	wait_for stalled /starved starved
	noticed_within /starved starved 2000
	wait_for eval "json show /starved | jq -e '.oldest.priority == 0 and .oldest.age_seconds >= 1'"
	# the old message is received at last, while the others still come and go
	since=$(date +%s.%N)
	"$BIN/mqfill" --count=3 --rate=10000 receive /starved >received
	wait_for ended /starved starved
	ended_within_a_second /starved starved "$since"
	kill "$PID"
	"$BIN/mqfill" --nonblock receive /starved
	stalled /starved
}

rejected() {
	[ "$(metric mqwatch_queue_send_errors_total "queue=\"$1\"" 'errno="EAGAIN"')" -gt 0 ]
}

@test "full_rejecting: sends fail again and again" {
	local first seen since loop

	stalled_daemon
	"$BIN/mqfill" --depth=1 create /full
	"$BIN/mqfill" send /full 0:first
	spawn "$BIN/mqfill" hold /full
	# not new to the daemon any more
	wait_for stalled /full reader_idle
	first=$(date +%s.%N)
	# tries again every 10 ms
	spawn "$BIN/mqload" --receivers=0 --nonblock --keep --quiet /full
	loop=$PID
	wait_for rejected /full
	seen=$(date +%s.%N)
	wait_for stalled /full full_rejecting reader_idle
	noticed_within /full full_rejecting 2000
	# since the first of the sends that failed, not since a look noticed some
	api /v1/stalls | jq -e --argjson first "$first" --argjson seen "$seen" \
		'[.stalls[] | select(.reason == "full_rejecting")][0].began_at |
		. >= $first and . <= $seen'
	kill "$loop"
	wait "$loop"
	since=$(date +%s.%N)
	"$BIN/mqfill" --count=1 receive /full
	wait_for ended /full full_rejecting
	ended_within_a_second /full full_rejecting "$since"
}

@test "what is unusual for a queue is a stall before stall.after" {
	daemon_start --stall.after=1h --recorder.directory="$BATS_TEST_TMPDIR/state"
	"$BIN/mqload" --keep --quiet --messages=1000 --size=64 /quick
	"$BIN/mqfill" create /new
	spawn "$BIN/mqfill" hold /quick
	"$BIN/mqfill" send /quick 0:a
	"$BIN/mqfill" send /new 0:a
	wait_for stalled /quick reader_idle
	# ten times next to nothing is a second at least
	noticed_within /quick reader_idle 2000
	stalled /new
}

@test "bursts that are merely slow are no stall" {
	stalled_daemon --watch.interval=100ms
	# of ten minutes with the default threshold these are as many as a tenth of the seconds
	"$BIN/mqload" --keep --seconds="${MQWATCH_BURST_SECONDS:-8}" --senders=4 --receive-rate=20 --send-rate=40 --depth=10 /slow >/dev/null
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

# stall_of_many QUEUE: with a record of some 40 KB
stall_of_many() {
	local messages

	mapfile -t messages < <(yes 0:x | head -n 200)
	"$BIN/mqfill" --depth=200 --message-size=8 create "$1"
	"$BIN/mqfill" send "$1" "${messages[@]}"
	wait_for stalled "$1" no_reader
}

# records_are NUMBER...: these, and no other file
records_are() {
	same "$*" "$(api /v1/stalls | jq -r '[.stalls[].id] | join(" ")')"
	same "$*" "$(cd state && printf '%s\n' stall-*.json | tr -dc '0-9\n' | sort -n | paste -sd ' ')"
	same 600 "$(stat -c %a state/stall-*.json | sort -u)"
}

@test "as many bytes of records as are set, the latest, also of those from before a restart" {
	stalled_daemon
	stall_of_many /bytes1
	[ "$(stat -c %s state/stall-1.json)" -gt 32768 ]
	stall_of_many /bytes2
	stall_of_many /bytes3
	records_are 1 2 3
	daemon_stop
	"$BIN/mqfill" unlink /bytes1
	"$BIN/mqfill" unlink /bytes2
	"$BIN/mqfill" unlink /bytes3
	stalled_daemon --recorder.size=64K
	records_are 3
	stall_of_many /bytes4
	records_are 4
	[ "$(stat -c %s state/stall-4.json)" -le 65536 ]
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

both_told() {
	[ "$(grep -cE '^MESSAGE_ID=[0-9a-f]{32}$' journal)" -eq 2 ]
}

@test "the journal gets the fields to search for" {
	local reason

	stalled_daemon
	journal_start
	"$BIN/mqfill" create /told
	"$BIN/mqfill" send /told 0:x 0:y
	wait_for journal_has MQ_REASON=no_reader
	journal_has PRIORITY=4 MQ_QUEUE=/told "MQ_IPCNS=$IPCNS" MQ_DEPTH=2 'MQ_AGE_USEC=[0-9]{7}'
	"$BIN/mqfill" --count=2 receive /told
	wait_for both_told
	journal_has PRIORITY=5 'MQ_DURATION_USEC=[0-9]{7}'
	journal_explained 2
	for reason in reader_idle no_reader sender_blocked starved full_rejecting; do
		grep -q "^$reason " root/usr/lib/systemd/catalog/mqwatch.catalog
	done
}

@test "calls that were blocked before the daemon came: at least so long" {
	local operation receiver sender

	"$BIN/mqfill" create /before-receive
	"$BIN/mqfill" --depth=1 create /before-send
	"$BIN/mqfill" send /before-send 0:x
	spawn "$BIN/mqfill" --count=1 receive /before-receive
	receiver=$PID
	spawn "$BIN/mqfill" send /before-send 0:y
	sender=$PID
	wait_for asleep_in_queue "$receiver"
	wait_for asleep_in_queue "$sender"
	stalled_daemon
	for operation in receive send; do
		wait_for eval "json show /before-$operation | jq -e '.calls | length == 1'"
		json show "/before-$operation" |
			jq -e '.calls[0].started_at == null and .calls[0].started_before > 0'
		contains "$(LC_ALL=C ctl show "/before-$operation")" "^$operation .* >= "
		contains "$(LC_ALL=C.UTF-8 ctl show "/before-$operation")" "^$operation .* ≥ "
		contains "$(LC_ALL=C ctl who "/before-$operation")" "^$operation .* >= [0-9]"
		contains "$(LC_ALL=C.UTF-8 ctl who "/before-$operation")" "^$operation .* ≥ [0-9]"
		[ "$(metric mqwatch_queue_oldest_blocked_timestamp_seconds \
			"queue=\"/before-$operation\"" "operation=\"$operation\"")" ]
	done
	same "$receiver" "$(json show /before-receive | jq '.calls[0].pid')"
	same "$sender" "$(json show /before-send | jq '.calls[0].pid')"
	# for so long that it is a stall
	wait_for stalled /before-send no_reader sender_blocked
	"$BIN/mqfill" send /before-receive 0:x
	"$BIN/mqfill" --count=1 receive /before-send
	wait_for eval "json show /before-receive | jq -e '.calls | length == 0'"
	wait_for eval "json show /before-send | jq -e '.calls | length == 0'"
}

@test "the sender of the oldest message, with its command line while it lives" {
	daemon_start
	mkfifo lines
	"$BIN/mqfill" create /from
	exec 9<>lines
	# shellcheck disable=SC2016
	spawn bash -c 'exec "$0" send /from <lines 9>&-' "$BIN/mqfill"
	echo 5:hello >&9
	wait_for eval "json show /from | jq -e .oldest.sender.pid"
	json show /from | jq -e --argjson pid "$PID" --arg command "$BIN/mqfill send /from" \
		'.oldest.sender | .pid == $pid and .comm == "mqfill" and .command == $command'
	contains "$(ctl show /from)" "^Its sender +mqfill\[$PID\], .*: $BIN/mqfill send /from$"
	exec 9>&-
	wait "$PID"
	wait_for eval "json show /from | jq -e '.oldest.sender.command == null'"
	same mqfill "$(json show /from | jq -r .oldest.sender.comm)"
}

# counted N: stalls that the metrics count
counted() {
	same "$1" "$(metrics | awk '/^mqwatch_queue_stalls_total/ { n += $NF } END { print n + 0 }')"
}

@test "many at once: the log has two hundred; metrics and records have all" {
	local i told

	for i in {1..250}; do
		"$BIN/mqfill" --depth=1 --message-size=8 create "/many-$i"
		"$BIN/mqfill" send "/many-$i" 0:x
	done
	stalled_daemon --recorder.records=1000
	wait_for counted 250
	same 250 "$(api /v1/stalls | jq '[.stalls[].queue] | unique | length')"
	daemon_stop
	told=$(grep -ac 'is stalled (no_reader)' "$LOG")
	same 200 "$told"
}
