#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# bench.sh [SECTION]...: what watching costs, each figure beside its peer's of the same run, as Markdown on standard
# output and in docs/performance.md. BENCH='SECTION...' does the same as the arguments.
# ROUNDS=N, PAIRS=N, QUEUES='N...', IDLE=SECONDS
set -eu
cd "$(dirname "$0")/../.."
. tests/common.bash
private "$@"
. tests/bench/lib.bash
for part in probes peek scrape start contention vm; do
	# shellcheck source=/dev/null
	. "tests/bench/$part.bash"
done

# the sections use them
# shellcheck disable=SC2034
rounds=${ROUNDS:-5} pairs=${PAIRS:-10000} queues=${QUEUES:-100 256 1000 10000} idle_seconds=${IDLE:-10}
document=docs/performance.md
declare -A titles=(
	[probes]='What a call costs that is probed'
	[peek]='Looking into a queue, and draining it'
	[scrape]='Scrapes, memory, and the idle daemon'
	[start]='Start'
	[contention]='Contention'
	[vm]='fentry, in a virtual machine'
	[inside]='Within the virtual machine'
)

# as_user N COMMAND...: whose queues are charged to a user of their own
as_user() {
	local user=$((300000 + $$ % 50000 + $1))

	shift
	setpriv --reuid=$user --clear-groups "$@"
}

describe_machine() {
	echo "Measured on $(date -u '+%Y-%m-%d %H:%M UTC'): Linux $(uname -r), $(nproc) × $(awk -F': ' \
		'/model name/ { print $2; exit }' /proc/cpuinfo), load $(cut -d' ' -f1-3 /proc/loadavg) at the start;"
	echo "mqwatch $("$build/mqwatchd" --version | cut -d' ' -f2-), $(bpftrace --version)," \
		"$(perf --version), node_exporter $(prometheus-node-exporter --version 2>&1 |
			awk 'NR == 1 { print $3 }'); $rounds rounds, $pairs pairs."
}

# put_into_document SECTION FILE: between the section's markers
put_into_document() {
	awk -v section="$1" -v file="$2" '
		$0 == "<!-- bench: " section " -->" {
			print
			print ""
			while ((getline line <file) > 0)
				print line
			print ""
			skip = 1
		}
		$0 == "<!-- bench: end of " section " -->" { skip = 0 }
		!skip' "$document" >"$work/document"
	cat "$work/document" >"$document"
}

echo 65536 >/proc/sys/fs/mqueue/msg_max
echo 1048576 >/proc/sys/fs/mqueue/msgsize_max
[ $# -gt 0 ] || read -ra chosen <<<"${BENCH:-probes peek contention start scrape}"
[ $# -eq 0 ] || chosen=("$@")
for part in "${chosen[@]}"; do
	{
		describe_machine
		echo
		"section_$part"
	} >"$work/section"
	printf '\n### %s\n\n' "${titles[$part]}"
	cat "$work/section"
	put_into_document "$part" "$work/section"
	echo "bench: $part took until $SECONDS s" >&2
done
