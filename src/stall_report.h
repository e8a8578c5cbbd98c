/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tells of stalls: in the journal with fields to search for, else as a log line. */
#ifndef MQWATCH_STALL_REPORT_H
#define MQWATCH_STALL_REPORT_H

#include "burst.h"
#include "queue.h"

/* Also in systemd/mqwatch.catalog, which explains them. */
#define STALL_BEGAN_ID	     "5d0f3faf7a944e5ea46e16735803a8f2"
#define STALL_ENDED_ID	     "0b6791b8e233431fb58116e3c2441972"
#define STALLS_SUPPRESSED_ID "5f6b8f4f6c0d4c8f9a51c40c8a1f6d27"

/* The stall began at since_ns; ended: it is over by now. More than the burst has room for are not told of. */
void stall_report(struct burst *burst, const struct queue *q, enum stall_reason reason,
		  uint64_t since_ns, bool ended);

/* Tells, when it is time, how many were not told of. */
void stall_report_suppressed(struct burst *burst, uint64_t now);

#endif /* MQWATCH_STALL_REPORT_H */
