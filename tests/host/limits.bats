#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Who is at a queue, who has none any more, and what the kernel refuses next.

load lib

# charged UID: what the daemon says of it
charged() {
	json limits | jq ".users[] | select(.uid == $1).reserved_bytes"
}

open_in() {
	# shellcheck disable=SC2012 # the links' targets
	ls -l "/proc/$1/fd" 2>/dev/null | grep -q "/$2\$"
}

who() {
	json who "$@"
}

@test "who: two blocked senders, a registration, descriptors and modes, each with its process" {
	local a b notified holder

	daemon_start
	"$BIN/mqfill" --depth=2 --message-size=16 create /who
	spawn "$BIN/mqfill" hold /who
	holder=$PID
	spawn as "$STRANGER" sh -c 'exec 9<&0; exec sleep 1000'
	spawn "$BIN/mqfill" notify /who
	notified=$PID
	wait_for open_in "$holder" who
	wait_for registered
	# the message consumes the registration: it is looked at before
	same "$notified" "$(who /who | jq .notify.pid)"
	same '"signal"' "$(who /who | jq .notify.method)"
	same 10 "$(who /who | jq .notify.signal)"
	contains "$(ctl who /who)" "Process $notified .* by signal 10 \(SIGUSR1\)"
	"$BIN/mqfill" send /who 0:x 0:y
	spawn "$BIN/mqfill" send /who 0:a
	a=$PID
	spawn "$BIN/mqfill" send /who 0:b
	b=$PID
	wait_for asleep_in_queue "$a"
	wait_for asleep_in_queue "$b"
	same "$(printf '%s\n' "$a" "$b" | sort -n)" \
		"$(who /who | jq '.calls[] | select(.operation == "send").pid' | sort -n)"
	same 0 "$(who /who | jq '[.calls[] | select(.started_at == null)] | length')"
	who /who >who.json
	same '"read-write"' "$(jq ".openers[] | select(.pid == $holder).access" who.json)"
	same 1 "$(jq ".openers[] | select(.pid == $holder).descriptors | length" who.json)"
	jq -e ".openers[] | select(.pid == $holder) | .uid == 0 and .comm == \"mqfill\"" who.json
	same '"write"' "$(jq ".openers[] | select(.pid == $a).access" who.json)"
	same '[1,3]' "$(jq -c '[.readers, .writers]' who.json)"
	metric_is 1 mqwatch_queue_readers 'queue="/who"'
	metric_is 3 mqwatch_queue_writers 'queue="/who"'
	metric_is 2 mqwatch_queue_blocked_senders 'queue="/who"'
	contains "$(ctl who /who)" "send +$a "
	# only who may read the queue sees who is at it
	run -0 as "$STRANGER" "$BIN/mqwatchctl" --socket "$SOCKET" who /who
	contains "$output" "shown to root"
	run ! grep -F "$holder" <<<"$output"
}

@test "who and show: a registration with SIGEV_THREAD" {
	local notified

	daemon_start
	"$BIN/mqfill" --depth=2 --message-size=16 create /who
	spawn "$BIN/mqfill" notify-thread /who
	notified=$PID
	wait_for registered
	same "[$notified,\"thread\",null]" "$(who /who | jq -c '.notify | [.pid, .method, .signal]')"
	same "[$notified,\"thread\"]" "$(json show /who | jq -c '.notify | [.pid, .method]')"
	contains "$(ctl who /who)" "Process $notified .* by .*thread"
	# the message consumes it
	"$BIN/mqfill" send /who 0:x
	wait "$notified"
	same null "$(who /who | jq .notify)"
	metric_is 0 mqwatch_queue_notify_registered 'queue="/who"'
}

registered() {
	[ "$(metric mqwatch_queue_notify_registered 'queue="/who"')" = 1 ]
}

@test "readers and writers are open descriptions: inherited descriptors share one, ours do not count" {
	local i

	daemon_start
	"$BIN/mqfill" create /count
	metric_is 0 mqwatch_queue_readers 'queue="/count"'
	metric_is 0 mqwatch_queue_writers 'queue="/count"'
	exec 8<>"$MQFS/count"
	spawn sleep 1000
	spawn sleep 1000
	exec 8<&-
	wait_for open_in "$PID" count
	for i in 1 2 3; do
		json dump /count >/dev/null
		metric_is 1 mqwatch_queue_readers 'queue="/count"'
		metric_is 1 mqwatch_queue_writers 'queue="/count"'
	done
	spawn bash -c "exec 8<$MQFS/count; exec sleep 1000"
	wait_for open_in "$PID" count
	metric_is 2 mqwatch_queue_readers 'queue="/count"'
	metric_is 1 mqwatch_queue_writers 'queue="/count"'
	# one takes the other's place, with another mode
	spawn bash -c "exec 8>$MQFS/count; kill $PID; exec sleep 1000"
	wait_for open_in "$PID" count
	wait_for metric_is 1 mqwatch_queue_readers 'queue="/count"'
	metric_is 2 mqwatch_queue_writers 'queue="/count"'
}

@test "bytes reserved per user are what the kernel has charged, to the byte" {
	local user=$STRANGER bytes left

	daemon_start
	as "$user" "$BIN/mqfill" --depth=7 --message-size=100 create /charged
	as "$user" "$BIN/mqfill" --depth=3 --message-size=4000 create /charged2
	bytes=$(charged "$user")
	same $((7 * (100 + 48 + 48) + 3 * (4000 + 48 + 48))) "$bytes"
	metric_is "$bytes" mqwatch_user_reserved_bytes "uid=\"$user\""
	# it is the creator who is charged, whoever owns the queue
	chown 1 "$MQFS/charged"
	same "$bytes" "$(charged "$user")"
	# exactly so much and a queue of one byte is allowed, and no byte less
	left=$((bytes + 1 + 48 + 48))
	run ! as "$user" prlimit --msgqueue=$((left - 1)) "$BIN/mqfill" --depth=1 --message-size=1 create /last
	contains "$output" 'Too many open files|EMFILE'
	as "$user" prlimit --msgqueue=$left "$BIN/mqfill" --depth=1 --message-size=1 create /last
	# an unlinked queue that is open is charged as ever
	bytes=$(charged "$user")
	spawn as "$user" "$BIN/mqfill" hold /charged2
	wait_for open_in "$PID" charged2
	"$BIN/mqfill" unlink /charged2
	same "$bytes" "$(charged "$user")"
}

@test "mq_open failures by errno and user" {
	local user=$STRANGER max

	daemon_start
	run ! as "$user" prlimit --msgqueue=1000 "$BIN/mqfill" --depth=10 --message-size=100 create /much
	"$BIN/mqfill" --mode=0600 create /private
	run ! as "$user" "$BIN/mqfill" send /private 0:x
	run ! as "$user" "$BIN/mqfill" send /private 0:x
	max=$(cat /proc/sys/fs/mqueue/msg_max)
	echo 10 >/proc/sys/fs/mqueue/msg_max
	run ! as "$user" "$BIN/mqfill" --depth=11 create /deep
	echo "$max" >/proc/sys/fs/mqueue/msg_max
	metric_is 1 mqwatch_open_errors_total 'errno="EINVAL"' "uid=\"$user\""
	metric_is 1 mqwatch_open_errors_total 'errno="EMFILE"' "uid=\"$user\""
	metric_is 2 mqwatch_open_errors_total 'errno="EACCES"' "uid=\"$user\""
	# what the daemon itself fails to open does not count
	metrics >page
	metric_is 2 mqwatch_open_errors_total 'errno="EACCES"' "uid=\"$user\""
	run -0 ctl limits
	contains "$output" "EACCES: the queue's owner"
	contains "$output" 'EMFILE: RLIMIT_MSGQUEUE'
}

@test "mq_open failures as the namespace is full: ENOSPC" {
	local user=$STRANGER max

	daemon_start
	max=$(cat /proc/sys/fs/mqueue/queues_max)
	"$BIN/mqfill" --mode=0666 create /only
	echo 1 >/proc/sys/fs/mqueue/queues_max
	run ! as "$user" "$BIN/mqfill" create /one-more
	# what is there can be opened
	as "$user" "$BIN/mqfill" send /only 0:x
	echo "$max" >/proc/sys/fs/mqueue/queues_max
	metric_is 1 mqwatch_open_errors_total 'errno="ENOSPC"' "uid=\"$user\""
	same 1 "$(json limits | jq ".open_errors[] | select(.errno == \"ENOSPC\" and .uid == $user).count")"
	run -0 ctl limits
	contains "$output" 'ENOSPC: fs.mqueue.queues_max'
}

@test "limits says what is refused next, and what to raise" {
	local max user=$STRANGER queues

	max=$(cat /proc/sys/fs/mqueue/queues_max)
	daemon_start
	spawn as "$user" prlimit --msgqueue=20000 "$BIN/mqfill" --depth=10 --message-size=1800 create /near
	wait "$PID"
	spawn as "$user" prlimit --msgqueue=20000 "$BIN/mqfill" hold /near
	wait_for open_in "$PID" near
	run -0 ctl limits
	contains "$output" "User $user: the next queue of the default size is refused with EMFILE"
	contains "$output" 'RLIMIT_MSGQUEUE=20000'
	same 20000 "$(json limits | jq ".users[] | select(.uid == $user).limit_min_bytes")"
	queues=$(json limits | jq '.namespaces[] | select(.own).queues')
	echo "$queues" >/proc/sys/fs/mqueue/queues_max
	run -0 ctl limits
	echo "$max" >/proc/sys/fs/mqueue/queues_max
	same 1 "$queues"
	contains "$output" "the next new queue is refused with ENOSPC"
	contains "$output" 'fs.mqueue.queues_max=1'
}

@test "list --orphans: queues that no process has open, with age, size and last use" {
	local holder

	daemon_start
	"$BIN/mqfill" --depth=4 --message-size=16 create /held
	"$BIN/mqfill" --depth=4 --message-size=16 create /orphan
	"$BIN/mqfill" send /orphan 0:left
	spawn "$BIN/mqfill" hold /held
	holder=$PID
	wait_for open_in "$holder" held
	same '["/orphan"]' "$(json list --orphans | jq -c '[.queues[].queue]')"
	jq -e '.queues[0] | .open == 0 and .bytes == 4 and .reserved_bytes == 448 and
		(now - .last_use_at) < 60 and (now - .first_seen_at) < 60' <<<"$(json list --orphans)"
	run -0 ctl list --orphans
	contains "$output" '^QUEUE +IPCNS +MESSAGES +BYTES +RESERVED +OWNER +AGE +UNUSED$'
	contains "$output" '^/orphan +[0-9]+ +1 +4 +448 +root '
	kill -KILL "$holder"
	wait "$holder" || :
	same '["/held","/orphan"]' "$(json list --orphans | jq -c '[.queues[].queue]')"
	run -5 "$BIN/mqwatchctl" list --orphans
	contains "$output" 'mqwatchctl status'
}
