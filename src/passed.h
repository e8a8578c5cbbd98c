/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Listening sockets that the service manager opened and passed: sd_listen_fds(3). */
#ifndef MQWATCH_PASSED_H
#define MQWATCH_PASSED_H

#include <stddef.h>

enum passed_use {
	PASSED_METRICS,
	PASSED_CONTROL,
	PASSED_USES,
};
extern const char *const passed_use_names[PASSED_USES];

struct passed {
	int fd;
	enum passed_use use;
};

/*
 * Takes all that were passed, not blocking from now on. What one is for its name says, one of
 * passed_use_names, or else its kind: control for a Unix socket. Those that are no listening stream
 * sockets are closed, with a warning. The caller closes the descriptors and frees *ret, which is NULL
 * where there are none.
 */
int passed_take(struct passed **ret, size_t *ret_n);

#endif /* MQWATCH_PASSED_H */
