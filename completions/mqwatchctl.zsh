#compdef mqwatchctl
# SPDX-License-Identifier: GPL-2.0-or-later
# Completion of mqwatchctl(1) for zsh. Verbs and options come from the program's own help.

_mqwatchctl() {
	local verb word
	local -a verbs options queues

	for word in ${words[2,CURRENT-1]}; do
		if [[ $word != -* ]]; then
			verb=$word
			break
		fi
	done
	if [[ $PREFIX == -* ]]; then
		options=(${(f)"$($words[1] help $verb 2>/dev/null |
			sed -n 's/^ *\(-[A-Za-z],\)\? *\(--[a-z-]*\)[=A-Z]*  *\(.*\)/\2:\3/p')"})
		_describe option options
	elif [[ -z $verb || $verb == help ]]; then
		verbs=(${(f)"$($words[1] help 2>/dev/null |
			sed -n '/^Verbs:/,/^$/s/^  \([a-z][a-z-]*\)[ A-Z\[\]]*  *\(.*\)/\1:\2/p')"})
		_describe verb verbs
	elif $words[1] help $verb 2>/dev/null | head -n 1 | grep -q QUEUE; then
		queues=(${(f)"$($words[1] list --noheadings --output QUEUE 2>/dev/null)"})
		compadd -a queues
	fi
}

_mqwatchctl "$@"
