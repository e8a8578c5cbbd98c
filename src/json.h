/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The JSON that scripts rely on, built the same way by the daemon and by mqwatchctl without one.
 * Each function returns a new json_object, NULL without memory.
 */
#ifndef MQWATCH_JSON_H
#define MQWATCH_JSON_H

#include <json-c/json.h>

#include "snapshot.h"
#include "status.h"

/* One queue as in {"queues":[...]}; detail adds the counters, histograms and limits that "show" prints. */
struct json_object *json_queue(const struct queue *q, bool detail, uint64_t realtime_offset_ns);
struct json_object *json_queues(const struct table *t);
struct json_object *json_snapshot(const struct queue *q, const struct snapshot *s,
				  bool with_payload);
struct json_object *json_calls(const struct mqw_call *calls, size_t n, uint64_t realtime_offset_ns);
struct json_object *json_status(const struct status *s);
/* {"error":{"code":"permission_denied","message":"..."}} */
struct json_object *json_error(const char *code, const char *message);

#endif /* MQWATCH_JSON_H */
