#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Payload is for those who may read the queue.

load lib

OTHER=$((STRANGER + 1))

# dump_as UID [GROUPS]: dumps /secret, through the daemon
dump_as() {
	setpriv --reuid="$1" --regid="$1" "${2:---clear-groups}" -- \
		"$BIN/mqwatchctl" --socket "$SOCKET" --json dump /secret
}

secret() {
	as "$STRANGER" "$BIN/mqfill" --mode="$1" create /secret
	as "$STRANGER" "$BIN/mqfill" send /secret 0:TOPSECRET
}
SECRET_BASE64=$(printf TOPSECRET | base64)

@test "a stranger gets no payload: exit 4, and HTTP 403" {
	daemon_start
	secret 0600
	run -4 dump_as "$OTHER"
	[[ $output != *TOPSECRET* && $output != *$SECRET_BASE64* ]]
	contains "$output" 'may be read by'
	run -0 as "$OTHER" curl -sS --unix-socket "$SOCKET" -w '\n%{http_code}\n' \
		"http://localhost/v1/queues/$IPCNS/secret/messages"
	same 403 "${lines[-1]}"
	[[ $output != *TOPSECRET* && $output != *$SECRET_BASE64* ]]
	same permission_denied "$(jq -r .error.code <<<"${lines[0]}")"
}

@test "a stranger cannot get it without the payload either, nor its size" {
	daemon_start
	secret 0600
	run -4 as "$OTHER" "$BIN/mqwatchctl" --socket "$SOCKET" --json dump --no-payload /secret
}

@test "names, depths and limits are for anyone" {
	daemon_start
	secret 0600
	run -0 as "$OTHER" "$BIN/mqwatchctl" --socket "$SOCKET" list
	contains "$output" /secret
	run -0 as "$OTHER" "$BIN/mqwatchctl" --socket "$SOCKET" show /secret
	run -0 as "$OTHER" "$BIN/mqwatchctl" --socket "$SOCKET" status
	[[ $output != *TOPSECRET* ]]
}

@test "the queue's owner, its group and a mode for all" {
	daemon_start
	secret 0600
	run -0 dump_as "$STRANGER"
	contains "$output" "$SECRET_BASE64"
	chmod 0640 "$MQFS/secret"
	run -0 dump_as "$OTHER" --groups="$STRANGER"
	contains "$output" "$SECRET_BASE64"
	run -4 dump_as "$OTHER"
	chmod 0604 "$MQFS/secret"
	run -0 dump_as "$OTHER"
	contains "$output" "$SECRET_BASE64"
	# as the kernel does: the group's bits hold for its members, not the others'
	run -4 dump_as "$OTHER" --groups="$STRANGER"
}

@test "an owner whom the mode does not let read may not" {
	daemon_start
	secret 0600
	chmod 0200 "$MQFS/secret"
	run -4 dump_as "$STRANGER"
}

@test "members of the control group may, and it is logged once, without the payload" {
	daemon_start --control.group games
	secret 0600
	run -0 dump_as "$OTHER" --groups="$(getent group games | cut -d: -f3)"
	contains "$output" "$SECRET_BASE64"
	warned "/secret.*\\b$OTHER\\b|\\b$OTHER\\b.*/secret"
	run ! grep -aE "TOPSECRET|$SECRET_BASE64" "$LOG"
	run -4 dump_as "$OTHER"
}

@test "root may read another's queue, and it is logged" {
	daemon_start
	secret 0600
	run -0 dump_as 0
	warned /secret
}

@test "the journal gets who read whose queue, once for each read" {
	local pid

	daemon_start
	secret 0600
	journal_start
	pid=$(setpriv --reuid=0 -- sh -c 'echo $$; exec "$@" >/dev/null' sh \
		"$BIN/mqwatchctl" --socket "$SOCKET" dump /secret)
	wait_for journal_has MQ_READER_UID=0 "MQ_READER_PID=$pid"
	journal_has PRIORITY=5 MQ_QUEUE=/secret "MQ_IPCNS=$IPCNS" "MQ_OWNER_UID=$STRANGER"
	run -0 dump_as 0
	run -0 dump_as "$STRANGER"
	run -4 dump_as "$OTHER"
	run -0 dump_as 0
	wait_for eval '[ "$(grep -c ^MESSAGE_ID= journal)" -eq 3 ]'
	same 3 "$(grep -c '^MQ_READER_UID=0$' journal)"
	run ! grep -aE "TOPSECRET|$SECRET_BASE64" journal
	journal_explained 1
}

@test "reading one's own queue is not logged" {
	daemon_start
	secret 0600
	"$BIN/mqfill" create /own
	"$BIN/mqfill" send /own 0:x
	run -0 dump_as "$STRANGER"
	run -0 ctl dump /own
	run ! grep -aE '/secret|/own' "$LOG"
}

@test "no payload in metrics, status page or log" {
	daemon_start --log.level debug
	secret 0644
	run -0 dump_as "$OTHER"
	{
		metrics
		curl -sS "http://127.0.0.1:$PORT/"
		json list
		json show /secret
		cat "$LOG"
	} >everything
	contains "$(cat everything)" /secret
	run ! grep -aE "TOPSECRET|$SECRET_BASE64" everything
}

@test "who is in a call is not for strangers" {
	daemon_start
	secret 0600
	as "$STRANGER" "$BIN/mqfill" receive /secret
	spawn as "$STRANGER" "$BIN/mqfill" receive /secret
	wait_for asleep_in_queue "$PID"
	contains "$(ctl show /secret)" "\\b$PID\\b"
	run -0 as "$OTHER" "$BIN/mqwatchctl" --socket "$SOCKET" show /secret
	run ! grep -E "\\b$PID\\b" <<<"$output"
}
