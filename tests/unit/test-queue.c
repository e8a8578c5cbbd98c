// SPDX-License-Identifier: GPL-2.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "queue.h"
#include "util.h"

static uint64_t reserved(uint64_t messages_limit, uint64_t message_size_limit)
{
	const struct queue_attr attr = {.messages_limit = messages_limit,
					.message_size_limit = message_size_limit};

	return queue_reserved_bytes(&attr);
}

static void test_reserved_bytes(void **state)
{
	(void)state;
	assert_int_equal(reserved(10, 8192), 10 * 8192 + 10 * (48 + 48));
	assert_int_equal(reserved(1, 1), 1 + 48 + 48);
	/* there are no more tree nodes than priorities */
	assert_int_equal(reserved(32768, 1), 32768 * (1 + 48 + 48));
	assert_int_equal(reserved(32769, 1), 32769 * (1 + 48) + 32768 * 48);
	/* HARD_MSGMAX and HARD_MSGSIZEMAX, the kernel's own bounds */
	assert_true(reserved(65536, 16777216) ==
		    UINT64_C(65536) * 16777216 + 65536 * 48 + 32768 * 48);
}

static void test_error_names(void **state)
{
	(void)state;
	for (size_t i = 0; i < MQW_ERRORS; i++)
		for (size_t j = 0; j < i; j++)
			assert_string_not_equal(mqw_error_names[i], mqw_error_names[j]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reserved_bytes),
		cmocka_unit_test(test_error_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
