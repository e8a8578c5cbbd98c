// SPDX-License-Identifier: GPL-2.0-or-later
/* Which numbers live in a chunk at hand: one at a time, decided once, whoever asks in whatever order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../../bpf/mqwatch.h"
#include "util.h"

/* As the probes do when they need a number's chunk. */
static int lives(uint64_t *state, uint32_t number)
{
	*state = mqw_chunk_decide(*state, number);
	return mqw_chunk_holds(*state, number);
}

static void pair(uint64_t *state, unsigned n)
{
	*state += n;
}

static void test_each_takes_over_from_one_that_is_all_paired(_unused_ void **cmocka)
{
	uint64_t state = 0;

	for (uint32_t number = 0; number < 100; number += MQW_NEAR) {
		assert_true(lives(&state, number));
		assert_int_equal(mqw_chunk_paired(state), 0);
		pair(&state, MQW_CHUNK_SIZE);
		assert_true(lives(&state, number));
	}
}

static void test_refused_numbers_stay_refused(_unused_ void **cmocka)
{
	uint64_t state = 0;

	assert_true(lives(&state, 5));
	pair(&state, 3);
	assert_false(lives(&state, 5 + MQW_NEAR));
	assert_false(lives(&state, 5 + 3 * MQW_NEAR));
	assert_int_equal(mqw_chunk_paired(state), 3);
	pair(&state, MQW_CHUNK_SIZE - 3);
	/* also those that were not asked for when a later one was */
	for (uint32_t i = 1; i <= 3; i++)
		assert_false(lives(&state, 5 + i * MQW_NEAR));
	assert_true(lives(&state, 5));
	assert_true(lives(&state, 5 + 4 * MQW_NEAR));
	assert_int_equal(mqw_chunk_paired(state), 0);
}

static void test_numbers_of_the_past_do_not_come_back(_unused_ void **cmocka)
{
	uint64_t state = 0;

	assert_true(lives(&state, 100));
	assert_false(lives(&state, 100 - MQW_NEAR));
	pair(&state, MQW_CHUNK_SIZE);
	assert_false(lives(&state, 100 - MQW_NEAR));
	assert_true(lives(&state, 100 + MQW_NEAR));
	assert_false(lives(&state, 100));
}

static void test_numbers_wrap(_unused_ void **cmocka)
{
	uint64_t state = 0;

	assert_true(lives(&state, -MQW_NEAR));
	assert_false(lives(&state, 0));
	pair(&state, MQW_CHUNK_SIZE);
	assert_false(lives(&state, 0));
	assert_true(lives(&state, MQW_NEAR));
}

/* One that is never paired makes the others live elsewhere, as many as may be. */
static void test_refusals_are_bounded(_unused_ void **cmocka)
{
	uint64_t state = 0;
	uint32_t last = MQW_CHUNK_REFUSED_MAX * MQW_NEAR;

	assert_true(lives(&state, 0));
	pair(&state, MQW_CHUNK_SIZE - 1);
	assert_false(lives(&state, last));
	assert_false(lives(&state, last + MQW_NEAR));
	assert_int_equal(mqw_chunk_paired(state), MQW_CHUNK_SIZE - 1);
	assert_true(mqw_chunk_holds(state, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_takes_over_from_one_that_is_all_paired),
		cmocka_unit_test(test_refused_numbers_stay_refused),
		cmocka_unit_test(test_numbers_of_the_past_do_not_come_back),
		cmocka_unit_test(test_numbers_wrap),
		cmocka_unit_test(test_refusals_are_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
