// SPDX-License-Identifier: GPL-2.0-or-later
#include "json.h"
#include "json_build.h"
#include "name.h"

static struct json_object *json_notify_pid(uint32_t pid)
{
	struct json_build o = json_begin();

	json_add_u64(&o, "pid", pid);
	return json_end(&o);
}

/* Buckets cumulate, as in Prometheus: count is how many were at most le; le is null for all. */
static void append_bucket(struct json_build *o, struct json_object *buckets, struct json_object *le,
			  uint64_t count)
{
	struct json_build bucket = json_begin();

	if (le)
		json_add(&bucket, "le", le);
	else
		json_add_null(&bucket, "le");
	json_add_u64(&bucket, "count", count);
	json_append(o, buckets, json_end(&bucket));
}

/* Durations: counts by MQW_TIME_BUCKETS. */
static struct json_object *json_durations(const __u64 counts[MQW_TIME_BUCKETS], uint64_t sum_ns)
{
	struct json_build o = json_begin();
	struct json_object *buckets = json_object_new_array(), *le;
	uint64_t count = 0;

	for (unsigned int i = 0; i < MQW_TIME_BUCKETS; i++) {
		count += counts[i];
		le = NULL;
		if (i + 1 < MQW_TIME_BUCKETS) {
			le = json_new_seconds(UINT64_C(1)
					      << (MQW_TIME_SHIFT_MIN + i * MQW_TIME_SHIFT_STEP));
			if (!le)
				o.failed = true;
		}
		append_bucket(&o, buckets, le, count);
	}
	json_add_u64(&o, "count", count);
	json_add(&o, "sum", json_new_seconds(sum_ns));
	json_add(&o, "buckets", buckets);
	return json_end(&o);
}

static struct json_object *json_op(const struct mqw_op_stats *stats)
{
	struct json_build o = json_begin(), errors = json_begin();

	json_add_u64(&o, "messages", stats->messages);
	json_add_u64(&o, "bytes", stats->bytes);
	for (unsigned int i = 0; i < MQW_ERRORS; i++)
		json_add_u64(&errors, mqw_error_names[i], stats->errors[i]);
	json_add(&o, "errors", json_end(&errors));
	json_add(&o, "blocked_seconds", json_durations(stats->time, stats->time_ns));
	return json_end(&o);
}

static struct json_object *json_depth(const struct mqw_counters *c)
{
	struct json_build o = json_begin();
	struct json_object *buckets = json_object_new_array(), *le;
	uint64_t count = 0;

	for (unsigned int i = 0; i < MQW_DEPTH_BUCKETS; i++) {
		count += c->depth[i];
		/* ratios are written as exactly as seconds are */
		le = json_new_seconds(i * NSEC_PER_SEC / (MQW_DEPTH_BUCKETS - 1));
		if (!le)
			o.failed = true;
		append_bucket(&o, buckets, le, count);
	}
	json_add_u64(&o, "count", count);
	json_add(&o, "sum", json_new_seconds(c->depth_ratio_sum * 1000));
	json_add(&o, "buckets", buckets);
	return json_end(&o);
}

static struct json_object *json_counters(const struct queue *q)
{
	const struct mqw_counters *c = queue_counters(q);
	struct json_build o = json_begin();

	json_add(&o, "sent", json_op(&c->op[MQW_SEND]));
	json_add(&o, "received", json_op(&c->op[MQW_RECEIVE]));
	json_add(&o, "depth_at_send_ratio", json_depth(c));
	json_add(&o, "residence_seconds", json_durations(c->residence, c->residence_ns));
	json_add_u64(&o, "unpaired", c->unpaired);
	json_add(&o, "depth_seconds", json_new_seconds(queue_depth_ns(c)));
	json_add(&o, "full_seconds", json_new_seconds(c->full_ns));
	json_add_known_u64(&o, "peeks", q->peeks_counted, c->peeks);
	return json_end(&o);
}

static struct json_object *json_reasons(uint32_t reasons)
{
	struct json_build list = {json_object_new_array(), false};

	for (unsigned int i = 0; i < STALL_REASONS; i++)
		if (reasons & 1U << i)
			json_append(&list, list.json,
				    json_object_new_string(stall_reason_names[i]));
	return json_end(&list);
}

static struct json_object *json_oldest(const struct queue_oldest *oldest,
				       uint64_t realtime_offset_ns)
{
	uint64_t now = clock_ns(CLOCK_MONOTONIC);
	uint64_t age = now > oldest->sent_ns ? now - oldest->sent_ns : 0;
	struct json_build o = json_begin();

	if (oldest->at_least) {
		json_add_null(&o, "sent_at");
		json_add_null(&o, "age_seconds");
		json_add(&o, "age_at_least_seconds", json_new_seconds(age));
	} else {
		json_add(&o, "sent_at", json_new_time(oldest->sent_ns + realtime_offset_ns));
		json_add(&o, "age_seconds", json_new_seconds(age));
		json_add_null(&o, "age_at_least_seconds");
	}
	json_add_u64(&o, "priority", oldest->priority);
	return json_end(&o);
}

static struct json_object *json_stalls(const uint32_t stalls[STALL_REASONS])
{
	struct json_build o = json_begin();

	for (unsigned int i = 0; i < STALL_REASONS; i++)
		json_add_u64(&o, stall_reason_names[i], stalls[i]);
	return json_end(&o);
}

struct json_object *json_queue(const struct queue *q, bool detail, uint64_t realtime_offset_ns)
{
	const struct queue_attr *a = &q->attr;
	struct json_build o = json_begin();
	char mode[16];

	snprintf(mode, sizeof(mode), "%04o", (unsigned int)a->mode & 07777);
	json_add_name(&o, q->name);
	json_add_u64(&o, "ipcns", q->id.ipcns);
	json_add_u64(&o, "messages", a->messages);
	json_add_u64(&o, "messages_limit", a->messages_limit);
	json_add_known_u64(&o, "bytes", a->bytes_known, a->bytes);
	json_add_u64(&o, "message_size_limit", a->message_size_limit);
	json_add_u64(&o, "uid", a->uid);
	json_add_string(&o, "mode", mode);
	json_add_bool(&o, "linked", q->linked);
	json_add_known_u64(&o, "readers", q->openers_known, q->readers);
	json_add_known_u64(&o, "writers", q->openers_known, q->writers);
	json_add_known_u64(&o, "blocked_senders", a->waiters_known, a->blocked_senders);
	json_add_known_u64(&o, "blocked_receivers", a->waiters_known, a->blocked_receivers);
	if (a->notify_pid)
		json_add(&o, "notify", json_notify_pid(a->notify_pid));
	else
		json_add_null(&o, "notify");
	json_add(&o, "stalled", json_reasons(q->stall.reasons));
	json_add_u64(&o, "reserved_bytes", queue_reserved_bytes(a));
	json_add_u64(&o, "inode", q->id.ino);
	json_add_known_u64(&o, "open", q->opens_known, q->opens);
	json_add_known_u64(&o, "last_use_at", q->opens_known && q->used_sec > 0, q->used_sec);
	json_add_known_time(&o, "first_seen_at", q->first_ns, realtime_offset_ns);
	if (!detail)
		return json_end(&o);

	json_add_u64(&o, "gid", a->gid);
	if (q->found.oldest.known)
		json_add(&o, "oldest", json_oldest(&q->found.oldest, realtime_offset_ns));
	else
		json_add_null(&o, "oldest");
	if (q->counted && q->progress.looked)
		json_add(&o, "stalls", json_stalls(q->stalls));
	else
		json_add_null(&o, "stalls");
	if (q->counted) {
		const struct mqw_op_stats *op = queue_counters(q)->op;

		json_add_known_time(&o, "last_send_at", op[MQW_SEND].last_ns, realtime_offset_ns);
		json_add_known_time(&o, "last_receive_at", op[MQW_RECEIVE].last_ns,
				    realtime_offset_ns);
		json_add(&o, "counters", json_counters(q));
	} else {
		json_add_null(&o, "last_send_at");
		json_add_null(&o, "last_receive_at");
		json_add_null(&o, "counters");
	}
	return json_end(&o);
}

struct json_object *json_queues(const struct table *t)
{
	struct json_build o = json_begin();
	struct json_object *array = json_object_new_array_ext((int)table_size(t) + 1);
	uint64_t offset = realtime_offset_ns();

	for (size_t i = 0; i < table_size(t); i++)
		json_append(&o, array, json_queue(table_at(t, i), false, offset));
	json_add(&o, "queues", array);
	return json_end(&o);
}

static struct json_object *json_payload(const struct snapshot_message *m)
{
	struct json_build o = json_begin();
	_cleanup_free_ char *base64 = base64_encode(m->payload, m->payload_size);

	json_add_string(&o, "encoding", "base64");
	json_add(&o, "data", base64 ? json_object_new_string(base64) : NULL);
	json_add_bool(&o, "truncated", m->payload_size < m->size);
	return json_end(&o);
}

static struct json_object *json_message_sender(const struct snapshot_message *m)
{
	struct json_build o = json_begin();

	json_add_u64(&o, "pid", m->pid);
	json_add_u64(&o, "tid", m->tid);
	json_add_string(&o, "comm", m->comm);
	return json_end(&o);
}

/* When the message was sent and by whom, as far as that is known. */
static void add_origin(struct json_build *o, const struct snapshot *s,
		       const struct snapshot_message *m)
{
	uint64_t taken_at =
		(uint64_t)s->taken_at.tv_sec * NSEC_PER_SEC + (uint64_t)s->taken_at.tv_nsec;
	uint64_t age = s->taken_ns > m->sent_ns ? s->taken_ns - m->sent_ns : 0;

	if (m->origin == ORIGIN_KNOWN) {
		json_add(o, "sent_at", json_new_time(taken_at - age));
		json_add(o, "age_seconds", json_new_seconds(age));
		json_add_null(o, "age_at_least_seconds");
		json_add(o, "sender", json_message_sender(m));
		return;
	}
	json_add_null(o, "sent_at");
	json_add_null(o, "age_seconds");
	if (m->origin == ORIGIN_BEFORE)
		json_add(o, "age_at_least_seconds", json_new_seconds(age));
	else
		json_add_null(o, "age_at_least_seconds");
	json_add_null(o, "sender");
}

static struct json_object *json_message(const struct snapshot *s, const struct snapshot_message *m,
					bool with_payload)
{
	struct json_build o = json_begin();

	json_add_u64(&o, "index", m->index);
	json_add_u64(&o, "priority", m->priority);
	json_add_u64(&o, "size", m->size);
	add_origin(&o, s, m);
	if (with_payload)
		json_add(&o, "payload", json_payload(m));
	else
		json_add_null(&o, "payload");
	return json_end(&o);
}

struct json_object *json_snapshot(const struct queue *q, const struct snapshot *s,
				  bool with_payload)
{
	struct json_build o = json_begin();
	struct json_object *messages = json_object_new_array();

	json_add_name(&o, q->name);
	json_add_u64(&o, "ipcns", q->id.ipcns);
	json_add_string(&o, "backend", s->backend);
	json_add_bool(&o, "consistent", s->consistent);
	json_add(&o, "taken_at",
		 json_new_time((uint64_t)s->taken_at.tv_sec * NSEC_PER_SEC +
			       (uint64_t)s->taken_at.tv_nsec));
	json_add_u64(&o, "messages_total", s->messages_total);
	for (size_t i = 0; i < s->n_messages; i++)
		json_append(&o, messages, json_message(s, &s->messages[i], with_payload));
	json_add(&o, "messages", messages);
	return json_end(&o);
}

static struct json_object *json_part(const char *key, const char *value, const char *reason)
{
	struct json_build o = json_begin();

	json_add_string(&o, key, value);
	json_add_string(&o, "reason", reason);
	return json_end(&o);
}

struct json_object *json_status(const struct status *s)
{
	struct json_build o = json_begin(), web = json_begin(), control = json_begin();
	struct json_build peek = json_begin(), probe = json_begin(), dropped = json_begin(),
			  lost = json_begin(), snapshots = json_begin();

	json_add_string(&o, "version", s->version);
	json_add(&o, "started_at", json_new_time((uint64_t)(s->started_at * (double)NSEC_PER_SEC)));
	json_add_bool(&o, "degraded", status_degraded(s));
	json_add_known_u64(&o, "ipcns", s->ipcns != 0, s->ipcns);
	json_add(&o, "mqueue", json_part("source", s->mqueue_source, s->mqueue_reason));
	json_add_string(&peek, "backend", s->peek_backend);
	json_add_string(&peek, "reason", s->peek_reason);
	json_add_string(&peek, "note", s->peek_note);
	json_add(&o, "peek", json_end(&peek));
	json_add_string(&probe, "mode", s->probe_mode);
	json_add_string(&probe, "reason", s->probe_reason);
	json_add_string(&probe, "note", s->probe_note);
	json_add(&o, "probe", json_end(&probe));
	json_add_string(&web, "reason", s->web_reason);
	json_add(&o, "web", json_end(&web));
	json_add_string(&control, "reason", s->control_reason);
	json_add(&o, "control", json_end(&control));
	json_add_u64(&o, "queues", s->queues);
	json_add_u64(&o, "queues_max", s->queues_max);
	for (size_t i = 0; i < TABLE_DROPS; i++)
		json_add_u64(&dropped, table_drop_names[i], s->drops[i]);
	json_add(&o, "queues_dropped", json_end(&dropped));
	for (size_t i = 0; i < PROBE_LOSSES; i++)
		json_add_u64(&lost, probe_loss_names[i], s->losses[i]);
	json_add(&o, "events_lost", json_end(&lost));
	for (size_t i = 0; i < SNAPSHOT_RESULTS; i++)
		json_add_u64(&snapshots, snapshot_result_names[i], s->snapshots[i]);
	json_add(&o, "snapshots", json_end(&snapshots));
	return json_end(&o);
}

struct json_object *json_error(const char *code, const char *message)
{
	struct json_build o = json_begin(), error = json_begin();

	json_add_string(&error, "code", code);
	json_add_string(&error, "message", message);
	json_add(&o, "error", json_end(&error));
	return json_end(&o);
}
