# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
# Upgrade, removal, purge.

newer() {
	dpkg-deb -R /test/deb/mqwatchd.deb /tmp/newer &&
		sed -i 's/^Version: .*/&+newer/' /tmp/newer/DEBIAN/control &&
		dpkg-deb -Znone -b /tmp/newer /tmp/newer.deb
}
check "a newer version" newer
pid=$(show MainPID)
check "upgrades" dpkg --force-confold -i /tmp/newer.deb
check "the service runs" is active "$(systemctl is-active $unit)"
check "another process" not is "$pid" "$(show MainPID)"
check "with its sockets" systemctl is-active mqwatchd.socket mqwatchd-control.socket
check "with the settings that were there" grep -q after=1s $conf
check "with the records that were there" says 'no_reader' mqwatchctl stalls

check "remove" dpkg -r mqwatchd mqwatchctl
check "nothing runs" sh -c \
	'! systemctl is-active mqwatchd.service mqwatchd.socket mqwatchd-control.socket'
check "nothing listens" not curl -sS $url/metrics
check "no BPF program is left" is "$programs_before" "$(programs)"
check "the settings stay" [ -e $conf ]
check "purge" dpkg -P mqwatchd mqwatchctl
check "nothing of it is left" sh -c '! find / -xdev \( -path /proc -o -path /test -o -path /tmp -o -path /vm \
	-o -path /var/log/journal -o -path /run/log \) -prune -o -name "*mqwatch*" ! -name "mqwatch-vm*" -print | grep .'
check "no group" not getent group mqwatch
check "no unit has failed" is 0 "$(systemctl --failed --no-legend | grep -c .)"
mqfill unlink /orders
