// SPDX-License-Identifier: GPL-2.0-or-later
#include "totals.h"

void totals_add_standing(struct mqw_counters *to, const struct standing *s)
{
	unsigned __int128 sum = queue_depth_ns(to) + s->depth_ns;

	to->depth_ns = (uint64_t)sum;
	to->depth_ns_high = (uint64_t)(sum >> 64);
	to->full_ns += s->full_ns;
}

struct standing totals_standing(const struct mqw_queue *slot, uint64_t now)
{
	struct standing s = {};
	uint64_t since, again;
	int64_t depth;

	do {
		since = __atomic_load_n(&slot->changed_ns, __ATOMIC_ACQUIRE);
		depth = slot_depth(slot);
		again = __atomic_load_n(&slot->changed_ns, __ATOMIC_ACQUIRE);
	} while (again != since);
	if (depth <= 0 || now <= since)
		return s;
	s.depth_ns = (unsigned __int128)(now - since) * (uint64_t)depth;
	if ((uint64_t)depth >= slot->depth_limit)
		s.full_ns = now - since;
	return s;
}

int64_t slot_depth(const struct mqw_queue *slot)
{
	uint64_t moved = __atomic_load_n(&slot->moved, __ATOMIC_ACQUIRE);

	return mqw_depth(__atomic_load_n(&slot->depth_base, __ATOMIC_ACQUIRE), moved);
}

uint64_t slot_messages(const struct mqw_op_stats *stats)
{
	uint64_t sum = __atomic_load_n(&stats->messages, __ATOMIC_ACQUIRE);

	for (size_t i = 0; i < MQW_TIME_BUCKETS; i++)
		sum += __atomic_load_n(&stats->time[i], __ATOMIC_ACQUIRE);
	return sum;
}

void totals_add(struct mqw_counters *to, const struct mqw_counters *slot)
{
	for (size_t o = 0; o < MQW_OPS; o++) {
		const struct mqw_op_stats *a = &slot->op[o];
		struct mqw_op_stats *b = &to->op[o];

		b->messages += slot_messages(a);
		b->bytes += a->bytes;
		b->time_ns += a->time_ns;
		if (a->last_ns > b->last_ns)
			b->last_ns = a->last_ns;
		for (size_t i = 0; i < MQW_TIME_BUCKETS; i++) {
			b->time[i] += a->time[i] + a->failed[i];
		}
		for (size_t i = 0; i < MQW_ERRORS; i++)
			b->errors[i] += a->errors[i];
	}
	for (size_t i = 0; i < MQW_DEPTH_BUCKETS; i++)
		to->depth[i] += slot->depth[i];
	to->depth_ratio_sum += slot->depth_ratio_sum;
	for (size_t i = 0; i < MQW_TIME_BUCKETS; i++)
		to->residence[i] += slot->residence[i];
	to->residence_ns += slot->residence_ns;
	to->unpaired += slot->unpaired;
	to->peeks += slot->peeks;
	totals_add_standing(to, &(struct standing){queue_depth_ns(slot), slot->full_ns});
}
