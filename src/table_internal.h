/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What table.c, table_find.c and table_counters.c share. */
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
	struct mqw_counters *base; /* NULL: nothing yet */
	struct standing standing;
	struct standing shown; /* the sums last shown: they never go backwards */
	uint64_t unlisted_ns;  /* when it went */
	bool seen;	       /* by the refresh under way */
	bool listed;
	char name[]; /* the queue's */
};

struct table {
	size_t queues_max;
	char *const *include, *const *exclude;
	struct entry **entries; /* listed or not, in order of (ipcns, name) */
	size_t n_entries;
	struct entry **index; /* by identity, with open addressing; NULL: free */
	size_t index_mask;
	struct queue **listed;
	size_t n_listed;
	size_t drops[TABLE_DROPS];
	uint64_t *retired_ns; /* by slot; 0: in use */
	size_t n_retired;
	bool summed;
	struct mqw_counters *sums; /* of the queues that have some, if summed */
	size_t n_sums, sums_capacity;
};

struct entry *entry_new(uint32_t ipcns, const char *name, uint64_t ino); /* NULL: no memory */
void entry_free(struct entry *e);
/* The one that has the name; that is, no shadow. */
struct entry *entry_find(const struct table *t, uint32_t ipcns, const char *name);
/* The one whose queue this is, as of when table_index() was called; shadows are found too. */
struct entry *entry_of(const struct table *t, const struct mqw_key *key);
void entry_identify(struct entry *e, uint64_t ino); /* the name is that of another queue now */
void entry_keep_standing(struct entry *e); /* what stood in a queue that went stays with its name */
int entry_insert(struct table *t, struct entry *e);

/* table_find.c: marks the queues that are there as seen, with new entries for new ones. */
int table_see_queues(struct table *t, struct namespaces *namespaces);
bool table_wants(const struct table *t, const char *name); /* by its filter */
int table_index(struct table *t);
int table_compare(const void *a, const void *b); /* of places of entries */

/* Finds the listed queues' slots; takes back those of queues that went, or are not to be watched. */
int table_read_slots(struct table *t, const struct namespaces *namespaces, struct probe *probe,
		     uint64_t now);

#endif /* MQWATCH_TABLE_INTERNAL_H */
