/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The control API: HTTP/JSON over a Unix socket, authorised per request.
 *   GET /v1/status                                 anyone
 *   GET /v1/queues                                 anyone
 *   GET /v1/queues/{ipcns}/{name}                  anyone (who is at it: those who may read the queue)
 *   GET /v1/queues/{ipcns}/{name}/messages?limit=N&bytes=N&payload=0   those who may read the queue
 *   GET /v1/limits                                 anyone
 *   GET /v1/stalls                                 anyone
 *   GET /v1/stalls/{id}                            those who may read the queue
 * {name} is percent-encoded, without the leading '/'. Errors: 400 usage, 403 permission, 404 no such queue,
 * 503 no backend, each with json_error().
 */
#ifndef MQWATCH_CONTROL_H
#define MQWATCH_CONTROL_H

#include "calls.h"
#include "http.h"
#include "quota.h"
#include "recorder.h"
#include "snapshot.h"
#include "status.h"

/* What the API asks of the daemon. All return 0 or -errno. */
struct control_ops {
	int (*refresh)(void *data, const struct table **ret);
	int (*status)(void *data, struct status *ret);
	/* permission is checked against the open queue's own attributes, before anything is read */
	int (*snapshot)(void *data, const struct queue *q, const struct peek_request *request,
			struct snapshot **ret);
	/* the calls under way on the queue, and who has it open; borrowed */
	int (*calls)(void *data, const struct queue *q, const struct open_call **ret,
		     size_t *ret_n);
	int (*openers)(void *data, const struct queue *q, const struct mqw_opener **ret,
		       size_t *ret_n);
	/* who is registered with mq_notify(3), and how */
	int (*detail)(void *data, const struct queue *q, struct mqw_detail *ret);
	int (*quota)(void *data, struct quota *ret); /* the caller calls quota_done() */
	struct recorder *(*recorder)(void *data);    /* NULL: none */
	uint64_t (*payload_max)(void *data);	     /* upper bound and default of bytes=N */
	gid_t (*control_gid)(void *data);
};

struct control {
	const struct control_ops *ops;
	void *data;
};

void control_handle(const struct http_request *request, struct http_response *response,
		    void *control);

#endif /* MQWATCH_CONTROL_H */
