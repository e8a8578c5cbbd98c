// SPDX-License-Identifier: GPL-2.0-or-later
#include "util.h"

/* Digits from *s on; *s is moved past them. */
static int parse_digits(const char **s, uint64_t *ret)
{
	const char *p = *s;
	uint64_t value = 0;

	if (*p < '0' || *p > '9')
		return -EINVAL;
	for (; *p >= '0' && *p <= '9'; p++)
		if (__builtin_mul_overflow(value, 10, &value) ||
		    __builtin_add_overflow(value, (uint64_t)(*p - '0'), &value))
			return -ERANGE;
	*s = p;
	*ret = value;
	return 0;
}

/* The clocks are read one after the other, so that the same offset looks a little different each time. */
#define OFFSET_NOISE_NS (100 * 1000)

uint64_t realtime_offset_ns(void)
{
	static uint64_t kept;
	uint64_t offset = 0, best = UINT64_MAX;

	for (int i = 0; i < 3; i++) {
		uint64_t before = clock_ns(CLOCK_MONOTONIC);
		uint64_t now = clock_ns(CLOCK_REALTIME);
		uint64_t took = clock_ns(CLOCK_MONOTONIC) - before;

		if (took < best) {
			best = took;
			offset = now - before - took / 2;
		}
	}
	if (offset - kept + OFFSET_NOISE_NS > 2 * OFFSET_NOISE_NS)
		kept = offset;
	return kept;
}

int parse_u64(const char *s, uint64_t min, uint64_t max, uint64_t *ret)
{
	uint64_t value;
	int r;

	r = parse_digits(&s, &value);
	if (r < 0)
		return r;
	if (*s)
		return -EINVAL;
	if (value < min || value > max)
		return -ERANGE;
	*ret = value;
	return 0;
}

int parse_size(const char *s, uint64_t min, uint64_t max, uint64_t *ret)
{
	uint64_t value, unit = 1;
	int r;

	r = parse_digits(&s, &value);
	if (r < 0)
		return r;
	switch (*s) {
	case 'K':
		unit = UINT64_C(1) << 10;
		break;
	case 'M':
		unit = UINT64_C(1) << 20;
		break;
	case 'G':
		unit = UINT64_C(1) << 30;
		break;
	}
	if (unit > 1)
		s++;
	if (*s)
		return -EINVAL;
	if (__builtin_mul_overflow(value, unit, &value) || value < min || value > max)
		return -ERANGE;
	*ret = value;
	return 0;
}

const struct duration_unit duration_units[DURATION_UNITS] = {
	{"ms", NSEC_PER_MSEC},		 {"s", NSEC_PER_SEC},
	{"min", 60 * NSEC_PER_SEC},	 {"h", 60 * 60 * NSEC_PER_SEC},
	{"d", 24 * 3600 * NSEC_PER_SEC},
};

int parse_duration(const char *s, uint64_t min, uint64_t max, uint64_t *ret)
{
	uint64_t value, unit = 0;
	int r;

	r = parse_digits(&s, &value);
	if (r < 0)
		return r;
	for (size_t i = 0; i < DURATION_UNITS; i++)
		if (strcmp(s, duration_units[i].name) == 0)
			unit = duration_units[i].ns;
	if (!unit && (*s || value))
		return -EINVAL;
	if (__builtin_mul_overflow(value, unit, &value) || value < min || value > max)
		return -ERANGE;
	*ret = value;
	return 0;
}

int parse_enum(const char *s, const char *const names[], size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(s, names[i]) == 0)
			return (int)i;
	return -EINVAL;
}
