# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# Two senders and two receivers contend for one queue on two CPUs, in turns with and without tracers.

# CPU of all four, per message, in ns
contend() {
	local TIMEFORMAT='%U %S'

	{ time "$tools/mqload" --quiet --messages="$pairs" --senders=2 --receivers=2 /bench-contention; } 2>&1 |
		awk -v n="$pairs" '{ printf "%.0f\n", ($1 + $2) * 1e9 / n }'
}

section_contention() {
	local round variant

	for ((round = 0; round < rounds; round++)); do
		for variant in untraced bpftrace tracepoint; do
			"trace_$variant"
			contend >>"$work/$variant.contention"
			stop
		done
	done
	echo "Two senders and two receivers on one queue, $pairs messages, $(nproc) CPUs; median of $rounds rounds."
	echo
	echo '| | ns of CPU per message | ± |'
	echo '| --- | ---: | ---: |'
	for variant in untraced bpftrace tracepoint; do
		echo "| ${tracer_names[$variant]} | $(median <"$work/$variant.contention") |" \
			"$(spread <"$work/$variant.contention") |"
	done
}
