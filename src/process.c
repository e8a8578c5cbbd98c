// SPDX-License-Identifier: GPL-2.0-or-later
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>

#include "process.h"

#define INITIAL_PIDNS 0xEFFFFFFCU /* PROC_PID_INIT_INO, include/linux/proc_ns.h */
#define CONTAINER_ID  64	  /* digits */

int process_each(int (*each)(uint32_t pid, void *data), void *data)
{
	DIR *dir = opendir("/proc");
	struct dirent *e;
	uint64_t pid;
	int r = 0;

	if (!dir)
		return -errno;
	while (r == 0 && (e = readdir(dir)))
		if (parse_u64(e->d_name, 1, INT32_MAX, &pid) == 0)
			r = each(pid, data);
	closedir(dir);
	return r;
}

static bool is_hex(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

static bool has_suffix(const char *s, size_t n, const char *suffix)
{
	size_t m = strlen(suffix);

	return n > m && memcmp(s + n - m, suffix, m) == 0;
}

/* "docker-ID.scope", "cri-containerd-ID.scope", or only "ID": the last 64 digits, alone. */
static const char *find_container(const char *s, size_t n)
{
	if (has_suffix(s, n, ".scope"))
		n -= strlen(".scope");
	if (n < CONTAINER_ID)
		return NULL;
	s += n - CONTAINER_ID;
	if (n > CONTAINER_ID && s[-1] != '-')
		return NULL;
	for (size_t i = 0; i < CONTAINER_ID; i++)
		if (!is_hex(s[i]))
			return NULL;
	return s;
}

/* The innermost unit counts. A container's scope is no unit that anyone has written. */
static void take_component(const char *s, size_t n, struct process *ret)
{
	const char *id = find_container(s, n);

	if (id)
		snprintf(ret->container, sizeof(ret->container), "%.*s", CONTAINER_ID, id);
	else if ((has_suffix(s, n, ".service") || has_suffix(s, n, ".scope")) &&
		 n < sizeof(ret->unit))
		snprintf(ret->unit, sizeof(ret->unit), "%.*s", (int)n, s);
}

void process_parse_cgroup(const char *text, struct process *ret)
{
	ret->unit[0] = '\0';
	ret->container[0] = '\0';
	while (*text) {
		size_t line = strcspn(text, "\n");
		const char *path = memchr(text, '/', line), *end = text + line;
		bool systemd =
			strncmp(text, "0::/", 4) == 0 || memmem(text, line, ":name=systemd:/", 15);

		while (systemd && path && path < end) {
			size_t n;

			path++;
			n = strcspn(path, "/\n");
			take_component(path, n, ret);
			path += n;
		}
		text = *end ? end + 1 : end;
	}
}

int process_parse_start(const char *text, uint64_t *ret)
{
	const char *p = strrchr(text, ')'); /* the name before may hold anything */
	char number[24];
	size_t n;

	/* the state is the 3rd field, and the time the 22nd */
	for (int field = 2; p && field < 22; field++) {
		p = strchr(p, ' ');
		if (p)
			p++;
	}
	if (!p)
		return -EINVAL;
	n = strcspn(p, " \n");
	if (n >= sizeof(number))
		return -EINVAL;
	memcpy(number, p, n);
	number[n] = '\0';
	return parse_u64(number, 0, UINT64_MAX, ret) < 0 ? -EINVAL : 0;
}

/* At most size - 1 bytes of a file, and a NUL after them. */
static ssize_t read_text(int dir, const char *name, char *buffer, size_t size)
{
	_cleanup_close_ int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
	size_t have = 0;
	ssize_t n;

	if (fd < 0)
		return -errno;
	while (have < size - 1) {
		n = read(fd, buffer + have, size - 1 - have);
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		have += (size_t)n;
	}
	buffer[have] = '\0';
	return (ssize_t)have;
}

static bool was_alive(int dir, uint64_t alive_ns)
{
	/* in this order, so that the time spent asleep is not less than none */
	uint64_t monotonic = clock_ns(CLOCK_MONOTONIC), boot = clock_ns(CLOCK_BOOTTIME);
	uint64_t ticks, tick_ns = NSEC_PER_SEC / (uint64_t)sysconf(_SC_CLK_TCK);
	char text[1024];

	return read_text(dir, "stat", text, sizeof(text)) > 0 &&
	       process_parse_start(text, &ticks) == 0 &&
	       ticks * tick_ns <= alive_ns + (boot - monotonic);
}

bool process_numbers_global(void)
{
	struct stat st;

	return stat("/proc/self/ns/pid", &st) == 0 && st.st_ino == INITIAL_PIDNS;
}

static int open_process(uint32_t pid)
{
	char path[32];
	int fd;

	snprintf(path, sizeof(path), "/proc/%u", pid);
	fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static int read_cgroup(int dir, struct process *ret)
{
	char text[PROCESS_TEXT_MAX];
	ssize_t n = read_text(dir, "cgroup", text, sizeof(text));

	if (n < 0)
		return (int)n;
	process_parse_cgroup(text, ret);
	return 0;
}

int process_read_cgroup(uint32_t pid, struct process *ret)
{
	_cleanup_close_ int dir = open_process(pid);

	return dir < 0 ? dir : read_cgroup(dir, ret);
}

int process_read(uint32_t pid, uint64_t alive_ns, struct process *ret)
{
	_cleanup_close_ int dir = -1;
	struct process p = {};
	ssize_t n;

	if (!process_numbers_global())
		return -ESRCH;
	dir = open_process(pid);
	if (dir < 0 || !was_alive(dir, alive_ns))
		return -ESRCH;
	n = read_text(dir, "cmdline", p.command, sizeof(p.command));
	while (n > 0 && !p.command[n - 1])
		n--;
	for (ssize_t i = 0; i < n; i++)
		if (!p.command[i])
			p.command[i] = ' ';
	read_cgroup(dir, &p);
	*ret = p;
	return 0;
}
