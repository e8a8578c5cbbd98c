/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The probes' slots, read and put right in the memory that they share with us. */
#include <sys/mman.h>

#include "bpf_util.h"
#include "log.h"
#include "probe_internal.h"

#define WINDOW_STEP 64

static void window_close(struct window *w, size_t item_size)
{
	if (w->base)
		munmap(w->base, w->mapped * item_size);
	*w = (struct window){};
}

/* All of a window is resident, used or not, so it is in small steps. */
static int window_cover(struct window *w, int fd, size_t item_size, size_t n, size_t max)
{
	size_t grown = n + n / 16 + WINDOW_STEP;
	void *m;

	if (n <= w->mapped)
		return 0;
	grown -= grown % WINDOW_STEP;
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
		log_warning_errno_limited(r, "Some of the probes' counters cannot be read: %m");
	return n < p->queues.mapped ? n : p->queues.mapped;
}

void probe_unmap_slots(struct probe *p)
{
	window_close(&p->queues, sizeof(struct mqw_queue));
}

const struct mqw_queue *probe_slot(const struct probe *p, size_t i)
{
	const struct mqw_queue *q = queue_slot(p, i);

	return __atomic_load_n(&q->key.ino, __ATOMIC_ACQUIRE) ? q : NULL;
}

void probe_watch_only(struct probe *p, uint32_t ipcns)
{
	if (p->attached)
		__atomic_store_n(&p->bpf->bss->watched_ipcns, ipcns, __ATOMIC_RELEASE);
}

int probe_retire_slot(struct probe *p, size_t i)
{
	struct mqw_release release = {.index = i};

	return bpf_run(p->bpf->progs.retire_queue, &release, sizeof(release));
}

int probe_release_slot(struct probe *p, size_t i)
{
	struct mqw_release release = {.index = i};
	struct mqw_queue *q = queue_slot(p, i);

	bpf_run(p->bpf->progs.release_levels, &release, sizeof(release));
	p->unseen_released += q->unseen;
	memset(q, 0, sizeof(*q));
	p->released_ns = clock_ns(CLOCK_MONOTONIC);
	return bpf_run(p->bpf->progs.release_queue, &release, sizeof(release));
}
