/* SPDX-License-Identifier: GPL-2.0 */
/* The maps that the probes fill and the peek programs consult. Sizes are set before loading. */
#ifndef MAPS_BPF_H
#define MAPS_BPF_H

#include "mqueue.bpf.h"

/* Read by user space through mmap: a map system call there would make probes miss events. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct mqw_queue);
} queues SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1);
	__type(key, struct mqw_key);
	__type(value, __u32);
} slots SEC(".maps");

/* The slot if it is (still) this queue's, else NULL. */
static __always_inline struct mqw_queue *queue_in_slot(__u32 slot, const struct mqw_key *key)
{
	struct mqw_queue *q = bpf_map_lookup_elem(&queues, &slot);

	if (!q || q->key.ino != key->ino || q->key.ipcns != key->ipcns)
		return NULL;
	return q;
}

#endif /* MAPS_BPF_H */
