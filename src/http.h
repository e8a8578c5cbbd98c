/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An HTTP server (libmicrohttpd) on one listening socket, run by the caller's sd_event loop. */
#ifndef MQWATCH_HTTP_H
#define MQWATCH_HTTP_H

#include <sys/socket.h>
#include <systemd/sd-event.h>

#include "util.h"

struct http_request {
	const char *method; /* only GET and HEAD reach a handler; others are answered 405 */
	const char *path;   /* percent-decoded; may hold any byte but NUL */
	int fd;		    /* the connection, for getsockopt(SO_PEERCRED, SO_PEERGROUPS) */
	/* Looks a query parameter up; the server sets it, and so do tests without one. */
	const char *(*query)(void *connection, const char *key);
	void *connection;
};

/* The handler fills it; body is malloc()ed and taken over by the server. */
struct http_response {
	unsigned int status; /* 200 to start with */
	const char *content_type;
	char *body;
	size_t size;
};

typedef void (*http_handler)(const struct http_request *request, struct http_response *response,
			     void *data);

/* Value of ?key=value, percent-decoded; "" for ?key; NULL where the key is not given. Borrowed. */
const char *http_query(const struct http_request *request, const char *key);

struct http_server;

/*
 * Takes listen_fd (not blocking) over on success only. Connections are bounded by a quarter of
 * RLIMIT_NOFILE; when all are taken, the one that has been idle for longest makes room, so that a
 * slow client blocks nobody. A URI with a NUL byte is answered 400 and reaches no handler.
 */
int http_server_new(struct http_server **ret, sd_event *event, int listen_fd, http_handler handler,
		    void *data);
void http_server_free(struct http_server *s);
DEFINE_CLEANUP(struct http_server *, http_server_free)

#endif /* MQWATCH_HTTP_H */
