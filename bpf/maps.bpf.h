/* SPDX-License-Identifier: GPL-2.0 */
/* The maps that the probes fill and the peek programs consult. Sizes are set before loading. */
#ifndef MAPS_BPF_H
#define MAPS_BPF_H

#include "mqueue.bpf.h"

/*
 * Read by user space through mmap: a map system call there would make probes miss events.
 * Which index is whose is in the hash beside each.
 */
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
} queue_index SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct mqw_level);
} levels SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1);
	__type(key, struct mqw_level_key);
	__type(value, __u32);
} level_index SEC(".maps");

/* The records of queued messages; memory only for those that there are. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1);
	__type(key, struct mqw_chunk_key);
	__type(value, struct mqw_chunk);
} chunks SEC(".maps");

__u64 fence;

/* What was read before is read before what is read after. x86 keeps loads in order by itself. */
static __always_inline void read_barrier(void)
{
#ifdef __TARGET_ARCH_x86
	asm volatile("" ::: "memory");
#else
	__sync_fetch_and_add(&fence, 1);
#endif
}

/* The queue's slot if it is (still) this queue's, else NULL. */
static __always_inline struct mqw_queue *queue_in_slot(__u32 slot, const struct mqw_key *key)
{
	struct mqw_queue *q = bpf_map_lookup_elem(&queues, &slot);

	if (!q || q->key.ino != key->ino || q->key.ipcns != key->ipcns)
		return NULL;
	return q;
}

static __always_inline struct mqw_level *level_in_slot(__u32 slot, const struct mqw_level_key *key)
{
	struct mqw_level *l = bpf_map_lookup_elem(&levels, &slot);

	if (!l || l->key.ino != key->ino || l->key.ipcns != key->ipcns ||
	    l->key.priority != key->priority)
		return NULL;
	return l;
}

static __always_inline struct mqw_chunk *chunk_of(__u32 level, __u64 sequence)
{
	struct mqw_chunk_key key = {.level = level, .number = sequence >> MQW_CHUNK_SHIFT};

	return bpf_map_lookup_elem(&chunks, &key);
}

/* Marks a written record. Memory of a chunk that was forgotten may serve another level. */
static __always_inline __u64 record_mark(__u32 level, __u64 sequence)
{
	return (__u64)level << 40 | (sequence << 1 & ((1ULL << 40) - 1)) | 1;
}

/* The record of a send if it is there (yet, and still). */
static __always_inline struct mqw_record *record_of(__u32 level, __u64 sequence)
{
	struct mqw_chunk *chunk = chunk_of(level, sequence);
	struct mqw_record *r;

	if (!chunk)
		return NULL;
	r = &chunk->records[sequence & (MQW_CHUNK_SIZE - 1)];
	return r->mark == record_mark(level, sequence) ? r : NULL;
}

/* That many chunks behind a level's receives nothing is waited for any more. */
#define CHUNKS_KEPT 16

struct forget {
	__u32 level;
	__u32 from;
};

static int forget_one(__u32 i, struct forget *f)
{
	struct mqw_chunk_key key = {.level = f->level, .number = f->from + i};

	bpf_map_delete_elem(&chunks, &key);
	return 0;
}

/* Forgets the sends from <= sequence < to, whole chunks of them. */
static __always_inline void forget_sends(__u32 level, __s64 from, __s64 to)
{
	struct forget f = {.level = level};
	__s64 end = to >> MQW_CHUNK_SHIFT;

	if (from > 0)
		f.from = from >> MQW_CHUNK_SHIFT;
	if (end > f.from)
		bpf_loop(end - f.from, forget_one, &f, 0);
}

#endif /* MAPS_BPF_H */
