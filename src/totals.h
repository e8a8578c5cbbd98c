/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sums of what the probes counted. */
#ifndef MQWATCH_TOTALS_H
#define MQWATCH_TOTALS_H

#include "queue.h"

/*
 * Depth over time, and time at the limit. The probes add to it when the depth changes; what has come
 * since is added when it is read.
 */
struct standing {
	unsigned __int128 depth_ns;
	uint64_t full_ns;
};

/* Of a slot: the depth by the calls that returned, and how many messages they moved. */
int64_t slot_depth(const struct mqw_queue *slot);
uint64_t slot_messages(const struct mqw_op_stats *stats);

/* Adds what a slot counted to a sum. */
void totals_add(struct mqw_counters *to, const struct mqw_counters *slot);
void totals_add_standing(struct mqw_counters *to, const struct standing *s);

/* What has come since the slot's depth changed. */
struct standing totals_standing(const struct mqw_queue *slot, uint64_t now);

#endif /* MQWATCH_TOTALS_H */
