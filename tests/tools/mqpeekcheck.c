// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Takes snapshots of a queue that mqload is using and checks every message
 * they deliver: whole, of this queue, in receive order, there once, and not already received. They
 * are spread over a number of messages that are received meanwhile.
 */
#include <fcntl.h>
#include <getopt.h>
#include <mqueue.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "../../src/peek.h"
#include "../../src/probe.h"
#include "options.h"
#include "payload.h"

#define BUFFER_MAX     (64ULL << 20)
#define PAYLOAD_MAX    (64ULL << 10)
#define CLOCK_SLACK_NS 1000000ULL /* the clocks are not read together */
#define QUEUES_MAX     256
#define RECORDS_MAX    65536
#define PATIENCE_NS    2000000ULL
#define RECEIVED_MIN   1001 /* a check beside calls that hardly happen shows little */
#define DEADLINE_NS    60000000000ULL

enum violation {
	/* 0 to PAYLOAD_FAULTS - 1: enum payload_fault */
	VIOLATION_PRIORITY = PAYLOAD_FAULTS, /* a higher priority after a lower one */
	VIOLATION_STALE,		     /* received before the last snapshot was taken */
	VIOLATION_COUNT,		     /* not as many messages as a consistent one says */
	VIOLATION_TIME,			     /* sent later than it is said to be at the latest */
	VIOLATIONS,
};

struct check {
	uint32_t queue;
	struct payload_order order;
	struct payload_order first; /* of each sender and priority in the last snapshots */
	uint64_t consistent, inconsistent, messages, bytes;
	uint64_t origin_known, origin_before, origin_unknown;
	/* of the known: said to be of another sender, or sent at a time off by so much (sends that race) */
	uint64_t wrong_sender, off_1ms, off_10ms;
	uint64_t violations[VIOLATIONS];
};

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

/* What the probes remember of the send against what the sender wrote into the message. */
static void check_origin(struct check *c, const struct snapshot_message *m, uint64_t taken_ns)
{
	uint64_t offset = clock_ns(CLOCK_REALTIME) - clock_ns(CLOCK_MONOTONIC);
	struct payload_head head;

	c->origin_known += m->origin == ORIGIN_KNOWN;
	c->origin_before += m->origin == ORIGIN_BEFORE;
	c->origin_unknown += m->origin == ORIGIN_UNKNOWN;
	if (m->origin == ORIGIN_UNKNOWN || m->size < sizeof(head))
		return;
	memcpy(&head, m->payload, sizeof(head));
	if (m->origin == ORIGIN_KNOWN && (m->pid != head.pid || m->tid != head.pid))
		c->wrong_sender++;
	if (m->origin == ORIGIN_KNOWN) {
		int64_t off = (int64_t)(m->sent_ns + offset - head.sent_ns);

		c->off_1ms += llabs(off) > 1000000;
		c->off_10ms += llabs(off) > 10000000;
		return;
	}
	if (m->sent_ns + offset + CLOCK_SLACK_NS < head.sent_ns || m->sent_ns > taken_ns)
		c->violations[VIOLATION_TIME]++;
}

static void check_message(struct check *c, const struct snapshot_message *m, uint64_t taken_ns,
			  bool consistent)
{
	enum payload_fault fault;

	if (m->payload_size != m->size) {
		c->violations[PAYLOAD_TORN]++;
		return;
	}
	fault = payload_check(m->payload, m->size, c->queue, m->priority);
	if (fault == PAYLOAD_GOOD) {
		if (consistent)
			check_stale(c, m);
		check_origin(c, m, taken_ns);
		fault = payload_note(&c->order, m->payload, m->size);
	}
	if (fault != PAYLOAD_GOOD)
		c->violations[fault]++;
}

static void check_snapshot(struct check *c, const struct snapshot *s)
{
	memset(&c->order, 0, sizeof(c->order));
	for (size_t i = 0; i < s->n_messages; i++) {
		if (i && s->messages[i].priority > s->messages[i - 1].priority)
			c->violations[VIOLATION_PRIORITY]++;
		check_message(c, &s->messages[i], s->taken_ns, s->consistent);
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
		[VIOLATION_TIME] = "time",
	};
	uint64_t sum = 0;

	printf("{\"origins\":{\"known\":%llu,\"before\":%llu,\"unknown\":%llu,"
	       "\"wrong_sender\":%llu,\"off_1ms\":%llu,\"off_10ms\":%llu},",
	       (unsigned long long)c->origin_known, (unsigned long long)c->origin_before,
	       (unsigned long long)c->origin_unknown, (unsigned long long)c->wrong_sender,
	       (unsigned long long)c->off_1ms, (unsigned long long)c->off_10ms);
	printf("\"backend\":\"%s\",\"seconds\":%.3f,\"snapshots\":%llu,\"consistent\":%llu,"
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
	printf("},\"violations_total\":%llu}\n", (unsigned long long)sum);
	return sum;
}

/* Messages taken from the queue since the probes are there. */
static uint32_t received(struct probe *probe, uint64_t ino)
{
	size_t n = probe_slots(probe);

	for (size_t i = 0; i < n; i++) {
		const struct mqw_queue *slot = probe_slot(probe, i);

		if (slot && slot->key.ino == ino)
			return mqw_receives(slot->moved);
	}
	return 0;
}

/* Until they are as many, the next snapshot waits. */
static void await_received(struct probe *probe, uint64_t ino, uint64_t messages)
{
	uint64_t deadline = clock_ns(CLOCK_MONOTONIC) + DEADLINE_NS;

	while (received(probe, ino) < messages)
		if (clock_ns(CLOCK_MONOTONIC) > deadline)
			die("not %llu messages received yet", (unsigned long long)messages);
}

int main(int argc, char *argv[])
{
	_cleanup_(probe_freep) struct probe *probe = NULL;
	_cleanup_(peek_freep) struct peek *peek = NULL;
	_cleanup_free_ struct check *check = calloc(1, sizeof(*check));
	struct peek_options options = {.mode = PEEK_AUTO, .buffer_max = BUFFER_MAX};
	struct peek_request request = {
		.messages_max = UINT64_MAX,
		.payload_max = PAYLOAD_MAX,
		.patience_ns = PATIENCE_NS,
	};
	uint64_t snapshots;
	uint64_t start;
	struct stat st;
	mqd_t queue;
	int r;

	if (argc != 3 || !check)
		die("Usage: mqpeekcheck SNAPSHOTS /QUEUE");
	snapshots = number("SNAPSHOTS", argv[1], 1, UINT32_MAX);
	check->queue = payload_queue_id(argv[2]);
	queue = mq_open(argv[2], O_RDONLY | O_NONBLOCK);
	if (queue < 0)
		die("mq_open %s: %s", argv[2], strerror(errno));
	if (fstat(queue, &st) < 0)
		die("fstat %s: %s", argv[2], strerror(errno));
	if (probe_new(&probe, PROBE_AUTO, QUEUES_MAX, RECORDS_MAX) < 0 || !probe_attached(probe))
		die("probes: %s", probe ? probe_reason(probe) : "out of memory");
	options.probe = probe;
	if (peek_new(&peek, &options) < 0 || peek_reason(peek))
		die("peek: %s", peek ? peek_reason(peek) : "out of memory");

	start = clock_ns(CLOCK_MONOTONIC);
	for (uint64_t i = 0; i < snapshots; i++) {
		_cleanup_(snapshot_freep) struct snapshot *snapshot = NULL;

		await_received(probe, st.st_ino, (i + 1) * RECEIVED_MIN / snapshots);
		r = peek_snapshot(peek, queue, &request, &snapshot);
		if (r < 0)
			die("snapshot %llu: %s", (unsigned long long)i, strerror(-r));
		check_snapshot(check, snapshot);
	}
	return report(check, peek_backend(peek), (double)(clock_ns(CLOCK_MONOTONIC) - start) / 1e9)
		       ? EXIT_FAILURE
		       : EXIT_SUCCESS;
}
