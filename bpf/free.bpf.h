/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Indices that are free again, as a stack linked through an array: links[i] is the next below i, plus 1.
 * The head, in a program's own memory, is the top index plus 1 in its low half and the number of
 * takes in its high half, so that a take which others overtook fails. A map of type
 * BPF_MAP_TYPE_QUEUE would do all of this, but not for sleepable programs on older kernels:
 * 6.1's check_map_prog_compatibility().
 */
#ifndef FREE_BPF_H
#define FREE_BPF_H

#include "mqueue.bpf.h"

#define FREE_TRIES 16

static __always_inline bool free_take(void *links, __u64 *head, __u32 *ret)
{
	for (int i = 0; i < FREE_TRIES; i++) {
		__u64 old = *(volatile __u64 *)head;
		__u32 index = (__u32)old - 1, *next;

		next = (__u32)old ? bpf_map_lookup_elem(links, &index) : NULL;
		if (!next)
			return false;
		if (__sync_val_compare_and_swap(
			    head, old, ((old >> 32) + 1) << 32 | *(volatile __u32 *)next) == old) {
			*ret = index;
			return true;
		}
	}
	return false;
}

/* false: it stays lost, as others were faster each time. */
static __always_inline bool free_give(void *links, __u64 *head, __u32 index)
{
	__u32 *next = bpf_map_lookup_elem(links, &index);

	if (!next)
		return false;
	for (int i = 0; i < FREE_TRIES; i++) {
		__u64 old = *(volatile __u64 *)head;

		*(volatile __u32 *)next = old;
		if (__sync_val_compare_and_swap(head, old, (old >> 32) << 32 | (index + 1)) == old)
			return true;
	}
	return false;
}

#endif /* FREE_BPF_H */
