/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Command-line numbers and ends of the test tools. */
#ifndef TESTS_OPTIONS_H
#define TESTS_OPTIONS_H

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define die(...)                              \
	do {                                  \
		fprintf(stderr, __VA_ARGS__); \
		fputc('\n', stderr);          \
		exit(EXIT_FAILURE);           \
	} while (0)

/* A decimal number within [min, max]; ends the program otherwise. */
static inline uint64_t number(const char *option, const char *s, uint64_t min, uint64_t max)
{
	unsigned long long value;
	char *end;

	errno = 0;
	value = strtoull(s, &end, 10);
	if (errno || end == s || *end || *s == '-' || value < min || value > max)
		die("%s: \"%s\" is not a number from %llu to %llu", option, s,
		    (unsigned long long)min, (unsigned long long)max);
	return value;
}

#endif /* TESTS_OPTIONS_H */
