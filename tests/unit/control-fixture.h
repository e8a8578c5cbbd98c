/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A daemon that control_handle() can ask: real queues, made-up messages and calls. */
#ifndef MQWATCH_TEST_CONTROL_FIXTURE_H
#define MQWATCH_TEST_CONTROL_FIXTURE_H

#include <json-c/json.h>

#include "control.h"
#include "own-queues.h"

#define PAYLOAD_MAX 4096

struct fixture {
	struct own_queues queues;
	struct control control;
	int fd, other;	      /* the peer */
	const char *query[7]; /* key, value, ..., NULL */
	int refresh_error, snapshot_error, openers_error;
	bool calls_at_least;
	struct recorder *recorder; /* NULL: none */
	unsigned int snapshots, calls;
	struct peek_request request;
	gid_t control_gid;
	struct http_response response;
	struct json_object *json;
};

static inline int op_refresh(void *data, const struct table **ret)
{
	struct fixture *f = data;
	int r = f->refresh_error;

	if (r == 0)
		r = f->queues.table ? own_queues_refresh(&f->queues) : -EPERM;

	if (r == 0)
		*ret = f->queues.table;
	return r;
}

static int op_status(_unused_ void *data, struct status *ret)
{
	*ret = (struct status){.version = "1",
			       .peek_backend = "off",
			       .peek_reason = "no kernel type information",
			       .probe_mode = "off",
			       .mqueue_reason = "no mqueue file system"};
	return 0;
}

static int op_snapshot(void *data, _unused_ const struct queue *q,
		       const struct peek_request *request, struct snapshot **ret)
{
	struct fixture *f = data;
	struct snapshot *s;

	f->snapshots++;
	f->request = *request;
	if (f->snapshot_error)
		return f->snapshot_error;
	s = calloc(1, sizeof(*s));
	s->backend = "bpf";
	s->consistent = true;
	s->messages_total = s->n_messages = 1;
	s->messages = calloc(1, sizeof(*s->messages));
	s->payloads = (uint8_t *)strdup("secret");
	s->messages[0] = (struct snapshot_message){
		.priority = 3,
		.size = 6,
		.payload = s->payloads,
		.payload_size = request->payload_max < 6 ? request->payload_max : 6};
	*ret = s;
	return 0;
}

static int op_calls(void *data, const struct queue *q, const struct open_call **ret, size_t *ret_n)
{
	static struct open_call call;
	struct fixture *f = data;

	f->calls++;
	call = (struct open_call){.call = {.key = q->id,
					   .pid = UINT32_MAX,
					   .tid = 12,
					   .op = MQW_RECEIVE,
					   .comm = "reader",
					   .start_ns = NSEC_PER_SEC},
				  .at_least = f->calls_at_least};
	*ret = &call;
	*ret_n = 1;
	return 0;
}

static int op_openers(void *data, const struct queue *q, const struct mqw_opener **ret,
		      size_t *ret_n)
{
	static struct mqw_opener openers[2];
	const struct fixture *f = data;

	openers[0] = (struct mqw_opener){.key = q->id,
					 .file = 1,
					 .pid = UINT32_MAX - 1,
					 .access = MQW_OPEN_READ,
					 .comm = "reader"};
	openers[1] = (struct mqw_opener){.key = q->id,
					 .file = 2,
					 .pid = UINT32_MAX,
					 .access = MQW_OPEN_READ | MQW_OPEN_WRITE,
					 .comm = "both"};
	*ret = openers;
	*ret_n = ARRAY_SIZE(openers);
	return f->openers_error;
}

static int op_detail(_unused_ void *data, _unused_ const struct queue *q,
		     _unused_ struct mqw_detail *ret)
{
	return -ENOENT;
}

static int op_quota(void *data, struct quota *ret)
{
	struct fixture *f = data;

	return quota_read(f->queues.table, f->queues.namespaces, NULL, ret);
}

static struct recorder *op_recorder(void *data)
{
	const struct fixture *f = data;

	return f->recorder;
}

static uint64_t op_payload_max(_unused_ void *data)
{
	return PAYLOAD_MAX;
}

static gid_t op_control_gid(void *data)
{
	const struct fixture *f = data;

	return f->control_gid;
}

static const struct control_ops ops = {
	.refresh = op_refresh,
	.status = op_status,
	.snapshot = op_snapshot,
	.calls = op_calls,
	.openers = op_openers,
	.detail = op_detail,
	.quota = op_quota,
	.recorder = op_recorder,
	.payload_max = op_payload_max,
	.control_gid = op_control_gid,
};

static const char *query(void *connection, const char *key)
{
	struct fixture *f = connection;

	for (size_t i = 0; f->query[i]; i += 2)
		if (strcmp(f->query[i], key) == 0)
			return f->query[i + 1];
	return NULL;
}

#endif /* MQWATCH_TEST_CONTROL_FIXTURE_H */
