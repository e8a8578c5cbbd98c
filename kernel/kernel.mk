# SPDX-License-Identifier: GPL-2.0-only
#
# The patched kernel: included by the main Makefile, and usable alone as
# make -f kernel/kernel.mk TARGET. Options (see kernel/build.sh): KCONFIG,
# KSERIES, JOBS, MQWATCH_CACHE.

kernel_mk_dir := $(dir $(lastword $(MAKEFILE_LIST)))
kernel_build := $(kernel_mk_dir)build.sh
KERNEL_DEB_DIR ?= .

# Only what was given: the script has the defaults and checks the values.
kernel_env = $(if $(KCONFIG),KCONFIG='$(KCONFIG)') \
	$(if $(KSERIES),KSERIES='$(KSERIES)') $(if $(JOBS),JOBS='$(JOBS)') \
	$(if $(MQWATCH_CACHE),MQWATCH_CACHE='$(MQWATCH_CACHE)')

.PHONY: kernel kernel-path kernel-dir kernel-selftests kernel-deb

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
