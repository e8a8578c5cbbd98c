#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# shellcheck disable=SC2317 # functions are called through check
#
# Inside a virtual machine: the daemon and its client end to end, on a kernel with mq_timedreceive2(2) or
# without. Prints TAP.

# shellcheck source=tests/vm/lib.sh
. lib.sh

mkdir -p /run/mqwatch
case $MQWATCH_KERNEL in
stock-*|base) backend=bpf note="this kernel has no mq_timedreceive2(2)" ;;
*) backend=syscall note="\"note\":null" ;;
esac

# Eight priorities fit, so the later ones of these take what the earlier ones left.
check "a daemon for two queues" start --queues.max=2
for slot in 1 2 3 4; do
	mqfill --depth=10 create "/slot$slot"
	mqfill send "/slot$slot" 0:a 1:b 2:c
	wait_for metric "mqwatch_queue_sent_messages_total{.*queue=\"/slot$slot\"} 3"
	mqwatchctl --json dump "/slot$slot" >>/tmp/slots.json
	mqfill unlink "/slot$slot"
	wait_for sh -c '! mqwatchctl list | grep -q slot'
done
check "slots are used again" metric 'mqwatch_events_lost_total{reason="queues_full"} 0'
check "levels are used again" metric 'mqwatch_events_lost_total{reason="record"} 0'
check "with no sender unknown" sh -c '! grep -q "\"sender\":null" /tmp/slots.json'
stop

check "the daemon starts" start
check "nothing is degraded" says '"degraded":false' mqwatchctl --json status
check "peek backend $backend" says "\"backend\":\"$backend\"" mqwatchctl --json status
check "it says why" says "$note" mqwatchctl --json status

mqfill --depth=10 --message-size=20000 create /q
mqfill send /q 3:first 9:urgent 3:second
head -c 12345 /dev/urandom | mqfill send-input /q 1
wait_for metric 'mqwatch_queue_messages{.*queue="/q"} 4'
check "dump: all messages of one moment" says '"consistent":true' mqwatchctl --json dump /q
check "dump: by $backend" says "\"backend\":\"$backend\"" mqwatchctl --json dump /q
check "dump: in order, with senders" says ' 0 .* 9 .* 6 .* mqfill' mqwatchctl dump /q
check "dump: no age or sender is unknown" sh -c \
	'! mqwatchctl --json dump /q | grep -q "\"sender\":null"'
check "messages stay" metric 'mqwatch_queue_messages{.*queue="/q"} 4'
check "bytes are known" metric 'mqwatch_queue_bytes{.*queue="/q"} 12362'
check "sends are counted" metric 'mqwatch_queue_sent_messages_total{.*queue="/q"} 4'
check "backend in the metrics" metric "mqwatch_peek_backend_info{backend=\"$backend\"} 1"

if [ $backend = syscall ]; then
	check "own peeks are not counted" metric 'mqwatch_queue_peeks_total{.*queue="/q"} 0'
	check "a peek at the second" says '^3:first' mqreceive2 /q 1
	check "a peek beyond the last" says 'No such file' mqreceive2 /q 4
	check "it is counted" metric 'mqwatch_queue_peeks_total{.*queue="/q"} 1'
	check "a peek is no receive" metric \
		'mqwatch_queue_received_messages_total{.*queue="/q"} 0'
	check "a receive by mq_timedreceive2()" says '^9:urgent' mqreceive2 /q
	check "it is counted as one" metric \
		'mqwatch_queue_received_messages_total{.*queue="/q"} 1'
	check "in bytes, too" metric 'mqwatch_queue_received_bytes_total{.*queue="/q"} 6'
	check "the others' senders are still known" sh -c \
		'! mqwatchctl --json dump /q | grep -q "\"sender\":null"'
	check "its probe is listed" metric 'mqwatch_probe_attached{probe="mq_timedreceive2"'
fi
stop

if [ $backend = syscall ]; then
	# the longest message that there may be
	# shellcheck disable=SC3045 # busybox has it
	ulimit -q unlimited
	mqfill --depth=10 --message-size=16777216 create /long
	mqfill --depth=10 create /empty
	mkfifo /tmp/go
	mqparity /q /long /empty </tmp/go >/tmp/parity.log 2>&1 &
	parity=$!
	exec 3>/tmp/go
	wait_for grep -q ready /tmp/parity.log
	for size in 1 4048 4064 4065 65536 16777216; do
		head -c $size /dev/urandom | mqfill send-input /long $((size % 3))
	done
	exec 3>&-
	check "both backends say the same, to the byte" wait $parity
	sed 's/^/# /' /tmp/parity.log
	check "with senders" grep -q '^/long: 6 messages.* 6 senders' /tmp/parity.log
fi

check "--peek=bpf" start --peek=bpf
check "is bpf" says '"backend":"bpf"' mqwatchctl --json status
stop

if [ $backend = bpf ]; then
	check "--peek=syscall starts all the same" start --peek=syscall
	check "it says why it cannot peek" says 'cannot be peeked.*no mq_timedreceive2(2)' cat "$log"
	check "it is degraded" metric 'mqwatch_degraded{part="peek"} 1'
	check "metrics go on" metric 'mqwatch_queue_messages{.*queue="/q"} 4'
	check "dump says why not" exits_saying 1 'no mq_timedreceive2(2)' mqwatchctl dump /q
	stop
fi

su alice -c 'mqfill --mode=0600 create /alice && mqfill send /alice 5:mine 5:too'
mqfill --mode=0600 create /root
check "root dumps without a daemon" exits 0 mqwatchctl dump /q
if [ $backend = syscall ]; then
	check "alice dumps her own queue without a daemon" exits_saying 0 \
		'backend syscall, consistent' su alice -c "mqwatchctl dump /alice"
	check "with its payload" says '|too|' su alice -c "mqwatchctl dump /alice"
	check "in JSON, too" says '"backend":"syscall","consistent":true' \
		su alice -c "mqwatchctl --json dump /alice"
else
	check "the call is not there" says 'Function not implemented' mqreceive2 /alice 0
	check "alice cannot peek, and is told why" exits_saying 5 \
		'no mq_timedreceive2(2), and loading BPF programs is not permitted' \
		su alice -c "mqwatchctl dump /alice"
fi
check "bob may not look into it" exits_saying 4 'permission denied' su bob -c "mqwatchctl dump /alice"
check "nor alice into root's" exits_saying 4 'permission denied' su alice -c "mqwatchctl dump /root"
check "what needs no peeking goes on" says '/alice .* 2 *10' su alice -c "mqwatchctl list"
check "no messages are gone" says ' 2 *10' mqwatchctl list

echo "1..$n"
exit "$failed"
