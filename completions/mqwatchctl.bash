# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Completion of mqwatchctl(1) for bash. Verbs and options come from the program's own help.

# The first words of a help text's list: its verbs
_mqwatchctl_verbs() {
	"$1" help 2>/dev/null | sed -n '/^Verbs:/,/^$/s/^  \([a-z][a-z-]*\).*/\1/p'
}

# All options of a verb, or those of every verb
_mqwatchctl_options() {
	"$1" help ${2:+"$2"} 2>/dev/null | sed -n 's/^ *\(-[A-Za-z]\)\?,\? *\(--[a-z-]*=\?\).*/\2 \1/p'
}

# The queues that begin with what is typed so far, as words for the shell. Never by "compgen -W", which would
# expand what is in their names.
_mqwatchctl_queues() {
	local line name

	while IFS= read -r line; do
		printf -v name %b "$line"
		[[ $name != "$2"* ]] || printf '%q\n' "$name"
	done < <("$1" list --noheadings --output QUEUE 2>/dev/null)
}

_mqwatchctl() {
	local cur prev words cword verb='' word i

	_init_completion -n = || return
	for ((i = 1; i < cword; i++)); do
		word=${words[i]}
		case $word in
		-p | -o | -x | -f | -l | -b | -i | --inode | --pid | --output | --sort | --format | --limit | --bytes | --socket | --ipcns)
			i=$((i + 1))
			;;
		-*) ;;
		*)
			verb=$word
			break
			;;
		esac
	done
	case $cur in
	--socket=*)
		cur=${cur#*=}
		_filedir
		return
		;;
	--format=*)
		mapfile -t COMPREPLY < <(compgen -P --format= -W 'table hex text raw' -- "${cur#*=}")
		return
		;;
	-*)
		mapfile -t COMPREPLY < <(compgen -W "$(_mqwatchctl_options "${words[0]}" "$verb")" -- "$cur")
		[[ ${COMPREPLY[0]-} != *= ]] || compopt -o nospace
		return
		;;
	esac
	case $prev in
	-f | --format)
		mapfile -t COMPREPLY < <(compgen -W 'table hex text raw' -- "$cur")
		return
		;;
	-p | --pid)
		_pids
		return
		;;
	esac
	if [[ -z $verb || $verb == help ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$(_mqwatchctl_verbs "${words[0]}")" -- "$cur")
	elif "${words[0]}" help "$verb" 2>/dev/null | head -n 1 | grep -q QUEUE; then
		mapfile -t COMPREPLY < <(_mqwatchctl_queues "${words[0]}" "$cur")
	fi
} && complete -F _mqwatchctl mqwatchctl
