/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The probes' slots and levels, read and put right in the memory that they share with us. */
#include <sys/mman.h>

#include "log.h"
#include "probe_internal.h"

static int window_cover(struct window *w, int fd, size_t item_size, size_t n, size_t max)
{
	size_t grown = w->mapped ? w->mapped : 64;
	void *m;

	if (n <= w->mapped)
		return 0;
	while (grown < n)
		grown *= 2;
	if (grown > max)
		grown = max;
	m = mmap(NULL, grown * item_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (m == MAP_FAILED)
		return -errno;
	window_close(w, item_size);
	w->base = m;
	w->mapped = grown;
	return 0;
}

void window_close(struct window *w, size_t item_size)
{
	if (w->base)
		munmap(w->base, w->mapped * item_size);
	*w = (struct window){};
}

static struct mqw_queue *queue_slot(const struct probe *p, size_t i)
{
	return (struct mqw_queue *)p->queues.base + i;
}

size_t probe_slots(struct probe *p)
{
	size_t n;
	int r;

	if (!p->attached)
		return 0;
	n = __atomic_load_n(&p->bpf->bss->next_slot, __ATOMIC_ACQUIRE);
	if (n > p->queues_max)
		n = p->queues_max;
	r = window_cover(&p->queues, probe_map_fd(p, PROBE_MAP_QUEUES), sizeof(struct mqw_queue), n,
			 p->queues_max);
	if (r < 0)
		log_warning_errno(r, "Some of the probes' counters cannot be read: %m");
	return n < p->queues.mapped ? n : p->queues.mapped;
}

const struct mqw_queue *probe_slot(const struct probe *p, size_t i)
{
	const struct mqw_queue *q = queue_slot(p, i);

	return __atomic_load_n(&q->key.ino, __ATOMIC_ACQUIRE) ? q : NULL;
}

/* The level of a list's link (index plus 1), or NULL at its end. */
static struct mqw_level *level_at(struct probe *p, uint32_t link)
{
	int r;

	if (!link || link > p->levels_max)
		return NULL;
	r = window_cover(&p->levels, probe_map_fd(p, PROBE_MAP_LEVELS), sizeof(struct mqw_level),
			 link, p->levels_max);
	return r < 0 ? NULL : (struct mqw_level *)p->levels.base + link - 1;
}

static int forget_chunks(struct probe *p, uint32_t level, int64_t from, int64_t to)
{
	struct mqw_release release = {
		.index = level,
		.from = from < 0 ? 0 : from >> MQW_CHUNK_SHIFT,
	};

	if (to < 0)
		return 0;
	release.to = to >> MQW_CHUNK_SHIFT;
	if (release.from >= release.to)
		return 0;
	return probe_run(p->bpf->progs.forget_chunks, &release, sizeof(release));
}

int probe_retire_slot(struct probe *p, size_t i)
{
	struct mqw_release release = {.index = i};

	return probe_run(p->bpf->progs.retire_queue, &release, sizeof(release));
}

static void release_levels(struct probe *p, uint32_t link)
{
	struct mqw_level *l;

	while ((l = level_at(p, link))) {
		struct mqw_release release = {.index = link - 1};
		/* receives leave up to two chunks behind them: see forget_chunk() */
		int64_t from = l->received - 2 * MQW_CHUNK_SIZE, to = l->sent + MQW_CHUNK_SIZE;

		link = l->next;
		forget_chunks(p, release.index, from, to);
		probe_run(p->bpf->progs.release_level, &release, sizeof(release));
	}
}

int probe_release_slot(struct probe *p, size_t i)
{
	struct mqw_release release = {.index = i};
	struct mqw_queue *q = queue_slot(p, i);

	release_levels(p, q->level);
	p->unseen_released += q->unseen;
	memset(q, 0, sizeof(*q));
	p->since_ns = clock_ns(CLOCK_MONOTONIC);
	return probe_run(p->bpf->progs.release_queue, &release, sizeof(release));
}

/* How many of a whole snapshot's messages have the priority. They are in order of priority. */
static uint64_t count_priority(const struct snapshot *s, uint32_t priority)
{
	size_t bounds[2]; /* first message below and first at the priority */

	for (size_t k = 0; k < 2; k++) {
		size_t low = 0, high = s->n_messages;

		while (low < high) {
			size_t middle = (low + high) / 2;

			if (s->messages[middle].priority > priority ||
			    (k == 0 && s->messages[middle].priority == priority))
				low = middle + 1;
			else
				high = middle;
		}
		bounds[k] = low;
	}
	return bounds[0] - bounds[1];
}

struct settlement {
	struct mqw_level *level;
	uint32_t index;
	int64_t sent, received;
};

/* The queue's levels as they are; the caller finds out whether all are of one moment. */
static int read_levels(struct probe *p, const struct mqw_queue *q, struct settlement **ret,
		       size_t *ret_n)
{
	_cleanup_free_ struct settlement *all = NULL;
	size_t n = 0, capacity = 0;
	uint32_t link = __atomic_load_n(&q->level, __ATOMIC_ACQUIRE);
	struct mqw_level *l;

	while ((l = level_at(p, link))) {
		if (n == capacity) {
			struct settlement *grown;

			capacity = capacity ? 2 * capacity : 16;
			grown = reallocarray(all, capacity, sizeof(*all));
			if (!grown)
				return -ENOMEM;
			all = grown;
		}
		all[n++] = (struct settlement){.index = link - 1};
		link = l->next;
	}
	/* only now, as the window may have moved */
	for (size_t i = 0; i < n; i++) {
		l = level_at(p, all[i].index + 1);
		all[i].level = l;
		all[i].sent = __atomic_load_n(&l->sent, __ATOMIC_ACQUIRE);
		all[i].received = __atomic_load_n(&l->received, __ATOMIC_ACQUIRE);
	}
	*ret = TAKE_PTR(all);
	*ret_n = n;
	return 0;
}

int probe_settle(struct probe *p, const struct snapshot *s)
{
	_cleanup_free_ struct settlement *levels = NULL;
	uint64_t doubts, distrust;
	struct mqw_queue *q;
	size_t n;
	int r;

	if (!s->settled || !s->consistent || s->n_messages != s->messages_total ||
	    s->slot >= probe_slots(p))
		return -EINVAL;
	q = queue_slot(p, s->slot);
	doubts = __atomic_load_n(&q->doubts, __ATOMIC_ACQUIRE);
	distrust = __atomic_load_n(&q->distrust, __ATOMIC_ACQUIRE);
	if (doubts == q->doubts_settled && distrust == q->distrust_settled)
		return 0;
	r = read_levels(p, q, &levels, &n);
	if (r < 0)
		return r;
	if (__atomic_load_n(&q->begun, __ATOMIC_ACQUIRE) != s->begun)
		return -EAGAIN;
	for (size_t i = 0; i < n; i++) {
		struct settlement *l = &levels[i];
		int64_t old = l->received;
		int64_t next = l->sent - (int64_t)count_priority(s, l->level->key.priority);

		if (distrust != q->distrust_settled)
			__atomic_store_n(&l->level->known_from, l->sent, __ATOMIC_RELEASE);
		/* a receive that came in between makes this fail */
		if (!__atomic_compare_exchange_n(&l->level->received, &old, next, false,
						 __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
			return -EAGAIN;
		forget_chunks(p, l->index, l->received - 2 * MQW_CHUNK_SIZE, next - MQW_CHUNK_SIZE);
	}
	__atomic_store_n(&q->distrust_settled, distrust, __ATOMIC_RELEASE);
	__atomic_store_n(&q->doubts_settled, doubts, __ATOMIC_RELEASE);
	return 0;
}
