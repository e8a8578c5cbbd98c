/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Data: what is known of one queue. Shared by the queue table, the metrics and the JSON. */
#ifndef MQWATCH_QUEUE_H
#define MQWATCH_QUEUE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <linux/types.h>

#include "../bpf/mqwatch.h"
#include "stall.h"

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

/* The message that has been in the queue for longest. */
struct queue_oldest {
	bool known;    /* else there is none, or nothing is known of it */
	bool at_least; /* it was sent at sent_ns or earlier */
	uint64_t sent_ns;
	uint32_t priority;
	uint32_t pid; /* of its sender; 0: not known */
	uint32_t tid;
	char comm[16];
};

struct queue_level {
	uint32_t priority;
	uint64_t messages;
};

#define QUEUE_LEVELS_MAX 32

/* What looks into the queue found: src/watch.h. */
struct queue_findings {
	struct queue_oldest oldest;
	bool levels_known;
	size_t n_levels;	    /* the highest of those in use */
	struct queue_level *levels; /* room for QUEUE_LEVELS_MAX; NULL: not wanted */
	uint64_t below;		    /* messages of the priorities that are not in levels */
	/* since when the call that has been blocked for longest has been, at the latest; 0: none */
	uint64_t blocked_ns[MQW_OPS];
};

/* How far the watch has got with the queue. */
struct queue_progress {
	bool looked;	 /* what follows is of the last look */
	bool consistent; /* it saw the whole queue, and no call was under way */
	bool overtaken;	 /* messages stand before the oldest one */
	uint64_t looked_ns;
	uint64_t begun, under_way; /* of the slot; see struct mqw_queue */
	uint64_t messages;	   /* that the kernel counted */
	uint64_t received;	   /* by the slot */
	uint64_t next_ns;	   /* no look before this time */
};

/* Whom the kernel has charged a queue's bytes to, which chown(2) does not change. */
struct queue_charged {
	uint64_t user; /* struct mqw_detail.user; 0: not known */
	uint32_t uid;
};

/* A system may have tens of thousands: the order of the members leaves few holes. */
struct queue {
	struct mqw_key id;
	uint64_t handle;	/* struct peek_item.handle; 0: not known */
	const char *name;	/* without the leading '/'; any bytes but NUL and '/'; borrowed */
	uint64_t first_ns;	/* when it was first seen */
	int64_t used_sec;	/* Unix time of the last call on it; if opens_known */
	uint32_t opens, writes; /* open descriptions, and those of them that may send */
	uint32_t readers, writers; /* open descriptions but our own, by access */
	uint32_t slot;		   /* if slotted */
	bool linked : 1;	   /* else it has the name no more, and is there while it is open */
	bool shadow : 1; /* another queue has the name: this one is told apart by its inode */
	bool opens_known : 1;
	bool openers_known : 1;
	bool counted : 1;	/* the probes see this queue: counters are valid */
	bool peeks_counted : 1; /* so is that of peeks: the kernel has mq_timedreceive2(2) */
	bool slotted : 1;	/* they have seen a call on it: its counts are in this slot */
	struct queue_charged charged;
	struct queue_attr attr;
	/* as long as the queue has this identity */
	struct queue_findings found;
	struct queue_progress progress;
	struct stall stall;
	uint32_t stalls[STALL_REASONS]; /* how often it got stuck, counted as counters are */
	/*
	 * Totals since the daemon started, per (IPC namespace, name): they go on when a queue is
	 * removed and made again. There from table_sum() until the next refresh.
	 */
	struct mqw_counters *counters; /* NULL: all 0 */
};

const struct mqw_counters *queue_counters(const struct queue *q);

/* "EAGAIN", ...; "other" for MQW_EOTHER. */
extern const char *const mqw_error_names[MQW_ERRORS];

/* The integral of depth over time, in ns times messages. */
static inline unsigned __int128 queue_depth_ns(const struct mqw_counters *c)
{
	return (unsigned __int128)c->depth_ns_high << 64 | c->depth_ns;
}

/* Bytes that RLIMIT_MSGQUEUE is charged: mqueue_get_inode() in ipc/mqueue.c. */
uint64_t queue_reserved_bytes(const struct queue_attr *attr);

#endif /* MQWATCH_QUEUE_H */
