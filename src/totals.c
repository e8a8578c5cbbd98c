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
		depth = __atomic_load_n(&slot->depth, __ATOMIC_ACQUIRE);
		again = __atomic_load_n(&slot->changed_ns, __ATOMIC_ACQUIRE);
	} while (again != since);
	if (depth <= 0 || now <= since)
		return s;
	s.depth_ns = (unsigned __int128)(now - since) * (uint64_t)depth;
	if ((uint64_t)depth >= slot->depth_limit)
		s.full_ns = now - since;
	return s;
}

void totals_add(struct mqw_counters *to, const struct mqw_counters *from)
{
	for (size_t o = 0; o < MQW_OPS; o++) {
		const struct mqw_op_stats *a = &from->op[o];
		struct mqw_op_stats *b = &to->op[o];

		b->messages += a->messages;
		b->bytes += a->bytes;
		b->time_ns += a->time_ns;
		if (a->last_ns > b->last_ns)
			b->last_ns = a->last_ns;
		for (size_t i = 0; i < MQW_TIME_BUCKETS; i++)
			b->time[i] += a->time[i];
		for (size_t i = 0; i < MQW_ERRORS; i++)
			b->errors[i] += a->errors[i];
	}
	for (size_t i = 0; i < MQW_DEPTH_BUCKETS; i++)
		to->depth[i] += from->depth[i];
	to->depth_ratio_sum += from->depth_ratio_sum;
	for (size_t i = 0; i < MQW_TIME_BUCKETS; i++)
		to->residence[i] += from->residence[i];
	to->residence_ns += from->residence_ns;
	to->unpaired += from->unpaired;
	to->peeks += from->peeks;
	totals_add_standing(to, &(struct standing){queue_depth_ns(from), from->full_ns});
}
