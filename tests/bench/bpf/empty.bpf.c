// SPDX-License-Identifier: GPL-2.0
/* What attaching costs before a program does anything. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#define EMPTY(where)                       \
	SEC("tracepoint/syscalls/" #where) \
	int empty_##where(void *ctx)       \
	{                                  \
		(void)ctx;                 \
		return 0;                  \
	}

EMPTY(sys_enter_mq_timedsend)
EMPTY(sys_exit_mq_timedsend)
EMPTY(sys_enter_mq_timedreceive)
EMPTY(sys_exit_mq_timedreceive)

char LICENSE[] SEC("license") = "GPL";
