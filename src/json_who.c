// SPDX-License-Identifier: GPL-2.0-or-later
/* Who is at a queue: its openers, the calls under way, the sender of the oldest message. */
#include <time.h>

#include "json.h"
#include "json_build.h"
#include "process.h"

static void add_text(struct json_build *o, const char *key, const char *text)
{
	json_add_string(o, key, *text ? text : NULL);
}

static void add_process(struct json_build *o, uint32_t pid, uint64_t alive_ns)
{
	struct process p;

	if (process_read(pid, alive_ns, &p) < 0)
		p.command[0] = p.unit[0] = p.container[0] = '\0';
	add_text(o, "command", p.command);
	add_text(o, "unit", p.unit);
	add_text(o, "container", p.container);
}

static void add_comm(struct json_build *o, const char comm[MQW_COMM_SIZE])
{
	char text[MQW_COMM_SIZE + 1];

	snprintf(text, sizeof(text), "%.*s", MQW_COMM_SIZE, comm);
	json_add_string(o, "comm", text);
}

static struct json_object *json_call(const struct open_call *open, uint64_t realtime_offset_ns)
{
	const struct mqw_call *call = &open->call;
	struct json_build o = json_begin();
	uint64_t start = call->start_ns;

	json_add_string(&o, "operation", call->op == MQW_SEND ? "send" : "receive");
	json_add_u64(&o, "pid", call->pid);
	json_add_u64(&o, "tid", call->tid);
	add_comm(&o, call->comm);
	json_add_known_time(&o, "started_at", open->at_least ? 0 : start, realtime_offset_ns);
	json_add_known_time(&o, "started_before", open->at_least ? start : 0, realtime_offset_ns);
	add_process(&o, call->pid, start);
	return json_end(&o);
}

struct json_object *json_calls(const struct open_call *calls, size_t n, uint64_t realtime_offset_ns)
{
	struct json_build list = {json_object_new_array(), false};

	for (size_t i = 0; i < n; i++)
		json_append(&list, list.json, json_call(&calls[i], realtime_offset_ns));
	return json_end(&list);
}

static struct json_object *json_opener(const struct mqw_opener *opener)
{
	static const char *const access[] = {
		[0] = NULL,
		[MQW_OPEN_READ] = "read",
		[MQW_OPEN_WRITE] = "write",
		[MQW_OPEN_READ | MQW_OPEN_WRITE] = "read-write",
	};
	struct json_build o = json_begin();

	json_add_u64(&o, "pid", opener->pid);
	add_comm(&o, opener->comm);
	json_add_string(&o, "access", access[opener->access % ARRAY_SIZE(access)]);
	add_process(&o, opener->pid, clock_ns(CLOCK_MONOTONIC));
	return json_end(&o);
}

struct json_object *json_openers(const struct mqw_opener *openers, size_t n)
{
	struct json_build list = {json_object_new_array(), false};

	for (size_t i = 0; i < n; i++)
		json_append(&list, list.json, json_opener(&openers[i]));
	return json_end(&list);
}

struct json_object *json_sender(const struct queue_oldest *oldest)
{
	struct json_build o = json_begin();

	json_add_u64(&o, "pid", oldest->pid);
	json_add_u64(&o, "tid", oldest->tid);
	add_comm(&o, oldest->comm);
	add_process(&o, oldest->pid, oldest->sent_ns);
	return json_end(&o);
}
