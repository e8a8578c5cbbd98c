#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Compile what the series touches for several architectures and configurations:
# ipc/, audit, the fallbacks of missing calls, and the object with the table of
# system calls. Then every patch on top of the ones before it, and the tables of
# the architectures that are not compiled.
#
#	kernel/builds.sh [VERSION]
#
# Prints a line per build, what went wrong under it, and fails if anything did.
# Missing cross compilers are installed; they conflict with gcc-multilib.
#
# MQWATCH_CACHE: see source.sh. JOBS: parallel jobs, default the number of CPUs.

set -uo pipefail

# shellcheck source=kernel/lib.bash
. "$(dirname "${BASH_SOURCE[0]}")/lib.bash"
work=$cache/builds-$version
tree=$work/linux
call=sys_mq_timedreceive2

kmake() {
	local build=$1 arch=$2 cross=$3

	shift 3
	make -s -C "$tree" O="$build" ARCH="$arch" CROSS_COMPILE="$cross" -j"$jobs" "$@"
}

# compile BUILD ARCH CROSS: the objects in question; the names differ by version
compile() {
	local build=$1 arch=$2 cross=$3 tables=() table

	case $arch in
	x86_64 | i386) tables=(arch/x86/entry/syscall_{32,64,x32}) ;;
	arm) tables=(arch/arm/kernel/entry-common) ;;
	arm64) tables=(arch/arm64/kernel/sys arch/arm64/kernel/sys32) ;;
	riscv) tables=(arch/riscv/kernel/{syscall_table,compat_syscall_table}) ;;
	esac
	kmake "$build" "$arch" "$cross" ipc/ kernel/sys_ni.o || return
	if grep -q '^CONFIG_AUDITSYSCALL=y' "$build/.config"; then
		kmake "$build" "$arch" "$cross" kernel/auditsc.o || return
	fi
	for table in "${tables[@]}"; do
		[[ -e $tree/$table.c || -e $tree/$table.S ]] || continue
		case $table in
		*/syscall_64 | */syscall_x32)
			grep -q '^CONFIG_X86_64=y' "$build/.config" || continue ;;&
		*/syscall_x32)
			grep -q '^CONFIG_X86_X32_ABI=y' "$build/.config" || continue ;;&
		*/sys32 | */compat_syscall_table | */syscall_32)
			grep -qE '^CONFIG_(COMPAT|X86_32)=y' "$build/.config" || continue ;;
		esac
		kmake "$build" "$arch" "$cross" "$table.o" || return
		# The number is beyond the numbers of x32: patch 3
		[[ $table != */syscall_x32 ]] || continue
		nm "$build/$table.o" | grep "U .*$call\$" >/dev/null || {
			echo "$table.o does not call $call"
			return 1
		}
	done
	nm "$build/ipc/mqueue.o" | grep " T .*$call\$" >/dev/null || {
		echo "ipc/mqueue.o does not define $call"
		return 1
	}
}

# configure BUILD ARCH CROSS option...: +X and -X turn an option on and off, and
# have to come out that way
configure() {
	local build=$1 arch=$2 cross=$3 option options=()

	shift 3
	mkdir -p "$build"
	for option in "$@"; do
		case $option in
		+*) options+=(-e "${option#+}") ;;
		-*) options+=(-d "${option#-}") ;;
		esac
	done
	kmake "$build" "$arch" "$cross" tinyconfig >/dev/null || return
	"$tree/scripts/config" --file "$build/.config" -e MULTIUSER -e NET -e SYSVIPC \
		-e POSIX_MQUEUE -e PROC_FS -e SYSCTL -e WERROR "${options[@]}" || return
	kmake "$build" "$arch" "$cross" olddefconfig || return
	for option in +POSIX_MQUEUE "$@"; do
		case $option in
		+*) grep -q "^CONFIG_${option#+}=y" "$build/.config" ;;
		-*) ! grep -q "^CONFIG_${option#-}=y" "$build/.config" ;;
		esac || { echo "cannot be configured: $option"; return 1; }
	done
	kmake "$build" "$arch" "$cross" prepare >/dev/null
}

# build ARCH CROSS-PACKAGE CROSS option...
build() {
	local arch=$1 package=$2 cross=$3 name build log

	shift 3
	name="$arch $*"
	build=$work/$(tr -cs 'a-zA-Z0-9_+\n-' _ <<<"$name")
	if ! command -v "${cross}gcc" >/dev/null; then
		apt-get -qq -o DPkg::Lock::Timeout=600 install -y \
			--no-install-recommends "$package" >/dev/null || {
			result "$name" "no $package"
			return
		}
	fi
	log=$({ configure "$build" "$arch" "$cross" "$@" &&
		compile "$build" "$arch" "$cross"; } 2>&1) && log= || log=${log:-it failed without a word}
	result "$name" "$(tail -n 20 <<<"$log")"
}

check_tables() {
	local table log

	for table in "$tree"/scripts/syscall.tbl "$tree"/arch/*/*/*/syscall*.tbl \
		     "$tree"/arch/*/tools/syscall*.tbl; do
		[[ -e $table && ! -L $table ]] || continue
		log=
		[[ $(awk '/^[0-9]/ && $3 == "mq_timedreceive2" && $4 == "'$call'"' "$table" |
		     wc -l) -eq 1 ]] || log="not exactly one row"
		# Generic tables are sorted per ABI only, so ask for less than sorted
		[[ $(grep '^[0-9]' "$table" | sort -n | tail -n 1) == *$call* ]] ||
			log="not the last row"
		result "table ${table#"$tree/"}" "$log"
	done
}

# Every patch on top of those before it, without reconfiguring
check_each_patch() {
	local build=$work/each log patch

	"$here/source.sh" --base "$version" "$tree" || exit 1
	log=$(configure "$build" x86_64 '' +64BIT +IA32_EMULATION +AUDIT \
		-CHECKPOINT_RESTORE 2>&1) || { result "each patch" "$log"; return; }
	for patch in "$here/v$version"/0*.patch; do
		[[ $patch == */0000-* ]] && continue
		patch -s -p1 -d "$tree" --no-backup-if-mismatch <"$patch" || exit 1
		cp "$patch" "$tree/.mqwatch/"
		log=$({ kmake "$build" x86_64 '' prepare >/dev/null &&
			kmake "$build" x86_64 '' ipc/ kernel/sys_ni.o kernel/auditsc.o \
			arch/x86/entry/; } 2>&1) && log= || log=${log:-it failed without a word}
		result "up to ${patch##*/}" "$(tail -n 20 <<<"$log")"
	done
}

for tool in make gcc flex bison bc nm; do
	command -v $tool >/dev/null || { echo "builds.sh: no $tool" >&2; exit 1; }
done
check_each_patch
"$here/source.sh" "$version" "$tree" || exit 1
check_tables

build x86_64 gcc '' +64BIT -COMPAT +AUDIT +CHECKPOINT_RESTORE
build x86_64 gcc '' +64BIT +IA32_EMULATION +COMPAT_32BIT_TIME +CHECKPOINT_RESTORE
build x86_64 gcc '' +64BIT +IA32_EMULATION -COMPAT_32BIT_TIME -CHECKPOINT_RESTORE
build x86_64 gcc '' +64BIT +IA32_EMULATION +X86_X32_ABI +AUDIT -COMPAT_32BIT_TIME
build i386 gcc '' -64BIT +COMPAT_32BIT_TIME +AUDIT
build i386 gcc '' -64BIT -COMPAT_32BIT_TIME +CHECKPOINT_RESTORE
build arm gcc-arm-linux-gnueabihf arm-linux-gnueabihf- +AEABI +COMPAT_32BIT_TIME
build arm64 gcc-aarch64-linux-gnu aarch64-linux-gnu- +COMPAT +COMPAT_32BIT_TIME +AUDIT
build arm64 gcc-aarch64-linux-gnu aarch64-linux-gnu- -COMPAT +CHECKPOINT_RESTORE
build riscv gcc-riscv64-linux-gnu riscv64-linux-gnu- +COMPAT -COMPAT_32BIT_TIME
build riscv gcc-riscv64-linux-gnu riscv64-linux-gnu- -COMPAT -CHECKPOINT_RESTORE
exit $failed
