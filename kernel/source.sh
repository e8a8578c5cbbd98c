#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Unpack a Debian kernel source and apply the series of this directory to it.
#
#   kernel/source.sh [--base] [--print-version] VERSION DIR
#
# VERSION is 6.12 or 7.2: the package is linux-source-VERSION, the series is
# kernel/vVERSION. --base leaves the tree unpatched. A DIR made by an earlier
# run is brought up to date: only files that the series touches change, so an
# incremental build stays incremental. --print-version also prints the Debian
# version of the unpacked package.
#
# linux-source-6.12 is installed from the machine's own apt sources. 7.2 is not
# in Debian 12: its package is downloaded from sid, with a private apt state, and
# unpacked without being installed. The machine's apt configuration is not
# touched. MQWATCH_CACHE (default ~/.cache/mqwatch) holds that download.

set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=${MQWATCH_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/mqwatch}
base=0
print=0

die() { echo "source.sh: $*" >&2; exit 1; }

usage() { die "usage: source.sh [--base] [--print-version] 6.12|7.2 DIR"; }

while [[ ${1-} == --* ]]; do
	case $1 in
	--base) base=1 ;;
	--print-version) print=1 ;;
	*) usage ;;
	esac
	shift
done
[[ $# -eq 2 ]] || usage
version=$1
dir=$2
[[ $version =~ ^[0-9]+\.[0-9]+$ ]] || usage
[[ -d $here/v$version ]] || die "no series for $version"

package=linux-source-$version

as_root() {
	if [[ $(id -u) -eq 0 ]]; then "$@"; else sudo "$@"; fi
}

install_package() {
	as_root apt-get -qq -o DPkg::Lock::Timeout=600 install -y \
		--no-install-recommends "$@" >&2
}

# Prints "TARBALL DEBIAN-VERSION" of a package of the machine's own suites.
installed_tarball() {
	local tarball=/usr/src/$package.tar.xz

	if [[ ! -e $tarball ]]; then
		install_package "$package" || {
			as_root apt-get -qq update >&2
			install_package "$package"
		}
	fi
	echo "$tarball $(dpkg-query -Wf '${Version}' "$package")"
}

# Prints "TARBALL DEBIAN-VERSION" of a package that only sid has.
downloaded_tarball() {
	local apt=$cache/apt deb uri options

	# shellcheck disable=SC2012 # apt's names, in the order of versions
	deb=$(ls -v "$cache/$package"_*.deb 2>/dev/null | tail -n 1)
	if [[ -z $deb ]]; then
		mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial"
		# shellcheck disable=SC2016 # apt-get expands it
		uri=$(apt-get indextargets --format '$(REPO_URI)' \
			'Identifier: Packages' 'Origin: Debian' 'Label: Debian' | head -n 1)
		[[ -n $uri ]] || die "no Debian archive in the apt configuration"
		printf 'deb [signed-by=%s] %s sid main\n' \
			/usr/share/keyrings/debian-archive-keyring.gpg "$uri" >"$apt/sid.list"
		options=(-qq -o "Dir::Etc::sourcelist=$apt/sid.list"
			-o Dir::Etc::sourceparts=-
			-o "Dir::State::lists=$apt/lists" -o "Dir::Cache=$apt/cache"
			-o "APT::Sandbox::User=$(id -un)")
		apt-get "${options[@]}" update >&2
		(cd "$cache" && apt-get "${options[@]}" download "$package" >&2)
		rm -rf "$apt"
		# shellcheck disable=SC2012
		deb=$(ls -v "$cache/$package"_*.deb | tail -n 1)
	fi
	rm -rf "$cache/$package.unpacked"
	dpkg-deb -x "$deb" "$cache/$package.unpacked"
	echo "$cache/$package.unpacked/usr/src/$package.tar.xz" \
		"$(dpkg-deb -f "$deb" Version)"
}

unpack() {
	local found tarball release

	case $version in
	6.12) found=$(installed_tarball) ;;
	*) found=$(downloaded_tarball) ;;
	esac
	read -r tarball release <<<"$found"
	mkdir -p "$dir.tmp"
	tar -C "$dir.tmp" --strip-components=1 -xf "$tarball"
	mkdir "$dir.tmp/.mqwatch"
	echo "$release" >"$dir.tmp/.mqwatch/version"
	rm -rf "$cache/$package.unpacked"
	mv -T "$dir.tmp" "$dir"
}

# .mqwatch/*.patch of a tree are the patches applied to it.
series_of() {
	find "$1" -maxdepth 1 -name '[0-9]*.patch' ! -name '0000-*' | LC_ALL=C sort "${@:2}"
}

apply() {
	local want=() have=() p

	if [[ $base -eq 0 ]]; then
		mapfile -t want < <(series_of "$here/v$version")
	fi
	mapfile -t have < <(series_of "$dir/.mqwatch" -r)
	# shellcheck disable=SC2046 # a list of files
	if [[ $(cat /dev/null "${want[@]}" | sha256sum) == \
	      $(cat /dev/null $(series_of "$dir/.mqwatch") | sha256sum) ]]; then
		return
	fi
	for p in "${have[@]}"; do
		patch -d "$dir" -p1 -R -s -F0 --no-backup-if-mismatch <"$p" ||
			die "$dir was changed by hand: remove it"
		rm "$p"
	done
	for p in "${want[@]}"; do
		patch -d "$dir" -p1 -s -F0 --no-backup-if-mismatch <"$p" ||
			die "${p##*/} does not apply to $(cat "$dir/.mqwatch/version")"
		cp "$p" "$dir/.mqwatch/"
	done
}

for tool in patch xz tar flock; do
	command -v "$tool" >/dev/null || install_package patch xz-utils tar util-linux
done
mkdir -p "$cache" "$(dirname "$dir")"
dir=$(realpath "$dir")
exec 9>"$dir.lock"
flock 9
trap 'rm -rf "$dir.tmp"' EXIT
if [[ -e $dir && ! -e $dir/.mqwatch/version ]]; then
	rmdir "$dir" 2>/dev/null || die "$dir exists and is no tree of mine"
fi
[[ -d $dir ]] || unpack
apply
if [[ $print -eq 1 ]]; then
	cat "$dir/.mqwatch/version"
fi
