#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Installs what building, testing and measuring needs and is missing. Says nothing when all is there.
# With "bench", also what the daemon is measured beside.
# With "vm", also what building and running the kernels of tests/vm needs: those are for x86-64.
set -eu
cd "$(dirname "$0")/.."

build='gcc make pkg-config clang llvm bpftool git libc6-dev libbpf-dev libsystemd-dev
	libmicrohttpd-dev libjson-c-dev libcurl4-openssl-dev libsmartcols-dev libinih-dev'
tests='libcmocka-dev libclang-rt-dev bats jq curl socat stress-ng bpftrace iproute2 procps bsdextrautils util-linux
	zsh bash-completion
	shellcheck clang-format cppcheck'
vm=
[ "${1:-}" != vm ] || [ "$(uname -m)" != x86_64 ] ||
	vm='qemu-system-x86 qemu-system-common busybox-static cpio kmod
		mmdebstrap e2fsprogs dpkg-dev debhelper fakeroot lintian'

[ "${1:-}" != bench ] || tests="$tests strace linux-perf"

# These are only unpacked: installing them would start and enable services.
unpacked=build/deps
export PATH="$PATH:$unpacked/usr/bin"

missing=
# shellcheck disable=SC2086 # a list
installed=$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' $build $tests $vm 2>/dev/null || :)
for package in $build $tests $vm; do
	case "
$installed
" in
	*"
installed $package
"*) ;;
	*) missing="$missing $package" ;;
	esac
done
command -v prometheus >/dev/null && command -v promtool >/dev/null || unpack=prometheus
[ "${1:-}" != bench ] || command -v prometheus-node-exporter >/dev/null ||
	unpack="${unpack:-} prometheus-node-exporter"

kernel_needs() {
	[ -z "$vm" ] || kernel/build.sh needs
}

if [ -z "$missing${unpack:-}" ]; then
	kernel_needs
	exit
fi
if ! command -v apt-get >/dev/null; then
	echo "This is no Debian. Needed, by their names there:$missing ${unpack:-}" >&2
	exit 1
fi
if [ "$(id -u)" -ne 0 ] && [ -n "$missing" ]; then
	echo "Missing packages. As root: apt-get install$missing" >&2
	exit 1
fi
[ "$(id -u)" -ne 0 ] || apt-get update -q
if [ -n "$missing" ]; then
	# shellcheck disable=SC2086 # a list
	DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends $missing
fi
if [ -n "${unpack:-}" ]; then
	mkdir -p "$unpacked"
	for package in $unpack; do
		(cd "$unpacked" && apt-get download -q "$package" && dpkg-deb -x "$package"_*.deb .)
	done
fi
kernel_needs
