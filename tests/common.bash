# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# What the host tests, the demo and the benchmark share.

# private "$@": goes on in IPC, mount and network namespaces of the script's own, prepared as a host is:
# queues, mounts and ports made there vanish with the last process.
private() {
	if [ -z "${MQWATCH_PRIVATE:-}" ]; then
		MQWATCH_PRIVATE=1 exec unshare --ipc --mount --net --propagation private "$0" "$@"
	fi
	ip link set lo up
	mount -t tmpfs run /run
	[ -e /sys/kernel/tracing/events ] || mount -t tracefs tracefs /sys/kernel/tracing
}

# wait_for COMMAND...: until it succeeds, for at most DEADLINE seconds
wait_for() {
	local end=$((SECONDS + ${DEADLINE:-20}))

	until "$@" >/dev/null 2>&1; do
		if [ $SECONDS -ge $end ]; then
			echo "not within ${DEADLINE:-20} s: $*" >&2
			return 1
		fi
		sleep 0.02
	done
}

serving() {
	curl -sf -o /dev/null "http://$1/-/ready"
}
