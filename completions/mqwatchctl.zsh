#compdef mqwatchctl
# SPDX-License-Identifier: GPL-2.0-or-later
# Completion of mqwatchctl(1) for zsh. Verbs and options come from the program's own help.

# The verb among the words before the one that is completed
_mqwatchctl_verb() {
	local word
	local -i value=0

	for word in ${words[2,CURRENT-1]}; do
		if ((value)); then
			value=0
			continue
		fi
		case $word in
		-[poxflb] | --(pid|output|sort|format|limit|bytes|socket|ipcns)) value=1 ;;
		-*) ;;
		*)
			verb=$word
			return
			;;
		esac
	done
}

# The value of the option $1
_mqwatchctl_value() {
	case $1 in
	-f | --format) compadd table hex text raw ;;
	-p | --pid) _pids ;;
	--socket) _files ;;
	-[oxlb] | --(output|sort|limit|bytes|ipcns)) _message value ;;
	*) return 1 ;;
	esac
}

_mqwatchctl() {
	local verb option=${PREFIX%%=*}
	local -a verbs options queues

	_mqwatchctl_verb
	if [[ $PREFIX == --*=* ]]; then
		compset -P '*='
		_mqwatchctl_value $option
	elif [[ $PREFIX == -* ]]; then
		options=(${(f)"$($words[1] help $verb 2>/dev/null |
			sed -n 's/^ *\(-[A-Za-z],\)\? *\(--[a-z-]*\)[=A-Z]*  *\(.*\)/\2:\3/p')"})
		_describe option options
	elif _mqwatchctl_value ${words[CURRENT-1]}; then
		return
	elif [[ -z $verb || $verb == help ]]; then
		verbs=(${(f)"$($words[1] help 2>/dev/null |
			sed -n '/^Verbs:/,/^$/s/^  \([a-z][a-z-]*\)[][ A-Z]*  *\(.*\)/\1:\2/p')"})
		_describe verb verbs
	elif $words[1] help $verb 2>/dev/null | head -n 1 | grep -q QUEUE; then
		# as the bytes that they are, of which the shell makes a word
		queues=(${(g::)${(f)"$($words[1] list --noheadings --output QUEUE 2>/dev/null)"}})
		compadd -a queues
	fi
}

_mqwatchctl "$@"
