/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Looks at the queues from time to time: what their oldest messages are, and whether they are stuck.
 * A queue in which nothing happened costs a glance at its slot; one that changed a snapshot without
 * payloads; one that is stalled is looked at more often.
 */
#ifndef MQWATCH_WATCH_H
#define MQWATCH_WATCH_H

#include "status.h"

struct watch;

/* What the watch works with; the table's queues get what it finds. */
struct watch_parts {
	struct table *table;
	struct namespaces *namespaces;
	struct peek *peek;
	struct probe *probe;
	uint64_t *snapshots; /* counts by enum snapshot_result */
	bool levels;	     /* find how many messages of each priority there are */
};

struct watch_ops {
	struct stall_rules (*rules)(void *data, const struct queue *q);
	/* how many open descriptions may receive; -errno: not known */
	int (*readers)(void *data, const struct queue *q, size_t *ret);
	/* since when the send that has been blocked for longest has been; 0: none, or not known */
	uint64_t (*blocked_since)(void *data, const struct queue *q);
	/* q->stall changed from these reasons to what it is now; a queue that went has none any more */
	void (*stalled)(void *data, const struct queue *q, const struct stall *before);
};

int watch_new(struct watch **ret, const struct watch_ops *ops, void *data);
void watch_free(struct watch *w);
DEFINE_CLEANUP(struct watch *, watch_free)

/* Queues were seen that are not in the table, or some are gone from it: time for table_refresh(). */
bool watch_stale(struct watch *w, struct probe *probe);

/*
 * One round over the table. Returns when the next one is due (CLOCK_MONOTONIC), which is interval_ns
 * from now at the latest.
 */
uint64_t watch_run(struct watch *w, const struct watch_parts *parts, uint64_t interval_ns);

/*
 * What a snapshot tells of the oldest message and of the levels. Of one that is not consistent: the
 * oldest message that it holds; the queue's is that old at least.
 */
void watch_find(const struct snapshot *s, struct queue_findings *found);

#endif /* MQWATCH_WATCH_H */
