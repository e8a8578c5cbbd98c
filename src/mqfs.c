/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "mount.h"
#include "mqfs.h"

#define DEFAULT_PATH   "/dev/mqueue"
#define PRIVATE_SOURCE "private mount"

struct mqfs {
	DIR *dir;
	char *source;
	uint32_t ipcns;
};

static int open_path(const char *path)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct statfs sfs;

	if (fd < 0 || fstatfs(fd, &sfs) < 0)
		return -errno;
	if (sfs.f_type != MQUEUE_MAGIC)
		return -EINVAL;
	return TAKE_FD(fd);
}

/* A namespace has one super block, so its mounts share a device number: mqueue_get_tree(). */
static bool same_namespace(int a, int b)
{
	struct stat st_a, st_b;

	return fstat(a, &st_a) == 0 && fstat(b, &st_b) == 0 && st_a.st_dev == st_b.st_dev;
}

/* /dev/mqueue may show another namespace: the one it was mounted in. */
static int open_default(const char **source)
{
	_cleanup_close_ int public = open_path(DEFAULT_PATH), private = mount_detached("mqueue");

	*source = DEFAULT_PATH;
	if (public >= 0 && (private < 0 || same_namespace(public, private)))
		return TAKE_FD(public);
	*source = PRIVATE_SOURCE;
	return TAKE_FD(private);
}

static void explain(int error, const char *path, char *reason, size_t size)
{
	if (path && error == -EINVAL)
		snprintf(reason, size, "%s is no mqueue file system: mount -t mqueue none %s", path,
			 path);
	else if (path)
		snprintf(reason, size, "%s: %s", path, strerror(-error));
	else if (error == -ENODEV)
		snprintf(reason, size,
			 "the kernel has no POSIX message queues (CONFIG_POSIX_MQUEUE)");
	else
		snprintf(reason, size,
			 "no mqueue file system (%s): mount -t mqueue none " DEFAULT_PATH
			 ", or run with CAP_SYS_ADMIN",
			 strerror(-error));
}

/* Takes fd over. */
static int new (struct mqfs **ret, int fd, const char *source)
{
	_cleanup_close_ int owned = fd;
	_cleanup_(mqfs_freep) struct mqfs *fs = calloc(1, sizeof(*fs));
	struct stat st;

	if (!fs)
		return -ENOMEM;
	fs->source = strdup(source);
	fs->dir = fdopendir(owned);
	if (!fs->source || !fs->dir)
		return -ENOMEM;
	TAKE_FD(owned);
	if (stat("/proc/self/ns/ipc", &st) == 0)
		fs->ipcns = st.st_ino;
	*ret = TAKE_PTR(fs);
	return 0;
}

int mqfs_open(struct mqfs **ret, const char *path, char *reason, size_t reason_size)
{
	const char *source = path;
	int fd = path ? open_path(path) : open_default(&source);

	if (fd < 0) {
		explain(fd, path, reason, reason_size);
		return fd;
	}
	return new (ret, fd, source);
}

int mqfs_open_private(struct mqfs **ret)
{
	int fd = mount_detached("mqueue");

	return fd < 0 ? fd : new (ret, fd, PRIVATE_SOURCE);
}

void mqfs_free(struct mqfs *fs)
{
	if (!fs)
		return;
	if (fs->dir)
		closedir(fs->dir);
	free(fs->source);
	free(fs);
}

const char *mqfs_source(const struct mqfs *fs)
{
	return fs->source;
}

int mqfs_dirfd(const struct mqfs *fs)
{
	return dirfd(fs->dir);
}

uint32_t mqfs_ipcns(const struct mqfs *fs)
{
	return fs->ipcns;
}

void mqfs_set_ipcns(struct mqfs *fs, uint32_t ipcns)
{
	fs->ipcns = ipcns;
}

int mqfs_walk(struct mqfs *fs, int (*each)(const char *name, uint64_t ino, void *data), void *data)
{
	struct dirent *e;
	int r;

	rewinddir(fs->dir);
	for (;;) {
		errno = 0;
		e = readdir(fs->dir);
		if (!e)
			return -errno;
		if (e->d_type == DT_DIR)
			continue;
		r = each(e->d_name, e->d_ino, data);
		if (r != 0)
			return r;
	}
}

int mqfs_open_queue(const struct mqfs *fs, const char *name)
{
	int fd = openat(mqfs_dirfd(fs), name, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW);

	return fd < 0 ? -errno : fd;
}
