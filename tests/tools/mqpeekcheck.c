// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Takes snapshots of a queue that mqload is using, as fast as it can, and checks every message
 * they deliver: whole, of this queue, in receive order, there once, and not already received.
 */
#include <fcntl.h>
#include <getopt.h>
#include <mqueue.h>
#include <string.h>
#include <time.h>

#include "../../src/peek.h"
#include "../../src/probe.h"
#include "options.h"
#include "payload.h"

#define BUFFER_MAX  (64ULL << 20)
#define PAYLOAD_MAX (64ULL << 10)

enum violation {
	/* 0 to PAYLOAD_FAULTS - 1: enum payload_fault */
	VIOLATION_PRIORITY = PAYLOAD_FAULTS, /* a higher priority after a lower one */
	VIOLATION_STALE,		     /* received before the last snapshot was taken */
	VIOLATION_COUNT,		     /* not as many messages as a consistent one says */
	VIOLATIONS,
};

struct check {
	uint32_t queue;
	struct payload_order order;
	struct payload_order first; /* of each sender and priority in the last snapshots */
	uint64_t consistent, inconsistent, messages, bytes;
	uint64_t violations[VIOLATIONS];
	/* who sent the messages, and when, against what they say themselves */
	uint64_t origins[ORIGIN_BEFORE + 1];
	uint64_t wrong_sender, wrong_bound;
	uint64_t late[2]; /* sent at a time that is off by more than 1 ms, 10 ms */
	uint64_t error_max_ns;
};

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* What is in front in one snapshot may not be passed by what a later one shows. */
static void check_stale(struct check *c, const struct snapshot_message *m)
{
	struct payload_head head;
	uint64_t *first, *seen;

	if (m->size < sizeof(head))
		return;
	memcpy(&head, m->payload, sizeof(head));
	first = &c->first.last[head.sender][head.priority];
	seen = &c->order.last[head.sender][head.priority];
	if (head.sequence < *first)
		c->violations[VIOLATION_STALE]++;
	else if (!*seen)
		*first = head.sequence;
}

static void check_origin(struct check *c, const struct snapshot *s,
			 const struct snapshot_message *m)
{
	uint64_t taken_at =
		(uint64_t)s->taken_at.tv_sec * NSEC_PER_SEC + (uint64_t)s->taken_at.tv_nsec;
	struct payload_head head;
	uint64_t sent_at, error;

	c->origins[m->origin]++;
	if (m->origin == ORIGIN_UNKNOWN || m->size < sizeof(head))
		return;
	memcpy(&head, m->payload, sizeof(head));
	sent_at = taken_at - (s->taken_ns - m->sent_ns);
	if (m->origin == ORIGIN_BEFORE) {
		c->wrong_bound += head.sent_ns > sent_at;
		return;
	}
	c->wrong_sender += m->pid != head.pid;
	error = sent_at > head.sent_ns ? sent_at - head.sent_ns : head.sent_ns - sent_at;
	c->late[0] += error > NSEC_PER_MSEC;
	c->late[1] += error > 10 * NSEC_PER_MSEC;
	if (error > c->error_max_ns)
		c->error_max_ns = error;
}

static void check_message(struct check *c, const struct snapshot *s,
			  const struct snapshot_message *m)
{
	enum payload_fault fault;

	if (m->payload_size != m->size) {
		c->violations[PAYLOAD_TORN]++;
		return;
	}
	fault = payload_check(m->payload, m->size, c->queue, m->priority);
	if (fault == PAYLOAD_GOOD) {
		check_stale(c, m);
		fault = payload_note(&c->order, m->payload, m->size);
	}
	if (fault != PAYLOAD_GOOD)
		c->violations[fault]++;
	else
		check_origin(c, s, m);
}

static void check_snapshot(struct check *c, const struct snapshot *s)
{
	memset(&c->order, 0, sizeof(c->order));
	for (size_t i = 0; i < s->n_messages; i++) {
		if (i && s->messages[i].priority > s->messages[i - 1].priority)
			c->violations[VIOLATION_PRIORITY]++;
		check_message(c, s, &s->messages[i]);
		c->bytes += s->messages[i].size;
	}
	if (s->consistent ? s->n_messages != s->messages_total : s->n_messages > s->messages_total)
		c->violations[VIOLATION_COUNT]++;
	c->consistent += s->consistent;
	c->inconsistent += !s->consistent;
	c->messages += s->n_messages;
}

/* Returns the number of violations. */
static uint64_t report(const struct check *c, const char *backend, double elapsed)
{
	static const char *const names[VIOLATIONS] = {
		[VIOLATION_PRIORITY] = "priority",
		[VIOLATION_STALE] = "stale",
		[VIOLATION_COUNT] = "count",
	};
	uint64_t sum = 0;

	printf("{\"backend\":\"%s\",\"seconds\":%.3f,\"snapshots\":%llu,\"consistent\":%llu,"
	       "\"inconsistent\":%llu,\"messages\":%llu,\"bytes\":%llu,\"violations\":{",
	       backend, elapsed, (unsigned long long)(c->consistent + c->inconsistent),
	       (unsigned long long)c->consistent, (unsigned long long)c->inconsistent,
	       (unsigned long long)c->messages, (unsigned long long)c->bytes);
	for (unsigned int v = PAYLOAD_GOOD + 1; v < VIOLATIONS; v++) {
		printf("%s\"%s\":%llu", v == PAYLOAD_GOOD + 1 ? "" : ",",
		       v < PAYLOAD_FAULTS ? payload_fault_names[v] : names[v],
		       (unsigned long long)c->violations[v]);
		sum += c->violations[v];
	}
	printf("},\"violations_total\":%llu,\"origins\":{\"known\":%llu,\"before\":%llu,"
	       "\"unknown\":%llu,\"wrong_sender\":%llu,\"wrong_bound\":%llu,\"off_by_1ms\":%llu,"
	       "\"off_by_10ms\":%llu,\"error_max_seconds\":%.6f}}\n",
	       (unsigned long long)sum, (unsigned long long)c->origins[ORIGIN_KNOWN],
	       (unsigned long long)c->origins[ORIGIN_BEFORE],
	       (unsigned long long)c->origins[ORIGIN_UNKNOWN], (unsigned long long)c->wrong_sender,
	       (unsigned long long)c->wrong_bound, (unsigned long long)c->late[0],
	       (unsigned long long)c->late[1], (double)c->error_max_ns / NSEC_PER_SEC);
	return sum;
}

int main(int argc, char *argv[])
{
	_cleanup_(probe_freep) struct probe *probe = NULL;
	_cleanup_(peek_freep) struct peek *peek = NULL;
	_cleanup_free_ struct check *check = calloc(1, sizeof(*check));
	struct peek_options options = {.mode = PEEK_AUTO, .buffer_max = BUFFER_MAX};
	struct peek_request request = {.messages_max = UINT64_MAX, .payload_max = PAYLOAD_MAX};
	uint64_t snapshots;
	double start;
	mqd_t queue;
	int r;

	if (argc < 3 || argc > 4 || !check)
		die("Usage: mqpeekcheck SNAPSHOTS /QUEUE [PATIENCE_MS]");
	if (argc > 3)
		request.patience_ns = number("PATIENCE_MS", argv[3], 0, 60000) * NSEC_PER_MSEC;
	snapshots = number("SNAPSHOTS", argv[1], 1, UINT32_MAX);
	check->queue = payload_queue_id(argv[2]);
	queue = mq_open(argv[2], O_RDONLY | O_NONBLOCK);
	if (queue < 0)
		die("mq_open %s: %s", argv[2], strerror(errno));
	if (probe_new(&probe, PROBE_AUTO, 256, 1 << 20) < 0 || !probe_attached(probe))
		die("probes: %s", probe ? probe_reason(probe) : "out of memory");
	options.probe = probe;
	if (peek_new(&peek, &options) < 0 || peek_reason(peek))
		die("peek: %s", peek ? peek_reason(peek) : "out of memory");

	start = seconds();
	for (uint64_t i = 0; i < snapshots; i++) {
		_cleanup_(snapshot_freep) struct snapshot *snapshot = NULL;

		request.unused_since_ns = probe_since_ns(probe);
		r = peek_snapshot(peek, queue, &request, &snapshot);
		if (r < 0)
			die("snapshot %llu: %s", (unsigned long long)i, strerror(-r));
		check_snapshot(check, snapshot);
		probe_settle(probe, snapshot);
	}
	return report(check, peek_backend(peek), seconds() - start) ? EXIT_FAILURE : EXIT_SUCCESS;
}
