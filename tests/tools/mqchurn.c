// SPDX-License-Identifier: GPL-2.0-or-later
/* mqchurn N: makes, sends to, and removes N queues, one after another, under 50 names in turn. */
#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <stdio.h>
#include <string.h>

#include "util.h"

#define NAMES 50

static int churn(uint64_t i)
{
	struct mq_attr attr = {.mq_maxmsg = 2, .mq_msgsize = 16};
	char name[32];
	mqd_t q;

	snprintf(name, sizeof(name), "/churn-%u", (unsigned int)(i % NAMES));
	q = mq_open(name, O_WRONLY | O_CREAT | O_EXCL, 0600, &attr);
	if (q < 0 || mq_send(q, "message", 7, 0) < 0 || mq_unlink(name) < 0 || mq_close(q) < 0)
		return -errno;
	return 0;
}

int main(int argc, char *argv[])
{
	uint64_t n;

	if (argc != 2 || parse_u64(argv[1], 1, UINT32_MAX, &n) < 0) {
		fputs("Usage: mqchurn N\n", stderr);
		return 2;
	}
	for (uint64_t i = 0; i < n; i++) {
		int r = churn(i);

		if (r < 0) {
			fprintf(stderr, "mqchurn: %s\n", strerror(-r));
			return 1;
		}
	}
	return 0;
}
