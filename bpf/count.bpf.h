/* SPDX-License-Identifier: GPL-2.0 */
/* Counting: losses, durations, errors, depth. */
#ifndef COUNT_BPF_H
#define COUNT_BPF_H

#include "maps.bpf.h"

#define ERESTARTSYS 512

#define LONG_TIME_SHIFT 44 /* times a depth of less than 2^19 it is less than 2^63 */

__u64 losses[MQW_LOSSES];

static __always_inline void count_loss(enum mqw_loss reason)
{
	__sync_fetch_and_add(&losses[reason], 1);
}

static __always_inline enum mqw_error error_of(long result)
{
	switch (-result) {
	case 11:
		return MQW_EAGAIN;
	case 110:
		return MQW_ETIMEDOUT;
	case 4:
	case ERESTARTSYS:
		return MQW_EINTR;
	case 90:
		return MQW_EMSGSIZE;
	case 22:
		return MQW_EINVAL;
	case 14:
		return MQW_EFAULT;
	case 9:
		return MQW_EBADF;
	case 12:
		return MQW_ENOMEM;
	default:
		return MQW_EOTHER;
	}
}

/* Smallest i with ns <= 2^(10 + 2i), by halving; see MQW_TIME_BUCKETS. */
static __always_inline __u32 time_bucket(__u64 ns)
{
	__u64 v = ns ? (ns - 1) >> MQW_TIME_SHIFT_MIN : 0;
	__u32 bits = 0;

	if (unlikely(v >> 32))
		return MQW_TIME_BUCKETS - 1;
	if (v >> 16) {
		bits += 16;
		v >>= 16;
	}
	if (v >> 8) {
		bits += 8;
		v >>= 8;
	}
	if (v >> 4) {
		bits += 4;
		v >>= 4;
	}
	if (v >> 2) {
		bits += 2;
		v >>= 2;
	}
	bits = (bits + (v ? 2 : 0)) / MQW_TIME_SHIFT_STEP;
	return bits < MQW_TIME_BUCKETS ? bits : MQW_TIME_BUCKETS - 1;
}

/* A series goes on while the next one comes within this time. */
#define REJECTIONS_GAP_NS 1000000000ULL

static __always_inline void note_rejection(struct mqw_queue *q, __u64 now)
{
	if (now - q->rejected_ns > REJECTIONS_GAP_NS)
		q->rejecting_ns = now;
	q->rejected_ns = now;
}

/* Adds to a count of calls, of which the low half must not run over into the high one. */
static __always_inline __u64 count_call(__u64 *calls, enum mqw_op op)
{
	__u64 before;

	if (op == MQW_SEND)
		return __sync_fetch_and_add(calls, MQW_ONE_SEND);
	before = __sync_fetch_and_add(calls, MQW_ONE_RECEIVE);
	if (unlikely(mqw_receives(before) == (__u32)-1))
		__sync_fetch_and_add(calls, -MQW_ONE_SEND);
	return before;
}

static __always_inline __s32 depth_of(struct mqw_queue *q)
{
	return mqw_depth(q->depth_base, *(volatile __u64 *)&q->moved);
}

/*
 * Adds the time since the last change to the integral of depth over time. Both may be negative: the time
 * where calls come here in another order than that of their times, the depth where a receive
 * comes before its send. Taken as they are they even out, since the sum is that of all receives' times less
 * that of all sends', in whichever order. The depth is that before the change.
 */
static __always_inline void change_depth(struct mqw_queue *q, __s64 depth, __u64 now)
{
	__s64 time, area, high;
	__u64 sum;

	if (!depth) {
		*(volatile __u64 *)&q->changed_ns = now;
		return;
	}
	time = now - __sync_lock_test_and_set(&q->changed_ns, now);
	area = time * depth;
	high = area >> 63;
	if (unlikely(time >> LONG_TIME_SHIFT > 0)) /* the product may need more than 64 bits */
		high = ((time >> 16) * depth + ((time & 0xffff) * depth >> 16)) >> 48;
	sum = __sync_fetch_and_add(&q->counters.depth_ns, area);
	high += sum + area < sum;
	if (unlikely(high))
		__sync_fetch_and_add(&q->counters.depth_ns_high, high);
	if (depth >= (__s64)q->depth_limit)
		__sync_fetch_and_add(&q->counters.full_ns, time);
}

static __always_inline void count_message(struct mqw_queue *q, enum mqw_op op, __u64 bytes,
					  __u64 now)
{
	__sync_fetch_and_add(&q->counters.op[op].bytes, bytes);
	q->counters.op[op].last_ns = now;
}

#endif /* COUNT_BPF_H */
