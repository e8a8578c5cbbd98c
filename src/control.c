// SPDX-License-Identifier: GPL-2.0-or-later
#include "control.h"

#include <inttypes.h>
#include <stdarg.h>

#include "authz.h"
#include "json.h"
#include "log.h"
#include "name.h"

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
	gid_t control_gid;	    /* set by read_peer() */
	struct segment ipcns, name; /* what {ipcns} and {name} of the route stand for */
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

/* The queue that the path names; otherwise answers and returns NULL. Borrowed from the table. */
static const struct queue *find_queue(struct exchange *x)
{
	char ipcns_text[16], name[MQW_NAME_SIZE];
	const struct table *table;
	const struct queue *q = NULL;
	uint64_t ipcns;

	snprintf(ipcns_text, sizeof(ipcns_text), "%.*s", (int)x->ipcns.length, x->ipcns.s);
	if (x->ipcns.length >= sizeof(ipcns_text) ||
	    parse_u64(ipcns_text, 0, UINT32_MAX, &ipcns) < 0) {
		respond_error(x, 400, "bad_request",
			      "the IPC namespace in the path must be a number from 0 to %" PRIu32,
			      UINT32_MAX);
		return NULL;
	}
	/* a longer one cannot exist, and cut off it would be another */
	if (x->name.length >= sizeof(name)) {
		respond_error(x, 404, "no_such_queue",
			      "no queue has a name of %zu bytes: at most %zu are possible",
			      x->name.length, sizeof(name) - 1);
		return NULL;
	}
	memcpy(name, x->name.s, x->name.length);
	name[x->name.length] = '\0';
	if (refresh(x, &table) < 0)
		return NULL;
	q = table_find(table, (uint32_t)ipcns, name);
	if (!q)
		no_such_queue(x, name, (uint32_t)ipcns);
	return q;
}

static int read_peer(struct exchange *x, const struct queue *q, struct peer *ret,
		     enum authz_grant *ret_grant)
{
	int r = peer_read(x->request->fd, ret);

	if (r < 0)
		return r;
	x->control_gid = x->control->ops->control_gid(x->control->data);
	*ret_grant = authz_read(ret, &q->attr, x->control_gid);
	return 0;
}

static void respond_denied(struct exchange *x, const struct queue *q)
{
	gid_t gid = x->control_gid;
	_cleanup_free_ char *name = name_escape(q->name);
	char members[64] = "";

	if (gid != (gid_t)-1)
		snprintf(members, sizeof(members), ", members of group %u", (unsigned int)gid);
	respond_error(x, 403, "permission_denied",
		      "messages of /%s may be read by root%s and those whom the queue lets read it "
		      "(user %u, group %u, mode %04o)",
		      name ?: "", members, (unsigned int)q->attr.uid, (unsigned int)q->attr.gid,
		      (unsigned int)q->attr.mode);
}

/* CLOCK_REALTIME minus CLOCK_MONOTONIC */
static uint64_t realtime_offset_ns(void)
{
	struct timespec realtime, monotonic;

	clock_gettime(CLOCK_REALTIME, &realtime);
	clock_gettime(CLOCK_MONOTONIC, &monotonic);
	return (uint64_t)(realtime.tv_sec - monotonic.tv_sec) * NSEC_PER_SEC +
	       (uint64_t)(realtime.tv_nsec - monotonic.tv_nsec);
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

/* The calls under way on q; NULL is null: not for this peer, or not known. */
static int queue_calls(struct exchange *x, const struct queue *q, uint64_t offset,
		       struct json_object **ret)
{
	_cleanup_(peer_done) struct peer peer = {};
	_cleanup_free_ struct mqw_call *calls = NULL;
	struct json_object *json;
	enum authz_grant grant;
	size_t n, n_here = 0;

	*ret = NULL;
	if (read_peer(x, q, &peer, &grant) < 0 || grant == AUTHZ_DENIED ||
	    x->control->ops->calls(x->control->data, &calls, &n) < 0)
		return 0;
	for (size_t i = 0; i < n; i++)
		if (calls[i].key.ino == q->id.ino && calls[i].key.ipcns == q->id.ipcns)
			calls[n_here++] = calls[i];
	json = json_calls(calls, n_here, offset);
	if (!json)
		return -ENOMEM;
	*ret = json;
	return 0;
}

static void get_queue(struct exchange *x)
{
	const struct queue *q = find_queue(x);
	uint64_t offset = realtime_offset_ns();
	struct json_object *json, *calls;

	if (!q)
		return;
	json = json_queue(q, true, offset);
	if (json && (queue_calls(x, q, offset, &calls) < 0 ||
		     json_object_object_add(json, "calls", calls) < 0)) {
		json_object_put(json);
		json = NULL;
	}
	respond(x, 200, json);
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

static void log_privileged_read(const struct queue *q, const struct peer *peer)
{
	_cleanup_free_ char *name = name_escape(q->name);

	log_notice("Payload of queue /%s (IPC namespace %" PRIu32 ", user %u) read by user %u, "
		   "process %d, as root or a member of the control group",
		   name ?: "", q->id.ipcns, (unsigned int)q->attr.uid, (unsigned int)peer->uid,
		   (int)peer->pid);
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
	r = read_peer(x, q, &peer, &grant);
	if (r < 0) {
		respond_error(x, 403, "permission_denied",
			      "your user and groups cannot be read: %s", strerror(-r));
		return;
	}
	if (grant == AUTHZ_DENIED) {
		respond_denied(x, q);
		return;
	}
	queue = *q; /* the table may change meanwhile */
	r = control->ops->snapshot(control->data, q, &request, &snapshot);
	if (r < 0) {
		respond_snapshot_error(x, &queue, r);
		return;
	}
	if (grant == AUTHZ_PRIVILEGED && request.payload_max > 0)
		log_privileged_read(&queue, &peer);
	respond(x, 200, json_snapshot(&queue, snapshot, payload));
}

static const struct route {
	const char *path;
	void (*get)(struct exchange *x);
} routes[] = {
	{"/v1/status", get_status},
	{"/v1/queues", get_queues},
	{"/v1/queues/{ipcns}/{name}", get_queue},
	{"/v1/queues/{ipcns}/{name}/messages", get_messages},
};

/* A part in braces stands for one or more bytes without '/'. */
static bool match(const char *pattern, const char *path, struct exchange *x)
{
	struct segment *segments[] = {&x->ipcns, &x->name};
	size_t n = 0;

	while (*pattern && *path) {
		if (*pattern == '{') {
			struct segment *segment = segments[n++];

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
	respond_error(x, 404, "not_found", "no such path; there are %s, %s, %s and %s",
		      routes[0].path, routes[1].path, routes[2].path, routes[3].path);
	static_assert(ARRAY_SIZE(routes) == 4, "name every route");
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
