# SPDX-License-Identifier: GPL-2.0-or-later
# make, make install, make check, make demo: "make help" lists all.

PREFIX    ?= /usr/local
BINDIR    ?= $(PREFIX)/bin
SBINDIR   ?= $(PREFIX)/sbin
MANDIR    ?= $(PREFIX)/share/man
SYSCONFDIR ?= /etc
CATALOGDIR ?= $(PREFIX)/lib/systemd/catalog
UNITDIR    ?= $(PREFIX)/lib/systemd/system
SYSUSERSDIR ?= $(PREFIX)/lib/sysusers.d
TMPFILESDIR ?= $(PREFIX)/lib/tmpfiles.d
BASHCOMPDIR ?= $(PREFIX)/share/bash-completion/completions
ZSHCOMPDIR ?= $(PREFIX)/share/zsh/vendor-completions
DESTDIR   ?=

BUILD       ?= build
CC          ?= cc
CLANG       ?= clang
LLVM_STRIP  ?= llvm-strip
BPFTOOL     ?= bpftool
PKG_CONFIG  ?= pkg-config
VMLINUX_BTF ?= /sys/kernel/btf/vmlinux

# The BPF programs' target: the machine that mqwatchd will run on
ARCH     ?= $(shell uname -m)
BPF_ARCH := $(patsubst x86_64,x86,$(patsubst aarch64,arm64,$(ARCH)))

# What is not built from the release's tag says from which commit it is
RELEASE := 0.1.0
VERSION := $(RELEASE)$(shell git describe --tags --exact-match --match 'v$(RELEASE)' >/dev/null 2>&1 || \
	git describe --always --dirty --exclude '*' 2>/dev/null | sed 's/^/+/')

CFLAGS   ?= -O2 -g
WARNINGS := -Wall -Wextra -Wno-unused-parameter -Wformat=2 -Wstrict-prototypes -Wmissing-prototypes -Wshadow=local
override CPPFLAGS += -D_GNU_SOURCE -I$(BUILD) -I$(BUILD)/bpf -Isrc
BASE_CFLAGS := -std=gnu11 $(WARNINGS)

ifeq ($(V),1)
Q :=
say = @:
else
Q := @
say = @printf '  %-8s %s\n' $(1) $(2)
endif

.DELETE_ON_ERROR:
.SUFFIXES:
.SECONDARY:
.PHONY: all deb deps vm-deps install check check-long demo bench lint asan fuzz clean help
all: $(BUILD)/mqwatchd $(BUILD)/mqwatchctl

# Libraries: looked up when a recipe needs them, so that "make deps" runs without them
DAEMON_PKGS := libbpf libsystemd libmicrohttpd json-c
CLIENT_PKGS := libbpf libcurl json-c smartcols
pkg_cflags = $(shell $(PKG_CONFIG) --cflags $(1))
pkg_libs   = $(shell $(PKG_CONFIG) --libs $(1))
DAEMON_LIBS = $(call pkg_libs,$(DAEMON_PKGS)) -linih
CLIENT_LIBS = $(call pkg_libs,$(CLIENT_PKGS))
TEST_LIBS   = $(call pkg_libs,$(DAEMON_PKGS) libcurl smartcols cmocka) -linih

SOURCES      := $(wildcard src/*.c)
MAINS        := src/mqwatchd.c src/mqwatchctl.c
CLIENT_SRC   := $(wildcard src/ctl*.c) src/hexdump.c
CLIENT_SHARED := attach authz bpf_util enter json json_build log memory mount mqfs name namespaces openers origin peek peek_bpf peek_syscall probe probe_slots process queue reach \
	stall status symbols table table_counters table_find text timedreceive2 totals tracefs util
DAEMON_SRC   := $(filter-out $(MAINS) $(CLIENT_SRC),$(SOURCES))
object        = $(patsubst src/%.c,$(BUILD)/src/%.o,$(1))
DAEMON_OBJ   := $(call object,$(DAEMON_SRC))
CLIENT_OBJ   := $(call object,$(CLIENT_SRC)) $(CLIENT_SHARED:%=$(BUILD)/src/%.o)
ALL_OBJ      := $(call object,$(filter-out $(MAINS),$(SOURCES)))
SKELETONS    := $(BUILD)/bpf/probe.skel.h $(BUILD)/bpf/peek.skel.h $(BUILD)/bpf/openers.skel.h $(BUILD)/bpf/reach.skel.h $(BUILD)/bpf/open.skel.h

$(BUILD)/mqwatchd: $(BUILD)/src/mqwatchd.o $(DAEMON_OBJ)
	$(call say,LINK,$@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) $^ $(DAEMON_LIBS) -o $@

$(BUILD)/mqwatchctl: $(BUILD)/src/mqwatchctl.o $(CLIENT_OBJ)
	$(call say,LINK,$@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) $^ $(CLIENT_LIBS) -o $@

$(BUILD)/src/%.o: src/%.c $(BUILD)/flags | $(SKELETONS) $(BUILD)/version.h
	$(call say,CC,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(BASE_CFLAGS) $(CFLAGS) $(call pkg_cflags,$(DAEMON_PKGS)) -MMD -MP -c $< -o $@

# A change of flags or version rebuilds what was built with the old ones
write_if_changed = @mkdir -p $(@D); echo '$(1)' | cmp -s - $@ || echo '$(1)' >$@
$(BUILD)/flags: FORCE
	$(call write_if_changed,$(CC) $(CPPFLAGS) $(CFLAGS) $(LDFLAGS))
$(BUILD)/version.h: FORCE
	$(call write_if_changed,#define MQWATCH_VERSION "$(VERSION)")
.PHONY: FORCE # a file that is missing would not do: .SECONDARY
FORCE:

$(BUILD)/bpf/vmlinux.h: $(wildcard $(VMLINUX_BTF))
	$(call say,BTF,$@)
	$(Q)mkdir -p $(@D)
	$(Q)[ -r '$(VMLINUX_BTF)' ] || { echo 'No kernel type information at $(VMLINUX_BTF): set VMLINUX_BTF=FILE (a vmlinux with BTF)' >&2; exit 1; }
	$(Q)$(BPFTOOL) btf dump file $(VMLINUX_BTF) format c >$@

$(BUILD)/bpf/%.bpf.o: bpf/%.bpf.c $(BUILD)/bpf/vmlinux.h
	$(call say,BPF,$@)
	$(Q)$(CLANG) -g -O2 -mcpu=v3 -target bpf -D__TARGET_ARCH_$(BPF_ARCH) -Wall -I$(BUILD)/bpf -Ibpf -MMD -MP -MT $@ -c $< -o $@
	$(Q)$(LLVM_STRIP) -g $@

$(BUILD)/bpf/%.skel.h: $(BUILD)/bpf/%.bpf.o
	$(call say,SKEL,$@)
	$(Q)$(BPFTOOL) gen skeleton $< name $*_skel >$@

# Tests
UNIT_TESTS := $(patsubst tests/unit/%.c,$(BUILD)/tests/%,$(wildcard tests/unit/test-*.c))
TOOLS      := $(patsubst tests/tools/%.c,$(BUILD)/tests/%,$(wildcard tests/tools/*.c))
BENCHES    := $(patsubst tests/bench/%.c,$(BUILD)/tests/%,$(wildcard tests/bench/*.c))
FUZZERS    := $(patsubst tests/fuzz/%.c,$(BUILD)/fuzz/%,$(wildcard tests/fuzz/fuzz-*.c))

.PHONY: tests tools
tests: $(UNIT_TESTS) tools
tools: $(TOOLS) $(BENCHES)

define test_program
$(BUILD)/tests/%: $(1)/%.c $(ALL_OBJ)
	$$(call say,TEST,$$@)
	$$(Q)mkdir -p $$(@D)
	$$(Q)$$(CC) $$(CPPFLAGS) $$(BASE_CFLAGS) $$(CFLAGS) $$(call pkg_cflags,$$(DAEMON_PKGS) cmocka) -MMD -MP $$(LDFLAGS) $$< $$(ALL_OBJ) $$(TEST_LIBS) -o $$@
endef
$(eval $(call test_program,tests/unit))
$(eval $(call test_program,tests/tools))
$(eval $(call test_program,tests/bench))

# Needs no 32-bit library
ifeq ($(ARCH),x86_64)
tools: $(BUILD)/tests/call32
endif
$(BUILD)/tests/call32: tests/vm/call32.c
	$(call say,TEST,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) -m32 -O1 -Wall -Wextra -static -nostdlib -fno-pie -no-pie -fno-stack-protector $< -o $@

deps:
	@tests/deps.sh

vm-deps:
	@tests/deps.sh vm

check: vm-deps
	@tests/check.sh

check-long: vm-deps
	@tests/check.sh --long

demo: deps
	@$(MAKE) --no-print-directory all tools
	@tests/demo.sh

bench:
	@tests/deps.sh bench
	@$(MAKE) --no-print-directory all tools
	@tests/bench/bench.sh

# The same tree under AddressSanitizer and UndefinedBehaviorSanitizer, in its own build directory
ASAN_CFLAGS := -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
asan:
	@$(MAKE) --no-print-directory BUILD=$(BUILD)-asan CFLAGS='$(ASAN_CFLAGS)' all tests

# make fuzz FUZZ_SECONDS=60: every target for so long, from its seeds
FUZZ_SECONDS ?= 10
$(BUILD)/fuzz/%: tests/fuzz/%.c $(filter-out src/ctl%,$(filter-out $(MAINS),$(SOURCES))) $(SKELETONS) $(BUILD)/version.h
	$(call say,FUZZ,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CLANG) $(CPPFLAGS) -std=gnu11 -O1 -g -fsanitize=fuzzer,address,undefined $(call pkg_cflags,$(DAEMON_PKGS)) $(filter %.c,$^) $(DAEMON_LIBS) -o $@
fuzz: $(FUZZERS)
	@for f in $(FUZZERS); do \
		name=$${f##*/}; mkdir -p $(BUILD)/fuzz/corpus-$$name; \
		$$f -max_total_time=$(FUZZ_SECONDS) -print_final_stats=0 -verbosity=0 \
			$(BUILD)/fuzz/corpus-$$name $$(ls -d tests/fuzz/corpus/$${name#fuzz-} 2>/dev/null) || exit 1; \
		printf '  %-8s %s\n' FUZZED $$name; \
	done

# cppcheck does not follow cleanup attributes: memory is left to make asan
C_FILES = $(wildcard src/*.[ch] bpf/*.[ch] tests/*/*.[ch])
lint: $(SKELETONS)
	$(call say,FORMAT,'$(words $(C_FILES)) files')
	$(Q)clang-format --dry-run -Werror $(C_FILES)
	$(call say,CPPCHECK,src)
	$(Q)cppcheck --quiet --std=c11 --error-exitcode=1 --inline-suppr --enable=warning,portability,performance \
		--suppress=missingIncludeSystem --suppress=memleak '-DLIBBPF_OPTS(t,n,...)=struct t n={__VA_ARGS__}' \
		$(filter -I% -D%,$(CPPFLAGS)) src
	$(call say,SHELL,'$(words $(SHELL_FILES)) files')
	$(Q)shellcheck -x $(SHELL_FILES)
SHELL_FILES = $(wildcard tests/*.sh tests/*/*.sh kernel/*.sh completions/*.bash .ci/run) tests/vm/boot/run.sh

UNITS := mqwatchd.service mqwatchd.socket mqwatchd-control.socket
install: all
	install -D -m 0755 $(BUILD)/mqwatchd $(DESTDIR)$(SBINDIR)/mqwatchd
	install -D -m 0755 $(BUILD)/mqwatchctl $(DESTDIR)$(BINDIR)/mqwatchctl
	install -D -m 0644 man/mqwatchd.8 $(DESTDIR)$(MANDIR)/man8/mqwatchd.8
	install -D -m 0644 man/mqwatchctl.1 $(DESTDIR)$(MANDIR)/man1/mqwatchctl.1
	install -D -m 0644 man/mqwatchd.conf.5 $(DESTDIR)$(MANDIR)/man5/mqwatchd.conf.5
	install -D -m 0644 systemd/mqwatch.catalog $(DESTDIR)$(CATALOGDIR)/mqwatch.catalog
	install -d $(DESTDIR)$(UNITDIR)
	for unit in $(UNITS); do \
		sed 's|/usr/sbin/|$(SBINDIR)/|' systemd/$$unit >$(DESTDIR)$(UNITDIR)/$$unit || exit; done
	install -D -m 0644 systemd/sysusers.conf $(DESTDIR)$(SYSUSERSDIR)/mqwatch.conf
	install -D -m 0644 systemd/tmpfiles.conf $(DESTDIR)$(TMPFILESDIR)/mqwatch.conf
	install -D -m 0644 completions/mqwatchctl.bash $(DESTDIR)$(BASHCOMPDIR)/mqwatchctl
	install -D -m 0644 completions/mqwatchctl.zsh $(DESTDIR)$(ZSHCOMPDIR)/_mqwatchctl
	[ -e $(DESTDIR)$(SYSCONFDIR)/mqwatch/mqwatchd.conf ] || \
		install -D -m 0644 conf/mqwatchd.conf $(DESTDIR)$(SYSCONFDIR)/mqwatch/mqwatchd.conf

# Debian packages in $(BUILD)/deb, made of a copy of the tree: dpkg-buildpackage writes above it
PACKAGED := Makefile COPYING README.md bpf completions conf debian kernel/include man src systemd
deb: $(BUILD)/deb/made
$(BUILD)/deb/made: $(shell find $(PACKAGED) -type f)
	$(call say,DEB,'$(@D)/*.deb')
	$(Q)rm -rf $(@D) && mkdir -p $(@D)/mqwatch && cp -a --parents $(PACKAGED) $(@D)/mqwatch
	$(Q)cd $(@D)/mqwatch && env -u MAKEFLAGS -u MAKELEVEL dpkg-buildpackage -b -uc -us >../log 2>&1 || { tail -n 40 ../log >&2; exit 1; }
	$(Q)for p in mqwatchd mqwatchctl; do ln -f $(@D)/$${p}_*.deb $(@D)/$$p.deb || exit; done
	$(Q)touch $@

clean:
	rm -rf $(BUILD) $(BUILD)-asan

help:
	@echo 'make              build $(BUILD)/mqwatchd and $(BUILD)/mqwatchctl (V=1 shows the commands)'
	@echo 'make demo         see it at work on this machine, packages included'
	@echo 'make check        all tests, packages included; make check-long: the slow ones too'
	@echo 'make bench        measure the cost, beside its peers; BENCH="probes peek contention start scrape vm" for some of it'
	@echo 'make install      DESTDIR= PREFIX=$(PREFIX) SYSCONFDIR=$(SYSCONFDIR)'
	@echo 'make deb          Debian packages in $(BUILD)/deb'
	@echo 'make lint, asan, fuzz, deps, clean'
	@echo 'VMLINUX_BTF=FILE  build against the types of another kernel; ARCH=aarch64 for another machine'

-include $(wildcard kernel/kernel.mk tests/vm/vm.mk)
-include $(wildcard $(BUILD)/src/*.d $(BUILD)/tests/*.d $(BUILD)/bpf/*.d)
