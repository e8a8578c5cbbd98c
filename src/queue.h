/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Data: what is known of one queue. Shared by the queue table, the metrics and the JSON. */
#ifndef MQWATCH_QUEUE_H
#define MQWATCH_QUEUE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <linux/types.h>

#include "../bpf/mqwatch.h"

/* What the kernel shows of a queue at one moment. */
struct queue_attr {
	uint64_t messages;	     /* mq_curmsgs */
	uint64_t messages_limit;     /* mq_maxmsg */
	uint64_t message_size_limit; /* mq_msgsize, bytes */
	uint64_t bytes;		     /* payload bytes queued; valid if bytes_known */
	bool bytes_known;
	bool waiters_known;	  /* blocked_* come from the kernel's own wait lists */
	uint32_t blocked_senders; /* calls asleep in the kernel, whenever they began */
	uint32_t blocked_receivers;
	uint32_t notify_pid; /* who is registered with mq_notify(3); 0: nobody or unknown */
	uid_t uid;
	gid_t gid;
	mode_t mode; /* permission bits only */
};

struct queue {
	struct mqw_key id;
	char name[MQW_NAME_SIZE]; /* without the leading '/'; any bytes but NUL and '/' */
	bool counted;		  /* the probes see this queue: counters are valid */
	bool peeks_counted;	  /* so is that of peeks: the kernel has mq_timedreceive2(2) */
	struct queue_attr attr;
	/*
	 * Totals since the daemon started, per (IPC namespace, name): they go on when a queue is
	 * removed and made again.
	 */
	struct mqw_counters counters;
};

/* "EAGAIN", ...; "other" for MQW_EOTHER. */
extern const char *const mqw_error_names[MQW_ERRORS];

/* Bytes that RLIMIT_MSGQUEUE is charged: mqueue_get_inode() in ipc/mqueue.c. */
uint64_t queue_reserved_bytes(const struct queue_attr *attr);

#endif /* MQWATCH_QUEUE_H */
