/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The "syscall" backend behind peek.h: mq_timedreceive2(2) with MQ_PEEK, one message a call.
 *
 * Each call is atomic, so no message is ever torn; but between two calls messages may come and go, which
 * moves the others' places: one would be skipped or seen twice, and neither the depth nor
 * the contents tell, as a receive and a send leave the depth as it was and messages may be alike. So a
 * snapshot counts only as far as it is proven that nothing moved while it was read:
 *
 * - The queue is quiet. Whatever moves a message stamps the inode's change time with the coarse clock
 *   while it holds the queue's lock, after which it may be a while until it is seen; each call
 *   takes that lock. If the change time is of an earlier second than the clock before the first call
 *   (file systems may cut the stamps down to seconds, as mqueue does) and the same after the last
 *   one, none of the calls saw a change. This needs no rights but to read the queue, and a queue that was
 *   left alone for up to a second.
 *
 * - The probes guard it: no send or receive was under way and none has begun (struct peek_mark).
 *
 * The proof is renewed every few messages, so that a reading that loses it keeps a proven prefix; the
 * first message alone is proven by its own call.
 *
 * Who sent a message, and when, is known to the probes alone. They are asked through the "bpf" backend, which
 * lists the queue's messages without payload within the same proof.
 */
#ifndef MQWATCH_PEEK_SYSCALL_H
#define MQWATCH_PEEK_SYSCALL_H

#include <sys/stat.h>

#include "peek_bpf.h"
#include "timedreceive2.h"

struct peek_syscall;

/* What it asks of the kernel and of the probes; tests put a queue of their own in place. */
struct peek_syscall_calls {
	timedreceive2_fn receive;
	int (*getattr)(mqd_t mqd, struct mq_attr *ret);
	int (*stat)(int fd, struct stat *ret);
	time_t (*seconds)(void); /* of CLOCK_REALTIME_COARSE */
	int (*mark)(struct peek_bpf *bpf, int mqd, struct peek_mark *ret);
	int (*list)(struct peek_bpf *bpf, int mqd, const struct peek_request *request,
		    struct snapshot **ret);
};
extern const struct peek_syscall_calls peek_syscall_calls;

/*
 * witness: the "bpf" backend where it has the probes' maps, else NULL; borrowed. buffer_max bounds the bytes
 * of payloads that a snapshot holds.
 */
int peek_syscall_new(struct peek_syscall **ret, const struct peek_syscall_calls *calls,
		     struct peek_bpf *witness, uint64_t buffer_max);
void peek_syscall_free(struct peek_syscall *b);
DEFINE_CLEANUP(struct peek_syscall *, peek_syscall_free)

int peek_syscall_snapshot(struct peek_syscall *b, int mqd, const struct peek_request *request,
			  struct snapshot **ret);

#endif /* MQWATCH_PEEK_SYSCALL_H */
