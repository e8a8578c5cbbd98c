// SPDX-License-Identifier: GPL-2.0-or-later
#include <inttypes.h>
#include <time.h>

#define SD_JOURNAL_SUPPRESS_LOCATION
#include <systemd/sd-journal.h>

#include "log.h"
#include "name.h"
#include "stall_report.h"

#define JOURNAL_SOCKET "/run/systemd/journal/socket"

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

/* sd_journal_send(3) is silent where there is no journal. */
static bool has_journal(void)
{
	return access(JOURNAL_SOCKET, W_OK) == 0;
}

/* What goes to the standard error of a service is in the journal too. */
static void write_line(bool journal, int priority, const char *text)
{
	if (!journal || !getenv("JOURNAL_STREAM"))
		log_line(priority, "%s", text);
}

void stall_report_suppressed(struct burst *burst, uint64_t now)
{
	uint64_t n = burst_suppressed(burst, now);
	bool journal = has_journal();
	char text[128];

	if (!n)
		return;
	snprintf(text, sizeof(text),
		 "%" PRIu64
		 " more stalls began or ended and are not in the log: see mqwatchctl stalls",
		 n);
	if (journal)
		sd_journal_send("MESSAGE=%s", text, "MESSAGE_ID=%s", STALLS_SUPPRESSED_ID,
				"PRIORITY=%i", LOG_WARNING, "MQ_SUPPRESSED=%" PRIu64, n, NULL);
	write_line(journal, LOG_WARNING, text);
}

void stall_report(struct burst *burst, const struct queue *q, enum stall_reason reason,
		  uint64_t since_ns, bool ended)
{
	uint64_t now = clock_ns(CLOCK_MONOTONIC), lasted = now > since_ns ? now - since_ns : 0;
	uint64_t age = q->found.oldest.known ? now - q->found.oldest.sent_ns : lasted;
	_cleanup_free_ char *text = NULL;
	int priority = ended ? LOG_NOTICE : LOG_WARNING;
	bool journal = has_journal();

	if (!burst_allow(burst, now))
		return;
	text = describe(q, reason, lasted, ended);
	if (!text)
		text = strdup("A queue is stalled, and there is no memory to say more");
	if (journal)
		sd_journal_send("MESSAGE=%s", text ? text : "", "MESSAGE_ID=%s",
				ended ? STALL_ENDED_ID : STALL_BEGAN_ID, "PRIORITY=%i", priority,
				"MQ_QUEUE=/%s", q->name, "MQ_IPCNS=%" PRIu32, q->id.ipcns,
				"MQ_REASON=%s", stall_reason_names[reason], "MQ_DEPTH=%" PRIu64,
				q->attr.messages, "MQ_AGE_USEC=%" PRIu64, age / 1000,
				"MQ_DURATION_USEC=%" PRIu64, lasted / 1000, NULL);
	write_line(journal, priority, text ? text : "");
}
