#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Runs bats in namespaces of its own: the tests make queues, mount file systems and take ports.
# MQWATCH_BUILD: the directory with the binaries to test.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=tests/common.bash
. "$here/../common.bash"
private "$@"
export MQWATCH_BUILD=${MQWATCH_BUILD:-$here/../../build}
exec bats "$@"
