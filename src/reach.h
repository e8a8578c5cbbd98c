/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the kernel's own lists tell of IPC namespaces and their queues, without entering or opening
 * any. Nothing that it returns keeps a namespace or a queue alive.
 */
#ifndef MQWATCH_REACH_H
#define MQWATCH_REACH_H

#include "queue.h"
#include "util.h"

struct reach;

/* Of each namespace at most queues_max queues. -EPERM, -EOPNOTSUPP, ...: BPF cannot be used; see reason. */
int reach_new(struct reach **ret, size_t queues_max, char *reason, size_t reason_size);
void reach_free(struct reach *r);
DEFINE_CLEANUP(struct reach *, reach_free)

/* All processes that can have queues; the caller frees *ret. */
int reach_processes(struct reach *r, struct mqw_process **ret, size_t *ret_n);

/*
 * The queues of the namespace that list->ns and list->ipcns tell, *ret_n of them, good until the next
 * call. -ESTALE: it is gone. list->sound is 0 if some may be missing, as others went meanwhile.
 */
int reach_list(struct reach *r, struct mqw_list *list, const struct mqw_listed **ret,
	       size_t *ret_n);

/* Fills the rest of n details, which have their keys and inodes. */
int reach_details(struct reach *r, struct mqw_detail *details, size_t n);

#endif /* MQWATCH_REACH_H */
