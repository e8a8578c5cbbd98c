// SPDX-License-Identifier: GPL-2.0
/* Who has which queue open, and who is asleep in which: read from the tasks themselves. */
#include "abi.bpf.h"

#define FMODE_READ  1 /* include/linux/fs.h */
#define FMODE_WRITE 2

static __always_inline bool queue_key(struct inode *inode, struct mqw_key *key)
{
	struct super_block *sb = BPF_CORE_READ(inode, i_sb);

	if (!is_mqueue_sb(sb) || !is_regular(inode))
		return false;
	key->ino = BPF_CORE_READ(inode, i_ino);
	key->ipcns = sb_ipcns(sb);
	return true;
}

/* One struct mqw_opener per descriptor; those of the process that reads are left out. */
SEC("iter/task_file")
int list_openers(struct bpf_iter__task_file *ctx)
{
	struct task_struct *task = ctx->task;
	struct file *file = ctx->file;
	struct mqw_opener out = {};
	__u32 mode;

	if (!task || !file || task->tgid == bpf_get_current_pid_tgid() >> 32 ||
	    !queue_key(file->f_inode, &out.key))
		return 0;
	mode = file->f_mode;
	out.file = (__u64)file;
	out.pid = task->tgid;
	out.fd = ctx->fd;
	out.uid = BPF_CORE_READ(task, cred, uid.val);
	out.access =
		(mode & FMODE_READ ? MQW_OPEN_READ : 0) | (mode & FMODE_WRITE ? MQW_OPEN_WRITE : 0);
	bpf_probe_read_kernel_str(out.comm, sizeof(out.comm), task->group_leader->comm);
	bpf_seq_write(ctx->meta->seq, &out, sizeof(out));
	return 0;
}

enum {
	TS_COMPAT = 2, /* arch/x86/include/asm/thread_info.h: in a 32-bit system call */
};

/* The system call that the task is in, if it moves messages: its descriptor, else -1. */
static __always_inline int call_descriptor(struct task_struct *task, __u32 *op)
{
	struct pt_regs *regs = (struct pt_regs *)bpf_task_pt_regs(task);

#ifdef __TARGET_ARCH_x86
	/* -1 where an interrupt or a fault led into the kernel */
	switch (BPF_CORE_READ(regs, orig_ax)) {
	case 242:
		*op = MQW_SEND;
		break;
	case 243:
		*op = MQW_RECEIVE;
		break;
	case 279: /* and 418: with 64-bit times */
	case 418:
		*op = MQW_SEND;
		return task->thread_info.status & TS_COMPAT ? (int)BPF_CORE_READ(regs, bx) : -1;
	case 280:
	case 419:
		*op = MQW_RECEIVE;
		return task->thread_info.status & TS_COMPAT ? (int)BPF_CORE_READ(regs, bx) : -1;
	default:
		return -1;
	}
	return (int)BPF_CORE_READ(regs, di);
#else
	struct pt_regs___arm *arm = (void *)regs;

	switch (BPF_CORE_READ(arm, syscallno)) {
	case 182:
		*op = MQW_SEND;
		break;
	case 183:
		*op = MQW_RECEIVE;
		break;
	default:
		return -1;
	}
	return (int)BPF_CORE_READ(arm, orig_x0);
#endif
}

/* One struct mqw_sleeper per thread. */
SEC("iter/task")
int list_sleepers(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	struct mqw_sleeper out = {};
	struct file *file = NULL;
	struct fdtable *fdt;
	int fd;

	/* a task that runs may have left the call that its registers tell of */
	if (!task || !task->__state || !task->files)
		return 0;
	fd = call_descriptor(task, &out.op);
	if (fd < 0)
		return 0;
	fdt = BPF_CORE_READ(task, files, fdt);
	if ((__u32)fd >= BPF_CORE_READ(fdt, max_fds))
		return 0;
	READ_KERNEL(file, BPF_CORE_READ(fdt, fd) + fd);
	if (!file || !queue_key(BPF_CORE_READ(file, f_inode), &out.key))
		return 0;
	out.switches = task->nvcsw + task->nivcsw;
	out.pid = task->tgid;
	out.tid = task->pid;
	bpf_probe_read_kernel_str(out.comm, sizeof(out.comm), task->comm);
	bpf_seq_write(ctx->meta->seq, &out, sizeof(out));
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
