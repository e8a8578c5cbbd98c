// SPDX-License-Identifier: GPL-2.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <sys/mman.h>

#include "log.h"
#include "util.h"

/* Standard error goes to a file that the test can read; cmocka's own output does not pass there. */
struct capture {
	int saved, fd;
	char text[4096];
};

static int begin_capture(void **state)
{
	struct capture *c = calloc(1, sizeof(*c));

	if (!c)
		return -1;
	c->saved = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
	c->fd = memfd_create("stderr", MFD_CLOEXEC);
	*state = c;
	log_set_max_priority(LOG_INFO);
	return dup2(c->fd, STDERR_FILENO) < 0 ? -1 : 0;
}

static int end_capture(void **state)
{
	struct capture *c = *state;

	dup2(c->saved, STDERR_FILENO);
	close(c->saved);
	close(c->fd);
	free(c);
	return 0;
}

static const char *captured(struct capture *c)
{
	ssize_t n = pread(c->fd, c->text, sizeof(c->text) - 1, 0);

	c->text[n > 0 ? n : 0] = '\0';
	return c->text;
}

static void test_lines(void **state)
{
	log_error("queue %s is full", "/q");
	log_notice("percent %d%%", 7);
	assert_string_equal(captured(*state), "<3>queue /q is full\n<5>percent 7%\n");
}

static void test_priority(void **state)
{
	assert_int_equal(log_max_priority(), LOG_INFO);
	log_debug("not shown");
	log_info("shown");
	log_set_max_priority(LOG_ERR);
	log_warning("not shown");
	assert_int_equal(log_warning_errno(ENOENT, "not shown"), -ENOENT);
	log_set_max_priority(LOG_DEBUG);
	log_debug("shown");
	assert_string_equal(captured(*state), "<6>shown\n<7>shown\n");
}

static void test_errno(void **state)
{
	errno = EEXIST;
	assert_int_equal(log_error_errno(-ENOENT, "opening: %m"), -ENOENT);
	assert_int_equal(log_error_errno(EACCES, "opening: %m"), -EACCES);
	log_info("errno is kept: %m");
	assert_int_equal(errno, EEXIST);
	assert_string_equal(captured(*state), "<3>opening: No such file or directory\n"
					      "<3>opening: Permission denied\n"
					      "<6>errno is kept: File exists\n");
}

static void test_one_event_one_line(void **state)
{
	log_info("a\nb\tc\x1b[31m \\n \xff");
	assert_string_equal(captured(*state), "<6>a\\nb\\tc\\x1b[31m \\n \\xff\n");
}

static void test_long_line(void **state)
{
	char text[3001];

	memset(text, 'x', 3000);
	text[3000] = '\0';
	log_info("%s", text);
	assert_int_equal(strlen(captured(*state)), 3000 + strlen("<6>\n"));
}

static void test_terminal(void **state)
{
	struct capture *c = *state;
	int terminal = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC), slave;
	ssize_t n;

	if (terminal < 0 || grantpt(terminal) < 0 || unlockpt(terminal) < 0)
		skip();
	slave = open(ptsname(terminal), O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (slave < 0 || dup2(slave, STDERR_FILENO) < 0)
		skip();
	log_warning("hello");
	dup2(c->fd, STDERR_FILENO);
	n = read(terminal, c->text, sizeof(c->text));
	assert_int_equal(n, strlen("hello\r\n"));
	assert_memory_equal(c->text, "hello\r\n", (size_t)n);
	close(slave);
	close(terminal);
}

static void test_limit(_unused_ void **state)
{
	struct log_limit limit = {.lines_max = 3};
	uint64_t start = 1000 * NSEC_PER_SEC, missed = 99;

	for (uint64_t i = 0; i < 10; i++) {
		assert_int_equal(log_limit_pass(&limit, start + i * NSEC_PER_SEC, &missed), i < 3);
		assert_int_equal(missed, 0);
	}
	assert_false(log_limit_pass(&limit, start + 60 * NSEC_PER_SEC - 1, &missed));
	assert_true(log_limit_pass(&limit, start + 60 * NSEC_PER_SEC, &missed));
	assert_int_equal(missed, 8);
	assert_true(log_limit_pass(&limit, start + 61 * NSEC_PER_SEC, &missed));
	assert_int_equal(missed, 0);
}

static void test_limited_lines(void **state)
{
	struct log_limit limit = {.lines_max = 2};

	errno = EEXIST;
	for (int i = 0; i < 5; i++)
		assert_int_equal(log_limited_errno(&limit, LOG_WARNING, ENOENT, "%d: %m", i),
				 -ENOENT);
	assert_int_equal(log_limited_errno(&limit, LOG_DEBUG, ENOENT, "not shown"), -ENOENT);
	assert_int_equal(limit.missed, 3);
	/* as if a minute had passed */
	limit.since_ns -= 60 * NSEC_PER_SEC;
	log_limited_errno(&limit, LOG_WARNING, -ENOENT, "again");
	assert_int_equal(errno, EEXIST);
	assert_string_equal(captured(*state),
			    "<4>0: No such file or directory\n<4>1: No such file or directory\n"
			    "<4>3 lines like the next were not written: too many at once\n"
			    "<4>again\n");
}

/* Each place has a bound of its own. */
static void test_limited_places(void **state)
{
	char expected[4096] = "";

	for (int i = 0; i < 12; i++) {
		log_warning_errno_limited(-EIO, "one");
		log_warning_errno_limited(-EIO, "two");
		strcat(expected, i < 10 ? "<4>one\n<4>two\n" : "");
	}
	assert_string_equal(captured(*state), expected);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_lines, begin_capture, end_capture),
		cmocka_unit_test_setup_teardown(test_priority, begin_capture, end_capture),
		cmocka_unit_test_setup_teardown(test_errno, begin_capture, end_capture),
		cmocka_unit_test_setup_teardown(test_one_event_one_line, begin_capture,
						end_capture),
		cmocka_unit_test_setup_teardown(test_long_line, begin_capture, end_capture),
		cmocka_unit_test_setup_teardown(test_limit, begin_capture, end_capture),
		cmocka_unit_test_setup_teardown(test_limited_lines, begin_capture, end_capture),
		cmocka_unit_test_setup_teardown(test_limited_places, begin_capture, end_capture),
		cmocka_unit_test_setup_teardown(test_terminal, begin_capture, end_capture),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
