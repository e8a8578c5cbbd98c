/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How near IPC namespaces and users are to what the kernel refuses. */
#ifndef MQWATCH_QUOTA_H
#define MQWATCH_QUOTA_H

#include "namespaces.h"
#include "opens.h"
#include "table.h"

struct quota_user {
	uint32_t uid;		 /* who is charged: who created the queues */
	uint64_t queues;	 /* of those that are watched */
	uint64_t reserved_bytes; /* for all queues, where the kernel tells, else for the watched */
	/* soft RLIMIT_MSGQUEUE of the user's processes, which may differ; known if there are some */
	bool limits_known;
	uint64_t limit_min, limit_max;
};

struct quota {
	const struct namespace *namespaces; /* borrowed */
	size_t n_namespaces;
	struct quota_user *users; /* in order of uid */
	size_t n_users;
	bool errors_known; /* mq_open(2) is probed */
	struct opens_error *errors;
	size_t n_errors;
	uint64_t errors_lost;
};

/* opens: NULL: mq_open(2) is not probed. */
int quota_read(const struct table *t, struct namespaces *n, const struct opens *opens,
	       struct quota *ret);
void quota_done(struct quota *l);

#endif /* MQWATCH_QUOTA_H */
