/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Renders what is known as a Prometheus text page. Pure: no I/O but reading its own process's figures. */
#ifndef MQWATCH_METRICS_H
#define MQWATCH_METRICS_H

#include "quota.h"
#include "status.h"
#include "text.h"

struct metrics_input {
	const struct table *table;
	const struct status *status;
	uint64_t
		realtime_offset_ns; /* CLOCK_REALTIME minus CLOCK_MONOTONIC: turns last_ns into Unix time */
	const struct quota *quota;
	size_t priorities_max; /* that are told apart per queue; 0: none */
	size_t series_max;     /* on the page, about; 0: any number */
	uint64_t scrape_ns;    /* what the previous scrape took, 0: none yet */
};

void metrics_render(struct text *out, const struct metrics_input *in);

#endif /* MQWATCH_METRICS_H */
