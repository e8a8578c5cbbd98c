/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Data: the messages of one queue at one moment, whichever backend took them. */
#ifndef MQWATCH_SNAPSHOT_H
#define MQWATCH_SNAPSHOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "util.h"

enum snapshot_origin {
	ORIGIN_UNKNOWN,
	ORIGIN_KNOWN,  /* sent_ns, pid, tid and comm are those of the message's send */
	ORIGIN_BEFORE, /* sent at sent_ns or earlier, by whom is unknown */
};

struct snapshot_message {
	uint32_t index; /* in receive order, those that are left out counted */
	uint32_t priority;
	uint64_t size;		/* bytes the sender gave */
	const uint8_t *payload; /* into snapshot.payloads */
	uint64_t payload_size;	/* bytes kept: min(size, the prefix asked for) */
	enum snapshot_origin origin;
	uint64_t sent_ns; /* CLOCK_MONOTONIC */
	uint32_t pid;	  /* of the sender, in the initial PID namespace */
	uint32_t tid;
	char comm[16];
};

/*
 * messages[0..n_messages) are in receive order, from the one that mq_receive(3) would return
 * next. A consistent snapshot holds all that was asked for, as it was at one moment. Otherwise each
 * message was in the queue while the snapshot was taken, but not all at one moment, and
 * some are left out.
 */
struct snapshot {
	const char *backend; /* static string: "bpf", "syscall" */
	bool consistent;
	struct timespec taken_at; /* CLOCK_REALTIME */
	uint64_t taken_ns;	  /* the same moment, CLOCK_MONOTONIC */
	uint64_t messages_total;  /* the queue's depth when the snapshot was taken */
	size_t n_messages;
	struct snapshot_message *messages;
	uint8_t *payloads;
	/* for probe_settle(); not settled without probes or with a call under way */
	bool settled;
	uint32_t slot;
	uint64_t begun;
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
