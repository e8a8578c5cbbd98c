# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# What all tests share: programs where other users can reach them, a mqueue file system to look at
# queues with, and room for long messages.

setup_suite() {
	if [ -z "${MQWATCH_PRIVATE:-}" ]; then
		echo "start the tests with tests/host/run.sh: they need their own namespaces" >&2
		return 1
	fi
	export SUITE=$BATS_RUN_TMPDIR
	export MQFS=$SUITE/mqueue BIN=$SUITE/bin
	chmod 0755 "$SUITE"
	mkdir "$MQFS" "$BIN"
	cp "$MQWATCH_BUILD"/{mqwatchd,mqwatchctl} "$MQWATCH_BUILD"/tests/mq{load,fill,peekcheck,truth,churn} "$BIN"
	mount -t mqueue mqueue "$MQFS"
	if mkdir /dev/mqueue 2>/dev/null; then : >"$SUITE/made-dev-mqueue"; fi
	echo 16777216 >/proc/sys/fs/mqueue/msgsize_max
	echo 65536 >/proc/sys/fs/mqueue/msg_max
	IPCNS=$(stat -L -c %i /proc/self/ns/ipc)
	export IPCNS
}

teardown_suite() {
	umount "$MQFS"
	[ ! -e "$SUITE/made-dev-mqueue" ] || rmdir /dev/mqueue
}
