/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "symbols.h"
#include "timedreceive2.h"
#include "tracefs.h"
#include "util.h"

#define EVENT "events/syscalls/sys_enter_mq_timedreceive2"
/* Where calls have events at all, this one has: any kernel with queues has the call. */
#define OTHER_EVENT "events/syscalls/sys_enter_mq_timedreceive"
#define SYMBOL	    "sys_mq_timedreceive2"

#define TRIAL_SECONDS 5
#define NO_ERROR      127 /* a trial's exit status where the call succeeded */

/* "sys_...", or with the prefix of an architecture: "__x64_sys_...", "__arm64_sys_..." */
static bool is_entry(const char *symbol)
{
	size_t size = strlen(symbol), tail = strlen(SYMBOL);

	if (size < tail || strcmp(symbol + size - tail, SYMBOL) != 0)
		return false;
	return size == tail || (strncmp(symbol, "__", 2) == 0 && symbol[size - tail - 1] == '_');
}

static bool note_entry(const char *symbol, void *found)
{
	return !(*(bool *)found = is_entry(symbol));
}

bool timedreceive2_in_symbols(FILE *symbols)
{
	bool found = false;

	symbols_walk(symbols, note_entry, &found);
	return found;
}

int timedreceive2_named(int tracefs, const char *kallsyms)
{
	bool found;
	FILE *f;
	int c;

	if (tracefs >= 0) {
		if (tracefs_has(tracefs, EVENT))
			return 1;
		if (tracefs_has(tracefs, OTHER_EVENT))
			return 0;
	}
	f = fopen(kallsyms, "re");
	if (!f)
		return -errno;
	/* in a sandbox an empty file may stand for it: that is no kernel without the call */
	c = fgetc(f);
	if (c == EOF) {
		fclose(f);
		return -ENODATA;
	}
	ungetc(c, f);
	found = timedreceive2_in_symbols(f);
	fclose(f);
	return found;
}

/* In the order of the call's checks: flags and index, args, timeout, descriptor. */
static const struct trial {
	unsigned int flags;
	unsigned long index;
	bool args;
	bool timeout; /* an invalid one */
	bool pipe;
	int error; /* due */
} trials[] = {
	{.flags = ~MQ_PEEK, .error = EINVAL},
	{.index = 1, .error = EINVAL},
	{.flags = MQ_PEEK, .error = EFAULT},
	{.flags = MQ_PEEK, .args = true, .timeout = true, .error = EINVAL},
	{.flags = MQ_PEEK, .args = true, .error = EBADF},
	{.flags = MQ_PEEK, .args = true, .pipe = true, .error = EBADF},
};

static int answer(timedreceive2_fn call, const struct trial *t, int pipe)
{
	const struct __kernel_timespec timeout = {.tv_nsec = NSEC_PER_SEC};
	struct mq_timedreceive2_args args = {};
	ssize_t r = call(t->pipe ? pipe : -1, t->args ? &args : NULL, t->flags, t->index,
			 t->timeout ? &timeout : NULL);

	return r == -1 ? errno : NO_ERROR;
}

/* In the child: its exit status is the first wrong answer, or 0. */
static _Noreturn void try_all(timedreceive2_fn call, int pipe)
{
	const struct rlimit no_core = {};

	setrlimit(RLIMIT_CORE, &no_core);
	signal(SIGALRM, SIG_DFL);
	signal(SIGSYS, SIG_DFL);
	alarm(TRIAL_SECONDS);
	for (size_t i = 0; i < ARRAY_SIZE(trials); i++) {
		int error = answer(call, &trials[i], pipe);

		if (error != trials[i].error)
			_exit(error > 0 && error < NO_ERROR ? error : NO_ERROR);
	}
	_exit(0);
}

static int judge(int status, char *reason, size_t size)
{
	int error = WIFEXITED(status) ? WEXITSTATUS(status) : 0;

	if (WIFEXITED(status) && error == 0)
		return 0;
	if ((WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS) || error == EPERM)
		snprintf(
			reason, size,
			"mq_timedreceive2(2) is forbidden here: let the seccomp filter pass system "
			"call %d",
			MQ_TIMEDRECEIVE2_NR);
	else
		snprintf(reason, size,
			 "the kernel has mq_timedreceive2(2), but its system call %d is not that "
			 "(%s): build with MQ_TIMEDRECEIVE2_NR set to its number",
			 MQ_TIMEDRECEIVE2_NR,
			 WIFSIGNALED(status) ? "it ended the caller"
			 : error == NO_ERROR ? "it did something"
					     : strerror(error));
	return -EOPNOTSUPP;
}

int timedreceive2_try(timedreceive2_fn call, char *reason, size_t size)
{
	_cleanup_close_ int reader = -1, writer = -1;
	const struct sigaction reap_not = {.sa_handler = SIG_DFL};
	struct sigaction inherited;
	int fds[2], status, r;
	pid_t child;

	if (pipe2(fds, O_CLOEXEC | O_NONBLOCK) < 0)
		goto failed;
	reader = fds[0];
	writer = fds[1];
	/* whoever started us may have ignored it, and then there is no status to wait for */
	sigaction(SIGCHLD, &reap_not, &inherited);
	child = fork();
	if (child == 0)
		try_all(call, reader);
	r = child;
	while (r > 0 && waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			r = -1;
	sigaction(SIGCHLD, &inherited, NULL);
	if (r > 0)
		return judge(status, reason, size);
failed:
	snprintf(reason, size, "mq_timedreceive2(2) cannot be tried: %s", strerror(errno));
	return -EOPNOTSUPP;
}

int timedreceive2_find(char *reason, size_t size)
{
	_cleanup_close_ int tracefs = tracefs_open();
	int r = timedreceive2_named(tracefs, SYMBOLS_PATH);

	if (r > 0)
		return timedreceive2_try(mq_timedreceive2, reason, size);
	if (r == 0)
		snprintf(reason, size, "this kernel has no mq_timedreceive2(2)");
	else
		snprintf(reason, size,
			 "whether the kernel has mq_timedreceive2(2) cannot be seen in tracefs "
			 "or " SYMBOLS_PATH " (%s)",
			 strerror(-r));
	return -EOPNOTSUPP;
}
