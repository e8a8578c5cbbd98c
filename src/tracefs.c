/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <fcntl.h>
#include <linux/perf_event.h>
#include <sys/syscall.h>
#include <sys/stat.h>
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

bool tracefs_has(int tracefs, const char *path)
{
	struct stat st;

	return fstatat(tracefs, path, &st, 0) == 0;
}

int tracefs_open_event(int tracefs, const char *event)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_TRACEPOINT,
		.size = sizeof(attr),
	};
	_cleanup_close_ int fd = -1;
	char path[128], text[32];
	uint64_t id;
	ssize_t n;
	int r;

	snprintf(path, sizeof(path), "events/syscalls/%s/id", event);
	fd = openat(tracefs, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	n = read(fd, text, sizeof(text) - 1);
	if (n < 0)
		return -errno;
	text[n] = '\0';
	text[strcspn(text, "\n")] = '\0';
	r = parse_u64(text, 0, UINT32_MAX, &id);
	if (r < 0)
		return r;
	attr.config = id;
	r = syscall(SYS_perf_event_open, &attr, -1, 0, -1, PERF_FLAG_FD_CLOEXEC);
	return r < 0 ? -errno : r;
}
