/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Into other processes' IPC namespaces and descriptors, for a moment. */
#ifndef MQWATCH_ENTER_H
#define MQWATCH_ENTER_H

#include "util.h"

struct entered;

/*
 * Puts the calling thread into the IPC namespace ipcns: that of process pid or, if it has left it or
 * ended, of another one; -ESTALE: nobody is in it. The way back always works, or the program ends: it
 * must not go on in another namespace.
 */
int enter_ipcns(struct entered **ret, uint32_t pid, uint32_t ipcns);
void enter_leave(struct entered *e);
DEFINE_CLEANUP(struct entered *, enter_leave)

/* Both open O_RDONLY | O_NONBLOCK | O_CLOEXEC. name is without the leading '/'. */
int enter_open_queue(uint32_t pid, uint32_t ipcns, const char *name);
/* What process pid has as its descriptor fd, anew; -ESTALE if that is no message queue. */
int enter_open_descriptor(uint32_t pid, uint32_t fd);

#endif /* MQWATCH_ENTER_H */
