/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A daemon that starts once and then mostly sleeps keeps no more memory than it needs for that. */
#ifndef MQWATCH_MEMORY_H
#define MQWATCH_MEMORY_H

#include <stddef.h>

/*
 * For the start: each BPF object reads the kernel's types, several MiB, into memory that the one before it
 * has freed. Fresh pages take longer than the reading.
 */
void memory_keep_blocks(void);

/* From now on blocks of 128 KiB and more go back when freed. */
void memory_give_back_blocks(void);

/* Gives back what only start-up needed: free heap, and pages of programs and libraries. */
void memory_trim(void);

/*
 * As malloc(3), for what is written once, used and freed. If it is long, huge pages take a fault or two instead
 * of one for each 4 KiB, which would cost more than the writing.
 */
void *memory_block(size_t size);

#endif /* MQWATCH_MEMORY_H */
