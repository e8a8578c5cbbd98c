/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The part of the page about IPC namespaces and users. */
#ifndef MQWATCH_METRICS_REACH_H
#define MQWATCH_METRICS_REACH_H

#include "metrics.h"

void metrics_render_reach(struct text *out, const struct metrics_input *in);

#endif /* MQWATCH_METRICS_REACH_H */
