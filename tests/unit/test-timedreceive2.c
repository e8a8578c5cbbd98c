// SPDX-License-Identifier: GPL-2.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>

#include "timedreceive2.h"
#include "util.h"

static bool in_symbols(const char *text)
{
	FILE *f = fmemopen((char *)text, strlen(text), "r");
	bool found;

	assert_non_null(f);
	found = timedreceive2_in_symbols(f);
	fclose(f);
	return found;
}

static void test_symbols(_unused_ void **state)
{
	assert_true(in_symbols("0000000000000000 T __x64_sys_mq_timedreceive2\n"));
	assert_true(in_symbols("0000000000000000 A fixed_percpu_data\n"
			       "ffffffff8147a0b0 T __arm64_sys_mq_timedreceive2"));
	assert_true(in_symbols("c0100000 W sys_mq_timedreceive2\n"));
	assert_true(in_symbols("0000000000000000 t __do_sys_mq_timedreceive2\n"));

	assert_false(in_symbols("0000000000000000 T __x64_sys_mq_timedreceive\n"));
	assert_false(in_symbols("0000000000000000 T __x64_sys_mq_timedreceive20\n"));
	assert_false(in_symbols("0000000000000000 T mysys_mq_timedreceive2\n"));
	assert_false(in_symbols("0000000000000000 T __x64mysys_mq_timedreceive2\n"));
	assert_false(in_symbols("0000000000000000 t __x64_sys_mq_timedreceive2\t[livepatch_mq]\n"));
	assert_false(in_symbols("sys_mq_timedreceive2\nsys_mq_timedreceive2 \n T \n\n"));
}

/* A directory like that of tracefs, with so many of the events. */
static int make_directory(char *path, const char *const files[], size_t n)
{
	int fd;

	assert_non_null(mkdtemp(path));
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(fd >= 0);
	mkdirat(fd, "events", 0700);
	mkdirat(fd, "events/syscalls", 0700);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(mkdirat(fd, files[i], 0700), 0);
	return fd;
}

static void remove_directory(const char *path, int fd, const char *const files[], size_t n)
{
	for (size_t i = 0; i < n; i++)
		unlinkat(fd, files[i], AT_REMOVEDIR);
	unlinkat(fd, "events/syscalls", AT_REMOVEDIR);
	unlinkat(fd, "events", AT_REMOVEDIR);
	close(fd);
	rmdir(path);
}

static void test_named(_unused_ void **state)
{
	static const char *const events[] = {"events/syscalls/sys_enter_mq_timedreceive",
					     "events/syscalls/sys_enter_mq_timedreceive2"};
	/* where the events of calls are there and this one is not, symbols are not asked */
	const struct {
		size_t events;
		bool symbol;
		int named;
	} cases[] = {{0, false, 0}, {0, true, 1}, {1, true, 0}, {2, false, 1}};
	char symbols[] = "/tmp/mqwatch-symbols-XXXXXX";
	int fd = mkstemp(symbols);

	assert_true(fd >= 0);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char path[] = "/tmp/mqwatch-tracefs-XXXXXX";
		int tracefs = make_directory(path, events, cases[i].events);

		assert_int_equal(ftruncate(fd, 0), 0);
		if (cases[i].symbol)
			assert_true(pwrite(fd, "0 T sys_mq_timedreceive2\n", 25, 0) == 25);
		else
			assert_true(pwrite(fd, "0 T sys_mq_open\n", 16, 0) == 16);
		assert_int_equal(timedreceive2_named(tracefs, symbols), cases[i].named);
		assert_int_equal(timedreceive2_named(-1, symbols), cases[i].symbol);
		remove_directory(path, tracefs, events, cases[i].events);
	}
	/* a service's sandbox hides them so */
	assert_int_equal(ftruncate(fd, 0), 0);
	assert_int_equal(timedreceive2_named(-1, symbols), -ENODATA);
	close(fd);
	unlink(symbols);
	assert_int_equal(timedreceive2_named(-1, symbols), -ENOENT);
}

static ssize_t refuse(int error)
{
	errno = error;
	return -1;
}

/* The call's checks in their order; the queue it would then read is none of ours. */
static ssize_t right(mqd_t mqd, struct mq_timedreceive2_args *args, unsigned int flags,
		     unsigned long index, const struct __kernel_timespec *timeout)
{
	if (flags & ~MQ_PEEK || (index && !(flags & MQ_PEEK)))
		return refuse(EINVAL);
	if (!args)
		return refuse(EFAULT);
	if (timeout && (timeout->tv_nsec < 0 || timeout->tv_nsec >= 1000000000))
		return refuse(EINVAL);
	if (fcntl(mqd, F_GETFL) >= 0) {
		struct stat st;

		/* what it is given must be a pipe that nobody else has, and empty */
		if (fstat(mqd, &st) < 0 || !S_ISFIFO(st.st_mode) || read(mqd, &st, 1) != -1)
			return 0;
	}
	return refuse(EBADF);
}

static ssize_t missing(mqd_t mqd, struct mq_timedreceive2_args *args, unsigned int flags,
		       unsigned long index, const struct __kernel_timespec *timeout)
{
	return refuse(ENOSYS);
}

/* As one that was posted: unknown flags and an index without MQ_PEEK are no error to it. */
static ssize_t lenient(mqd_t mqd, struct mq_timedreceive2_args *args, unsigned int flags,
		       unsigned long index, const struct __kernel_timespec *timeout)
{
	return args ? refuse(EBADF) : refuse(EFAULT);
}

static ssize_t takes_descriptors(mqd_t mqd, struct mq_timedreceive2_args *args, unsigned int flags,
				 unsigned long index, const struct __kernel_timespec *timeout)
{
	return mqd >= 0 ? 0 : right(mqd, args, flags, index, timeout);
}

/* It is called once, though a right answer to that is followed by others. */
static ssize_t ends_caller(mqd_t mqd, struct mq_timedreceive2_args *args, unsigned int flags,
			   unsigned long index, const struct __kernel_timespec *timeout)
{
	raise(SIGKILL);
	return refuse(EINVAL);
}

static ssize_t filtered(mqd_t mqd, struct mq_timedreceive2_args *args, unsigned int flags,
			unsigned long index, const struct __kernel_timespec *timeout)
{
	raise(SIGSYS);
	return refuse(EINVAL);
}

static ssize_t denied(mqd_t mqd, struct mq_timedreceive2_args *args, unsigned int flags,
		      unsigned long index, const struct __kernel_timespec *timeout)
{
	return refuse(EPERM);
}

static void test_answers(_unused_ void **state)
{
	static const struct {
		timedreceive2_fn call;
		const char *reason;
	} wrong[] = {
		{missing, "Function not implemented"},
		{lenient, "Bad address"},
		{takes_descriptors, "it did something"},
		{ends_caller, "it ended the caller"},
		{filtered, "seccomp"},
		{denied, "seccomp"},
	};
	char reason[256] = "";

	assert_int_equal(timedreceive2_try(right, reason, sizeof(reason)), 0);
	assert_string_equal(reason, "");
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		assert_int_equal(timedreceive2_try(wrong[i].call, reason, sizeof(reason)),
				 -EOPNOTSUPP);
		if (!strstr(reason, wrong[i].reason))
			fail_msg("%s: %s expected", reason, wrong[i].reason);
	}
}

/* Some that start programs have SIGCHLD ignored, and children leave no status behind. */
static void test_children_ignored(_unused_ void **state)
{
	char reason[256];

	signal(SIGCHLD, SIG_IGN);
	assert_int_equal(timedreceive2_try(right, reason, sizeof(reason)), 0);
	assert_ptr_equal(signal(SIGCHLD, SIG_DFL), SIG_IGN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_symbols),
		cmocka_unit_test(test_named),
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_children_ignored),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
