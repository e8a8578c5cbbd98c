# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
# What a machine may lack, and a stall in the journal.

systemctl mask --runtime --quiet dev-mqueue.mount
# the daemon has it open
systemctl stop $unit
check "/dev/mqueue goes" umount /dev/mqueue
check "without it the service starts" systemctl start $unit
check "and is active" is active "$(systemctl is-active $unit)"
check "the status says so" status_says 'degraded: no queues: no mqueue file system'
check "metrics, too" metric 'mqwatch_degraded{part="mqueue"} 1'
systemctl unmask --runtime --quiet dev-mqueue.mount
mount -t mqueue mqueue /dev/mqueue
check "once it is there it is found" wait_for says '"degraded":false' mqwatchctl --json status
check "the status forgets it" status_says 'Watching 1 queue, [^:]*"'
check "messages can be read" payload_is 012345

mount -t tmpfs nothing /sys/kernel/btf
check "without BTF it starts" systemctl restart $unit
check "and is active" is active "$(systemctl is-active $unit)"
check "the status says so" status_says 'degraded: .*no probes: the kernel shows no type information'
check "depths are there" metric 'mqwatch_queue_messages{.*queue="/orders"} 1'
if [ "$backend" = syscall ]; then
	check "the system call needs no BTF" payload_is 012345
else
	check "a dump says why not" exits_saying 1 'no type information' mqwatchctl dump /orders
fi
umount /sys/kernel/btf

settings '[stall]' 'after=1s'
check "with BTF again" systemctl restart $unit
check "nothing is degraded" says '"degraded":false' mqwatchctl --json status
mark
mqfill send /orders 0:x
check "a stall is in the journal" wait_for logged 1 'Queue /orders is stalled' -u $unit MQ_REASON=no_reader
check "with fields" says '"MQ_QUEUE":"/orders"' journal -o json -u $unit MQ_REASON=no_reader
check "journalctl -x explains it" says 'Start the receiving service' journal -x -u $unit
check "the status counts it" status_says '1 stalled'
check "a record is kept" says 'no_reader' mqwatchctl stalls
