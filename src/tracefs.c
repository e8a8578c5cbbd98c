/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <fcntl.h>
#include <sys/vfs.h>

#include "mount.h"
#include "tracefs.h"
#include "util.h"

#define TRACEFS_MAGIC 0x74726163 /* linux/magic.h */

int tracefs_open(void)
{
	static const char *const paths[] = {"/sys/kernel/tracing", "/sys/kernel/debug/tracing"};
	struct statfs sfs;
	int fd;

	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		fd = open(paths[i], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (fd < 0)
			continue;
		if (fstatfs(fd, &sfs) == 0 && sfs.f_type == TRACEFS_MAGIC)
			return fd;
		close(fd);
	}
	return mount_detached("tracefs");
}
