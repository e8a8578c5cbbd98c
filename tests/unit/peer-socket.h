/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sockets whose peer is somebody else. */
#ifndef MQWATCH_TEST_PEER_SOCKET_H
#define MQWATCH_TEST_PEER_SOCKET_H

#include <grp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/socket.h>
#include <sys/types.h>

#include <cmocka.h>

#include "util.h"

/*
 * A connected Unix socket whose SO_PEERCRED are these; the other end is in *other. Skips the test
 * where only root could do it. Takes the caller's supplementary groups away.
 */
static inline int peer_socket(uid_t uid, gid_t gid, const gid_t groups[], size_t n, int *other)
{
	int fds[2];

	if (geteuid() != 0)
		skip();
	assert_int_equal(setgroups(n, groups), 0);
	assert_int_equal(setegid(gid), 0);
	assert_int_equal(seteuid(uid), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	assert_int_equal(seteuid(0), 0);
	assert_int_equal(setegid(0), 0);
	assert_int_equal(setgroups(0, NULL), 0);
	*other = fds[1];
	return fds[0];
}

#endif /* MQWATCH_TEST_PEER_SOCKET_H */
