// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Nanoseconds that a mq_send(3) and mq_receive(3) of one message take in one process, so that
 * nothing sleeps: what a probe adds shows. Prints the median of several rounds.
 */
#include <fcntl.h>
#include <mqueue.h>
#include <stdbool.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "options.h"

#define ROUNDS 9
#define SIZE   64

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000ULL + (uint64_t)t.tv_nsec;
}

static void pairs(mqd_t queue, uint64_t n)
{
	char buffer[SIZE] = {};
	unsigned int priority;

	for (uint64_t i = 0; i < n; i++)
		if (mq_send(queue, buffer, SIZE, 0) < 0 ||
		    mq_receive(queue, buffer, SIZE, &priority) < 0)
			die("mq_send, mq_receive: %s", strerror(errno));
}

/* A system call that no probe is meant for. */
static void others(uint64_t n)
{
	for (uint64_t i = 0; i < n; i++)
		syscall(SYS_getppid);
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

int main(int argc, char *argv[])
{
	struct mq_attr attr = {.mq_maxmsg = 10, .mq_msgsize = SIZE};
	bool other = argc == 3 && !strcmp(argv[2], "getppid");
	double rounds[ROUNDS];
	char name[32];
	mqd_t queue;
	uint64_t n;

	if (argc != 2 && !other)
		die("Usage: mqpair COUNT [getppid]");
	n = number("COUNT", argv[1], 1, 1000000000);
	snprintf(name, sizeof(name), "/mqpair-%d", (int)getpid());
	queue = mq_open(name, O_RDWR | O_CREAT | O_EXCL, 0600, &attr);
	if (queue < 0)
		die("mq_open: %s", strerror(errno));
	mq_unlink(name);
	for (int i = -1; i < ROUNDS; i++) { /* the first warms up */
		uint64_t start = now_ns();

		if (other)
			others(n);
		else
			pairs(queue, n);
		if (i >= 0)
			rounds[i] = (double)(now_ns() - start) / (double)n;
	}
	qsort(rounds, ROUNDS, sizeof(rounds[0]), compare);
	printf("%.1f\n", rounds[ROUNDS / 2]);
	return 0;
}
