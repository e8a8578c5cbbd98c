// SPDX-License-Identifier: GPL-2.0-or-later
#include <inttypes.h>
#include <time.h>

#include "journal.h"
#include "log.h"
#include "name.h"
#include "report.h"

/* Beginnings, and ends, a minute: whoever may make queues can have thousands of them stall. */
#define STALLS_TOLD 200

static const char *const explanations[STALL_REASONS] = {
	[STALL_READER_IDLE] = "messages wait and none is received",
	[STALL_NO_READER] = "messages wait and no process has it open for reading",
	[STALL_SENDER_BLOCKED] = "a send is blocked",
	[STALL_STARVED] = "a message is overtaken by others of higher priority",
	[STALL_FULL_REJECTING] = "sends fail as it is full",
};

static double seconds(uint64_t ns)
{
	return (double)ns / (double)NSEC_PER_SEC;
}

static char *describe(const struct queue *q, enum stall_reason reason, uint64_t lasted_ns,
		      bool ended)
{
	_cleanup_free_ char *name = name_escape(q->name);
	char *text;
	int r;

	if (!name)
		return NULL;
	if (ended)
		r = asprintf(&text, "Queue /%s is no longer stalled (%s), after %.1f s", name,
			     stall_reason_names[reason], seconds(lasted_ns));
	else
		r = asprintf(&text,
			     "Queue /%s is stalled (%s): %s, for %.1f s; %" PRIu64 " of %" PRIu64
			     " messages",
			     name, stall_reason_names[reason], explanations[reason],
			     seconds(lasted_ns), q->attr.messages, q->attr.messages_limit);
	return r < 0 ? NULL : text;
}

static void add_queue(struct journal_entry *e, const struct queue *q)
{
	journal_add(e, "MQ_QUEUE=/%s", q->name);
	journal_add(e, "MQ_IPCNS=%" PRIu32, q->id.ipcns);
}

void report_stall(const struct queue *q, enum stall_reason reason, uint64_t since_ns, bool ended)
{
	static struct log_limit limits[2] = {{.lines_max = STALLS_TOLD},
					     {.lines_max = STALLS_TOLD}};
	uint64_t now = clock_ns(CLOCK_MONOTONIC), lasted = now > since_ns ? now - since_ns : 0;
	uint64_t age = q->found.oldest.known ? now - q->found.oldest.sent_ns : lasted;
	_cleanup_free_ char *text = NULL;
	struct journal_entry entry = {};
	uint64_t missed;

	if (!log_limit_pass(&limits[ended], now, &missed))
		return;
	if (missed)
		log_warning("%" PRIu64 " stalls %s before that were not told of: too many at once",
			    missed, ended ? "that ended" : "that began");
	text = describe(q, reason, lasted, ended);
	add_queue(&entry, q);
	journal_add(&entry, "MQ_REASON=%s", stall_reason_names[reason]);
	journal_add(&entry, "MQ_DEPTH=%" PRIu64, q->attr.messages);
	journal_add(&entry, "MQ_AGE_USEC=%" PRIu64, age / 1000);
	journal_add(&entry, "MQ_DURATION_USEC=%" PRIu64, lasted / 1000);
	journal_write(&entry, ended ? LOG_NOTICE : LOG_WARNING,
		      ended ? REPORT_STALL_ENDED_ID : REPORT_STALL_BEGAN_ID, text);
}

void report_read(const struct queue *q, const struct peer *peer)
{
	_cleanup_free_ char *name = name_escape(q->name), *text = NULL;
	struct journal_entry entry = {};

	if (name &&
	    asprintf(&text,
		     "Payload of queue /%s (IPC namespace %" PRIu32 ", user %u) read by user %u, "
		     "process %d, as root or a member of the control group",
		     name, q->id.ipcns, (unsigned int)q->attr.uid, (unsigned int)peer->uid,
		     (int)peer->pid) < 0)
		text = NULL;
	add_queue(&entry, q);
	journal_add(&entry, "MQ_OWNER_UID=%u", (unsigned int)q->attr.uid);
	journal_add(&entry, "MQ_READER_UID=%u", (unsigned int)peer->uid);
	journal_add(&entry, "MQ_READER_PID=%d", (int)peer->pid);
	journal_write(&entry, LOG_NOTICE, REPORT_READ_ID, text);
}
