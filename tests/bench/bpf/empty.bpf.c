// SPDX-License-Identifier: GPL-2.0
/*
 * What attaching costs before a program does anything. With CLOCK also what no program can do without
 * that tells how long a message was queued: a send and a receive read the clock once each.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#ifdef CLOCK
__u64 sent_ns, received_ns;
#define READ_CLOCK(into) into = bpf_ktime_get_ns()
#else
#define READ_CLOCK(into)
#endif

#define PROGRAM(where, action)             \
	SEC("tracepoint/syscalls/" #where) \
	int empty_##where(void *ctx)       \
	{                                  \
		(void)ctx;                 \
		action;                    \
		return 0;                  \
	}

PROGRAM(sys_enter_mq_timedsend, READ_CLOCK(sent_ns))
PROGRAM(sys_exit_mq_timedsend, )
PROGRAM(sys_enter_mq_timedreceive, )
PROGRAM(sys_exit_mq_timedreceive, READ_CLOCK(received_ns))

char LICENSE[] SEC("license") = "GPL";
