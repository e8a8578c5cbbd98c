#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# shellcheck disable=SC2317 # functions are called through check
#
# Inside a virtual machine: the two ways to attach the probes. What one of them counts the other does, and
# 32-bit callers are seen by one only. Prints TAP.

# shellcheck source=tests/vm/lib.sh
. lib.sh

count() {
	metric "mqwatch_queue_$1_messages_total{.*queue=\"/q\"} $2"
}

# Whether it has a program on a tracepoint of a system call, which sends every call of everybody another way.
at_tracepoints() {
	for fd in "/proc/$daemon/fd/"*; do
		readlink "$fd"
	done | grep perf_event
}

no_tracepoints() {
	! at_tracepoints
}

# Two ways to be refused a queue; both fail.
open_missing() {
	! mqfill receive /missing && ! call32 receive missing
}

mkdir -p /run/mqwatch
mqfill --depth=10 --message-size=64 create /q

check "the daemon starts" start
check "functions are probed where they can be" says '"mode":"fentry","reason":null,"note":null' \
	mqwatchctl --json status
check "the metrics say so" metric 'mqwatch_probe_attached{probe="mq_timedsend",mode="fentry"} 1'
mqfill send /q 3:one 7:two
mqfill receive /q >/dev/null
check "sends are counted" count sent 2
check "receives are counted" count received 1
check "senders are known" says ' 0 *3 .* mqfill' mqwatchctl dump /q
check "a 32-bit program sends" call32 send q
check "its sends are counted" count sent 4
check "its bytes are" metric 'mqwatch_queue_sent_bytes_total{.*queue="/q"} 18'
check "it is known as their sender" says ' 7 .* call32' mqwatchctl dump /q
check "a 32-bit program receives" call32 receive q
check "its receives are counted" count received 3
check "the times of its messages are known" metric \
	'mqwatch_queue_residence_seconds_count{.*queue="/q"} 3'
check "no call was missed" says '"unseen":0' mqwatchctl --json status
check "nor skipped" says '"recursion":0' mqwatchctl --json status
check "two programs open a missing queue" open_missing
check "both failures are counted" metric 'mqwatch_open_errors_total{errno="ENOENT",uid="0"} 2'
check "other calls go their way as without mqwatch" no_tracepoints
stop

check "--probe=tracepoint" start --probe=tracepoint
check "is tracepoint" says '"mode":"tracepoint"' mqwatchctl --json status
check "other calls do not" at_tracepoints
mqfill send /q 3:one
check "sends are counted again" count sent 1
check "a 32-bit program that it does not see" call32 send q
check "is in no counter" count sent 1
check "but its messages show" metric 'mqwatch_queue_messages{.*queue="/q"} 4'
stop

check "--probe=fentry" start --probe=fentry
check "is fentry" says '"mode":"fentry"' mqwatchctl --json status
stop

echo "1..$n"
exit $failed
