/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A daemon that starts once and then mostly sleeps keeps no more memory than it needs for that. */
#ifndef MQWATCH_MEMORY_H
#define MQWATCH_MEMORY_H

/* To be called before threads or large allocations: blocks of 128 KiB and more go back when freed. */
void memory_give_back_blocks(void);

/* Gives back what only start-up needed: free heap, and pages of programs and libraries. */
void memory_trim(void);

#endif /* MQWATCH_MEMORY_H */
