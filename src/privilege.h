/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MQWATCH_PRIVILEGE_H
#define MQWATCH_PRIVILEGE_H

/*
 * Gives up for good what only loading and attaching BPF programs needs, which could read and change all of
 * the kernel: CAP_BPF and CAP_PERFMON; and CAP_SYS_ADMIN, but not root's, who enters other IPC namespaces
 * with it. Programs that are run later get no capability at all. -errno.
 */
int privilege_drop(void);

#endif /* MQWATCH_PRIVILEGE_H */
