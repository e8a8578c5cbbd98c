#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Inside a virtual machine, where RLIMIT_MSGQUEUE can be raised: the ages and senders of the messages of
# queues as deep as they may be. Prints TAP. What they must be: docs/correlation.md.

messages=60000
n=0
failed=0

# result NAME TRUTH PATTERN...: the counts that mqtruth prints fit all of them
result() {
	name=$1 truth=$2
	shift 2
	n=$((n + 1))
	for pattern in "$@"; do
		if ! echo "$truth" | grep -qE "$pattern"; then
			echo "not ok $n - $name"
			echo "# no $pattern: $truth"
			failed=1
			return
		fi
	done
	echo "ok $n - $name"
	echo "# $truth"
}

ready() {
	i=0
	until mqwatchctl status >/dev/null 2>&1; do
		i=$((i + 1))
		[ $i -lt 60 ] || exit 1
		sleep 1
	done
}

# fill QUEUE OPTION...: so many messages, none of which is received
fill() {
	queue=$1
	shift
	mqload --receivers=0 --keep --quiet --messages=$messages --depth=$messages --size=64 \
		--stamps="/tmp$queue" "$@" "$queue"
}

truth() {
	mqwatchctl --json dump --bytes 64 "$1" | mqtruth "/tmp$1"
}

ulimit -q unlimited
echo 65536 >/proc/sys/fs/mqueue/msg_max
mkdir -p /run/mqwatch
mqwatchd --watch.interval=60s >/tmp/log 2>&1 &
ready

fill /own --senders=5 --own-priority
result "one sender per priority, $messages messages: sender right, age within 1 ms" "$(truth /own)" \
	"\"known\":$messages," '"wrong_sender":0,' '"off_1ms":0,'
mqfill unlink /own

fill /race --senders=8 --priorities=5
# one in a thousand may have another's sender
result "8 senders race on 5 priorities, $messages messages: 99.9% right, age within 10 ms, none unknown" \
	"$(truth /race)" "\"known\":$messages," '"wrong_sender":([0-9]|[1-5][0-9]|60),' '"off_10ms":0,'

echo "1..$n"
exit "$failed"
