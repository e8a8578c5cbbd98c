/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The queues that are there now, each with its attributes and counters. */
#ifndef MQWATCH_TABLE_H
#define MQWATCH_TABLE_H

#include "namespaces.h"
#include "peek.h"
#include "probe.h"

struct table;

/* Why queues are not in the table. */
enum table_drop {
	TABLE_DROP_LIMIT,  /* more queues than queues_max */
	TABLE_DROP_DENIED, /* the daemon may not open it */
	TABLE_DROP_FILTER, /* its name is not among those to watch */
	TABLE_DROPS,
};
extern const char *const table_drop_names[TABLE_DROPS];

int table_new(struct table **ret, size_t queues_max);

/* Patterns of names with the leading '/', as in fnmatch(3); lists that end with NULL, borrowed. NULL: all, none. */
void table_set_filter(struct table *t, char *const *include, char *const *exclude);
void table_free(struct table *t);
DEFINE_CLEANUP(struct table *, table_free)

/*
 * Reads the namespaces and the attributes anew, not yet the counters. probe may be NULL.
 * Queues and namespaces that come and go meanwhile are no error.
 */
int table_refresh(struct table *t, struct namespaces *namespaces, struct peek *peek,
		  struct probe *probe);

/*
 * Sets the queues' counters, if they are not set yet. They take much memory: who has used them drops them; so
 * does a refresh.
 */
int table_sum(struct table *t, struct probe *probe);
void table_drop_sums(struct table *t);

/* Queues in the order of (ipcns, name bytes, shadows last); pointers are good until the next refresh. */
size_t table_size(const struct table *t);
const struct queue *table_at(const struct table *t, size_t i);
struct queue *table_edit(struct table *t, size_t i); /* for what the watch keeps there */
const struct queue *table_find(const struct table *t, uint32_t ipcns, const char *name);
/* The queue with this inode that has the name, or had it before it was unlinked. */
const struct queue *table_find_inode(const struct table *t, uint32_t ipcns, const char *name,
				     uint64_t ino);

/* Queues that the last refresh left out. */
size_t table_drops(const struct table *t, enum table_drop reason);

#endif /* MQWATCH_TABLE_H */
