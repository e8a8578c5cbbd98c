# SPDX-License-Identifier: GPL-2.0-only
#
# Tests in virtual machines: included by the main Makefile, and usable alone as
# make -f tests/vm/vm.mk TARGET. KERNEL names the kernel (tests/vm/kernel.sh),
# several or "all"; KCONFIG=debug is another way to say KERNEL=debug. TESTS is a
# shell pattern of test names of tests/vm/suite.

vm_mk_dir := $(dir $(lastword $(MAKEFILE_LIST)))
KERNEL ?= $(or $(filter-out default,$(KCONFIG)),patched)
TESTS ?= *

.PHONY: vm-shell vm-check vm-bench vm-harness-check vm-kernels

vm-shell: ## A root shell in a virtual machine with the patched kernel
	@MAKEFLAGS= $(vm_mk_dir)run.sh --kernel '$(firstword $(KERNEL))' --shell $(VM_ARGS)

vm-check: ## Run the tests of tests/vm/suite in virtual machines
	@MAKEFLAGS= $(vm_mk_dir)check.sh --kernels '$(KERNEL)' --tests '$(TESTS)'

vm-bench: ## Measure what the kernel series costs, and what its cursor is worth
	@MAKEFLAGS= $(vm_mk_dir)bench.sh

vm-harness-check: ## Prove that the harness notices what it must
	@command -v bats >/dev/null || { echo 'bats is missing: apt-get install bats' >&2; exit 1; }
	@MAKEFLAGS= KERNEL='$(firstword $(KERNEL))' bats $(vm_mk_dir)harness.bats

vm-kernels: ## Make every kernel of the suite ready
	@for k in patched base stock-6.12 stock-6.1 debug kcsan; do \
		MAKEFLAGS= $(vm_mk_dir)kernel.sh $$k || exit; done
