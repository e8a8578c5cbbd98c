/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The proof that what was copied without the queue's lock was in it: a message may be received and its memory
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
#ifndef MQWATCH_PEEK_PROOF_BPF_H
#define MQWATCH_PEEK_PROOF_BPF_H

#include "maps.bpf.h"

#define SUSPECT_NS 100000000 /* an unbalanced queue: long enough for a call to return */
#define SETTLING_NS \
	5000000000ULL /* from a queue's first call until only calls that began after it run */
#define UNSEEN_MEMORY_NS 60000000000ULL

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

#endif /* MQWATCH_PEEK_PROOF_BPF_H */
