#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# mqwatchctl: verbs, JSON that scripts rely on, exit codes.
# shellcheck disable=SC2154 # run sets stderr and stderr_lines

load lib

keys() {
	jq -c "$1 | keys_unsorted"
}

@test "JSON of list, key by key" {
	daemon_start
	as "$STRANGER" "$BIN/mqfill" --depth=10 --message-size=64 --mode=0600 create /q
	"$BIN/mqfill" send /q 0:12345678901234567890123456789012345678901234567890123456789012 \
		1:123456
	json list >list.json
	same '["queues"]' "$(keys . <list.json)"
	same '["queue","ipcns","messages","messages_limit","bytes","message_size_limit","uid","mode","linked","readers","writers","blocked_senders","blocked_receivers","notify","stalled","reserved_bytes","inode","open","last_use_at","first_seen_at"]' \
		"$(keys '.queues[0]' <list.json)"
	same "[\"/q\",$IPCNS,2,10,68,64,$STRANGER,\"0600\",true,0,0,null]" "$(jq -c '.queues[0] |
		[.queue, .ipcns, .messages, .messages_limit, .bytes, .message_size_limit, .uid, .mode,
		.linked, .blocked_senders, .blocked_receivers, .notify]' list.json)"
	jq -e '.queues[0].stalled | . == null or type == "array"' list.json
}

@test "JSON of dump, key by key" {
	local now

	daemon_start
	"$BIN/mqfill" create /q
	"$BIN/mqfill" send /q 9:hello
	now=$(date +%s)
	json dump /q >dump.json
	same '["queue","ipcns","backend","consistent","taken_at","messages_total","messages"]' \
		"$(keys . <dump.json)"
	same '["index","priority","size","sent_at","age_seconds","age_at_least_seconds","sender","payload"]' \
		"$(keys '.messages[0]' <dump.json)"
	same '["encoding","data","truncated"]' "$(keys '.messages[0].payload' <dump.json)"
	same "[\"/q\",$IPCNS,\"bpf\",true,1]" \
		"$(jq -c '[.queue, .ipcns, .backend, .consistent, .messages_total]' dump.json)"
	same '[0,9,5,{"encoding":"base64","data":"aGVsbG8=","truncated":false}]' \
		"$(jq -c '.messages[0] | [.index, .priority, .size, .payload]' dump.json)"
	jq -e --argjson now "$now" '.taken_at >= $now and .taken_at < $now + 5' dump.json
}

@test "curl is enough: the API gives what mqwatchctl --json prints" {
	daemon_start
	"$BIN/mqfill" create /q
	"$BIN/mqfill" send /q 9:hello
	same "$(json list | jq -c .)" "$(api /v1/queues | jq -c .)"
	same "$(json dump /q | jq -c 'del(.taken_at, .messages[].age_seconds)')" \
		"$(api "/v1/queues/$IPCNS/q/messages" | jq -c 'del(.taken_at, .messages[].age_seconds)')"
	same "$(json show /q | jq -cS 'keys')" "$(api "/v1/queues/$IPCNS/q" | jq -cS 'keys')"
	same "$(json status | jq -cS 'keys')" "$(api /v1/status | jq -cS 'keys')"
}

@test "the API's errors are HTTP statuses with JSON" {
	local path

	daemon_start
	"$BIN/mqfill" create /q
	for path in "/v1/queues/$IPCNS/none:404" "/v1/queues/1/q:404" /v1/nothing:404 \
		"/v1/queues/x/q:400" "/v1/queues/$IPCNS/q/messages?limit=x:400"; do
		same "${path##*:}" "$(curl -s --unix-socket "$SOCKET" -o error.json \
			-w '%{http_code}' "http://localhost${path%:*}")" "$path"
		jq -e '.error.code and .error.message' error.json
	done
}

@test "list: a line per queue with depth and limit" {
	daemon_start
	"$BIN/mqfill" --depth=7 create /beta
	"$BIN/mqfill" --depth=9 create /alpha
	"$BIN/mqfill" send /beta 0:x 0:y
	run -0 ctl list
	same 3 "${#lines[@]}"
	contains "${lines[1]}" '^/alpha .*\b0\b.*\b9\b'
	contains "${lines[2]}" '^/beta .*\b2\b.*\b7\b'
}

@test "list without any queue" {
	daemon_start
	run -0 ctl list
	same '{"queues":[]}' "$(json list | jq -c .)"
}

@test "show: attributes, counters and limits" {
	daemon_start
	"$BIN/mqfill" --depth=7 --message-size=99 create /shown
	"$BIN/mqfill" send /shown 0:x 0:yy
	"$BIN/mqfill" receive /shown
	run -0 ctl show /shown
	contains "$output" '/shown'
	contains "$output" '\b7\b'
	contains "$output" '\b99\b'
	run -0 json show /shown
	same '[2,3,1,1]' "$(jq -c '.counters | [.sent.messages, .sent.bytes, .received.messages,
		.received.bytes]' <<<"$output")"
}

@test "status says what runs" {
	daemon_start
	run -0 ctl status
	contains "$output" '\bbpf\b'
	contains "$output" 'tracepoint|fentry'
	run -0 json status
	same bpf "$(jq -r .peek.backend <<<"$output")"
}

# finding CHECK: "STATE FINDING", of the doctor's document in $output
finding() {
	jq -r --arg check "$1" '.checks[] | select(.check == $check) | "\(.state) \(.finding)"' <<<"$output"
}

@test "doctor: all is well, exit 0" {
	daemon_start
	run -0 json doctor
	same '["checks"]' "$(keys . <<<"$output")"
	same '[["check","state","finding"]]' "$(jq -c '[.checks[] | keys_unsorted] | unique' <<<"$output")"
	same '' "$(jq -r '.checks[] | select(.state != "ok" and .state != "note") | .check' <<<"$output")"
	same "ok $(uname -r)" "$(finding kernel)"
	contains "$(finding 'kernel types')" '^ok .*BTF'
	same "ok $("$BIN/mqwatchd" --version | head -n 1)" "$(finding daemon)"
	same "ok on" "$(finding metrics)"
	contains "$(finding peek)" "^(ok|note) $(json status | jq -r .peek.backend)\\b"
	contains "$(finding probes)" "^(ok|note) $(json status | jq -r .probe.mode)\\b"
	run -0 ctl doctor
	contains "${lines[0]}" '^CHECK +STATE +FINDING$'
	same "$(json doctor | jq '.checks | length + 1')" "${#lines[@]}"
	contains "$output" "^kernel +ok +$(uname -r)$"
}

@test "doctor: without fentry it says why; what was asked for needs no reason" {
	daemon_start
	run -0 json doctor
	if [[ $(finding tracing) == ok* ]]; then
		same 'ok fentry' "$(finding probes)"
	else
		contains "$(finding tracing)" '^note tracepoints only, .*32-bit programs.*: .+'
		contains "$(finding probes)" '^note tracepoint \(no fentry: .+\)$'
	fi
	daemon_stop
	daemon_start --probe=tracepoint --peek=off
	run -0 json doctor
	same 'ok tracepoint' "$(finding probes)"
	same 'ok off' "$(finding peek)"
}

@test "doctor: without a daemon it tells what it sees, and how to start one; exit 1" {
	run -1 json doctor
	contains "$(finding daemon)" "^problem no daemon at $SOCKET .*systemctl start mqwatchd"
	contains "$(finding 'kernel types')" '^ok '
	same '' "$(finding probes)"
	run -1 ctl doctor
	contains "$output" '^daemon +problem '
	run -1 as "$STRANGER" "$BIN/mqwatchctl" --socket "$SOCKET" doctor
	contains "$output" '^daemon +problem '
}

@test "doctor: a mishap of the daemon is a problem" {
	skip_without_socat
	spawn socat TCP-LISTEN:"$PORT",bind=127.0.0.1,fork /dev/null
	wait_for eval 'ss -Hltn | grep -q ":$PORT "'
	daemon_spawn
	wait_for ctl status
	run -1 json doctor
	contains "$(finding metrics)" "^problem .*127.0.0.1:$PORT"
}

@test "every verb has --help and refuses what it does not know" {
	local verb

	run -0 "$BIN/mqwatchctl" --help
	for verb in list show dump who limits stalls status doctor; do
		contains "$output" "\\b$verb\\b"
	done
	for verb in list show dump who limits stalls status doctor; do
		run -0 "$BIN/mqwatchctl" $verb --help
		contains "$output" "[Uu]sage: mqwatchctl.* $verb"
		run -2 "$BIN/mqwatchctl" $verb --no-such-option
	done
}

@test "exit 2: usage" {
	daemon_start
	run -2 ctl
	run -2 ctl frobnicate
	run -2 ctl show
	run -2 ctl dump
	run -2 ctl dump /a /b
	run -2 ctl dump --limit=-1 /a
	run -2 ctl dump --limit many /a
	run -2 ctl list /stray
	run -2 ctl doctor /stray
	run -2 ctl doctor --pid=1
}

@test "exit 3: no such queue, on standard error" {
	daemon_start
	run -3 --separate-stderr ctl dump /none
	same '' "$output"
	contains "$stderr" '/none'
	run -3 ctl show /none
	run -3 json dump /none
	# a name without the slash is the same queue
	"$BIN/mqfill" create /slash
	run -0 ctl show slash
}

@test "exit 5: no daemon, no direct way" {
	run -5 --separate-stderr ctl status
	same '' "$output"
	contains "$stderr" "$SOCKET"
	same 1 "${#stderr_lines[@]}"
}

@test "without a daemon, list and show work directly" {
	"$BIN/mqfill" --depth=6 create /direct
	"$BIN/mqfill" send /direct 0:x
	run -0 "$BIN/mqwatchctl" --json list
	same '["/direct",1,6]' "$(jq -c '.queues[0] | [.queue, .messages, .messages_limit]' <<<"$output")"
	run -0 "$BIN/mqwatchctl" list
	contains "$output" '^/direct .*\b1\b'
	run -0 "$BIN/mqwatchctl" show /direct
	run -3 "$BIN/mqwatchctl" show /none
	run -3 "$BIN/mqwatchctl" dump /none
}

@test "without a daemon, root's dump peeks itself" {
	"$BIN/mqfill" create /direct
	"$BIN/mqfill" send /direct 0:x
	run -0 "$BIN/mqwatchctl" --json dump /direct
	same eA== "$(jq -r '.messages[0].payload.data' <<<"$output")"
	same 0:x "$("$BIN/mqfill" --nonblock receive /direct)"
}

@test "without a daemon, a stranger's dump exits with 4, or 5 where BPF is all that is missing" {
	"$BIN/mqfill" --mode=0600 create /closed
	mount -t mqueue mqueue /dev/mqueue
	run -4 as "$STRANGER" "$BIN/mqwatchctl" dump /closed
	"$BIN/mqfill" --mode=0644 create /open
	run as "$STRANGER" "$BIN/mqwatchctl" dump /open
	[ "$status" -eq 5 ] || same 4 "$status"
	run -0 as "$STRANGER" "$BIN/mqwatchctl" list
	umount /dev/mqueue
}

@test "exit 1: a daemon that does not speak HTTP" {
	skip_without_socat
	spawn socat "UNIX-LISTEN:$SOCKET,fork" EXEC:'echo nonsense'
	wait_for test -S "$SOCKET"
	run -1 ctl status
}

skip_without_socat() {
	command -v socat >/dev/null || skip "socat is not installed"
}

@test "output into a closed pipe or a full disk is an error, not a crash" {
	daemon_start
	"$BIN/mqfill" create /q
	run -1 sh -c '"$@" >/dev/full' sh "$BIN/mqwatchctl" --socket "$SOCKET" list
	run -1 sh -c '"$@" >/dev/full' sh "$BIN/mqwatchctl" --socket "$SOCKET" --json list
	run -1 sh -c '"$@" >/dev/full' sh "$BIN/mqwatchctl" --socket "$SOCKET" dump /q
}

@test "no colour and no escape sequence where the output is no terminal" {
	daemon_start
	"$BIN/mqfill" create /q
	run ! grep -q $'\e' <(ctl list; ctl show /q; ctl dump /q; ctl status; ctl doctor)
}
