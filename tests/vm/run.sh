#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Run commands as root in a virtual machine that boots a chosen kernel.
#
#   tests/vm/run.sh [OPTIONS] --run 'COMMAND' [--run 'COMMAND']...
#   tests/vm/run.sh [OPTIONS] --shell
#
#   --kernel NAME       see kernel.sh; default $KERNEL or patched
#   --timeout SECONDS   deadline for all of it, boot included (default 120)
#   --add FILE[:DEST]   copy a file or directory in, with the libraries its
#                       programs need; DEST defaults to /test/NAME, and /test is
#                       the working directory and first in PATH
#   --env NAME=VALUE    set a variable for the commands
#   --run COMMAND       a sh command line; the first that fails ends the run
#   --shell             an interactive shell on the terminal instead
#   --root host         commands run on the host's own files: a read-only share
#                       of / below an overlay in memory (needs root)
#   --root IMAGE        they run in a disk image (raw or qcow2, one file system);
#                       nothing is written to it
#   --systemd           that root boots its own systemd, and the commands run
#                       from a unit once basic.target is reached
#   --memory MB         default 1024;  --cpus N, default 2
#   --virtual-time      the machine's clock counts its instructions, one a
#                       nanosecond: how long something takes there does not
#                       depend on how busy the host is (emulation, one CPU)
#   --append ARGS       more kernel command line
#   --console FILE      keep the console's log
#   --allow-reports     a WARN, oops or other report does not fail the run
#   --verbose           say how long things took
#
# Standard output and error of the commands are passed on; the exit status is
# theirs, or
#   123  the harness could not run (its message says why)
#   124  the deadline passed
#   125  the kernel crashed, or reported a problem on its console

set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
kernel=${KERNEL:-patched}
timeout=120
memory=1024
cpus=2
root=
systemd=
virtual=
shell=
append=
console=
reports=fail
verbose=
adds=()
envs=()
runs=()
qemu=${QEMU:-qemu-system-x86_64}

die() { echo "tests/vm/run.sh: $*" >&2; exit 123; }
say() { [[ -z $verbose ]] || echo "  VM      $*" >&2; }

# What the kernel prints when something is wrong with it.
bad='BUG: |WARNING: |Oops: |Kernel panic|general protection fault|\
KASAN: |UBSAN: |kmemleak: unreferenced object|INFO: task .* blocked for|\
rcu: INFO: .*(stall|self-detected)|INFO: rcu.*stall|detected stalls on|\
unable to handle|possible recursive locking|DEBUG_LOCKS_WARN|list_(add|del) corruption|\
refcount_t: |INFO: trying to register non-static key|stack segment: |divide error: '
bad=${bad//\\$'\n'/}

options() {
	while [[ $# -gt 0 ]]; do
		case $1 in
		--shell) shell=1 ;;
		--systemd) systemd=1 ;;
		--virtual-time) virtual=1 ;;
		--allow-reports) reports=allow ;;
		--verbose) verbose=1 ;;
		-h|--help) sed -n '/^# Run/,/^$/s/^# \?//p' "${BASH_SOURCE[0]}"; exit 0 ;;
		--kernel|--timeout|--add|--env|--run|--root|--memory|--cpus|--append|--console)
			[[ $# -gt 1 ]] || die "$1 needs a value"
			option "$1" "$2"
			shift
			;;
		*) die "unknown option '$1': see run.sh --help" ;;
		esac
		shift
	done
	if [[ -n $shell ]]; then
		[[ -z ${runs[*]-} && -z $systemd ]] ||
			die "--shell goes with neither --run nor --systemd"
	else
		[[ ${#runs[@]} -gt 0 ]] || die "nothing to run: use --run or --shell"
	fi
	[[ -z $virtual ]] || cpus=1
	[[ -z $systemd || -n $root ]] || die "--systemd needs --root"
	[[ $root != host || $(id -u) -eq 0 ]] || die "--root host needs root"
}

number() {
	[[ $2 =~ ^[1-9][0-9]{0,6}$ ]] || die "$1 $2: use a positive number"
}

option() {
	case $1 in
	--kernel) kernel=$2 ;;
	--timeout) number "$1" "$2"; timeout=$2 ;;
	--memory) number "$1" "$2"; memory=$2 ;;
	--cpus) number "$1" "$2"; cpus=$2 ;;
	--add) adds+=("$2") ;;
	--env)
		[[ $2 =~ ^[A-Za-z_][A-Za-z0-9_]*= ]] || die "--env $2: use NAME=VALUE"
		envs+=("$2")
		;;
	--run) runs+=("$2") ;;
	--root)
		[[ $2 == host || -r $2 ]] || die "--root $2: no such image, nor 'host'"
		root=$2
		;;
	--append) append=$2 ;;
	--console) console=$2 ;;
	esac
}

needs() {
	local tool package

	while read -r tool package; do
		command -v "$tool" >/dev/null ||
			die "$tool is missing: apt-get install $package"
	done <<-NEEDS
		$qemu qemu-system-x86
		busybox busybox-static
		cpio cpio
		ldd libc-bin
	NEEDS
	busybox=$(command -v busybox)
	! ldd "$busybox" >/dev/null 2>&1 ||
		die "$busybox is not static: apt-get install busybox-static"
}

# Copies the shared libraries of one program, at the paths it looks for them.
add_libraries() {
	local lib

	# ldd fails on scripts and static programs: they need none.
	{ ldd "$1" 2>/dev/null || true; } |
		sed -n 's/.*=> \(\/[^ ]*\) .*/\1/p; s/^[ \t]*\(\/[^ ]*\) (0x.*/\1/p' |
		while read -r lib; do
			[[ ! -e $tmp/root$lib ]] || continue
			mkdir -p "$tmp/root${lib%/*}"
			cp -L "$lib" "$tmp/root$lib"
		done
}

add() {
	local file=${1%%:*} dest file_in

	[[ -e $file ]] || die "--add $file: no such file"
	case $1 in
	*:*) dest=${1#*:} ;;
	*) dest=/test/$(basename "$file") ;;
	esac
	[[ $dest == /* && $dest != */ ]] ||
		die "--add $1: the destination is an absolute path, with the file's name"
	# Another root has its own libraries; init copies the files there.
	[[ -z $root ]] || dest=/vm/add$dest
	mkdir -p "$tmp/root${dest%/*}"
	cp -RL "$file" "$tmp/root${dest%/*}/.adding"
	rm -rf "$tmp/root$dest"
	mv -T "$tmp/root${dest%/*}/.adding" "$tmp/root$dest"
	[[ -z $root ]] || return 0
	find "$tmp/root$dest" -type f -perm /111 | while read -r file_in; do
		add_libraries "$file_in"
	done
}

quote() { printf "'%s'" "${1//\'/\'\\\'\'}"; }

# The script that runs the commands, one after another.
job() {
	local item

	for item in "MQWATCH_KERNEL=$kernel" ${envs[@]+"${envs[@]}"}; do
		echo "export ${item%%=*}=$(quote "${item#*=}")"
	done
	for item in ${runs[@]+"${runs[@]}"}; do
		echo "sh -c $(quote "$item") || exit"
	done
}

initramfs() {
	local item

	mkdir -p "$tmp"/root/{bin,sbin,etc,proc,sys,dev,vm/modules,test}
	mkdir -p "$tmp/root/usr"
	# The paths of Debian's merged /usr.
	for item in lib lib32 lib64 libx32; do
		mkdir -p "$tmp/root/usr/$item"
		ln -s "usr/$item" "$tmp/root/$item"
	done
	cp "$busybox" "$tmp/root/bin/busybox"
	cp "$here/init" "$tmp/root/init"
	cp "$here/unit.sh" "$tmp/root/vm/unit.sh"
	printf '%s:x:%s:%s::%s:/bin/sh\n' root 0 0 /root alice 1000 1000 /home/alice \
		bob 1001 1001 /home/bob nobody 65534 65534 /nonexistent \
		>"$tmp/root/etc/passwd"
	printf '%s:x:%s:\n' root 0 tty 5 mqwatch 900 alice 1000 bob 1001 \
		nogroup 65534 >"$tmp/root/etc/group"
	printf 'passwd: files\ngroup: files\nhosts: files\n' >"$tmp/root/etc/nsswitch.conf"
	printf '127.0.0.1 localhost mqwatch-vm\n::1 localhost\n' >"$tmp/root/etc/hosts"
	if [[ -e $kernel_dir/modules.load ]]; then
		cp "$kernel_dir"/modules/* "$tmp/root/vm/modules/"
		cp "$kernel_dir/modules.load" "$tmp/root/vm/"
	fi
	for item in ${adds[@]+"${adds[@]}"}; do add "$item"; done
	job >"$tmp/root/vm/job"
	{
		echo "vm_shell=$shell vm_root=$root_kind vm_systemd=$systemd"
		echo "vm_rows=$(tput lines 2>/dev/null || echo 24)"
		echo "vm_cols=$(tput cols 2>/dev/null || echo 80)"
	} >"$tmp/root/vm/config"
	(cd "$tmp/root" && find . -print0 |
		cpio --null -o -H newc -R 0:0 --quiet) >"$tmp/initrd"
}

accelerator() {
	if [[ -n ${MQWATCH_VM_ACCEL-} ]]; then
		echo "$MQWATCH_VM_ACCEL"
	elif [[ -r /dev/kvm && -w /dev/kvm ]] &&
	     "$qemu" -accel kvm -machine none -nodefaults -display none -S \
		-monitor stdio <<<quit >/dev/null 2>&1; then
		echo kvm
	else
		echo tcg
	fi
}

# A share of the host's root, for --root host. The machine cannot write to it:
# the server sees a read-only mount.
share_root() {
	local server

	server=$(PATH=$PATH:/usr/lib/qemu:/usr/libexec command -v virtiofsd) ||
		die "virtiofsd is missing: apt-get install qemu-system-common"
	rm -f "$tmp/share.sock"
	mkdir -p "$tmp/share"
	# shellcheck disable=SC2016 # for the inner shell
	unshare -m sh -c 'mount --bind / "$2" && mount -o remount,bind,ro "$2" &&
		exec "$1" --socket-path="$3" -o source="$2" -o cache=always \
			-o sandbox=chroot -o xattr' - "$server" "$tmp/share" "$tmp/share.sock" \
		>"$tmp/share.log" 2>&1 &
	share_pid=$!
	until [[ -S $tmp/share.sock ]]; do
		kill -0 "$share_pid" 2>/dev/null || {
			cat "$tmp/share.log" >&2
			die "virtiofsd failed"
		}
		sleep 0.05
	done
}

qemu_arguments() {
	local accel cpu=max,la57=off name format

	accel=$(accelerator)
	if [[ -n $virtual ]]; then
		accel=tcg
		arguments=(-icount "shift=0,sleep=off")
	fi
	[[ $accel == tcg ]] || cpu=host
	say "kernel $kernel, $accel"
	# shellcheck disable=SC2054 # QEMU's commas
	arguments+=(-machine q35 -accel "$accel" -cpu "$cpu" -smp "$cpus"
		-m "$memory" -nodefaults -no-user-config -display none -no-reboot
		-kernel "$kernel_dir/bzImage" -initrd "$tmp/initrd"
		-device virtio-rng-pci
		-device virtio-serial-pci,max_ports=8)
	for name in out err status; do
		arguments+=(-chardev "file,id=$name,path=$tmp/$name"
			-device "virtserialport,name=$name,chardev=$name")
	done
	if [[ $root_kind == host ]]; then
		arguments+=(-object "memory-backend-memfd,id=ram,size=${memory}M,share=on"
			-machine memory-backend=ram -chardev "socket,id=share,path=$tmp/share.sock"
			-device "vhost-user-fs-pci,chardev=share,tag=host")
	elif [[ -n $root ]]; then
		format=raw
		[[ $(head -c 4 "$root" | tr -d '\373') != QFI ]] || format=qcow2
		arguments+=(-drive "file=$root,format=$format,if=virtio,readonly=on")
	fi
	# oops=panic ends a run that can only go wrong at once; a slow host must
	# look neither like a lockup nor like a timer interrupt that never comes.
	cmdline="console=ttyS0 panic=-1 oops=panic watchdog_thresh=60 no_timer_check"
	cmdline+=" rcupdate.rcu_cpu_stall_timeout=120 rcupdate.rcu_exp_cpu_stall_timeout=0"
	if [[ -n $systemd ]]; then
		cmdline+=" systemd.wants=mqwatch-vm.service systemd.unit=basic.target"
		cmdline+=" systemd.show_status=0"
	fi
	if [[ -n $shell ]]; then
		# shellcheck disable=SC2054 # QEMU's commas
		arguments+=(-chardev stdio,id=console,mux=on,signal=off
			-serial chardev:console -mon chardev=console)
		cmdline+=" quiet TERM=${TERM:-linux}"
	else
		arguments+=(-serial "file:$tmp/console")
	fi
	arguments+=(-append "$cmdline $append")
}

# Passes on what the commands print while the machine runs.
run_qemu() {
	local status=0 out err

	if [[ -n $shell ]]; then
		echo "  VM      Ctrl-D ends it, Ctrl-A X kills it" >&2
		"$qemu" "${arguments[@]}" || status=$?
		return "$status"
	fi
	rm -f "$tmp/out" "$tmp/err"
	mkfifo "$tmp/out" "$tmp/err"
	: >"$tmp/status"
	: >"$tmp/console"
	cat "$tmp/out" &
	out=$!
	cat "$tmp/err" >&2 &
	err=$!
	timeout --foreground -k 5 "$timeout" "$qemu" "${arguments[@]}" \
		</dev/null >"$tmp/qemu.log" 2>&1 &
	qemu_pid=$!
	wait "$qemu_pid" || status=$?
	qemu_pid=
	# QEMU may have failed before it opened the pipes.
	: <>"$tmp/out" <>"$tmp/err"
	wait "$out" "$err" || true
	return "$status"
}

cleanup() {
	[[ -z $qemu_pid ]] || kill "$qemu_pid" 2>/dev/null || true
	[[ -z $share_pid ]] || kill "$share_pid" 2>/dev/null || true
	[[ -z $console || ! -e $tmp/console ]] || cp "$tmp/console" "$console"
	rm -rf "$tmp"
}

# TCG may run an instruction that the kernel has just patched as it was a moment
# before, with the breakpoint of text_poke_bp() in it. That is the emulator's
# fault; it happens where much is patched, while the kernel starts.
emulator_failed() {
	[[ ! -s $tmp/status ]] && grep -q 'Oops: int3' "$tmp/console" &&
		! grep -q 'mqwatch-vm: up after' "$tmp/console"
}

# Shows the console from a line on, or with 0 its end.
show_console() {
	echo "---- console of $kernel ----" >&2
	if [[ $1 -gt 0 ]]; then
		tail -n "+$(($1 > 3 ? $1 - 3 : 1))" "$tmp/counted" | head -n 120
	else
		tail -n 30 "$tmp/counted"
	fi >&2
	echo "---- end of console ----" >&2
}

# The console without what does not count: advice on mitigations, and data races
# (KCSAN) in parts of the kernel that are not message queues: it has known ones.
counted_console() {
	tr -d '\r' <"$tmp/console" | awk '
		/Spectre V2 : WARNING: / { next }
		/BUG: KCSAN: / { held = ""; on = 1; ours = 0 }
		!on { print; next }
		{ held = held $0 "\n" }
		/mqueue|mq_|msg_(insert|get)|(load|store|free|copy)_msg|wq_(add|sleep)|pipelined_|__do_notify/ { ours = 1 }
		/={60,}/ { if (ours) printf "%s", held; on = 0 }
		END { if (on) printf "%s", held }' >"$tmp/counted"
}

judge() {
	local qemu_status=$1 status line=0 text=

	counted_console
	if [[ $reports == fail ]]; then
		IFS=: read -r line text <<<"$(grep -nE -m1 "$bad" "$tmp/counted")" || true
	fi
	if [[ -n $text ]]; then
		show_console "$line"
		echo "tests/vm/run.sh: the kernel reported a problem: $text" >&2
		return 125
	fi
	if [[ $qemu_status -eq 124 || $qemu_status -eq 137 ]]; then
		show_console 0
		echo "tests/vm/run.sh: not done after $timeout s" >&2
		return 124
	fi
	if [[ $qemu_status -ne 0 ]]; then
		cat "$tmp/qemu.log" >&2
		die "QEMU failed ($qemu_status)"
	fi
	status=$(tail -n 1 "$tmp/status")
	if [[ ! $status =~ ^[0-9]+$ ]]; then
		show_console 0
		echo "tests/vm/run.sh: the machine went down before the commands ended" >&2
		return 125
	fi
	return "$status"
}

options "$@"
needs
kernel_dir=$("$here/kernel.sh" "$kernel") || exit 123
tmp=$(mktemp -d "${TMPDIR:-/tmp}/mqwatch-vm.XXXXXX")
arguments=()
qemu_pid=
share_pid=
root_kind=
case $root in
'') ;;
host) root_kind=host ;;
*) root_kind=image ;;
esac
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
initramfs
[[ $root_kind != host ]] || share_root
qemu_arguments
status=0
run_qemu || status=$?
[[ -z $shell ]] || exit "$status"
for _ in 1 2; do
	emulator_failed || break
	say "the emulator failed while the kernel started: again"
	[[ $root_kind != host ]] || share_root
	status=0
	run_qemu || status=$?
done
say "$(sed -n 's/.*mqwatch-vm: \(up after [0-9.]* s\).*/\1/p' "$tmp/console")," \
	"$SECONDS s in all"
judge "$status"
