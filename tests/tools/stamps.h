/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * When sends returned, as mqload notes it for mqtruth: a message says when its sender was about to
 * send it, but if the sender had to wait for a processor then, only both ends tell when it was sent.
 */
#ifndef TESTS_STAMPS_H
#define TESTS_STAMPS_H

#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "options.h"

struct stamp {
	uint64_t pid;
	uint64_t sequence; /* as in the message */
	uint64_t returned_ns;
};

struct stamps {
	struct stamp *items;
	size_t n;
};

static inline void stamps_init(struct stamps *s, size_t max)
{
	s->items = calloc(max, sizeof(*s->items));
	if (!s->items)
		die("out of memory");
}

static inline void stamps_note(struct stamps *s, uint64_t sequence)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	s->items[s->n++] = (struct stamp){
		.pid = (uint64_t)getpid(),
		.sequence = sequence,
		.returned_ns = (uint64_t)now.tv_sec * 1000000000ULL + (uint64_t)now.tv_nsec,
	};
}

/* Appends in one write, which others' do not come between. */
static inline void stamps_write(const struct stamps *s, const char *path)
{
	ssize_t size = (ssize_t)(s->n * sizeof(*s->items));
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

	if (fd < 0 || write(fd, s->items, (size_t)size) != size || close(fd) < 0)
		die("%s: %s", path, strerror(errno));
}

static inline int stamps_compare(const void *a, const void *b)
{
	const struct stamp *x = a, *y = b;

	if (x->pid != y->pid)
		return x->pid < y->pid ? -1 : 1;
	return x->sequence < y->sequence ? -1 : x->sequence > y->sequence;
}

static inline void stamps_read(struct stamps *s, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	off_t size = fd < 0 ? -1 : lseek(fd, 0, SEEK_END);

	if (size < 0)
		die("%s: %s", path, strerror(errno));
	s->n = (size_t)size / sizeof(*s->items);
	stamps_init(s, s->n);
	if (pread(fd, s->items, (size_t)size, 0) != size)
		die("%s: %s", path, strerror(errno));
	close(fd);
	qsort(s->items, s->n, sizeof(*s->items), stamps_compare);
}

/* When the send returned; 0: not noted. */
static inline uint64_t stamps_find(const struct stamps *s, uint64_t pid, uint64_t sequence)
{
	const struct stamp key = {.pid = pid, .sequence = sequence};
	const struct stamp *found =
		s->n ? bsearch(&key, s->items, s->n, sizeof(*s->items), stamps_compare) : NULL;

	return found ? found->returned_ns : 0;
}

#endif /* TESTS_STAMPS_H */
