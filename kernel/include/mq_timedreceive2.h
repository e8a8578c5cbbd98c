/* SPDX-License-Identifier: GPL-2.0 WITH Linux-syscall-note */
/*
 * mq_timedreceive2(2) for user space whose <linux/mqueue.h> does not have it.
 *
 * The call is not upstream, so it has no assigned number. Build with
 * -DMQ_TIMEDRECEIVE2_NR=n for a kernel that gives it another one than the
 * series of this directory does.
 */
#ifndef MQ_TIMEDRECEIVE2_H
#define MQ_TIMEDRECEIVE2_H

#include <linux/posix_types.h>
#include <linux/time_types.h>
#include <mqueue.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef MQ_TIMEDRECEIVE2_NR
#if defined(__NR_mq_timedreceive2)
#define MQ_TIMEDRECEIVE2_NR __NR_mq_timedreceive2
#elif defined(__alpha__)
#define MQ_TIMEDRECEIVE2_NR 658
#elif defined(__x86_64__) && defined(__ILP32__)
#define MQ_TIMEDRECEIVE2_NR (0x40000000 + 548)
#elif defined(__mips__) && _MIPS_SIM == _ABIO32
#define MQ_TIMEDRECEIVE2_NR (4000 + 548)
#elif defined(__mips__) && _MIPS_SIM == _ABI64
#define MQ_TIMEDRECEIVE2_NR (5000 + 548)
#elif defined(__mips__) && _MIPS_SIM == _ABIN32
#define MQ_TIMEDRECEIVE2_NR (6000 + 548)
#else
#define MQ_TIMEDRECEIVE2_NR 548
#endif
#endif

/*
 * <linux/mqueue.h> itself cannot be included with <mqueue.h>: both define struct
 * mq_attr. Where somebody managed to, MQ_PEEK tells that the struct is there.
 */
#ifndef MQ_PEEK
#define MQ_PEEK 2U

struct mq_timedreceive2_args {
	__kernel_size_t msg_len;
	unsigned int *msg_prio;
	char *msg_ptr;
};
#endif

/*
 * Returns the length of the message, or -1 with errno set. msg_prio may be
 * NULL. With MQ_PEEK the call copies the message at index in receive order and
 * changes nothing; without it index must be 0. ENOSYS: this kernel lacks it.
 */
static inline ssize_t mq_timedreceive2(mqd_t mqdes, struct mq_timedreceive2_args *args,
				       unsigned int flags, unsigned long index,
				       const struct __kernel_timespec *abs_timeout)
{
	return syscall(MQ_TIMEDRECEIVE2_NR, mqdes, args, flags, index, abs_timeout);
}

#endif /* MQ_TIMEDRECEIVE2_H */
