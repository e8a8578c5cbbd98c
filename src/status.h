/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Data: what the daemon says about itself, in "status" and in its own metrics. */
#ifndef MQWATCH_STATUS_H
#define MQWATCH_STATUS_H

#include "probe.h"
#include "table.h"

enum snapshot_result {
	SNAPSHOT_CONSISTENT,
	SNAPSHOT_INCONSISTENT,
	SNAPSHOT_FAILED,
	SNAPSHOT_RESULTS,
};
extern const char *const snapshot_result_names[SNAPSHOT_RESULTS];

/* Strings are borrowed; good until the event loop runs on. */
struct status {
	const char *version;
	double started_at;	   /* Unix seconds */
	uint32_t ipcns;		   /* 0: no mqueue file system */
	const char *mqueue_source; /* NULL: none */
	const char *mqueue_reason; /* why none, or NULL */
	const char *peek_backend;
	const char *peek_reason; /* why "off", or NULL */
	const char *peek_note;	 /* why not another, and what is lacking; or NULL */
	const char *probe_mode;
	const char *probe_reason;   /* why "off", or NULL */
	const char *probe_note;	    /* why not another, or NULL */
	bool probe_peeks;	    /* mq_timedreceive2(2) is there and probed */
	const char *web_reason;	    /* why an address is not served, or NULL */
	const char *control_reason; /* why the control socket is not served, or NULL */
	bool config_bad; /* the latest, read for a reload: the one before stays in force */
	size_t queues;
	size_t queues_stalled;
	size_t queues_max;
	size_t drops[TABLE_DROPS];
	uint64_t losses[PROBE_LOSSES]; /* named by probe_loss_names */
	uint64_t snapshots[SNAPSHOT_RESULTS];
};

/* Degraded: some part the configuration asks for does not run. */
static inline bool status_degraded(const struct status *s)
{
	return s->mqueue_reason || s->peek_reason || s->probe_reason || s->web_reason ||
	       s->control_reason;
}

/* One line for whoever looks at the service: how many queues, by what means, and what is amiss. NULL: no memory. */
char *status_line(const struct status *s);

#endif /* MQWATCH_STATUS_H */
