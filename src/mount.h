/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MQWATCH_MOUNT_H
#define MQWATCH_MOUNT_H

/*
 * Mounts a file system that needs no source without attaching it to any directory tree
 * (fsopen(2), fsmount(2); Linux 5.2): no other process sees it and it ends with the
 * descriptor. Returns a descriptor of its root, or -errno (-EPERM without CAP_SYS_ADMIN,
 * -ENODEV where the kernel lacks the file system).
 */
int mount_detached(const char *fstype);

#endif /* MQWATCH_MOUNT_H */
