# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# The probes' modes in a virtual machine, whose kernel permits what this one may not.

section_vm() {
	echo "Emulated: the columns' ratios mean something, their times do not. Kernel: ${KERNEL:-patched}."
	echo
	tests/vm/run.sh --kernel "${KERNEL:-patched}" --timeout 900 --cpus 1 --root host \
		--env MQWATCH_PRIVATE= --env "ROUNDS=$rounds" --env "PAIRS=$pairs" --env DEADLINE=120 \
		--run "cd $PWD && tests/bench/bench.sh inside"
}

# within that machine
section_inside() {
	compare_tracers untraced empty bpftrace tracepoint fentry
}
