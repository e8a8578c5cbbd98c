// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * peekdrain /QUEUE ROUNDS SIZE: fills the queue with messages of that size, looks into it, and takes them out; prints
 * the microseconds of both for each round.
 */
#include <fcntl.h>
#include <mqueue.h>
#include <string.h>

#include "../tools/options.h"
#include "peek.h"

static double since_us(uint64_t start)
{
	return (double)(clock_ns(CLOCK_MONOTONIC) - start) / 1000;
}

/* As snapshots go that are shown: whole and proven. */
static double peek_us(struct peek *peek, mqd_t q)
{
	const struct peek_request request = {.messages_max = UINT64_MAX,
					     .payload_max = UINT64_MAX,
					     .patience_ns = PEEK_QUIET_NS};
	struct snapshot *s;
	double took = 0;

	/* the first waits until the queue may be proven, and finds a buffer that is large enough */
	for (int i = 0; i < 2; i++) {
		uint64_t start = clock_ns(CLOCK_MONOTONIC);

		if (peek_snapshot(peek, q, &request, &s) < 0)
			die("the queue cannot be looked into");
		took = since_us(start);
		if (!s->consistent)
			die("the queue was not proven");
		snapshot_free(s);
	}
	return took;
}

int main(int argc, char *argv[])
{
	const struct peek_options options = {.mode = PEEK_BPF, .buffer_max = 256 << 20};
	struct mq_attr attr;
	struct peek *peek;
	uint64_t rounds, size;
	char *buffer;
	mqd_t q;

	if (argc != 4)
		die("Usage: peekdrain /QUEUE ROUNDS SIZE");
	rounds = number("ROUNDS", argv[2], 1, 1000);
	size = number("SIZE", argv[3], 0, 1 << 24);
	q = mq_open(argv[1], O_RDWR);
	if (q < 0 || mq_getattr(q, &attr) < 0)
		die("%s: %s", argv[1], strerror(errno));
	buffer = calloc(1, (size_t)attr.mq_msgsize + 1);
	if (!buffer || peek_new(&peek, &options) < 0)
		die("no memory");
	if (peek_reason(peek))
		die("%s", peek_reason(peek));
	for (uint64_t round = 0; round < rounds; round++) {
		uint64_t start;
		double peeked;

		for (long i = 0; i < attr.mq_maxmsg; i++)
			if (mq_send(q, buffer, size, 0) < 0)
				die("mq_send: %s", strerror(errno));
		peeked = peek_us(peek, q);
		start = clock_ns(CLOCK_MONOTONIC);
		for (long i = 0; i < attr.mq_maxmsg; i++)
			if (mq_receive(q, buffer, (size_t)attr.mq_msgsize, NULL) < 0)
				die("mq_receive: %s", strerror(errno));
		printf("%.1f %.1f\n", peeked, since_us(start));
	}
	peek_free(peek);
	free(buffer);
	return 0;
}
