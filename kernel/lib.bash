# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# What lint.sh and builds.sh share; they take [VERSION] and print a line per check.

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
version=${1:-6.12}
cache=${MQWATCH_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/mqwatch}
jobs=${JOBS:-$(nproc)}
failed=0

# result WHAT FINDINGS: no findings are good
result() {
	local what=$1 findings=$2

	if [[ -z $findings ]]; then
		echo "ok      $what"
		return
	fi
	echo "FAIL    $what"
	# shellcheck disable=SC2001 # each line, not the first
	sed 's/^/        /' <<<"$findings"
	failed=1
}
