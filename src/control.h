/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The control API: HTTP/JSON over a Unix socket, authorised per request.
 *   GET /v1/status                                 anyone
 *   GET /v1/queues                                 anyone
 *   GET /v1/queues/{ipcns}/{name}                  anyone (calls under way: those who may read the queue)
 *   GET /v1/queues/{ipcns}/{name}/messages?limit=N&bytes=N&payload=0   those who may read the queue
 * {name} is percent-encoded, without the leading '/'. Errors: 400 usage, 403 permission, 404 no such queue,
 * 503 no backend, each with json_error().
 */
#ifndef MQWATCH_CONTROL_H
#define MQWATCH_CONTROL_H

#include "http.h"
#include "snapshot.h"
#include "status.h"

/* What the API asks of the daemon. All return 0 or -errno. */
struct control_ops {
	int (*refresh)(void *data, const struct table **ret);
	int (*status)(void *data, struct status *ret);
	/* permission is checked against the open queue's own attributes, before anything is read */
	int (*snapshot)(void *data, const struct queue *q, const struct peek_request *request,
			struct snapshot **ret);
	int (*calls)(void *data, struct mqw_call **ret, size_t *ret_n);
	uint64_t (*payload_max)(void *data); /* upper bound and default of bytes=N */
	gid_t (*control_gid)(void *data);
};

struct control {
	const struct control_ops *ops;
	void *data;
};

void control_handle(const struct http_request *request, struct http_response *response,
		    void *control);

#endif /* MQWATCH_CONTROL_H */
