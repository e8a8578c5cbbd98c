// SPDX-License-Identifier: GPL-2.0-or-later
#include "metrics.h"
#include "metrics_reach.h"
#include "metrics_self.h"
#include "name.h"

/* A queue with its labels, which stand in render.labels and are rendered once for all its lines. */
struct row {
	const struct queue *queue;
	size_t offset, size;
	bool counters, histograms; /* besides what every queue has */
};

/* Series of a queue: what every one has, and what those have besides on which calls were seen. */
#define SERIES_BASE	  16
#define SERIES_COUNTERS	  20
#define SERIES_HISTOGRAMS 64

struct render {
	struct text *out;
	const struct metrics_input *in;
	struct text labels;
	size_t n_rows;
	struct row *rows;
	/* queues that are not on the page, or without these */
	uint64_t without_all, without_counters, without_histograms;
};

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

/*
 * Of a queue that no call was seen on, the counts that are 0 for that reason are left out, but for those of
 * messages: a system may have thousands of them.
 */
static bool is_used(const struct queue *q)
{
	const struct mqw_op_stats *op = queue_counters(q)->op;

	return q->slotted || op[MQW_SEND].time_ns || op[MQW_RECEIVE].time_ns;
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

/* name{labels rest, where rest ends the labels. */
static void begin_sample(struct render *r, const char *name, const struct row *row,
			 const char *rest, size_t rest_size)
{
	text_append(r->out, name);
	text_append_bytes(r->out, "{", 1);
	text_append_bytes(r->out, r->labels.data + row->offset, row->size);
	text_append_bytes(r->out, rest, rest_size);
}

static void end_sample(struct render *r, uint64_t value)
{
	text_append_u64(r->out, value);
	text_append_bytes(r->out, "\n", 1);
}

/* Families with one number per queue. */
struct family {
	const char *name, *type, *help;
	bool (*get)(const struct queue *q, uint64_t *ret); /* false: not known */
	bool is_time;	/* CLOCK_MONOTONIC nanoseconds, shown as Unix time */
	bool is_detail; /* only where there are counters */
};

#define GETTER(name, known, value)                                              \
	static bool name(const struct queue *q, uint64_t *ret)                  \
	{                                                                       \
		_unused_ const struct queue_attr *attr = &q->attr;              \
		_unused_ const struct mqw_op_stats *op = queue_counters(q)->op; \
                                                                                \
		if (!(known))                                                   \
			return false;                                           \
		*ret = (value);                                                 \
		return true;                                                    \
	}

GETTER(get_messages, true, attr->messages)
GETTER(get_bytes, attr->bytes_known, attr->bytes)
GETTER(get_messages_limit, true, attr->messages_limit)
GETTER(get_message_size_limit, true, attr->message_size_limit)
GETTER(get_reserved_bytes, true, queue_reserved_bytes(attr))
GETTER(get_notify, attr->bytes_known, attr->notify_pid != 0)
GETTER(get_readers, q->openers_known, q->readers)
GETTER(get_writers, q->openers_known, q->writers)
GETTER(get_blocked_senders, attr->waiters_known, attr->blocked_senders)
GETTER(get_blocked_receivers, attr->waiters_known, attr->blocked_receivers)
GETTER(get_last_send, q->counted &&op[MQW_SEND].last_ns, op[MQW_SEND].last_ns)
GETTER(get_last_receive, q->counted &&op[MQW_RECEIVE].last_ns, op[MQW_RECEIVE].last_ns)
GETTER(get_sent_messages, q->counted, op[MQW_SEND].messages)
GETTER(get_sent_bytes, q->counted, op[MQW_SEND].bytes)
GETTER(get_received_messages, q->counted, op[MQW_RECEIVE].messages)
GETTER(get_received_bytes, q->counted, op[MQW_RECEIVE].bytes)
GETTER(get_peeks, q->peeks_counted, queue_counters(q)->peeks)

GETTER(get_oldest, q->found.oldest.known, q->found.oldest.sent_ns)
GETTER(get_unpaired, q->counted, queue_counters(q)->unpaired)

static const struct family families[] = {
	{"mqwatch_queue_messages", "gauge", "Messages in the queue.", get_messages, false, false},
	{"mqwatch_queue_bytes", "gauge", "Payload bytes in the queue.", get_bytes, false, false},
	{"mqwatch_queue_messages_limit", "gauge", "Messages the queue can hold (mq_maxmsg).",
	 get_messages_limit, false, false},
	{"mqwatch_queue_message_size_limit_bytes", "gauge",
	 "Bytes a message of the queue may have (mq_msgsize).", get_message_size_limit, false,
	 false},
	{"mqwatch_queue_reserved_bytes", "gauge",
	 "Bytes the queue's creator is charged against RLIMIT_MSGQUEUE.", get_reserved_bytes, false,
	 false},
	{"mqwatch_queue_notify_registered", "gauge",
	 "Whether a process has asked mq_notify(3) to be told of a message.", get_notify, false,
	 false},
	{"mqwatch_queue_readers", "gauge", "Open descriptions of the queue that may receive.",
	 get_readers, false, false},
	{"mqwatch_queue_writers", "gauge", "Open descriptions of the queue that may send.",
	 get_writers, false, false},
	{"mqwatch_queue_blocked_senders", "gauge", "Calls asleep until the queue has room.",
	 get_blocked_senders, false, false},
	{"mqwatch_queue_blocked_receivers", "gauge", "Calls asleep until a message arrives.",
	 get_blocked_receivers, false, false},
	{"mqwatch_queue_last_send_timestamp_seconds", "gauge", "Unix time of the last send.",
	 get_last_send, true, false},
	{"mqwatch_queue_last_receive_timestamp_seconds", "gauge", "Unix time of the last receive.",
	 get_last_receive, true, false},
	{"mqwatch_queue_oldest_message_timestamp_seconds", "gauge",
	 "Unix time at which the oldest message in the queue was sent; at the latest, if it is "
	 "older "
	 "than this program.",
	 get_oldest, true, false},
	{"mqwatch_queue_unpaired_messages_total", "counter",
	 "Received messages whose residence is not known, as their sends are not.", get_unpaired,
	 false, true},
	{"mqwatch_queue_sent_messages_total", "counter", "Messages sent to the queue.",
	 get_sent_messages, false, false},
	{"mqwatch_queue_sent_bytes_total", "counter", "Payload bytes sent to the queue.",
	 get_sent_bytes, false, true},
	{"mqwatch_queue_received_messages_total", "counter", "Messages received from the queue.",
	 get_received_messages, false, false},
	{"mqwatch_queue_received_bytes_total", "counter", "Payload bytes received from the queue.",
	 get_received_bytes, false, true},
	{"mqwatch_queue_peeks_total", "counter",
	 "Messages looked at with mq_timedreceive2(2) by others than mqwatchd.", get_peeks, false,
	 true},
};

static void render_family(struct render *r, const struct family *f)
{
	bool begun = false;
	uint64_t value;

	for (size_t i = 0; i < r->n_rows; i++) {
		if ((f->is_detail && !r->rows[i].counters) || !f->get(r->rows[i].queue, &value))
			continue;
		if (!begun)
			text_family(r->out, f->name, f->type, f->help);
		begun = true;
		begin_sample(r, f->name, &r->rows[i], "} ", 2);
		if (f->is_time) {
			text_append_seconds(r->out, value + r->in->realtime_offset_ns);
			text_append_bytes(r->out, "\n", 1);
		} else {
			end_sample(r, value);
		}
	}
}

static void render_info(struct render *r)
{
	static const char name[] = "mqwatch_queue_info";

	if (r->n_rows > 0)
		text_family(r->out, name, "gauge", "Owner and permissions of the queue.");
	for (size_t i = 0; i < r->n_rows; i++) {
		const struct queue_attr *attr = &r->rows[i].queue->attr;
		const char mode[] = {'0', (char)('0' + (attr->mode >> 6 & 7)),
				     (char)('0' + (attr->mode >> 3 & 7)),
				     (char)('0' + (attr->mode & 7))};

		begin_sample(r, name, &r->rows[i], ",uid=\"", 6);
		text_append_u64(r->out, attr->uid);
		text_append(r->out, "\",mode=\"");
		text_append_bytes(r->out, mode, sizeof(mode));
		text_append(r->out, r->rows[i].queue->linked ? "\",linked=\"true\"} 1\n"
							     : "\",linked=\"false\"} 1\n");
	}
}

/*
 * The errors of full and empty queues are what one alerts on: they are there from 0 on, so that a rate sees the
 * first one. The others show when they have happened; most never do.
 */
static bool error_shown(const struct mqw_op_stats *op, unsigned int error)
{
	return error == MQW_EAGAIN || error == MQW_ETIMEDOUT || op->errors[error];
}

static void render_errors(struct render *r, enum mqw_op op, const char *name, const char *help)
{
	bool begun = false;

	for (size_t i = 0; i < r->n_rows; i++) {
		const struct queue *q = r->rows[i].queue;

		if (!r->rows[i].counters)
			continue;
		if (!begun)
			text_family(r->out, name, "counter", help);
		begun = true;
		for (unsigned int e = 0; e < MQW_ERRORS; e++) {
			if (!error_shown(&queue_counters(q)->op[op], e))
				continue;
			begin_sample(r, name, &r->rows[i], ",errno=\"", 8);
			text_append(r->out, mqw_error_names[e]);
			text_append_bytes(r->out, "\"} ", 3);
			end_sample(r, queue_counters(q)->op[op].errors[e]);
		}
	}
}

/* Sums over time, which need more than 64 bits of nanoseconds. */
static void render_seconds(struct render *r, const char *name, const char *help,
			   unsigned __int128 (*get)(const struct mqw_counters *c))
{
	bool begun = false;

	for (size_t i = 0; i < r->n_rows; i++) {
		const struct queue *q = r->rows[i].queue;

		if (!r->rows[i].counters)
			continue;
		if (!begun)
			text_family(r->out, name, "counter", help);
		begun = true;
		begin_sample(r, name, &r->rows[i], "} ", 2);
		text_append_long_seconds(r->out, get(queue_counters(q)));
		text_append_bytes(r->out, "\n", 1);
	}
}

static unsigned __int128 full_ns(const struct mqw_counters *c)
{
	return c->full_ns;
}

/* At most so many priorities of a queue; the others together are "other". */
static void render_levels(struct render *r, size_t max)
{
	static const char name[] = "mqwatch_queue_messages_by_priority";
	bool begun = false;

	for (size_t i = 0; max && i < r->n_rows; i++) {
		const struct queue_findings *found = &r->rows[i].queue->found;
		uint64_t other = found->below;

		if (!found->levels_known || !found->n_levels)
			continue;
		if (!begun)
			text_family(r->out, name, "gauge", "Messages in the queue, by priority.");
		begun = true;
		for (size_t l = 0; l < found->n_levels; l++) {
			if (l >= max) {
				other += found->levels[l].messages;
				continue;
			}
			begin_sample(r, name, &r->rows[i], ",priority=\"", 11);
			text_append_u64(r->out, found->levels[l].priority);
			text_append_bytes(r->out, "\"} ", 3);
			end_sample(r, found->levels[l].messages);
		}
		if (!other)
			continue;
		begin_sample(r, name, &r->rows[i], ",priority=\"other\"} ", 19);
		end_sample(r, other);
	}
}

static void render_blocked_since(struct render *r)
{
	static const char name[] = "mqwatch_queue_oldest_blocked_timestamp_seconds";
	static const char *const ends[MQW_OPS] = {
		[MQW_SEND] = ",operation=\"send\"} ",
		[MQW_RECEIVE] = ",operation=\"receive\"} ",
	};
	bool begun = false;

	for (size_t i = 0; i < r->n_rows; i++) {
		for (size_t op = 0; op < MQW_OPS; op++) {
			uint64_t since = r->rows[i].queue->found.blocked_ns[op];

			if (!since)
				continue;
			if (!begun)
				text_family(r->out, name, "gauge",
					    "Unix time since which the call that has been blocked "
					    "for longest has been; at the latest, if that began "
					    "before this program.");
			begun = true;
			begin_sample(r, name, &r->rows[i], ends[op], strlen(ends[op]));
			text_append_seconds(r->out, since + r->in->realtime_offset_ns);
			text_append_bytes(r->out, "\n", 1);
		}
	}
}

static void render_stalls(struct render *r, const char *name, const char *type, const char *help,
			  uint64_t (*get)(const struct queue *q, enum stall_reason reason))
{
	bool begun = false;

	for (size_t i = 0; i < r->n_rows; i++) {
		const struct queue *q = r->rows[i].queue;

		if (!q->counted || !q->progress.looked)
			continue;
		/* what is empty and not used cannot be stuck */
		if (!r->rows[i].counters && !q->attr.messages && !q->stall.reasons)
			continue;
		if (!begun)
			text_family(r->out, name, type, help);
		begun = true;
		for (unsigned int reason = 0; reason < STALL_REASONS; reason++) {
			begin_sample(r, name, &r->rows[i], ",reason=\"", 9);
			text_append(r->out, stall_reason_names[reason]);
			text_append_bytes(r->out, "\"} ", 3);
			end_sample(r, get(q, reason));
		}
	}
}

static uint64_t get_stalled(const struct queue *q, enum stall_reason reason)
{
	return stall_has(&q->stall, reason);
}

static uint64_t get_stalls(const struct queue *q, enum stall_reason reason)
{
	return q->stalls[reason];
}

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
	 "Time spent in send calls, failed ones included: from system call entry to exit.",
	 MQW_TIME_BUCKETS, MQW_TIME_BUCKETS - 1, time_bound, NSEC_PER_SEC, send_count, send_sum,
	 NSEC_PER_SEC},
	{"mqwatch_queue_receive_blocked_seconds",
	 "Time spent in receive calls, failed ones included: from system call entry to exit.",
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
	for (size_t i = 0; i < ARRAY_SIZE(families); i++)
		render_family(&r, &families[i]);
	render_info(&r);
	render_errors(&r, MQW_SEND, "mqwatch_queue_send_errors_total",
		      "Send calls that failed, by error.");
	render_errors(&r, MQW_RECEIVE, "mqwatch_queue_receive_errors_total",
		      "Receive calls that failed, by error.");
	render_seconds(&r, "mqwatch_queue_depth_seconds_total",
		       "Depth of the queue, summed up over time: its rate is the mean depth.",
		       queue_depth_ns);
	render_seconds(&r, "mqwatch_queue_full_seconds_total", "Time the queue was full.", full_ns);
	render_levels(&r, in->priorities_max);
	render_blocked_since(&r);
	render_stalls(&r, "mqwatch_queue_stalled", "gauge", "Whether the queue is stuck, and why.",
		      get_stalled);
	render_stalls(&r, "mqwatch_queue_stalls_total", "counter",
		      "How often the queue got stuck, by reason.", get_stalls);
	for (size_t i = 0; i < ARRAY_SIZE(histograms); i++)
		render_histogram(&r, &histograms[i]);
	render_dropped(&r);
	metrics_render_self(out, in);
}
