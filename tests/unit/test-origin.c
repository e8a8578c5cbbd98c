// SPDX-License-Identifier: GPL-2.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "origin.h"

/* A message at an address, with the record in its place: whose send it is, told by start_ns. */
static struct mqw_peek_message message(uint64_t address, uint64_t start_ns, uint64_t last_message)
{
	return (struct mqw_peek_message){
		.message = address,
		.origin = MQW_ORIGIN_RECORD,
		.record = {.start_ns = start_ns, .last_message = last_message},
	};
}

static void check(const struct mqw_peek_message *messages, size_t n, const size_t *expected)
{
	size_t owner[8];

	assert_int_equal(origin_assign(messages, n, owner), 0);
	assert_memory_equal(owner, expected, n * sizeof(*owner));
}

static void test_none(void **state)
{
	size_t owner = 7;

	assert_int_equal(origin_assign(NULL, 0, &owner), 0);
	assert_int_equal(owner, 7);
}

static void test_alone(void **state)
{
	const struct mqw_peek_message m[] = {message(100, 1, 0), message(200, 2, 0)};

	check(m, 2, (const size_t[]){0, 1});
}

/* A enters, is preempted; B1 and B2 come and go; A returns last and sees B2's message. */
static void test_slow_to_return(void **state)
{
	const struct mqw_peek_message m[] = {
		message(100, 2, 200), /* A's place, B1's record */
		message(200, 3, 300), /* B2's record */
		message(300, 1, 300), /* A's record */
	};

	check(m, 3, (const size_t[]){2, 0, 1});
}

/* A begins, is preempted before it enters; B1 and B2 come and go; A enters and returns. */
static void test_slow_to_enter(void **state)
{
	const struct mqw_peek_message m[] = {
		message(100, 2, 100),
		message(200, 3, 200),
		message(300, 1, 300),
	};

	check(m, 3, (const size_t[]){0, 1, 2});
}

/* Two that waited for room were let in as they came, but woke in the other order. */
static void test_sleepers(void **state)
{
	const struct mqw_peek_message m[] = {message(100, 2, 200), message(200, 1, 200)};

	check(m, 2, (const size_t[]){1, 0});
}

/* Those that ran alone stand between groups that raced. */
static void test_groups(void **state)
{
	const struct mqw_peek_message m[] = {
		message(100, 2, 200), message(200, 1, 200), message(300, 3, 0),
		message(400, 5, 500), message(500, 4, 500),
	};

	check(m, 5, (const size_t[]){1, 0, 2, 4, 3});
}

/* A raced send whose last message could not be read may be of any in its group. */
static void test_unreadable(void **state)
{
	const struct mqw_peek_message m[] = {
		message(100, 2, 200),
		message(200, 1, MQW_MESSAGE_UNKNOWN),
	};

	check(m, 2, (const size_t[]){1, 0});
}

static void test_no_record(void **state)
{
	struct mqw_peek_message m[] = {
		message(100, 1, 0),
		message(200, 2, 200),
		message(300, 3, 300),
	};

	m[1].origin = MQW_ORIGIN_UNKNOWN;
	check(m, 3, (const size_t[]){0, ORIGIN_NONE, 2});
	m[0].origin = MQW_ORIGIN_BEFORE;
	check(m, 3, (const size_t[]){ORIGIN_NONE, ORIGIN_NONE, 2});
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_none),	       cmocka_unit_test(test_alone),
		cmocka_unit_test(test_slow_to_return), cmocka_unit_test(test_slow_to_enter),
		cmocka_unit_test(test_sleepers),       cmocka_unit_test(test_groups),
		cmocka_unit_test(test_unreadable),     cmocka_unit_test(test_no_record),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
