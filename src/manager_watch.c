/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Wires the watch: when it looks, what it may ask, what is done about stalls. */
#include <time.h>

#include "log.h"
#include "manager_internal.h"

static struct stall_rules op_rules(void *data, const struct queue *q)
{
	const struct manager *m = data;

	return config_stall_rules(m->config, q->name);
}

static int op_readers(void *data, const struct queue *q, size_t *ret)
{
	return -EOPNOTSUPP;
}

static uint64_t op_blocked_since(void *data, const struct queue *q)
{
	return 0;
}

static void op_stalled(void *data, const struct queue *q, const struct stall *before)
{
	for (unsigned int i = 0; i < STALL_REASONS; i++) {
		if (stall_has(&q->stall, i) == stall_has(before, i))
			continue;
		log_warning("Queue /%s: %s %s", q->name, stall_reason_names[i],
			    stall_has(&q->stall, i) ? "begun" : "ended");
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
		.fs = m->mqfs,
		.peek = m->peek,
		.probe = m->probe,
		.snapshots = m->snapshots,
	};

	return watch_run(m->watch, &parts, m->config->watch_interval_ns);
}

static bool watching(const struct manager *m)
{
	return m->mqfs && m->config->watch_interval_ns;
}

static int on_watch(sd_event_source *source, uint64_t usec, void *data)
{
	struct manager *m = data;

	if (!watching(m))
		return 0;
	if (watch_stale(m->watch, m->probe))
		manager_refresh(m);
	sd_event_source_set_time(source, run(m) / 1000);
	return sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

void manager_look(struct manager *m)
{
	if (watching(m))
		run(m);
}

void manager_restart_watch(struct manager *m)
{
	sd_event_source_set_time(m->watch_timer, 0);
	sd_event_source_set_enabled(m->watch_timer, SD_EVENT_ONESHOT);
}

int manager_start_watch(struct manager *m)
{
	int r = watch_new(&m->watch, &watch_ops, m);

	if (r < 0)
		return r;
	manager_refresh(m);
	return sd_event_add_time(m->event, &m->watch_timer, CLOCK_MONOTONIC, 0, 1000, on_watch, m);
}
