/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A mqueue file system to find queues in: /dev/mqueue, or a mount of our own that is
 * attached to no directory tree (fsmount(2)) and vanishes with the process.
 */
#ifndef MQWATCH_MQFS_H
#define MQWATCH_MQFS_H

#include <stdint.h>

#include "util.h"

#define MQUEUE_MAGIC 0x19800202 /* linux/magic.h, since 5.15 only in the kernel's */

struct mqfs;

/*
 * path: a mqueue mount point, or NULL: /dev/mqueue where it shows the caller's own IPC
 * namespace, else a detached mount. -ENOTSUP: the kernel has no message queues; -ENOTDIR,
 * -EINVAL: path is no mqueue file system; or errno of open(2), fsopen(2), fsmount(2). On failure
 * reason holds one line that says what to do.
 */
int mqfs_open(struct mqfs **ret, const char *path, char *reason, size_t reason_size);
/* A detached mount of the caller's IPC namespace. */
int mqfs_open_private(struct mqfs **ret);
void mqfs_free(struct mqfs *fs);
DEFINE_CLEANUP(struct mqfs *, mqfs_free)

const char *mqfs_source(const struct mqfs *fs); /* its path, or "private mount" */
int mqfs_dirfd(const struct mqfs *fs);		/* borrowed */

/* Inode number of its IPC namespace: the caller's own until the true one is found and set. */
uint32_t mqfs_ipcns(const struct mqfs *fs);
void mqfs_set_ipcns(struct mqfs *fs, uint32_t ipcns);

/* Calls back for every name; a callback's non-zero return ends the walk and is returned. */
int mqfs_walk(struct mqfs *fs, int (*each)(const char *name, uint64_t ino, void *data), void *data);

/* Opens O_RDONLY | O_NONBLOCK | O_CLOEXEC; the caller closes at once after the peek. -errno. */
int mqfs_open_queue(const struct mqfs *fs, const char *name);

#endif /* MQWATCH_MQFS_H */
