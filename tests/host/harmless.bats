#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Nobody can tell that the daemon looks.

load lib

look() {
	metrics >/dev/null
	json list >/dev/null
	json show "$1" >/dev/null
	json dump "$1" >/dev/null
}

# The files on a mqueue file system that the daemon has open.
held() {
	find "/proc/$DAEMON/fd" -lname '/*' -printf '%p\n' 2>/dev/null | while read -r fd; do
		[ "$(stat -L -f -c %t "$fd" 2>/dev/null)" != 19800202 ] ||
			[ -d "$fd" ] || readlink "$fd"
	done
}

@test "no queue is held open between peeks" {
	daemon_start
	"$BIN/mqfill" create /held
	"$BIN/mqfill" send /held 0:x
	look /held
	same '' "$(held)"
	# this test's eyes are good
	exec 7<"$MQFS/held"
	same 19800202 "$(stat -L -f -c %t /proc/self/fd/7)"
	exec 7<&-
}

@test "an unlinked queue's memory is given back though it was looked at" {
	local i

	daemon_start
	# each takes most of RLIMIT_MSGQUEUE: held ones would leave no room
	for i in 1 2 3; do
		as "$STRANGER" "$BIN/mqfill" --depth=1 --message-size=600000 create "/big$i"
		look "/big$i"
		"$BIN/mqfill" unlink "/big$i"
	done
}

@test "a queue's times stay as they are" {
	local before

	daemon_start
	"$BIN/mqfill" create /times
	"$BIN/mqfill" send /times 0:x 3:y
	before=$(stat -c '%x %y %z %s %h' "$MQFS/times")
	look /times
	ctl dump /times
	same "$before" "$(stat -c '%x %y %z %s %h' "$MQFS/times")"
}

@test "a blocked receiver and a blocked sender sleep on" {
	local receiver sender switches

	daemon_start
	"$BIN/mqfill" create /asleep
	spawn "$BIN/mqfill" receive /asleep
	receiver=$PID
	"$BIN/mqfill" --depth=1 create /full
	"$BIN/mqfill" send /full 0:x
	spawn "$BIN/mqfill" send /full 0:y
	sender=$PID
	wait_for asleep_in_queue "$receiver"
	wait_for asleep_in_queue "$sender"
	switches=$(grep -h ctxt_switches "/proc/$receiver/status" "/proc/$sender/status")
	look /asleep
	look /full
	asleep_in_queue "$receiver"
	asleep_in_queue "$sender"
	same "$switches" "$(grep -h ctxt_switches "/proc/$receiver/status" \
		"/proc/$sender/status")" "context switches: none woke up, even for a moment"
	"$BIN/mqfill" --count=2 receive /full
	"$BIN/mqfill" send /asleep 0:done
	wait "$receiver"
	wait "$sender"
}

@test "a registration with mq_notify stays, does not fire, and fires when it should" {
	daemon_start
	"$BIN/mqfill" create /notify
	spawn "$BIN/mqfill" notify /notify >notify.txt
	wait_for grep -q registered notify.txt
	look /notify
	metric_is 1 mqwatch_queue_notify_registered 'queue="/notify"'
	same "$PID" "$(json list | jq '.queues[] | select(.queue == "/notify").notify.pid')"
	grep -q "NOTIFY_PID:$PID" "$MQFS/notify"
	same registered "$(cat notify.txt)"
	"$BIN/mqfill" send /notify 0:now
	wait "$PID"
	same notified "$(tail -1 notify.txt)"
	look /notify
	metric_is 0 mqwatch_queue_notify_registered 'queue="/notify"'
}

@test "looking makes, sends and receives nothing" {
	daemon_start
	"$BIN/mqfill" create /nothing
	"$BIN/mqfill" send /nothing 0:x
	look /nothing
	run -3 ctl dump /not-there
	run -3 ctl show /not-there
	same nothing "$(ls "$MQFS")"
	metric_is 1 mqwatch_queue_sent_messages_total 'queue="/nothing"'
	metric_is 0 mqwatch_queue_received_messages_total 'queue="/nothing"'
}

# kernel_objects: "prog ID" and "map ID" of what the daemon has loaded
kernel_objects() {
	sed -nE 's/^(prog|map)_id:\s*/\1 /p' /proc/"$DAEMON"/fdinfo/* 2>/dev/null | sort -u
}

# unloaded FILE: none of the objects listed in it is there
unloaded() {
	local kind id

	while read -r kind id; do
		! bpftool "$kind" show id "$id" || return 1
	done <"$1"
}

@test "SIGKILL leaves no program, map, mount or process behind" {
	local mounts pid

	mounts=$(cat /proc/self/mountinfo)
	daemon_start
	pid=$DAEMON
	"$BIN/mqfill" create /killed
	look /killed
	kernel_objects >objects
	[ "$(grep -c ^prog objects)" -ge 4 ]
	[ "$(grep -c ^map objects)" -ge 1 ]
	run ! unloaded objects
	daemon_kill KILL || :
	wait_for unloaded objects
	same "$mounts" "$(cat /proc/self/mountinfo)"
	same '' "$(pgrep -P "$pid" || :)" "children"
	same 0 "$(find /sys/fs/bpf -mindepth 1 -name '*mqw*' | wc -l)" "pinned objects"
}

@test "its mount shows in no mount table and its mount namespace is the host's" {
	local mounts

	mounts=$(cat /proc/self/mountinfo)
	daemon_start
	same "$mounts" "$(cat /proc/self/mountinfo)"
}

@test "SIGTERM and SIGINT end it at once, with its socket file removed" {
	local signal

	for signal in TERM INT; do
		daemon_start
		daemon_kill $signal
		[ ! -e "$SOCKET" ]
	done
}
