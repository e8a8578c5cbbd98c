// SPDX-License-Identifier: GPL-2.0-or-later
#include "queue.h"

/*
 * mqueue_get_inode() in ipc/mqueue.c charges what the queue may pin at worst: every message's text
 * and header, and a tree node for each priority in use. The sizes are those of 64-bit kernels.
 */
#define KERNEL_MSG_MSG_SIZE   48    /* struct msg_msg, include/linux/msg.h */
#define KERNEL_TREE_NODE_SIZE 48    /* struct posix_msg_tree_node, ipc/mqueue.c */
#define KERNEL_MQ_PRIO_MAX    32768 /* include/uapi/linux/mqueue.h */

const char *const mqw_error_names[MQW_ERRORS] = {
	[MQW_EAGAIN] = "EAGAIN",     [MQW_ETIMEDOUT] = "ETIMEDOUT", [MQW_EINTR] = "EINTR",
	[MQW_EMSGSIZE] = "EMSGSIZE", [MQW_EINVAL] = "EINVAL",	    [MQW_EFAULT] = "EFAULT",
	[MQW_EBADF] = "EBADF",	     [MQW_ENOMEM] = "ENOMEM",	    [MQW_EOTHER] = "other",
};
static_assert(MQW_EOTHER + 1 == MQW_ERRORS, "every error has a name");

const struct mqw_counters *queue_counters(const struct queue *q)
{
	static const struct mqw_counters none = {};

	return q->counters ?: &none;
}

uint64_t queue_reserved_bytes(const struct queue_attr *attr)
{
	uint64_t limit = attr->messages_limit;
	uint64_t nodes = limit < KERNEL_MQ_PRIO_MAX ? limit : KERNEL_MQ_PRIO_MAX;

	return limit * attr->message_size_limit + limit * KERNEL_MSG_MSG_SIZE +
	       nodes * KERNEL_TREE_NODE_SIZE;
}
