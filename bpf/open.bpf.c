// SPDX-License-Identifier: GPL-2.0
/* What mq_open(2) refuses, and to whom. */
#include "mqueue.bpf.h"

#define PROBES 16

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, MQW_OPEN_ERRORS);
	__type(key, __u32);
	__type(value, struct mqw_open_error);
} open_errors SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct mqw_opens);
} opens SEC(".maps");

__u32 own_pid;

/* Its place in a table with open addressing: what is there once stays. */
static __always_inline struct mqw_open_error *find_error(__u64 key)
{
	__u32 hash = (__u32)(key >> 32) * 2654435761U ^ (__u32)key * 40503U;

	for (__u32 i = 0; i < PROBES; i++) {
		__u32 place = (hash + i) % MQW_OPEN_ERRORS;
		struct mqw_open_error *e = bpf_map_lookup_elem(&open_errors, &place);
		__u64 there;

		if (!e)
			return NULL;
		there = e->key;
		if (!there)
			there = __sync_val_compare_and_swap(&e->key, 0, key) ?: key;
		if (there == key)
			return e;
	}
	return NULL;
}

static __always_inline int call_end(long result)
{
	struct mqw_open_error *e;
	struct mqw_opens *all;
	__u32 zero = 0;

	all = bpf_map_lookup_elem(&opens, &zero);
	if (!all || bpf_get_current_pid_tgid() >> 32 == own_pid)
		return 0;
	if (result >= 0) {
		__sync_fetch_and_add(&all->opened, 1);
		return 0;
	}
	e = find_error(bpf_get_current_uid_gid() << 32 | (__u32)-result);
	__sync_fetch_and_add(e ? &e->count : &all->lost, 1);
	return 0;
}

SEC("?tracepoint/syscalls/sys_exit_mq_open")
int exit_open(struct trace_event_raw_sys_exit *ctx)
{
	return call_end(ctx->ret);
}

/* Its first argument is the caller's registers, then comes what it returns. */
#define PROBE(function)                                         \
	SEC("?fexit/" #function) int exit##function(__u64 *ctx) \
	{                                                       \
		return call_end(ctx[1]);                        \
	}

#if defined(__TARGET_ARCH_x86)
PROBE(__x64_sys_mq_open)
PROBE(__ia32_compat_sys_mq_open)
#elif defined(__TARGET_ARCH_arm64)
PROBE(__arm64_sys_mq_open)
PROBE(__arm64_compat_sys_mq_open)
#endif

/* Run once by the process whose own calls do not count. */
SEC("syscall")
int introduce(void *ctx)
{
	own_pid = bpf_get_current_pid_tgid() >> 32;
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
