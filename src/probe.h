/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The BPF probes on mq_timedsend(2) and mq_timedreceive(2), and what they counted. */
#ifndef MQWATCH_PROBE_H
#define MQWATCH_PROBE_H

#include "queue.h"
#include "util.h"

enum probe_mode {
	PROBE_AUTO,
	PROBE_TRACEPOINT,
	PROBE_OFF,
	PROBE_MODES,
};
extern const char *const probe_mode_names[PROBE_MODES];

struct probe;

/*
 * Loads and attaches. When that fails *ret is still set: probe_attached() is false and
 * probe_reason() says why in one line that names the remedy. -ENOMEM only.
 */
int probe_new(struct probe **ret, enum probe_mode mode, size_t queues_max);
void probe_free(struct probe *p);
DEFINE_CLEANUP(struct probe *, probe_free)

bool probe_attached(const struct probe *p);
const char *probe_mode_name(const struct probe *p); /* "tracepoint" or "off" */
const char *probe_reason(const struct probe *p);    /* NULL when attached */
int probe_queues_fd(const struct probe *p);	    /* borrowed; -1 when not loaded */
int probe_slots_fd(const struct probe *p);

/* The slots in use lie below probe_slots(); probe_slot() is NULL for an unused one. */
size_t probe_slots(const struct probe *p);
const struct mqw_queue *probe_slot(const struct probe *p, size_t i);

/* Makes room: forgets the queue's key now; its slot is used again no sooner than
 * probe_release_slot(). */
int probe_retire_slot(struct probe *p, size_t i);
int probe_release_slot(struct probe *p, size_t i);

/* Events lost for a reason (enum mqw_loss), summed over CPUs; MQW_LOSSES: recursion misses. */
uint64_t probe_losses(const struct probe *p, unsigned int reason);
extern const char *const probe_loss_names[MQW_LOSSES + 1];

/* The calls under way now; the caller frees *ret. */
int probe_calls(struct probe *p, struct mqw_call **ret, size_t *ret_n);

#endif /* MQWATCH_PROBE_H */
