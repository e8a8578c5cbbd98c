// SPDX-License-Identifier: GPL-2.0
/*
 * Probes on mq_timedsend(2), mq_timedreceive(2) and, where the kernel has it, mq_timedreceive2(2), by
 * one of two attachments: the calls' tracepoints, or the functions that enter the calls.
 */
#include "calls.bpf.h"

SEC("?tracepoint/syscalls/sys_enter_mq_timedsend")
int enter_send(struct syscall_trace_enter *ctx)
{
	return call_begin(MQW_SEND, ctx->args[0], (const void *)ctx->args[1], ctx->args[2],
			  ctx->args[3]);
}

SEC("?tracepoint/syscalls/sys_exit_mq_timedsend")
int exit_send(struct syscall_trace_exit *ctx)
{
	return call_end(MQW_SEND, ctx->ret, CURRENT_ENTRY, false);
}

SEC("?tracepoint/syscalls/sys_enter_mq_timedreceive")
int enter_receive(struct syscall_trace_enter *ctx)
{
	return call_begin(MQW_RECEIVE, ctx->args[0], NULL, 0, ctx->args[3]);
}

SEC("?tracepoint/syscalls/sys_exit_mq_timedreceive")
int exit_receive(struct syscall_trace_exit *ctx)
{
	return call_end(MQW_RECEIVE, ctx->ret, CURRENT_ENTRY, false);
}

SEC("?tracepoint/syscalls/sys_enter_mq_timedreceive2")
int enter_receive2(struct syscall_trace_enter *ctx)
{
	return begin_receive2(ctx->args[0], ctx->args[2]);
}

SEC("?tracepoint/syscalls/sys_exit_mq_timedreceive2")
int exit_receive2(struct syscall_trace_exit *ctx)
{
	return end_receive2(ctx->ret, CURRENT_ENTRY);
}

/*
 * The functions that enter the calls get a pointer to the caller's registers. They cost other calls
 * nothing and see 32-bit callers, too.
 */
#define ENTRY(of_abi)                                           \
	(struct entry)                                          \
	{                                                       \
		.regs = (struct pt_regs *)ctx[0], .abi = of_abi \
	}

#define PROBE(function, begin, end)                               \
	SEC("?fentry/" #function) int enter##function(__u64 *ctx) \
	{                                                         \
		return begin;                                     \
	}                                                         \
	SEC("?fexit/" #function) int exit##function(__u64 *ctx)   \
	{                                                         \
		return end;                                       \
	}

#define PROBE_SEND(function, abi)                                                            \
	PROBE(function,                                                                      \
	      call_begin(MQW_SEND, argument(ENTRY(abi), 0), (void *)argument(ENTRY(abi), 1), \
			 argument(ENTRY(abi), 2), argument(ENTRY(abi), 3)),                  \
	      call_end(MQW_SEND, ctx[1], ENTRY(abi), false))

#define PROBE_RECEIVE(function, abi)                                                              \
	PROBE(function,                                                                           \
	      call_begin(MQW_RECEIVE, argument(ENTRY(abi), 0), NULL, 0, argument(ENTRY(abi), 3)), \
	      call_end(MQW_RECEIVE, ctx[1], ENTRY(abi), false))

#define PROBE_RECEIVE2(function, abi)                                                     \
	PROBE(function, begin_receive2(argument(ENTRY(abi), 0), argument(ENTRY(abi), 2)), \
	      end_receive2(ctx[1], ENTRY(abi)))

#if defined(__TARGET_ARCH_x86)
PROBE_SEND(__x64_sys_mq_timedsend, ABI_NATIVE)
PROBE_SEND(__ia32_sys_mq_timedsend, ABI_IA32)
PROBE_SEND(__ia32_sys_mq_timedsend_time32, ABI_IA32)
PROBE_RECEIVE(__x64_sys_mq_timedreceive, ABI_NATIVE)
PROBE_RECEIVE(__ia32_sys_mq_timedreceive, ABI_IA32)
PROBE_RECEIVE(__ia32_sys_mq_timedreceive_time32, ABI_IA32)
PROBE_RECEIVE2(__x64_sys_mq_timedreceive2, ABI_NATIVE)
PROBE_RECEIVE2(__ia32_sys_mq_timedreceive2, ABI_IA32)
#elif defined(__TARGET_ARCH_arm64)
PROBE_SEND(__arm64_sys_mq_timedsend, ABI_NATIVE)
PROBE_SEND(__arm64_sys_mq_timedsend_time32, ABI_NATIVE)
PROBE_RECEIVE(__arm64_sys_mq_timedreceive, ABI_NATIVE)
PROBE_RECEIVE(__arm64_sys_mq_timedreceive_time32, ABI_NATIVE)
PROBE_RECEIVE2(__arm64_sys_mq_timedreceive2, ABI_NATIVE)
#endif

/* Run once by the process whose own peeks do not count. */
SEC("syscall")
int introduce(void *ctx)
{
	own_pid = bpf_get_current_pid_tgid() >> 32;
	return 0;
}

/* Writes a struct mqw_call for every thread that is in a call. */
SEC("iter/task")
int list_calls(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	struct mqw_call out = {};
	struct call *call;

	if (!task)
		return 0;
	call = bpf_task_storage_get(&calls, task, NULL, 0);
	if (!call || call->state != CALL_UNDER_WAY)
		return 0;
	out.key = call->key;
	out.start_ns = call_start(call, bpf_ktime_get_ns());
	out.pid = task->tgid;
	out.tid = task->pid;
	out.op = call->op;
	bpf_probe_read_kernel_str(out.comm, sizeof(out.comm), task->comm);
	bpf_seq_write(ctx->meta->seq, &out, sizeof(out));
	return 0;
}

/*
 * What user space takes back. Programs, since a map system call makes the probes on its CPU miss
 * events: bpf_disable_instrumentation().
 */
SEC("syscall")
int retire_queue(struct mqw_release *ctx)
{
	__u32 slot = ctx->index;
	struct mqw_queue *q = bpf_map_lookup_elem(&queues, &slot);

	if (q) {
		q->retired = 1;
		bpf_map_delete_elem(&queue_index, &q->key);
	}
	return 0;
}

/* The slot was cleared. */
SEC("syscall")
int release_queue(struct mqw_release *ctx)
{
	__u32 slot = ctx->index;

	return free_give(&free_slots, &free_slot, slot) ? 0 : -1;
}

/* The next level in this slot may have sends of the same numbers. */
static __always_inline void near_clear(struct mqw_chunk *near)
{
	for (int i = 0; i < MQW_CHUNK_SIZE; i++)
		near->records[i].mark = 0;
	near->state = near->far_end = 0;
}

static int release_level(__u32 i, struct mqw_release *r)
{
	__u32 slot = r->link - 1;
	struct near_level *near;
	struct mqw_level *l;
	__s64 end;

	l = r->link ? level_at(slot) : NULL;
	if (!l)
		return 1;
	r->link = l->next;
	/* receives leave chunks behind them, forget_chunks(), and may be ahead of the sends */
	end = l->received > (__s64)l->sent ? l->received : (__s64)l->sent;
	forget_sends(slot, l->received - (CHUNKS_KEPT + 1) * MQW_CHUNK_SIZE, end + MQW_CHUNK_SIZE);
	near = bpf_map_lookup_elem(&near_levels, &slot);
	for (int n = 0; near && n < MQW_NEAR; n++)
		near_clear(&near->chunks[n]);
	bpf_map_delete_elem(&level_index, &l->key);
	*l = (struct mqw_level){};
	free_give(&free_levels, &free_level, slot);
	return 0;
}

/* Of a retired queue. */
SEC("syscall")
int release_levels(struct mqw_release *ctx)
{
	__u32 slot = ctx->index;
	struct mqw_queue *q = bpf_map_lookup_elem(&queues, &slot);
	struct mqw_release r = {};

	if (!q)
		return 0;
	r.link = q->level;
	bpf_loop(MQW_LEVELS_MAX, release_level, &r, 0);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
