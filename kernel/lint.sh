#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Check the style of the series: checkpatch --strict on every patch, kernel-doc on
# every source file that the series touches, sparse on ipc/.
#
#	kernel/lint.sh [VERSION]
#
# Prints a line per check, findings under it, and fails if there were any. sparse
# also runs on the unpatched ipc/, and what it says there is no finding.
#
# MQWATCH_CACHE: see source.sh. JOBS: parallel jobs, default the number of CPUs.

set -uo pipefail

# shellcheck source=kernel/lib.bash
. "$(dirname "${BASH_SOURCE[0]}")/lib.bash"
work=$cache/lint-$version
tree=$work/linux

need() {
	local tool package

	for tool in "$@"; do
		package=${tool#*:}
		command -v "${tool%:*}" >/dev/null || apt-get -qq \
			-o DPkg::Lock::Timeout=600 install -y --no-install-recommends \
			"$package" >/dev/null || { echo "lint.sh: no $package" >&2; exit 1; }
	done
}

check_patches() {
	local patch out

	for patch in "$here/v$version"/0*.patch; do
		[[ $patch == */0000-* ]] && continue
		out=$(cd "$tree" && perl scripts/checkpatch.pl --strict --no-tree --root=. \
			--terse --no-summary "$patch" 2>&1)
		result "checkpatch --strict ${patch##*/}" "$out"
	done
}

check_kernel_doc() {
	local tool=$tree/tools/docs/kernel-doc file

	[[ -e $tool ]] || tool=$tree/scripts/kernel-doc
	# shellcheck disable=SC2013 # no name in the kernel has blanks
	for file in $(sed -n 's|^+++ b/\(.*\.[ch]\)$|\1|p' "$here/v$version"/0*.patch |
		      grep -v '^tools/' | sort -u); do
		result "kernel-doc $file" \
			"$(cd "$tree" && "$tool" -none "$file" 2>&1)"
	done
}

# What sparse says about ipc/, without the line numbers: those differ
sparse_ipc() {
	local build=$work/build

	make -s -C "$tree" O="$build" tinyconfig >/dev/null &&
	"$tree/scripts/config" --file "$build/.config" -e 64BIT -e MULTIUSER -e NET \
		-e SYSVIPC -e POSIX_MQUEUE -e PROC_FS -e SYSCTL -e IA32_EMULATION \
		-e X86_X32_ABI -e COMPAT_32BIT_TIME -e AUDIT -e CHECKPOINT_RESTORE \
		-e NAMESPACES -e IPC_NS -e USER_NS -e SMP -d WERROR &&
	make -s -C "$tree" O="$build" olddefconfig &&
	make -s -j"$jobs" -C "$tree" O="$build" prepare >/dev/null &&
	make -s -j"$jobs" -C "$tree" O="$build" C=2 ipc/ 2>&1 >/dev/null |
		grep -E 'ipc/.*(warning|error):' | sed -E 's/:[0-9]+:[0-9]+:/:/; s|^.*/ipc/|ipc/|' |
		sort
	return "${PIPESTATUS[0]}"
}

check_sparse() {
	local before after

	"$here/source.sh" --base "$version" "$tree" || exit 1
	before=$(sparse_ipc) || { result "sparse, unpatched" "does not build"; return; }
	"$here/source.sh" "$version" "$tree" || exit 1
	after=$(sparse_ipc) || { result "sparse, patched" "does not build"; return; }
	result "sparse C=2 ipc/ ($(grep -c . <<<"$before") known before the series)" \
		"$(comm -13 <(echo "$before") <(echo "$after"))"
}

need perl make gcc flex bison bc sparse python3
"$here/source.sh" "$version" "$tree" || exit 1
check_patches
check_kernel_doc
check_sparse
exit $failed
