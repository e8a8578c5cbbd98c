# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh

pid=$(show MainPID)
of_process() {
	says "^$1" cat "/proc/$pid/status"
}

check "systemd-analyze security: at most 2.5" sh -c \
	'systemd-analyze security --no-pager --threshold=25 mqwatchd.service >/tmp/security'
echo "# $(tail -n 1 /tmp/security)"
check "it is not root" not of_process 'Uid:.*\b0\b'
# CAP_DAC_READ_SEARCH is 2
check "one capability is left" of_process 'CapEff:.*0000000000000004'
check "and no way to more" of_process 'CapPrm:.*0000000000000004'
check "nor for a child" of_process 'CapAmb:.*0000000000000000'
check "no new privileges" of_process 'NoNewPrivs:.*1'
check "a system call filter" of_process 'Seccomp:.*2'
check "a limit of memory" is 1073741824 "$(show MemoryMax)"
echo "# memory: $(($(show MemoryCurrent) / 1024)) KiB"

# A call that the filter's author did not know: the answer is the kernel's own.
filtered() {
	# the lines of the unit, as properties of another, in their order
	grep -E '^(SystemCall|NoNewPriv|RestrictAddr|RestrictNamesp|LockPers|MemoryDeny)' \
		/lib/systemd/system/$unit | tac | sed 's/^/--property=/' >/tmp/properties
	while read -r property; do
		set -- "$property" "$@"
	done </tmp/properties
	systemd-run --quiet --wait --pipe --collect "$@"
}
mqfill create /filter
mqfill send /filter 1:seen
case $backend in
syscall)
	check "the filter passes mq_timedreceive2" says '^1:seen' filtered /test/mqreceive2 /filter 0
	check "the daemon found it" says '"backend":"syscall","reason":null,"note":null' mqwatchctl --json status
	;;
*)
	check "the filter passes an unknown call to the kernel" says 'Function not implemented' \
		filtered /test/mqreceive2 /filter 0
	check "the daemon says that the kernel lacks it" says 'this kernel has no mq_timedreceive2(2)' \
		mqwatchctl --json status
	;;
esac
check "the filter refuses what it knows" says 'unshare failed: Operation not permitted' \
	filtered unshare --ipc true
mqfill unlink /filter
