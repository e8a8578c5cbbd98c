// SPDX-License-Identifier: GPL-2.0-or-later
#include "json.h"

#include <inttypes.h>

#include "name.h"
#include "text.h"

/*
 * An object under construction. Once something found no memory it stays failed; object_done()
 * tells. Keys are string literals, each used once.
 */
struct object {
	struct json_object *json;
	bool failed;
};

static struct object object_new(void)
{
	struct json_object *json = json_object_new_object();

	return (struct object){json, !json};
}

static struct json_object *object_done(struct object *o)
{
	if (!o->failed)
		return o->json;
	json_object_put(o->json);
	return NULL;
}

static void add_null(struct object *o, const char *key)
{
	if (o->failed)
		return;
	if (json_object_object_add_ex(o->json, key, NULL,
				      JSON_C_OBJECT_ADD_KEY_IS_NEW | JSON_C_OBJECT_KEY_IS_CONSTANT))
		o->failed = true;
}

/* Takes value over; NULL: no memory. */
static void add(struct object *o, const char *key, struct json_object *value)
{
	if (o->failed || !value ||
	    json_object_object_add_ex(o->json, key, value,
				      JSON_C_OBJECT_ADD_KEY_IS_NEW |
					      JSON_C_OBJECT_KEY_IS_CONSTANT)) {
		json_object_put(value);
		o->failed = true;
	}
}

static void add_u64(struct object *o, const char *key, uint64_t value)
{
	add(o, key, json_object_new_uint64(value));
}

static void add_known_u64(struct object *o, const char *key, bool known, uint64_t value)
{
	if (known)
		add_u64(o, key, value);
	else
		add_null(o, key);
}

static void add_bool(struct object *o, const char *key, bool value)
{
	add(o, key, json_object_new_boolean(value));
}

/* Any bytes, made valid UTF-8; NULL is null. */
static void add_string(struct object *o, const char *key, const char *s)
{
	_cleanup_free_ char *valid = NULL;

	if (!s) {
		add_null(o, key);
		return;
	}
	valid = utf8_make_valid(s);
	add(o, key, valid ? json_object_new_string(valid) : NULL);
}

/* Appends to an array; takes value over; NULL: no memory. */
static void append(struct object *o, struct json_object *array, struct json_object *value)
{
	if (!array || !value || json_object_array_add(array, value)) {
		json_object_put(value);
		o->failed = true;
	}
}

static struct json_object *new_seconds(uint64_t ns)
{
	struct text t = {};
	struct json_object *json;

	text_append_seconds(&t, ns);
	text_append_bytes(&t, "", 1);
	json = t.failed ? NULL : json_object_new_double_s((double)ns / NSEC_PER_SEC, t.data);
	text_free(&t);
	return json;
}

/* A moment in Unix seconds with microseconds. */
static struct json_object *new_time(uint64_t ns)
{
	char s[32];

	snprintf(s, sizeof(s), "%" PRIu64 ".%06" PRIu64, (uint64_t)(ns / NSEC_PER_SEC),
		 (uint64_t)(ns % NSEC_PER_SEC / 1000));
	return json_object_new_double_s((double)ns / NSEC_PER_SEC, s);
}

static void add_known_time(struct object *o, const char *key, uint64_t monotonic_ns,
			   uint64_t realtime_offset_ns)
{
	if (monotonic_ns)
		add(o, key, new_time(monotonic_ns + realtime_offset_ns));
	else
		add_null(o, key);
}

static void add_name(struct object *o, const struct queue *q)
{
	_cleanup_free_ char *base64 = NULL;
	char name[sizeof(q->name) + 1];

	snprintf(name, sizeof(name), "/%s", q->name);
	add_string(o, "queue", name);
	if (utf8_valid(name, strlen(name)))
		return;
	base64 = base64_encode(name, strlen(name));
	add(o, "name_base64", base64 ? json_object_new_string(base64) : NULL);
}

static struct json_object *json_notify(uint32_t pid)
{
	struct object o = object_new();

	add_u64(&o, "pid", pid);
	return object_done(&o);
}

/* Buckets cumulate, as in Prometheus: count is how many were at most le; le is null for all. */
static void append_bucket(struct object *o, struct json_object *buckets, struct json_object *le,
			  uint64_t count)
{
	struct object bucket = object_new();

	if (le)
		add(&bucket, "le", le);
	else
		add_null(&bucket, "le");
	add_u64(&bucket, "count", count);
	append(o, buckets, object_done(&bucket));
}

static struct json_object *json_call_seconds(const struct mqw_op_stats *stats)
{
	struct object o = object_new();
	struct json_object *buckets = json_object_new_array(), *le;
	uint64_t count = 0;

	for (unsigned int i = 0; i < MQW_TIME_BUCKETS; i++) {
		count += stats->time[i];
		le = NULL;
		if (i + 1 < MQW_TIME_BUCKETS) {
			le = new_seconds(UINT64_C(1)
					 << (MQW_TIME_SHIFT_MIN + i * MQW_TIME_SHIFT_STEP));
			if (!le)
				o.failed = true;
		}
		append_bucket(&o, buckets, le, count);
	}
	add_u64(&o, "count", count);
	add(&o, "sum", new_seconds(stats->time_ns));
	add(&o, "buckets", buckets);
	return object_done(&o);
}

static struct json_object *json_op(const struct mqw_op_stats *stats)
{
	struct object o = object_new(), errors = object_new();

	add_u64(&o, "messages", stats->messages);
	add_u64(&o, "bytes", stats->bytes);
	for (unsigned int i = 0; i < MQW_ERRORS; i++)
		add_u64(&errors, mqw_error_names[i], stats->errors[i]);
	add(&o, "errors", object_done(&errors));
	add(&o, "call_seconds", json_call_seconds(stats));
	return object_done(&o);
}

static struct json_object *json_depth(const struct mqw_counters *c)
{
	struct object o = object_new();
	struct json_object *buckets = json_object_new_array(), *le;
	uint64_t count = 0;

	for (unsigned int i = 0; i < MQW_DEPTH_BUCKETS; i++) {
		count += c->depth[i];
		/* ratios are written as exactly as seconds are */
		le = new_seconds(i * NSEC_PER_SEC / (MQW_DEPTH_BUCKETS - 1));
		if (!le)
			o.failed = true;
		append_bucket(&o, buckets, le, count);
	}
	add_u64(&o, "count", count);
	add(&o, "sum", new_seconds(c->depth_ratio_sum * 1000));
	add(&o, "buckets", buckets);
	return object_done(&o);
}

static struct json_object *json_counters(const struct queue *q)
{
	const struct mqw_counters *c = &q->counters;
	struct object o = object_new();

	add(&o, "sent", json_op(&c->op[MQW_SEND]));
	add(&o, "received", json_op(&c->op[MQW_RECEIVE]));
	add(&o, "depth_at_send_ratio", json_depth(c));
	add_known_u64(&o, "peeks", q->peeks_counted, c->peeks);
	return object_done(&o);
}

struct json_object *json_queue(const struct queue *q, bool detail, uint64_t realtime_offset_ns)
{
	const struct queue_attr *a = &q->attr;
	struct object o = object_new();
	char mode[16];

	snprintf(mode, sizeof(mode), "%04o", (unsigned int)a->mode & 07777);
	add_name(&o, q);
	add_u64(&o, "ipcns", q->id.ipcns);
	add_u64(&o, "messages", a->messages);
	add_u64(&o, "messages_limit", a->messages_limit);
	add_known_u64(&o, "bytes", a->bytes_known, a->bytes);
	add_u64(&o, "message_size_limit", a->message_size_limit);
	add_u64(&o, "uid", a->uid);
	add_string(&o, "mode", mode);
	add_bool(&o, "linked", true);
	add_null(&o, "readers");
	add_null(&o, "writers");
	add_known_u64(&o, "blocked_senders", a->waiters_known, a->blocked_senders);
	add_known_u64(&o, "blocked_receivers", a->waiters_known, a->blocked_receivers);
	if (a->notify_pid)
		add(&o, "notify", json_notify(a->notify_pid));
	else
		add_null(&o, "notify");
	add(&o, "stalled", json_object_new_array());
	if (!detail)
		return object_done(&o);

	add_u64(&o, "gid", a->gid);
	add_u64(&o, "reserved_bytes", queue_reserved_bytes(a));
	if (q->counted) {
		const struct mqw_op_stats *op = q->counters.op;

		add_known_time(&o, "last_send_at", op[MQW_SEND].last_ns, realtime_offset_ns);
		add_known_time(&o, "last_receive_at", op[MQW_RECEIVE].last_ns, realtime_offset_ns);
		add(&o, "counters", json_counters(q));
	} else {
		add_null(&o, "last_send_at");
		add_null(&o, "last_receive_at");
		add_null(&o, "counters");
	}
	return object_done(&o);
}

struct json_object *json_queues(const struct table *t)
{
	struct object o = object_new();
	struct json_object *array = json_object_new_array_ext((int)table_size(t) + 1);

	for (size_t i = 0; i < table_size(t); i++)
		append(&o, array, json_queue(table_at(t, i), false, 0));
	add(&o, "queues", array);
	return object_done(&o);
}

static struct json_object *json_payload(const struct snapshot_message *m)
{
	struct object o = object_new();
	_cleanup_free_ char *base64 = base64_encode(m->payload, m->payload_size);

	add_string(&o, "encoding", "base64");
	add(&o, "data", base64 ? json_object_new_string(base64) : NULL);
	add_bool(&o, "truncated", m->payload_size < m->size);
	return object_done(&o);
}

static struct json_object *json_sender(const struct snapshot_message *m)
{
	struct object o = object_new();

	add_u64(&o, "pid", m->pid);
	add_u64(&o, "tid", m->tid);
	add_string(&o, "comm", m->comm);
	return object_done(&o);
}

/* When the message was sent and by whom, as far as that is known. */
static void add_origin(struct object *o, const struct snapshot *s, const struct snapshot_message *m)
{
	uint64_t taken_at =
		(uint64_t)s->taken_at.tv_sec * NSEC_PER_SEC + (uint64_t)s->taken_at.tv_nsec;
	uint64_t age = s->taken_ns > m->sent_ns ? s->taken_ns - m->sent_ns : 0;

	if (m->origin == ORIGIN_KNOWN) {
		add(o, "sent_at", new_time(taken_at - age));
		add(o, "age_seconds", new_seconds(age));
		add_null(o, "age_at_least_seconds");
		add(o, "sender", json_sender(m));
		return;
	}
	add_null(o, "sent_at");
	add_null(o, "age_seconds");
	if (m->origin == ORIGIN_BEFORE)
		add(o, "age_at_least_seconds", new_seconds(age));
	else
		add_null(o, "age_at_least_seconds");
	add_null(o, "sender");
}

static struct json_object *json_message(const struct snapshot *s, const struct snapshot_message *m,
					bool with_payload)
{
	struct object o = object_new();

	add_u64(&o, "index", m->index);
	add_u64(&o, "priority", m->priority);
	add_u64(&o, "size", m->size);
	add_origin(&o, s, m);
	if (with_payload)
		add(&o, "payload", json_payload(m));
	else
		add_null(&o, "payload");
	return object_done(&o);
}

struct json_object *json_snapshot(const struct queue *q, const struct snapshot *s,
				  bool with_payload)
{
	struct object o = object_new();
	struct json_object *messages = json_object_new_array();

	add_name(&o, q);
	add_u64(&o, "ipcns", q->id.ipcns);
	add_string(&o, "backend", s->backend);
	add_bool(&o, "consistent", s->consistent);
	add(&o, "taken_at",
	    new_time((uint64_t)s->taken_at.tv_sec * NSEC_PER_SEC + (uint64_t)s->taken_at.tv_nsec));
	add_u64(&o, "messages_total", s->messages_total);
	for (size_t i = 0; i < s->n_messages; i++)
		append(&o, messages, json_message(s, &s->messages[i], with_payload));
	add(&o, "messages", messages);
	return object_done(&o);
}

struct json_object *json_calls(const struct mqw_call *calls, size_t n, uint64_t realtime_offset_ns)
{
	struct object list = {json_object_new_array(), false};

	for (size_t i = 0; i < n; i++) {
		struct object o = object_new();
		char comm[sizeof(calls[i].comm) + 1];

		snprintf(comm, sizeof(comm), "%.*s", (int)sizeof(calls[i].comm), calls[i].comm);
		add_string(&o, "operation", calls[i].op == MQW_SEND ? "send" : "receive");
		add_u64(&o, "pid", calls[i].pid);
		add_u64(&o, "tid", calls[i].tid);
		add_string(&o, "comm", comm);
		add_known_time(&o, "started_at", calls[i].start_ns, realtime_offset_ns);
		append(&list, list.json, object_done(&o));
	}
	return object_done(&list);
}

static struct json_object *json_part(const char *key, const char *value, const char *reason)
{
	struct object o = object_new();

	add_string(&o, key, value);
	add_string(&o, "reason", reason);
	return object_done(&o);
}

struct json_object *json_status(const struct status *s)
{
	struct object o = object_new(), web = object_new(), control = object_new();
	struct object peek = object_new(), dropped = object_new(), lost = object_new(),
		      snapshots = object_new();

	add_string(&o, "version", s->version);
	add(&o, "started_at", new_time((uint64_t)(s->started_at * (double)NSEC_PER_SEC)));
	add_bool(&o, "degraded", status_degraded(s));
	add_known_u64(&o, "ipcns", s->ipcns != 0, s->ipcns);
	add(&o, "mqueue", json_part("source", s->mqueue_source, s->mqueue_reason));
	add_string(&peek, "backend", s->peek_backend);
	add_string(&peek, "reason", s->peek_reason);
	add_string(&peek, "note", s->peek_note);
	add(&o, "peek", object_done(&peek));
	add(&o, "probe", json_part("mode", s->probe_mode, s->probe_reason));
	add_string(&web, "reason", s->web_reason);
	add(&o, "web", object_done(&web));
	add_string(&control, "reason", s->control_reason);
	add(&o, "control", object_done(&control));
	add_u64(&o, "queues", s->queues);
	add_u64(&o, "queues_max", s->queues_max);
	for (size_t i = 0; i < TABLE_DROPS; i++)
		add_u64(&dropped, table_drop_names[i], s->drops[i]);
	add(&o, "queues_dropped", object_done(&dropped));
	for (size_t i = 0; i < PROBE_LOSSES; i++)
		add_u64(&lost, probe_loss_names[i], s->losses[i]);
	add(&o, "events_lost", object_done(&lost));
	for (size_t i = 0; i < SNAPSHOT_RESULTS; i++)
		add_u64(&snapshots, snapshot_result_names[i], s->snapshots[i]);
	add(&o, "snapshots", object_done(&snapshots));
	return object_done(&o);
}

struct json_object *json_error(const char *code, const char *message)
{
	struct object o = object_new(), error = object_new();

	add_string(&error, "code", code);
	add_string(&error, "message", message);
	add(&o, "error", object_done(&error));
	return object_done(&o);
}
