# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh

check "the system is up" wait_for systemctl is-active basic.target
programs_before=$(programs)
check "the packages install" dpkg -i /test/deb/mqwatchd.deb /test/deb/mqwatchctl.deb
check "the service is enabled" is enabled "$(systemctl is-enabled $unit)"
check "and active" is active "$(systemctl is-active $unit)"
check "so are its sockets" systemctl is-active mqwatchd.socket mqwatchd-control.socket
check "there is a group mqwatch" getent group mqwatch
check "and no user" not getent passwd mqwatch
check "man pages are there" sh -c 'zcat /usr/share/man/man8/mqwatchd.8.gz | man -l - | grep -q STALLS'
check "bash completes" bash -c '. /usr/share/bash-completion/bash_completion
	. /usr/share/bash-completion/completions/mqwatchctl
	COMP_WORDS=(mqwatchctl du) COMP_CWORD=1 COMP_LINE="mqwatchctl du" COMP_POINT=13
	_mqwatchctl && [ "${COMPREPLY[*]}" = dump ]'
check "zsh understands its completions" zsh -n /usr/share/zsh/vendor-completions/_mqwatchctl

check "systemctl stop" systemctl stop $unit
check "leaves nothing active" sh -c \
	'! systemctl is-active mqwatchd.service mqwatchd.socket mqwatchd-control.socket'
check "no BPF program is left" is "$programs_before" "$(programs)"

mark
check "systemctl start" systemctl start $unit
started=$(($(show ActiveEnterTimestampMonotonic) - $(show InactiveExitTimestampMonotonic)))
echo "# active $((started / 1000)) ms after the start"
check "active within 2 s" [ $started -lt 2000000 ]
check "status shows what it does" status_says "Watching 0 queues, 0 stalled; probes [a-z]*, peek $backend"
systemctl status --no-pager $unit | sed 's/^/# /'
check "nothing is degraded" says '"degraded":false' mqwatchctl --json status
check "nothing to complain about" logged 0 . -u $unit -p warning
