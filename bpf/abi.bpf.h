/* SPDX-License-Identifier: GPL-2.0 */
/* Where the arguments of a system call are. */
#ifndef ABI_BPF_H
#define ABI_BPF_H

#include "mqueue.bpf.h"

enum abi {
	ABI_NATIVE, /* and x32; on arm64 32-bit programs too */
	ABI_IA32,
};

/* The registers that a call was entered with. */
struct entry {
	struct pt_regs *regs; /* NULL: those of the current task */
	enum abi abi;
};

#define CURRENT_ENTRY             \
	(struct entry)            \
	{                         \
		.abi = ABI_NATIVE \
	}

static __always_inline struct pt_regs *entry_regs(struct entry e)
{
	return e.regs ?: (struct pt_regs *)bpf_task_pt_regs(bpf_get_current_task_btf());
}

#if defined(__TARGET_ARCH_x86)

/* arch/x86/include/asm/syscall_wrapper.h: SC_X86_64_REGS_TO_ARGS, SC_IA32_REGS_TO_ARGS */
static __always_inline __u64 argument(struct entry e, int i)
{
	struct pt_regs *regs = entry_regs(e);

	if (e.abi == ABI_IA32)
		return (__u32)(i == 0	? LOAD(struct pt_regs, regs, bx)
			       : i == 1 ? LOAD(struct pt_regs, regs, cx)
			       : i == 2 ? LOAD(struct pt_regs, regs, dx)
					: LOAD(struct pt_regs, regs, si));
	return i == 0	? LOAD(struct pt_regs, regs, di)
	       : i == 1 ? LOAD(struct pt_regs, regs, si)
	       : i == 2 ? LOAD(struct pt_regs, regs, dx)
			: LOAD(struct pt_regs, regs, r10);
}

#define X32_SYSCALL_BIT 0x40000000

/* in_compat_syscall() */
static __always_inline bool is_compat(struct entry e)
{
	return e.abi == ABI_IA32 || LOAD(struct pt_regs, entry_regs(e), orig_ax) & X32_SYSCALL_BIT;
}

#elif defined(__TARGET_ARCH_arm64)

struct pt_regs___arm {
	__u64 regs[31];
	__u64 pstate;
	__u64 orig_x0;
	__s32 syscallno;
} __attribute__((preserve_access_index));

#define PSR_MODE32_BIT 0x10

/* arch/arm64/include/asm/syscall_wrapper.h; the first register is the result's at exit */
static __always_inline __u64 argument(struct entry e, int i)
{
	struct pt_regs *regs = entry_regs(e);

	if (i == 0)
		return LOAD(struct pt_regs___arm, regs, orig_x0);
	return i == 1	? LOAD(struct pt_regs___arm, regs, regs[1])
	       : i == 2 ? LOAD(struct pt_regs___arm, regs, regs[2])
			: LOAD(struct pt_regs___arm, regs, regs[3]);
}

static __always_inline bool is_compat(struct entry e)
{
	return LOAD(struct pt_regs___arm, entry_regs(e), pstate) & PSR_MODE32_BIT;
}

#else
#error "No description of this machine's system calls"
#endif

#endif /* ABI_BPF_H */
