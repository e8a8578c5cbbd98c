/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whether the kernel has mq_timedreceive2(2), at the number that this program would call.
 *
 * No number is assigned to the call: what a kernel without it has there may be some other call, of
 * a vendor or of the future, with effects of its own. So nothing is called on a guess:
 *
 * 1. The kernel must name the call: as a tracing event, or as a symbol in /proc/kallsyms, which anyone
 *    may read (the addresses are hidden from most, the names are not). Where neither can be
 *    read nothing is called.
 *
 * 2. A name says nothing of the number: with a number of its own the kernel may still have another call at
 *    ours. So there are trials first, each of which mq_timedreceive2(2) answers with an error that
 *    the order of its checks demands, and a first wrong answer ends them. What else might be there
 *    gets no pointer to anything and no descriptor until three right answers, then two words of zeros and
 *    at last an empty pipe made for the purpose; no queue. Calls that need neither
 *    descriptor nor memory act on their own process (umask(2), close_range(2), pause(2), exit(2)),
 *    so the trials run in a child process, with a time limit. There, too, a seccomp filter may kill
 *    for them.
 */
#ifndef MQWATCH_TIMEDRECEIVE2_H
#define MQWATCH_TIMEDRECEIVE2_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "../kernel/include/mq_timedreceive2.h"

typedef ssize_t (*timedreceive2_fn)(mqd_t mqdes, struct mq_timedreceive2_args *args,
				    unsigned int flags, unsigned long index,
				    const struct __kernel_timespec *abs_timeout);

/* 0 if the kernel has it; else -EOPNOTSUPP and reason holds one line, or -ENOMEM. */
int timedreceive2_find(char *reason, size_t size);

/*
 * Step 1. tracefs: a descriptor of its root, or negative; kallsyms: a path. 1: named, 0: not named,
 * -errno: neither can be read.
 */
int timedreceive2_named(int tracefs, const char *kallsyms);

/* Whether a list of symbols, as /proc/kallsyms has them, names the call as one of the kernel itself. */
bool timedreceive2_in_symbols(FILE *symbols);

/* Step 2. 0: the answers are those of mq_timedreceive2(2); else as timedreceive2_find(). */
int timedreceive2_try(timedreceive2_fn call, char *reason, size_t size);

#endif /* MQWATCH_TIMEDRECEIVE2_H */
