/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The metrics page over a table that a test fills itself. The page's source is included, so that it
 * uses the fake also where the real table is linked in.
 */
#ifndef MQWATCH_FAKE_TABLE_H
#define MQWATCH_FAKE_TABLE_H

#define table_size		  fake_table_size
#define table_at		  fake_table_at
#define metrics_render		  fake_metrics_render
#define metrics_render_reach	  fake_metrics_render_reach
#define metrics_render_queues	  fake_metrics_render_queues
#define metrics_render_histograms fake_metrics_render_histograms
#include "../../src/metrics.c"
#include "../../src/metrics_histograms.c"
#include "../../src/metrics_queues.c"
#define render_info   reach_render_info
#define render_errors reach_render_errors
#include "../../src/metrics_reach.c"

struct table {
	size_t n;
	struct queue *queues;
};

size_t fake_table_size(const struct table *t)
{
	return t->n;
}

const struct queue *fake_table_at(const struct table *t, size_t i)
{
	return &t->queues[i];
}

#define FAKE_COUNTERS 65536 /* as many queues at a time */

static struct queue_level fake_levels[QUEUE_LEVELS_MAX];

/* A queue with a number in every place, each one different. */
static inline void fake_queue(struct queue *q, uint32_t ipcns, const char *name)
{
	static struct mqw_counters pool[FAKE_COUNTERS];
	static size_t used;
	uint64_t number = 1;

	*q = (struct queue){.id = {.ino = 1, .ipcns = ipcns}, .linked = true, .counted = true};
	q->counters = &pool[used++ % FAKE_COUNTERS];
	*q->counters = (struct mqw_counters){};
	q->found.levels = fake_levels;
	q->name = name;
	q->attr = (struct queue_attr){.messages = 3,
				      .messages_limit = 10,
				      .message_size_limit = 64,
				      .bytes = 192,
				      .bytes_known = true,
				      .waiters_known = true,
				      .blocked_senders = 2,
				      .blocked_receivers = 1,
				      .notify_pid = 77,
				      .uid = 1000,
				      .gid = 100,
				      .mode = 0640};
	for (int op = 0; op < MQW_OPS; op++) {
		struct mqw_op_stats *stats = &q->counters->op[op];

		stats->messages = 1000000 + number++;
		stats->bytes = 64000000 + number++;
		stats->last_ns = 123 * NSEC_PER_SEC + number++;
		stats->time_ns = 4 * NSEC_PER_SEC + number++;
		for (int i = 0; i < MQW_TIME_BUCKETS; i++)
			stats->time[i] = number++;
		for (int i = 0; i < MQW_ERRORS; i++)
			stats->errors[i] = number++;
	}
	for (int i = 0; i < MQW_DEPTH_BUCKETS; i++)
		q->counters->depth[i] = number++;
	q->counters->depth_ratio_sum = 12345678;
}

static const struct status fake_status = {
	.version = "0.1",
	.started_at = 1763940000.125,
	.ipcns = 4026531839,
	.mqueue_source = "/dev/mqueue",
	.peek_backend = "bpf",
	.probe_mode = "tracepoint",
	.queues_max = 4096,
};

static const struct namespace fake_namespace = {
	.ipcns = 4026531839,
	.limits = {.known = true, .queues_max = 256},
};

static const struct quota fake_quota = {.namespaces = &fake_namespace, .n_namespaces = 1};

#endif /* MQWATCH_FAKE_TABLE_H */
