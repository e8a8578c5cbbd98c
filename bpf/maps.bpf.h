/* SPDX-License-Identifier: GPL-2.0 */
/* The maps that the probes fill and the peek programs consult. Sizes are set before loading. */
#ifndef MAPS_BPF_H
#define MAPS_BPF_H

#include "mqueue.bpf.h"

/*
 * Which index of a queue or level is whose is in the hash beside each. Queues are read by user space through
 * mmap: a map system call there would make probes miss events.
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

/* The levels: the first ones with chunks at hand, the others, of larger index, without. */
struct near_level {
	struct mqw_level level;
	struct mqw_chunk chunks[MQW_NEAR];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct near_level);
} near_levels SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
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

/* The other chunks: memory only for those that there are. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1);
	__type(key, struct mqw_chunk_key);
	__type(value, struct mqw_chunk);
} far_chunks SEC(".maps");

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

static __always_inline struct mqw_level *level_at(__u32 slot)
{
	struct near_level *near = bpf_map_lookup_elem(&near_levels, &slot);

	return near ? &near->level : bpf_map_lookup_elem(&levels, &slot);
}

static __always_inline struct mqw_level *level_in_slot(__u32 slot, const struct mqw_level_key *key)
{
	struct mqw_level *l = level_at(slot);

	if (!l || l->key.ino != key->ino || l->key.ipcns != key->ipcns ||
	    l->key.priority != key->priority)
		return NULL;
	return l;
}

/* The chunk at hand in which a number may live; NULL: this level has none. */
static __always_inline struct mqw_chunk *near_chunk(__u32 level, __u32 number)
{
	struct near_level *near = bpf_map_lookup_elem(&near_levels, &level);

	if (!near)
		return NULL;
	OPAQUE(near); /* the verifier wants the check first */
	return &near->chunks[number % MQW_NEAR];
}

static __always_inline bool near_holds(const struct mqw_chunk *near, __u32 number)
{
	return mqw_chunk_holds(*(volatile __u64 *)&near->state, number);
}

static __always_inline struct mqw_chunk *far_chunk(__u32 level, __u32 number)
{
	struct mqw_chunk_key key = {.level = level, .number = number};

	return bpf_map_lookup_elem(&far_chunks, &key);
}

static __always_inline struct mqw_chunk *chunk_of(__u32 level, __u64 sequence)
{
	__u32 number = sequence >> MQW_CHUNK_SHIFT;
	struct mqw_chunk *near = near_chunk(level, number);

	if (near && near_holds(near, number))
		return near;
	return near && number >= near->far_end ? NULL : far_chunk(level, number);
}

/* Whose a record is; the two low bits are for MQW_RECORD_*. */
static __always_inline __u64 record_id(__u32 level, __u64 sequence)
{
	return (__u64)level << 40 | (sequence << 2 & ((1ULL << 40) - 1));
}

/* The record of a send if it is there (yet, and still). */
static __always_inline struct mqw_record *record_of(__u32 level, __u64 sequence)
{
	struct mqw_chunk *chunk = chunk_of(level, sequence);
	struct mqw_record *r;

	if (!chunk)
		return NULL;
	r = &chunk->records[sequence & (MQW_CHUNK_SIZE - 1)];
	return r->mark == (record_id(level, sequence) | MQW_RECORD_WRITTEN) ? r : NULL;
}

/* That many chunks behind a level's receives nothing is waited for any more. */
#define CHUNKS_KEPT 16

#define NEAR_TRIES 20 /* beyond what 16 records being paired meanwhile can spoil */

/* A chunk at hand can be taken by another number, as if all its records were paired. */
static __always_inline bool near_give(struct mqw_chunk *near, __u32 number)
{
	for (int i = 0; i < NEAR_TRIES; i++) {
		__u64 state = *(volatile __u64 *)&near->state;

		if (!mqw_chunk_holds(state, number))
			return false;
		if (__sync_val_compare_and_swap(&near->state, state, state | MQW_CHUNK_SIZE) ==
		    state)
			return true;
	}
	return false;
}

static __always_inline void forget_chunk(__u32 level, __u32 number)
{
	struct mqw_chunk_key key = {.level = level, .number = number};
	struct mqw_chunk *near = near_chunk(level, number);

	if (!near || (!near_give(near, number) && number < near->far_end))
		bpf_map_delete_elem(&far_chunks, &key);
}

struct forget {
	__u32 level;
	__u32 from;
};

static int forget_one(__u32 i, struct forget *f)
{
	forget_chunk(f->level, f->from + i);
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
