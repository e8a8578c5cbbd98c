/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Data: the messages of one queue at one moment, whichever backend took them. */
#ifndef MQWATCH_SNAPSHOT_H
#define MQWATCH_SNAPSHOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "util.h"

struct snapshot_message {
	uint32_t priority;
	uint64_t size;		/* bytes the sender gave */
	const uint8_t *payload; /* into snapshot.payloads */
	uint64_t payload_size;	/* bytes kept: min(size, the prefix asked for) */
};

/*
 * messages[0..n_messages) are in receive order, from the one that mq_receive(3) would return
 * next. All are proven to have been queued together, unchanged. A snapshot is consistent when
 * it holds all that was asked for; otherwise it is a proven prefix of the queue.
 */
struct snapshot {
	const char *backend; /* static string: "bpf", "syscall" */
	bool consistent;
	struct timespec taken_at; /* CLOCK_REALTIME */
	uint64_t messages_total;  /* the queue's depth when the snapshot was taken */
	size_t n_messages;
	struct snapshot_message *messages;
	uint8_t *payloads;
};

static inline void snapshot_free(struct snapshot *s)
{
	if (!s)
		return;
	free(s->messages);
	free(s->payloads);
	free(s);
}
DEFINE_CLEANUP(struct snapshot *, snapshot_free)

#endif /* MQWATCH_SNAPSHOT_H */
