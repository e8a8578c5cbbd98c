# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# What all tests share: a place other users can reach, a mqueue file system to look at queues
# with, tracefs where the host has none, and room for long messages.

setup_suite() {
	if [ -z "${MQWATCH_PRIVATE:-}" ]; then
		echo "start the tests with tests/host/run.sh: they need their own namespaces" >&2
		return 1
	fi
	export SUITE=$BATS_RUN_TMPDIR
	export MQFS=$SUITE/mqueue BIN=$SUITE/bin
	chmod 0755 "$SUITE"
	mkdir "$MQFS" "$BIN"
	cp "$MQWATCH_BUILD"/{mqwatchd,mqwatchctl} "$MQWATCH_BUILD"/tests/mq{load,fill,peekcheck} "$BIN"
	mount -t mqueue mqueue "$MQFS"
	mount -t tmpfs run /run
	[ -e /sys/kernel/tracing/events ] || mount -t tracefs tracefs /sys/kernel/tracing
	ip link set lo up
	echo 16777216 >/proc/sys/fs/mqueue/msgsize_max
	IPCNS=$(stat -L -c %i /proc/self/ns/ipc)
	export IPCNS
}

teardown_suite() {
	umount "$MQFS"
}
