// SPDX-License-Identifier: GPL-2.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "name.h"
#include "util.h"

#define FFFD "\xef\xbf\xbd"

static const char *const valid[] = {
	"",
	"plain",
	"\x7f",
	"\xc2\x80",
	"\xdf\xbf",
	"\xe0\xa0\x80",
	"\xed\x9f\xbf",
	"\xee\x80\x80",
	"\xef\xbf\xbf",
	"\xf0\x90\x80\x80",
	"\xf4\x8f\xbf\xbf",
	"gr\xc3\xbc\xc3\x9f\x65",
};

static const struct {
	const char *text, *repaired;
} invalid[] = {
	{"\x80", FFFD},
	{"\xff", FFFD},
	{"a\xc3", "a" FFFD},
	{"\xc0\xaf", FFFD FFFD},		   /* overlong */
	{"\xc1\xbf", FFFD FFFD},		   /* overlong */
	{"\xe0\x9f\xbf", FFFD FFFD FFFD},	   /* overlong */
	{"\xf0\x8f\xbf\xbf", FFFD FFFD FFFD FFFD}, /* overlong */
	{"\xed\xa0\x80", FFFD FFFD FFFD},	   /* surrogate */
	{"\xf4\x90\x80\x80", FFFD FFFD FFFD FFFD}, /* above U+10FFFF */
	{"\xf5\x80\x80\x80", FFFD FFFD FFFD FFFD},
	{"\xe2\x82z", FFFD FFFD "z"}, /* cut off */
	{"x\xfey\xc3\xbcz", "x" FFFD "y\xc3\xbcz"},
};

static void test_utf8(_unused_ void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(valid); i++) {
		_cleanup_free_ char *copy = utf8_make_valid(valid[i]);

		assert_true(utf8_valid(valid[i], strlen(valid[i])));
		assert_string_equal(copy, valid[i]);
	}
	for (size_t i = 0; i < ARRAY_SIZE(invalid); i++) {
		_cleanup_free_ char *copy = utf8_make_valid(invalid[i].text);

		assert_false(utf8_valid(invalid[i].text, strlen(invalid[i].text)));
		assert_string_equal(copy, invalid[i].repaired);
	}
	assert_true(utf8_valid("a\0b", 3));
	assert_false(utf8_valid("\xc3\xbc", 1));
	assert_int_equal(utf8_sequence("", 0), 0);
	assert_int_equal(utf8_sequence("\xf0\x90\x80\x80", 4), 4);
	assert_int_equal(utf8_sequence("\xf0\x90\x80\x80", 3), 0);
}

static void test_escape(_unused_ void **state)
{
	static const struct {
		const char *text, *name, *line;
	} cases[] = {
		{"", "", ""},
		{".hidden \"q\" 'x'", ".hidden \"q\" 'x'", ".hidden \"q\" 'x'"},
		{"a\nb\tc", "a\\nb\\tc", "a\\nb\\tc"},
		{"a\\b", "a\\\\b", "a\\b"},
		{"\x1b[31m\r\x01\x7f", "\\x1b[31m\\x0d\\x01\\x7f", "\\x1b[31m\\x0d\\x01\\x7f"},
		{"\xc2\x80\xc2\x9f\xc2\xa0", "\\xc2\\x80\\xc2\\x9f\xc2\xa0",
		 "\\xc2\\x80\\xc2\\x9f\xc2\xa0"},
		{"\xff\xc3\xbc\xc3", "\\xff\xc3\xbc\\xc3", "\\xff\xc3\xbc\\xc3"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_free_ char *name = name_escape(cases[i].text);
		_cleanup_free_ char *line = line_escape(cases[i].text);

		assert_string_equal(name, cases[i].name);
		assert_string_equal(line, cases[i].line);
	}
}

static void test_longest_name(_unused_ void **state)
{
	char name[256], expected[4 * 255 + 1];
	_cleanup_free_ char *escaped = NULL;
	_cleanup_free_ char *repaired = NULL;

	memset(name, 0xff, 255);
	name[255] = '\0';
	for (size_t i = 0; i < 255; i++)
		memcpy(expected + 4 * i, "\\xff", 5);
	escaped = name_escape(name);
	repaired = utf8_make_valid(name);
	assert_string_equal(escaped, expected);
	assert_int_equal(strlen(repaired), 3 * 255);
}

static void test_base64(_unused_ void **state)
{
	/* RFC 4648 section 10 */
	static const struct {
		const char *data, *text;
	} cases[] = {
		{"", ""},
		{"f", "Zg=="},
		{"fo", "Zm8="},
		{"foo", "Zm9v"},
		{"foob", "Zm9vYg=="},
		{"fooba", "Zm9vYmE="},
		{"foobar", "Zm9vYmFy"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_free_ char *text = base64_encode(cases[i].data, strlen(cases[i].data));
		_cleanup_free_ void *data = NULL;
		size_t size;

		assert_string_equal(text, cases[i].text);
		assert_int_equal(base64_decode(text, &data, &size), 0);
		assert_int_equal(size, strlen(cases[i].data));
		assert_memory_equal(data, cases[i].data, size);
	}
}

static void test_base64_all_bytes(_unused_ void **state)
{
	_cleanup_free_ char *text = NULL;
	_cleanup_free_ void *data = NULL;
	uint8_t bytes[256];
	size_t size;

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(255 - i);
	text = base64_encode(bytes, sizeof(bytes));
	assert_int_equal(base64_decode(text, &data, &size), 0);
	assert_int_equal(size, sizeof(bytes));
	assert_memory_equal(data, bytes, size);
}

static void test_base64_refused(_unused_ void **state)
{
	static const char *const bad[] = {"Z",	  "Zg",	  "Zg=",  "Zg==Zg==", "=",    "====",
					  "Z===", "Zm9 ", "Zm-v", "Zm9v\n",   "Zh==", "Zm9="};
	void *data = NULL;
	size_t size = 7;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(base64_decode(bad[i], &data, &size), -EINVAL);
	assert_null(data);
	assert_int_equal(size, 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_utf8),
		cmocka_unit_test(test_escape),
		cmocka_unit_test(test_longest_name),
		cmocka_unit_test(test_base64),
		cmocka_unit_test(test_base64_all_bytes),
		cmocka_unit_test(test_base64_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
