/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The BPF probes on mq_timedsend(2) and mq_timedreceive(2), and what they counted. */
#ifndef MQWATCH_PROBE_H
#define MQWATCH_PROBE_H

#include "queue.h"
#include "util.h"

enum probe_mode {
	PROBE_AUTO,	  /* the first of the next two that works */
	PROBE_FENTRY,	  /* on the functions that enter the calls */
	PROBE_TRACEPOINT, /* does not see 32-bit callers on x86-64 */
	PROBE_OFF,
	PROBE_MODES,
};
extern const char *const probe_mode_names[PROBE_MODES];

struct probe;

/*
 * Loads and attaches. When that fails *ret is still set: probe_attached() is false and
 * probe_reason() says why in one line that names the remedy. -ENOMEM only.
 */
int probe_new(struct probe **ret, enum probe_mode mode, size_t queues_max, size_t records_max);
void probe_free(struct probe *p);
DEFINE_CLEANUP(struct probe *, probe_free)

bool probe_attached(const struct probe *p);
/* The kernel has mq_timedreceive2(2), and it is probed too. */
bool probe_sees_peeks(const struct probe *p);
enum probe_mode probe_mode(const struct probe *p);  /* PROBE_OFF when not attached */
const char *probe_mode_name(const struct probe *p); /* "fentry", "tracepoint" or "off" */
const char *probe_note(const struct probe *p);	    /* why not the preferred one; or NULL */
const char *probe_reason(const struct probe *p);    /* NULL when attached */

/* The maps that the peek programs consult. */
enum probe_map {
	PROBE_MAP_QUEUES,
	PROBE_MAP_QUEUE_INDEX,
	PROBE_MAP_LEVELS,
	PROBE_MAP_LEVEL_INDEX,
	PROBE_MAP_NEAR_LEVELS,
	PROBE_MAP_FAR_CHUNKS,
	PROBE_SHARED_MAPS,
};
int probe_map_fd(const struct probe *p, enum probe_map map); /* borrowed; -1 when not attached */

/*
 * Since when a queue that has no slot has not been used, if it has been listed without a gap since listed_ns, as slots
 * of listed queues are not released (CLOCK_MONOTONIC). 0: calls are being missed.
 */
uint64_t probe_unused_since_ns(const struct probe *p, uint64_t listed_ns);

/*
 * The slots in use lie below probe_slots(). probe_slot() is NULL for an unused one; it points into
 * memory that the probes write meanwhile, valid until the next probe_slots() or probe_unmap_slots().
 */
size_t probe_slots(struct probe *p);
const struct mqw_queue *probe_slot(const struct probe *p, size_t i);

/* The memory is the kernel's, and counts as resident while it is mapped. */
void probe_unmap_slots(struct probe *p);

/* Only queues of this IPC namespace get slots from now on. 0: all, which is so at first. */
void probe_watch_only(struct probe *p, uint32_t ipcns);

/*
 * Makes room for other queues in two steps: a retired slot's queue is forgotten, so that no new call
 * finds it; when the calls that had found it are over (a second is ample) its last counts are read
 * and the slot is released. A use of the queue in between gives it a new slot.
 */
int probe_retire_slot(struct probe *p, size_t i);
int probe_release_slot(struct probe *p, size_t i);

/* Events that are in no counter, since the start. */
enum probe_loss {
	PROBE_LOSS_QUEUES_FULL = MQW_LOSS_QUEUES_FULL,
	PROBE_LOSS_UNKNOWN_DESCRIPTOR = MQW_LOSS_UNKNOWN_DESCRIPTOR,
	PROBE_LOSS_TASK_STORAGE = MQW_LOSS_TASK_STORAGE,
	PROBE_LOSS_CALL = MQW_LOSS_CALL,
	PROBE_LOSS_RECORD = MQW_LOSS_RECORD,
	PROBE_LOSS_UNSEEN =
		MQW_LOSSES, /* messages moved by calls without probes (32-bit callers), at least */
	PROBE_LOSS_RECURSION, /* the kernel skipped a probe: another BPF operation was under way */
	PROBE_LOSSES,
};
extern const char *const probe_loss_names[PROBE_LOSSES];
uint64_t probe_losses(struct probe *p, enum probe_loss reason);

/* The calls under way now; the caller frees *ret. */
int probe_calls(struct probe *p, struct mqw_call **ret, size_t *ret_n);

#endif /* MQWATCH_PROBE_H */
