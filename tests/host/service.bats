#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# What a service manager passes to the daemon and is told by it; tests/vm/boot has a real one.

load lib

# notified PATTERN: the daemon has told the manager so
notified() {
	grep -aqE -- "$1" notes
}

# A datagram a line, or some
listen_to_notes() {
	spawn socat -u UNIX-RECV:"$PWD/notify" OPEN:notes,creat,append
	wait_for test -S notify
	export NOTIFY_SOCKET=$PWD/notify
}

@test "READY, STATUS, RELOADING with the time, STOPPING" {
	listen_to_notes
	: >mqwatchd.conf
	"$BIN/mqfill" create /one
	daemon_start --config "$PWD/mqwatchd.conf"
	wait_for notified 'READY=1'
	wait_for notified 'STATUS=Watching 1 queue, 0 stalled; probes [a-z]+, peek [a-z]+'
	"$BIN/mqfill" create /two
	wait_for notified 'STATUS=Watching 2 queues'
	kill -HUP "$DAEMON"
	wait_for notified 'MONOTONIC_USEC=[0-9]{6}'
	notified 'RELOADING=1'
	echo nonsense >mqwatchd.conf
	kill -HUP "$DAEMON"
	wait_for notified 'STATUS=.*the new configuration is bad, the old one stays in force'
	daemon_stop
	wait_for notified 'STOPPING=1'
}

@test "signs of life come from the loop" {
	listen_to_notes
	WATCHDOG_USEC=200000 daemon_start
	wait_for notified 'WATCHDOG=1'
	kill -STOP "$DAEMON"
	: >notes
	kill -CONT "$DAEMON"
	wait_for notified 'WATCHDOG=1'
}

@test "sockets that are passed take the place of the settings" {
	local pid

	# it starts the daemon when somebody connects
	systemd-socket-activate -l "127.0.0.1:$PORT" -l "$PWD/passed.sock" --fdname=metrics:control \
		"$BIN/mqwatchd" --web.listen-address 127.0.0.1:1 --control.socket "$PWD/unused.sock" \
		2>>"$LOG" 3>&- &
	DAEMON=$!
	wait_for test -S passed.sock
	"$BIN/mqfill" create /passed
	contains "$(metrics)" 'mqwatch_queue_messages\{.*queue="/passed"\} 0'
	contains "$("$BIN/mqwatchctl" --socket "$PWD/passed.sock" list)" /passed
	run ! test -e unused.sock
	contains "$(cat "$LOG")" 'Serving the passed socket for metrics'
	run ! grep -a 'No metrics' "$LOG"
}

@test "the rights to load programs are given up after the start" {
	local rights

	daemon_start
	rights=$((0x$(awk '/^CapPrm:/ { print $2 }' "/proc/$DAEMON/status")))
	# CAP_PERFMON and CAP_BPF
	same 0 $((rights & (1 << 38 | 1 << 39)))
	"$BIN/mqfill" create /given
	"$BIN/mqfill" send /given 0:up
	# all of it goes on working
	contains "$(json dump /given)" '"comm":"mqfill"'
	contains "$(ctl show /given)" /given
	daemon_stop
}
