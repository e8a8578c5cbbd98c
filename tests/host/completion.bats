#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# What the shells offer after a tab.
# shellcheck disable=SC2016 # names that look like code

load lib

BASH_COMPLETION=/usr/share/bash-completion/bash_completion

queues_to_complete() {
	PATH=$BIN:$PATH
	export MQWATCH_SOCKET=$SOCKET
	daemon_start
	"$BIN/mqfill" create /telemetry
	"$BIN/mqfill" create /trades
	"$BIN/mqfill" create /orders
}

# offers_bash WORD...: as readline splits the line; the last is completed
offers_bash() {
	local words=("$@")

	# shellcheck disable=SC2016
	bash -c '. "$1" && . "$2" && shift 2
		COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMP_LINE="$*" COMP_POINT=${#COMP_LINE}
		_mqwatchctl mqwatchctl "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
		printf "%s\n" "${COMPREPLY[@]}"' bash \
		"$BASH_COMPLETION" "$BATS_TEST_DIRNAME/../../completions/mqwatchctl.bash" \
		"${words[@]}" 2>/dev/null | sort | paste -sd ' '
}

need_bash() {
	[ -e $BASH_COMPLETION ] || skip "bash-completion is not installed"
}

need_zsh() {
	command -v zsh >/dev/null || skip "zsh is not installed"
	mkdir functions
	cp "$BATS_TEST_DIRNAME/../../completions/mqwatchctl.zsh" functions/_mqwatchctl
}

# offers_zsh LINE: what is offered; the line is then in the file "line"
offers_zsh() {
	timeout 30 "$BATS_TEST_DIRNAME/complete.zsh" "$PWD/functions" "$1" 3>&- >offered
	sed -n 's/^LINE: //p' offered >line
	sed '/^LINE: /d' offered | paste -sd ' '
}

becomes() {
	same "$1" "$(<line)"
}

@test "bash: verbs, options, values and queues" {
	need_bash
	queues_to_complete
	same 'doctor dump' "$(offers_bash mqwatchctl d)"
	same 'stalls status' "$(offers_bash mqwatchctl --socket "$SOCKET" st)"
	same '--format= --force' "$(offers_bash mqwatchctl dump --fo | tr ' ' '\n' | sort -r | paste -sd ' ')"
	same 'hex' "$(offers_bash mqwatchctl dump -f h)"
	same '/telemetry /trades' "$(offers_bash mqwatchctl dump /t)"
	same '/orders /telemetry /trades' "$(offers_bash mqwatchctl who '')"
	same '' "$(offers_bash mqwatchctl status '')"
	same 'doctor' "$(offers_bash mqwatchctl help 'do')"
}

@test "bash: a queue's name is no command" {
	need_bash
	queues_to_complete
	"$BIN/mqfill" create '/x$(touch owned)`touch owned`'
	"$BIN/mqfill" create '/x two'
	"$BIN/mqfill" create $'/x\nlines\\'
	run offers_bash mqwatchctl show /x
	contains "$output" '/x\\\$\\\(touch\\ owned\\\)'
	contains "$output" '/x\\ two'
	contains "$output" "\\$'/x\\\\nlines\\\\\\\\'"
	[ ! -e owned ]
}

@test "zsh: verbs, options, values and queues" {
	need_zsh
	queues_to_complete
	same 'doctor dump' "$(offers_zsh 'mqwatchctl d')"
	offers_zsh 'mqwatchctl du'
	becomes 'mqwatchctl dump '
	same 'stalls status' "$(offers_zsh "mqwatchctl --socket $SOCKET st")"
	same '--force --format' "$(offers_zsh 'mqwatchctl dump --fo')"
	offers_zsh 'mqwatchctl dump -f h'
	becomes 'mqwatchctl dump -f hex '
	offers_zsh 'mqwatchctl dump --format=te'
	becomes 'mqwatchctl dump --format=text '
	same '/telemetry /trades' "$(offers_zsh 'mqwatchctl dump /t')"
	same '/orders /telemetry /trades' "$(offers_zsh 'mqwatchctl who ')"
	offers_zsh 'mqwatchctl show --json /o'
	becomes 'mqwatchctl show --json /orders '
	same '' "$(offers_zsh 'mqwatchctl status ')"
}

@test "zsh: a queue's name is no command" {
	need_zsh
	queues_to_complete
	"$BIN/mqfill" create '/x$(touch owned)`touch owned`'
	"$BIN/mqfill" create '/y two'
	offers_zsh 'mqwatchctl show /x'
	becomes 'mqwatchctl show /x\$\(touch\ owned\)\`touch\ owned\` '
	offers_zsh 'mqwatchctl show /y'
	becomes 'mqwatchctl show /y\ two '
	[ ! -e owned ]
}
