// SPDX-License-Identifier: GPL-2.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <mqueue.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "queue.h"
#include "util.h"

static uint64_t reserved(uint64_t messages_limit, uint64_t message_size_limit)
{
	const struct queue_attr attr = {.messages_limit = messages_limit,
					.message_size_limit = message_size_limit};

	return queue_reserved_bytes(&attr);
}

static void test_reserved_bytes(_unused_ void **state)
{
	assert_int_equal(reserved(10, 8192), 10 * 8192 + 10 * (48 + 48));
	assert_int_equal(reserved(1, 1), 1 + 48 + 48);
	/* there are no more tree nodes than priorities */
	assert_int_equal(reserved(32768, 1), 32768 * (1 + 48 + 48));
	assert_int_equal(reserved(32769, 1), 32769 * (1 + 48) + 32768 * 48);
	/* HARD_MSGMAX and HARD_MSGSIZEMAX, the kernel's own bounds */
	assert_true(reserved(65536, 16777216) ==
		    UINT64_C(65536) * 16777216 + 65536 * 48 + 32768 * 48);
}

/* A child's exit status: whether a user who may have so many bytes gets the queue; 2: cannot tell. */
static int try_queue(uint64_t limit)
{
	const struct rlimit bytes = {.rlim_cur = limit, .rlim_max = limit};
	struct mq_attr attr = {.mq_maxmsg = 7, .mq_msgsize = 123};
	mqd_t q;

	if (unshare(CLONE_NEWIPC) < 0 || setrlimit(RLIMIT_MSGQUEUE, &bytes) < 0 ||
	    setresuid(61234, 61234, 61234) < 0)
		return 2;
	q = mq_open("/mqwatch-test", O_RDONLY | O_CREAT | O_EXCL, 0600, &attr);
	if (q < 0)
		return errno == EMFILE ? 1 : 2;
	mq_unlink("/mqwatch-test");
	return 0;
}

static int try_queue_in_child(uint64_t limit)
{
	int status = -1;
	pid_t child = fork();

	if (child == 0)
		_exit(try_queue(limit));
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

/* The running kernel agrees to the byte. */
static void test_kernel_charges_the_same(_unused_ void **state)
{
	uint64_t bytes = reserved(7, 123);

	if (try_queue_in_child(bytes) == 2)
		skip(); /* only root can become a user without queues */
	assert_int_equal(try_queue_in_child(bytes), 0);
	assert_int_equal(try_queue_in_child(bytes - 1), 1);
}

static void test_error_names(_unused_ void **state)
{
	for (size_t i = 0; i < MQW_ERRORS; i++)
		for (size_t j = 0; j < i; j++)
			assert_string_not_equal(mqw_error_names[i], mqw_error_names[j]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reserved_bytes),
		cmocka_unit_test(test_kernel_charges_the_same),
		cmocka_unit_test(test_error_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
