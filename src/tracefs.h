/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MQWATCH_TRACEFS_H
#define MQWATCH_TRACEFS_H

#include <stdbool.h>

/*
 * Opens the trace file system's root, wherever it is mounted, or a mount of our own. -errno (-EACCES,
 * -EPERM without the rights; -ENODEV where the kernel has none).
 */
int tracefs_open(void);

/* Whether it has this file; unlike faccessat(2), by the capabilities of a service that is not root, too. */
bool tracefs_has(int tracefs, const char *path);

/* A perf event for the tracepoint syscalls:event, to which a BPF program can be attached. -errno. */
int tracefs_open_event(int tracefs, const char *event);

#endif /* MQWATCH_TRACEFS_H */
