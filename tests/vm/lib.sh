# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh disable=SC2034
#
# For the scripts that run mqwatchd inside a virtual machine.

n=0
failed=0
log=/tmp/daemon.log

# check NAME COMMAND [ARG]...
check() {
	name=$1
	shift
	n=$((n + 1))
	if "$@" >/tmp/check.log 2>&1; then
		echo "ok $n - $name"
	else
		echo "not ok $n - $name"
		sed 's/^/# /' /tmp/check.log
		failed=1
	fi
}

# says TEXT COMMAND [ARG]...: it prints that, whatever its status
says() {
	text=$1
	shift
	"$@" >/tmp/says.log 2>&1
	cat /tmp/says.log
	grep -q -- "$text" /tmp/says.log
}

# exits STATUS COMMAND [ARG]...
exits() {
	expected=$1
	shift
	"$@"
	status=$?
	echo "exit status $status"
	[ "$status" -eq "$expected" ]
}

# Both, of one command
exits_saying() {
	status=$1 text=$2
	shift 2
	exits "$status" "$@" >/tmp/says.log 2>&1
	result=$?
	cat /tmp/says.log
	[ "$result" -eq 0 ] && grep -q -- "$text" /tmp/says.log
}

metric() {
	says "^$1" wget -q -O - http://127.0.0.1:10119/metrics
}

# Waits up to a minute: emulated machines are slow.
wait_for() {
	i=0
	while ! "$@" >/dev/null 2>&1; do
		i=$((i + 1))
		[ $i -lt 60 ] || return 1
		sleep 1
	done
}

start() {
	mqwatchd "$@" >"$log" 2>&1 &
	daemon=$!
	wait_for mqwatchctl status
}

stop() {
	kill "$daemon"
	wait "$daemon"
}
