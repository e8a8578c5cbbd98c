#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# A name is any bytes but NUL and '/'.

load lib

# queue NAME: one with a message that tells it from others
queue() {
	"$BIN/mqfill" --depth=2 --message-size=300 create "/$1"
	"$BIN/mqfill" send "/$1" "0:in $2"
}

# named NAME LABEL TABLE TAG: right as a label, in JSON and in the table; all verbs take it
named() {
	local labelled

	labelled=$(metrics | grep -aF "mqwatch_queue_messages{" | grep -aF "queue=\"/$2\"}" || :)
	contains "$labelled" ' 1$'
	contains "$(ctl list | sed 's/^/ /; s/$/ /')" "[[:space:]]/$3[[:space:]]"
	run -0 ctl show "/$1"
	same "in $4" "$(json dump "/$1" | jq -r '.messages[0].payload.data | @base64d')"
	run -0 ctl dump "/$1"
	contains "$output" "in $4"
}

# json_names: the names of list, one a line, as JSON strings
json_names() {
	json list | jq -c '.queues[].queue'
}

@test "255 bytes" {
	local name

	name=$(printf 'n%.0s' {1..255})
	daemon_start
	queue "$name" long
	named "$name" "$name" "$name" long
	same "\"/$name\"" "$(json_names)"
}

@test "newline, quote and backslash" {
	daemon_start
	queue $'new\nline' newline
	queue 'quo"te' quote
	queue 'back\slash' backslash
	named $'new\nline' 'new\nline' 'new\\nline' newline
	named 'quo"te' 'quo\"te' 'quo"te' quote
	named 'back\slash' 'back\\slash' 'back\\\\slash' backslash
	same '"/back\\slash"
"/new\nline"
"/quo\"te"' "$(json_names)"
	metrics >page
	promtool check metrics <page
}

@test "terminal escapes, tabs and DEL do not reach the terminal" {
	daemon_start
	queue $'esc\e[31m\t\x7f' escape
	run -0 ctl list
	[[ $output != *$'\e'* && $output != *$'\x7f'* ]]
	contains "$output" 'esc\\(x1b|e)\[31m\\t\\x7f'
	run -0 ctl dump $'/esc\e[31m\t\x7f'
	[[ $output != *$'\e'* && $output != *$'\x7f'* ]]
	run -0 ctl show $'/esc\e[31m\t\x7f'
	[[ $output != *$'\e'* && $output != *$'\x7f'* ]]
	same $'/esc\e[31m\t\x7f' "$(json list | jq -r '.queues[].queue')"
}

@test "invalid UTF-8: U+FFFD, and the bytes in name_base64" {
	daemon_start
	queue $'bad\xffutf' invalid
	named $'bad\xffutf' $'bad\xef\xbf\xbdutf' 'bad\\xffutf' invalid
	same $'/bad\xef\xbf\xbdutf' "$(json list | jq -r '.queues[].queue')"
	same "$(printf '/bad\xffutf' | base64)" "$(json list | jq -r '.queues[].name_base64')"
	same "$(printf '/bad\xffutf' | base64)" \
		"$(json dump $'/bad\xffutf' | jq -r .name_base64)"
	metrics >page
	promtool check metrics <page
}

@test "valid UTF-8 stays, and has no name_base64" {
	daemon_start
	queue 'größe-队列-🚌' utf8
	named 'größe-队列-🚌' 'größe-队列-🚌' 'größe-队列-🚌' utf8
	same false "$(json list | jq '.queues[0] | has("name_base64")')"
}

@test "two names that differ in invalid bytes alone do not make one series twice" {
	daemon_start
	queue $'bad\xfe' one
	queue $'bad\xff' two
	same '' "$(metrics | grep -av '^#' | sed 's/ [^ ]*$//' | sort | uniq -d)"
	same 'in two' "$(json dump $'/bad\xff' | jq -r '.messages[0].payload.data | @base64d')"
}

@test "leading dots, blanks, percent signs and question marks" {
	local name

	daemon_start
	for name in .hidden ... ' ' '%2e' 'a b?c=d&e#f' -dash '*'; do
		queue "$name" special
		same 'in special' "$(json dump -- "/$name" |
			jq -r '.messages[0].payload.data | @base64d')"
		contains "$(metrics | grep -aF "queue=\"/$name\"}" |
			grep -a ^mqwatch_queue_messages)" ' 1$'
	done
	same 7 "$(json list | jq '.queues | length')"
}
