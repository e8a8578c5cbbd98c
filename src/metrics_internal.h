/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files share that render the queues' series: metrics.c chooses them, the others write. */
#ifndef MQWATCH_METRICS_INTERNAL_H
#define MQWATCH_METRICS_INTERNAL_H

#include "metrics.h"

/* A queue with its labels, which stand in render.labels and are rendered once for all its lines. */
struct row {
	const struct queue *queue;
	size_t offset, size;
	bool counters, histograms; /* besides what every queue has */
};

struct render {
	struct text *out;
	const struct metrics_input *in;
	struct text labels;
	size_t n_rows;
	struct row *rows;
	/* queues that are not on the page, or without these */
	uint64_t without_all, without_counters, without_histograms;
};

/* name{labels rest, where rest ends the labels. */
static inline void begin_sample(struct render *r, const char *name, const struct row *row,
				const char *rest, size_t rest_size)
{
	size_t name_size = strlen(name);
	char *p = text_reserve(r->out, name_size + 1 + row->size + rest_size);

	if (!p)
		return;
	p = mempcpy(p, name, name_size);
	*p++ = '{';
	p = mempcpy(p, r->labels.data + row->offset, row->size);
	p = mempcpy(p, rest, rest_size);
	text_written(r->out, p);
}

static inline void end_sample(struct render *r, uint64_t value)
{
	text_append_u64_line(r->out, value);
}

void metrics_render_queues(struct render *r);	  /* metrics_queues.c: numbers of each queue */
void metrics_render_histograms(struct render *r); /* metrics_histograms.c */

#endif /* MQWATCH_METRICS_INTERNAL_H */
