// SPDX-License-Identifier: GPL-2.0-or-later
#include "http.h"

#include <inttypes.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <sys/queue.h>
#include <sys/resource.h>

#define HTTP_TIMEOUT_SEC     30 /* longer than a usual scrape interval: scrapers keep connections */
#define HTTP_CONNECTIONS_MIN 16
#define HTTP_CONNECTIONS_MAX 2048
#define HTTP_MEMORY_MAX	     (16 * 1024)	/* of one connection, without the response's body */
#define HTTP_BODIES_MAX	     (64 * 1024 * 1024) /* of all responses under way */
#define HTTP_ACCEPT_BURST    16
#define HTTP_IDLE_MIN_USEC   (USEC_PER_SEC / 2) /* younger connections do not make room */
#define HTTP_RETRY_USEC	     (USEC_PER_SEC / 10)

struct connection {
	struct http_server *server;
	TAILQ_ENTRY(connection) entry;
	sd_event_source *hangup;
	int fd;
	uint64_t since; /* accepted, or its last request began: CLOCK_MONOTONIC microseconds */
	size_t body;	/* bytes of the response under way */
	size_t uri_length;
	bool uri_bad;
	bool begun; /* the handler was called for this request */
	bool answering;
	bool dropped; /* shut down and in no list: the library is to close it */
};

struct http_server {
	sd_event *event;
	sd_event_source *listen_source, *epoll_source, *timer;
	struct MHD_Daemon *daemon;
	int listen_fd;
	http_handler handler;
	void *data;
	TAILQ_HEAD(connections, connection) connections; /* the one idle for longest first */
	size_t n_connections, connections_max;
	size_t bodies;
	uint64_t accept_at; /* after a lack of resources: when to try again */
};

static uint64_t now_usec(const struct http_server *s)
{
	uint64_t now = 0;

	sd_event_now(s->event, CLOCK_MONOTONIC, &now);
	return now;
}

static void connection_set_body(struct connection *c, size_t size)
{
	c->server->bodies += size - c->body;
	c->body = size;
}

static void connection_unlink(struct connection *c)
{
	TAILQ_REMOVE(&c->server->connections, c, entry);
	c->server->n_connections--;
	connection_set_body(c, 0);
}

/* The library learns of it from the descriptor, as of any client that hangs up. */
static void connection_drop(struct connection *c)
{
	connection_unlink(c);
	c->dropped = true;
	shutdown(c->fd, SHUT_RDWR);
}

static void connection_touch(struct connection *c)
{
	struct http_server *s = c->server;

	c->since = now_usec(s);
	if (c->dropped)
		return;
	TAILQ_REMOVE(&s->connections, c, entry);
	TAILQ_INSERT_TAIL(&s->connections, c, entry);
}

/*
 * The client sends no more. The library, which watches edges, misses that when it comes along with the
 * last data, and would keep the connection until the time-out. While there is something to answer,
 * it is asked for again: at the end of the answer, or when the library has had its turn.
 */
static int on_hangup(sd_event_source *source, int fd, _unused_ uint32_t events, void *data)
{
	const struct connection *c = data;
	MHD_UNSIGNED_LONG_LONG timeout;

	if (c->answering)
		return 0;
	if (MHD_get_timeout(c->server->daemon, &timeout) == MHD_YES && timeout == 0)
		return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
	shutdown(fd, SHUT_RDWR);
	return 0;
}

/* What fails here is left to the time-out. */
static void watch_hangup(struct connection *c)
{
	if (sd_event_add_io(c->server->event, &c->hangup, c->fd, EPOLLRDHUP, on_hangup, c) < 0)
		return;
	sd_event_source_set_priority(c->hangup, SD_EVENT_PRIORITY_IDLE);
	sd_event_source_set_enabled(c->hangup, SD_EVENT_ONESHOT);
}

static void on_connection(void *data, struct MHD_Connection *mhd, void **context,
			  enum MHD_ConnectionNotificationCode code)
{
	struct http_server *s = data;
	struct connection *c = *context;

	if (code == MHD_CONNECTION_NOTIFY_STARTED) {
		c = calloc(1, sizeof(*c));
		if (!c)
			return;
		c->server = s;
		c->fd = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
		c->since = now_usec(s);
		TAILQ_INSERT_TAIL(&s->connections, c, entry);
		s->n_connections++;
		watch_hangup(c);
		*context = c;
	} else if (c) {
		if (!c->dropped)
			connection_unlink(c);
		sd_event_source_disable_unref(c->hangup);
		free(c);
		*context = NULL;
	}
}

/* Sees the URI as it came. What it returns is the request's context. */
static void *on_uri(_unused_ void *data, const char *uri, struct MHD_Connection *mhd)
{
	struct connection *c =
		MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;

	if (!c)
		return NULL;
	connection_touch(c);
	c->begun = false;
	c->uri_length = uri ? strlen(uri) : 0;
	c->uri_bad = !uri || strstr(uri, "%00");
	return c;
}

static void on_completed(_unused_ void *data, _unused_ struct MHD_Connection *mhd, void **context,
			 _unused_ enum MHD_RequestTerminationCode code)
{
	struct connection *c = *context;

	if (!c)
		return;
	connection_set_body(c, 0);
	c->answering = false;
	if (c->hangup)
		sd_event_source_set_enabled(c->hangup, SD_EVENT_ONESHOT);
}

/*
 * Whether a NUL byte, encoded or not, is in the URI: it would make one name into another. The
 * library parses a request in place, so the version follows the URI's terminator at once.
 */
static bool uri_truncated(const struct connection *c, const char *url, const char *version)
{
	uintptr_t distance = (uintptr_t)version - (uintptr_t)url;

	return c->uri_bad || (distance > c->uri_length + 1 && distance < HTTP_MEMORY_MAX);
}

static void respond_text(struct http_response *response, unsigned int status, const char *text)
{
	response->status = status;
	response->content_type = "text/plain; charset=utf-8";
	response->body = strdup(text);
	response->size = response->body ? strlen(text) : 0;
}

/* Responses that nobody reads must not pile up: the oldest ones are given up. */
static void limit_bodies(const struct connection *current)
{
	struct http_server *s = current->server;
	struct connection *c, *next;

	for (c = TAILQ_FIRST(&s->connections); c && s->bodies > HTTP_BODIES_MAX; c = next) {
		next = TAILQ_NEXT(c, entry);
		if (c->body && c != current)
			connection_drop(c);
	}
}

static enum MHD_Result respond(struct connection *c, struct MHD_Connection *mhd,
			       struct http_response *response)
{
	struct MHD_Response *r;
	enum MHD_Result queued;

	r = MHD_create_response_from_buffer(response->size, response->body, MHD_RESPMEM_MUST_FREE);
	if (!r) {
		free(response->body);
		return MHD_NO;
	}
	if (response->content_type)
		MHD_add_response_header(r, MHD_HTTP_HEADER_CONTENT_TYPE, response->content_type);
	MHD_add_response_header(r, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
	if (response->status == MHD_HTTP_METHOD_NOT_ALLOWED)
		MHD_add_response_header(r, MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
	queued = MHD_queue_response(mhd, response->status, r);
	MHD_destroy_response(r);
	c->answering = queued == MHD_YES;
	if (queued == MHD_YES && !c->dropped) {
		connection_set_body(c, response->size);
		limit_bodies(c);
	}
	return queued;
}

static const char *query(void *connection, const char *key)
{
	const char *value = NULL;

	if (MHD_lookup_connection_value_n(connection, MHD_GET_ARGUMENT_KIND, key, strlen(key),
					  &value, NULL) != MHD_YES)
		return NULL;
	return value ?: "";
}

/* The library calls it once for the head, then for the body, if any, and once more at the end. */
static enum MHD_Result on_request(void *data, struct MHD_Connection *mhd, const char *url,
				  const char *method, const char *version,
				  _unused_ const char *upload, size_t *upload_size, void **context)
{
	struct http_server *s = data;
	struct connection *c = *context;
	struct http_response response = {.status = MHD_HTTP_OK};

	if (!c)
		return MHD_NO; /* no memory: closes the connection */
	if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 && strcmp(method, MHD_HTTP_METHOD_HEAD) != 0) {
		respond_text(&response, MHD_HTTP_METHOD_NOT_ALLOWED,
			     "Only GET and HEAD are allowed.\n");
	} else if (uri_truncated(c, url, version)) {
		respond_text(&response, MHD_HTTP_BAD_REQUEST, "The URI holds a NUL byte.\n");
	} else if (!c->begun || *upload_size > 0) {
		/* an answer before the end would cost the client its connection */
		c->begun = true;
		*upload_size = 0;
		return MHD_YES;
	} else {
		struct http_request request = {
			.method = method,
			.path = url,
			.fd = c->fd,
			.query = query,
			.connection = mhd,
		};

		s->handler(&request, &response, s->data);
	}
	return respond(c, mhd, &response);
}

const char *http_query(const struct http_request *request, const char *key)
{
	return request->query(request->connection, key);
}

/* When a new connection may be accepted. */
static uint64_t accept_at(const struct http_server *s)
{
	uint64_t idle;

	if (s->n_connections < s->connections_max)
		return s->accept_at;
	idle = TAILQ_FIRST(&s->connections)->since + HTTP_IDLE_MIN_USEC;
	return idle > s->accept_at ? idle : s->accept_at;
}

/* Lets the library work, then sleeps until it or the listening socket has something to do. */
static int run(struct http_server *s)
{
	uint64_t now = now_usec(s), at, wake = UINT64_MAX;
	MHD_UNSIGNED_LONG_LONG timeout;
	int r;

	if (MHD_run(s->daemon) != MHD_YES)
		return -EIO;
	if (MHD_get_timeout(s->daemon, &timeout) == MHD_YES)
		wake = now + timeout * 1000;
	at = accept_at(s);
	r = sd_event_source_set_enabled(s->listen_source, at > now ? SD_EVENT_OFF : SD_EVENT_ON);
	if (r < 0)
		return r;
	if (at > now && at < wake)
		wake = at;
	if (wake == UINT64_MAX)
		return sd_event_source_set_enabled(s->timer, SD_EVENT_OFF);
	r = sd_event_source_set_time(s->timer, wake);
	return r < 0 ? r : sd_event_source_set_enabled(s->timer, SD_EVENT_ONESHOT);
}

static int on_epoll(_unused_ sd_event_source *source, _unused_ int fd, _unused_ uint32_t events,
		    void *data)
{
	return run(data);
}

static int on_timer(_unused_ sd_event_source *source, _unused_ uint64_t usec, void *data)
{
	return run(data);
}

static int on_listen(_unused_ sd_event_source *source, int fd, _unused_ uint32_t events, void *data)
{
	struct http_server *s = data;
	struct connection *idle;
	struct sockaddr_storage addr;
	socklen_t size;
	int client;

	for (int i = 0; i < HTTP_ACCEPT_BURST && accept_at(s) <= now_usec(s); i++) {
		size = sizeof(addr);
		client = accept4(fd, (struct sockaddr *)&addr, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
		idle = TAILQ_FIRST(&s->connections);
		if (client < 0) {
			if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS ||
			    errno == ENOMEM) {
				s->accept_at = now_usec(s) + HTTP_RETRY_USEC;
				if (idle)
					connection_drop(idle);
			}
			break;
		}
		if (s->n_connections >= s->connections_max)
			connection_drop(idle);
		/* takes client over, come what may */
		MHD_add_connection(s->daemon, client, (struct sockaddr *)&addr, size);
	}
	return run(s);
}

static size_t connections_max(void)
{
	struct rlimit limit;
	rlim_t n = HTTP_CONNECTIONS_MAX;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur / 4 < n)
		n = limit.rlim_cur / 4;
	return n < HTTP_CONNECTIONS_MIN ? HTTP_CONNECTIONS_MIN : n;
}

/* The listening socket stays ours: the library's accept loop spins where descriptors are short. */
static struct MHD_Daemon *start_daemon(struct http_server *s)
{
	return MHD_start_daemon(
		MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET, 0, NULL, NULL, on_request, s,
		/* dropped connections are still there for a moment */
		MHD_OPTION_CONNECTION_LIMIT, (unsigned int)(s->connections_max + HTTP_ACCEPT_BURST),
		MHD_OPTION_CONNECTION_TIMEOUT, (unsigned int)HTTP_TIMEOUT_SEC,
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)HTTP_MEMORY_MAX,
		MHD_OPTION_NOTIFY_CONNECTION, on_connection, s, MHD_OPTION_NOTIFY_COMPLETED,
		on_completed, s, MHD_OPTION_URI_LOG_CALLBACK, on_uri, s, MHD_OPTION_END);
}

int http_server_new(struct http_server **ret, sd_event *event, int listen_fd, http_handler handler,
		    void *data)
{
	_cleanup_(http_server_freep) struct http_server *s = NULL;
	const union MHD_DaemonInfo *info;
	int r;

	s = calloc(1, sizeof(*s));
	if (!s)
		return -ENOMEM;
	TAILQ_INIT(&s->connections);
	s->event = sd_event_ref(event);
	s->listen_fd = -1;
	s->handler = handler;
	s->data = data;
	s->connections_max = connections_max();
	s->daemon = start_daemon(s);
	if (!s->daemon)
		return errno > 0 ? -errno : -EIO;
	info = MHD_get_daemon_info(s->daemon, MHD_DAEMON_INFO_EPOLL_FD);
	if (!info || info->epoll_fd < 0)
		return -EOPNOTSUPP;
	r = sd_event_add_io(event, &s->epoll_source, info->epoll_fd, EPOLLIN, on_epoll, s);
	if (r < 0)
		return r;
	r = sd_event_add_io(event, &s->listen_source, listen_fd, EPOLLIN, on_listen, s);
	if (r < 0)
		return r;
	/* exact: the library's zero means now */
	r = sd_event_add_time(event, &s->timer, CLOCK_MONOTONIC, 0, 1, on_timer, s);
	if (r < 0)
		return r;
	s->listen_fd = listen_fd;
	*ret = TAKE_PTR(s);
	return 0;
}

void http_server_free(struct http_server *s)
{
	if (!s)
		return;
	sd_event_source_disable_unref(s->timer);
	sd_event_source_disable_unref(s->epoll_source);
	sd_event_source_disable_unref(s->listen_source);
	if (s->daemon)
		MHD_stop_daemon(s->daemon); /* closes every connection: on_connection() */
	close_fd(s->listen_fd);
	sd_event_unref(s->event);
	free(s);
}
