/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MQWATCH_TRACEFS_H
#define MQWATCH_TRACEFS_H

/*
 * Opens the trace file system's root, wherever it is mounted, or a mount of our own. -errno (-EACCES,
 * -EPERM without the rights; -ENODEV where the kernel has none).
 */
int tracefs_open(void);

/* A perf event for the tracepoint syscalls:event, to which a BPF program can be attached. -errno. */
int tracefs_open_event(int tracefs, const char *event);

#endif /* MQWATCH_TRACEFS_H */
