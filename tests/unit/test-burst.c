// SPDX-License-Identifier: GPL-2.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "burst.h"

#define START (1000 * NSEC_PER_SEC)

static size_t use(struct burst *b, size_t n, uint64_t now)
{
	size_t allowed = 0;

	for (size_t i = 0; i < n; i++)
		allowed += burst_allow(b, now);
	return allowed;
}

static void test_few(_unused_ void **state)
{
	struct burst b = {};

	assert_int_equal(use(&b, BURST_MAX, START), BURST_MAX);
	assert_int_equal(burst_suppressed(&b, START + 2 * BURST_NS), 0);
	assert_int_equal(use(&b, BURST_MAX, START + BURST_NS), BURST_MAX);
}

static void test_many(_unused_ void **state)
{
	struct burst b = {};

	assert_int_equal(use(&b, 5000, START), BURST_MAX);
	assert_int_equal(use(&b, 7, START + BURST_NS - 1), 0);
	assert_int_equal(burst_suppressed(&b, START + BURST_NS - 1), 0);
	assert_int_equal(burst_suppressed(&b, START + BURST_NS), 5007 - BURST_MAX);
	assert_int_equal(burst_suppressed(&b, START + 2 * BURST_NS), 0);
}

/* The next burst begins before somebody asks: what was suppressed before it is not forgotten. */
static void test_storm(_unused_ void **state)
{
	struct burst b = {};

	assert_int_equal(use(&b, BURST_MAX + 3, START), BURST_MAX);
	assert_int_equal(use(&b, BURST_MAX + 4, START + BURST_NS), BURST_MAX);
	assert_int_equal(burst_suppressed(&b, START + BURST_NS), 7);
	assert_int_equal(use(&b, 1, START + BURST_NS + 1), 0);
	/* at the end of the program nothing is waited for */
	assert_int_equal(burst_suppressed(&b, UINT64_MAX), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_few),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_storm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
