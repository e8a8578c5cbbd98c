// SPDX-License-Identifier: GPL-2.0-or-later
/* Which queues there are: what a walk over the namespaces finds, joined with what the table has. */
#include <fnmatch.h>

#include "log.h"
#include "table_internal.h"

/* A queue that the table does not have yet. */
struct found {
	struct namespace_queue queue;
	struct queue_charged charged;
	char *name;
};

struct walk {
	struct table *table;
	size_t n; /* queues seen, at most queues_max */
	struct found *found;
	size_t n_found, capacity;
	struct entry **new;
	size_t n_new;
};

static void walk_done(struct walk *w)
{
	for (size_t i = 0; i < w->n_found; i++)
		free(w->found[i].name);
	for (size_t i = 0; i < w->n_new; i++)
		entry_free(w->new[i]);
	free(w->found);
	free(w->new);
}

static size_t hash(const struct mqw_key *key)
{
	return (key->ino * 0x9E3779B97F4A7C15ULL ^ key->ipcns * 0xC2B2AE3D27D4EB4FULL) >> 20;
}

struct entry *entry_of(const struct table *t, const struct mqw_key *key)
{
	struct entry *e;

	if (!t->index)
		return NULL;
	for (size_t i = hash(key);; i++) {
		e = t->index[i & t->index_mask];
		if (!e || openers_compare_keys(&e->queue.id, key) == 0)
			return e;
	}
}

int table_index(struct table *t)
{
	size_t size = 64;

	while (size < 2 * t->n_entries)
		size *= 2;
	if (!t->index || size != t->index_mask + 1) {
		free(t->index);
		t->index = malloc(size * sizeof(*t->index));
		if (!t->index)
			return -ENOMEM;
		t->index_mask = size - 1;
	}
	memset(t->index, 0, size * sizeof(*t->index));
	for (size_t i = 0; i < t->n_entries; i++) {
		size_t place = hash(&t->entries[i]->queue.id);

		while (t->index[place & t->index_mask])
			place++;
		t->index[place & t->index_mask] = t->entries[i];
	}
	return 0;
}

static void see_entry(struct entry *e, const struct namespace_queue *q)
{
	e->seen = true;
	e->queue.linked = q->linked;
	e->queue.opens_known = q->opens_known;
	e->queue.opens = q->opens;
	e->queue.writes = q->writes;
	e->queue.used_sec = q->used_sec;
	if (q->handle)
		e->queue.handle = q->handle;
}

/* Inode numbers come again, some day: what the last refresh did not see is not taken for the same. */
static bool is_same(const struct entry *e, const struct namespace_queue *q)
{
	if (e->seen || !e->listed || (q->name && strcmp(q->name, e->queue.name) != 0))
		return false;
	return !q->handle || !e->queue.handle || q->handle == e->queue.handle;
}

static bool matches(char *const *patterns, const char *path)
{
	for (size_t i = 0; patterns && patterns[i]; i++)
		if (fnmatch(patterns[i], path, 0) == 0)
			return true;
	return false;
}

bool table_wants(const struct table *t, const char *name)
{
	char path[MQW_NAME_SIZE + 1];

	snprintf(path, sizeof(path), "/%s", name);
	if (t->include && t->include[0] && !matches(t->include, path))
		return false;
	return !matches(t->exclude, path);
}

void table_set_filter(struct table *t, char *const *include, char *const *exclude)
{
	t->include = include;
	t->exclude = exclude;
	/* as if new, so that the next refresh judges them again */
	for (size_t i = 0; i < t->n_entries; i++)
		t->entries[i]->listed =
			t->entries[i]->listed && table_wants(t, t->entries[i]->queue.name);
}

static int see_queue(const struct namespace_queue *q, void *data)
{
	struct walk *w = data;
	struct entry *e = entry_of(w->table, &q->key);
	struct found *grown;

	if (e && is_same(e, q)) {
		see_entry(e, q);
		w->n++;
		return 0;
	}
	if (w->n_found == w->capacity) {
		size_t capacity = w->capacity ? 2 * w->capacity : 64;

		grown = reallocarray(w->found, capacity, sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		w->found = grown;
		w->capacity = capacity;
	}
	w->found[w->n_found] = (struct found){.queue = *q};
	w->found[w->n_found].queue.name = NULL;
	if (q->name) {
		w->found[w->n_found].name = strdup(q->name);
		if (!w->found[w->n_found].name)
			return -ENOMEM;
	}
	w->n_found++;
	return 0;
}

#define DETAILS 64

/* Asks for the names of those found without one; who went meanwhile keeps none. */
static int name_found(struct walk *w, struct namespaces *namespaces)
{
	_cleanup_free_ struct mqw_detail *details = calloc(DETAILS, sizeof(*details));

	if (!details)
		return -ENOMEM;
	for (size_t done = 0; done < w->n_found; done += DETAILS) {
		size_t n = w->n_found - done < DETAILS ? w->n_found - done : DETAILS;
		struct found *found = w->found + done;
		size_t unnamed = 0;
		int r;

		for (size_t i = 0; i < n; i++) {
			unnamed += !found[i].name;
			details[i] = (struct mqw_detail){
				.key = found[i].queue.key,
				.inode = found[i].queue.handle,
			};
		}
		if (!unnamed)
			continue;
		r = namespaces_details(namespaces, details, n);
		if (r < 0)
			return r;
		for (size_t i = 0; i < n; i++) {
			if (found[i].name || !details[i].found)
				continue;
			found[i].name = strndup(details[i].name, sizeof(details[i].name) - 1);
			if (!found[i].name)
				return -ENOMEM;
			found[i].charged =
				(struct queue_charged){details[i].user, details[i].user_uid};
		}
	}
	return 0;
}

/* By name, and of one name the queue first that has it: the linked one, else the youngest. */
static int compare_found(const void *a, const void *b)
{
	const struct found *x = a, *y = b;
	int c = 0;

	if (x->queue.key.ipcns != y->queue.key.ipcns)
		return x->queue.key.ipcns < y->queue.key.ipcns ? -1 : 1;
	if (x->name && y->name)
		c = strcmp(x->name, y->name);
	if (c)
		return c;
	if (x->queue.linked != y->queue.linked)
		return x->queue.linked ? -1 : 1;
	return x->queue.key.ino > y->queue.key.ino ? -1 : x->queue.key.ino < y->queue.key.ino;
}

static int add_entry(struct walk *w, const struct found *f, bool shadow)
{
	struct entry *e = entry_new(f->queue.key.ipcns, f->name, f->queue.key.ino);

	if (!e)
		return -ENOMEM;
	e->queue.shadow = shadow;
	e->queue.charged = f->charged;
	see_entry(e, &f->queue);
	w->new[w->n_new++] = e;
	return 0;
}

/* What has been the queue of this name goes on as its shadow. */
static int demote(struct walk *w, struct entry *e)
{
	struct entry *shadow = entry_new(e->queue.id.ipcns, e->queue.name, e->queue.id.ino);

	if (!shadow)
		return -ENOMEM;
	shadow->queue = e->queue;
	shadow->queue.name = shadow->name;
	shadow->queue.shadow = true;
	shadow->queue.counters = NULL;
	e->queue.found.levels = NULL;
	shadow->queue.stall = (struct stall){};
	shadow->seen = true;
	/* what stands in it is counted when it moves */
	e->standing = (struct standing){};
	w->new[w->n_new++] = shadow;
	return 0;
}

static int place_found(struct walk *w, const struct found *f)
{
	struct entry *e = entry_find(w->table, f->queue.key.ipcns, f->name);
	int r;

	if (e && e->seen && !f->queue.linked &&
	    (e->queue.linked || f->queue.key.ino < e->queue.id.ino))
		return add_entry(w, f, true);
	if (!e)
		return add_entry(w, f, false);
	if (e->seen) {
		r = demote(w, e);
		if (r < 0)
			return r;
	}
	entry_identify(e, f->queue.key.ino);
	if (!e->listed)
		e->queue.first_ns = clock_ns(CLOCK_MONOTONIC);
	e->queue.charged = f->charged;
	see_entry(e, &f->queue);
	return 0;
}

static int place_all(struct walk *w)
{
	size_t named = 0;

	for (size_t i = 0; i < w->n_found; i++) {
		struct found f = w->found[i];

		if (f.name && table_wants(w->table, f.name)) {
			w->found[named++] = f;
			continue;
		}
		w->table->drops[TABLE_DROP_FILTER] += f.name != NULL;
		free(f.name);
	}
	w->n_found = named;
	/* each is one entry, or makes one into a shadow */
	w->new = calloc(w->n_found + 1, sizeof(*w->new));
	if (!w->new)
		return -ENOMEM;
	if (w->n_found)
		qsort(w->found, w->n_found, sizeof(*w->found), compare_found);
	for (size_t i = 0; i < w->n_found; i++) {
		const struct found *f = &w->found[i];
		bool other = i && f[-1].queue.key.ipcns == f->queue.key.ipcns &&
			     strcmp(f[-1].name, f->name) == 0;
		int r;

		if (w->n >= w->table->queues_max) {
			w->table->drops[TABLE_DROP_LIMIT]++;
			continue;
		}
		w->n++;
		/* a walk by names may see one twice, if it is removed and made meanwhile */
		r = !other ? place_found(w, f) : f->queue.handle ? add_entry(w, f, true) : 0;
		if (r < 0)
			return r;
	}
	return 0;
}

/* Puts the walk's new entries among the others. */
static int merge(struct table *t, struct walk *w)
{
	struct entry **merged;
	size_t i = 0, j = 0, n = 0;

	if (!w->n_new)
		return 0;
	merged = reallocarray(NULL, t->n_entries + w->n_new, sizeof(*merged));
	if (!merged)
		return -ENOMEM;
	qsort(w->new, w->n_new, sizeof(*w->new), table_compare);
	while (i < t->n_entries || j < w->n_new) {
		bool old = j == w->n_new ||
			   (i < t->n_entries && table_compare(&t->entries[i], &w->new[j]) < 0);

		merged[n++] = old ? t->entries[i++] : w->new[j++];
	}
	free(t->entries);
	t->entries = merged;
	t->n_entries = n;
	w->n_new = 0;
	return 0;
}

/* A walk that was not sound may have missed queues: they are there while they can be read. */
static void keep_unseen(struct table *t, uint32_t ipcns)
{
	for (size_t i = 0; i < t->n_entries; i++) {
		struct entry *e = t->entries[i];

		if (e->queue.id.ipcns == ipcns && e->listed && e->queue.handle)
			e->seen = true;
	}
}

int table_see_queues(struct table *t, struct namespaces *namespaces)
{
	_cleanup_(walk_done) struct walk w = {.table = t};
	int r = namespaces_refresh(namespaces);

	if (r < 0)
		return r;
	for (size_t i = 0; i < namespaces_count(namespaces); i++) {
		const struct namespace *of = namespaces_at(namespaces, i);
		bool sound;

		r = namespaces_walk(namespaces, i, see_queue, &w, &sound);
		if (r == -ENOMEM || (r < 0 && of->own && r != -ESTALE))
			return r;
		if (r < 0 && r != -ESTALE)
			log_debug_errno(r, "The queues of an IPC namespace cannot be listed, "
					   "ignoring: %m");
		if (r == 0 && !sound)
			keep_unseen(t, of->ipcns);
	}
	r = name_found(&w, namespaces);
	if (r == 0)
		r = place_all(&w);
	return r < 0 ? r : merge(t, &w);
}
