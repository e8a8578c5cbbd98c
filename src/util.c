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

int parse_enum(const char *s, const char *const names[], size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(s, names[i]) == 0)
			return (int)i;
	return -EINVAL;
}
