#!/bin/zsh -f
# SPDX-License-Identifier: GPL-2.0-or-later
# complete.zsh DIRECTORY LINE: types the line and a tab into an interactive zsh whose functions are also looked
# for in the directory, and says what was offered, one on a line, then "LINE: " and what became of the line.
set -eu
zmodload zsh/zpty
directory=$1 line=$2
work=$(mktemp -d)
mkfifo $work/ready $work/answer

cat >$work/.zshrc <<END
PS1=
fpath=(${(q)directory} /usr/share/zsh/functions/Completion{,/Base,/Zsh,/Unix})
autoload -Uz compinit
compinit -u -D
# what is offered also goes to a file
compadd() {
	local -a offered
	if [[ \${argv[(I)-[OAD]]} -eq 0 ]]; then
		builtin compadd -O offered "\$@"
		print -rl -- \$offered >>$work/offered
	fi
	builtin compadd "\$@"
}
complete-and-tell() {
	zle complete-word
	print -r -- "LINE: \$BUFFER" >$work/answer
	exit
}
zle -N complete-and-tell
bindkey '^I' complete-and-tell
# what is typed before the line editor has the terminal may be lost
zle-line-init() {
	print ready >$work/ready
}
zle -N zle-line-init
END
zpty shell "ZDOTDIR=$work TERM=dumb zsh -d -i"
read -r ready <$work/ready
zpty -w -n shell $line$'\t'
IFS= read -r answer <$work/answer
[[ ! -e $work/offered ]] || sort -u $work/offered
rm -r $work
print -r -- $answer
