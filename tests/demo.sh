#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A small trading system on POSIX message queues, and what mqwatch shows of it. Runs in IPC, mount
# and network namespaces of its own and leaves nothing behind.
set -eu
cd "$(dirname "$0")/.."

if [ "$(id -u)" -ne 0 ]; then
	echo 'The demo loads BPF programs: run it as root (sudo make demo).' >&2
	exit 1
fi
. tests/common.bash
private "$@"

bold='' dim='' green='' yellow='' reset=''
if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then
	bold=$'\e[1m' dim=$'\e[2m' green=$'\e[32m' yellow=$'\e[33m' reset=$'\e[0m'
fi

build=$PWD/build
work=$(mktemp -d)
children=()

cleanup() {
	trap - EXIT
	kill "${children[@]}" 2>/dev/null || :
	wait
	rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

say() {
	printf '\n%s%s%s\n' "$bold$yellow" "$*" "$reset"
}

# show COMMAND: as one would type it
show() {
	printf '%s$ %s%s\n' "$green" "$*" "$reset"
	bash -c "$*"
}

# app NAME ARG...: mqfill under another name, as ps and mqwatch will show it
app() {
	local name=$1

	shift
	ln -sf "$build/tests/mqfill" "$work/$name"
	# an explicit redirection, or a background command reads /dev/null
	"$work/$name" "$@" <&0 >/dev/null 2>&1 &
	children+=($!)
}

scrape() {
	curl -sf http://127.0.0.1:10119/metrics
}

# lines FORMAT: endless messages; %d is a running number, %r a random one
lines() {
	awk -v format="$1" 'BEGIN {
		split("ACME GLOBEX INITECH UMBRELLA", symbol)
		for (n = 1001; ; n++) {
			s = format
			gsub(/%d/, n, s); gsub(/%r/, int(rand() * 900) + 100, s)
			gsub(/%s/, symbol[n % 4 + 1], s); gsub(/%p/, n % 3, s)
			print s
		}
	}'
}

start_system() {
	local mqfill=$build/tests/mqfill

	"$mqfill" --depth=10 --message-size=256 create /orders
	"$mqfill" --depth=10 --message-size=128 create /telemetry
	"$mqfill" --depth=10 --message-size=256 --mode=0640 create /audit
	"$mqfill" --depth=5 --message-size=512 create /alerts
	# a little faster than it is read: it fills up
	app order-gateway --rate=60 send /orders \
		< <(lines '%p:{"order":%d,"side":"buy","symbol":"%s","quantity":%r}')
	app matcher --rate=50 --count=1000000 receive /orders
	# keeps up
	app sensor-hub --rate=300 send /telemetry < <(lines '0:cpu=%r temperature=%r')
	app telemetry-db --count=1000000 receive /telemetry
	# nobody reads
	app audit-writer send /audit < <(lines '1:user=alice action=login session=%d')
	# waits for something to happen
	app alert-manager --count=1000000 receive /alerts
}

PATH=$build:$PATH
export PATH

say 'A system of six programs on four queues starts, and mqwatchd beside it.'
mqwatchd 2>"$work/log" &
children+=($!)
wait_for serving 127.0.0.1:10119 || { cat "$work/log"; exit 1; }
start_system
printf '%s' "$dim"
ps -o pid=,comm= --pid "$(IFS=,; echo "${children[*]}")"
printf '%s' "$reset"

say 'What is in the queues? Nobody has to be stopped or changed to answer that.'
sleep 3
show mqwatchctl list

say 'What waits in /orders, in the order in which it will be received?'
show mqwatchctl dump --limit 3 /orders

say '/audit is full and does not move. Why? A sender is asleep in it, and nobody reads.'
show mqwatchctl show /audit

say 'The same for Prometheus, which can alert on it:'
show "curl -s http://127.0.0.1:10119/metrics | grep -E 'queue_(messages|blocked_senders|oldest_message_timestamp_seconds|sent_messages_total|residence_seconds_(sum|count))[{].*/(orders|audit)'"

say 'What moved within three seconds? /telemetry flows, /orders waits for its slow reader.'
scrape >"$work/before"
sleep 3
scrape >"$work/after"
printf '%squeue        sent  received%s\n' "$bold" "$reset"
awk -F'[{}"= ]' '/^mqwatch_queue_(sent|received)_messages_total/ {
	name = $0; sub(/.*queue="/, "", name); sub(/".*/, "", name)
	column = $1 ~ /sent/ ? "sent" : "received"
	if (NR == FNR)
		before[name, column] = $NF
	else {
		queues[name]
		moved[name, column] = $NF - before[name, column]
	}
}
END {
	for (name in queues)
		printf "%-12s %4d  %8d\n", name, moved[name, "sent"], moved[name, "received"] | "sort"
}' "$work/before" "$work/after"

say 'And for scripts: who sent what /audit has been holding back?'
show "mqwatchctl --json dump --limit 2 /audit | jq -c '.messages[] | {age_seconds, sender, text: (.payload.data | @base64d)}'"

say "No message was taken, nobody was woken. That was mqwatch; now read README.md, or run make check."
