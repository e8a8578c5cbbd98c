#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Builds the Debian packages, judges them with lintian, and boots a Debian 12
# that installs, runs, upgrades and removes them, on each kernel named.
#
#   tests/vm/boot.sh [KERNEL...]    default: stock-6.12 patched
#
# Prints TAP. What runs in the machine: tests/vm/boot/run.sh.

set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
top=$(cd "$here/../.." && pwd)
[[ $# -gt 0 ]] || set -- stock-6.12 patched

make --no-print-directory -C "$top" all tools deb >&2
shopt -s nullglob
changes=("$top"/build/deb/*.changes)
failed=0
if found=$(lintian --no-cfg --fail-on error,warning "${changes[@]}" 2>&1); then
	echo "ok - lintian has no errors or warnings"
else
	echo "not ok - lintian has no errors or warnings"
	failed=1
fi
[[ -z $found ]] || printf '# %s\n' "$found"
MQWATCH_ROOTFS=$("$here/rootfs.sh")
export MQWATCH_ROOTFS

# Emulation takes one CPU each, so they run side by side.
results=$(mktemp -d)
trap 'rm -rf "$results"' EXIT
for kernel; do
	"$here/check.sh" --suite "$here/boot/suite" --kernels "$kernel" >"$results/$kernel" 2>&1 &
done
for kernel; do
	wait -n || failed=1
done
for kernel; do
	# the sums of each would be taken for those of all
	grep -avE '^([0-9]+ passed, |1\.\.)' "$results/$kernel" || true
done
exit "$failed"
