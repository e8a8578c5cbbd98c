// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * spaces [--send] NAMESPACES QUEUES: so many IPC namespaces with so many queues each, until it is killed. Each
 * namespace has a user of its own, as the bytes of all would be too many for one. On SIGUSR1 with value N (see
 * sigqueue(3)) every Nth queue gets one more message, or loses it again.
 */
#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "util.h"

#define FIRST_UID 300000

static void die(const char *what)
{
	fprintf(stderr, "spaces: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void touch(const mqd_t *queues, uint64_t n, uint64_t step, bool fill)
{
	char buffer[8] = "changed";

	for (uint64_t i = 0; i < n; i += step) {
		if (fill)
			mq_send(queues[i], buffer, sizeof(buffer), 1);
		else
			mq_receive(queues[i], buffer, sizeof(buffer), NULL);
	}
}

static uint64_t step_of(const siginfo_t *info)
{
	return info->si_value.sival_int > 0 ? (uint64_t)info->si_value.sival_int : 1;
}

/* Writes a byte to ready when all queues are there, and after each change. */
static void run_space(uint64_t number, uint64_t n, bool send, int ready)
{
	struct mq_attr attr = {.mq_maxmsg = 2, .mq_msgsize = 8};
	mqd_t *queues = calloc(n, sizeof(*queues));
	bool fill = true;
	siginfo_t info;
	sigset_t set;

	if (!queues || unshare(CLONE_NEWIPC) < 0 ||
	    setresuid(FIRST_UID + number, FIRST_UID + number, FIRST_UID + number) < 0)
		die("namespace");
	/* not before: a change of users forgets it */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (uint64_t i = 0; i < n; i++) {
		char name[64];

		snprintf(name, sizeof(name), "/bench-queue-%03u", (unsigned int)i);
		queues[i] = mq_open(name, O_RDWR | O_CREAT | O_EXCL | O_NONBLOCK, 0600, &attr);
		if (queues[i] < 0)
			die(name);
		if (send && mq_send(queues[i], "payload", 8, 0) < 0)
			die("mq_send");
	}
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	for (;;) {
		if (write(ready, "", 1) != 1 || sigwaitinfo(&set, &info) < 0)
			die("ready");
		touch(queues, n, step_of(&info), fill);
		fill = !fill;
	}
}

static void await(int ready, uint64_t n)
{
	char byte;

	while (n && read(ready, &byte, 1) == 1)
		n--;
	if (n)
		exit(1);
	puts("ready");
	fflush(stdout);
}

int main(int argc, char *argv[])
{
	bool send = argc > 1 && strcmp(argv[1], "--send") == 0;
	struct rlimit files = {65536, 65536};
	uint64_t namespaces, queues;
	int ready[2];
	siginfo_t info;
	pid_t *children;
	sigset_t set;

	if (argc != 3 + send || parse_u64(argv[1 + send], 1, 1000, &namespaces) < 0 ||
	    parse_u64(argv[2 + send], 1, 65536, &queues) < 0) {
		fputs("Usage: spaces [--send] NAMESPACES QUEUES\n", stderr);
		return 2;
	}
	setrlimit(RLIMIT_NOFILE, &files);
	children = calloc(namespaces, sizeof(*children));
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	if (!children || pipe2(ready, O_CLOEXEC) < 0 || sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		die("start");
	for (uint64_t i = 0; i < namespaces; i++) {
		children[i] = fork();
		if (children[i] < 0)
			die("fork");
		if (children[i] == 0)
			run_space(i, queues, send, ready[1]);
	}
	close(ready[1]);
	for (;;) {
		await(ready[0], namespaces);
		if (sigwaitinfo(&set, &info) < 0)
			die("sigwaitinfo");
		for (uint64_t i = 0; i < namespaces; i++)
			sigqueue(children[i], SIGUSR1, info.si_value);
	}
}
