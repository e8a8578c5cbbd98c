// SPDX-License-Identifier: GPL-2.0-or-later
#include <fcntl.h>
#include <sys/socket.h>

#include <systemd/sd-daemon.h>

#include "log.h"
#include "passed.h"
#include "util.h"

const char *const passed_use_names[PASSED_USES] = {
	[PASSED_METRICS] = "metrics",
	[PASSED_CONTROL] = "control",
};

static void free_names(char ***names)
{
	for (size_t i = 0; *names && (*names)[i]; i++)
		free((*names)[i]);
	free(*names);
}

static enum passed_use use_of(int fd, const char *name)
{
	int use = parse_enum(name, passed_use_names, PASSED_USES);

	if (use >= 0)
		return use;
	return sd_is_socket(fd, AF_UNIX, SOCK_STREAM, 1) > 0 ? PASSED_CONTROL : PASSED_METRICS;
}

static bool usable(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	return flags >= 0 && sd_is_socket(fd, AF_UNSPEC, SOCK_STREAM, 1) > 0 &&
	       fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0;
}

int passed_take(struct passed **ret, size_t *ret_n)
{
	_cleanup_(free_names) char **names = NULL;
	int n = sd_listen_fds_with_names(true, &names);
	struct passed *passed;
	size_t kept = 0;

	if (n < 0)
		return n;
	passed = n > 0 ? calloc(n, sizeof(*passed)) : NULL;
	if (n > 0 && !passed)
		return -ENOMEM;
	for (int i = 0; i < n; i++) {
		int fd = SD_LISTEN_FDS_START + i;

		if (usable(fd)) {
			passed[kept++] = (struct passed){fd, use_of(fd, names[i])};
			continue;
		}
		log_warning(
			"Descriptor \"%s\" that was passed is no listening stream socket, ignoring",
			names[i]);
		close(fd);
	}
	*ret = passed;
	*ret_n = kept;
	return 0;
}
