# SPDX-License-Identifier: GPL-2.0-only
#
# The patched kernel: included by the main Makefile, and usable alone as
# make -f kernel/kernel.mk TARGET. Options (see kernel/build.sh): KCONFIG,
# KSERIES, JOBS, MQWATCH_CACHE. KERNEL_VERSIONS: the series to check.

kernel_mk_dir := $(dir $(lastword $(MAKEFILE_LIST)))
kernel_build := $(kernel_mk_dir)build.sh
KERNEL_DEB_DIR ?= .
KERNEL_VERSIONS ?= 6.12 7.2

# Only what was given: the script has the defaults and checks the values.
kernel_env = $(if $(KCONFIG),KCONFIG='$(KCONFIG)') \
	$(if $(KSERIES),KSERIES='$(KSERIES)') $(if $(JOBS),JOBS='$(JOBS)') \
	$(if $(MQWATCH_CACHE),MQWATCH_CACHE='$(MQWATCH_CACHE)')

.PHONY: kernel kernel-path kernel-dir kernel-selftests kernel-deb kernel-lint kernel-builds

kernel: ## Build the patched kernel, or find it in the cache
	@$(kernel_env) MAKEFLAGS= $(kernel_build) image

kernel-path: ## Print the path of its image alone (with make -s); builds it if need be
	@$(kernel_env) MAKEFLAGS= $(kernel_build) image

kernel-dir: ## Print the directory with image, config, symbols and types
	@$(kernel_env) MAKEFLAGS= $(kernel_build) dir

kernel-selftests: ## Build the kernel's own mqueue tests for three ABIs
	@$(kernel_env) MAKEFLAGS= $(kernel_build) selftests

kernel-deb: ## Debian packages for this machine, into KERNEL_DEB_DIR
	@$(kernel_env) MAKEFLAGS= $(kernel_build) deb '$(KERNEL_DEB_DIR)'

# One that fails does not keep the others from being checked.
each_version = @failed=0; for v in $(KERNEL_VERSIONS); do \
	echo "linux $$v"; $(kernel_env) MAKEFLAGS= $(kernel_mk_dir)$(1) $$v || failed=1; \
	done; exit $$failed

kernel-lint: ## checkpatch --strict, kernel-doc and sparse, a line for each
	$(call each_version,lint.sh)

kernel-builds: ## Compile what the series touches, for several architectures
	$(call each_version,builds.sh)
