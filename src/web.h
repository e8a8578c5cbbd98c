/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The public endpoint: what anyone who reaches it may know, so never a payload.
 *   GET /            a small status page
 *   GET /metrics     the Prometheus text format
 *   GET /-/healthy   200 while the daemon runs
 *   GET /-/ready     200 while it sees queues, else 503 with the reason
 */
#ifndef MQWATCH_WEB_H
#define MQWATCH_WEB_H

#include "http.h"
#include "status.h"
#include "text.h"

/* What the endpoint asks of the daemon. All return 0 or -errno. */
struct web_ops {
	int (*metrics)(void *data, struct text *out);
	int (*status)(void *data, struct status *ret);
};

struct web {
	const struct web_ops *ops;
	void *data;
};

void web_handle(const struct http_request *request, struct http_response *response, void *web);

#endif /* MQWATCH_WEB_H */
