#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Inside a virtual machine: is there all that mqwatch and its tests need?

# shellcheck source=tests/vm/lib.sh
. lib.sh

skip() {
	n=$((n + 1))
	echo "ok $n - $1 # SKIP $2"
}

# What mqwatchd needs. The sanitizing kernels leave it out: they run the kernel's tests only.
for_daemon() {
	mount -t tracefs tracefs /sys/kernel/tracing 2>/dev/null
	events=/sys/kernel/tracing/events/syscalls
	check "the kernel has its types" test -s /sys/kernel/btf/vmlinux
	check "tracefs mounts" test -d "$events"
	for call in mq_timedsend mq_timedreceive; do
		check "tracepoint sys_enter_$call" test -d "$events/sys_enter_$call"
		check "tracepoint sys_exit_$call" test -d "$events/sys_exit_$call"
	done
	check "/sys/fs/bpf is mounted" grep -q ' /sys/fs/bpf bpf ' /proc/mounts
	check "a loopback network" ping -c 1 127.0.0.1
	check "a BPF array map" bpftool map create /sys/fs/bpf/smoke type array \
		key 4 value 8 entries 4 name smoke
	check "types of message queues" sh -c 'bpftool btf dump file /sys/kernel/btf/vmlinux |
		grep -q "STRUCT .mqueue_inode_info."'
}

case $MQWATCH_KERNEL in
debug|kcsan) ;;
*) for_daemon ;;
esac

check "/dev/mqueue is mounted" grep -q ' /dev/mqueue mqueue ' /proc/mounts
check "cgroup2 with memory and pids" \
	grep -q 'memory.*pids' /sys/fs/cgroup/cgroup.subtree_control
check "RLIMIT_MSGQUEUE can be raised" sh -c 'ulimit -q unlimited'
check "an IPC namespace of its own" unshare -i true
check "a PID and a user namespace" unshare -U -p -f true
check "alice and bob exist" sh -c 'su alice -c "id -un" | grep -qx alice &&
	su bob -c "id -un" | grep -qx bob'

entry=' __x64_sys_mq_timedreceive2$'
case $MQWATCH_KERNEL in
patched|debug|kcsan)
	if [ "$MQWATCH_SERIES" = 0 ]; then
		skip "mq_timedreceive2() is there" "this tree has no series yet"
	else
		check "mq_timedreceive2() is there" grep -q "$entry" /proc/kallsyms
	fi
	;;
stock-*|base)
	check "mq_timedreceive2() is not there" sh -c \
		"! grep -q '$entry' /proc/kallsyms"
	;;
esac

echo "1..$n"
exit "$failed"
