# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# From start to the first metrics page; and what a command costs the daemon.

first_page() {
	local start waited

	start=$(date +%s%N)
	start "$build/mqwatchd" --log.level warning --queues.namespaces own
	until curl -sf -o /dev/null "http://$address/metrics"; do :; done
	start=$(($(date +%s%N) - start))
	read -r _ waited _ <"/proc/$tracer/schedstat"
	echo "$(divide $((start - waited)) 1000000 %.0f) $(divide "$(cpu_ns "$tracer")" 1000000 %.0f)"
	stop
}

section_start() {
	local round

	for ((round = 0; round < rounds; round++)); do first_page; done >"$work/start"
	echo "| median of $rounds rounds | ms | ± |"
	echo '| --- | ---: | ---: |'
	echo "| start to first page, less the time that other processes had the CPUs |" \
		"$(cut -d' ' -f1 "$work/start" | median) | $(cut -d' ' -f1 "$work/start" | spread) |"
	echo "| CPU from start to first page |" \
		"$(cut -d' ' -f2 "$work/start" | median) | $(cut -d' ' -f2 "$work/start" | spread) |"
}
