/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What table.c and table_counters.c share. */
#ifndef MQWATCH_TABLE_INTERNAL_H
#define MQWATCH_TABLE_INTERNAL_H

#include "table.h"
#include "totals.h"

/*
 * One name in one namespace. It outlives the queue, as its totals go on when the name is used
 * again: the sum of what released slots left (base) and of the slots of that name.
 */
struct entry {
	struct queue queue;
	uint64_t handle;	   /* struct peek_item */
	struct mqw_counters *base; /* NULL: nothing yet */
	struct standing standing;
	struct standing shown; /* the sums last shown: they never go backwards */
	uint64_t residence_shown_ns;
	bool seen; /* by the refresh under way */
	bool listed;
	uint64_t unlisted_ns; /* when it went */
};

struct table {
	size_t queues_max;
	struct entry **entries; /* listed or not, in order of (ipcns, name) */
	size_t n_entries;
	struct queue **listed;
	size_t n_listed;
	size_t drops[TABLE_DROPS];
	uint64_t *retired_ns; /* by slot; 0: in use */
	size_t n_retired;
};

struct entry *entry_new(uint32_t ipcns, const char *name, uint64_t ino); /* NULL: no memory */
void entry_free(struct entry *e);
struct entry *entry_find(const struct table *t, uint32_t ipcns, const char *name);
void entry_keep_standing(struct entry *e); /* what stood in a queue that went stays with its name */
int entry_insert(struct table *t, struct entry *e);

/* Sets the listed queues' counters from the probes' slots; takes back those of queues that went. */
int table_read_counters(struct table *t, struct probe *probe, uint64_t now);

#endif /* MQWATCH_TABLE_INTERNAL_H */
