/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The IPC namespaces that are watched, and the queues in each. They come and go: none is kept alive, as
 * one is entered only for the moment in which a queue is opened, and read by reach.h otherwise.
 */
#ifndef MQWATCH_NAMESPACES_H
#define MQWATCH_NAMESPACES_H

#include "mqfs.h"
#include "openers.h"
#include "reach.h"

/* fs.mqueue of a namespace. */
struct namespace_limits {
	bool known;
	bool counted;
	uint64_t queues; /* if counted; unlinked ones included */
	uint64_t queues_max;
	uint64_t msg_max, msgsize_max;
	uint64_t msg_default, msgsize_default;
};

struct namespace
{
	uint32_t ipcns;
	bool own;	 /* the one of namespaces_options.own, or else of this process */
	uint32_t pid;	 /* a process in it, as /proc has it; 0: none known */
	uint64_t handle; /* struct mqw_process.ns; 0: not known */
	bool seen;	 /* by the refresh under way */
	bool watched;
	struct namespace_limits limits; /* as of the last walk */
	char unit[256];			/* of that process; "" where there is none */
	char container[65];
};

struct namespaces;

struct namespaces_options {
	struct mqfs *own;    /* borrowed, as the others; NULL: none */
	struct reach *reach; /* NULL: /proc is read, and namespaces are entered to list queues */
	struct openers *openers; /* NULL: unlinked queues cannot be opened */
	/*
	 * Which namespaces are watched, a list that ends with NULL: "own", "all", an inode number, or
	 * a pattern of a unit's name or a container's id.
	 */
	char *const *watched;
};

int namespaces_new(struct namespaces **ret, const struct namespaces_options *options);
void namespaces_free(struct namespaces *n);
DEFINE_CLEANUP(struct namespaces *, namespaces_free)

void namespaces_set_watched(struct namespaces *n, char *const *watched); /* borrowed */

/* The daemon's own mqueue file system was found later than at the start. Borrowed. */
void namespaces_set_own(struct namespaces *n, struct mqfs *own);

/* Finds the watched namespaces; pointers to them are good until the next time. */
int namespaces_refresh(struct namespaces *n);
size_t namespaces_count(const struct namespaces *n);
const struct namespace *namespaces_at(const struct namespaces *n, size_t i);
const struct namespace *namespaces_find(const struct namespaces *n, uint32_t ipcns);
uint32_t namespaces_own(const struct namespaces *n); /* 0: not known */
/* The only one that is watched; 0: others may be. */
uint32_t namespaces_only(const struct namespaces *n);

/* The processes as of the last refresh; none without reach. Borrowed. */
const struct mqw_process *namespaces_processes(const struct namespaces *n, size_t *ret_n);

/* A queue in a namespace. */
struct namespace_queue {
	struct mqw_key key;
	const char *name; /* NULL: namespaces_details() tells */
	uint64_t handle;  /* struct peek_item's; 0: not known */
	bool linked;
	bool opens_known;
	/* struct mqw_listed's, if opens_known */
	uint32_t opens, writes;
	int64_t used_sec;
};

/*
 * Calls back for every queue of the i-th namespace; a callback's error ends the walk and is returned.
 * -ESTALE: the namespace is gone. *ret_sound: no queue was missed.
 */
int namespaces_walk(struct namespaces *n, size_t i,
		    int (*each)(const struct namespace_queue *q, void *data), void *data,
		    bool *ret_sound);
/* As reach_details(); -EOPNOTSUPP without reach. */
int namespaces_details(struct namespaces *n, struct mqw_detail *details, size_t n_details);

/*
 * Opens O_RDONLY | O_NONBLOCK | O_CLOEXEC, for the moment of a peek. -ESTALE: what has the name is
 * another queue. One that was unlinked is opened where a process has it open.
 */
int namespaces_open_queue(struct namespaces *n, const struct queue *q);

#endif /* MQWATCH_NAMESPACES_H */
