/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The JSON that scripts rely on, built the same way by the daemon and by mqwatchctl without one.
 * Each function returns a new json_object, NULL without memory.
 */
#ifndef MQWATCH_JSON_H
#define MQWATCH_JSON_H

#include <json-c/json.h>

#include "calls.h"
#include "quota.h"
#include "snapshot.h"
#include "status.h"

/* One queue as in {"queues":[...]}; detail adds the counters, histograms and limits that "show" prints. */
struct json_object *json_queue(const struct queue *q, bool detail, uint64_t realtime_offset_ns);
struct json_object *json_queues(const struct table *t);
struct json_object *json_snapshot(const struct queue *q, const struct snapshot *s,
				  bool with_payload);
/* json_who.c: with what /proc tells of the processes that still live */
struct json_object *json_calls(const struct open_call *calls, size_t n,
			       uint64_t realtime_offset_ns);
struct json_object *json_openers(const struct mqw_opener *openers, size_t n);
struct json_object *json_sender(const struct queue_oldest *oldest);
struct json_object *json_notify(const struct mqw_detail *detail);
struct json_object *json_limits(const struct quota *q); /* json_limits.c */
struct json_object *json_status(const struct status *s);
/* {"error":{"code":"permission_denied","message":"..."}} */
struct json_object *json_error(const char *code, const char *message);

#endif /* MQWATCH_JSON_H */
