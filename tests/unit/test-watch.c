// SPDX-License-Identifier: GPL-2.0-or-later
/* What a snapshot tells of the oldest message and the levels. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "watch.h"

#define KNOWN(p, ns)                                                                               \
	{                                                                                          \
		.priority = (p), .origin = ORIGIN_KNOWN, .sent_ns = (ns), .pid = (ns), .comm = "c" \
	}
#define BEFORE(p, ns)                                                      \
	{                                                                  \
		.priority = (p), .origin = ORIGIN_BEFORE, .sent_ns = (ns), \
	}
#define UNKNOWN(p)              \
	{                       \
		.priority = (p) \
	}

static struct queue_findings find_in(struct snapshot_message *messages, size_t n, bool consistent)
{
	const struct snapshot s = {.n_messages = n,
				   .messages = messages,
				   .messages_total = n,
				   .consistent = consistent};
	static struct queue_level levels[QUEUE_LEVELS_MAX];
	struct queue_findings found = {.below = 77, .oldest.known = true, .levels = levels};

	watch_find(&s, &found);
	return found;
}

static struct queue_findings find(struct snapshot_message *messages, size_t n)
{
	return find_in(messages, n, true);
}

static void assert_oldest(const struct queue_findings *found, uint64_t ns, uint32_t priority,
			  bool at_least)
{
	assert_true(found->oldest.known);
	assert_int_equal(found->oldest.sent_ns, ns);
	assert_int_equal(found->oldest.priority, priority);
	assert_int_equal(found->oldest.at_least, at_least);
	assert_int_equal(found->oldest.pid, at_least ? 0 : ns);
}

static void test_oldest(_unused_ void **state)
{
	struct snapshot_message all_known[] = {KNOWN(9, 300), KNOWN(9, 400), KNOWN(5, 100),
					       KNOWN(5, 50), KNOWN(0, 200)};
	struct snapshot_message before[] = {KNOWN(9, 300), BEFORE(5, 80), KNOWN(5, 90)};
	struct snapshot_message known_first[] = {KNOWN(9, 30), BEFORE(5, 80)};
	struct snapshot_message gap[] = {UNKNOWN(5), KNOWN(5, 90), KNOWN(1, 60)};
	struct snapshot_message nothing[] = {UNKNOWN(5), UNKNOWN(1)};
	struct queue_findings found;

	found = find(all_known, 5);
	assert_oldest(&found, 100, 5, false);
	/* there may be more that are not seen */
	found = find_in(all_known, 5, false);
	assert_oldest(&found, 100, 5, true);
	assert_false(found.levels_known);
	found = find(before, 3);
	assert_oldest(&found, 80, 5, true);
	/* the one from before may be older still */
	found = find(known_first, 2);
	assert_oldest(&found, 30, 9, true);
	found = find(gap, 3);
	assert_oldest(&found, 60, 1, true);
	found = find(nothing, 2);
	assert_false(found.oldest.known);
	found = find(NULL, 0);
	assert_false(found.oldest.known);
	assert_int_equal(found.n_levels, 0);
	assert_int_equal(found.below, 0);
	assert_true(found.levels_known);
}

static void test_levels(_unused_ void **state)
{
	struct snapshot_message messages[3 * (QUEUE_LEVELS_MAX + 2)];
	size_t n = ARRAY_SIZE(messages);
	struct queue_findings found;

	for (size_t i = 0; i < n; i++)
		messages[i] = (struct snapshot_message)UNKNOWN(1000 - i / 3);
	found = find(messages, n);
	assert_int_equal(found.n_levels, QUEUE_LEVELS_MAX);
	assert_int_equal(found.below, 6);
	for (size_t l = 0; l < QUEUE_LEVELS_MAX; l++) {
		assert_int_equal(found.levels[l].priority, 1000 - l);
		assert_int_equal(found.levels[l].messages, 3);
	}
	found = find(messages, 4);
	assert_int_equal(found.n_levels, 2);
	assert_int_equal(found.levels[1].messages, 1);
	assert_int_equal(found.below, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_oldest),
		cmocka_unit_test(test_levels),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
