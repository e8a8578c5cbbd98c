/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The calls under way: those that the probes saw begin, and those asleep since before that. */
#ifndef MQWATCH_CALLS_H
#define MQWATCH_CALLS_H

#include "openers.h"
#include "probe.h"

struct open_call {
	struct mqw_call call; /* start_ns: when it began, */
	bool at_least;	      /* or when it was first seen asleep; it began earlier */
	bool asleep;	      /* in the kernel, until it can be done */
};

struct calls;

int calls_new(struct calls **ret);
void calls_free(struct calls *c);
DEFINE_CLEANUP(struct calls *, calls_free)

/* In the order of openers_compare_keys(); the caller frees *ret. Either source may be missing. */
int calls_read(struct calls *c, struct probe *probe, struct openers *openers,
	       struct open_call **ret, size_t *ret_n);

/*
 * As above, of what the probes (NULL: nothing) and the kernel say now. A sleeper that the probes do not
 * know may have begun or ended in between: it is told of when it is seen for the second time.
 */
int calls_merge(struct calls *c, uint64_t now, const struct mqw_call *under_way, size_t n,
		const struct mqw_sleeper *sleepers, size_t n_sleepers, struct open_call **ret,
		size_t *ret_n);

/* The calls on one queue: where they begin; *ret_n: how many. */
const struct open_call *calls_of(const struct open_call *calls, size_t n, const struct mqw_key *key,
				 size_t *ret_n);

/* Since when the call that has been asleep for longest has been, at the latest; 0: none is. */
uint64_t calls_oldest(const struct open_call *calls, size_t n, enum mqw_op op);

#endif /* MQWATCH_CALLS_H */
