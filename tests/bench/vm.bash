# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# The probes' modes in a virtual machine, whose kernel permits what this one may not.

section_vm() {
	echo "Emulated, with a clock that counts instructions: a nanosecond is one. The figures are the same on every host, say nothing"
	echo "of caches, and hold system calls and atomic additions for as cheap as any other instruction. Kernel: ${KERNEL:-patched}."
	echo
	# As every round gives the same, one will do. That clock leaps while the machine waits for the host: the deadline of
	# run.sh is the one that counts.
	tests/vm/run.sh --kernel "${KERNEL:-patched}" --timeout 900 --cpus 1 --virtual-time --root host \
		--env MQWATCH_PRIVATE= --env ROUNDS=1 --env "PAIRS=$pairs" --env DEADLINE=100000 \
		--run "cd $PWD && tests/bench/bench.sh inside"
}

# within that machine
section_inside() {
	compare_tracers untraced empty clock bpftrace tracepoint fentry
}
