// SPDX-License-Identifier: GPL-2.0-or-later
/* What the HTTP library hands over, one per line: limit, bytes, payload; then the path. */
#include <sys/socket.h>

#include "../unit/control-fixture.h"
#include "log.h"

/* Without rights no queue is ever found. */
static void start(struct fixture *f)
{
	int fds[2];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, fds) < 0)
		abort();
	*f = (struct fixture){.fd = fds[0], .query = {"limit", "", "bytes", "", "payload", ""}};
	log_set_max_priority(LOG_ERR);
	if (own_queues_new(&f->queues) == 0 && own_queues_add("q", 0, 0, 0) == 0)
		mqfs_set_ipcns(f->queues.fs, 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct fixture f;
	struct control control = {.ops = &ops, .data = &f};
	struct http_request request = {.method = "GET", .query = query, .connection = &f};
	struct http_response response = {.status = 200};
	_cleanup_free_ char *text = strndup((const char *)data, size);
	char *rest = text;

	if (!f.query[0])
		start(&f);
	if (!text)
		abort();
	for (size_t i = 1; i < 6; i += 2)
		f.query[i] = strsep(&rest, "\n");
	request.path = rest ?: "";
	request.fd = f.fd;
	control_handle(&request, &response, &control);
	if (response.size < 2 || response.body[response.size - 1] != '\n')
		abort();
	free(response.body);
	return 0;
}
