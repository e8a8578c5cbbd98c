/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MQWATCH_TRACEFS_H
#define MQWATCH_TRACEFS_H

/*
 * Opens the trace file system's root, wherever it is mounted, or a mount of our own. -errno (-EACCES,
 * -EPERM without the rights; -ENODEV where the kernel has none).
 */
int tracefs_open(void);

#endif /* MQWATCH_TRACEFS_H */
