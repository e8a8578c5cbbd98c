/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What BPF programs know of the kernel's message queues: ipc/mqueue.c, ipc/msgutil.c.
 * Read with CO-RE, so that one object fits every kernel from 6.1 on.
 */
#ifndef MQUEUE_BPF_H
#define MQUEUE_BPF_H

#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>

#include "mqwatch.h"

#define MQUEUE_MAGIC 0x19800202 /* include/uapi/linux/magic.h */

/* Makes the compiler forget what it knows of a variable, which it might compute with out of order. */
#define OPAQUE(variable) asm volatile("" : "+r"(variable))

/*
 * What is rare is compiled out of the way of the rest: where system calls change the page tables, each page of
 * code or data that a probe touches costs it a walk.
 */
#define unlikely(condition) __builtin_expect(!!(condition), 0)

#define READ_KERNEL(dst, src) bpf_probe_read_kernel(&(dst), sizeof(dst), (const void *)(src))

/*
 * Since 6.2 any kernel pointer can be given a type and loaded from directly, which costs a tenth of
 * bpf_probe_read_kernel(): a35b9af4ec2c ("bpf: Add a kfunc for generic type cast"). A load that
 * faults gives 0 either way.
 */
extern void *bpf_rdonly_cast(const void *obj, __u32 btf_id) __ksym __weak;

enum special_kfunc_type___any {
	KF_bpf_rdonly_cast___any,
};

#define LOADS_DIRECTLY \
	bpf_core_enum_value_exists(enum special_kfunc_type___any, KF_bpf_rdonly_cast___any)

/* pointer->field of a kernel structure, for the paths that every call takes */
#define LOAD(type, pointer, field)                                                       \
	({                                                                               \
		type *untyped = (void *)(pointer), *typed;                               \
		typeof(untyped->field) value;                                            \
                                                                                         \
		if (LOADS_DIRECTLY) {                                                    \
			typed = bpf_rdonly_cast(untyped, bpf_core_type_id_kernel(type)); \
			value = typed->field;                                            \
		} else {                                                                 \
			value = BPF_CORE_READ(untyped, field);                           \
		}                                                                        \
		value;                                                                   \
	})

/* The open file behind a descriptor of the current task, or NULL. */
static __always_inline struct file *current_file(struct task_struct *task, int fd)
{
	struct fdtable *fdt = task->files->fdt;

	if ((unsigned int)fd >= fdt->max_fds)
		return NULL;
	/* a place in the table is nothing but a pointer, as the first member of this structure is */
	return (void *)LOAD(struct list_head, fdt->fd + (unsigned int)fd, next);
}

static __always_inline bool is_mqueue_sb(struct super_block *sb)
{
	return BPF_CORE_READ(sb, s_magic) == MQUEUE_MAGIC;
}

/* s_fs_info of a mqueue super block is its namespace: mqueue_fill_super(). */
static __always_inline __u32 sb_ipcns(struct super_block *sb)
{
	struct ipc_namespace *ns = BPF_CORE_READ(sb, s_fs_info);

	return BPF_CORE_READ(ns, ns.inum);
}

/* Whether there is, at the address that a queue's inode had, still that one. */
static __always_inline bool has_key(struct inode *inode, const struct mqw_key *key)
{
	struct super_block *sb = BPF_CORE_READ(inode, i_sb);

	return BPF_CORE_READ(inode, i_ino) == key->ino && is_mqueue_sb(sb) &&
	       sb_ipcns(sb) == key->ipcns;
}

/* MQUEUE_I(): only for inodes of regular files on a mqueue super block. */
static __always_inline struct mqueue_inode_info *mqueue_info(struct inode *inode)
{
	return (void *)inode - bpf_core_field_offset(struct mqueue_inode_info, vfs_inode);
}

static __always_inline bool is_regular(struct inode *inode)
{
	return (BPF_CORE_READ(inode, i_mode) & 0170000) == 0100000;
}

/*
 * The change time moved twice: 13bc24457850 ("fs: rename i_ctime field to __i_ctime", 6.6) and
 * 3aa63a569c64 ("fs: switch timespec64 fields in inode to discrete integers", 6.11).
 */
struct inode___before_6_6 {
	struct timespec64 i_ctime;
} __attribute__((preserve_access_index));

struct inode___before_6_11 {
	struct timespec64 __i_ctime;
} __attribute__((preserve_access_index));

struct inode___from_6_11 {
	__s64 i_ctime_sec;
	__u32 i_ctime_nsec;
} __attribute__((preserve_access_index));

struct change_time {
	__s64 sec;
	__u64 nsec;
};

static __always_inline struct change_time change_time(struct inode *inode)
{
	struct inode___from_6_11 *now = (void *)inode;
	struct inode___before_6_11 *old = (void *)inode;
	struct inode___before_6_6 *older = (void *)inode;
	struct change_time t = {};

	if (bpf_core_field_exists(now->i_ctime_sec)) {
		t.sec = BPF_CORE_READ(now, i_ctime_sec);
		t.nsec = BPF_CORE_READ(now, i_ctime_nsec);
	} else if (bpf_core_field_exists(old->__i_ctime)) {
		t.sec = BPF_CORE_READ(old, __i_ctime.tv_sec);
		t.nsec = BPF_CORE_READ(old, __i_ctime.tv_nsec);
	} else {
		t.sec = BPF_CORE_READ(older, i_ctime.tv_sec);
		t.nsec = BPF_CORE_READ(older, i_ctime.tv_nsec);
	}
	return t;
}

#define LIST_MAX 65536 /* HARD_MSGMAX of ipc_namespace.h; as many tasks may wait */

struct waiters {
	struct list_head *head;
	struct list_head *node;
	struct list_head *next;
	__u32 n;
	bool sound;
};

static int count_waiter(__u32 i, struct waiters *w)
{
	struct list_head node = {};

	if (w->next == w->head) {
		w->sound = true;
		return 1;
	}
	bpf_probe_read_kernel(&node, sizeof(node), w->next);
	if (node.prev != w->node)
		return 1;
	w->node = w->next;
	w->next = node.next;
	w->n++;
	return 0;
}

/* The tasks asleep on one of the queue's wait lists; false: the list changed under the count. */
static __always_inline bool count_waiters(struct list_head *head, __u32 *ret)
{
	struct waiters w = {.head = head, .node = head};

	READ_KERNEL(w.next, &head->next);
	bpf_loop(LIST_MAX, count_waiter, &w, 0);
	*ret = w.n;
	return w.sound;
}

#endif /* MQUEUE_BPF_H */
