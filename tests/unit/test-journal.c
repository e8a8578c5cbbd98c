// SPDX-License-Identifier: GPL-2.0-or-later
/* Entries with fields. Whether they come to the journal is for the host tests. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "journal.h"
#include "log.h"
#include "util.h"

/* Nothing of a test is to be in the machine's journal. */
static int setup(void **state)
{
	*state = NULL;
	log_set_max_priority(LOG_ERR);
	return 0;
}

static void test_fields(_unused_ void **state)
{
	static const char expected[] = "MQ_QUEUE=/odd\xff\nname";
	struct journal_entry e = {};

	journal_add(&e, "MQ_QUEUE=/%s", "odd\xff\nname");
	journal_add(&e, "MQ_DEPTH=%d", 7);
	assert_int_equal(e.n, 2);
	assert_int_equal(e.fields[0].iov_len, strlen(expected));
	assert_memory_equal(e.fields[0].iov_base, expected, strlen(expected));
	assert_int_equal(e.fields[1].iov_len, strlen("MQ_DEPTH=7"));
	assert_false(e.failed);
	journal_write(&e, LOG_NOTICE, "0", "not shown");
	assert_int_equal(e.n, 0);
}

static void test_too_many_fields(_unused_ void **state)
{
	struct journal_entry e = {};

	for (size_t i = 0; i <= ARRAY_SIZE(e.fields); i++) {
		assert_false(e.failed);
		journal_add(&e, "F=%zu", i);
	}
	assert_true(e.failed);
	assert_int_equal(e.n, ARRAY_SIZE(e.fields));
	journal_write(&e, LOG_NOTICE, "0", NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_fields, setup),
		cmocka_unit_test_setup(test_too_many_fields, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
