# SPDX-License-Identifier: GPL-2.0-or-later
# make, make install, make check, make demo: "make help" lists all.

PREFIX    ?= /usr/local
BINDIR    ?= $(PREFIX)/bin
SBINDIR   ?= $(PREFIX)/sbin
MANDIR    ?= $(PREFIX)/share/man
SYSCONFDIR ?= /etc
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

VERSION := $(shell git describe --always --dirty --tags 2>/dev/null || echo 0.1.0)

CFLAGS   ?= -O2 -g
WARNINGS := -Wall -Wextra -Wformat=2 -Wstrict-prototypes -Wmissing-prototypes -Wshadow=local
override CPPFLAGS += -D_GNU_SOURCE -DMQWATCH_VERSION='"$(VERSION)"' -I$(BUILD)/bpf -Isrc
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
.PHONY: all deps install check check-long demo bench lint asan fuzz clean help
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
CLIENT_SHARED := authz bpf_util json log mount mqfs name peek peek_bpf probe queue status table util
DAEMON_SRC   := $(filter-out $(MAINS) $(CLIENT_SRC),$(SOURCES))
object        = $(patsubst src/%.c,$(BUILD)/src/%.o,$(1))
DAEMON_OBJ   := $(call object,$(DAEMON_SRC))
CLIENT_OBJ   := $(call object,$(CLIENT_SRC)) $(CLIENT_SHARED:%=$(BUILD)/src/%.o)
ALL_OBJ      := $(call object,$(filter-out $(MAINS),$(SOURCES)))
SKELETONS    := $(BUILD)/bpf/probe.skel.h $(BUILD)/bpf/peek.skel.h

$(BUILD)/mqwatchd: $(BUILD)/src/mqwatchd.o $(DAEMON_OBJ)
	$(call say,LINK,$@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) $^ $(DAEMON_LIBS) -o $@

$(BUILD)/mqwatchctl: $(BUILD)/src/mqwatchctl.o $(CLIENT_OBJ)
	$(call say,LINK,$@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) $^ $(CLIENT_LIBS) -o $@

$(BUILD)/src/%.o: src/%.c $(BUILD)/flags | $(SKELETONS)
	$(call say,CC,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(BASE_CFLAGS) $(CFLAGS) $(call pkg_cflags,$(DAEMON_PKGS)) -MMD -MP -c $< -o $@

# A change of flags or version rebuilds what was built with the old ones
$(BUILD)/flags: FORCE
	@mkdir -p $(@D)
	@echo '$(CC) $(CPPFLAGS) $(CFLAGS) $(LDFLAGS)' | cmp -s - $@ || echo '$(CC) $(CPPFLAGS) $(CFLAGS) $(LDFLAGS)' >$@
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
