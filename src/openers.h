/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which processes have a queue open, and which threads are asleep in a call; asked of the kernel. */
#ifndef MQWATCH_OPENERS_H
#define MQWATCH_OPENERS_H

#include "queue.h"
#include "util.h"

struct openers;

/* The programs are loaded by openers_prepare(), else by the first question. */
int openers_new(struct openers **ret);
/* For one who gives up the right to load programs. Where that fails each question answers why, and the first one warns. */
void openers_prepare(struct openers *o);
void openers_free(struct openers *o);
DEFINE_CLEANUP(struct openers *, openers_free)

/*
 * One entry per descriptor, in the order of openers_compare_keys(), then of open descriptions. This
 * process is left out. The caller frees *ret.
 */
int openers_list(struct openers *o, struct mqw_opener **ret, size_t *ret_n);
int openers_sleepers(struct openers *o, struct mqw_sleeper **ret, size_t *ret_n);

int openers_compare_keys(const struct mqw_key *a, const struct mqw_key *b);

void openers_sort(struct mqw_opener *openers, size_t n);

/*
 * The items of one queue in a list that is in order and whose items begin with a struct mqw_key: where
 * they begin; *ret_n: how many.
 */
const void *openers_range(const void *items, size_t n, size_t size, const struct mqw_key *key,
			  size_t *ret_n);

/* The entries of one queue in a sorted list: where they begin; *ret_n: how many. */
const struct mqw_opener *openers_of(const struct mqw_opener *openers, size_t n,
				    const struct mqw_key *key, size_t *ret_n);
/* The open descriptions with any of these accesses, of one queue. */
size_t openers_count(const struct mqw_opener *openers, size_t n, uint32_t access);

#endif /* MQWATCH_OPENERS_H */
