#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Runs bats in IPC, mount and network namespaces of its own: the tests make queues, mount file
# systems and take ports. MQWATCH_BUILD: the directory with the binaries to test.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
export MQWATCH_BUILD=${MQWATCH_BUILD:-$here/../../build}
export MQWATCH_PRIVATE=1
exec unshare --ipc --mount --net --propagation private bats "$@"
