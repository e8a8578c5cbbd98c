/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The part of the metrics page that is about the daemon itself. Private to metrics*.c. */
#ifndef MQWATCH_METRICS_SELF_H
#define MQWATCH_METRICS_SELF_H

#include "metrics.h"

void metrics_render_self(struct text *out, const struct metrics_input *in);

#endif /* MQWATCH_METRICS_SELF_H */
