// SPDX-License-Identifier: GPL-2.0-or-later
/* The documents name every setting, with its default. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "config-attempt.h"

/* A file of the source tree, as text; its name is relative to the tree's top. */
static char *read_source(const char *name)
{
	_cleanup_free_ char *path = NULL;
	int prefix = (int)(strlen(__FILE__) - strlen("tests/unit/test-config-docs.c"));
	char *text = NULL;

	assert_true(asprintf(&path, "%.*s%s", prefix, __FILE__, name) > 0);
	assert_int_equal(config_read_file(path, stderr, &text), 0);
	return text;
}

/* What roff shows of "\-" is "-". */
static void unescape_dashes(char *text)
{
	char *to = text;

	for (const char *from = text; *from; from++)
		if (from[0] != '\\' || from[1] != '-')
			*to++ = *from;
	*to = '\0';
}

static void assert_mentions(const char *text, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void assert_mentions(const char *text, const char *format, ...)
{
	_cleanup_free_ char *expected = NULL;
	va_list ap;

	va_start(ap, format);
	assert_true(vasprintf(&expected, format, ap) > 0);
	va_end(ap);
	if (!strstr(text, expected))
		fail_msg("\"%s\" is missing", expected);
}

static void test_documentation(_unused_ void **state)
{
	_cleanup_free_ char *conf = read_source("conf/mqwatchd.conf");
	_cleanup_free_ char *daemon_page = read_source("man/mqwatchd.8");
	_cleanup_free_ char *conf_page = read_source("man/mqwatchd.conf.5");
	_cleanup_free_ char *help = NULL;
	size_t size;
	FILE *out = open_memstream(&help, &size);

	config_print_help(out);
	fclose(out);
	unescape_dashes(daemon_page);
	unescape_dashes(conf_page);
	for (size_t i = 0; i < CONFIG_SETTINGS; i++) {
		const struct setting *s = &config_settings[i];

		assert_mentions(conf, "\n#%s=%s\n", s->key, s->initial);
		assert_mentions(daemon_page, "\n.BI --%s= %s\n", s->flag, s->argument);
		assert_mentions(conf_page, "\n.SS [%s]\n.TP\n", s->section);
		assert_mentions(conf_page, "\n.BI %s= %s\n", s->key, s->argument);
		assert_mentions(conf_page, "\n.BR --%s .\n", s->flag);
		assert_mentions(help, "--%s=%s\n", s->flag, s->argument);
		if (*s->initial) {
			assert_mentions(daemon_page, "%s", s->initial);
			assert_mentions(conf_page, "%s", s->initial);
		}
	}
}

/* The example shows the defaults: uncommented it changes nothing, and it has every key. */
static void test_example(_unused_ void **state)
{
	_cleanup_free_ char *conf = read_source("conf/mqwatchd.conf");
	_cleanup_attempt_ struct attempt as_it_is = parse_ini(conf), uncommented = {};
	size_t keys = 0;

	assert_string_equal(as_it_is.errors, "");
	assert_int_equal(as_it_is.result, 0);
	assert_defaults(as_it_is.config);
	for (char *p = conf; (p = strstr(p, "\n#")); p++) {
		if (p[2] == ' ')
			continue;
		p[1] = ' ';
		keys++;
	}
	assert_int_equal(keys, CONFIG_SETTINGS);
	uncommented = parse_ini(conf);
	assert_string_equal(uncommented.errors, "");
	assert_int_equal(uncommented.result, 0);
	assert_defaults(uncommented.config);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_documentation),
		cmocka_unit_test(test_example),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
