// SPDX-License-Identifier: GPL-2.0
/*
 * Looks into a message queue without its lock: a message may be received and its memory
 * reused while it is copied. So what is copied counts only when it is proven that no message
 * entered or left the queue meanwhile, by one of two facts:
 *
 * - The queue is quiet. Every send and receive that moves a message stamps the inode's change
 *   time with the coarse clock, truncated to the file system's granularity (one second for mqueue),
 *   before it drops info->lock: do_mq_timedsend(), do_mq_timedreceive(), inode_set_ctime_current().
 *   If a stamp set when the walk began would have been a later one, and afterwards the lock is
 *   free and the change time is the same, no message moved. This holds for every caller and
 *   without probes, once a queue was left alone for a second.
 *
 * - No call is under way. The probes count calls from before they enter the kernel's code until
 *   after they left it. If every call that had begun was over, or asleep on the queue's wait lists
 *   (a sleeper's message is moved by another's call), and none has begun since, no message
 *   moved. A queue without a slot has had no call at all. Not used for a minute after a change was found that no probe saw.
 *
 * The proof is renewed after each message. Where it is lost, the walk goes on, and a message counts by
 * itself if it cannot have left: before the message at index i does, i + 1 receives must have
 * returned or be under way, of those that had not returned when the walk began. For each of the i that
 * the walk passed before it was then seen in the queue in front of it.
 */
#include "maps.bpf.h"

#define STEPS_MAX  (1 << 23) /* BPF_MAX_LOOPS */
#define LEVELS_MAX 32768     /* MQ_PRIO_MAX */
#define SUSPECT_NS 100000000 /* an unbalanced queue: long enough for a call to return */
#define SETTLING_NS \
	5000000000ULL /* from a queue's first call until only calls that began after it run */
#define UNSEEN_MEMORY_NS 60000000000ULL

const volatile __u64 buffer_size = 1;
const volatile __u64 page_size = 4096;
const volatile bool probes_attached; /* else the maps are empty ones of our own */

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__uint(value_size, 8);
} buffer SEC(".maps");

__u64 fence;

/* A spinlock is a rt_mutex under PREEMPT_RT, held while it has an owner. */
struct spinlock___rt {
	struct {
		struct task_struct *owner;
	} lock;
} __attribute__((preserve_access_index));

static __always_inline bool lock_free(struct mqueue_inode_info *info)
{
	struct spinlock___rt *rt = (void *)&info->lock;
	__u32 held = 0;

	if (bpf_core_field_exists(rt->lock.owner))
		return !BPF_CORE_READ(rt, lock.owner);
	READ_KERNEL(held, &info->lock.rlock.raw_lock);
	return !held;
}

/* What was read before is read before what is read after. x86 keeps loads in order by itself. */
static __always_inline void read_barrier(void)
{
#ifdef __TARGET_ARCH_x86
	asm volatile("" ::: "memory");
#else
	__sync_fetch_and_add(&fence, 1);
#endif
}

/*
 * What changes from step to step is kept in the context: what is read from there is unknown to the
 * verifier, which would otherwise follow each value that it may take.
 */
struct walk {
	struct mqw_peek *ctx;
	struct mqueue_inode_info *info;
	/* the proof */
	struct mqw_queue *probed; /* NULL: the probes have seen no call */
	struct mqw_queue *queue;  /* no call was under way; NULL: only quiet can prove all */
	struct mqw_queue
		*trusted; /* all calls are seen; NULL: no message can be proven by itself */
	__u64 moved, failed;
	bool quiet;
	bool unused; /* the probes have seen no call on it */
	struct change_time changed;
	__u64 begun;
	/* the place */
	struct rb_node *node;
	struct list_head *list;
	struct list_head *prev;
	struct list_head *msg;
	struct list_head *counted;
};

static __always_inline bool all_waiters(struct mqueue_inode_info *info, __u32 *senders,
					__u32 *receivers)
{
	/* enum { SEND, RECV } of ipc/mqueue.c */
	return count_waiters(&info->e_wait_q[0].list, senders) &&
	       count_waiters(&info->e_wait_q[1].list, receivers);
}

/* The queue's slot if the probes have seen a call on it. */
static __always_inline struct mqw_queue *slot_of(struct mqueue_inode_info *info)
{
	struct mqw_key key = {};
	__u32 *slot;

	key.ino = BPF_CORE_READ(info, vfs_inode.i_ino);
	key.ipcns = sb_ipcns(BPF_CORE_READ(info, vfs_inode.i_sb));
	slot = bpf_map_lookup_elem(&queue_index, &key);
	return slot ? queue_in_slot(*slot, &key) : NULL;
}

/* All calls that have begun are over or asleep; *begun is how many that were. */
static __always_inline bool no_call_runs(struct mqueue_inode_info *info, struct mqw_queue *q,
					 __u64 *begun)
{
	__u32 senders = 0, receivers = 0;
	__u64 moved, failed, under_way;

	moved = *(volatile __u64 *)&q->moved;
	failed = *(volatile __u64 *)&q->failed;
	read_barrier();
	*begun = *(volatile __u64 *)&q->begun;
	under_way = mqw_under_way(*begun, moved, failed);
	if (!under_way)
		return true;
	read_barrier();
	return all_waiters(info, &senders, &receivers) && senders == mqw_sends(under_way) &&
	       receivers == mqw_receives(under_way);
}

/*
 * With no call under way (begun) the depth by the probes is the kernel's, if they see all calls. A call that
 * began before the probes were there may upset this until it returns; a difference of longer
 * standing was made by calls that they do not see, or missed.
 */
static __always_inline void check_depth(struct mqueue_inode_info *info, struct mqw_queue *q,
					__u64 begun)
{
	__s64 depth, off;
	__u64 now;

	depth = mqw_depth(*(volatile __u32 *)&q->depth_base, *(volatile __u64 *)&q->moved);
	off = BPF_CORE_READ(info, attr.mq_curmsgs) - depth;
	read_barrier();
	if (*(volatile __u64 *)&q->begun != begun)
		return;
	q->early = 0; /* else sends were missed */
	if (!off) {
		q->suspect_ns = 0;
		return;
	}
	now = bpf_ktime_get_ns();
	if (!q->suspect_ns) {
		q->suspect_ns = now;
	} else if (now - q->suspect_ns > SUSPECT_NS) {
		q->suspect_ns = 0;
		__sync_fetch_and_add(&q->depth_base, (__u32)off);
		__sync_fetch_and_add(&q->distrust, 1);
		__sync_fetch_and_add(&q->doubts, 1);
		/* a call that ran when the probes came is none of those that they do not see */
		if (now - q->created_ns > SETTLING_NS) {
			__sync_fetch_and_add(&q->unseen, off < 0 ? -off : off);
			q->unseen_ns = now;
		}
	}
}

/* Where calls went unseen of late, no call's absence proves anything. */
static __always_inline bool sees_all_calls(struct mqw_queue *q)
{
	return !q->suspect_ns &&
	       (!q->unseen_ns || bpf_ktime_get_ns() - q->unseen_ns > UNSEEN_MEMORY_NS);
}

/* Whether a change from now on would get a later stamp: timestamp_truncate() in fs/inode.c. */
static __always_inline bool is_quiet(struct inode *inode, struct change_time changed, __s64 now_sec,
				     __u64 now_nsec)
{
	__u32 granularity = BPF_CORE_READ(inode, i_sb, s_time_gran);

	if (granularity >= 1000000000)
		now_nsec = 0;
	else if (granularity > 1)
		now_nsec -= now_nsec % granularity;
	return changed.sec < now_sec || (changed.sec == now_sec && changed.nsec < now_nsec);
}

static __always_inline void proof_begin(struct walk *w)
{
	struct inode *inode = &w->info->vfs_inode;
	struct mqw_peek *ctx = w->ctx;
	struct mqw_queue *q;
	bool settled;

	w->changed = change_time(inode);
	w->quiet = is_quiet(inode, w->changed, ctx->now_sec, ctx->now_nsec);
	q = slot_of(w->info);
	w->probed = q;
	if (!q) {
		w->unused = ctx->unused_proves;
		return;
	}
	ctx->before_ns = q->created_ns;
	w->moved = *(volatile __u64 *)&q->moved;
	w->failed = *(volatile __u64 *)&q->failed;
	read_barrier();
	settled = no_call_runs(w->info, q, &w->begun);
	if (settled)
		check_depth(w->info, q, w->begun);
	if (sees_all_calls(q))
		w->trusted = q;
	if (settled)
		w->queue = w->trusted;
	read_barrier();
}

/* No message has moved since proof_begin(). */
static __always_inline bool proof_holds(struct walk *w)
{
	struct change_time t;

	read_barrier();
	if (w->queue && *(volatile __u64 *)&w->queue->begun == w->begun)
		return true;
	if (w->unused && !slot_of(w->info))
		return true;
	if (!w->quiet || !lock_free(w->info))
		return false;
	read_barrier();
	t = change_time(&w->info->vfs_inode);
	return t.sec == w->changed.sec && t.nsec == w->changed.nsec;
}

/* Fewer receives than it takes may have removed a message since proof_begin(). */
static __always_inline bool cannot_have_left(struct walk *w, __u32 index)
{
	if (!w->trusted)
		return false;
	read_barrier();
	return mqw_receives(mqw_under_way(*(volatile __u64 *)&w->trusted->begun, w->moved,
					  w->failed)) <= index;
}

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

static int count_message(__u32 i, struct walk *w)
{
	struct list_head *next = NULL;

	if (w->counted == w->list)
		return 1;
	w->ctx->sequence--;
	bpf_probe_read_kernel(&next, sizeof(next), w->counted);
	w->counted = next;
	return 0;
}

static __always_inline struct mqw_level *find_level(struct mqw_queue *q, __u32 priority,
						    __u32 *ret_slot)
{
	struct mqw_level_key key = {
		.ino = q->key.ino,
		.ipcns = q->key.ipcns,
		.priority = priority,
	};
	__u32 *slot = bpf_map_lookup_elem(&level_index, &key);

	if (!slot)
		return NULL;
	*ret_slot = *slot;
	return level_in_slot(*slot, &key);
}

/* Sends that began before the probes were there may still be under way. */
static __always_inline bool strangers_may_send(struct mqw_queue *q)
{
	return q->strangers > 0 || bpf_ktime_get_ns() - q->created_ns < SETTLING_NS;
}

/* Ends are read first: a send that ends meanwhile counts as under way. */
static __always_inline __u32 level_under_way(struct mqw_level *l)
{
	__u64 sent = *(volatile __u64 *)&l->sent;
	__u32 failed = *(volatile __u32 *)&l->failed;

	read_barrier();
	return mqw_level_under_way(*(volatile __u32 *)&l->begun, sent, failed);
}

/* Sends were missed: from now on the level's records can be trusted again. */
static __always_inline void note_distrust(struct mqw_queue *q, struct mqw_level *l)
{
	__u32 distrust = q->distrust;

	if (l->distrust == distrust)
		return;
	l->known_from = l->sent + level_under_way(l);
	l->distrust = distrust;
}

/* The next receive takes the level's first message, if none took one since the proof began. */
static __always_inline void settle_level(struct walk *w, struct mqw_level *l, __u32 slot,
					 __s64 next)
{
	__s64 received = l->received;

	if (received == next)
		return;
	if (!proof_holds(w) ||
	    __sync_val_compare_and_swap(&l->received, received, next) != received) {
		w->ctx->settle = 0;
		return;
	}
	forget_sends(slot, received - 2 * MQW_CHUNK_SIZE, next - MQW_CHUNK_SIZE);
}

/*
 * The k messages of a level are its last k sends. Whether that holds is proven with the messages
 * themselves: the count, too, is of the queue as it was when the proof began. Without that proof it
 * holds for a level that has no send under way, and from which none was received meanwhile.
 */
static __always_inline void begin_level(struct walk *w)
{
	struct mqw_queue *q = w->probed;
	struct mqw_peek *ctx = w->ctx;
	struct mqw_level *l;
	__u32 slot = -1;
	__u32 begun = 0;

	ctx->known = 0;
	if (!q || q->suspect_ns)
		return;
	l = find_level(q, w->ctx->priority, &slot);
	if (l) {
		note_distrust(q, l);
		begun = *(volatile __u32 *)&l->begun;
		l->visited = ctx->number;
	}
	if (!w->queue && !w->quiet &&
	    (!w->trusted || !l || level_under_way(l) || strangers_may_send(q)))
		return;
	ctx->sequence = l ? l->sent : 0;
	w->ctx->known_from = l ? l->known_from : 0;
	w->ctx->level = slot;
	w->counted = w->msg;
	bpf_loop(LIST_MAX, count_message, w, 0);
	OPAQUE(ctx);
	ctx->known = w->queue || w->quiet ||
		     (l && l->begun == begun && cannot_have_left(w, ctx->walked));
	if (l && ctx->settle)
		settle_level(w, l, slot, ctx->sequence);
}

struct rest {
	struct walk *walk;
	__u32 link;
};

static int settle_other(__u32 i, struct rest *r)
{
	__u32 slot = r->link - 1;
	struct mqw_level *l;

	if (!r->link)
		return 1;
	l = bpf_map_lookup_elem(&levels, &slot);
	if (!l)
		return 1;
	r->link = l->next;
	if (l->visited != r->walk->ctx->number)
		settle_level(r->walk, l, slot, l->sent);
	return 0;
}

/* At the end of a walk over all messages: the levels that have none. */
static __always_inline void settle_rest(struct walk *w, __u64 doubts)
{
	struct rest r = {.walk = w};
	struct mqw_queue *q = w->queue;

	if (!q)
		return;
	r.link = q->level;
	bpf_loop(LEVELS_MAX, settle_other, &r, 0);
	if (w->ctx->settle && !r.link && proof_holds(w))
		q->doubts_settled = doubts;
}

/* Finds out who sent the next message of the level. */
static __always_inline void find_origin(struct walk *w, struct mqw_peek_message *m)
{
	struct mqw_queue *q = w->probed;
	struct mqw_record *r;
	__s64 sequence;

	if (!q && probes_attached)
		m->origin = MQW_ORIGIN_BEFORE;
	if (!q || !w->ctx->known)
		return;
	sequence = w->ctx->sequence++;
	if (sequence < 0) {
		/* counted back past the first send that was seen, which is sound if none was missed */
		if (!q->distrust && !w->ctx->known_from)
			m->origin = MQW_ORIGIN_BEFORE;
		return;
	}
	if (sequence < w->ctx->known_from)
		return;
	r = record_of(w->ctx->level, sequence);
	if (r) {
		m->record = *r;
		m->sequence = sequence;
		m->origin = MQW_ORIGIN_RECORD;
	}
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
