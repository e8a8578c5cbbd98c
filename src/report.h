/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is searched for in the journal: stalls, and who read payload that the queue's mode denies him. */
#ifndef MQWATCH_REPORT_H
#define MQWATCH_REPORT_H

#include "authz.h"

/* Also in systemd/mqwatch.catalog, which explains them. */
#define REPORT_STALL_BEGAN_ID "5d0f3faf7a944e5ea46e16735803a8f2"
#define REPORT_STALL_ENDED_ID "0b6791b8e233431fb58116e3c2441972"
#define REPORT_READ_ID	      "54d2361da88a4c38a9c5307eb55d58a2"

/* The stall began at since_ns; ended: it is over by now. Many at once are not all told of. */
void report_stall(const struct queue *q, enum stall_reason reason, uint64_t since_ns, bool ended);

/* The peer got payload of the queue as root or as a member of the control group. Each read is told of. */
void report_read(const struct queue *q, const struct peer *peer);

#endif /* MQWATCH_REPORT_H */
