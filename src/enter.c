// SPDX-License-Identifier: GPL-2.0-or-later
#include <fcntl.h>
#include <mqueue.h>
#include <sched.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "../bpf/mqwatch.h"
#include "enter.h"
#include "log.h"
#include "mqfs.h"
#include "process.h"

struct entered {
	int home;
};

/* The namespace that process pid is in, if that is ipcns, else -ESTALE. */
static int open_namespace(uint32_t pid, uint32_t ipcns)
{
	char path[sizeof("/proc/4294967295/ns/ipc")];
	_cleanup_close_ int fd = -1;
	struct stat st;

	snprintf(path, sizeof(path), "/proc/%u/ns/ipc", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? -ESTALE : -errno;
	return fstat(fd, &st) < 0 || st.st_ino != ipcns ? -ESTALE : TAKE_FD(fd);
}

struct wanted {
	uint32_t ipcns;
	int fd;
};

static int open_if_wanted(uint32_t pid, void *data)
{
	struct wanted *w = data;

	w->fd = open_namespace(pid, w->ipcns);
	return w->fd >= 0;
}

/* The same of whichever process is in it. */
static int find_namespace(uint32_t ipcns)
{
	struct wanted w = {.ipcns = ipcns};
	int r = process_each(open_if_wanted, &w);

	return r > 0 ? w.fd : r < 0 ? r : -ESTALE;
}

int enter_ipcns(struct entered **ret, uint32_t pid, uint32_t ipcns)
{
	_cleanup_close_ int fd = open_namespace(pid, ipcns), home = -1;
	struct entered *e;

	if (fd == -ESTALE)
		fd = find_namespace(ipcns);
	if (fd < 0)
		return fd;
	home = open("/proc/self/ns/ipc", O_RDONLY | O_CLOEXEC);
	if (home < 0)
		return -errno;
	e = malloc(sizeof(*e));
	if (!e)
		return -ENOMEM;
	if (setns(fd, CLONE_NEWIPC) < 0) {
		free(e);
		return -errno;
	}
	e->home = TAKE_FD(home);
	*ret = e;
	return 0;
}

void enter_leave(struct entered *e)
{
	if (!e)
		return;
	if (setns(e->home, CLONE_NEWIPC) < 0) {
		log_error_errno(-errno, "There is no way back into the IPC namespace: %m");
		abort();
	}
	close(e->home);
	free(e);
}

/* mq_open(3) takes the caller's namespace, and needs no mounted file system. */
int enter_open_queue(uint32_t pid, uint32_t ipcns, const char *name)
{
	_cleanup_(enter_leavep) struct entered *entered = NULL;
	char path[MQW_NAME_SIZE + 1];
	int fd, r = enter_ipcns(&entered, pid, ipcns);

	if (r < 0)
		return r;
	snprintf(path, sizeof(path), "/%s", name);
	fd = mq_open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int enter_open_descriptor(uint32_t pid, uint32_t number)
{
	char path[sizeof("/proc/4294967295/fd/4294967295")];
	_cleanup_close_ int place = -1, fd = -1;
	struct statfs sfs;

	/* first only its place: what else it may be by now is not to be opened */
	snprintf(path, sizeof(path), "/proc/%u/fd/%u", pid, number);
	place = open(path, O_PATH | O_CLOEXEC);
	if (place < 0)
		return -errno;
	if (fstatfs(place, &sfs) < 0 || sfs.f_type != MQUEUE_MAGIC)
		return -ESTALE;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", place);
	fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	return fd < 0 ? -errno : TAKE_FD(fd);
}
