// SPDX-License-Identifier: GPL-2.0-or-later
/* Into the IPC namespace of processes that do not stay in it. */
#include <fcntl.h>
#include <mqueue.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "enter.h"

static uint32_t ipcns_of(pid_t pid)
{
	char path[64];
	struct stat st;

	snprintf(path, sizeof(path), "/proc/%d/ns/ipc", pid);
	assert_int_equal(0, stat(path, &st));
	return st.st_ino;
}

/* A process in namespace fd, or in a new one; it is there when this returns. */
static pid_t process_in(int fd)
{
	int ready[2];
	pid_t pid;
	char byte;

	assert_int_equal(0, pipe2(ready, O_CLOEXEC));
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if ((fd < 0 ? unshare(CLONE_NEWIPC) : setns(fd, CLONE_NEWIPC)) == 0 &&
		    write(ready[1], "", 1) == 1)
			pause();
		_exit(1);
	}
	close(ready[1]);
	assert_int_equal(1, read(ready[0], &byte, 1));
	close(ready[0]);
	return pid;
}

static void end(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static void test_process_that_left(_unused_ void **state)
{
	uint32_t home = ipcns_of(getpid()), ipcns;
	pid_t other, holder;
	_cleanup_close_ int ns = -1, queue = -1;
	struct entered *entered;
	char path[64];

	if (geteuid() != 0)
		skip();
	other = process_in(-1);
	ipcns = ipcns_of(other);
	snprintf(path, sizeof(path), "/proc/%d/ns/ipc", other);
	ns = open(path, O_RDONLY | O_CLOEXEC);
	holder = process_in(ns);
	assert_int_equal(0, enter_ipcns(&entered, other, ipcns));
	queue = mq_open("/kept", O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600, NULL);
	assert_true(queue >= 0);
	enter_leave(entered);
	end(other);
	close(queue);
	queue = enter_open_queue(other, ipcns, "kept");
	assert_true(queue >= 0);
	assert_int_equal(home, ipcns_of(getpid()));
	close(queue);
	/* this process was never in it */
	queue = enter_open_queue(getpid(), ipcns, "kept");
	assert_true(queue >= 0);
	assert_int_equal(-ENOENT, enter_open_queue(getpid(), ipcns, "other"));
	end(holder);
	/* a namespace that only a descriptor holds is nobody's */
	assert_int_equal(-ESTALE, enter_open_queue(holder, ipcns, "kept"));
	assert_int_equal(home, ipcns_of(getpid()));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_process_that_left),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
