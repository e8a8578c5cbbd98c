#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Inside a virtual machine with a Debian that booted its own systemd: the packages, the service and its
# sandbox, as an administrator and other users meet them. Prints TAP. /test/deb has the packages.

# shellcheck source=tests/vm/lib.sh
. /test/lib.sh
# shellcheck source=tests/vm/boot/lib.sh
. /test/boot/lib.sh

# Each goes on where the one before it ended.
# shellcheck source=tests/vm/boot/install.sh
. /test/boot/install.sh
# shellcheck source=tests/vm/boot/sandbox.sh
. /test/boot/sandbox.sh
# shellcheck source=tests/vm/boot/users.sh
. /test/boot/users.sh
# shellcheck source=tests/vm/boot/prometheus.sh
. /test/boot/prometheus.sh
# shellcheck source=tests/vm/boot/life.sh
. /test/boot/life.sh
# shellcheck source=tests/vm/boot/degraded.sh
. /test/boot/degraded.sh
# shellcheck source=tests/vm/boot/remove.sh
. /test/boot/remove.sh
echo "1..$n"
exit "$failed"
