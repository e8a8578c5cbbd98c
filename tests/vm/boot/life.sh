# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
# Reload, crash, hang, activation.

payload_is() {
	is "$1" "$(mqwatchctl dump --format=text --limit=1 /orders)"
}
mqfill unlink /orders
mqfill create /orders
mqfill send /orders 0:0123456789
settings '[peek]' 'payload-max=4'
check "reload" systemctl reload $unit
check "the new settings hold" wait_for payload_is 0123
mark
settings '[peek]' 'payload-max=6' 'nonsense=1'
check "reload with a bad file fails" not systemctl reload $unit
check "the service goes on" is active "$(systemctl is-active $unit)"
check "with the old settings" payload_is 0123
check "the journal says where it is bad" wait_for logged 2 "$conf:3: .*nonsense" -u $unit
check "and which settings hold" logged 1 'the old one stays in force' -u $unit -p err
check "so does the status" status_says 'the old one stays in force'
settings '[peek]' 'payload-max=6'
check "reload with a good one" systemctl reload $unit
check "holds" wait_for payload_is 012345
check "and the status forgets" wait_for not says 'Status: .*the old one' systemctl status $unit

programs_running=$(programs)
restarts=$(show NRestarts)
check "SIGKILL" systemctl kill -s KILL $unit
check "is followed by a restart" wait_for restarted "$restarts"
# the kernel frees those of the killed daemon when it gets to it
check "no BPF program is left over" wait_for programs_are "$programs_running"
check "it serves again" wait_for metric 'mqwatch_queue_messages{.*queue="/orders"} 1'

drop_in watchdog WatchdogSec=2s TimeoutAbortSec=1s
check "restart with a short watchdog" systemctl restart $unit
check "a loop that runs lives" sh -c "sleep 4; [ $(show NRestarts) = \$(systemctl show --value -p NRestarts $unit) ]"
mark
restarts=$(show NRestarts)
pid=$(show MainPID)
[ "$pid" -eq 0 ] || kill -STOP "$pid"
check "one that hangs is restarted" wait_for restarted "$restarts"
check "by the watchdog" logged 1 'Watchdog timeout' -u $unit
no_drop_in watchdog

check "stop" systemctl stop $unit
check "the sockets alone" systemctl start mqwatchd.socket mqwatchd-control.socket
check "the daemon does not run" is inactive "$(systemctl is-active $unit)"
check "a scrape is answered all the same" metric 'mqwatch_queue_messages{.*queue="/orders"} 1'
check "by the daemon" is active "$(systemctl is-active $unit)"
systemctl stop $unit
systemctl start mqwatchd-control.socket
check "mqwatchctl starts it, too" says '/orders' mqwatchctl list
check "by the daemon" is active "$(systemctl is-active $unit)"

pid=$(show MainPID)
check "daemon-reload" systemctl daemon-reload
check "daemon-reexec" systemctl daemon-reexec
check "the same process runs on" is "$pid" "$(show MainPID)"
check "and is active" is active "$(systemctl is-active $unit)"
