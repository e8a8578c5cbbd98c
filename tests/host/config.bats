#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Flags, the INI file and reloads.

load lib

write_config() {
	cat >mqwatchd.conf
}

check() {
	run "$1" "$BIN/mqwatchd" --config "$PWD/mqwatchd.conf" --check-config
}

@test "every setting is in the file and in a flag" {
	write_config <<-'END'
		[web]
		listen-address = 127.0.0.1:19999
		[control]
		socket = /run/other.sock
		group = adm
		[mqueue]
		path = /dev/mqueue
		[queues]
		max = 77
		[probe]
		mode = off
		[peek]
		mode = off
		payload-max = 4K
		buffer-max = 1M
		[log]
		level = debug
	END
	check -0
	run -0 "$BIN/mqwatchd" --check-config --web.listen-address 127.0.0.1:19999 \
		--control.socket /run/other.sock --control.group adm --mqueue.path /dev/mqueue \
		--queues.max 77 --probe=off --peek=off --peek.payload-max 4K \
		--peek.buffer-max 1M --log.level debug
}

@test "--help names every flag, --version the version" {
	local flag

	run -0 "$BIN/mqwatchd" --help
	for flag in config check-config web.listen-address control.socket control.group \
		mqueue.path queues.max probe peek peek.payload-max peek.buffer-max log.level \
		version; do
		contains "$output" "--$flag\\b"
	done
	run -0 "$BIN/mqwatchd" --version
	contains "$output" '^mqwatchd [0-9a-z]'
	run -0 "$BIN/mqwatchctl" --version
	contains "$output" '^mqwatchctl [0-9a-z]'
}

@test "errors name the file and the line" {
	write_config <<-'END'
		[web]
		listen-address = 127.0.0.1:19999
		[peek]
		mood = auto
	END
	check -2
	contains "$output" 'mqwatchd.conf:4: .*mood'
	printf '[queues]\n\nmax = many\n' | write_config
	check -2
	contains "$output" 'mqwatchd.conf:3: .*max'
	printf '\n[nonsense]\nx = 1\n' | write_config
	check -2
	contains "$output" 'mqwatchd.conf:2: .*nonsense'
	printf '[web]\nno equals sign\n' | write_config
	check -2
	contains "$output" 'mqwatchd.conf:2: '
	printf '[peek]\nmode = sometimes\n' | write_config
	check -2
	contains "$output" 'mqwatchd.conf:2: .*auto.*bpf.*off'
}

@test "a bad flag says what is allowed" {
	run -2 "$BIN/mqwatchd" --check-config --peek=sometimes
	contains "$output" 'peek.*auto.*bpf.*off'
	run -2 "$BIN/mqwatchd" --check-config --queues.max=0
	contains "$output" 'queues.max'
	run -2 "$BIN/mqwatchd" --check-config --no-such-flag
	run -2 "$BIN/mqwatchd" --check-config stray-argument
	run -2 "$BIN/mqwatchd" --check-config --config
}

@test "a named file that is missing, unreadable or a directory" {
	daemon_refuses 2 --config "$PWD/missing.conf"
	contains "$output" 'missing.conf.*No such file'
	same 1 "${#lines[@]}"
	mkdir directory.conf
	daemon_refuses 2 --config "$PWD/directory.conf"
	contains "$output" 'directory.conf.*directory'
	same 1 "${#lines[@]}"
	: >closed.conf
	chmod 0 closed.conf
	# shellcheck disable=SC2034 # for daemon_refuses
	WRAP=(setpriv --reuid="$STRANGER" --regid="$STRANGER" --clear-groups --)
	daemon_refuses 2 --config "$PWD/closed.conf"
	contains "$output" 'closed.conf.*Permission denied'
	same 1 "${#lines[@]}"
}

@test "a flag beats the file" {
	printf '[peek]\nmode = off\n' | write_config
	daemon_start --config "$PWD/mqwatchd.conf" --peek=auto
	metric_is 1 mqwatch_peek_backend_info 'backend="bpf"'
}

reloaded() {
	kill -HUP "$DAEMON"
	wait_for dump_is "$1"
}

dump_is() {
	same "$1" "$(json dump /reload | jq -r '.messages[0].payload.data | @base64d')"
}

@test "SIGHUP applies a good file" {
	"$BIN/mqfill" create /reload
	"$BIN/mqfill" send /reload 0:0123456789
	printf '[peek]\npayload-max = 4\n' | write_config
	daemon_start --config "$PWD/mqwatchd.conf"
	dump_is 0123
	printf '[peek]\npayload-max = 8\n' | write_config
	reloaded 01234567
	daemon_ready
}

complained() {
	grep -q 'mqwatchd.conf:3: ' "$LOG"
}

@test "SIGHUP with a bad file keeps the old configuration and says where it is bad" {
	"$BIN/mqfill" create /reload
	"$BIN/mqfill" send /reload 0:0123456789
	printf '[peek]\npayload-max = 4\n' | write_config
	daemon_start --config "$PWD/mqwatchd.conf"
	printf '[peek]\npayload-max = 8\nnonsense = 1\n' | write_config
	kill -HUP "$DAEMON"
	wait_for complained
	dump_is 0123
	daemon_ready
	printf '[peek]\npayload-max = 6\n' | write_config
	reloaded 012345
}

@test "counters survive a reload" {
	"$BIN/mqfill" create /reload
	: | write_config
	daemon_start --config "$PWD/mqwatchd.conf"
	"$BIN/mqfill" send /reload 0:0123456789
	printf '[peek]\npayload-max = 3\n' | write_config
	reloaded 012
	metric_is 1 mqwatch_queue_sent_messages_total 'queue="/reload"'
}
