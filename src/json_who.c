// SPDX-License-Identifier: GPL-2.0-or-later
/* Who is at a queue: its openers, the calls under way, the sender of the oldest message. */
#include <signal.h>
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

static const char *access_name(uint32_t access)
{
	static const char *const names[] = {
		[0] = NULL,
		[MQW_OPEN_READ] = "read",
		[MQW_OPEN_WRITE] = "write",
		[MQW_OPEN_READ | MQW_OPEN_WRITE] = "read-write",
	};

	return names[access % ARRAY_SIZE(names)];
}

static struct json_object *json_descriptor(const struct mqw_opener *opener)
{
	struct json_build o = json_begin();

	json_add_u64(&o, "fd", opener->fd);
	json_add_string(&o, "access", access_name(opener->access));
	return json_end(&o);
}

/* A process with all its n descriptors. */
static struct json_object *json_opener(const struct mqw_opener *of, size_t n)
{
	struct json_build o = json_begin();
	struct json_object *descriptors = json_object_new_array();
	uint32_t access = 0;

	for (size_t i = 0; i < n; i++) {
		access |= of[i].access;
		json_append(&o, descriptors, json_descriptor(&of[i]));
	}
	json_add_u64(&o, "pid", of->pid);
	add_comm(&o, of->comm);
	json_add_u64(&o, "uid", of->uid);
	json_add_string(&o, "access", access_name(access));
	json_add(&o, "descriptors", descriptors);
	add_process(&o, of->pid, clock_ns(CLOCK_MONOTONIC));
	return json_end(&o);
}

static int compare_processes(const void *a, const void *b)
{
	const struct mqw_opener *x = a, *y = b;

	if (x->pid != y->pid)
		return x->pid < y->pid ? -1 : 1;
	return x->fd < y->fd ? -1 : x->fd > y->fd;
}

struct json_object *json_openers(const struct mqw_opener *openers, size_t n)
{
	_cleanup_free_ struct mqw_opener *sorted = calloc(n + 1, sizeof(*sorted));
	struct json_build list = {json_object_new_array(), !sorted};
	size_t of;

	if (sorted && n) {
		memcpy(sorted, openers, n * sizeof(*sorted));
		qsort(sorted, n, sizeof(*sorted), compare_processes);
	}
	for (size_t i = 0; sorted && i < n; i += of) {
		for (of = 1; i + of < n && sorted[i + of].pid == sorted[i].pid;)
			of++;
		json_append(&list, list.json, json_opener(&sorted[i], of));
	}
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

/* How the process that is registered with mq_notify(3) will be told. */
struct json_object *json_notify(const struct mqw_detail *detail)
{
	static const char *const methods[] = {
		[SIGEV_SIGNAL] = "signal",
		[SIGEV_NONE] = "none",
		[SIGEV_THREAD] = "thread",
	};
	struct json_build o = json_begin();
	bool signal = detail->notify_kind == SIGEV_SIGNAL;

	json_add_u64(&o, "pid", detail->notify_pid);
	json_add_string(&o, "method",
			detail->notify_kind < ARRAY_SIZE(methods) ? methods[detail->notify_kind]
								  : NULL);
	json_add_known_u64(&o, "signal", signal, detail->notify_signal);
	add_process(&o, detail->notify_pid, clock_ns(CLOCK_MONOTONIC));
	return json_end(&o);
}
