// SPDX-License-Identifier: GPL-2.0-or-later
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "log.h"
#include "passed.h"
#include "util.h"

#define FIRST 3 /* SD_LISTEN_FDS_START */

static void put(int fd, int number)
{
	if (fd == number)
		return;
	if (dup2(fd, number) != number)
		_exit(1);
	close(fd);
}

static int listening(int family)
{
	int fd = socket(family, SOCK_STREAM, 0);

	/* a Unix socket gets an abstract address of its own */
	if (family == AF_UNIX) {
		const struct sockaddr_un none = {.sun_family = AF_UNIX};

		assert_int_equal(bind(fd, (const struct sockaddr *)&none, sizeof(none.sun_family)),
				 0);
	}
	assert_int_equal(listen(fd, 1), 0);
	return fd;
}

/* As the service manager does it, in a child, since the numbers of descriptors are fixed. */
static void in_child(int n, const char *names, void (*test)(void))
{
	char pid[16], count[16];
	int status;
	pid_t child = fork();

	if (child == 0) {
		snprintf(pid, sizeof(pid), "%d", getpid());
		snprintf(count, sizeof(count), "%d", n);
		if (n) {
			setenv("LISTEN_PID", pid, 1);
			setenv("LISTEN_FDS", count, 1);
		}
		if (names)
			setenv("LISTEN_FDNAMES", names, 1);
		log_set_max_priority(-1);
		test();
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

#define require(condition)        \
	do {                      \
		if (!(condition)) \
			_exit(1); \
	} while (0)

static void named(void)
{
	struct passed *passed;
	size_t n;

	put(listening(AF_INET), FIRST);
	put(listening(AF_UNIX), FIRST + 1);
	put(listening(AF_UNIX), FIRST + 2);
	require(passed_take(&passed, &n) == 0 && n == 3);
	require(passed[0].fd == FIRST && passed[0].use == PASSED_CONTROL);
	require(passed[1].fd == FIRST + 1 && passed[1].use == PASSED_METRICS);
	/* no name of ours: by its kind */
	require(passed[2].fd == FIRST + 2 && passed[2].use == PASSED_CONTROL);
	for (size_t i = 0; i < n; i++) {
		require(fcntl(passed[i].fd, F_GETFL) & O_NONBLOCK);
		require(fcntl(passed[i].fd, F_GETFD) & FD_CLOEXEC);
	}
	require(!getenv("LISTEN_FDS"));
	free(passed);
}

static void unusable(void)
{
	struct passed *passed;
	size_t n;

	put(socket(AF_INET, SOCK_STREAM, 0), FIRST);
	put(open("/dev/null", O_RDONLY), FIRST + 1);
	put(listening(AF_INET), FIRST + 2);
	require(passed_take(&passed, &n) == 0 && n == 1);
	require(passed[0].fd == FIRST + 2 && passed[0].use == PASSED_METRICS);
	require(fcntl(FIRST, F_GETFD) < 0 && fcntl(FIRST + 1, F_GETFD) < 0);
	free(passed);
}

static void none(void)
{
	struct passed *passed;
	size_t n;

	require(passed_take(&passed, &n) == 0 && n == 0 && !passed);
}

static void test_named(_unused_ void **state)
{
	in_child(3, "control:metrics:mqwatchd.socket", named);
}

static void test_unusable(_unused_ void **state)
{
	in_child(3, NULL, unusable);
}

static void test_none(_unused_ void **state)
{
	in_child(0, NULL, none);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_named),
		cmocka_unit_test(test_unusable),
		cmocka_unit_test(test_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
