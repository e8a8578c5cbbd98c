/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The command line and the small formatters. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <locale.h>

#include <cmocka.h>

#include "parse-line.h"

static void test_parse_globals(void **state)
{
	struct ctl_args args;

	(void)state;
	assert_int_equal(parse_line("--json --socket /a --ipcns 7 list", &args), CTL_OK);
	assert_true(args.json);
	assert_string_equal(args.socket, "/a");
	assert_int_equal(args.ipcns, 7);
	assert_string_equal(args.verb->name, "list");

	assert_int_equal(parse_line("dump q --pid=12 -J --socket=/b", &args), CTL_OK);
	assert_true(args.json);
	assert_string_equal(args.socket, "/b");
	assert_int_equal(args.pid, 12);
	assert_string_equal(args.queue, "q");

	assert_int_equal(parse_line("--socket /a list --socket /b", &args), CTL_OK);
	assert_string_equal(args.socket, "/b");
	assert_int_equal(parse_line("--help", &args), CTL_OK);
	assert_true(args.help && !args.verb);
	assert_int_equal(parse_line("dump --help", &args), CTL_OK);
	assert_true(args.help && args.verb);
	assert_int_equal(parse_line("-V", &args), CTL_OK);
	assert_true(args.version);
}

static void test_parse_verbs(void **state)
{
	struct ctl_args args;

	(void)state;
	assert_int_equal(
		parse_line("dump /q -f raw --limit 3 --bytes 4K --no-payload --force", &args),
		CTL_OK);
	assert_string_equal(args.queue, "q");
	assert_int_equal(args.format, CTL_FORMAT_RAW);
	assert_int_equal(args.limit, 3);
	assert_int_equal(args.bytes, 4096);
	assert_true(args.no_payload && args.force);
	assert_int_equal(parse_line("dump -- -q", &args), CTL_OK);
	assert_string_equal(args.queue, "-q");
	assert_int_equal(parse_line("list -n -o QUEUE,MODE --sort -BYTES", &args), CTL_OK);
	assert_true(args.noheadings);
	assert_string_equal(args.columns, "QUEUE,MODE");
	assert_string_equal(args.sort, "-BYTES");
	assert_int_equal(parse_line("help dump", &args), CTL_OK);
	assert_string_equal(args.topic, "dump");
	assert_int_equal(parse_line("help", &args), CTL_OK);
	assert_null(args.topic);
}

static void test_parse_refuses(void **state)
{
	static const char *const lines[] = {
		"",
		"frob",
		"--frob list",
		"list --frob",
		"list -f hex",
		"list q",
		"show",
		"show a b",
		"show /",
		"show //",
		"show a/b",
		"dump q --format",
		"dump q --format=xml",
		"dump q --limit=0",
		"dump q --limit=65537",
		"dump q --limit=1x",
		"dump q --bytes=0",
		"dump q --bytes=-1",
		"list --ipcns=0",
		"list --ipcns=4294967296",
		"list --pid=0",
		"list --pid=1 --ipcns=1",
		"status --pid=1",
		"list --socket=",
		"--json=1 list",
		"help a b",
	};
	struct ctl_args args;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++)
		if (parse_line(lines[i], &args) != CTL_USAGE)
			fail_msg("accepted: %s", lines[i]);
}

static void test_queue_name(void **state)
{
	char longest[257];

	(void)state;
	memset(longest, 'x', sizeof(longest));
	longest[0] = '/';
	longest[256] = '\0';
	assert_string_equal(ctl_queue_name(longest), longest + 1);
	longest[0] = 'x'; /* 256 bytes */
	assert_null(ctl_queue_name(longest));
	assert_string_equal(ctl_queue_name("/.hidden"), ".hidden");
	assert_string_equal(ctl_queue_name("\n\xff"), "\n\xff");
	assert_null(ctl_queue_name(""));
}

static void test_help(void **state)
{
	static const char *const verbs[] = {"list", "show", "dump", "status", "help"};
	_cleanup_free_ char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	(void)state;
	assert_non_null(f);
	ctl_print_help(f, NULL);
	for (size_t i = 0; i < ARRAY_SIZE(verbs); i++)
		ctl_print_help(f, ctl_find_verb(verbs[i]));
	fclose(f);
	assert_non_null(strstr(text, "Usage: mqwatchctl dump [OPTIONS] QUEUE"));
	for (char *line = text, *next; *line; line = next) {
		next = strchrnul(line, '\n');
		if (next - line > 90)
			fail_msg("too wide: %.*s", (int)(next - line), line);
		next += *next == '\n';
	}
}

static void test_duration(void **state)
{
	static const struct {
		double seconds;
		const char *text;
	} cases[] = {
		{0, "0 µs"},	     {1.024e-6, "1.02 µs"}, {0.0009994, "999 µs"},
		{0.0009996, "1 ms"}, {0.0123, "12.3 ms"},   {0.9996, "1 s"},
		{9.64, "9.64 s"},    {59.94, "59.9 s"},	    {59.96, "1m 00s"},
		{68.719, "1m 09s"},  {3600, "1h 00m"},	    {86399.9, "1d 00h"},
		{93600, "1d 02h"},   {1e300, "-"},
	};
	char text[CTL_TEXT_MAX];

	(void)state;
	if (!ctl_utf8())
		skip();
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_string_equal(ctl_duration(cases[i].seconds, text), cases[i].text);
}

static void test_bar(void **state)
{
	char text[CTL_TEXT_MAX];

	(void)state;
	if (!ctl_utf8())
		skip();
	assert_string_equal(ctl_bar(0, 10, text), "");
	assert_string_equal(ctl_bar(1e-9, 10, text), "▏");
	assert_string_equal(ctl_bar(0.5, 3, text), "█▌");
	assert_string_equal(ctl_bar(1, 3, text), "███");
	assert_string_equal(ctl_bar(7, 3, text), "███");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse_globals), cmocka_unit_test(test_parse_verbs),
		cmocka_unit_test(test_parse_refuses), cmocka_unit_test(test_queue_name),
		cmocka_unit_test(test_help),	      cmocka_unit_test(test_duration),
		cmocka_unit_test(test_bar),
	};

	if (!setlocale(LC_ALL, "C.UTF-8"))
		setlocale(LC_ALL, "");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
