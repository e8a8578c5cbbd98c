// SPDX-License-Identifier: GPL-2.0-or-later
/* manyqueues /PREFIX FROM TO: makes queues of one message each, and sends to and receives from each. */
#include <fcntl.h>
#include <inttypes.h>
#include <mqueue.h>
#include <string.h>

#include "../tools/options.h"

int main(int argc, char *argv[])
{
	struct mq_attr attr = {.mq_maxmsg = 1, .mq_msgsize = 8};
	uint64_t from, to;
	char name[64], buffer[8] = {};

	if (argc != 4)
		die("Usage: manyqueues /PREFIX FROM TO");
	from = number("FROM", argv[2], 0, 1000000);
	to = number("TO", argv[3], from, 1000000);
	for (uint64_t i = from; i < to; i++) {
		mqd_t q;

		snprintf(name, sizeof(name), "%s-%" PRIu64, argv[1], i);
		q = mq_open(name, O_RDWR | O_CREAT | O_EXCL, 0600, &attr);
		if (q < 0 || mq_send(q, buffer, sizeof(buffer), 0) < 0 ||
		    mq_receive(q, buffer, sizeof(buffer), NULL) < 0)
			die("%s: %s", name, strerror(errno));
		mq_close(q);
	}
	return 0;
}
