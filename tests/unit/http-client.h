/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A raw HTTP client that lets the server under test run in the caller's own event loop. */
#ifndef MQWATCH_TEST_HTTP_CLIENT_H
#define MQWATCH_TEST_HTTP_CLIENT_H

#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdarg.h>
#include <setjmp.h>
#include <time.h>

#include <cmocka.h>

#include "http.h"
#include "listen.h"

#define DEADLINE_MS 10000

static inline uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static inline size_t count_fds(void)
{
	DIR *d = opendir("/proc/self/fd");
	size_t n = 0;

	assert_non_null(d);
	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

/* Runs the loop until it has nothing to do for idle_ms. Returns how often it woke. */
static inline unsigned int run_idle(sd_event *event, unsigned int idle_ms)
{
	unsigned int n = 0;

	while (sd_event_run(event, idle_ms * 1000ULL) > 0)
		assert_true(++n < 1000000);
	return n;
}

static inline int listen_loopback(struct sockaddr_in *ret)
{
	socklen_t size = sizeof(*ret);
	char reason[256];
	int fd = listen_tcp("127.0.0.1:0", reason, sizeof(reason));

	assert_true(fd >= 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)ret, &size), 0);
	return fd;
}

static inline int client_connect(const struct sockaddr_in *addr)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(connect(fd, (const struct sockaddr *)addr, sizeof(*addr)), 0);
	return fd;
}

static inline void client_send(int fd, const char *request, size_t size)
{
	assert_int_equal(send(fd, request, size, MSG_NOSIGNAL), size);
}

struct reply {
	unsigned int status;
	char *head; /* up to the empty line */
	char *body;
	size_t size;
};

static inline void reply_done(struct reply *r)
{
	free(r->head);
	free(r->body);
	*r = (struct reply){};
}

/* Bytes of the complete reply that data begins with; 0: not complete. */
static inline size_t reply_parse(const char *data, size_t size, bool head_only, struct reply *ret)
{
	const char *end = memmem(data, size, "\r\n\r\n", 4), *length;
	size_t head_size, body_size = 0;

	if (!end)
		return 0;
	head_size = (size_t)(end - data) + 4;
	ret->head = strndup(data, head_size);
	length = strcasestr(ret->head, "\r\nContent-Length: ");
	assert_non_null(length);
	if (!head_only)
		body_size = strtoul(length + 18, NULL, 10);
	if (size - head_size < body_size) {
		free(ret->head);
		return 0;
	}
	assert_int_equal(sscanf(ret->head, "HTTP/1.%*c %u ", &ret->status), 1);
	ret->body = calloc(1, body_size + 1);
	memcpy(ret->body, data + head_size, body_size);
	ret->size = body_size;
	return head_size + body_size;
}

/* Runs the loop until n replies came; the number that came when the server closed, else n. */
static inline size_t client_receive(sd_event *event, int fd, bool head_only, struct reply replies[],
				    size_t n)
{
	char *data = NULL;
	size_t size = 0, capacity = 0, done = 0, i = 0, used;
	uint64_t deadline = now_ms() + DEADLINE_MS;
	ssize_t got;

	while (i < n) {
		assert_true(now_ms() < deadline);
		assert_true(sd_event_run(event, 1000) >= 0);
		if (capacity - size < 4096)
			data = realloc(data, capacity = 2 * capacity + 65536);
		got = recv(fd, data + size, capacity - size, MSG_DONTWAIT);
		if (got == 0 || (got < 0 && errno != EAGAIN))
			break;
		if (got > 0)
			size += (size_t)got;
		while (i < n &&
		       (used = reply_parse(data + done, size - done, head_only, &replies[i]))) {
			done += used;
			i++;
		}
	}
	free(data);
	return i;
}

static inline struct reply client_get(sd_event *event, int fd, const char *target)
{
	struct reply reply = {};
	char request[2048];
	int n = snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", target);

	client_send(fd, request, (size_t)n);
	assert_int_equal(client_receive(event, fd, false, &reply, 1), 1);
	return reply;
}

#endif /* MQWATCH_TEST_HTTP_CLIENT_H */
