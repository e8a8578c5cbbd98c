// SPDX-License-Identifier: GPL-2.0-or-later
/* Families with a number, or a few, per queue. */
#include "metrics_internal.h"

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

void metrics_render_queues(struct render *r)
{
	for (size_t i = 0; i < ARRAY_SIZE(families); i++)
		render_family(r, &families[i]);
	render_info(r);
	render_errors(r, MQW_SEND, "mqwatch_queue_send_errors_total",
		      "Send calls that failed, by error.");
	render_errors(r, MQW_RECEIVE, "mqwatch_queue_receive_errors_total",
		      "Receive calls that failed, by error.");
	render_seconds(r, "mqwatch_queue_depth_seconds_total",
		       "Depth of the queue, summed up over time: its rate is the mean depth.",
		       queue_depth_ns);
	render_seconds(r, "mqwatch_queue_full_seconds_total", "Time the queue was full.", full_ns);
	render_levels(r, r->in->priorities_max);
	render_blocked_since(r);
	render_stalls(r, "mqwatch_queue_stalled", "gauge", "Whether the queue is stuck, and why.",
		      get_stalled);
	render_stalls(r, "mqwatch_queue_stalls_total", "counter",
		      "How often the queue got stuck, by reason.", get_stalls);
}
