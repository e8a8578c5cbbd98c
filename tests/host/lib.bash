# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Helpers of the host tests. Each test has its own directory, port and socket, and starts with no
# queue; what it spawned and made is gone when it ends. Nothing here waits for a fixed time: every
# wait is for a condition and has a deadline.

bats_require_minimum_version 1.5.0
# shellcheck source=tests/common.bash
. "$BATS_TEST_DIRNAME/../common.bash"

# A user without any right. Its RLIMIT_MSGQUEUE is charged apart from root's.
# shellcheck disable=SC2034 # for the tests
STRANGER=$((200000 + $$ % 50000))

setup() {
	cd "$BATS_TEST_TMPDIR" || return 1
	chmod 0755 "$BATS_TEST_TMPDIR"
	PORT=$((20000 + BATS_TEST_NUMBER))
	SOCKET=$BATS_TEST_TMPDIR/control.sock
	LOG=$BATS_TEST_TMPDIR/log
	DAEMON=
	WRAP=() # a command that the daemon is started by
	NAMESPACES=(--queues.namespaces own) # whatever else runs on this machine
	SPAWNED=()
}

teardown() {
	local failed=0 pid

	for pid in "${SPAWNED[@]}"; do
		kill -KILL "$pid" 2>/dev/null || :
	done
	[ -z "$DAEMON" ] || daemon_stop || failed=1
	wait
	find "$MQFS" -mindepth 1 -delete
	if [ -e "$LOG" ]; then
		if grep -aE 'Sanitizer|runtime error:' "$LOG"; then
			failed=1
		fi
		echo "--- log"
		cat "$LOG"
	fi
	return $failed
}

# --- processes

# spawn COMMAND...: in the background, killed at the test's end; sets PID
spawn() {
	EXEC="exec" "$@" 3>&- &
	PID=$!
	SPAWNED+=("$PID")
}

# Whether the process sleeps in mq_timedsend(2) or mq_timedreceive(2).
asleep_in_queue() {
	local number

	read -r number _ <"/proc/$1/syscall" || return 1
	case $(uname -m):$number in
	x86_64:242 | x86_64:243 | aarch64:182 | aarch64:183) ;;
	*) return 1 ;;
	esac
}

gone() {
	! [ -e "/proc/$1" ]
}

# --- the daemon

# daemon_spawn [FLAG]...: starts it and does not wait; sets DAEMON
daemon_spawn() {
	STATE_DIRECTORY=$BATS_TEST_TMPDIR/state \
		ASAN_OPTIONS=${ASAN_OPTIONS:-detect_leaks=1} "${WRAP[@]}" "$BIN/mqwatchd" \
		--web.listen-address "127.0.0.1:$PORT" --control.socket "$SOCKET" \
		"${NAMESPACES[@]}" "$@" \
		2>>"$LOG" 3>&- &
	DAEMON=$!
}

daemon_start() {
	daemon_spawn "$@"
	wait_for daemon_ready_or_dead
	daemon_ready
}

daemon_ready() {
	serving "127.0.0.1:$PORT"
}

daemon_ready_or_dead() {
	daemon_ready || gone "$DAEMON" || grep -q '^State:.Z' "/proc/$DAEMON/status"
}

# Ends it as systemd would; it must exit with 0.
daemon_stop() {
	local pid=$DAEMON status=0

	DAEMON=
	kill -TERM "$pid" 2>/dev/null || :
	wait "$pid" || status=$?
	if [ $status -ne 0 ]; then
		echo "mqwatchd ended with status $status"
		return 1
	fi
}

# daemon_kill SIGNAL: returns when it is gone, with its status
daemon_kill() {
	local pid=$DAEMON

	DAEMON=
	kill -"$1" "$pid"
	wait "$pid"
}

# daemon_refuses STATUS [FLAG]...: it ends by itself with this status; its words are in $output
daemon_refuses() {
	local status=$1

	shift
	run "-$status" timeout 20 "${WRAP[@]}" "$BIN/mqwatchd" "$@" 3>&-
	# shellcheck disable=SC2154 # run sets it
	echo "$output" >"$LOG"
}

# --- asking it

ctl() {
	"$BIN/mqwatchctl" --socket "$SOCKET" "$@"
}

json() {
	ctl --json "$@"
}

api() {
	curl -sS --unix-socket "$SOCKET" "http://localhost$1"
}

metrics() {
	curl -sSf "http://127.0.0.1:$PORT/metrics"
}

# metric NAME [LABEL="VALUE"]...: the value of the one series with these labels; nothing without
metric() {
	local name=$1

	shift
	metrics | LABELS=$(printf '%s\n' "$@") awk -v name="$name" '
		BEGIN { n = split(ENVIRON["LABELS"], label, "\n") }
		index($0, name "{") == 1 || index($0, name " ") == 1 {
			for (i = 1; i <= n; i++)
				if (label[i] != "" && !index($0, label[i]))
					next
			print $NF
		}'
}

# metric_is VALUE NAME [LABEL="VALUE"]...
metric_is() {
	local expected=$1 value

	shift
	value=$(metric "$@")
	if [ "$value" != "$expected" ]; then
		echo "$*: \"$value\" instead of $expected"
		return 1
	fi
}

# --- the journal

# Entries with fields go to the file "journal" from now on.
journal_start() {
	mkdir -p /run/systemd/journal
	spawn socat -u UNIX-RECV:/run/systemd/journal/socket,unlink-early CREATE:journal
	wait_for test -S /run/systemd/journal/socket
}

# journal_has FIELD=PATTERN...: an entry's field, whole
journal_has() {
	local field

	for field in "$@"; do
		grep -aqxE -- "$field" journal || return 1
	done
}

# journal_explained NUMBER: so many kinds of entries, each of which journalctl -x explains, with fields
# that there are.
journal_explained() {
	local id ids

	rm /run/systemd/journal/socket
	ids=$(sed -n 's/^MESSAGE_ID=//p' journal | sort -u)
	same "$1" "$(wc -l <<<"$ids")" "kinds of entries"
	mkdir -p root/usr/lib/systemd/catalog root/var/lib/systemd/catalog
	cp "$BATS_TEST_DIRNAME/../../systemd/mqwatch.catalog" root/usr/lib/systemd/catalog
	journalctl --root="$PWD/root" --update-catalog
	sed -n 's/^\(MQ_[A-Z_]*\)=.*/\1/p' journal | sort -u >given
	for id in $ids; do
		journalctl --root="$PWD/root" --dump-catalog "$id" >explained
		contains "$(<explained)" '^Subject: '
		grep -oE '@MQ_[A-Z_]+@' explained | tr -d @ | sort -u >wanted
		same '' "$(comm -23 wanted given)" "fields of $id"
	done
}

# --- checking

# same EXPECTED ACTUAL [WHAT]
same() {
	if [ "$1" != "$2" ]; then
		printf '%s\nexpected: %s\nactual:   %s\n' "${3:-}" "$1" "$2"
		return 1
	fi
}

# contains TEXT PATTERN (extended regular expression)
contains() {
	if ! grep -aqE -- "$2" <<<"$1"; then
		printf 'no "%s" in:\n%s\n' "$2" "$1"
		return 1
	fi
}

# warned PATTERN: exactly one line of the log says so
warned() {
	local lines

	lines=$(grep -acE -- "$1" "$LOG" || :)
	same 1 "$lines" "log lines with \"$1\""
}

# as UID COMMAND...: without any group or capability
as() {
	local uid=$1

	shift
	${EXEC:-} setpriv --reuid="$uid" --regid="$uid" --clear-groups -- "$@"
}

sanitized() {
	grep -aq __asan_init "$BIN/mqwatchd"
}
