/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Compares with the real hexdump(1) on random buffers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "hexdump.h"
#include "util.h"

static char *ours(const uint8_t *data, size_t size)
{
	char *text = NULL;
	size_t length;
	FILE *f = open_memstream(&text, &length);

	assert_non_null(f);
	hexdump_write(f, data, size);
	assert_int_equal(fclose(f), 0);
	return text;
}

/* Through a file, so that no pipe can fill up in both directions. */
static char *theirs(const uint8_t *data, size_t size)
{
	char path[] = "/tmp/test-hexdump.XXXXXX", command[64];
	int fd = mkstemp(path);
	char *text = NULL;
	size_t length = 0;
	FILE *p;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, data, size), (ssize_t)size);
	close(fd);
	snprintf(command, sizeof(command), "LC_ALL=C hexdump -C %s", path);
	p = popen(command, "r");
	assert_non_null(p);
	if (getdelim(&text, &length, '\0', p) < 0) {
		free(text);
		text = strdup("");
	}
	assert_int_equal(pclose(p), 0);
	unlink(path);
	return text;
}

static void compare(const uint8_t *data, size_t size)
{
	_cleanup_free_ char *a = ours(data, size), *b = theirs(data, size);

	assert_string_equal(a, b);
}

static void need_hexdump(void)
{
	if (system("command -v hexdump >/dev/null 2>&1") != 0)
		skip();
}

static void test_sizes(void **state)
{
	uint8_t data[49];

	(void)state;
	need_hexdump();
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * 37 + 11);
	for (size_t n = 0; n <= sizeof(data); n++)
		compare(data, n);
}

static void test_all_bytes(void **state)
{
	uint8_t data[256];

	(void)state;
	need_hexdump();
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)i;
	compare(data, sizeof(data));
}

/* Few distinct bytes in long runs: squeezing starts, stops and meets the end in every way. */
static void test_random_runs(void **state)
{
	unsigned int seed = 4711;
	uint8_t data[400];

	(void)state;
	need_hexdump();
	for (int round = 0; round < 150; round++) {
		size_t n = (size_t)rand_r(&seed) % sizeof(data), i = 0;

		while (i < n) {
			uint8_t byte = (uint8_t)(rand_r(&seed) % 3 * 0x41);
			size_t run = (size_t)rand_r(&seed) % 80;

			while (run-- && i < n)
				data[i++] = byte;
		}
		compare(data, n);
	}
}

static void test_big(void **state)
{
	size_t size = 256 * 1024 + 5;
	_cleanup_free_ uint8_t *data = malloc(size);
	unsigned int seed = 1;

	(void)state;
	need_hexdump();
	assert_non_null(data);
	for (size_t i = 0; i < size; i++)
		data[i] = (uint8_t)rand_r(&seed);
	memset(data + 4096, 0, 65536);
	compare(data, size);
}

static void test_line_offset(void **state)
{
	char line[HEXDUMP_LINE_MAX];
	size_t n = hexdump_line(line, 0x10, (const uint8_t *)"ab", 2);

	(void)state;
	assert_int_equal(n, strlen(line));
	assert_string_equal(line,
			    "00000010  61 62                                             |ab|\n");
	hexdump_line(line, UINT64_MAX, (const uint8_t *)"0123456789abcdef", 16);
	assert_string_equal(line, "ffffffffffffffff  30 31 32 33 34 35 36 37  38 39 61 62 63 64 65 "
				  "66  |0123456789abcdef|\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sizes),	    cmocka_unit_test(test_all_bytes),
		cmocka_unit_test(test_random_runs), cmocka_unit_test(test_big),
		cmocka_unit_test(test_line_offset),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
