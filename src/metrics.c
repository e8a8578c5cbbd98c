// SPDX-License-Identifier: GPL-2.0-or-later
#include "metrics_internal.h"
#include "metrics_reach.h"
#include "metrics_self.h"
#include "name.h"

/* Series of a queue: what every one has, and what those have besides on which calls were seen. */
#define SERIES_BASE	  16
#define SERIES_COUNTERS	  20
#define SERIES_HISTOGRAMS 64

static void render_done(struct render *r)
{
	text_free(&r->labels);
	free(r->rows);
}

/* With every invalid byte shown as U+FFFD, names that differ in such bytes only need one more label. */
static int render_name(struct text *labels, const char *name)
{
	_cleanup_free_ char *base64 = NULL;
	char path[MQW_NAME_SIZE + 1];

	snprintf(path, sizeof(path), "/%s", name);
	if (!utf8_valid(path, strlen(path))) {
		base64 = base64_encode(path, strlen(path));
		if (!base64)
			return -ENOMEM;
		text_append(labels, "\",name_base64=\"");
		text_append(labels, base64);
	}
	text_append(labels, "\",queue=\"");
	text_append_label_value(labels, path);
	text_append(labels, "\"");
	return 0;
}

static bool has_calls(const struct mqw_op_stats *op)
{
	uint64_t calls = 0;

	for (size_t i = 0; i < MQW_TIME_BUCKETS; i++)
		calls += op->time[i];
	return calls != 0;
}

/*
 * Of a queue that no call was seen on, the counts that are 0 for that reason are left out, but for those of
 * messages: a system may have thousands of them.
 */
static bool is_used(const struct queue *q)
{
	const struct mqw_op_stats *op = queue_counters(q)->op;

	return q->slotted || has_calls(&op[MQW_SEND]) || has_calls(&op[MQW_RECEIVE]);
}

/* Takes n from what is left, if there is as much. */
static bool spend(size_t *left, size_t n, uint64_t *without)
{
	if (*left < n) {
		++*without;
		return false;
	}
	*left -= n;
	return true;
}

/* Where not all series fit, every queue has the most important ones, and the first have more. */
static void spend_series(struct render *r)
{
	size_t left = r->in->series_max ? r->in->series_max - r->n_rows * SERIES_BASE : SIZE_MAX;

	for (size_t i = 0; i < r->n_rows; i++) {
		struct row *row = &r->rows[i];

		row->counters = row->queue->counted && is_used(row->queue) &&
				spend(&left, SERIES_COUNTERS, &r->without_counters);
	}
	for (size_t i = 0; i < r->n_rows; i++) {
		struct row *row = &r->rows[i];

		row->histograms = row->queue->counted && is_used(row->queue) &&
				  spend(&left, SERIES_HISTOGRAMS, &r->without_histograms);
	}
}

static int render_labels(struct render *r)
{
	struct text *labels = &r->labels;

	r->n_rows = table_size(r->in->table);
	if (r->in->series_max && r->n_rows > r->in->series_max / SERIES_BASE) {
		r->without_all = r->n_rows - r->in->series_max / SERIES_BASE;
		r->n_rows -= r->without_all;
	}
	r->rows = calloc(r->n_rows + 1, sizeof(*r->rows));
	if (!r->rows)
		return -ENOMEM;
	for (size_t i = 0; i < r->n_rows; i++) {
		struct row *row = &r->rows[i];

		row->queue = table_at(r->in->table, i);
		row->offset = labels->size;
		text_append(labels, "ipcns=\"");
		text_append_u64(labels, row->queue->id.ipcns);
		if (render_name(labels, row->queue->name) < 0)
			return -ENOMEM;
		if (row->queue->shadow) {
			text_append(labels, ",unlinked=\"");
			text_append_u64(labels, row->queue->id.ino);
			text_append(labels, "\"");
		}
		row->size = labels->size - row->offset;
	}
	if (labels->failed)
		return -ENOMEM;
	spend_series(r);
	return 0;
}

static void render_dropped(struct render *r)
{
	static const char name[] = "mqwatch_series_dropped";
	const struct {
		const char *part;
		uint64_t queues;
	} dropped[] = {
		{"all", r->without_all},
		{"counters", r->without_counters},
		{"histograms", r->without_histograms},
	};

	text_family(r->out, name, "gauge",
		    "Queues without these series here, as there would be too many.");
	for (size_t i = 0; i < ARRAY_SIZE(dropped); i++) {
		text_append(r->out, name);
		text_append(r->out, "{series=\"");
		text_append(r->out, dropped[i].part);
		text_append(r->out, "\"} ");
		end_sample(r, dropped[i].queues);
	}
}

void metrics_render(struct text *out, const struct metrics_input *in)
{
	_cleanup_(render_done) struct render r = {.out = out, .in = in};

	if (render_labels(&r) < 0) {
		out->failed = true;
		return;
	}
	metrics_render_reach(out, in);
	metrics_render_queues(&r);
	metrics_render_histograms(&r);
	render_dropped(&r);
	metrics_render_self(out, in);
}
