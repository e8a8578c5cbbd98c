/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Why a queue is stuck: a state machine per queue, fed with what is known of it at one moment. Pure:
 * no I/O, no clock of its own. Times are CLOCK_MONOTONIC nanoseconds, 0 where there is none.
 */
#ifndef MQWATCH_STALL_H
#define MQWATCH_STALL_H

#include <linux/types.h>

#include "../bpf/mqwatch.h"
#include "util.h"

enum stall_reason {
	STALL_READER_IDLE,    /* messages wait, and none was received for so long */
	STALL_NO_READER,      /* the same, and no process has the queue open for reading */
	STALL_SENDER_BLOCKED, /* a send has been blocked for so long */
	STALL_STARVED,	      /* an old message is overtaken by others of higher priority */
	STALL_FULL_REJECTING, /* sends have failed for so long, as the queue is full */
	STALL_REASONS,
};
extern const char *const stall_reason_names[STALL_REASONS];

struct stall_rules {
	uint64_t after_ns; /* how long is too long; 0: nothing is a stall */
	/* so many times the usual residence is too long, too, for messages that nobody takes; 0: off */
	uint64_t adaptive;
};

struct stall_input {
	uint64_t now_ns;
	uint64_t messages, messages_limit;
	uint64_t received, rejected; /* how often so far: messages, sends that met a full queue */
	uint64_t last_receive_ns;
	uint64_t rejecting_ns, rejected_ns; /* the first and last of a series of rejected sends */
	uint64_t oldest_ns;  /* when the oldest message was sent, at the latest; 0: not known */
	bool overtaken;	     /* others of higher priority stand before it */
	uint64_t blocked_ns; /* since when the longest blocked send has been */
	uint64_t usual_ns;   /* stall_usual_ns() */
	bool readers_known;
	size_t readers; /* processes that have it open for reading */
};

/* What is remembered from update to update; all 0 at first. */
struct stall {
	bool begun;
	uint32_t reasons; /* a bit for each that holds */
	uint64_t since_ns[STALL_REASONS];
	uint64_t due_ns; /* when the next reason will hold if nothing happens; 0: none will */
	uint64_t received, rejected;
	uint64_t waiting_ns;   /* messages have waited since, with none received */
	uint64_t reader_ns;    /* when a reader came where none was */
	uint64_t starved_ns;   /* the message that is starved: when it was sent */
	uint64_t rejecting_ns; /* when the series of rejected sends began */
	uint64_t rejected_ns;  /* and its last one was */
	uint64_t updated_ns;
};

void stall_update(struct stall *s, const struct stall_rules *rules, const struct stall_input *in);

static inline bool stall_has(const struct stall *s, enum stall_reason reason)
{
	return s->reasons & 1U << reason;
}

/* The residence that 99% of the messages do not exceed; 0: too few were seen to tell. */
uint64_t stall_usual_ns(const __u64 residence[MQW_TIME_BUCKETS]);

#endif /* MQWATCH_STALL_H */
