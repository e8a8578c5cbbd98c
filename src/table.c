/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <mqueue.h>
#include <sys/stat.h>
#include <time.h>

#include "log.h"
#include "table.h"

#define BATCH 64

/* A queue that is gone and was not used for so long gives its slot back. */
#define SLOT_IDLE_NS (10 * NSEC_PER_SEC)
/* From a slot's retirement to its release: the calls that had found it are long over. */
#define SLOT_GRACE_NS (1 * NSEC_PER_SEC)

const char *const table_drop_names[TABLE_DROPS] = {
	[TABLE_DROP_LIMIT] = "limit",
	[TABLE_DROP_DENIED] = "denied",
};

/*
 * One name in one namespace. It outlives the queue, as its totals go on when the name is used
 * again: the sum of what released slots left (base) and of the slots of that name.
 */
struct entry {
	struct queue queue;
	struct mqw_counters *base; /* NULL: nothing yet */
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

/* The names of one walk. */
struct listing {
	struct entry **entries;
	size_t n, capacity;
	uint32_t ipcns;
	size_t max;
	size_t over;
};

static void entry_free(struct entry *e)
{
	if (!e)
		return;
	free(e->base);
	free(e);
}

static void listing_done(struct listing *l)
{
	for (size_t i = 0; i < l->n; i++)
		entry_free(l->entries[i]);
	free(l->entries);
}

static int compare(uint32_t ipcns_a, const char *name_a, uint32_t ipcns_b, const char *name_b)
{
	if (ipcns_a != ipcns_b)
		return ipcns_a < ipcns_b ? -1 : 1;
	return strcmp(name_a, name_b);
}

static int compare_entries(const void *a, const void *b)
{
	const struct queue *x = &(*(struct entry *const *)a)->queue;
	const struct queue *y = &(*(struct entry *const *)b)->queue;

	return compare(x->id.ipcns, x->name, y->id.ipcns, y->name);
}

static int listing_add(const char *name, uint64_t ino, void *data)
{
	struct listing *l = data;
	struct entry *e;

	if (l->n >= l->max) {
		l->over++;
		return 0;
	}
	if (l->n == l->capacity) {
		size_t capacity = l->capacity ? 2 * l->capacity : 64;
		struct entry **grown = reallocarray(l->entries, capacity, sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		l->entries = grown;
		l->capacity = capacity;
	}
	e = calloc(1, sizeof(*e));
	if (!e)
		return -ENOMEM;
	snprintf(e->queue.name, sizeof(e->queue.name), "%s", name);
	e->queue.id = (struct mqw_key){.ino = ino, .ipcns = l->ipcns};
	e->listed = true;
	l->entries[l->n++] = e;
	return 0;
}

/* Opens the queue and reads what fstat(2) and mq_getattr(3) tell; the descriptor or -errno. */
static int open_queue(struct mqfs *fs, struct queue *q)
{
	_cleanup_close_ int fd = mqfs_open_queue(fs, q->name);
	struct mq_attr attr;
	struct stat st;

	if (fd < 0)
		return fd;
	if (fstat(fd, &st) < 0 || mq_getattr(fd, &attr) < 0)
		return -errno;
	q->id.ino = st.st_ino;
	q->attr = (struct queue_attr){
		.messages = attr.mq_curmsgs,
		.messages_limit = attr.mq_maxmsg,
		.message_size_limit = attr.mq_msgsize,
		.uid = st.st_uid,
		.gid = st.st_gid,
		.mode = st.st_mode & 07777,
	};
	return TAKE_FD(fd);
}

/* Reads the attributes of all of the listing; those that went meanwhile are no longer listed. */
static void read_attributes(struct table *t, struct listing *l, struct mqfs *fs, struct peek *peek)
{
	size_t next = 0;

	while (next < l->n) {
		struct entry *opened[BATCH];
		struct queue_attr attrs[BATCH];
		int fds[BATCH];
		size_t n = 0;

		while (next < l->n && n < BATCH) {
			struct entry *e = l->entries[next++];
			int fd = open_queue(fs, &e->queue);

			if (fd < 0) {
				e->listed = false;
				if (fd == -EACCES || fd == -EPERM)
					t->drops[TABLE_DROP_DENIED]++;
				else if (fd != -ENOENT)
					log_debug_errno(fd, "Queue cannot be opened, ignoring: %m");
				continue;
			}
			opened[n] = e;
			fds[n] = fd;
			attrs[n++] = e->queue.attr;
		}
		peek_attrs(peek, fds, n, attrs);
		for (size_t i = 0; i < n; i++) {
			close(fds[i]);
			opened[i]->queue.attr = attrs[i];
		}
	}
}

static struct entry **entry_place(const struct table *t, uint32_t ipcns, const char *name,
				  bool *found)
{
	size_t low = 0, high = t->n_entries;

	*found = false;
	while (low < high) {
		size_t middle = (low + high) / 2;
		const struct queue *q = &t->entries[middle]->queue;
		int c = compare(ipcns, name, q->id.ipcns, q->name);

		if (c == 0) {
			*found = true;
			return &t->entries[middle];
		}
		if (c < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return &t->entries[low];
}

static struct entry *entry_find(const struct table *t, uint32_t ipcns, const char *name)
{
	bool found;
	struct entry **place;

	if (!t->n_entries)
		return NULL;
	place = entry_place(t, ipcns, name, &found);
	return found ? *place : NULL;
}

/* Unlisted entries are kept for their totals only, at most queues_max of them, the latest. */
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

static void entry_remove(struct table *t, struct entry *e)
{
	bool found;
	struct entry **place = entry_place(t, e->queue.id.ipcns, e->queue.name, &found);

	if (!found)
		return;
	memmove(place, place + 1, (t->entries + --t->n_entries - place) * sizeof(*place));
	entry_free(e);
}

static int entry_insert(struct table *t, struct entry *e)
{
	struct entry **grown = reallocarray(t->entries, t->n_entries + 1, sizeof(*grown)), **place;
	bool found;

	if (!grown)
		return -ENOMEM;
	t->entries = grown;
	place = entry_place(t, e->queue.id.ipcns, e->queue.name, &found);
	memmove(place + 1, place, (t->entries + t->n_entries++ - place) * sizeof(*place));
	*place = e;
	return 0;
}

/*
 * What is left of a name after a walk: the new entry where it was found, with what the old one of that
 * name knew, else the old one. NULL if there is nothing to remember.
 */
static struct entry *merge_entry(struct entry *old, struct entry *new, uint64_t now)
{
	struct entry *e = new ? new : old;
	bool went = !old || old->listed;

	if (old && new) {
		new->base = TAKE_PTR(old->base);
		new->unlisted_ns = old->unlisted_ns;
		entry_free(old);
	}
	e->listed = new &&new->listed;
	if (e->listed)
		return e;
	if (!e->base) {
		entry_free(e);
		return NULL;
	}
	if (went)
		e->unlisted_ns = now;
	return e;
}

static int merge(struct table *t, struct listing *l, uint64_t now)
{
	struct entry **merged = reallocarray(NULL, t->n_entries + l->n + 1, sizeof(*merged));
	struct queue **listed = reallocarray(t->listed, l->n + 1, sizeof(*listed));
	size_t i = 0, j = 0, n = 0;

	if (listed)
		t->listed = listed;
	if (!merged || !listed) {
		free(merged);
		return -ENOMEM;
	}
	t->n_listed = 0;
	while (i < t->n_entries || j < l->n) {
		struct entry **old = i < t->n_entries ? &t->entries[i] : NULL;
		struct entry **new = j < l->n ? &l->entries[j] : NULL;
		int c = !old ? 1 : !new ? -1 : compare_entries(old, new);
		struct entry *e = merge_entry(c <= 0 ? *old : NULL, c >= 0 ? *new : NULL, now);

		i += c <= 0;
		j += c >= 0;
		if (!e)
			continue;
		merged[n++] = e;
		if (e->listed)
			t->listed[t->n_listed++] = &e->queue;
	}
	free(t->entries);
	t->entries = merged;
	t->n_entries = n;
	l->n = 0;
	return 0;
}

static void add_counters(struct mqw_counters *to, const struct mqw_counters *from)
{
	for (size_t o = 0; o < MQW_OPS; o++) {
		const struct mqw_op_stats *a = &from->op[o];
		struct mqw_op_stats *b = &to->op[o];

		b->messages += a->messages;
		b->bytes += a->bytes;
		b->time_ns += a->time_ns;
		if (a->last_ns > b->last_ns)
			b->last_ns = a->last_ns;
		for (size_t i = 0; i < MQW_TIME_BUCKETS; i++)
			b->time[i] += a->time[i];
		for (size_t i = 0; i < MQW_ERRORS; i++)
			b->errors[i] += a->errors[i];
	}
	for (size_t i = 0; i < MQW_DEPTH_BUCKETS; i++)
		to->depth[i] += from->depth[i];
	to->depth_ratio_sum += from->depth_ratio_sum;
	for (size_t i = 0; i < MQW_TIME_BUCKETS; i++)
		to->residence[i] += from->residence[i];
	to->residence_ns += from->residence_ns;
	to->unpaired += from->unpaired;
	to->depth_ns += from->depth_ns;
	to->depth_ns_high += from->depth_ns_high + (to->depth_ns < from->depth_ns);
	to->full_ns += from->full_ns;
	to->peeks += from->peeks;
}

/* Leaves a slot's counts with its name, to which the next queue of that name adds. */
static int fold_slot(struct table *t, const struct mqw_queue *slot, uint64_t now)
{
	struct entry *e = entry_find(t, slot->key.ipcns, slot->name), *oldest;
	int r;

	if (!e) {
		if (count_unlisted(t, &oldest) >= t->queues_max)
			entry_remove(t, oldest);
		e = calloc(1, sizeof(*e));
		if (!e)
			return -ENOMEM;
		e->queue.id = slot->key;
		snprintf(e->queue.name, sizeof(e->queue.name), "%s", slot->name);
		e->unlisted_ns = now;
		r = entry_insert(t, e);
		if (r < 0) {
			entry_free(e);
			return r;
		}
	}
	if (!e->base)
		e->base = calloc(1, sizeof(*e->base));
	if (!e->base)
		return -ENOMEM;
	add_counters(e->base, &slot->counters);
	return 0;
}

static bool slot_idle(const struct mqw_queue *slot, uint64_t now)
{
	uint64_t sent = slot->counters.op[MQW_SEND].last_ns;
	uint64_t received = slot->counters.op[MQW_RECEIVE].last_ns;
	uint64_t last = sent > received ? sent : received;

	return slot->begun == slot->ended && now > last && now - last > SLOT_IDLE_NS;
}

/* A queue that is not listed any more gives its slot back, in the two steps that probe.h asks for. */
static void recycle_slot(struct table *t, struct probe *probe, size_t i, uint64_t now)
{
	const struct mqw_queue *slot = probe_slot(probe, i);
	int r = 0;

	if (!slot_idle(slot, now))
		return;
	if (!t->retired_ns[i]) {
		r = probe_retire_slot(probe, i);
		t->retired_ns[i] = now;
	} else if (now - t->retired_ns[i] > SLOT_GRACE_NS) {
		r = fold_slot(t, slot, now);
		if (r == 0)
			r = probe_release_slot(probe, i);
		t->retired_ns[i] = 0;
	}
	if (r < 0)
		log_warning_errno(r, "A removed queue's counters cannot be put away, ignoring: %m");
}

static int read_counters(struct table *t, struct probe *probe, uint64_t now)
{
	size_t n = probe_slots(probe);

	if (n > t->n_retired) {
		uint64_t *grown = reallocarray(t->retired_ns, n, sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		memset(grown + t->n_retired, 0, (n - t->n_retired) * sizeof(*grown));
		t->retired_ns = grown;
		t->n_retired = n;
	}
	for (size_t i = 0; i < t->n_entries; i++) {
		struct entry *e = t->entries[i];

		e->queue.counted = true;
		e->queue.peeks_counted = probe_sees_peeks(probe);
		e->queue.counters = e->base ? *e->base : (struct mqw_counters){};
	}
	for (size_t i = 0; i < n; i++) {
		const struct mqw_queue *slot = probe_slot(probe, i);
		struct entry *e;

		if (!slot)
			continue;
		e = entry_find(t, slot->key.ipcns, slot->name);
		if (e && e->listed)
			add_counters(&e->queue.counters, &slot->counters);
		if (!e || !e->listed || e->queue.id.ino != slot->key.ino)
			recycle_slot(t, probe, i, now);
	}
	return 0;
}

int table_refresh(struct table *t, struct mqfs *fs, struct peek *peek, struct probe *probe)
{
	_cleanup_(listing_done) struct listing l = {.ipcns = mqfs_ipcns(fs), .max = t->queues_max};
	uint64_t now = clock_ns(CLOCK_MONOTONIC);
	int r;

	r = mqfs_walk(fs, listing_add, &l);
	if (r < 0)
		return r;
	t->drops[TABLE_DROP_LIMIT] = l.over;
	t->drops[TABLE_DROP_DENIED] = 0;
	read_attributes(t, &l, fs, peek);
	if (l.n)
		qsort(l.entries, l.n, sizeof(*l.entries), compare_entries);
	r = merge(t, &l, now);
	if (r < 0)
		return r;
	return probe && probe_attached(probe) ? read_counters(t, probe, now) : 0;
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
	free(t->listed);
	free(t->retired_ns);
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

const struct queue *table_find(const struct table *t, uint32_t ipcns, const char *name)
{
	struct entry *e = entry_find(t, ipcns, name);

	return e && e->listed ? &e->queue : NULL;
}

size_t table_drops(const struct table *t, enum table_drop reason)
{
	return t->drops[reason];
}
