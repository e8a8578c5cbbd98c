// SPDX-License-Identifier: GPL-2.0-or-later
/* How long calls took, how long messages stayed, how full the queue was. */
#include "metrics_internal.h"

struct histogram {
	const char *name, *help;
	size_t n_counts;
	size_t n_bounds; /* counts beyond the bounds are in +Inf only */
	uint64_t (*bound)(size_t i);
	uint64_t bound_unit;				    /* bounds are in 1/bound_unit */
	uint64_t (*count)(const struct queue *q, size_t i); /* not cumulative */
	uint64_t (*sum)(const struct queue *q);
	uint64_t sum_unit;
};

static uint64_t time_bound(size_t i)
{
	return UINT64_C(1) << (MQW_TIME_SHIFT_MIN + MQW_TIME_SHIFT_STEP * i);
}

static uint64_t depth_bound(size_t i)
{
	return i;
}

static uint64_t send_count(const struct queue *q, size_t i)
{
	return queue_counters(q)->op[MQW_SEND].time[i];
}

static uint64_t send_sum(const struct queue *q)
{
	return queue_counters(q)->op[MQW_SEND].time_ns;
}

static uint64_t receive_count(const struct queue *q, size_t i)
{
	return queue_counters(q)->op[MQW_RECEIVE].time[i];
}

static uint64_t receive_sum(const struct queue *q)
{
	return queue_counters(q)->op[MQW_RECEIVE].time_ns;
}

static uint64_t residence_count(const struct queue *q, size_t i)
{
	return queue_counters(q)->residence[i];
}

static uint64_t residence_sum(const struct queue *q)
{
	return queue_counters(q)->residence_ns;
}

static uint64_t depth_count(const struct queue *q, size_t i)
{
	return queue_counters(q)->depth[i];
}

static uint64_t depth_sum(const struct queue *q)
{
	return queue_counters(q)->depth_ratio_sum;
}

static const struct histogram histograms[] = {
	{"mqwatch_queue_send_blocked_seconds",
	 "Time that send calls were blocked, failed ones included; 0 if one did not sleep.",
	 MQW_TIME_BUCKETS, MQW_TIME_BUCKETS - 1, time_bound, NSEC_PER_SEC, send_count, send_sum,
	 NSEC_PER_SEC},
	{"mqwatch_queue_receive_blocked_seconds",
	 "Time that receive calls were blocked, failed ones included; 0 if one did not sleep.",
	 MQW_TIME_BUCKETS, MQW_TIME_BUCKETS - 1, time_bound, NSEC_PER_SEC, receive_count,
	 receive_sum, NSEC_PER_SEC},
	{"mqwatch_queue_residence_seconds",
	 "Time that received messages were in the queue, of those whose sends are known.",
	 MQW_TIME_BUCKETS, MQW_TIME_BUCKETS - 1, time_bound, NSEC_PER_SEC, residence_count,
	 residence_sum, NSEC_PER_SEC},
	{"mqwatch_queue_depth_at_send_ratio",
	 "How full sends found the queue: messages before the send by the queue's limit.",
	 MQW_DEPTH_BUCKETS, MQW_DEPTH_BUCKETS, depth_bound, 10, depth_count, depth_sum,
	 USEC_PER_SEC},
};

#define BOUNDS_MAX 16
static_assert(MQW_TIME_BUCKETS <= BOUNDS_MAX && MQW_DEPTH_BUCKETS <= BOUNDS_MAX, "room for bounds");

/* The end of a bucket line up to its value, the same for every queue. */
struct bucket_ends {
	struct text text;
	size_t offset[BOUNDS_MAX + 2];
};

static void render_bucket_ends(struct bucket_ends *ends, const struct histogram *h)
{
	for (size_t i = 0; i <= h->n_bounds; i++) {
		ends->offset[i] = ends->text.size;
		text_append(&ends->text, ",le=\"");
		if (i < h->n_bounds)
			text_append_fraction(&ends->text, h->bound(i), h->bound_unit);
		else
			text_append(&ends->text, "+Inf");
		text_append(&ends->text, "\"} ");
		ends->offset[i + 1] = ends->text.size;
	}
}

static void render_histogram_row(struct render *r, const struct histogram *h, const struct row *row,
				 const char *bucket, const struct bucket_ends *ends)
{
	uint64_t total = 0;

	for (size_t i = 0; i <= h->n_bounds; i++) {
		total += i < h->n_counts ? h->count(row->queue, i) : 0;
		begin_sample(r, bucket, row, ends->text.data + ends->offset[i],
			     ends->offset[i + 1] - ends->offset[i]);
		end_sample(r, total);
	}
	text_append(r->out, h->name);
	begin_sample(r, "_sum", row, "} ", 2);
	text_append_fraction(r->out, h->sum(row->queue), h->sum_unit);
	text_append_bytes(r->out, "\n", 1);
	text_append(r->out, h->name);
	begin_sample(r, "_count", row, "} ", 2);
	end_sample(r, total);
}

static void render_histogram(struct render *r, const struct histogram *h)
{
	struct bucket_ends ends = {};
	struct text bucket = {};
	bool begun = false;

	text_append(&bucket, h->name);
	text_append_bytes(&bucket, "_bucket", sizeof("_bucket"));
	render_bucket_ends(&ends, h);
	if (bucket.failed || ends.text.failed)
		r->out->failed = true;
	for (size_t i = 0; i < r->n_rows && !r->out->failed; i++) {
		if (!r->rows[i].histograms)
			continue;
		if (!begun)
			text_family(r->out, h->name, "histogram", h->help);
		begun = true;
		render_histogram_row(r, h, &r->rows[i], bucket.data, &ends);
	}
	text_free(&ends.text);
	text_free(&bucket);
}

void metrics_render_histograms(struct render *r)
{
	for (size_t i = 0; i < ARRAY_SIZE(histograms); i++)
		render_histogram(r, &histograms[i]);
}
