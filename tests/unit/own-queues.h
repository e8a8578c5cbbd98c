/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A table of real queues in an IPC namespace of the test's own. */
#ifndef MQWATCH_TEST_OWN_QUEUES_H
#define MQWATCH_TEST_OWN_QUEUES_H

#include <fcntl.h>
#include <limits.h>
#include <mqueue.h>
#include <sched.h>
#include <sys/stat.h>

#include "table.h"

struct own_queues {
	struct mqfs *fs;
	struct namespaces *namespaces;
	struct peek *peek;
	struct table *table;
};

/* -errno where the kernel or a lack of rights forbids it. */
static inline int own_queues_new(struct own_queues *o)
{
	struct peek_options options = {.mode = PEEK_OFF};
	char reason[256];
	int r;

	if (unshare(CLONE_NEWIPC) < 0)
		return -errno;
	r = mqfs_open(&o->fs, NULL, reason, sizeof(reason));
	if (r < 0)
		return r;
	r = namespaces_new(&o->namespaces, &(struct namespaces_options){.own = o->fs});
	if (r < 0)
		return r;
	r = peek_new(&o->peek, &options);
	return r < 0 ? r : table_new(&o->table, 100);
}

static inline void own_queues_done(struct own_queues *o)
{
	table_free(o->table);
	peek_free(o->peek);
	namespaces_free(o->namespaces);
	mqfs_free(o->fs);
}

/* name without '/' */
static inline int own_queues_add(const char *name, uid_t uid, gid_t gid, mode_t mode)
{
	struct mq_attr attr = {.mq_maxmsg = 4, .mq_msgsize = 16};
	char path[512];
	mqd_t q;
	int r = 0;

	snprintf(path, sizeof(path), "/%s", name);
	q = mq_open(path, O_CREAT | O_EXCL | O_RDWR, 0600, &attr);
	if (q < 0)
		return -errno;
	if (mq_send(q, "hello", 5, 3) < 0 || fchown(q, uid, gid) < 0 || fchmod(q, mode) < 0)
		r = -errno;
	mq_close(q);
	return r;
}

static inline int own_queues_refresh(struct own_queues *o)
{
	return table_refresh(o->table, o->namespaces, o->peek, NULL);
}

#endif /* MQWATCH_TEST_OWN_QUEUES_H */
