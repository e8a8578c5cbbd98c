/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Wires the watch: when it looks, what it may ask, what is done about stalls. */
#include <time.h>

#include "json.h"
#include "log.h"
#include "manager_internal.h"
#include "report.h"

/* Scans of all tasks take at most so little of the time: 1 part in so many. */
#define SCAN_SHARE  20
#define SCAN_MIN_NS (20 * NSEC_PER_MSEC)
/* but what is older than this is not what one asked for */
#define SCAN_MAX_NS (250 * NSEC_PER_MSEC)

/* What a record keeps of a queue's messages. */
#define RECORD_MESSAGES 1000

#define STATE_DIRECTORY "/var/lib/mqwatch"

static void scan_done(struct scan *s)
{
	free(s->items);
	*s = (struct scan){};
}

/* A scan that began at start is over. */
static void scan_finish(struct scan *s, void *items, size_t n, uint64_t start)
{
	uint64_t now = clock_ns(CLOCK_MONOTONIC), keep = SCAN_SHARE * (now - start);

	scan_done(s);
	s->items = items;
	s->n = n;
	if (keep < SCAN_MIN_NS)
		keep = SCAN_MIN_NS;
	s->good_until_ns = now + (keep < SCAN_MAX_NS ? keep : SCAN_MAX_NS);
}

static bool scan_good(const struct scan *s)
{
	return s->items && clock_ns(CLOCK_MONOTONIC) < s->good_until_ns;
}

int manager_calls(struct manager *m, const struct queue *q, const struct open_call **ret,
		  size_t *ret_n)
{
	uint64_t start = clock_ns(CLOCK_MONOTONIC);
	struct open_call *calls;
	size_t n;
	int r;

	if (!scan_good(&m->calls_scan)) {
		r = calls_read(m->calls, m->probe, m->openers, &calls, &n);
		if (r < 0)
			return r;
		scan_finish(&m->calls_scan, calls, n, start);
	}
	*ret = calls_of(m->calls_scan.items, m->calls_scan.n, &q->id, ret_n);
	return 0;
}

int manager_openers(struct manager *m, const struct queue *q, const struct mqw_opener **ret,
		    size_t *ret_n)
{
	uint64_t start = clock_ns(CLOCK_MONOTONIC);
	struct mqw_opener *openers;
	size_t n;
	int r;

	if (!scan_good(&m->openers_scan)) {
		r = openers_list(m->openers, &openers, &n);
		if (r < 0)
			return r;
		scan_finish(&m->openers_scan, openers, n, start);
	}
	*ret = openers_of(m->openers_scan.items, m->openers_scan.n, &q->id, ret_n);
	return 0;
}

void manager_forget_openers(struct manager *m)
{
	m->openers_scan.good_until_ns = 0;
}

static struct stall_rules op_rules(void *data, const struct queue *q)
{
	const struct manager *m = data;

	return config_stall_rules(m->config, q->name);
}

static int op_readers(void *data, const struct queue *q, size_t *ret)
{
	const struct mqw_opener *openers;
	size_t n;
	int r = manager_openers(data, q, &openers, &n);

	if (r == 0)
		*ret = openers_count(openers, n, MQW_OPEN_READ);
	return r;
}

static uint64_t op_blocked_since(void *data, const struct queue *q)
{
	const struct open_call *calls;
	size_t n;

	if (manager_calls(data, q, &calls, &n) < 0)
		return 0;
	return calls_oldest(calls, n, MQW_SEND);
}

static uint64_t realtime_of(uint64_t monotonic_ns)
{
	return monotonic_ns + clock_ns(CLOCK_REALTIME) - clock_ns(CLOCK_MONOTONIC);
}

static int add(struct json_object *json, const char *key, struct json_object *value)
{
	if (value && json_object_object_add(json, key, value) == 0)
		return 0;
	json_object_put(value);
	return -ENOMEM;
}

/* Everything that is known of the queue now; what cannot be known is left out. */
static int add_details(struct manager *m, const struct queue *q, struct json_object *json)
{
	const struct peek_request request = {
		.messages_max = RECORD_MESSAGES,
		.payload_max = m->config->recorder_payload,
	};
	_cleanup_(snapshot_freep) struct snapshot *snapshot = NULL;
	uint64_t offset = clock_ns(CLOCK_REALTIME) - clock_ns(CLOCK_MONOTONIC);
	const struct mqw_opener *openers;
	const struct open_call *calls;
	size_t n;
	int r = table_sum(m->table, m->probe);

	if (r == 0)
		r = add(json, "details", json_queue(q, true, offset));
	if (r == 0 && q->found.oldest.pid)
		r = add(json, "oldest_sender", json_sender(&q->found.oldest));
	if (r == 0 && manager_openers(m, q, &openers, &n) == 0)
		r = add(json, "openers", json_openers(openers, n));
	if (r == 0 && manager_calls(m, q, &calls, &n) == 0)
		r = add(json, "calls", json_calls(calls, n, offset));
	if (r == 0 && manager_snapshot(m, q, &request, &snapshot) == 0)
		r = add(json, "snapshot",
			json_snapshot(q, snapshot, m->config->recorder_payload > 0));
	return r;
}

static void record_stall(struct manager *m, const struct queue *q, enum stall_reason reason)
{
	struct record record = {
		.key = q->id,
		.reason = reason,
		.began_ns = realtime_of(q->stall.since_ns[reason]),
		.uid = q->attr.uid,
		.gid = q->attr.gid,
		.mode = q->attr.mode,
	};
	struct json_object *details = json_object_new_object();
	int r = details ? add_details(m, q, details) : -ENOMEM;

	snprintf(record.name, sizeof(record.name), "%s", q->name);
	if (r == 0)
		r = recorder_add(m->recorder, &record, details);
	else
		json_object_put(details);
	if (r < 0)
		log_warning_errno_limited(r, "A stall cannot be recorded, ignoring: %m");
}

static void op_stalled(void *data, const struct queue *q, const struct stall *before)
{
	struct manager *m = data;
	int r;

	for (unsigned int i = 0; i < STALL_REASONS; i++) {
		bool now = stall_has(&q->stall, i);

		if (now == stall_has(before, i))
			continue;
		report_stall(q, i, now ? q->stall.since_ns[i] : before->since_ns[i], !now);
		if (now) {
			record_stall(m, q, i);
			continue;
		}
		r = recorder_end(m->recorder, &q->id, i, clock_ns(CLOCK_REALTIME));
		if (r < 0)
			log_warning_errno_limited(
				r, "The end of a stall cannot be recorded, ignoring: %m");
	}
}

static const struct watch_ops watch_ops = {
	.rules = op_rules,
	.readers = op_readers,
	.blocked_since = op_blocked_since,
	.stalled = op_stalled,
};

/* Returns when the next look is due. */
static uint64_t run(struct manager *m)
{
	const struct watch_parts parts = {
		.table = m->table,
		.namespaces = m->namespaces,
		.peek = m->peek,
		.probe = m->probe,
		.snapshots = m->snapshots,
		.levels = m->config->watch_priorities > 0,
	};

	return watch_run(m->watch, &parts, m->config->watch_interval_ns);
}

static bool watching(const struct manager *m)
{
	return m->config->watch_interval_ns;
}

static int on_watch(sd_event_source *source, uint64_t usec, void *data)
{
	struct manager *m = data;

	if (!watching(m))
		return 0;
	if (watch_stale(m->watch, m->probe))
		manager_refresh(m);
	sd_event_source_set_time(source, run(m) / 1000);
	table_drop_sums(m->table);
	manager_tell(m);
	return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

/* Since when calls have been blocked, asked only where the kernel says that there are some. */
static void find_blocked(struct manager *m)
{
	for (size_t i = 0; i < table_size(m->table); i++) {
		struct queue *q = table_edit(m->table, i);
		const struct open_call *calls;
		size_t n;

		memset(q->found.blocked_ns, 0, sizeof(q->found.blocked_ns));
		if ((!q->attr.blocked_senders && !q->attr.blocked_receivers) ||
		    manager_calls(m, q, &calls, &n) < 0)
			continue;
		for (unsigned int op = 0; op < MQW_OPS; op++)
			q->found.blocked_ns[op] = calls_oldest(calls, n, op);
	}
}

void manager_look(struct manager *m)
{
	if (watching(m))
		run(m);
	find_blocked(m);
}

void manager_restart_watch(struct manager *m)
{
	recorder_set_limits(m->recorder, m->config->recorder_records, m->config->recorder_size);
	sd_event_source_set_time(m->watch_timer, 0);
	sd_event_source_set_enabled(m->watch_timer, SD_EVENT_ONESHOT);
}

/* Of several state directories, which systemd separates by colons, the first. */
static char *state_directory(void)
{
	const char *state = getenv("STATE_DIRECTORY");

	return state && *state ? strndup(state, strcspn(state, ":")) : strdup(STATE_DIRECTORY);
}

static int start_recorder(struct manager *m)
{
	const struct config *c = m->config;
	_cleanup_free_ char *state = state_directory();
	const struct recorder_options options = {
		.directory = c->recorder_directory ? c->recorder_directory : state,
		.records_max = c->recorder_records,
		.size_max = c->recorder_size,
	};

	return state ? recorder_new(&m->recorder, &options) : -ENOMEM;
}

int manager_start_watch(struct manager *m)
{
	int r = start_recorder(m);

	if (r == 0)
		r = calls_new(&m->calls);
	if (r == 0)
		r = watch_new(&m->watch, &watch_ops, m);
	if (r < 0)
		return r;
	manager_refresh(m);
	/* calls that are blocked by now are known from now on */
	find_blocked(m);
	return sd_event_add_time(m->event, &m->watch_timer, CLOCK_MONOTONIC, 0, 1000, on_watch, m);
}

void manager_stop_watch(struct manager *m)
{
	sd_event_source_unref(m->watch_timer);
	watch_free(m->watch);
	scan_done(&m->openers_scan);
	scan_done(&m->calls_scan);
	calls_free(m->calls);
	recorder_free(m->recorder);
}
