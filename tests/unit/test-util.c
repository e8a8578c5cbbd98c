// SPDX-License-Identifier: GPL-2.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "util.h"

static void test_u64(_unused_ void **state)
{
	uint64_t value = 7;

	assert_int_equal(parse_u64("0", 0, 10, &value), 0);
	assert_int_equal(value, 0);
	assert_int_equal(parse_u64("18446744073709551615", 0, UINT64_MAX, &value), 0);
	assert_true(value == UINT64_MAX);
	assert_int_equal(parse_u64("0010", 0, 10, &value), 0);
	assert_int_equal(value, 10);
}

static void test_u64_refused(_unused_ void **state)
{
	static const char *const not_numbers[] = {"",	  " 1",	 "1 ",	"+1", "-1",
						  "0x10", "1.0", "1e3", "1K", "ten"};
	uint64_t value = 7;

	for (size_t i = 0; i < ARRAY_SIZE(not_numbers); i++)
		assert_int_equal(parse_u64(not_numbers[i], 0, UINT64_MAX, &value), -EINVAL);
	assert_int_equal(parse_u64("18446744073709551616", 0, UINT64_MAX, &value), -ERANGE);
	assert_int_equal(parse_u64("99999999999999999999", 0, UINT64_MAX, &value), -ERANGE);
	assert_int_equal(parse_u64("0", 1, 10, &value), -ERANGE);
	assert_int_equal(parse_u64("11", 1, 10, &value), -ERANGE);
	assert_int_equal(value, 7);
}

static void test_size(_unused_ void **state)
{
	uint64_t value = 7;

	assert_int_equal(parse_size("4096", 0, UINT64_MAX, &value), 0);
	assert_int_equal(value, 4096);
	assert_int_equal(parse_size("64K", 0, UINT64_MAX, &value), 0);
	assert_int_equal(value, 65536);
	assert_int_equal(parse_size("16M", 0, UINT64_MAX, &value), 0);
	assert_int_equal(value, 16777216);
	assert_int_equal(parse_size("0G", 0, UINT64_MAX, &value), 0);
	assert_int_equal(value, 0);
	assert_int_equal(parse_size("17179869183G", 0, UINT64_MAX, &value), 0);
	assert_true(value == UINT64_C(17179869183) << 30);
}

static void test_size_refused(_unused_ void **state)
{
	static const char *const not_sizes[] = {"", "K", "1k", "1KB", "1 K", "-1K", "1.5M", "1T"};
	uint64_t value = 7;

	for (size_t i = 0; i < ARRAY_SIZE(not_sizes); i++)
		assert_int_equal(parse_size(not_sizes[i], 0, UINT64_MAX, &value), -EINVAL);
	assert_int_equal(parse_size("17179869184G", 0, UINT64_MAX, &value), -ERANGE);
	assert_int_equal(parse_size("17M", 0, 16777216, &value), -ERANGE);
	assert_int_equal(parse_size("1K", 1025, 4096, &value), -ERANGE);
	assert_int_equal(value, 7);
}

static void test_duration(_unused_ void **state)
{
	static const char *const not_durations[] = {"",	    "s",  "10",	  "10 s", "-1s", "1.5s",
						    "1sec", "1S", "10s ", "1us",  "0 ",	 "1ss"};
	uint64_t value = 7;

	for (size_t i = 0; i < ARRAY_SIZE(not_durations); i++)
		assert_int_equal(parse_duration(not_durations[i], 0, UINT64_MAX, &value), -EINVAL);
	assert_int_equal(parse_duration("18446744073710ms", 0, UINT64_MAX, &value), -ERANGE);
	assert_int_equal(parse_duration("11s", 0, 10 * NSEC_PER_SEC, &value), -ERANGE);
	assert_int_equal(parse_duration("9ms", 10 * NSEC_PER_MSEC, UINT64_MAX, &value), -ERANGE);
	assert_int_equal(value, 7);
	assert_int_equal(parse_duration("500ms", 0, UINT64_MAX, &value), 0);
	assert_int_equal(value, 500 * NSEC_PER_MSEC);
	assert_int_equal(parse_duration("10s", 0, UINT64_MAX, &value), 0);
	assert_int_equal(value, 10 * NSEC_PER_SEC);
	assert_int_equal(parse_duration("2min", 0, UINT64_MAX, &value), 0);
	assert_int_equal(value, 120 * NSEC_PER_SEC);
	assert_int_equal(parse_duration("1h", 0, UINT64_MAX, &value), 0);
	assert_int_equal(value, 3600 * NSEC_PER_SEC);
	assert_int_equal(parse_duration("7d", 0, UINT64_MAX, &value), 0);
	assert_int_equal(value, 7 * 24 * 3600 * NSEC_PER_SEC);
	assert_int_equal(parse_duration("0", 0, UINT64_MAX, &value), 0);
	assert_int_equal(value, 0);
}

static void test_enum(_unused_ void **state)
{
	static const char *const names[] = {"auto", "off"};

	assert_int_equal(parse_enum("auto", names, 2), 0);
	assert_int_equal(parse_enum("off", names, 2), 1);
	assert_int_equal(parse_enum("of", names, 2), -EINVAL);
	assert_int_equal(parse_enum("", names, 2), -EINVAL);
	assert_int_equal(parse_enum("Auto", names, 2), -EINVAL);
}

static void test_ownership(_unused_ void **state)
{
	char text[] = "x", *p = text;
	int fd = 3;

	assert_ptr_equal(TAKE_PTR(p), text);
	assert_null(p);
	assert_int_equal(TAKE_FD(fd), 3);
	assert_int_equal(fd, -1);
	errno = EPERM;
	assert_int_equal(close_fd(-1), -1);
	assert_int_equal(errno, EPERM);
}

static void test_realtime_offset(_unused_ void **state)
{
	uint64_t offset = realtime_offset_ns();
	int64_t off = (int64_t)(clock_ns(CLOCK_REALTIME) - clock_ns(CLOCK_MONOTONIC) - offset);

	assert_true(off < 100 * (int64_t)NSEC_PER_MSEC && off > -100 * (int64_t)NSEC_PER_MSEC);
	for (int i = 0; i < 1000; i++)
		assert_int_equal(offset, realtime_offset_ns());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_realtime_offset),
		cmocka_unit_test(test_u64),
		cmocka_unit_test(test_u64_refused),
		cmocka_unit_test(test_size),
		cmocka_unit_test(test_size_refused),
		cmocka_unit_test(test_duration),
		cmocka_unit_test(test_enum),
		cmocka_unit_test(test_ownership),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
