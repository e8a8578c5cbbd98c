#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# shellcheck disable=SC2317 # functions are called through check
#
# Inside a virtual machine, where RLIMIT_MSGQUEUE can be raised: the ages and senders of the messages of
# queues as deep as they may be. Prints TAP. How they are found: docs/stalls.md.

# shellcheck source=tests/vm/lib.sh
. lib.sh

messages=60000

# A dump of so many messages takes an emulated machine long: the client may have given up.
dump() {
	mqwatchctl --json dump --bytes 64 "$1" >/tmp/dump
}

# truth QUEUE PATTERN...: what is said of its messages, compared with what they say, fits all of them
truth() {
	queue=$1
	shift
	wait_for dump "$queue" && mqtruth "/tmp$queue" </tmp/dump >/tmp/truth
	cat /tmp/truth
	for pattern in "$@"; do
		grep -E "$pattern" /tmp/truth || return
	done
}

# fill QUEUE OPTION...: so many messages, none of which is received
fill() {
	queue=$1
	shift
	mqload --receivers=0 --keep --quiet --messages=$messages --depth=$messages --size=64 \
		--stamps="/tmp$queue" "$@" "$queue"
}

# shellcheck disable=SC3045 # busybox has it
ulimit -q unlimited
echo 65536 >/proc/sys/fs/mqueue/msg_max
mkdir -p /run/mqwatch
check "the daemon starts" start --watch.interval=60s

fill /own --senders=5 --own-priority
check "one sender per priority, $messages messages: sender right, age within 1 ms" \
	truth /own "\"known\":$messages," '"wrong_sender":0,' '"off_1ms":0,'
sed 's/^/# /' /tmp/truth
mqfill unlink /own

fill /race --senders=8 --priorities=5
# one in a thousand may have another's sender
check "8 senders race on 5 priorities: 99.9% right, age within 10 ms, none unknown" \
	truth /race "\"known\":$messages," '"wrong_sender":([0-9]|[1-5][0-9]|60),' '"off_10ms":0,'
sed 's/^/# /' /tmp/truth
wget -q -O - http://127.0.0.1:10119/metrics | sed -n 's/^mqwatch_events_lost_total/# &/p'
stop

echo "1..$n"
exit "$failed"
