#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# What is missing is said in one clear line; what can go on goes on.

load lib

# in_mounts SCRIPT: the daemon starts in a mount namespace that the script changed before
in_mounts() {
	WRAP=(unshare --mount --propagation private sh -ec "$1"'; exec "$@"' sh)
}

# degraded_alive: queues are listed, and status and the metrics say what does not run
degraded_alive() {
	"$BIN/mqfill" create /alive
	"$BIN/mqfill" send /alive 0:x
	metric_is 1 mqwatch_queue_messages 'queue="/alive"'
	same 1 "$(json list | jq '.queues[] | select(.queue == "/alive").messages')"
	run -0 ctl status
}

# doctor_finds PATTERN...: problems, seen where the daemon runs
doctor_finds() {
	local pattern

	run -1 "${WRAP[@]}" "$BIN/mqwatchctl" --socket "$SOCKET" doctor
	for pattern in "$@"; do
		contains "$output" "$pattern"
	done
}

# without_bpf DEGRADED: neither probes nor peeking, because of the host (1) or the configuration (0)
without_bpf() {
	degraded_alive
	metric_is 0 mqwatch_probe_attached 'probe="mq_timedsend"'
	metric_is 0 mqwatch_probe_attached 'probe="mq_timedreceive"'
	metric_is 1 mqwatch_peek_backend_info 'backend="off"'
	metric_is "$1" mqwatch_degraded 'part="probe"'
	metric_is "$1" mqwatch_degraded 'part="peek"'
	metric_is '' mqwatch_queue_sent_messages_total 'queue="/alive"'
	same off "$(json status | jq -r .peek.backend)"
	same off "$(json status | jq -r .probe.mode)"
	run -1 ctl dump /alive
	run -0 ctl status
}

@test "no BTF: no probes and no peeking, queues and their metrics go on" {
	: >empty
	in_mounts "mount --bind $PWD/empty /sys/kernel/btf/vmlinux"
	daemon_start
	without_bpf 1
	contains "$output" BTF
	warned 'Calls cannot be probed.*BTF'
	warned 'peeked.*BTF'
	doctor_finds '^kernel types +problem .*CONFIG_DEBUG_INFO_BTF=y' '^peek +problem .*BTF' \
		'^probes +problem .*BTF' '^daemon +ok '
}

@test "no CAP_BPF: the same, naming the capability" {
	in_mounts 'mount -t mqueue mqueue /dev/mqueue'
	WRAP+=(setpriv "--bounding-set=-bpf,-perfmon,-sys_admin" --)
	daemon_start
	without_bpf 1
	contains "$output" CAP_BPF
	warned 'Calls cannot be probed.*CAP_BPF'
	warned 'peeked.*CAP_BPF'
	doctor_finds '^kernel types +ok ' '^peek +problem .*CAP_BPF' '^probes +problem .*CAP_BPF'
}

@test "no capability at all, as another user" {
	WRAP=(setpriv --reuid="$STRANGER" --regid="$STRANGER" --clear-groups --)
	SOCKET=$BATS_TEST_TMPDIR/own/control.sock
	install -d -o "$STRANGER" own
	daemon_start --mqueue.path "$MQFS"
	as "$STRANGER" "$BIN/mqfill" create /alive
	"$BIN/mqfill" create /closed
	metric_is 0 mqwatch_queue_messages 'queue="/alive"'
	[ "$(metric mqwatch_queues_dropped 'reason="denied"')" -ge 1 ]
}

@test "tracefs is not mounted: the probes work all the same" {
	in_mounts 'mount -t tmpfs none /sys/kernel/tracing; mount -t tmpfs none /sys/kernel/debug'
	daemon_start
	degraded_alive
	metric_is 1 mqwatch_queue_sent_messages_total 'queue="/alive"'
	run ! grep -aE '^<[0-4]>' "$LOG"
}

@test "tracefs missing, and no right to mount it: no probes; peeking and the rest go on" {
	in_mounts 'mount -t tmpfs none /sys/kernel/tracing; mount -t tmpfs none /sys/kernel/debug'
	WRAP+=(setpriv --bounding-set=-sys_admin --)
	daemon_start --mqueue.path "$MQFS"
	degraded_alive
	contains "$output" 'tracefs|/sys/kernel/tracing'
	metric_is 0 mqwatch_probe_attached 'probe="mq_timedsend"'
	metric_is 1 mqwatch_degraded 'part="probe"'
	metric_is 0 mqwatch_degraded 'part="peek"'
	metric_is 1 mqwatch_peek_backend_info 'backend="bpf"'
	same eA== "$(json dump /alive | jq -r '.messages[0].payload.data')"
	warned '/sys/kernel/tracing|tracefs'
	doctor_finds '^tracing +problem .*mount -t tracefs' '^probes +problem ' '^peek +(ok|note) +bpf'
}

@test "no probes: a dump right after a send waits until the message is proven" {
	local i

	daemon_start --probe=off
	"$BIN/mqfill" create /fresh
	for i in 1 2 3; do
		"$BIN/mqfill" send /fresh "0:$i"
		same "[true,$i,$i]" "$(json dump /fresh |
			jq -c '[.consistent, .messages_total, (.messages | length)]')"
	done
}

@test "switched off by hand is no degradation" {
	daemon_start --probe=off --peek=off
	without_bpf 0
	run ! grep -aE '^<[0-4]>' "$LOG"
}

@test "no mqueue file system at the path given" {
	daemon_spawn --mqueue.path "$PWD"
	wait_for ctl status
	wait_for curl -sf "http://127.0.0.1:$PORT/-/healthy"
	run ! daemon_ready
	metric_is 1 mqwatch_degraded 'part="mqueue"'
	run -0 ctl status
	contains "$output" 'mqueue'
	warned "$PWD"
	doctor_finds '^queues +problem .*mqueue'
}

# daemon_second [FLAG]...: beside the first, with its own socket; sets PID
daemon_second() {
	SOCKET=$PWD/second.sock
	spawn "$BIN/mqwatchd" --web.listen-address "127.0.0.1:$PORT" \
		--control.socket "$SOCKET" "$@" 2>second.log
}

@test "the port is taken: one line, and the control socket goes on" {
	daemon_start
	daemon_second
	wait_for ctl status
	contains "$(ctl status)" "127.0.0.1:$PORT"
	same 1 "$(grep -c "127.0.0.1:$PORT" second.log)"
	kill -TERM "$PID"
	wait "$PID"
}

@test "a second address serves though the first is taken" {
	daemon_start
	daemon_second --web.listen-address "127.0.0.1:$((PORT + 1000))"
	wait_for curl -sf -o /dev/null "http://127.0.0.1:$((PORT + 1000))/-/ready"
}

@test "IPv6 addresses" {
	[ -e /proc/net/if_inet6 ] || skip "the kernel has no IPv6"
	daemon_start --web.listen-address "[::1]:$((PORT + 1000))"
	curl -sf "http://[::1]:$((PORT + 1000))/-/ready"
}

@test "a bad address is refused with what is allowed" {
	local address

	for address in 127.0.0.1 127.0.0.1:99999 127.0.0.1:x :; do
		daemon_refuses 2 --web.listen-address "$address" --control.socket "$SOCKET"
		contains "$output" "$address"
		same 1 "${#lines[@]}"
	done
}

@test "a socket path that is too long" {
	local path

	path=$PWD/$(printf 'x%.0s' {1..110})
	daemon_refuses 2 --web.listen-address "127.0.0.1:$PORT" --control.socket "$path"
	contains "$output" 'too long|[0-9]+ bytes'
	same 1 "${#lines[@]}"
	run ! "$BIN/mqwatchctl" --socket "$path" status
	contains "$output" 'too long|[0-9]+ bytes'
}

@test "a stale socket file is replaced" {
	daemon_start
	daemon_kill KILL || :
	[ -S "$SOCKET" ]
	daemon_start
	run -0 ctl status
	same 666 "$(stat -c %a "$SOCKET")"
}

@test "another daemon's live socket is left alone: one line, and metrics go on" {
	daemon_start
	spawn "$BIN/mqwatchd" --web.listen-address "127.0.0.1:$((PORT + 1000))" \
		--control.socket "$SOCKET" 2>second.log
	wait_for serving "127.0.0.1:$((PORT + 1000))"
	same 1 "$(grep -c "$SOCKET" second.log)"
	kill -TERM "$PID"
	wait "$PID"
	run -0 ctl status
}

@test "a regular file at the socket's path is left alone: one line, and metrics go on" {
	echo precious >"$SOCKET"
	daemon_start
	warned "$SOCKET"
	daemon_stop
	same precious "$(cat "$SOCKET")"
}

@test "the socket's directory is made" {
	SOCKET=$PWD/a/b/control.sock
	daemon_start
	run -0 ctl status
}

@test "without flags it serves 127.0.0.1:10119 and /run/mqwatch/control.sock" {
	spawn "$BIN/mqwatchd"
	wait_for curl -sf -o /dev/null http://127.0.0.1:10119/-/ready
	run -0 "$BIN/mqwatchctl" status
	same 1 "$(ss -Hltn | wc -l)"
	kill -TERM "$PID"
	wait "$PID"
}

@test "/dev/mqueue is used where it is one" {
	in_mounts 'mount -t mqueue mqueue /dev/mqueue'
	daemon_start
	degraded_alive
	contains "$(ctl status)" /dev/mqueue
}

@test "more queues than --queues.max: the rest are counted as dropped" {
	local i

	daemon_start --queues.max 3
	for i in 1 2 3 4 5; do
		"$BIN/mqfill" --depth=1 --message-size=8 create "/q$i"
	done
	same 3 "$(json list | jq '.queues | length')"
	[ "$(metric mqwatch_queues_dropped 'reason="limit"')" -ge 2 ]
	"$BIN/mqfill" send /q5 0:x
	[ "$(metrics | awk '/^mqwatch_events_lost_total/ { n += $NF } END { print n }')" -ge 0 ]
	run ! grep -a '^<[0-3]>' "$LOG"
}
