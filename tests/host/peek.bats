#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# What is in a queue is shown as it is, and stays there.

load lib

nine() {
	"$BIN/mqfill" --depth=10 --message-size=64 create /nine
	"$BIN/mqfill" send /nine 1:one-a 5:five-a 9:nine-a 1:one-b 5:five-b 9:nine-b 1:one-c \
		5:five-c 9:nine-c
}
NINE_IN_ORDER='9:nine-a
9:nine-b
9:nine-c
5:five-a
5:five-b
5:five-c
1:one-a
1:one-b
1:one-c'

# PRIORITY:PAYLOAD per message of a JSON dump
messages() {
	jq -r '.messages[] | "\(.priority):\(.payload.data | @base64d)"'
}

@test "nine messages in three priorities: metric, dump in receive order, and still there" {
	nine
	daemon_start
	metric_is 9 mqwatch_queue_messages 'queue="/nine"'
	metric_is 51 mqwatch_queue_bytes 'queue="/nine"'
	json dump /nine >dump.json
	same "$NINE_IN_ORDER" "$(messages <dump.json)"
	same '[0,1,2,3,4,5,6,7,8]' "$(jq -c '[.messages[].index]' dump.json)"
	same 'true 9 bpf' "$(jq -r '"\(.consistent) \(.messages_total) \(.backend)"' dump.json)"
	same "$NINE_IN_ORDER" "$("$BIN/mqfill" --nonblock receive /nine)" "received afterwards"
	metric_is 0 mqwatch_queue_messages 'queue="/nine"'
}

@test "every byte of payloads: binary, empty and as long as the queue allows" {
	daemon_start
	"$BIN/mqfill" --depth=4 --message-size=16384 create /bytes
	head -c 16384 /dev/urandom >long
	printf '\x00\xff\n\x01' >binary
	"$BIN/mqfill" send-input /bytes 3 <long
	"$BIN/mqfill" send-input /bytes 2 <binary
	"$BIN/mqfill" send-input /bytes 1 </dev/null
	json dump /bytes >dump.json
	same '[16384,4,0]' "$(jq -c '[.messages[].size]' dump.json)"
	jq -r '.messages[0].payload.data' dump.json | base64 -d | cmp - long
	jq -r '.messages[1].payload.data' dump.json | base64 -d | cmp - binary
	same '' "$(jq -r '.messages[2].payload.data' dump.json)"
}

# bytes_exact SIZE: one message of so many bytes comes out as it went in
bytes_exact() {
	head -c "$1" /dev/urandom >payload
	chmod 0644 payload
	as "$STRANGER" "$BIN/mqfill" --depth=1 --message-size="$1" create /long
	as "$STRANGER" "$BIN/mqfill" send-input /long 0 <payload
	json dump --bytes "$1" /long >dump.json
	same "$1 false" "$(jq -r '.messages[0] | "\(.size) \(.payload.truncated)"' dump.json)"
	jq -r '.messages[0].payload.data' dump.json | base64 -d | cmp - payload
	"$BIN/mqfill" unlink /long
}

@test "messages that end just before, at and after the kernel's segment ends" {
	# msg_msg: 48 bytes of header in the first page, 8 in each that follows
	local size

	daemon_start --peek.payload-max 64K
	for size in 4047 4048 4049 8135 8136 8137 12223 12224 12225 65536; do
		bytes_exact $size
	done
}

@test "a message of hundreds of segments" {
	daemon_start --peek.payload-max 1M --peek.buffer-max 16M
	bytes_exact 786432
}

@test "a message of 16 MiB" {
	local limit

	limit=$(ulimit -q)
	[ "$limit" = unlimited ] || [ "$limit" -gt 17000000 ] ||
		skip "RLIMIT_MSGQUEUE is $limit bytes and may not be raised"
	daemon_start --peek.payload-max 16M --peek.buffer-max 64M
	bytes_exact 16777216
}

@test "payloads are cut at --peek.payload-max and at --bytes, and say so" {
	daemon_start --peek.payload-max 16
	"$BIN/mqfill" create /cut
	"$BIN/mqfill" send /cut 0:0123456789abcdefXXXX 0:short
	json dump /cut >dump.json
	same '[[20,"0123456789abcdef",true],[5,"short",false]]' "$(jq -c \
		'[.messages[] | [.size, (.payload.data | @base64d), .payload.truncated]]' dump.json)"
	same '[["0123",true],["shor",true]]' "$(json dump --bytes 4 /cut | jq -c \
		'[.messages[] | [(.payload.data | @base64d), .payload.truncated]]')"
}

@test "dump --limit shows the first messages only" {
	nine
	daemon_start
	json dump --limit 4 /nine >dump.json
	same "$(head -4 <<<"$NINE_IN_ORDER")" "$(messages <dump.json)"
	same 9 "$(jq .messages_total dump.json)"
}

@test "dump --no-payload" {
	nine
	daemon_start
	same '[null]' "$(json dump --no-payload /nine | jq -c '[.messages[].payload] | unique')"
	run -0 ctl dump --no-payload /nine
	[[ $output != *nine-a* ]]
	contains "$output" '\b9\b'
}

@test "dump for people: header, a line per message, and hexdump -C of the payload" {
	daemon_start
	"$BIN/mqfill" --message-size=64 create /people
	"$BIN/mqfill" send /people '7:Hello, queue reader'
	run -0 ctl dump /people
	contains "${lines[0]}" '/people'
	contains "${lines[0]}" 'bpf'
	contains "${lines[0]}" '1/10'
	contains "${lines[0]}" '\b19\b'
	contains "$output" '\b7\b.*\b19\b'
	contains "$output" '48 65 6c 6c 6f 2c 20 71  75 65 75 65 20 72 65 61  \|Hello, queue rea\|'
	contains "$output" '64 65 72 +\|der\|'
}

@test "dump --format=raw gives the payload's bytes, text its text, hex its bytes" {
	daemon_start
	"$BIN/mqfill" create /format
	printf 'a\x00b\xff' | "$BIN/mqfill" send-input /format 3
	ctl dump --format=raw --limit 1 /format >raw
	printf 'a\x00b\xff' | cmp - raw
	"$BIN/mqfill" send /format 4:plain-text
	run -0 ctl dump --format=text /format
	contains "$output" plain-text
	LC_ALL=C run ! grep -q $'[\x01-\x08\xff]' <<<"$output"
	run -0 ctl dump --format=hex /format
	contains "$output" '70 6c 61 69 6e 2d 74 65  78 74 +\|plain-text\|'
	run -0 ctl dump --format=table /format
	contains "$output" '\b4\b.*\b10\b'
	run -2 ctl dump --format=xml /format
}

@test "an empty queue" {
	daemon_start
	"$BIN/mqfill" create /empty
	same '[true,0,[]]' "$(json dump /empty | jq -c '[.consistent, .messages_total, .messages]')"
	metric_is 0 mqwatch_queue_messages 'queue="/empty"'
	run -0 ctl dump /empty
	contains "$output" '0/10'
}

@test "more priorities than most have, in order" {
	local i all=()

	daemon_start
	for i in 32767 0 1 2 100 99 3 32766 4 5; do
		all+=("$i:m$i")
	done
	"$BIN/mqfill" create /many
	"$BIN/mqfill" send /many "${all[@]}"
	same '[32767,32766,100,99,5,4,3,2,1,0]' "$(json dump /many | jq -c '[.messages[].priority]')"
}

# peek_under_load SNAPSHOTS FLAG...: no delivered message is wrong, with 4 senders and 4 receivers that
# mqload runs with these flags
peek_under_load() {
	local snapshots=$1 load

	shift
	spawn as "$STRANGER" "$BIN/mqload" --senders=4 --receivers=4 --priorities=5 "$@" /load \
		>load.json
	load=$PID
	spawn as $((STRANGER + 1)) "$BIN/mqload" --size=1-64 --receive-rate=1000 /foreign \
		>foreign.json
	wait_for test -e "$MQFS/load"
	"$BIN/mqpeekcheck" "$snapshots" /load | tee peek.json
	kill -TERM "$load"
	wait "$load"
	cat load.json
	same 0 "$(jq '.faults | add' load.json)" "messages that the receivers found wrong"
	same "$snapshots" "$(jq .snapshots peek.json)"
	same 0 "$(jq .violations_total peek.json)"
	[ "$(jq .received load.json)" -gt 1000 ]
}

# A check of nothing would pass too. How much can be proven depends on what else the machine does: a
# process that was woken and waits for a CPU is in a call.
delivered() {
	jq -e '.messages > 100' peek.json
}

@test "snapshots of 1 byte to 64 KiB messages while 4 senders and 4 receivers run" {
	peek_under_load "${MQWATCH_SNAPSHOTS:-10000}" --size=1-65536 --receive-rate=1000
	delivered
}

@test "snapshots of short messages while 4 senders and 4 receivers run" {
	peek_under_load "${MQWATCH_SNAPSHOTS:-10000}" --size=1-200 --receive-rate=500
	delivered
}

@test "snapshots while 4 senders and 4 receivers run as fast as they can" {
	peek_under_load 2000 --size=1-200
}
