// SPDX-License-Identifier: GPL-2.0-or-later
/* mq_timedreceive2(2) on one queue: receives a message, or looks at the one at INDEX. */
#include <fcntl.h>
#include <mqueue.h>
#include <string.h>

#include "../../kernel/include/mq_timedreceive2.h"
#include "options.h"

int main(int argc, char *argv[])
{
	unsigned long index = argc == 3 ? number("INDEX", argv[2], 0, UINT32_MAX) : 0;
	struct mq_timedreceive2_args args = {};
	unsigned int priority;
	struct mq_attr attr;
	ssize_t size;
	mqd_t queue;

	if (argc != 2 && argc != 3)
		die("Usage: mqreceive2 /QUEUE [INDEX]");
	queue = mq_open(argv[1], O_RDONLY | O_NONBLOCK);
	if (queue < 0 || mq_getattr(queue, &attr) < 0)
		die("%s: %s", argv[1], strerror(errno));
	args.msg_len = (size_t)attr.mq_msgsize;
	args.msg_prio = &priority;
	args.msg_ptr = malloc(args.msg_len);
	if (!args.msg_ptr)
		die("out of memory");
	size = mq_timedreceive2(queue, &args, argc == 3 ? MQ_PEEK : 0, index, NULL);
	if (size < 0)
		die("%s: %s", argv[1], strerror(errno));
	printf("%u:%.*s\n", priority, (int)size, args.msg_ptr);
	return EXIT_SUCCESS;
}
