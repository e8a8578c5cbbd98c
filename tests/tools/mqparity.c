// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Looks into queues with both backends and compares all that they say, for kernels that have both.
 * It probes calls itself: what is sent while it waits for a line of standard input has senders.
 */
#include <fcntl.h>
#include <mqueue.h>
#include <string.h>

#include "../../src/peek.h"
#include "../../src/probe.h"
#include "options.h"

#define BUFFER_MAX  (256ULL << 20)
#define QUEUES_MAX  256
#define RECORDS_MAX 65536
#define PATIENCE_NS (3 * NSEC_PER_SEC)

static struct peek *open_backend(enum peek_mode mode, const struct probe *probe)
{
	const struct peek_options options = {mode, BUFFER_MAX, probe};
	struct peek *p;

	if (peek_new(&p, &options) < 0)
		die("out of memory");
	if (peek_reason(p))
		die("%s: %s", peek_mode_names[mode], peek_reason(p));
	if (strcmp(peek_backend(p), peek_mode_names[mode]) != 0)
		die("%s: got %s", peek_mode_names[mode], peek_backend(p));
	return p;
}

static struct snapshot *look(struct peek *p, mqd_t queue, uint64_t messages_max,
			     uint64_t payload_max)
{
	const struct peek_request request = {messages_max, payload_max, PATIENCE_NS, 0};
	struct snapshot *s;
	int r = peek_snapshot(p, queue, &request, &s);

	if (r < 0)
		die("%s: %s", peek_backend(p), strerror(-r));
	if (!s->consistent)
		die("%s: inconsistent", peek_backend(p));
	return s;
}

static bool same_message(const struct snapshot_message *a, const struct snapshot_message *b)
{
	return a->index == b->index && a->priority == b->priority && a->size == b->size &&
	       a->payload_size == b->payload_size &&
	       (!a->payload_size || memcmp(a->payload, b->payload, a->payload_size) == 0) &&
	       a->origin == b->origin && a->sent_ns == b->sent_ns && a->pid == b->pid &&
	       a->tid == b->tid && memcmp(a->comm, b->comm, sizeof(a->comm)) == 0;
}

static void compare(const char *name, const struct snapshot *a, const struct snapshot *b)
{
	uint64_t bytes = 0, known = 0;

	if (a->messages_total != b->messages_total || a->n_messages != b->n_messages)
		die("%s: %zu of %llu messages, and %zu of %llu", name, a->n_messages,
		    (unsigned long long)a->messages_total, b->n_messages,
		    (unsigned long long)b->messages_total);
	for (size_t i = 0; i < a->n_messages; i++) {
		if (!same_message(&a->messages[i], &b->messages[i]))
			die("%s: message %zu differs", name, i);
		bytes += a->messages[i].payload_size;
		known += a->messages[i].origin == ORIGIN_KNOWN;
	}
	printf("%s: %zu messages, %llu bytes alike, %llu senders\n", name, a->n_messages,
	       (unsigned long long)bytes, (unsigned long long)known);
}

int main(int argc, char *argv[])
{
	static const struct {
		uint64_t messages_max, payload_max;
	} requests[] = {{UINT64_MAX, UINT64_MAX}, {3, 100}, {UINT64_MAX, 0}, {0, 0}};
	_cleanup_(probe_freep) struct probe *probe = NULL;
	_cleanup_(peek_freep) struct peek *syscall = NULL, *bpf = NULL;

	if (argc < 2)
		die("Usage: mqparity /QUEUE...");
	if (probe_new(&probe, PROBE_AUTO, QUEUES_MAX, RECORDS_MAX) < 0 || !probe_attached(probe))
		die("probes: %s", probe ? probe_reason(probe) : "out of memory");
	syscall = open_backend(PEEK_SYSCALL, probe);
	bpf = open_backend(PEEK_BPF, probe);
	puts("ready");
	fflush(stdout);
	getchar();
	for (int i = 1; i < argc; i++) {
		mqd_t queue = mq_open(argv[i], O_RDONLY | O_NONBLOCK);

		if (queue < 0)
			die("%s: %s", argv[i], strerror(errno));
		for (size_t k = 0; k < ARRAY_SIZE(requests); k++) {
			_cleanup_(snapshot_freep) struct snapshot *a = NULL, *b = NULL;

			a = look(syscall, queue, requests[k].messages_max, requests[k].payload_max);
			b = look(bpf, queue, requests[k].messages_max, requests[k].payload_max);
			compare(argv[i], a, b);
		}
		mq_close(queue);
	}
	return EXIT_SUCCESS;
}
