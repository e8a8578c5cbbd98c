#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Build the kernel that mqwatch is tested on, once per set of inputs.
#
#   kernel/build.sh image       build if need be; print the image's path
#   kernel/build.sh dir         the same; print the directory that holds it
#   kernel/build.sh selftests   also build the kernel's own mqueue tests and
#                               print the directory that holds them
#   kernel/build.sh key         print the key of the inputs, build nothing
#   kernel/build.sh needs       install the packages that these need
#   kernel/build.sh deb [DIR]   Debian packages for this very machine, from its
#                               running configuration, into DIR (default: .)
#
# Environment:
#   KCONFIG        default, debug (KASAN, lockdep, kmemleak) or kcsan
#   KSERIES        full (default), none, or the number of patches to apply
#   MQWATCH_CACHE  default ~/.cache/mqwatch
#   JOBS           default: one per processor
#
# Everything goes to MQWATCH_CACHE. An image is found by a hash over all that
# goes into it. A build tree is kept per KCONFIG, and one more for a KSERIES without
# the system call: when only the series changed, make rebuilds what that needs.

set -euo pipefail
shopt -s inherit_errexit

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=${MQWATCH_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/mqwatch}
version=6.12
kconfig=${KCONFIG:-default}
kseries=${KSERIES:-full}
jobs=${JOBS:-$(nproc)}

die() { echo "kernel/build.sh: $*" >&2; exit 1; }
say() { echo "  KERNEL  $*" >&2; }

# apt package for each thing the build needs
install_needs() {
	local missing=() need pkg

	while read -r need pkg; do
		case $need in
		/*) [[ -e $need ]] ;;
		*) command -v "$need" >/dev/null ;;
		esac || missing+=("$pkg")
	done <<-'NEEDS'
		gcc gcc
		make make
		flex flex
		bison bison
		bc bc
		pahole dwarves
		xz xz-utils
		patch patch
		/usr/include/libelf.h libelf-dev
		/usr/include/openssl/ssl.h libssl-dev
		/usr/src/linux-source-6.12.tar.xz linux-source-6.12
	NEEDS
	for pkg in "$@"; do
		dpkg-query -Wf '${db:Status-Status}' "$pkg" 2>/dev/null |
			grep -qx installed || missing+=("$pkg")
	done
	[[ ${#missing[@]} -gt 0 ]] || return 0
	say "installing ${missing[*]}"
	as_root apt-get -qq -o DPkg::Lock::Timeout=600 install -y \
		--no-install-recommends "${missing[@]}" >/dev/null || {
		as_root apt-get -qq update
		as_root apt-get -qq -o DPkg::Lock::Timeout=600 install -y \
			--no-install-recommends "${missing[@]}" >/dev/null
	} || die "cannot install ${missing[*]}: install them by hand"
}

as_root() {
	if [[ $(id -u) -eq 0 ]]; then "$@"; else sudo "$@"; fi
}

check_options() {
	case $kconfig in
	default|debug|kcsan) ;;
	*) die "KCONFIG=$kconfig: use default, debug or kcsan" ;;
	esac
	[[ $kseries =~ ^(full|none|[0-9]+)$ ]] ||
		die "KSERIES=$kseries: use full, none or a number of patches"
	[[ $jobs =~ ^[1-9][0-9]*$ ]] || die "JOBS=$jobs: use a number"
}

all_patches() {
	find "$here/v$version" -maxdepth 1 -name '[0-9]*.patch' \
		! -name '0000-*' | LC_ALL=C sort
}

# The patches that KSERIES selects.
patches() {
	local count

	case $kseries in
	full) all_patches ;;
	none) ;;
	*)
		count=$(all_patches | wc -l)
		[[ $kseries -le $count ]] ||
			die "KSERIES=$kseries: the series has $count patches"
		all_patches | head -n "$kseries"
		;;
	esac
}

# Whether the selected part of the series gives the system call its number.
wires_up() {
	patches | xargs -r grep -l '^+++ b/arch/x86/.*/syscall_64.tbl' | grep -q .
}

fragments() {
	echo "$here/config.fragment"
	[[ $kconfig == default ]] || printf '%s\n' "$here"/config.{sanitizer,"$kconfig"}
}

source_version() {
	dpkg-query -Wf '${Version}' "linux-source-$version"
}

# One line per input, in a fixed order; file names do not count, nor does what this
# script does beside building an image.
inputs() {
	local p

	patches >/dev/null
	echo "package $(source_version)"
	gcc --version | head -n 1
	ld --version | head -n 1
	echo "pahole $(pahole --version)"
	patches | while read -r p; do sha256sum <"$p"; done
	fragments | while read -r p; do sha256sum <"$p"; done
	declare -f unpack_source configure build | sha256sum
}

key() {
	local all

	all=$(inputs)
	sha256sum <<<"$all" | cut -c 1-16
}

# source.sh with the part of the series that KSERIES selects.
unpack_source() {
	local dir=$1 tmp=$2 p

	if [[ -e $dir/.mqwatch/version &&
	      $(cat "$dir/.mqwatch/version") != "$(source_version)" ]]; then
		rm -rf "$dir"
	fi
	mkdir "$tmp/series" "$tmp/series/v$version"
	cp "$here/source.sh" "$tmp/series/"
	patches | while read -r p; do cp "$p" "$tmp/series/v$version/"; done
	"$tmp/series/source.sh" "$version" "$dir" && return

	# A tree whose update failed half way is not worth keeping.
	rm -rf "$dir"
	"$tmp/series/source.sh" "$version" "$dir"
}

# Files of the tree that a patch applied to it touches.
touched() {
	[[ -d $1/.mqwatch ]] || return 0
	find "$1/.mqwatch" -name '[0-9]*.patch' -exec cat {} + |
		sed -n 's,^\(---\|+++\) [ab]/\([^\t]*\).*,\2,p' | LC_ALL=C sort -u
}

# Reversing and applying a series gives files new times even where the contents
# end up the same. Put the old time back there, or the headers among them would
# rebuild the whole tree.
remember_times() {
	local f

	touched "$1" | while read -r f; do
		[[ ! -f $1/$f ]] ||
			echo "$(sha256sum <"$1/$f" | cut -c 1-64) $(stat -c %.9Y "$1/$f") $f"
	done
}

restore_times() {
	local sum time f

	while read -r sum time f; do
		[[ -f $1/$f && $(sha256sum <"$1/$f" | cut -c 1-64) == "$sum" ]] || continue
		touch -d "@$time" "$1/$f"
	done
}

configure() {
	local src=$1 obj=$2 tmp=$3 line name

	fragments | xargs cat >"$tmp/fragment"
	KCONFIG_ALLCONFIG=$tmp/fragment KCONFIG_CONFIG=$tmp/config \
		make -s -C "$src" O="$obj" allnoconfig >"$tmp/log" 2>&1 ||
		{ cat "$tmp/log" >&2; die "allnoconfig failed"; }
	fragments | xargs sed -n 's/^# \(CONFIG_[A-Z0-9_a-z]*\) is not set$/\1=n/p
		/^CONFIG_/p' | tac | awk -F= '!seen[$1]++' | while read -r line; do
		name=${line%%=*}
		case $line in
		*=n) ! grep -q "^$name=" "$tmp/config" ;;
		*) grep -qxF "$line" "$tmp/config" ;;
		esac || die "the kernel does not take $line (a dependency is off)"
	done
	cmp -s "$tmp/config" "$obj/.config" || cp "$tmp/config" "$obj/.config"
}

# Leaves image, config, symbols and types in $cache/kernel/KEY.
build() {
	local work=$cache/kernel/work/$tree out=$cache/kernel/$1
	local src=$work/linux obj=$work/obj tmp start=$SECONDS

	mkdir -p "$work" "$obj"
	exec 8>"$work/lock"
	flock 8
	[[ ! -e $out/bzImage ]] || return 0

	tmp=$(mktemp -d "$cache/kernel/tmp.XXXXXX")
	# shellcheck disable=SC2064 # the value of now
	trap "rm -rf '$tmp'" EXIT
	say "$kconfig, series $kseries: log is $work/log"
	remember_times "$src" >"$tmp/times"
	unpack_source "$src" "$tmp"
	restore_times "$src" <"$tmp/times"
	configure "$src" "$obj" "$tmp"
	nice -n 10 make -C "$src" O="$obj" -j"$jobs" \
		KBUILD_BUILD_TIMESTAMP="$(date -ud "@$(stat -c %Y \
			"/usr/src/linux-source-$version.tar.xz")")" \
		KBUILD_BUILD_USER=mqwatch KBUILD_BUILD_HOST=mqwatch \
		bzImage >"$work/log" 2>&1 || {
		grep -E -A3 'error:|Error [0-9]|undefined reference' "$work/log" |
			head -n 30 >&2
		die "the build failed: see $work/log"
	}
	mkdir "$tmp/out"
	cp "$obj/arch/x86/boot/bzImage" "$obj/System.map" "$tmp/out/"
	cp "$obj/.config" "$tmp/out/config"
	cp "$obj/include/config/kernel.release" "$tmp/out/release"
	objcopy --strip-debug "$obj/vmlinux" "$tmp/out/vmlinux"
	inputs >"$tmp/out/inputs"
	mkdir -p "$cache/kernel"
	rm -rf "$out"
	mv -T "$tmp/out" "$out"
	say "built in $((SECONDS - start)) s: $out/bzImage"
}

# Sets the name of the build tree. The call's number is in a header that everything
# includes: going back and forth between a series that has it and one that has not
# would rebuild it all.
choose_tree() {
	tree=$kconfig
	wires_up || tree+=-unwired
}

ensure() {
	check_options
	choose_tree
	install_needs
	dir=$cache/kernel/$(key)
	# in a shell of its own, which cleans up and unlocks when it ends
	[[ -e $dir/bzImage ]] || (build "${dir##*/}")
	[[ -e $dir/bzImage ]] || die "no image in $dir"
	touch "$dir"
}

# The kernel's own mqueue tests of the tree that the image was built from, one
# directory per ABI. Static: they run in an initramfs. popt exists for one ABI.
selftests_need=(gcc-12-multilib libpopt-dev rsync)
selftests() {
	local out=$1 work=$cache/kernel/work/$tree tmp abi flag skip tests

	[[ ! -e $out/selftests ]] || return 0
	install_needs "${selftests_need[@]}"
	exec 8>"$work/lock"
	flock 8
	tmp=$(mktemp -d "$cache/kernel/tmp.XXXXXX")
	# shellcheck disable=SC2064 # the value of now
	trap "rm -rf '$tmp'" EXIT
	say "selftests: log is $work/selftests.log"
	remember_times "$work/linux" >"$tmp/times"
	unpack_source "$work/linux" "$tmp"
	restore_times "$work/linux" <"$tmp/times"
	make -C "$work/linux" O="$work/obj" headers >"$work/selftests.log" 2>&1 ||
		die "make headers failed: see $work/selftests.log"
	mkdir "$tmp/selftests"
	for abi in x86_64:-m64 i386:-m32 x32:-mx32; do
		flag=${abi#*:}
		abi=${abi%:*}
		skip=
		[[ $abi == x86_64 ]] || skip=mq_perf_tests.c
		mapfile -t tests < <(cd "$work/linux/tools/testing/selftests/mqueue"
			find . -name '*.c' ! -name "$skip" | sed 's,^./,,; s,\.c$,,')
		mkdir "$tmp/selftests/$abi"
		# As goals: a list given as TEST_GEN_PROGS would be built in the source.
		make -C "$work/linux/tools/testing/selftests/mqueue" \
			OUTPUT="$tmp/selftests/$abi" \
			CC="gcc $flag" LDFLAGS=-static CFLAGS="-O2 -D_GNU_SOURCE= -isystem $work/obj/usr/include" \
			KHDR_INCLUDES="-isystem $work/obj/usr/include" \
			"${tests[@]/#/$tmp/selftests/$abi/}" \
			>>"$work/selftests.log" 2>&1 ||
			die "the $abi selftests do not build: see $work/selftests.log"
	done
	mv -T "$tmp/selftests" "$out/selftests"
}

# Debian packages from the configuration of the kernel that runs.
deb() {
	local dest=$1 work=$cache/kernel/work/deb base=${KERNEL_DEB_CONFIG-} tmp

	[[ -d $dest ]] || die "$dest: no such directory"
	dest=$(realpath "$dest")
	if [[ -z $base ]]; then
		base=/boot/config-$(uname -r)
		[[ -r $base || ! -r /proc/config.gz ]] || base=/proc/config.gz
	fi
	[[ -r $base ]] ||
		die "$base: no configuration: set KERNEL_DEB_CONFIG=FILE"
	install_needs dpkg-dev debhelper rsync kmod cpio python3 libdw-dev
	mkdir -p "$work/obj"
	exec 8>"$work/lock"
	flock 8
	tmp=$(mktemp -d "$cache/kernel/tmp.XXXXXX")
	# shellcheck disable=SC2064 # the value of now
	trap "rm -rf '$tmp'" EXIT
	unpack_source "$work/linux" "$tmp"
	case $base in
	*.gz) zcat "$base" ;;
	*) cat "$base" ;;
	esac >"$work/obj/.config"
	# Debian's keys are not in the source package; mqwatch needs the types.
	"$work/linux/scripts/config" --file "$work/obj/.config" \
		--set-str LOCALVERSION -mqwatch --disable LOCALVERSION_AUTO \
		--set-str SYSTEM_TRUSTED_KEYS '' --disable SYSTEM_REVOCATION_LIST \
		--disable MODULE_SIG_ALL --disable DEBUG_INFO_NONE \
		--disable DEBUG_INFO_REDUCED \
		--enable POSIX_MQUEUE --enable DEBUG_INFO_DWARF5 \
		--enable DEBUG_INFO_BTF --enable BPF_SYSCALL --enable FTRACE_SYSCALLS
	make -s -C "$work/linux" O="$work/obj" olddefconfig >"$work/log" 2>&1 ||
		die "olddefconfig failed: see $work/log"
	rm -f "$work"/*.deb "$work"/*.buildinfo "$work"/*.changes
	say "packages from $base, series $kseries: log is $work/log"
	DEB_BUILD_PROFILES=pkg.linux-upstream.nokerneldbg \
		nice -n 10 make -C "$work/linux" O="$work/obj" -j"$jobs" bindeb-pkg \
		>"$work/log" 2>&1 || die "the build failed: see $work/log"
	cp "$work"/linux-image-*.deb "$work"/linux-headers-*.deb "$dest/"
	(cd "$work" && printf "$dest/%s\n" linux-image-*.deb linux-headers-*.deb)
}

case ${1-} in
image)
	ensure
	echo "$dir/bzImage"
	;;
dir)
	ensure
	echo "$dir"
	;;
selftests)
	ensure
	selftests "$dir"
	echo "$dir/selftests"
	;;
key)
	check_options
	install_needs
	key
	;;
needs)
	install_needs "${selftests_need[@]}"
	;;
deb)
	check_options
	install_needs
	deb "${2-.}"
	;;
*)
	die "usage: kernel/build.sh image|dir|selftests|key|needs|deb [DIR]"
	;;
esac
