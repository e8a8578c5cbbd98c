#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Make a kernel for the virtual machine ready and print the directory that has
# it: bzImage, and for a modular one modules/ and modules.load (insmod order).
#
#   tests/vm/kernel.sh NAME
#
#   patched      mq_timedreceive2(), built by kernel/build.sh
#   patched:N    the first N patches of the series
#   base         the same kernel without the series
#   debug, kcsan patched, with sanitizers
#   stock-6.12, stock-6.1
#                Debian's cloud kernels, from their packages
#   DIR          a directory laid out like those

set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=${MQWATCH_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/mqwatch}
build=$here/../../kernel/build.sh
needed=(virtio_pci virtio_console)
useful=(virtio_blk virtio_net virtio_rng virtiofs overlay ext4 loop veth unix_diag)

die() { echo "tests/vm/kernel.sh: $*" >&2; exit 1; }

# Prints PACKAGE VERSION, what apt would install for a meta package.
resolve() {
	local package

	package=$(apt-cache depends "$1" 2>/dev/null |
		sed -n 's/^ *Depends: \(linux-image-[0-9].*\)/\1/p' | head -n 1)
	[[ -n $package ]] || return 0
	apt-cache policy "$package" |
		sed -n "s/^ *Candidate: \(.*\)/$package \1/p"
}

fetch() {
	local meta=$1 package=$2 dir=$3 tmp module release

	[[ -n $package ]] ||
		die "apt does not know $meta: run apt-get update, or add its suite"
	mkdir -p "$cache/stock"
	tmp=$(mktemp -d "$cache/stock/tmp.XXXXXX")
	# shellcheck disable=SC2064 # the value of now
	trap "rm -rf '$tmp'" EXIT
	echo "  FETCH   $package" >&2
	(cd "$tmp" && apt-get -qq -o APT::Sandbox::User="$(id -un)" \
		download "$package" >&2) || die "cannot download $package"
	dpkg-deb -x "$tmp"/*.deb "$tmp/root"
	release=$(basename "$tmp"/root/boot/vmlinuz-*)
	release=${release#vmlinuz-}
	mkdir -p "$tmp/out/modules"
	cp "$tmp/root/boot/vmlinuz-$release" "$tmp/out/bzImage"
	cp "$tmp/root/boot/config-$release" "$tmp/out/config"
	echo "$release" >"$tmp/out/release"
	find "$tmp/root/lib/modules" -name '*.ko.xz' -exec xz -d {} +
	/sbin/depmod -b "$tmp/root" "$release"
	for module in "${needed[@]}" "${useful[@]}"; do
		/sbin/modprobe -d "$tmp/root" -S "$release" --show-depends "$module" \
			2>/dev/null || [[ " ${useful[*]} " == *" $module "* ]] ||
			die "$package has no $module"
	done | sed -n 's/^insmod //p' | awk '!seen[$1]++ { print $1 }' >"$tmp/list"
	while read -r module; do
		cp "$module" "$tmp/out/modules/"
		echo "${module##*/}"
	done <"$tmp/list" >"$tmp/out/modules.load"
	mv -T "$tmp/out" "$dir" 2>/dev/null || [[ -e $dir/bzImage ]]
}

stock() {
	local meta=$1 package version dir

	read -r package version <<<"$(resolve "$meta")" || true
	dir=$cache/stock/${package}_$version
	if [[ -z $package ]]; then
		dir=$(find "$cache/stock" -maxdepth 1 -name "$2" 2>/dev/null |
			sort -V | tail -n 1)
	fi
	[[ -n $dir && -e $dir/bzImage ]] || fetch "$meta" "$package" "$dir"
	echo "$dir"
}

[[ $# -eq 1 ]] || die "usage: kernel.sh NAME"
case $1 in
patched) "$build" dir ;;
patched:*) KSERIES=${1#*:} "$build" dir ;;
base) KSERIES=none "$build" dir ;;
debug|kcsan) KCONFIG=$1 "$build" dir ;;
stock-6.12) stock linux-image-6.12-cloud-amd64 'linux-image-6.12*' ;;
stock-6.1) stock linux-image-cloud-amd64 'linux-image-6.1.*' ;;
*/*|.)
	[[ -e $1/bzImage ]] || die "$1: no bzImage there"
	realpath "$1"
	;;
*)
	die "unknown kernel '$1': use patched, patched:N, base, debug, kcsan," \
		"stock-6.12, stock-6.1 or a directory"
	;;
esac
