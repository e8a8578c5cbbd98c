// SPDX-License-Identifier: GPL-2.0
/*
 * Probes on mq_timedsend(2) and mq_timedreceive(2): what was moved, how long calls took, which
 * are under way. The handlers are inlined functions of (descriptor, length) and (result), so that
 * any attachment to the entry and exit of the calls can share them.
 */
#include "maps.bpf.h"

#define ERESTARTSYS 512

/* Slots: next_slot counts those handed out; released ones come back through free_slots. */
__u64 next_slot;
__u64 losses[MQW_LOSSES];
const volatile __u32 queues_max = 1;

struct {
	__uint(type, BPF_MAP_TYPE_QUEUE);
	__uint(max_entries, 1);
	__type(value, __u32);
} free_slots SEC(".maps");

enum call_state {
	CALL_NONE,
	CALL_UNDER_WAY,
	CALL_LOST, /* under way, but its queue is unknown; counted as lost */
};

/* A thread's call, and the queue it used last. */
struct call {
	__u64 start_ns;
	struct mqw_key key;
	struct inode *inode;
	struct super_block *sb;
	__u64 length;
	__u32 slot;
	__u32 op;
	__u32 depth_bucket;
	__u32 depth_ratio;
	__u32 state; /* enum call_state */
};

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct call);
} calls SEC(".maps");

static __always_inline void count_loss(enum mqw_loss reason)
{
	__sync_fetch_and_add(&losses[reason], 1);
}

/* First sight of a queue: takes a slot for it. Rare, so not inlined. */
static __noinline struct mqw_queue *queue_create(const struct mqw_key *key, struct inode *inode,
						 struct file *file, __u32 *ret_slot)
{
	__u32 slot, *raced;
	struct mqw_queue *q;

	if (bpf_map_pop_elem(&free_slots, &slot)) {
		if (next_slot >= queues_max)
			goto full;
		slot = __sync_fetch_and_add(&next_slot, 1);
	}
	q = bpf_map_lookup_elem(&queues, &slot);
	if (!q)
		goto full;
	bpf_probe_read_kernel_str(q->name, sizeof(q->name),
				  BPF_CORE_READ(file, f_path.dentry, d_name.name));
	q->key = *key;
	if (bpf_map_update_elem(&slots, key, &slot, BPF_NOEXIST)) {
		q->key.ino = 0;
		bpf_map_push_elem(&free_slots, &slot, BPF_ANY);
		raced = bpf_map_lookup_elem(&slots, key);
		if (!raced)
			goto full;
		slot = *raced;
		q = queue_in_slot(slot, key);
	}
	*ret_slot = slot;
	return q;
full:
	count_loss(MQW_LOSS_QUEUES_FULL);
	return NULL;
}

/*
 * The queue behind a descriptor. A thread's last queue is remembered by its inode; its slot is
 * trusted only while it carries the queue's identity, which is never reused.
 */
static __always_inline struct mqw_queue *queue_of(struct task_struct *task, int fd,
						  struct call *call)
{
	struct file *file = current_file(task, fd);
	struct super_block *sb;
	struct inode *inode;
	struct mqw_queue *q;
	__u32 *slot;
	__u64 ino;

	inode = file ? BPF_CORE_READ(file, f_inode) : NULL;
	if (!inode)
		goto unknown;
	sb = BPF_CORE_READ(inode, i_sb);
	ino = BPF_CORE_READ(inode, i_ino);
	if (inode != call->inode || sb != call->sb || ino != call->key.ino) {
		call->inode = NULL;
		if (!is_mqueue_sb(sb) || !is_regular(inode))
			goto unknown;
		call->key.ino = ino;
		call->key.ipcns = sb_ipcns(sb);
		call->sb = sb;
		call->slot = -1;
	}
	q = queue_in_slot(call->slot, &call->key);
	if (!q || q->retired) {
		slot = bpf_map_lookup_elem(&slots, &call->key);
		if (slot) {
			call->slot = *slot;
			q = queue_in_slot(call->slot, &call->key);
		} else {
			q = queue_create(&call->key, inode, file, &call->slot);
		}
	}
	call->inode = inode;
	return q;
unknown:
	count_loss(MQW_LOSS_UNKNOWN_DESCRIPTOR);
	return NULL;
}

/* How full a sender found the queue. */
static __always_inline void note_depth(struct call *call)
{
	struct mq_attr attr = {};
	__u64 depth, limit;

	READ_KERNEL(attr, &mqueue_info(call->inode)->attr);
	depth = attr.mq_curmsgs;
	limit = attr.mq_maxmsg;
	if (depth >= limit) {
		call->depth_bucket = MQW_DEPTH_BUCKETS - 1;
		call->depth_ratio = 1000000;
	} else {
		call->depth_bucket = (depth * 10 + limit - 1) / limit;
		call->depth_ratio = depth * 1000000 / limit;
	}
}

static __always_inline int call_begin(enum mqw_op op, int fd, __u64 length)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct mqw_queue *q;
	struct call *call;

	call = bpf_task_storage_get(&calls, task, NULL, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (!call) {
		count_loss(MQW_LOSS_TASK_STORAGE);
		return 0;
	}
	if (call->state == CALL_UNDER_WAY) {
		/* the exit of this thread's last call was missed: it is not under way any more */
		count_loss(MQW_LOSS_CALL);
		q = queue_in_slot(call->slot, &call->key);
		if (q)
			__sync_fetch_and_add(&q->ended, 1);
	}
	call->state = CALL_LOST;
	q = queue_of(task, fd, call);
	if (!q)
		return 0;
	call->state = CALL_UNDER_WAY;
	__sync_fetch_and_add(&q->begun, 1);
	call->op = op;
	call->length = length;
	if (op == MQW_SEND)
		note_depth(call);
	call->start_ns = bpf_ktime_get_ns();
	return 0;
}

static __always_inline enum mqw_error error_of(long result)
{
	switch (-result) {
	case 11:
		return MQW_EAGAIN;
	case 110:
		return MQW_ETIMEDOUT;
	case 4:
	case ERESTARTSYS:
		return MQW_EINTR;
	case 90:
		return MQW_EMSGSIZE;
	case 22:
		return MQW_EINVAL;
	case 14:
		return MQW_EFAULT;
	case 9:
		return MQW_EBADF;
	case 12:
		return MQW_ENOMEM;
	default:
		return MQW_EOTHER;
	}
}

/* Smallest i with ns <= 2^(10 + 2i), by halving; see MQW_TIME_BUCKETS. */
static __always_inline __u32 time_bucket(__u64 ns)
{
	__u64 v = ns ? (ns - 1) >> MQW_TIME_SHIFT_MIN : 0;
	__u32 bits = 0;

	if (v >> 32)
		return MQW_TIME_BUCKETS - 1;
	if (v >> 16) {
		bits += 16;
		v >>= 16;
	}
	if (v >> 8) {
		bits += 8;
		v >>= 8;
	}
	if (v >> 4) {
		bits += 4;
		v >>= 4;
	}
	if (v >> 2) {
		bits += 2;
		v >>= 2;
	}
	bits = (bits + (v ? 2 : 0)) / MQW_TIME_SHIFT_STEP;
	return bits < MQW_TIME_BUCKETS ? bits : MQW_TIME_BUCKETS - 1;
}

static __always_inline void count_message(struct mqw_queue *q, enum mqw_op op, __u64 bytes,
					  __u64 now)
{
	__sync_fetch_and_add(&q->counters.op[op].messages, 1);
	__sync_fetch_and_add(&q->counters.op[op].bytes, bytes);
	q->counters.op[op].last_ns = now;
}

/* The call began before the probes were there: its message counts, its time is unknown. */
static __always_inline void end_unseen(struct task_struct *task, struct call *call, enum mqw_op op,
				       long result)
{
	struct pt_regs *regs = (struct pt_regs *)bpf_task_pt_regs(task);
	struct mqw_queue *q;

	if (result < 0)
		return;
	q = queue_of(task, (int)PT_REGS_PARM1_CORE_SYSCALL(regs), call);
	if (q)
		count_message(q, op, op == MQW_SEND ? PT_REGS_PARM3_CORE_SYSCALL(regs) : result,
			      bpf_ktime_get_ns());
}

static __always_inline int call_end(enum mqw_op op, long result)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct mqw_queue *q;
	struct call *call;
	__u64 now, time;
	__u32 state;

	call = bpf_task_storage_get(&calls, task, NULL, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (!call) {
		count_loss(MQW_LOSS_TASK_STORAGE);
		return 0;
	}
	state = call->state;
	call->state = CALL_NONE;
	if (state != CALL_UNDER_WAY) {
		if (state == CALL_NONE)
			end_unseen(task, call, op, result);
		return 0;
	}
	now = bpf_ktime_get_ns();
	time = now - call->start_ns;
	q = queue_in_slot(call->slot, &call->key);
	if (!q) {
		count_loss(MQW_LOSS_CALL);
		return 0;
	}
	__sync_fetch_and_add(&q->counters.op[op].time[time_bucket(time)], 1);
	__sync_fetch_and_add(&q->counters.op[op].time_ns, time);
	if (result < 0) {
		__sync_fetch_and_add(&q->counters.op[op].errors[error_of(result)], 1);
	} else {
		count_message(q, op, op == MQW_SEND ? call->length : result, now);
		if (op == MQW_SEND && call->depth_bucket < MQW_DEPTH_BUCKETS) {
			__sync_fetch_and_add(&q->counters.depth[call->depth_bucket], 1);
			__sync_fetch_and_add(&q->counters.depth_ratio_sum, call->depth_ratio);
		}
	}
	__sync_fetch_and_add(&q->ended, 1);
	return 0;
}

SEC("tracepoint/syscalls/sys_enter_mq_timedsend")
int enter_send(struct syscall_trace_enter *ctx)
{
	return call_begin(MQW_SEND, ctx->args[0], ctx->args[2]);
}

SEC("tracepoint/syscalls/sys_exit_mq_timedsend")
int exit_send(struct syscall_trace_exit *ctx)
{
	return call_end(MQW_SEND, ctx->ret);
}

SEC("tracepoint/syscalls/sys_enter_mq_timedreceive")
int enter_receive(struct syscall_trace_enter *ctx)
{
	return call_begin(MQW_RECEIVE, ctx->args[0], 0);
}

SEC("tracepoint/syscalls/sys_exit_mq_timedreceive")
int exit_receive(struct syscall_trace_exit *ctx)
{
	return call_end(MQW_RECEIVE, ctx->ret);
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
	out.start_ns = call->start_ns;
	out.pid = task->tgid;
	out.tid = task->pid;
	out.op = call->op;
	bpf_probe_read_kernel_str(out.comm, sizeof(out.comm), task->comm);
	bpf_seq_write(ctx->meta->seq, &out, sizeof(out));
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
