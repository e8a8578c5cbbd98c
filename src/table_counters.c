/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The probes' counters, by queue: what each slot counted goes to the name that its queue has. */
#include "log.h"
#include "memory.h"
#include "table_internal.h"

/* From a slot's retirement to its release: the calls that had found it are long over. */
#define SLOT_GRACE_NS (100 * NSEC_PER_MSEC)

/* Less than that stays for the next sums: fresh pages cost more than they take. Bytes. */
#define SUMS_KEPT ((size_t)1024 * 1024)

/* Adds what stands, and hides that it was read a moment before or after the rest. */
static void settle_standing(struct entry *e)
{
	struct mqw_counters *c = e->queue.counters;
	struct standing *shown = &e->shown;

	if (!c)
		return;
	totals_add_standing(c, &e->standing);
	/* below 0 it may be for a moment at the start: see change_depth() in count.bpf.h */
	if ((__int128)(queue_depth_ns(c) - shown->depth_ns) > 0)
		shown->depth_ns = queue_depth_ns(c);
	if ((int64_t)(c->full_ns - shown->full_ns) > 0)
		shown->full_ns = c->full_ns;
	c->depth_ns = (uint64_t)shown->depth_ns;
	c->depth_ns_high = (uint64_t)(shown->depth_ns >> 64);
	c->full_ns = shown->full_ns;
}

void entry_keep_standing(struct entry *e)
{
	if (!e->standing.depth_ns)
		return;
	if (!e->base)
		e->base = calloc(1, sizeof(*e->base));
	if (e->base)
		totals_add_standing(e->base, &e->standing);
	e->standing = (struct standing){};
}

/* Leaves a slot's counts with its name, to which the next queue of that name adds. */
static int fold_slot(struct table *t, const struct mqw_queue *slot, uint64_t now)
{
	struct entry *e = entry_find(t, slot->key.ipcns, slot->name);
	int r;

	if (!e) {
		e = entry_new(slot->key.ipcns, slot->name, slot->key.ino);
		if (!e)
			return -ENOMEM;
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
	totals_add(e->base, &slot->counters);
	return 0;
}

/* Nobody is in a call on it, and it was there before the listing that it is missing from. */
static bool slot_unused(const struct mqw_queue *slot, uint64_t listed_ns)
{
	return !mqw_under_way(slot->begun, slot->moved, slot->failed) &&
	       slot->created_ns < listed_ns;
}

/* The probes see all queues of the machine; what is not watched leaves nothing behind. */
static bool is_watched(const struct table *t, const struct namespaces *namespaces,
		       const struct mqw_queue *slot)
{
	return namespaces_find(namespaces, slot->key.ipcns) && table_wants(t, slot->name);
}

/* A queue that is not listed any more gives its slot back, in the two steps that probe.h asks for. */
static void recycle_slot(struct table *t, const struct namespaces *namespaces, struct probe *probe,
			 size_t i, uint64_t now)
{
	const struct mqw_queue *slot = probe_slot(probe, i);
	int r = 0;

	if (!slot_unused(slot, now))
		return;
	if (!t->retired_ns[i]) {
		r = probe_retire_slot(probe, i);
		t->retired_ns[i] = now;
	} else if (now - t->retired_ns[i] > SLOT_GRACE_NS) {
		if (is_watched(t, namespaces, slot))
			r = fold_slot(t, slot, now);
		if (r == 0)
			r = probe_release_slot(probe, i);
		t->retired_ns[i] = 0;
	}
	if (r < 0)
		log_warning_errno_limited(
			r, "A removed queue's counters cannot be put away, ignoring: %m");
}

static int cover_slots(struct table *t, size_t n)
{
	uint64_t *grown;

	if (n <= t->n_retired)
		return 0;
	grown = reallocarray(t->retired_ns, n, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	memset(grown + t->n_retired, 0, (n - t->n_retired) * sizeof(*grown));
	t->retired_ns = grown;
	t->n_retired = n;
	return 0;
}

int table_read_slots(struct table *t, const struct namespaces *namespaces, struct probe *probe,
		     uint64_t now)
{
	size_t n = probe_slots(probe);

	if (cover_slots(t, n) < 0)
		return -ENOMEM;
	for (size_t i = 0; i < t->n_entries; i++) {
		struct entry *e = t->entries[i];

		/* a shadow's counts are with its name */
		e->queue.counted = !e->queue.shadow;
		e->queue.peeks_counted = probe_sees_peeks(probe);
		e->queue.slotted = false;
		e->standing = (struct standing){};
	}
	for (size_t i = 0; i < n; i++) {
		const struct mqw_queue *slot = probe_slot(probe, i);
		struct entry *e;

		if (!slot)
			continue;
		e = entry_of(t, &slot->key);
		if (!e || !e->listed) {
			recycle_slot(t, namespaces, probe, i, now);
			continue;
		}
		e->queue.slotted = true;
		e->queue.slot = i;
		e->standing = totals_standing(slot, now);
	}
	return 0;
}

/* Most queues of a large system may never be used while it is watched: they need no sum. */
static struct mqw_counters *sum_of(struct table *t, struct entry *e)
{
	struct mqw_counters *sum = e->queue.counters;

	if (!sum) {
		sum = &t->sums[t->n_sums++];
		memset(sum, 0, sizeof(*sum));
		e->queue.counters = sum;
	}
	return sum;
}

/* Room for one per slot and one per queue that has counts of others before it. */
static int begin_sums(struct table *t, size_t n)
{
	for (size_t i = 0; i < t->n_entries; i++)
		n += t->entries[i]->listed && t->entries[i]->base;
	if (n > t->sums_capacity) {
		free(t->sums);
		t->sums = memory_block(n * sizeof(*t->sums));
		t->sums_capacity = t->sums ? n : 0;
		if (!t->sums)
			return -ENOMEM;
	}
	t->summed = true;
	for (size_t i = 0; i < t->n_entries; i++) {
		struct entry *e = t->entries[i];

		if (e->listed && e->base)
			*sum_of(t, e) = *e->base;
	}
	return 0;
}

static void add_slot(struct table *t, const struct mqw_queue *slot, uint64_t now)
{
	struct entry *of = entry_of(t, &slot->key), *named = of;

	/* a shadow's counts are with its name */
	if (!of || of->queue.shadow)
		named = entry_find(t, slot->key.ipcns, slot->name);
	if (named && named->listed)
		totals_add(sum_of(t, named), &slot->counters);
	if (of && of->listed)
		of->standing = totals_standing(slot, now);
}

int table_sum(struct table *t, struct probe *probe)
{
	uint64_t now = clock_ns(CLOCK_MONOTONIC);
	size_t n = probe_slots(probe);

	if (t->summed || !probe_attached(probe))
		return 0;
	if (begin_sums(t, n) < 0)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		const struct mqw_queue *slot = probe_slot(probe, i);

		if (slot)
			add_slot(t, slot, now);
	}
	for (size_t i = 0; i < t->n_entries; i++)
		settle_standing(t->entries[i]);
	return 0;
}

void table_drop_sums(struct table *t)
{
	if (!t->summed)
		return;
	for (size_t i = 0; i < t->n_entries; i++)
		t->entries[i]->queue.counters = NULL;
	t->summed = false;
	t->n_sums = 0;
	if (t->sums_capacity * sizeof(*t->sums) <= SUMS_KEPT)
		return;
	free(t->sums);
	t->sums = NULL;
	t->sums_capacity = 0;
}
