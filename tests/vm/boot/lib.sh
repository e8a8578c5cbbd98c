# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
# What the parts of the boot test share.

export SYSTEMD_PAGER='' SYSTEMD_COLORS=0 LC_ALL=C
unit=mqwatchd.service
conf=/etc/mqwatch/mqwatchd.conf
url=http://127.0.0.1:10119
# shellcheck disable=SC2034 # for the parts
case $MQWATCH_KERNEL in
stock-* | base) backend=bpf ;;
*) backend=syscall ;;
esac

show() {
	systemctl show --value -p "$1" "${2:-$unit}"
}

is() {
	echo "\"$2\" should be \"$1\""
	[ "$1" = "$2" ]
}

not() {
	! "$@"
}

# status_says PATTERN: the line that systemctl status shows; it follows the daemon within a second or two
status_says() {
	wait_for says "Status: .*$1" systemctl status --no-pager $unit || {
		systemctl status --no-pager $unit
		return 1
	}
}

# The entries from now on are those that the checks are about.
mark() {
	since=$(date +%s.%6N)
}

# With --after-cursor= and a filter, journalctl would leave the first entry out.
journal() {
	journalctl -q --sync
	journalctl -q --since="@$since" "$@"
}

# logged N PATTERN [OPTION]...: so many entries since mark()
logged() {
	expected=$1 pattern=$2
	shift 2
	journal -o cat "$@" >/tmp/journal.log
	cat /tmp/journal.log
	is "$expected" "$(grep -c -- "$pattern" /tmp/journal.log)"
}

# BPF programs that systemd itself does not use
programs() {
	bpftool -j prog list | jq '[.[] | select(.type | startswith("cgroup") | not)] | length'
}

programs_are() {
	[ "$(programs)" -eq "$1" ]
}

# instead of the one of lib.sh: there is no wget
metric() {
	says "^$1" curl -sS $url/metrics
}

dump_as() {
	runuser -u "$1" -- mqwatchctl --json dump "$2"
}

# drop_in NAME LINE...: of the service's unit
drop_in() {
	dropped=/run/systemd/system/$unit.d/$1.conf
	shift
	mkdir -p "${dropped%/*}"
	printf '%s\n' '[Service]' "$@" >"$dropped"
	systemctl daemon-reload
}

no_drop_in() {
	rm -f /run/systemd/system/$unit.d/"$1".conf
	systemctl daemon-reload
}

# settings LINE...: what the configuration file has besides comments
settings() {
	printf '%s\n' "$@" >$conf
}

restarted() {
	[ "$(show NRestarts)" -gt "$1" ] && is active "$(show ActiveState)"
}
