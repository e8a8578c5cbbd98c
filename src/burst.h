/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How many log entries of a kind there may be at once. Pure: times are CLOCK_MONOTONIC nanoseconds. */
#ifndef MQWATCH_BURST_H
#define MQWATCH_BURST_H

#include "util.h"

#define BURST_MAX 100
#define BURST_NS  (30 * NSEC_PER_SEC)

/* All 0 at first. */
struct burst {
	uint64_t begun_ns;
	uint32_t used; /* since then */
	uint64_t suppressed,
		suppressed_ns; /* how many were not allowed, and when the first of them was */
};

/* Whether one more is allowed. At most BURST_MAX are within BURST_NS of the first. */
bool burst_allow(struct burst *b, uint64_t now);
/* How many were not, and so have not been told of: other than 0 once in BURST_NS. */
uint64_t burst_suppressed(struct burst *b, uint64_t now);

#endif /* MQWATCH_BURST_H */
