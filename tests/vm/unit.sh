#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# What init does around a job, for a root that boots its own systemd.

port() {
	for p in /sys/class/virtio-ports/*; do
		[ "$(cat "$p/name")" != "$1" ] || echo "/dev/${p##*/}"
	done
}

mkfifo /run/mqwatch-vm/out /run/mqwatch-vm/err
cat /run/mqwatch-vm/out >"$(port out)" &
out=$!
cat /run/mqwatch-vm/err >"$(port err)" &
err=$!
read -r uptime _ </proc/uptime
echo "<5>mqwatch-vm: up after $uptime s" >/dev/kmsg
mkdir -p /test
cd /test || exit
export PATH=/test:/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin HOME=/root
sh /run/mqwatch-vm/job </dev/null >/run/mqwatch-vm/out 2>/run/mqwatch-vm/err
status=$?
# Something that the job left behind may hold the pipes for ever.
(sleep 10; kill "$out" "$err") 2>/dev/null &
wait "$out" "$err"
echo "<5>mqwatch-vm: status $status" >/dev/kmsg
echo "$status" >"$(port status)"
systemctl --force --force reboot
