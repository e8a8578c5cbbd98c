#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Make a disk image with a small Debian 12 that boots its own systemd, and print
# its path: for run.sh --root IMAGE --systemd. It is made of the machine's own
# Debian package sources and kept until what goes into it changes.
#
#   tests/vm/rootfs.sh

set -euo pipefail

cache=${MQWATCH_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/mqwatch}
suite=bookworm
# What a system with mqwatch has: its libraries, which the packages depend on, a
# Prometheus, and what the tests look with.
packages=(systemd systemd-sysv dbus libbpf1 libmicrohttpd12 libjson-c5 libinih1
	libcurl4 libsmartcols1 libcap2 adduser bash-completion zsh prometheus bpftool
	curl jq man-db procps strace util-linux)

die() { echo "tests/vm/rootfs.sh: $*" >&2; exit 1; }

# One-line entries of the machine's sources that are Debian's.
sources() {
	# shellcheck disable=SC2016 # fields of apt
	apt-get indextargets --format '$(CODENAME) deb $(REPO_URI) $(RELEASE) $(COMPONENT)' \
		'Created-By: Packages' 'Origin: Debian' |
		sed -n "s/^${suite}[^ ]* //p" | sort -u
}

inputs() {
	cat "${BASH_SOURCE[0]}"
	apt-cache policy "${packages[@]}" | sed -n '/^[^ ]/p; s/ *Candidate: //p'
}

make_image() {
	local tmp=$1

	sources >"$tmp/sources"
	[[ -s $tmp/sources ]] || die "apt has no sources for Debian $suite"
	# without documentation that nobody reads there, but with man pages
	# shellcheck disable=SC2016 # the hooks' own variables
	mmdebstrap --quiet --variant=minbase --include="${packages[*]}" \
		--dpkgopt=force-unsafe-io --dpkgopt='path-exclude=/usr/share/locale/*' \
		--dpkgopt='path-exclude=/usr/share/doc/*' \
		--dpkgopt='path-include=/usr/share/doc/*/copyright' \
		--customize-hook='echo mqwatch-vm >"$1/etc/hostname"' \
		--customize-hook='echo "127.0.0.1 localhost mqwatch-vm" >"$1/etc/hosts"' \
		--customize-hook='rm -rf "$1"/var/cache/apt/* "$1"/var/lib/apt/lists/*' \
		"$suite" "$tmp/root" "$tmp/sources" >"$tmp/log" 2>&1 || {
		tail -n 30 "$tmp/log" >&2
		die "no root file system"
	}
	mke2fs -q -t ext4 -O ^has_journal -m 0 -d "$tmp/root" "$tmp/image" \
		"$(($(du -sm "$tmp/root" | cut -f 1) * 5 / 4 + 64))M" >>"$tmp/log"
}

for tool in mmdebstrap mke2fs; do
	command -v "$tool" >/dev/null || die "$tool is missing: apt-get install mmdebstrap e2fsprogs"
done
[[ $(id -u) -eq 0 ]] || die "a root file system can only be made by root"
key=$(inputs | sha256sum | cut -c 1-16)
image=$cache/rootfs/$suite-$key.ext4
if [[ ! -e $image ]]; then
	mkdir -p "$cache/rootfs"
	tmp=$(mktemp -d "$cache/rootfs/tmp.XXXXXX")
	trap 'rm -rf --one-file-system "$tmp"' EXIT
	echo "  ROOTFS  Debian $suite" >&2
	make_image "$tmp"
	mv "$tmp/image" "$image"
fi
echo "$image"
