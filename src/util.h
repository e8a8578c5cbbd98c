/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Cleanup attributes, ownership macros and strict parsing: what every module may use. */
#ifndef MQWATCH_UTIL_H
#define MQWATCH_UTIL_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define NSEC_PER_SEC  1000000000ULL
#define NSEC_PER_MSEC 1000000ULL
#define USEC_PER_SEC  1000000ULL

#define _cleanup_(f) __attribute__((cleanup(f)))
#define _unused_     __attribute__((unused))

/* Defines funcp(), a cleanup function for a variable of pointer type that calls func(). */
#define DEFINE_CLEANUP(type, func)          \
	static inline void func##p(type *p) \
	{                                   \
		if (*p)                     \
			func(*p);           \
	}

static inline void freep(void *p)
{
	free(*(void **)p);
}

/* Closes a descriptor that is open, keeps errno, returns -1 so that one can write fd =
 * close_fd(fd). */
static inline int close_fd(int fd)
{
	int saved = errno;

	if (fd >= 0)
		close(fd);
	errno = saved;
	return -1;
}

static inline void close_fdp(int *fd)
{
	close_fd(*fd);
}

#define _cleanup_free_	_cleanup_(freep)
#define _cleanup_close_ _cleanup_(close_fdp)

/* Hand ownership over: yields the value and leaves the variable empty. */
#define TAKE_PTR(p)                 \
	({                          \
		typeof(p) _p = (p); \
		(p) = NULL;         \
		_p;                 \
	})
#define TAKE_FD(fd)             \
	({                      \
		int _fd = (fd); \
		(fd) = -1;      \
		_fd;            \
	})

/* A clock's time in nanoseconds. */
static inline uint64_t clock_ns(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return t.tv_sec * NSEC_PER_SEC + t.tv_nsec;
}

/*
 * CLOCK_REALTIME minus CLOCK_MONOTONIC: what makes a time of the kernel's into a Unix time. The same each
 * time, so that a time once told stays, until the clock is set.
 */
uint64_t realtime_offset_ns(void);

/*
 * Strict decimal: the whole of s, no sign, no blanks, min <= value <= max.
 * 0, -EINVAL (not a number) or -ERANGE; *ret is set on success only.
 */
int parse_u64(const char *s, uint64_t min, uint64_t max, uint64_t *ret);

/* "4096", "64K", "16M", "1G" (powers of 1024, in bytes); errors as parse_u64(). */
int parse_size(const char *s, uint64_t min, uint64_t max, uint64_t *ret);

/*
 * "500ms", "10s", "2min", "1h", "1d", or "0", into nanoseconds; the unit is needed. Errors as
 * parse_u64().
 */
int parse_duration(const char *s, uint64_t min, uint64_t max, uint64_t *ret);

/* The units of parse_duration(), from the smallest to the largest. */
struct duration_unit {
	const char *name;
	uint64_t ns;
};
#define DURATION_UNITS 5
extern const struct duration_unit duration_units[DURATION_UNITS];

/* Index of s in names[0..n), -EINVAL when it is not there. */
int parse_enum(const char *s, const char *const names[], size_t n);

#endif /* MQWATCH_UTIL_H */
