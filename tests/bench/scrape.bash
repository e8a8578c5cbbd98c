# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# The daemon at rest and scraped, at growing numbers of queues, beside prometheus-node-exporter.

exporter_address=127.0.0.1:10120

# page ADDRESS: a scrape, as Prometheus does it
page() {
	curl -sf "http://$1/metrics"
}

# idle_share PID: of a core, in percent, over some seconds without a request
idle_share() {
	local before start

	before=$(cpu_ns "$1") start=$(date +%s%N)
	sleep "$idle_seconds"
	divide $((100 * ($(cpu_ns "$1") - before))) $(($(date +%s%N) - start)) %.3f
}

# row WHAT QUEUES PID ADDRESS SCRAPES
row() {
	local idle cost series bytes

	page "$4" >"$work/page"
	idle=$(idle_share "$3")
	cost=$(cost_of "$3" "$5" page "$4")
	series=$(grep -vc '^#' "$work/page")
	bytes=$(wc -c <"$work/page")
	echo "| $1 | $2 | $series | $(divide "$cost" 1000 %.0f) | $(divide "$cost" "$series" %.0f) |" \
		"$(divide "$bytes" "$series" %.0f) | $idle | $(kilobytes "$3" VmRSS) |"
}

section_scrape() {
	local n to made=0

	echo $((${queues##* } + 100)) >/proc/sys/fs/mqueue/queues_max
	echo 'Each queue has been sent to and received from. The last scrape is over when resident memory is read.'
	echo
	echo '| | queues | series | CPU per scrape, µs | per series, ns | bytes per series | idle, % of a core | resident, kB |'
	echo '| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |'
	prometheus-node-exporter --web.listen-address="$exporter_address" >/dev/null 2>&1 &
	exporter=$!
	wait_for page "$exporter_address"
	row node_exporter '' "$exporter" "$exporter_address" 20
	kill "$exporter"
	exporter=
	start_daemon --queues.max 16384
	row mqwatchd 0 "$tracer" "$address" 20
	for n in $queues; do
		while [ $made -lt "$n" ]; do
			# RLIMIT_MSGQUEUE has room for so many of a user
			to=$((made + 5000 < n ? made + 5000 : n))
			as_user $to "$tools/manyqueues" /bench $made $to
			made=$to
		done
		row mqwatchd "$n" "$tracer" "$address" $((n > 2000 ? 3 : 20))
	done
	echo
	echo "Most resident at any moment: $(kilobytes "$tracer" VmHWM) kB."
	stop
}
