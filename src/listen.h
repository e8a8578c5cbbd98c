/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Listening sockets with errors an operator can act on. */
#ifndef MQWATCH_LISTEN_H
#define MQWATCH_LISTEN_H

#include <stddef.h>

/*
 * "HOST:PORT", "[IPV6]:PORT", ":PORT" (all addresses). Returns the descriptor, or -errno with one line in reason that
 * names the address and what to do (port taken, no permission, bad syntax).
 */
int listen_tcp(const char *address, char *reason, size_t reason_size);

/*
 * A Unix socket of mode 0666 at path; missing parent directories are made (0755). A stale socket file (nobody
 * accepts) is replaced, a live one is not (-EADDRINUSE), nor is any other kind of file (-EEXIST). -ENAMETOOLONG when the
 * path does not fit sun_path. reason as above.
 */
int listen_unix(const char *path, char *reason, size_t reason_size);

#endif /* MQWATCH_LISTEN_H */
