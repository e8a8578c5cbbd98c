// SPDX-License-Identifier: GPL-2.0
/*
 * Which IPC namespaces there are, and which queues each has: read from the kernel's own lists, so that
 * no namespace is entered, no queue opened, and queues that were unlinked are seen too.
 */
#include "mqueue.bpf.h"

#define RLIMIT_MSGQUEUE 12 /* include/uapi/asm-generic/resource.h */
#define DETAILS_MAX	64
#define SIGEV_NONE	1 /* include/uapi/asm-generic/siginfo.h */

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1); /* set before load */
	__type(key, __u32);
	__type(value, struct mqw_listed);
} listed SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, DETAILS_MAX);
	__type(key, __u32);
	__type(value, struct mqw_detail);
} details SEC(".maps");

/* One struct mqw_process per process that has memory of its own: kernel threads have no queues. */
SEC("iter/task")
int list_processes(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	struct mqw_process out = {};
	struct ipc_namespace *ns;

	if (!task || task->pid != task->tgid || !task->mm)
		return 0;
	ns = BPF_CORE_READ(task, nsproxy, ipc_ns);
	if (!ns)
		return 0;
	out.ns = (__u64)ns;
	out.ipcns = BPF_CORE_READ(ns, ns.inum);
	out.pid = task->pid;
	out.uid = BPF_CORE_READ(task, cred, uid.val);
	out.limit = BPF_CORE_READ(task, signal, rlim[RLIMIT_MSGQUEUE].rlim_cur);
	bpf_seq_write(ctx->meta->seq, &out, sizeof(out));
	return 0;
}

struct lister {
	struct mqw_list *ctx;
};

/* An inode that has a name, or had one while somebody opened it; others are being made or freed. */
static __always_inline struct dentry *queue_dentry(struct inode *inode)
{
	struct hlist_node *alias = BPF_CORE_READ(inode, i_dentry.first);

	if (!alias || BPF_CORE_READ(inode, i_count.counter) <= 0)
		return NULL;
	return (void *)alias - bpf_core_field_offset(struct dentry, d_u.d_alias);
}

static __always_inline void list_queue(struct mqw_list *ctx, struct inode *inode)
{
	struct dentry *dentry = queue_dentry(inode);
	struct mqw_listed *out;
	int opens, writes;
	__u32 i = ctx->n;

	if (!dentry || (__u64)BPF_CORE_READ(inode, i_sb) != ctx->sb || !is_regular(inode))
		return;
	ctx->n++;
	if (i >= ctx->max)
		return;
	out = bpf_map_lookup_elem(&listed, &i);
	if (!out)
		return;
	out->ino = BPF_CORE_READ(inode, i_ino);
	out->inode = (__u64)inode;
	out->linked = BPF_CORE_READ(inode, i_nlink) != 0;
	/* each description holds the dentry, and so does its place in the directory */
	opens = BPF_CORE_READ(dentry, d_lockref.count) - (int)out->linked;
	writes = BPF_CORE_READ(inode, i_writecount.counter);
	out->opens = opens > 0 ? opens : 0;
	out->writes = writes > 0 ? writes : 0;
	out->used_sec = change_time(inode).sec;
}

static int list_step(__u32 i, struct lister *l)
{
	struct mqw_list *ctx = l->ctx;
	struct list_head node = {};
	__u64 here = ctx->node;

	if (here == ctx->head) {
		ctx->sound = 1;
		return 1;
	}
	bpf_probe_read_kernel(&node, sizeof(node), (void *)here);
	/* an inode that left the list under the walk points elsewhere */
	if ((__u64)node.prev != ctx->prev)
		return 1;
	ctx->prev = here;
	ctx->node = (__u64)node.next;
	list_queue(ctx, (void *)here - bpf_core_field_offset(struct inode, i_sb_list));
	return 0;
}

/* The address may be another thing's by now. */
static __always_inline bool is_namespace(struct ipc_namespace *ns, __u32 ipcns,
					 struct super_block *sb)
{
	return sb && BPF_CORE_READ(ns, ns.inum) == ipcns && is_mqueue_sb(sb) &&
	       BPF_CORE_READ(sb, s_fs_info) == ns;
}

SEC("syscall")
int list_queues(struct mqw_list *ctx)
{
	struct ipc_namespace *ns = (void *)ctx->ns;
	struct super_block *sb = BPF_CORE_READ(ns, mq_mnt, mnt_sb);
	struct lister l = {.ctx = ctx};

	ctx->n = 0;
	ctx->sound = 0;
	ctx->found = is_namespace(ns, ctx->ipcns, sb);
	if (!ctx->found)
		return 0;
	ctx->queues = BPF_CORE_READ(ns, mq_queues_count);
	ctx->queues_max = BPF_CORE_READ(ns, mq_queues_max);
	ctx->msg_max = BPF_CORE_READ(ns, mq_msg_max);
	ctx->msgsize_max = BPF_CORE_READ(ns, mq_msgsize_max);
	ctx->msg_default = BPF_CORE_READ(ns, mq_msg_default);
	ctx->msgsize_default = BPF_CORE_READ(ns, mq_msgsize_default);
	ctx->sb = (__u64)sb;
	ctx->head = (__u64)sb + bpf_core_field_offset(struct super_block, s_inodes);
	ctx->prev = ctx->head;
	ctx->node = (__u64)BPF_CORE_READ(sb, s_inodes.next);
	bpf_loop(LIST_MAX, list_step, &l, 0);
	ctx->found = is_namespace(ns, ctx->ipcns, BPF_CORE_READ(ns, mq_mnt, mnt_sb));
	return 0;
}

static int read_detail(__u32 i, void *unused)
{
	struct mqueue_inode_info *info;
	struct mqw_detail *d = bpf_map_lookup_elem(&details, &i);
	struct ucounts *user;
	struct dentry *dentry;
	struct inode *inode;

	if (!d)
		return 1;
	inode = (void *)d->inode;
	d->found = 0;
	dentry = has_key(inode, &d->key) ? queue_dentry(inode) : NULL;
	if (!dentry)
		return 0;
	info = mqueue_info(inode);
	d->name_length = BPF_CORE_READ(dentry, d_name.len);
	bpf_probe_read_kernel_str(d->name, sizeof(d->name), BPF_CORE_READ(dentry, d_name.name));
	user = BPF_CORE_READ(info, ucounts);
	d->user = (__u64)user;
	d->user_uid = BPF_CORE_READ(user, uid.val);
	d->user_bytes = 0;
	/* de399236e240 ("ucounts: Split rlimit and ucount values and max values") */
	if (bpf_core_field_exists(user->rlimit))
		d->user_bytes = BPF_CORE_READ(user, rlimit[UCOUNT_RLIMIT_MSGQUEUE].counter);
	d->notify_pid = BPF_CORE_READ(info, notify_owner, numbers[0].nr);
	d->notify_kind = BPF_CORE_READ(info, notify.sigev_notify);
	d->notify_signal = BPF_CORE_READ(info, notify.sigev_signo);
	if (!d->notify_pid)
		d->notify_kind = SIGEV_NONE;
	d->found = has_key(inode, &d->key) && queue_dentry(inode) == dentry;
	return 0;
}

/* Fills the first n of the details. */
SEC("syscall")
int read_details(struct mqw_attrs *ctx)
{
	bpf_loop(ctx->n, read_detail, NULL, 0);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
