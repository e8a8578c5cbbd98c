// SPDX-License-Identifier: GPL-2.0-or-later
#include "listen.h"

#include <netdb.h>
#include <stdarg.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "util.h"

struct reason {
	char *text;
	size_t size;
};

/* Writes the reason and returns error, so that one can write return fail(...). */
__attribute__((format(printf, 3, 4))) static int fail(const struct reason *reason, int error,
						      const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(reason->text, reason->size, format, args);
	va_end(args);
	return error;
}

/* Takes "HOST:PORT" apart; host is empty for all addresses. */
static int split_address(const char *address, const struct reason *reason, char **ret_host,
			 const char **ret_port)
{
	const char *colon = strrchr(address, ':');
	_cleanup_free_ char *host = NULL;
	uint64_t number;

	if (!colon)
		return fail(reason, -EINVAL,
			    "%s: no port; write HOST:PORT, [IPV6]:PORT or :PORT for all addresses",
			    address);
	if (address[0] == '[') {
		if (colon == address + 1 || colon[-1] != ']' || colon == address + 2)
			return fail(reason, -EINVAL,
				    "%s: not an IPv6 address and a port; write [::1]:PORT",
				    address);
		host = strndup(address + 1, colon - address - 2);
	} else {
		if (memchr(address, ':', colon - address))
			return fail(reason, -EINVAL,
				    "%s: an IPv6 address needs brackets; write [::1]:PORT",
				    address);
		host = strndup(address, colon - address);
	}
	if (!host)
		return fail(reason, -ENOMEM, "%s: out of memory", address);
	if (parse_u64(colon + 1, 0, UINT16_MAX, &number) < 0)
		return fail(reason, -EINVAL, "%s: the port must be a number from 0 to 65535",
			    address);
	*ret_host = TAKE_PTR(host);
	*ret_port = colon + 1;
	return 0;
}

static int open_tcp(const struct addrinfo *a)
{
	_cleanup_close_ int fd = -1;
	const int on = 1, off = 0;

	fd = socket(a->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, a->ai_protocol);
	if (fd < 0)
		return -errno;
	/* a restart must not wait for the old connections' TIME_WAIT */
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0)
		return -errno;
	/* [::] takes IPv4 too, whatever net.ipv6.bindv6only says */
	if (a->ai_family == AF_INET6 &&
	    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off)) < 0)
		return -errno;
	if (bind(fd, a->ai_addr, a->ai_addrlen) < 0 || listen(fd, SOMAXCONN) < 0)
		return -errno;
	return TAKE_FD(fd);
}

static int fail_tcp(const char *address, int error, const struct reason *reason)
{
	switch (error) {
	case -EADDRINUSE:
		return fail(reason, error,
			    "%s: the port is taken; choose another or stop the program that "
			    "listens there (ss -ltnp names it)",
			    address);
	case -EACCES:
	case -EPERM:
		return fail(reason, error,
			    "%s: no permission to listen on this port; choose one from 1024 up or "
			    "grant CAP_NET_BIND_SERVICE",
			    address);
	case -EADDRNOTAVAIL:
		return fail(reason, error,
			    "%s: no network interface has this address; choose one that \"ip "
			    "address\" shows, or :PORT for all",
			    address);
	case -EAFNOSUPPORT:
		return fail(reason, error,
			    "%s: the kernel does not support this kind of address; choose an IPv4 "
			    "address such as 127.0.0.1:PORT",
			    address);
	default:
		return fail(reason, error, "%s: cannot listen: %s", address, strerror(-error));
	}
}

static void freeaddrinfop(struct addrinfo **a)
{
	if (*a)
		freeaddrinfo(*a);
}

int listen_tcp(const char *address, char *reason_text, size_t reason_size)
{
	const struct reason reason = {reason_text, reason_size};
	const struct addrinfo hints = {
		.ai_family = AF_UNSPEC,
		.ai_socktype = SOCK_STREAM,
		.ai_flags = AI_PASSIVE | AI_NUMERICSERV,
	};
	_cleanup_(freeaddrinfop) struct addrinfo *found = NULL;
	_cleanup_free_ char *host = NULL;
	const char *port = NULL;
	int r, fd, error = 0;

	r = split_address(address, &reason, &host, &port);
	if (r < 0)
		return r;
	/* "::" is every IPv4 and IPv6 address */
	r = getaddrinfo(host[0] ? host : "::", port, &hints, &found);
	if (r == EAI_SYSTEM)
		return fail_tcp(address, -errno, &reason);
	if (r != 0)
		return fail(&reason, -EADDRNOTAVAIL,
			    "%s: cannot find the address of \"%s\" (%s); write it as a number",
			    address, host, gai_strerror(r));
	for (const struct addrinfo *a = found; a; a = a->ai_next) {
		fd = open_tcp(a);
		if (fd >= 0)
			return fd;
		if (error == 0)
			error = fd;
	}
	if (!host[0] && (error == -EAFNOSUPPORT || error == -EADDRNOTAVAIL)) {
		/* a machine without IPv6 */
		struct sockaddr_in in = {.sin_family = AF_INET};
		struct addrinfo any = {
			.ai_family = AF_INET,
			.ai_addr = (struct sockaddr *)&in,
			.ai_addrlen = sizeof(in),
		};

		in.sin_port = ((struct sockaddr_in6 *)found->ai_addr)->sin6_port;
		fd = open_tcp(&any);
		if (fd >= 0)
			return fd;
		error = fd;
	}
	return fail_tcp(address, error, &reason);
}

/* Makes every missing directory above path. */
static int make_parents(const char *path, const struct reason *reason)
{
	_cleanup_free_ char *copy = strdup(path);

	if (!copy)
		return fail(reason, -ENOMEM, "%s: out of memory", path);
	for (char *slash = strchr(copy + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdir(copy, 0755) == 0) {
			/* whatever the umask: clients must get through */
			if (chmod(copy, 0755) < 0)
				return fail(reason, -errno, "%s: cannot set the mode of %s: %s",
					    path, copy, strerror(errno));
		} else if (errno != EEXIST) {
			return fail(reason, -errno,
				    "%s: cannot make the directory %s: %s; make it or choose "
				    "another path",
				    path, copy, strerror(errno));
		}
		*slash = '/';
	}
	return 0;
}

/* What is there already at addr: 0 when the way is free now. */
static int remove_stale(const struct sockaddr_un *addr, const struct reason *reason)
{
	const char *path = addr->sun_path;
	_cleanup_close_ int fd = -1;
	struct stat st;

	if (lstat(path, &st) < 0)
		return errno == ENOENT ? 0 : fail(reason, -errno, "%s: %s", path, strerror(errno));
	if (!S_ISSOCK(st.st_mode))
		return fail(reason, -EEXIST,
			    "%s: there is a file of another kind; remove it or choose another path",
			    path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return fail(reason, -errno, "%s: %s", path, strerror(errno));
	/* EAGAIN: alive, with a full backlog; EPROTOTYPE: alive, a socket of another type */
	if (connect(fd, (const struct sockaddr *)addr, sizeof(*addr)) == 0 || errno == EAGAIN ||
	    errno == EPROTOTYPE)
		return fail(reason, -EADDRINUSE,
			    "%s: another process serves this socket; stop it (ss -lxp names it) or "
			    "choose another path",
			    path);
	if (errno == ENOENT)
		return 0;
	if (errno != ECONNREFUSED)
		return fail(reason, -errno,
			    "%s: cannot tell whether this socket is in use: %s; remove it or "
			    "choose another path",
			    path, strerror(errno));
	if (unlink(path) < 0 && errno != ENOENT)
		return fail(reason, -errno,
			    "%s: cannot replace the stale socket: %s; remove it or choose another "
			    "path",
			    path, strerror(errno));
	return 0;
}

int listen_unix(const char *path, char *reason_text, size_t reason_size)
{
	const struct reason reason = {reason_text, reason_size};
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	_cleanup_close_ int fd = -1;
	size_t length = strlen(path);
	int r;

	if (length == 0)
		return fail(&reason, -EINVAL, "the path of the socket is empty");
	if (length >= sizeof(addr.sun_path))
		return fail(&reason, -ENAMETOOLONG,
			    "%s: %zu bytes are too long for the path of a socket; choose one of at "
			    "most %zu",
			    path, length, sizeof(addr.sun_path) - 1);
	memcpy(addr.sun_path, path, length + 1);
	r = make_parents(path, &reason);
	if (r < 0)
		return r;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return fail(&reason, -errno, "%s: cannot make a socket: %s", path, strerror(errno));
	r = bind(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0 ? -errno : 0;
	if (r == -EADDRINUSE) {
		r = remove_stale(&addr, &reason);
		if (r < 0)
			return r;
		r = bind(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0 ? -errno : 0;
	}
	if (r < 0)
		return fail(&reason, r,
			    "%s: cannot make the socket: %s; choose a path in a directory that one "
			    "may write to",
			    path, strerror(-r));
	/* first listen: until then another start would take the socket for a stale one */
	if (listen(fd, SOMAXCONN) < 0 || chmod(path, 0666) < 0) {
		r = fail(&reason, -errno, "%s: cannot open the socket to clients: %s", path,
			 strerror(errno));
		unlink(path);
		return r;
	}
	return TAKE_FD(fd);
}
