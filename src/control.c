// SPDX-License-Identifier: GPL-2.0-or-later
#include "control.h"

#include <inttypes.h>
#include <stdarg.h>

#include "authz.h"
#include "json.h"
#include "name.h"
#include "report.h"

#define MESSAGES_LIMIT_MAX 65536 /* HARD_MSGMAX: no queue holds more */

struct segment {
	const char *s;
	size_t length;
};

/* One request being answered. */
struct exchange {
	const struct control *control;
	const struct http_request *request;
	struct http_response *response;
	gid_t control_gid;	 /* set by read_peer() */
	struct segment parts[2]; /* what stands for {...} in the route */
};

static void respond(struct exchange *x, unsigned int status, struct json_object *json)
{
	const char *text;
	size_t size = 0;
	char *body = NULL;

	text = json ? json_object_to_json_string_length(
			      json, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE, &size)
		    : NULL;
	if (text)
		body = malloc(size + 1);
	if (body) {
		memcpy(body, text, size);
		body[size] = '\n';
	}
	json_object_put(json);
	x->response->status = body ? status : 500;
	x->response->content_type = "application/json";
	x->response->body = body;
	x->response->size = body ? size + 1 : 0;
}

__attribute__((format(printf, 4, 5))) static void
respond_error(struct exchange *x, unsigned int status, const char *code, const char *format, ...)
{
	_cleanup_free_ char *message = NULL;
	va_list args;
	int n;

	va_start(args, format);
	n = vasprintf(&message, format, args);
	va_end(args);
	if (n < 0)
		message = NULL;
	respond(x, status, message ? json_error(code, message) : NULL);
}

static void respond_unavailable(struct exchange *x, int error, const char *what, const char *reason)
{
	if (error == -ENOMEM)
		respond_error(x, 500, "internal", "%s: out of memory", what);
	else
		respond_error(x, 503, "unavailable", "%s: %s", what, reason ?: strerror(-error));
}

/* What is told about the daemon itself; all NULL where it cannot say. */
static struct status read_status(const struct exchange *x)
{
	struct status status = {};

	if (x->control->ops->status(x->control->data, &status) < 0)
		return (struct status){};
	return status;
}

static int refresh(struct exchange *x, const struct table **ret)
{
	int r = x->control->ops->refresh(x->control->data, ret);

	if (r < 0)
		respond_unavailable(x, r, "the queues cannot be read",
				    read_status(x).mqueue_reason);
	return r;
}

static void no_such_queue(struct exchange *x, const char *name, uint32_t ipcns)
{
	_cleanup_free_ char *escaped = name_escape(name);

	respond_error(x, 404, "no_such_queue", "no queue /%s in IPC namespace %" PRIu32,
		      escaped ?: "", ipcns);
}

/* A number among the query parameters; *value stays as it is where there is none. */
static int query_number(struct exchange *x, const char *key, uint64_t max, uint64_t *value)
{
	const char *s = http_query(x->request, key);

	if (!s || parse_u64(s, 0, max, value) == 0)
		return 0;
	respond_error(x, 400, "bad_request", "%s must be a number from 0 to %" PRIu64, key, max);
	return -EINVAL;
}

/* The queue that the path names; otherwise answers and returns NULL. Borrowed from the table. */
static const struct queue *find_queue(struct exchange *x)
{
	char ipcns_text[16], name[MQW_NAME_SIZE];
	const struct table *table;
	const struct queue *q = NULL;
	uint64_t ipcns, ino = 0;

	snprintf(ipcns_text, sizeof(ipcns_text), "%.*s", (int)x->parts[0].length, x->parts[0].s);
	if (x->parts[0].length >= sizeof(ipcns_text) ||
	    parse_u64(ipcns_text, 0, UINT32_MAX, &ipcns) < 0) {
		respond_error(x, 400, "bad_request",
			      "the IPC namespace in the path must be a number from 0 to %" PRIu32,
			      UINT32_MAX);
		return NULL;
	}
	/* a longer one cannot exist, and cut off it would be another */
	if (x->parts[1].length >= sizeof(name)) {
		respond_error(x, 404, "no_such_queue",
			      "no queue has a name of %zu bytes: at most %zu are possible",
			      x->parts[1].length, sizeof(name) - 1);
		return NULL;
	}
	memcpy(name, x->parts[1].s, x->parts[1].length);
	name[x->parts[1].length] = '\0';
	if (query_number(x, "inode", UINT64_MAX, &ino) < 0 || refresh(x, &table) < 0)
		return NULL;
	q = ino ? table_find_inode(table, (uint32_t)ipcns, name, ino)
		: table_find(table, (uint32_t)ipcns, name);
	if (!q)
		no_such_queue(x, name, (uint32_t)ipcns);
	return q;
}

static int read_peer(struct exchange *x, const struct queue_attr *attr, struct peer *ret,
		     enum authz_grant *ret_grant)
{
	int r = peer_read(x->request->fd, ret);

	if (r < 0)
		return r;
	x->control_gid = x->control->ops->control_gid(x->control->data);
	*ret_grant = authz_read(ret, attr, x->control_gid);
	return 0;
}

static void respond_denied(struct exchange *x, const char *queue, const struct queue_attr *attr)
{
	gid_t gid = x->control_gid;
	_cleanup_free_ char *name = name_escape(queue);
	char members[64] = "";

	if (gid != (gid_t)-1)
		snprintf(members, sizeof(members), ", members of group %u", (unsigned int)gid);
	respond_error(x, 403, "permission_denied",
		      "messages of /%s may be read by root%s and those whom the queue lets read it "
		      "(user %u, group %u, mode %04o)",
		      name ?: "", members, (unsigned int)attr->uid, (unsigned int)attr->gid,
		      (unsigned int)attr->mode);
}

static void get_status(struct exchange *x)
{
	const struct table *table;
	struct status status = {};
	int r;

	/* for the number of queues; where that fails, the status tells of it */
	x->control->ops->refresh(x->control->data, &table);
	r = x->control->ops->status(x->control->data, &status);
	if (r < 0)
		respond_unavailable(x, r, "the status cannot be read", NULL);
	else
		respond(x, 200, json_status(&status));
}

static void get_queues(struct exchange *x)
{
	const struct table *table;

	if (refresh(x, &table) == 0)
		respond(x, 200, json_queues(table));
}

/* Takes value over; NULL is null. */
static int set(struct json_object *json, const char *key, struct json_object *value)
{
	int r = json_object_object_add(json, key, value);

	if (r < 0)
		json_object_put(value);
	return r < 0 ? -ENOMEM : 0;
}

/* Who is at the queue, for those who may read it; null where that is not known. */
static int add_who(struct exchange *x, const struct queue *q, uint64_t offset,
		   struct json_object *json)
{
	const struct control_ops *ops = x->control->ops;
	struct json_object *calls_json = NULL, *openers_json = NULL, *oldest;
	struct mqw_detail detail;
	const struct mqw_opener *openers;
	const struct open_call *calls;
	size_t n;

	if (ops->calls(x->control->data, q, &calls, &n) == 0) {
		calls_json = json_calls(calls, n, offset);
		if (!calls_json)
			return -ENOMEM;
	}
	if (set(json, "calls", calls_json) < 0)
		return -ENOMEM;
	if (ops->openers(x->control->data, q, &openers, &n) == 0) {
		openers_json = json_openers(openers, n);
		if (!openers_json)
			return -ENOMEM;
	}
	if (set(json, "openers", openers_json) < 0)
		return -ENOMEM;
	if (q->attr.notify_pid && ops->detail(x->control->data, q, &detail) == 0 &&
	    detail.notify_pid && set(json, "notify", json_notify(&detail)) < 0)
		return -ENOMEM;
	if (q->found.oldest.pid && json_object_object_get_ex(json, "oldest", &oldest))
		return set(oldest, "sender", json_sender(&q->found.oldest));
	return 0;
}

static int add_opener_counts(struct exchange *x, const struct queue *q, struct json_object *json)
{
	const struct mqw_opener *openers;
	size_t n;

	if (x->control->ops->openers(x->control->data, q, &openers, &n) < 0)
		return 0;
	if (set(json, "readers", json_object_new_uint64(openers_count(openers, n, MQW_OPEN_READ))) <
	    0)
		return -ENOMEM;
	return set(json, "writers",
		   json_object_new_uint64(openers_count(openers, n, MQW_OPEN_WRITE)));
}

static void get_queue(struct exchange *x)
{
	const struct queue *q = find_queue(x);
	_cleanup_(peer_done) struct peer peer = {};
	uint64_t offset = realtime_offset_ns();
	enum authz_grant grant = AUTHZ_DENIED;
	struct json_object *json;
	int r;

	if (!q)
		return;
	if (read_peer(x, &q->attr, &peer, &grant) < 0)
		grant = AUTHZ_DENIED;
	json = json_queue(q, true, offset);
	r = json ? add_opener_counts(x, q, json) : -ENOMEM;
	if (r == 0 && grant != AUTHZ_DENIED)
		r = add_who(x, q, offset, json);
	else if (r == 0)
		r = set(json, "calls", NULL) ?: set(json, "openers", NULL);
	if (r < 0) {
		json_object_put(json);
		json = NULL;
	}
	respond(x, 200, json);
}

static void respond_snapshot_error(struct exchange *x, const struct queue *q, int error)
{
	switch (error) {
	case -ENOENT:
	case -ESTALE:
		no_such_queue(x, q->name, q->id.ipcns);
		break;
	case -EOPNOTSUPP:
		respond_unavailable(x, error, "messages cannot be looked at",
				    read_status(x).peek_reason);
		break;
	default:
		respond_unavailable(x, error, "the messages cannot be read", NULL);
	}
}

static void get_messages(struct exchange *x)
{
	const struct control *control = x->control;
	_cleanup_(snapshot_freep) struct snapshot *snapshot = NULL;
	_cleanup_(peer_done) struct peer peer = {};
	uint64_t payload_max = control->ops->payload_max(control->data), payload = 1;
	struct peek_request request = {
		.messages_max = UINT64_MAX,
		.payload_max = payload_max,
	};
	enum authz_grant grant;
	const struct queue *q;
	_cleanup_free_ char *name = NULL;
	struct queue queue;
	int r;

	if (query_number(x, "limit", MESSAGES_LIMIT_MAX, &request.messages_max) < 0 ||
	    query_number(x, "bytes", payload_max, &request.payload_max) < 0 ||
	    query_number(x, "payload", 1, &payload) < 0)
		return;
	if (!payload)
		request.payload_max = 0;
	q = find_queue(x);
	if (!q)
		return;
	r = read_peer(x, &q->attr, &peer, &grant);
	if (r < 0) {
		respond_error(x, 403, "permission_denied",
			      "your user and groups cannot be read: %s", strerror(-r));
		return;
	}
	if (grant == AUTHZ_DENIED) {
		respond_denied(x, q->name, &q->attr);
		return;
	}
	/* the table may change meanwhile */
	name = strdup(q->name);
	if (!name) {
		respond(x, 200, NULL);
		return;
	}
	queue = *q;
	queue.name = name;
	r = control->ops->snapshot(control->data, q, &request, &snapshot);
	if (r < 0) {
		respond_snapshot_error(x, &queue, r);
		return;
	}
	if (grant == AUTHZ_PRIVILEGED && request.payload_max > 0)
		report_read(&queue, &peer);
	respond(x, 200, json_snapshot(&queue, snapshot, payload));
}

static void get_limits(struct exchange *x)
{
	_cleanup_(quota_done) struct quota quota = {};
	const struct table *table;
	int r = refresh(x, &table);

	if (r < 0)
		return;
	r = x->control->ops->quota(x->control->data, &quota);
	if (r < 0)
		respond_unavailable(x, r, "the limits cannot be read", NULL);
	else
		respond(x, 200, json_limits(&quota));
}

static void get_stalls(struct exchange *x)
{
	const struct recorder *recorder = x->control->ops->recorder(x->control->data);
	struct json_object *json = json_object_new_object(), *list = json_object_new_array();

	for (size_t i = 0; list && recorder && i < recorder_count(recorder); i++) {
		struct json_object *record = record_json(recorder_at(recorder, i));

		if (!record || json_object_array_add(list, record) < 0) {
			json_object_put(record);
			json_object_put(list);
			list = NULL;
		}
	}
	if (!json || !list || set(json, "stalls", list) < 0) {
		json_object_put(json);
		json = NULL;
	}
	respond(x, 200, json);
}

/* The record that the path names; otherwise answers and returns NULL. */
static const struct record *find_record(struct exchange *x, struct recorder *recorder)
{
	const struct record *record = NULL;
	char text[24];
	uint64_t id;

	snprintf(text, sizeof(text), "%.*s", (int)x->parts[0].length, x->parts[0].s);
	if (x->parts[0].length < sizeof(text) && parse_u64(text, 1, UINT64_MAX, &id) == 0 &&
	    recorder)
		record = recorder_find(recorder, id);
	if (!record)
		respond_error(x, 404, "no_such_stall",
			      "no record of a stall has this number; /v1/stalls lists them");
	return record;
}

static void get_stall(struct exchange *x)
{
	struct recorder *recorder = x->control->ops->recorder(x->control->data);
	const struct record *record = find_record(x, recorder);
	_cleanup_(peer_done) struct peer peer = {};
	struct json_object *json;
	enum authz_grant grant;
	struct queue_attr attr;
	int r;

	if (!record)
		return;
	attr = (struct queue_attr){.uid = record->uid, .gid = record->gid, .mode = record->mode};
	if (read_peer(x, &attr, &peer, &grant) < 0 || grant == AUTHZ_DENIED) {
		respond_denied(x, record->name, &attr);
		return;
	}
	r = recorder_read(recorder, record->id, &json);
	if (r < 0)
		respond_unavailable(x, r, "the record cannot be read",
				    r == -EBADMSG ? "its file is damaged" : NULL);
	else
		respond(x, 200, json);
}

static const struct route {
	const char *path;
	void (*get)(struct exchange *x);
} routes[] = {
	{"/v1/status", get_status},
	{"/v1/queues", get_queues},
	{"/v1/queues/{ipcns}/{name}", get_queue},
	{"/v1/queues/{ipcns}/{name}/messages", get_messages},
	{"/v1/limits", get_limits},
	{"/v1/stalls", get_stalls},
	{"/v1/stalls/{id}", get_stall},
};

/* A part in braces stands for one or more bytes without '/'. */
static bool match(const char *pattern, const char *path, struct exchange *x)
{
	size_t n = 0;

	while (*pattern && *path) {
		if (*pattern == '{') {
			struct segment *segment = &x->parts[n++];

			segment->s = path;
			segment->length = strcspn(path, "/");
			if (segment->length == 0)
				return false;
			path += segment->length;
			pattern += strcspn(pattern, "}") + 1;
		} else if (*pattern++ != *path++) {
			return false;
		}
	}
	return !*pattern && !*path;
}

static void respond_no_route(struct exchange *x)
{
	char list[256] = "";
	char *end = list;

	for (size_t i = 0; i < ARRAY_SIZE(routes); i++)
		end += snprintf(end, (size_t)(list + sizeof(list) - end), "%s%s",
				i == 0			     ? ""
				: i + 1 < ARRAY_SIZE(routes) ? ", "
							     : " and ",
				routes[i].path);
	respond_error(x, 404, "not_found", "no such path; there are %s", list);
}

void control_handle(const struct http_request *request, struct http_response *response,
		    void *control)
{
	struct exchange x = {.control = control, .request = request, .response = response};

	for (size_t i = 0; i < ARRAY_SIZE(routes); i++) {
		if (match(routes[i].path, request->path, &x)) {
			routes[i].get(&x);
			return;
		}
	}
	respond_no_route(&x);
}
