/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <mqueue.h>
#include <sys/stat.h>

#include "log.h"
#include "table_internal.h"

#define BATCH	   256
#define OPEN_BATCH 64 /* queues open at once */

const char *const table_drop_names[TABLE_DROPS] = {
	[TABLE_DROP_LIMIT] = "limit",
	[TABLE_DROP_DENIED] = "denied",
	[TABLE_DROP_FILTER] = "filter",
};

/* shadow: 0, or its inode number */
static int compare(const struct queue *q, uint32_t ipcns, const char *name, uint64_t shadow)
{
	uint64_t mine = q->shadow ? q->id.ino : 0;
	int c;

	if (q->id.ipcns != ipcns)
		return q->id.ipcns < ipcns ? -1 : 1;
	c = strcmp(q->name, name);
	if (c)
		return c;
	return mine < shadow ? -1 : mine > shadow;
}

int table_compare(const void *a, const void *b)
{
	const struct queue *x = &(*(struct entry *const *)a)->queue;
	const struct queue *y = &(*(struct entry *const *)b)->queue;

	return compare(x, y->id.ipcns, y->name, y->shadow ? y->id.ino : 0);
}

struct entry *entry_new(uint32_t ipcns, const char *name, uint64_t ino)
{
	size_t size = strlen(name) + 1;
	struct entry *e = calloc(1, sizeof(*e) + size);

	if (!e)
		return NULL;
	e->queue.id = (struct mqw_key){.ino = ino, .ipcns = ipcns};
	e->queue.first_ns = clock_ns(CLOCK_MONOTONIC);
	e->queue.name = memcpy(e->name, name, size);
	return e;
}

void entry_free(struct entry *e)
{
	if (!e)
		return;
	free(e->base);
	free(e->queue.found.levels);
	free(e);
}

static struct entry **entry_place(const struct table *t, uint32_t ipcns, const char *name,
				  uint64_t shadow, bool *found)
{
	size_t low = 0, high = t->n_entries;

	*found = false;
	while (low < high) {
		size_t middle = (low + high) / 2;
		int c = compare(&t->entries[middle]->queue, ipcns, name, shadow);

		if (c == 0) {
			*found = true;
			return &t->entries[middle];
		}
		if (c > 0)
			high = middle;
		else
			low = middle + 1;
	}
	return &t->entries[low];
}

struct entry *entry_find(const struct table *t, uint32_t ipcns, const char *name)
{
	bool found;
	struct entry **place;

	if (!t->n_entries)
		return NULL;
	place = entry_place(t, ipcns, name, 0, &found);
	return found ? *place : NULL;
}

int entry_insert(struct table *t, struct entry *e)
{
	struct entry **grown = reallocarray(t->entries, t->n_entries + 1, sizeof(*grown)), **place;
	bool found;

	if (!grown)
		return -ENOMEM;
	t->entries = grown;
	place = entry_place(t, e->queue.id.ipcns, e->queue.name, 0, &found);
	memmove(place + 1, place, (t->entries + t->n_entries++ - place) * sizeof(*place));
	*place = e;
	return 0;
}

void entry_identify(struct entry *e, uint64_t ino)
{
	if (e->queue.id.ino == ino)
		return;
	entry_keep_standing(e);
	e->queue.id.ino = ino;
	e->queue.first_ns = clock_ns(CLOCK_MONOTONIC);
	free(e->queue.found.levels);
	e->queue.found = (struct queue_findings){};
	e->queue.progress = (struct queue_progress){};
	e->queue.stall = (struct stall){};
	e->queue.handle = 0;
}

/* What fstat(2) and mq_getattr(3) tell, where nothing tells more. */
static int read_public(int fd, struct entry *e)
{
	struct mq_attr attr;
	struct stat st;

	if (fstat(fd, &st) < 0 || mq_getattr(fd, &attr) < 0)
		return -errno;
	entry_identify(e, st.st_ino);
	e->queue.attr = (struct queue_attr){
		.messages = attr.mq_curmsgs,
		.messages_limit = attr.mq_maxmsg,
		.message_size_limit = attr.mq_msgsize,
		.uid = st.st_uid,
		.gid = st.st_gid,
		.mode = st.st_mode & 07777,
	};
	return 0;
}

static void take_item(struct entry *e, const struct peek_item *item)
{
	entry_identify(e, item->id.ino);
	e->queue.attr = item->attr;
	e->queue.handle = item->handle;
}

/*
 * Reads the attributes of entries by their handles, without opening the queues; those not found
 * keep no handle.
 */
static void read_by_handle(struct entry *const *entries, size_t n, struct peek *peek)
{
	struct peek_item items[BATCH];
	int r;

	for (size_t i = 0; i < n; i++)
		items[i] = (struct peek_item){
			.mqd = -1,
			.id = entries[i]->queue.id,
			.handle = entries[i]->queue.handle,
		};
	r = peek_attrs(peek, items, n);
	for (size_t i = 0; i < n; i++) {
		if (r == 0 && items[i].found)
			take_item(entries[i], &items[i]);
		else
			entries[i]->queue.handle = 0;
	}
}

/* Opens the queue; if that fails, it is not among those seen. */
static int open_seen(struct table *t, struct namespaces *namespaces, struct entry *e)
{
	int fd = namespaces_open_queue(namespaces, &e->queue);

	if (fd >= 0)
		return fd;
	e->seen = false;
	if (fd == -EACCES || fd == -EPERM)
		t->drops[TABLE_DROP_DENIED]++;
	else if (fd != -ENOENT && fd != -ESTALE)
		log_debug_errno(fd, "Queue cannot be opened, ignoring: %m");
	return fd;
}

/* Reads the attributes of entries by opening the queues. */
static void read_by_opening(struct table *t, struct entry *const *entries, size_t n,
			    struct namespaces *namespaces, struct peek *peek)
{
	struct peek_item items[OPEN_BATCH];
	struct entry *opened[OPEN_BATCH];
	size_t m = 0;
	int r;

	for (size_t i = 0; i < n; i++) {
		int fd = open_seen(t, namespaces, entries[i]);

		if (fd < 0)
			continue;
		opened[m] = entries[i];
		items[m++] = (struct peek_item){.mqd = fd};
	}
	r = peek_attrs(peek, items, m);
	for (size_t i = 0; i < m; i++) {
		if (r == 0 && items[i].found)
			take_item(opened[i], &items[i]);
		else if (read_public(items[i].mqd, opened[i]) < 0)
			opened[i]->seen = false;
		close(items[i].mqd);
	}
}

static void read_attributes(struct table *t, struct namespaces *namespaces, struct peek *peek)
{
	struct entry *batch[BATCH];
	size_t n = 0;

	for (size_t i = 0; i <= t->n_entries; i++) {
		if (n == BATCH || (n && i == t->n_entries)) {
			read_by_handle(batch, n, peek);
			n = 0;
		}
		if (i < t->n_entries && t->entries[i]->seen && t->entries[i]->queue.handle)
			batch[n++] = t->entries[i];
	}
	for (size_t i = 0; i <= t->n_entries; i++) {
		if (n == OPEN_BATCH || (n && i == t->n_entries)) {
			read_by_opening(t, batch, n, namespaces, peek);
			n = 0;
		}
		if (i < t->n_entries && t->entries[i]->seen && !t->entries[i]->queue.handle)
			batch[n++] = t->entries[i];
	}
}

static void entry_remove(struct table *t, struct entry *e)
{
	bool found;
	struct entry **place = entry_place(t, e->queue.id.ipcns, e->queue.name,
					   e->queue.shadow ? e->queue.id.ino : 0, &found);

	if (!found)
		return;
	memmove(place, place + 1, (t->entries + --t->n_entries - place) * sizeof(*place));
	entry_free(e);
}

static size_t count_unlisted(const struct table *t, struct entry **oldest)
{
	size_t n = 0;

	*oldest = NULL;
	for (size_t i = 0; i < t->n_entries; i++) {
		struct entry *e = t->entries[i];

		if (e->listed)
			continue;
		n++;
		if (!*oldest || e->unlisted_ns < (*oldest)->unlisted_ns)
			*oldest = e;
	}
	return n;
}

/* Unlisted entries are kept for their totals only, at most queues_max of them, the latest. */
static void forget_oldest(struct table *t)
{
	struct entry *oldest;

	while (count_unlisted(t, &oldest) > t->queues_max)
		entry_remove(t, oldest);
}

/* Lists what was seen and forgets what went and left nothing to remember. */
static int list_seen(struct table *t, uint64_t now)
{
	struct queue **listed = reallocarray(t->listed, t->n_entries + 1, sizeof(*listed));
	size_t n = 0;

	if (!listed)
		return -ENOMEM;
	t->listed = listed;
	t->n_listed = 0;
	for (size_t i = 0; i < t->n_entries; i++) {
		struct entry *e = t->entries[i];

		if (!e->seen && !e->queue.shadow)
			entry_keep_standing(e);
		if (!e->seen && !e->base) {
			entry_free(e);
			continue;
		}
		if (e->listed && !e->seen)
			e->unlisted_ns = now;
		e->listed = e->seen;
		if (e->listed)
			t->listed[t->n_listed++] = &e->queue;
		t->entries[n++] = e;
	}
	t->n_entries = n;
	forget_oldest(t);
	return 0;
}

int table_refresh(struct table *t, struct namespaces *namespaces, struct peek *peek,
		  struct probe *probe)
{
	uint64_t now = clock_ns(CLOCK_MONOTONIC);
	int r;

	for (size_t i = 0; i < t->n_entries; i++)
		t->entries[i]->seen = false;
	memset(t->drops, 0, sizeof(t->drops));
	table_drop_sums(t);
	r = table_index(t);
	if (r == 0)
		r = table_see_queues(t, namespaces);
	if (r < 0)
		return r;
	read_attributes(t, namespaces, peek);
	r = list_seen(t, now);
	if (r == 0)
		r = table_index(t);
	if (r < 0)
		return r;
	return probe && probe_attached(probe) ? table_read_slots(t, namespaces, probe, now) : 0;
}

int table_new(struct table **ret, size_t queues_max)
{
	struct table *t = calloc(1, sizeof(*t));

	if (!t)
		return -ENOMEM;
	t->queues_max = queues_max;
	*ret = t;
	return 0;
}

void table_free(struct table *t)
{
	if (!t)
		return;
	for (size_t i = 0; i < t->n_entries; i++)
		entry_free(t->entries[i]);
	free(t->entries);
	free(t->index);
	free(t->listed);
	free(t->retired_ns);
	free(t->sums);
	free(t);
}

size_t table_size(const struct table *t)
{
	return t->n_listed;
}

const struct queue *table_at(const struct table *t, size_t i)
{
	return t->listed[i];
}

struct queue *table_edit(struct table *t, size_t i)
{
	return t->listed[i];
}

const struct queue *table_find(const struct table *t, uint32_t ipcns, const char *name)
{
	struct entry *e = entry_find(t, ipcns, name);

	return e && e->listed ? &e->queue : NULL;
}

const struct queue *table_find_inode(const struct table *t, uint32_t ipcns, const char *name,
				     uint64_t ino)
{
	struct entry *e = entry_of(t, &(struct mqw_key){.ino = ino, .ipcns = ipcns});

	return e && e->listed && strcmp(e->queue.name, name) == 0 ? &e->queue : NULL;
}

size_t table_drops(const struct table *t, enum table_drop reason)
{
	return t->drops[reason];
}
