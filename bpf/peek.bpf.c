// SPDX-License-Identifier: GPL-2.0
/*
 * Looks into a message queue without its lock, and copies what is in it: peek_proof.bpf.h has the proof
 * that it was, peek_origins.bpf.h who sent it.
 */
#include "peek_origins.bpf.h"

#define STEPS_MAX (1 << 23) /* BPF_MAX_LOOPS */

const volatile __u64 buffer_size = 1;
const volatile __u64 page_size = 4096;

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__uint(value_size, 8);
} buffer SEC(".maps");

/* Copies at most size <= page_size bytes to the buffer's offset. */
static __always_inline bool copy(__u64 offset, __u64 size, const void *from)
{
	__u64 last = buffer_size - page_size;
	__u32 zero = 0;
	char *to = bpf_map_lookup_elem(&buffer, &zero);

	OPAQUE(size);
	if (!to || size > page_size)
		return false;
	/* 6.1 forgets the check of an offset that was spilled: it is added in the register it was checked in */
	asm volatile("if %[offset] > %[last] goto +2\n\t"
		     "%[to] += %[offset]\n\t"
		     "goto +1\n\t"
		     "%[to] = 0"
		     : [to] "+r"(to)
		     : [offset] "r"(offset), [last] "r"(last));
	return to && !bpf_probe_read_kernel(to, size, from);
}

/* load_msg(): the payload goes on in msg_msgseg pages, DATALEN_SEG bytes each. */
static int copy_segment(__u32 i, struct walk *w)
{
	__u64 size = page_size - bpf_core_type_size(struct msg_msgseg);
	struct msg_msgseg *segment = (void *)w->ctx->segment;
	struct mqw_peek *ctx = w->ctx;

	if (!ctx->rest || !segment)
		return 1;
	if (size > ctx->rest)
		size = ctx->rest;
	if (!copy(ctx->used, size, (void *)segment + bpf_core_type_size(struct msg_msgseg)))
		return 1;
	ctx->used += size;
	ctx->rest -= size;
	w->ctx->segment = (__u64)BPF_CORE_READ(segment, next);
	return 0;
}

static __always_inline enum mqw_peek_end copy_message(struct walk *w)
{
	struct msg_msg *msg = (void *)w->msg - bpf_core_field_offset(struct msg_msg, m_list);
	__u64 size = page_size - bpf_core_type_size(struct msg_msg); /* DATALEN_MSG */
	struct mqw_peek_message head = {.priority = w->ctx->priority};
	struct list_head *next, *prev, *back = NULL;
	struct mqw_peek *ctx = w->ctx;
	__u64 start = ctx->used;

	next = BPF_CORE_READ(msg, m_list.next);
	head.size = BPF_CORE_READ(msg, m_ts);
	w->ctx->segment = (__u64)BPF_CORE_READ(msg, next);
	prev = w->prev;
	if (BPF_CORE_READ(msg, m_list.prev) != prev ||
	    BPF_CORE_READ(msg, m_type) != w->ctx->priority ||
	    head.size > w->ctx->message_size_limit)
		return MQW_PEEK_CHANGED;
	if (ctx->n_heads < ctx->messages_max)
		head.kept = head.size < ctx->payload_max ? head.size : ctx->payload_max;
	if (start + sizeof(head) + head.kept + 8 > buffer_size - page_size)
		return MQW_PEEK_FULL;
	if (size > head.kept)
		size = head.kept;
	if (!copy(start + sizeof(head), size, (void *)msg + bpf_core_type_size(struct msg_msg)))
		return MQW_PEEK_CHANGED;
	ctx->used = start + sizeof(head) + size;
	ctx->rest = head.kept - size;
	if (ctx->rest)
		bpf_loop(ctx->rest / 1024 + 1, copy_segment, w, 0);
	head.message = (__u64)msg;
	find_origin(w, &head);
	head.index = ctx->walked++;
	READ_KERNEL(back, &prev->next);
	if (ctx->rest || back != w->msg || BPF_CORE_READ(msg, m_ts) != head.size) {
		ctx->used = start;
		return MQW_PEEK_CHANGED;
	}
	w->prev = w->msg;
	w->msg = next;
	if (!proof_holds(w)) {
		ctx->changed = 1;
		if (!cannot_have_left(w, head.index)) {
			ctx->used = start;
			return MQW_PEEK_COMPLETE;
		}
	}
	if (!copy(start, sizeof(head), &head))
		return MQW_PEEK_CHANGED;
	ctx->used = (ctx->used + 7) & ~7ULL;
	ctx->n_heads++;
	if (ctx->n_heads <= ctx->messages_max)
		ctx->n_messages++;
	return MQW_PEEK_COMPLETE;
}

enum phase {
	PHASE_LEAF,	 /* node holds the next priority's messages */
	PHASE_MESSAGE,	 /* msg is the next message of it, or its list's end */
	PHASE_RIGHTMOST, /* the next leaf is the last under node */
	PHASE_UP,	 /* the next leaf is the first above node that has it on its right */
};

/* One step through msg_tree in receive order, a rb_prev() in slices: bpf_loop() calls it. */
static int step(__u32 i, struct walk *w)
{
	struct posix_msg_tree_node *leaf;
	struct rb_node *here = w->node, *node;
	struct mqw_peek *ctx = w->ctx;

	switch (ctx->phase) {
	case PHASE_LEAF:
		if (ctx->n_heads >= ctx->messages_max)
			return 1;
		leaf = (void *)here - bpf_core_field_offset(struct posix_msg_tree_node, rb_node);
		/* a tree that is rebalanced under the walk must not lead it back */
		if (ctx->below <= (__u32)BPF_CORE_READ(leaf, priority)) {
			ctx->end = MQW_PEEK_CHANGED;
			return 1;
		}
		w->ctx->priority = BPF_CORE_READ(leaf, priority);
		ctx->below = w->ctx->priority;
		w->list = &leaf->msg_list;
		w->prev = w->list;
		w->msg = BPF_CORE_READ(leaf, msg_list.next);
		ctx->phase = PHASE_MESSAGE;
		begin_level(w);
		return 0;
	case PHASE_MESSAGE:
		if (w->msg != w->list) {
			/* what is behind them in their level tells who sent them: src/origin.h */
			if (ctx->n_heads >= ctx->messages_max && !ctx->known)
				return 1;
			ctx->end = copy_message(w);
			return ctx->end != MQW_PEEK_COMPLETE;
		}
		node = BPF_CORE_READ(here, rb_left);
		if (node)
			w->node = node;
		ctx->phase = node ? PHASE_RIGHTMOST : PHASE_UP;
		return 0;
	case PHASE_RIGHTMOST:
		node = BPF_CORE_READ(here, rb_right);
		if (node)
			w->node = node;
		else
			ctx->phase = PHASE_LEAF;
		return 0;
	case PHASE_UP:
		node = (void *)(BPF_CORE_READ(here, __rb_parent_color) & ~3UL);
		if (!node)
			return 1;
		if (BPF_CORE_READ(node, rb_right) == here)
			ctx->phase = PHASE_LEAF;
		w->node = node;
		return 0;
	}
	return 1;
}

/*
 * Kernels before 6.7 verify a callback of bpf_loop() as for its first call only, and drop the code for what
 * cannot be then: ab5cfac139ab ("bpf: verify callbacks as if they are called unknown number of
 * times"). So nothing that a step compares may start as a constant that the verifier knows.
 */
static __always_inline void forget_start(struct walk *w)
{
	const volatile struct mqw_peek *ctx = w->ctx;

	w->list = (void *)ctx->rest;
	w->msg = (void *)ctx->sequence;
	w->prev = (void *)ctx->rest;
	w->counted = (void *)ctx->sequence;
}

SEC("syscall")
int peek_messages(struct mqw_peek *ctx)
{
	struct file *file = current_file(bpf_get_current_task_btf(), ctx->fd);
	struct inode *inode = file ? BPF_CORE_READ(file, f_inode) : NULL;
	struct walk w = {.ctx = ctx};
	struct mqueue_inode_info *info;
	__u64 expected, doubts = 0;

	ctx->end = MQW_PEEK_NO_QUEUE;
	if (!inode || !is_mqueue_sb(BPF_CORE_READ(inode, i_sb)) || !is_regular(inode))
		return 0;
	ctx->end = MQW_PEEK_COMPLETE;
	ctx->n_messages = 0;
	ctx->n_heads = 0;
	ctx->walked = 0;
	ctx->changed = 0;
	ctx->before_ns = 0;
	ctx->phase = PHASE_LEAF;
	ctx->below = 1ULL << 32;
	ctx->used = 0;
	info = mqueue_info(inode);
	w.info = info;
	ctx->message_size_limit = BPF_CORE_READ(info, attr.mq_msgsize);
	proof_begin(&w);
	if (w.queue)
		doubts = w.queue->doubts;
	ctx->settle = w.queue && doubts != w.queue->doubts_settled && ctx->messages_max > LIST_MAX;
	ctx->messages_total = BPF_CORE_READ(info, attr.mq_curmsgs);
	w.node = BPF_CORE_READ(info, msg_tree_rightmost);
	forget_start(&w);
	if (w.node)
		bpf_loop(STEPS_MAX, step, &w, 0);
	expected =
		ctx->messages_total < ctx->messages_max ? ctx->messages_total : ctx->messages_max;
	if (ctx->end == MQW_PEEK_COMPLETE &&
	    (ctx->changed || ctx->n_messages != expected || !proof_holds(&w)))
		ctx->end = MQW_PEEK_CHANGED;
	if (ctx->messages_total < ctx->walked)
		ctx->messages_total = ctx->walked; /* some came in meanwhile */
	ctx->guarded = w.queue != NULL;
	ctx->begun = w.begun;
	if (ctx->end == MQW_PEEK_COMPLETE && ctx->settle)
		settle_rest(&w, doubts);
	return 0;
}

/* The inode that is asked for, with its key, or NULL. */
static __always_inline struct inode *inode_of(struct mqw_attr *attr)
{
	struct inode *inode = (void *)attr->inode;
	struct super_block *sb;
	struct file *file;

	if (attr->fd < 0)
		return has_key(inode, &attr->key) ? inode : NULL;
	file = current_file(bpf_get_current_task_btf(), attr->fd);
	inode = file ? BPF_CORE_READ(file, f_inode) : NULL;
	if (!inode)
		return NULL;
	sb = BPF_CORE_READ(inode, i_sb);
	if (!is_mqueue_sb(sb))
		return NULL;
	attr->key.ino = BPF_CORE_READ(inode, i_ino);
	attr->key.ipcns = sb_ipcns(sb);
	attr->inode = (__u64)inode;
	return inode;
}

static int read_attr(__u32 i, void *unused)
{
	__u64 offset = (__u64)i * sizeof(struct mqw_attr);
	struct mqueue_inode_info *info;
	struct mq_attr limits = {};
	struct mqw_attr *attr;
	struct inode *inode;
	struct mqw_queue *q;
	__u32 zero = 0;
	__u64 begun;
	char *base;

	base = bpf_map_lookup_elem(&buffer, &zero);
	OPAQUE(offset);
	if (!base || offset > buffer_size - sizeof(*attr))
		return 1;
	attr = (void *)(base + offset);
	inode = inode_of(attr);
	attr->found = inode != NULL;
	if (!inode)
		return 0;
	attr->mode = BPF_CORE_READ(inode, i_mode);
	attr->uid = BPF_CORE_READ(inode, i_uid.val);
	attr->gid = BPF_CORE_READ(inode, i_gid.val);
	if (!is_regular(inode))
		return 0;
	info = mqueue_info(inode);
	READ_KERNEL(limits, &info->attr);
	attr->messages = limits.mq_curmsgs;
	attr->messages_limit = limits.mq_maxmsg;
	attr->message_size_limit = limits.mq_msgsize;
	attr->bytes = BPF_CORE_READ(info, qsize);
	attr->notify_pid = BPF_CORE_READ(info, notify_owner, numbers[0].nr);
	attr->waiters_known =
		all_waiters(info, &attr->waiters[MQW_SEND], &attr->waiters[MQW_RECEIVE]);
	q = slot_of(info);
	if (q && no_call_runs(info, q, &begun))
		check_depth(info, q, begun);
	/* without a descriptor it may have gone meanwhile: what was read counts if it was there still */
	read_barrier();
	attr->found = has_key(inode, &attr->key);
	return 0;
}

/* Fills each struct mqw_attr in the buffer. */
SEC("syscall")
int read_attrs(struct mqw_attrs *ctx)
{
	bpf_loop(ctx->n, read_attr, NULL, 0);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
