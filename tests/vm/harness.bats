#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-only
#
# Does the harness notice what it must? KERNEL: default patched. WARNs and oopses
# need LKDTM, which the kernels of kernel/build.sh have, and Debian's do not.

bats_require_minimum_version 1.5.0

setup_file() {
	export KERNEL=${KERNEL:-patched}
	export RUN=$BATS_TEST_DIRNAME/run.sh
	export CHECK=$BATS_TEST_DIRNAME/check.sh
	KERNEL_DIR=$("$BATS_TEST_DIRNAME/kernel.sh" "$KERNEL")
	export KERNEL_DIR
}

needs_lkdtm() {
	grep -qx CONFIG_LKDTM=y "$KERNEL_DIR/config" || skip "$KERNEL has no LKDTM"
}

# A suite of one line.
suite() {
	echo "$*" >"$BATS_TEST_TMPDIR/suite"
}

@test "output, errors and the exit status come back" {
	run -7 --separate-stderr "$RUN" --run 'echo to out; echo to err >&2; exit 7'
	[[ $output == "to out" ]]
	[[ $stderr == "to err" ]]
}

@test "commands run as root, in order, until one fails" {
	run -3 "$RUN" --run 'id -u' --run 'echo two; exit 3' --run 'echo three'
	[[ $output == $'0\ntwo' ]]
}

@test "much output arrives whole" {
	run -0 --separate-stderr "$RUN" --run 'seq 100000 | tee /dev/stderr'
	[[ $(tail -n 1 <<<"$output") == 100000 && ${#lines[@]} -eq 100000 ]]
	[[ ${#stderr_lines[@]} -eq 100000 ]]
}

@test "a background process does not hold up the end" {
	run -0 "$RUN" --timeout 60 --run 'sleep 1000 & echo done'
	[[ $output == done ]]
}

@test "a program comes with its libraries, a directory whole" {
	mkdir -p "$BATS_TEST_TMPDIR/d/e"
	echo deep >"$BATS_TEST_TMPDIR/d/e/f"
	run -0 "$RUN" --add "$(type -P bash)" --add "$BATS_TEST_TMPDIR/d:/opt/d" \
		--run '/test/bash -c "echo \$BASH_VERSION; cat /opt/d/e/f"'
	[[ $output == "$BASH_VERSION"$'\ndeep' ]]
}

@test "variables and odd characters arrive unchanged" {
	run -0 "$RUN" --env "A=it's \"\$x\"" --run 'printf "%s|%s\n" "$A" "\\"'
	[[ $output == "it's \"\$x\"|\\" ]]
}

@test "a hang ends at the deadline" {
	run -124 "$RUN" --timeout 20 --run 'echo started; while :; do :; done'
	[[ $output == *started* && $output == *"not done after 20 s"* ]]
}

@test "a panic fails" {
	run -125 "$RUN" --run 'echo c >/proc/sysrq-trigger; sleep 100'
	[[ $output == *"Kernel panic"* || $output == *"sysrq triggered crash"* ]]
}

@test "a WARN fails although the command succeeds" {
	needs_lkdtm
	run -125 "$RUN" --run 'mount -t debugfs d /sys/kernel/debug
		echo WARNING >/sys/kernel/debug/provoke-crash/DIRECT; echo went on'
	[[ $output == *"went on"* && $output == *"WARNING: "* ]]
}

@test "a BUG fails" {
	needs_lkdtm
	run -125 "$RUN" --run 'mount -t debugfs d /sys/kernel/debug
		echo BUG >/sys/kernel/debug/provoke-crash/DIRECT'
	[[ $output == *"kernel BUG at"* ]]
}

@test "an oops fails" {
	needs_lkdtm
	run -125 "$RUN" --run 'mount -t debugfs d /sys/kernel/debug
		echo ACCESS_NULL >/sys/kernel/debug/provoke-crash/DIRECT'
	[[ $output == *"NULL pointer dereference"* ]]
}

@test "--allow-reports lets a WARN pass" {
	needs_lkdtm
	run -0 "$RUN" --allow-reports --run 'mount -t debugfs d /sys/kernel/debug
		echo WARNING >/sys/kernel/debug/provoke-crash/DIRECT'
}

@test "a machine that goes down early fails" {
	run -125 "$RUN" --run 'reboot -f'
	[[ $output == *"went down before"* ]]
}

@test "the suite counts TAP, plain programs, skips and failures" {
	suite "tap $KERNEL 60 --run 'echo 1..3; echo ok 1 - a; echo not ok 2 - b
		echo \"ok 3 - c # SKIP why\"'"
	sed -i ':a;N;$!ba;s/\n\t*/; /g' "$BATS_TEST_TMPDIR/suite"
	echo "plain $KERNEL 60 --run true" >>"$BATS_TEST_TMPDIR/suite"
	echo "fails $KERNEL 60 --run 'exit 9'" >>"$BATS_TEST_TMPDIR/suite"
	echo "skips $KERNEL 60 --run 'echo no such thing; exit 4'" >>"$BATS_TEST_TMPDIR/suite"
	echo "absent $KERNEL 60 ?/nowhere/x --run true" >>"$BATS_TEST_TMPDIR/suite"
	run -1 "$CHECK" --kernels "$KERNEL" --suite "$BATS_TEST_TMPDIR/suite"
	[[ $output == *"not ok 2 - tap[$KERNEL]: b"* ]]
	[[ $output == *"fails[$KERNEL]: exit status 9"* ]]
	[[ ${lines[-1]} == "2 passed, 2 failed, 3 skipped" ]]
}

@test "the suite fails on a plan not kept, and on a status that no result explains" {
	suite "short $KERNEL 60 --run 'echo 1..2; echo ok 1'"
	echo "odd $KERNEL 60 --run 'echo 1..1; echo ok 1; exit 5'" >>"$BATS_TEST_TMPDIR/suite"
	run -1 "$CHECK" --kernels "$KERNEL" --suite "$BATS_TEST_TMPDIR/suite"
	[[ $output == *"1 of 2 results came"* ]]
	[[ $output == *"odd[$KERNEL]: exit status 5"* ]]
	[[ ${lines[-1]} == "2 passed, 2 failed, 0 skipped" ]]
}

@test "the suite fails when the kernel reports something although all results are good" {
	needs_lkdtm
	suite "warns $KERNEL 60 --run 'mount -t debugfs d /sys/kernel/debug; echo WARNING >/sys/kernel/debug/provoke-crash/DIRECT; echo 1..1; echo ok 1'"
	run -1 "$CHECK" --kernels "$KERNEL" --suite "$BATS_TEST_TMPDIR/suite"
	[[ $output == *"# err: "*"WARNING: "* ]]
	[[ ${lines[-1]} == "1 passed, 1 failed, 0 skipped" ]]
}

@test "a suite of which nothing ran fails" {
	suite "one other 60 --run true"
	run -1 "$CHECK" --kernels "$KERNEL" --suite "$BATS_TEST_TMPDIR/suite"
	[[ ${lines[-1]} == "0 passed, 0 failed, 0 skipped" ]]
}

@test "an unknown kernel is one clear line" {
	run -123 "$RUN" --kernel nosuch --run true
	[[ ${#lines[@]} -eq 1 && $output == *"unknown kernel 'nosuch': use "* ]]
}

@test "a missing QEMU is one clear line that names the package" {
	QEMU=/nowhere/qemu run -123 "$RUN" --run true
	[[ ${#lines[@]} -eq 1 && $output == *"/nowhere/qemu is missing: apt-get install qemu-system-x86" ]]
}

@test "a missing file, a bad number and an unknown option are named" {
	run -123 "$RUN" --add /nowhere/f --run true
	[[ ${#lines[@]} -eq 1 && $output == *"/nowhere/f"* ]]
	run -123 "$RUN" --timeout soon --run true
	[[ ${#lines[@]} -eq 1 && $output == *"--timeout soon"* ]]
	run -123 "$RUN" --frobnicate --run true
	[[ ${#lines[@]} -eq 1 && $output == *"--frobnicate"* ]]
	run -123 "$RUN"
	[[ ${#lines[@]} -eq 1 && $output == *"nothing to run"* ]]
}
