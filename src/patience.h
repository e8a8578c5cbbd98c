/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How often a look that was not good enough is repeated. */
#ifndef MQWATCH_PATIENCE_H
#define MQWATCH_PATIENCE_H

#include <time.h>

#include "util.h"

#define PATIENCE_ATTEMPTS 8 /* at once, before there is a pause between them */
#define PATIENCE_PAUSE_NS 1000000

struct patience {
	uint64_t until_ns, begun_ns;
	unsigned int attempts;
};

static inline struct patience patience_new(uint64_t ns)
{
	return (struct patience){.until_ns = clock_ns(CLOCK_MONOTONIC) + ns};
}

static inline void patience_attempt(struct patience *p)
{
	p->begun_ns = clock_ns(CLOCK_MONOTONIC);
	p->attempts++;
}

/* Whether to try again, after a pause where it needs one. The last attempt begins when time is up, or later. */
static inline bool patience_left(const struct patience *p)
{
	const struct timespec pause = {.tv_nsec = PATIENCE_PAUSE_NS};

	if (p->attempts < PATIENCE_ATTEMPTS)
		return true;
	if (p->begun_ns >= p->until_ns)
		return false;
	nanosleep(&pause, NULL);
	return true;
}

#endif /* MQWATCH_PATIENCE_H */
