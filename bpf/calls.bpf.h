/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The calls: what was moved, how long they took, which are under way. The handlers are functions of what a
 * call was given and what it returned, so that any attachment to its entry and exit can share them.
 */
#ifndef CALLS_BPF_H
#define CALLS_BPF_H

#include "abi.bpf.h"
#include "records.bpf.h"

/* Slots: next_slot counts those handed out; released ones come back through free_slots. */
__u64 next_slot;
__u32 watched_ipcns; /* queues of others get no slot; 0: all do */
const volatile __u32 queues_max = 1;
const volatile __u64 tick_ns; /* a jiffy */

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} free_slots SEC(".maps");
__u64 free_slot;

/* mq_timedreceive2(2), which no vmlinux.h of a stock kernel has: kernel/include/mq_timedreceive2.h */
#define MQ_PEEK 2
struct receive2_args {
	__u64 msg_len;
	__u64 msg_prio;
	__u64 msg_ptr;
};
struct compat_receive2_args {
	__u32 msg_len;
	__u32 msg_prio;
	__u32 msg_ptr;
};

__u32 own_pid;

enum call_state {
	CALL_NONE,
	CALL_UNDER_WAY,
	CALL_LOST, /* under way, but its queue is unknown; counted as lost */
};

/* A thread's call, and the queue and level it used last. */
struct call {
	__u64 start_ns;	     /* 0: see start_jiffies */
	__u64 start_jiffies; /* of a receive that should not have to sleep; the clock is slow */
	struct mqw_key key;
	struct inode *inode;
	__u64 length; /* of a send */
	const void *payload;
	__u64 priority; /* a send's, or where a receive wants it */
	__u64 depth;	/* that the call found */
	__u64 sends;	/* that had begun with this one, if no other was under way; else 0 */
	__u64 nvcsw;	/* the thread's voluntary context switches when it began */
	__u32 slot;
	__u32 level;
	__u32 op;
	__u32 state; /* enum call_state */
};

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct call);
} calls SEC(".maps");

/* First sight of a queue: takes a slot for it. Rare, so not inlined. */
static __noinline struct mqw_queue *queue_create(const struct mqw_key *key, struct inode *inode,
						 struct file *file, __u32 *ret_slot)
{
	__u32 slot, *raced;
	struct mqw_queue *q;
	struct mq_attr attr = {};
	__u32 strangers = 0;

	if (watched_ipcns && key->ipcns != watched_ipcns)
		return NULL;
	if (!free_take(&free_slots, &free_slot, &slot)) {
		if (next_slot >= queues_max)
			goto full;
		slot = __sync_fetch_and_add(&next_slot, 1);
	}
	q = bpf_map_lookup_elem(&queues, &slot);
	if (!q)
		goto full;
	bpf_probe_read_kernel_str(q->name, sizeof(q->name),
				  BPF_CORE_READ(file, f_path.dentry, d_name.name));
	READ_KERNEL(attr, &mqueue_info(inode)->attr);
	q->depth_limit = attr.mq_maxmsg;
	q->depth_base = attr.mq_curmsgs;
	q->doubts = attr.mq_curmsgs != 0; /* whose sends were not seen */
	count_waiters(&mqueue_info(inode)->e_wait_q[0].list, &strangers);
	q->strangers = strangers;
	q->created_ns = bpf_ktime_get_ns();
	q->changed_ns = q->created_ns;
	q->key = *key;
	if (bpf_map_update_elem(&queue_index, key, &slot, BPF_NOEXIST)) {
		q->key.ino = 0;
		free_give(&free_slots, &free_slot, slot);
		raced = bpf_map_lookup_elem(&queue_index, key);
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
 * The queue behind a descriptor. A thread's last queue is remembered by its inode's place and number,
 * which get_next_ino() does not give twice; its slot is trusted only while it carries the queue's
 * identity.
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

	inode = file ? LOAD(struct file, file, f_inode) : NULL;
	if (unlikely(!inode))
		goto unknown;
	ino = LOAD(struct inode, inode, i_ino);
	if (unlikely(inode != call->inode || ino != call->key.ino)) {
		call->inode = NULL;
		sb = BPF_CORE_READ(inode, i_sb);
		if (!is_mqueue_sb(sb) || !is_regular(inode))
			goto unknown;
		call->key.ino = ino;
		call->key.ipcns = sb_ipcns(sb);
		call->slot = -1;
	}
	q = queue_in_slot(call->slot, &call->key);
	if (unlikely(!q || q->retired)) {
		slot = bpf_map_lookup_elem(&queue_index, &call->key);
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

/*
 * Whether a receive, begun after the others that begun has, is likely to sleep: the messages do not do for
 * it and those under way. Others that come later may still be faster to take one.
 */
static __always_inline bool will_sleep(struct mqw_queue *q, __u64 begun)
{
	__u32 ended = mqw_receives(q->moved) + mqw_receives(q->failed);

	return depth_of(q) <= (__s32)(mqw_receives(begun) - ended);
}

/* When the call began, to the tick if the clock was not read then. */
static __always_inline __u64 call_start(const struct call *call, __u64 now)
{
	if (call->start_ns)
		return call->start_ns;
	return now - (bpf_jiffies64() - call->start_jiffies) * tick_ns;
}

/* The exit of this thread's last call was missed: it is not under way any more. */
static __always_inline void call_missed(struct call *call)
{
	struct mqw_queue *q = queue_in_slot(call->slot, &call->key);
	struct mqw_level *l;

	count_loss(MQW_LOSS_CALL);
	if (!q)
		return;
	if (call->op == MQW_SEND) {
		l = level_at(call->level);
		if (l)
			__sync_fetch_and_add(&l->failed, 1);
		count_call(&q->failed, MQW_SEND);
	} else {
		count_call(&q->failed, MQW_RECEIVE);
	}
}

static __always_inline int call_begin(enum mqw_op op, int fd, const void *payload, __u64 length,
				      __u64 priority)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct mqw_queue *q;
	struct mqw_level *l;
	struct call *call;
	__s32 depth;

	call = bpf_task_storage_get(&calls, task, NULL, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (unlikely(!call)) {
		count_loss(MQW_LOSS_TASK_STORAGE);
		return 0;
	}
	if (unlikely(call->state == CALL_UNDER_WAY))
		call_missed(call);
	call->state = CALL_LOST;
	q = queue_of(task, fd, call);
	if (unlikely(!q))
		return 0;
	call->state = CALL_UNDER_WAY;
	if (op == MQW_SEND) {
		call->sends = sends_if_alone(q, count_call(&q->begun, op));
		l = level_of(q, priority, &call->level);
		if (l)
			__sync_fetch_and_add(&l->begun, 1);
		else
			call->level = -1;
		depth = depth_of(q);
		call->depth = depth > 0 ? depth : 0;
		call->start_ns = bpf_ktime_get_ns();
	} else if (will_sleep(q, count_call(&q->begun, op))) {
		call->start_ns = bpf_ktime_get_ns();
	} else {
		call->start_ns = 0;
		call->start_jiffies = bpf_jiffies64();
	}
	call->op = op;
	call->length = length;
	call->payload = payload;
	call->priority = priority;
	call->nvcsw = task->nvcsw;
	return 0;
}

/* How full a sender found the queue. */
static __always_inline void count_depth(struct mqw_queue *q, __u64 depth)
{
	__u64 limit = q->depth_limit;
	__u32 tenths;

	if (!depth) {
		__sync_fetch_and_add(&q->counters.depth[0], 1);
		return;
	}
	if (depth >= limit) {
		__sync_fetch_and_add(&q->counters.depth[MQW_DEPTH_BUCKETS - 1], 1);
		__sync_fetch_and_add(&q->counters.depth_ratio_sum, 1000000);
		return;
	}
	depth = depth * 1000000 / limit;
	__sync_fetch_and_add(&q->counters.depth_ratio_sum, depth);
	tenths = (depth + 99999) / 100000;
	OPAQUE(tenths); /* the verifier wants the check as it stands */
	if (tenths < MQW_DEPTH_BUCKETS)
		__sync_fetch_and_add(&q->counters.depth[tenths], 1);
}

/* priority: the message's, or where the receiver wanted it (struct call) */
static __always_inline void count_received(struct mqw_queue *q, struct call *call, __u64 bytes,
					   __u64 priority, __u64 now)
{
	__u32 received;

	count_message(q, MQW_RECEIVE, bytes, now);
	if (!(q->levels == 1 && paired(q)) && priority &&
	    !bpf_probe_read_user(&received, sizeof(received), (void *)priority))
		pair_receive(q, call->slot, received, now, &call->level);
	else
		pair_receive_any(q, call->slot, now);
}

/*
 * Where a receive wants the priority: mq_timedreceive2(2) has it in a struct, which is read when the
 * call is over, as the kernel has then read it and its page is there.
 */
static __always_inline __u64 priority_wanted(struct entry entry, bool in_struct)
{
	struct compat_receive2_args compat;
	struct receive2_args args;
	void *from;

	if (!in_struct)
		return argument(entry, 3);
	from = (void *)argument(entry, 1);
	if (is_compat(entry))
		return bpf_probe_read_user(&compat, sizeof(compat), from) ? 0 : compat.msg_prio;
	return bpf_probe_read_user(&args, sizeof(args), from) ? 0 : args.msg_prio;
}

/* The call began before the probes were there: its message counts, its time is unknown. */
static __always_inline void end_unseen(struct task_struct *task, struct call *call, enum mqw_op op,
				       long result, struct entry entry, bool in_struct)
{
	__u64 now = bpf_ktime_get_ns();
	struct mqueue_inode_info *info;
	struct mqw_queue *q;
	struct mqw_level *l;

	if (result < 0)
		return;
	q = queue_of(task, (int)argument(entry, 0), call);
	if (!q)
		return;
	if (op == MQW_SEND) {
		struct sent sent = {
			.sent_ns = now,
			.before = true,
			.priority = argument(entry, 3),
			.length = argument(entry, 2),
		};

		__sync_fetch_and_add(&q->strangers, -1);
		count_message(q, MQW_SEND, sent.length, now);
		l = level_of(q, sent.priority, &call->level);
		if (l)
			__sync_fetch_and_add(&l->begun, 1);
		remember_send(q, l, &sent, call->level);
	} else {
		count_received(q, call, result, priority_wanted(entry, in_struct), now);
	}
	__sync_fetch_and_add(&q->counters.op[op].messages, 1);
	change_depth(q, depth_of(q), now);
	info = mqueue_info(call->inode);
	if (!q->begun)
		q->depth_base = BPF_CORE_READ(info, attr.mq_curmsgs);
	else
		__sync_fetch_and_add(&q->depth_base, op == MQW_SEND ? 1 : -1);
}

/* in_struct: it is mq_timedreceive2(2) */
static __always_inline int call_end(enum mqw_op op, long result, struct entry entry, bool in_struct)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct mqw_level *l = NULL;
	struct mqw_queue *q;
	struct mqw_op_stats *stats;
	__u64 now, moved;
	__u32 state, bucket = 0;
	struct call *call;
	bool slept;

	call = bpf_task_storage_get(&calls, task, NULL, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (unlikely(!call)) {
		count_loss(MQW_LOSS_TASK_STORAGE);
		return 0;
	}
	state = call->state;
	call->state = CALL_NONE;
	if (unlikely(state != CALL_UNDER_WAY)) {
		if (state == CALL_NONE)
			end_unseen(task, call, op, result, entry, in_struct);
		return 0;
	}
	q = queue_in_slot(call->slot, &call->key);
	if (unlikely(!q)) {
		count_loss(MQW_LOSS_CALL);
		return 0;
	}
	stats = &q->counters.op[op];
	slept = task->nvcsw != call->nvcsw;
	now = slept || (op == MQW_RECEIVE && result >= 0) ? bpf_ktime_get_ns() : call->start_ns;
	if (unlikely(slept)) {
		__u64 blocked = now - call_start(call, now);

		__sync_fetch_and_add(&stats->time_ns, blocked);
		bucket = time_bucket(blocked);
	}
	if (op == MQW_SEND)
		l = level_at(call->level);
	if (unlikely(result < 0)) {
		__sync_fetch_and_add(&stats->failed[bucket], 1);
		__sync_fetch_and_add(&stats->errors[error_of(result)], 1);
		if (op == MQW_SEND && error_of(result) == MQW_EAGAIN)
			note_rejection(q, now);
		if (l)
			__sync_fetch_and_add(&l->failed, 1);
		count_call(&q->failed, op);
		return 0;
	}
	__sync_fetch_and_add(&stats->time[bucket], 1);
	if (op == MQW_SEND) {
		struct sent sent = {
			.start_ns = call->start_ns,
			.sent_ns = now,
			.priority = call->priority,
			.length = call->length,
			.payload = call->payload,
			.inode = call->inode,
			.sends = call->sends,
		};

		count_depth(q, call->depth);
		count_message(q, MQW_SEND, sent.length, now);
		remember_send(q, l, &sent, call->level);
		now = sent.sent_ns;
	} else {
		if (in_struct)
			call->priority = priority_wanted(entry, true);
		count_received(q, call, result, call->priority, now);
	}
	moved = count_call(&q->moved, op);
	change_depth(q, mqw_depth(q->depth_base, moved), now);
	return 0;
}

static __always_inline void count_peek(int fd)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct call *call =
		bpf_task_storage_get(&calls, task, NULL, BPF_LOCAL_STORAGE_GET_F_CREATE);
	struct mqw_queue *q = call ? queue_of(task, fd, call) : NULL;

	if (q)
		__sync_fetch_and_add(&q->counters.peeks, 1);
	else if (!call)
		count_loss(MQW_LOSS_TASK_STORAGE);
}

/* mq_timedreceive2(2). A peek moves nothing: it is no call under way. */
static __always_inline int begin_receive2(int fd, __u64 flags)
{
	return flags & MQ_PEEK ? 0 : call_begin(MQW_RECEIVE, fd, NULL, 0, 0);
}

static __always_inline int end_receive2(long result, struct entry entry)
{
	if (!(argument(entry, 2) & MQ_PEEK))
		return call_end(MQW_RECEIVE, result, entry, true);
	if (result >= 0 && bpf_get_current_pid_tgid() >> 32 != own_pid)
		count_peek((int)argument(entry, 0));
	return 0;
}

#endif /* CALLS_BPF_H */
