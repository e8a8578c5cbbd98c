/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What probe.c and probe_slots.c share. */
#ifndef MQWATCH_PROBE_INTERNAL_H
#define MQWATCH_PROBE_INTERNAL_H

#include <bpf/bpf.h>

#include "attach.h"
#include "probe.skel.h"

/*
 * A mapping of an array map's first items. It covers what is used, and is made for each use: all
 * pages of such a mapping count as resident at once.
 */
struct window {
	void *base;
	size_t mapped; /* items */
};

struct probe {
	struct probe_skel *bpf;
	enum probe_mode mode;
	bool attached;
	bool receive2; /* the kernel has mq_timedreceive2(2) */
	struct attached attached_to;
	char reason[256];
	char note[288];
	size_t queues_max, levels_max;
	struct window queues;	  /* struct mqw_queue */
	uint64_t unseen_released; /* of slots that were released */
	uint64_t start_ns;	  /* it sees calls since then */
	uint64_t released_ns;	  /* the last slot; 0: none was */
};

#endif /* MQWATCH_PROBE_INTERNAL_H */
