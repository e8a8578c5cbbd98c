// SPDX-License-Identifier: GPL-2.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <inttypes.h>

#include "text.h"

/* What the page holds, compared and emptied. */
static void assert_text(struct text *t, const char *expected)
{
	assert_false(t->failed);
	assert_int_equal(t->size, strlen(expected));
	assert_memory_equal(t->data ? t->data : "", expected, t->size);
	t->size = 0;
}

static void test_u64(_unused_ void **state)
{
	_cleanup_(text_free) struct text t = {};
	char expected[32];

	for (uint64_t power = 1, i = 0; i < 20; power *= 10, i++) {
		const uint64_t around[] = {power - 1, power, power + 1, power * 3 + 7};

		for (size_t j = 0; j < ARRAY_SIZE(around); j++) {
			snprintf(expected, sizeof(expected), "%" PRIu64, around[j]);
			text_append_u64(&t, around[j]);
			assert_text(&t, expected);
		}
	}
	text_append_u64(&t, UINT64_MAX);
	assert_text(&t, "18446744073709551615");
}

static void test_seconds(_unused_ void **state)
{
	static const struct {
		uint64_t nanoseconds;
		const char *text;
	} cases[] = {
		{0, "0"},
		{1, "0.000000001"},
		{1024, "0.000001024"},
		{500000000, "0.5"},
		{999999999, "0.999999999"},
		{1000000000, "1"},
		{1500000000, "1.5"},
		{10000000010, "10.00000001"},
		{68719476736, "68.719476736"},
		{UINT64_MAX, "18446744073.709551615"},
	};
	_cleanup_(text_free) struct text t = {};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		text_append_seconds(&t, cases[i].nanoseconds);
		assert_text(&t, cases[i].text);
	}
}

static void test_fraction(_unused_ void **state)
{
	_cleanup_(text_free) struct text t = {};

	text_append_fraction(&t, 3, 10);
	assert_text(&t, "0.3");
	text_append_fraction(&t, 10, 10);
	assert_text(&t, "1");
	text_append_fraction(&t, 12345600, 1000000);
	assert_text(&t, "12.3456");
	text_append_fraction(&t, UINT64_MAX, 10);
	assert_text(&t, "1844674407370955161.5");
}

static void test_label_value(_unused_ void **state)
{
	static const struct {
		const char *value, *text;
	} cases[] = {
		{"", ""},
		{"plain.name", "plain.name"},
		{"say \"hi\"", "say \\\"hi\\\""},
		{"back\\slash", "back\\\\slash"},
		{"new\nline\n", "new\\nline\\n"},
		{"tab\tcr\r", "tab\tcr\r"},
		{"gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f"},
		{"\xff\"\xc3", "\xef\xbf\xbd\\\"\xef\xbf\xbd"},
	};
	_cleanup_(text_free) struct text t = {};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		text_append_label_value(&t, cases[i].value);
		assert_text(&t, cases[i].text);
	}
}

static void test_family(_unused_ void **state)
{
	_cleanup_(text_free) struct text t = {};

	text_family(&t, "x_total", "counter", "Some x.");
	assert_text(&t, "# HELP x_total Some x.\n# TYPE x_total counter\n");
}

static void test_growth(_unused_ void **state)
{
	_cleanup_(text_free) struct text t = {};

	for (uint64_t i = 0; i < 100000; i++)
		text_append(&t, "0123456789");
	assert_false(t.failed);
	assert_int_equal(t.size, 1000000);
	for (size_t i = 0; i < t.size; i++)
		assert_true(t.data[i] == (char)('0' + i % 10));
}

static void test_failure_stays(_unused_ void **state)
{
	_cleanup_(text_free) struct text t = {};

	text_append(&t, "kept");
	text_append_bytes(&t, "", SIZE_MAX / 2);
	assert_true(t.failed);
	text_append(&t, "lost");
	text_append_u64(&t, 1);
	text_append_label_value(&t, "\n");
	assert_true(t.failed);
	assert_int_equal(t.size, 4);
	assert_memory_equal(t.data, "kept", 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_u64),	      cmocka_unit_test(test_seconds),
		cmocka_unit_test(test_fraction),      cmocka_unit_test(test_label_value),
		cmocka_unit_test(test_family),	      cmocka_unit_test(test_growth),
		cmocka_unit_test(test_failure_stays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
