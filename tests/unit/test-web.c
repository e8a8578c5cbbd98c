// SPDX-License-Identifier: GPL-2.0-or-later
#include "http-client.h"

#include "web.h"

struct fixture {
	sd_event *event;
	struct http_server *server;
	struct web web;
	struct status status;
	int error;
	int fd;
};

static int op_metrics(void *data, struct text *out)
{
	struct fixture *f = data;

	text_append(out, "mqwatch_queues 1\n");
	return f->error;
}

static int op_status(void *data, struct status *ret)
{
	struct fixture *f = data;

	*ret = f->status;
	return f->error;
}

static const struct web_ops ops = {.metrics = op_metrics, .status = op_status};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct sockaddr_in addr;

	*state = f;
	f->web = (struct web){.ops = &ops, .data = f};
	f->status = (struct status){.version = "1.0",
				    .mqueue_source = "/dev/mqueue",
				    .peek_backend = "bpf",
				    .probe_mode = "tracepoint",
				    .queues = 3,
				    .queues_max = 1024};
	assert_int_equal(sd_event_new(&f->event), 0);
	assert_int_equal(
		http_server_new(&f->server, f->event, listen_loopback(&addr), web_handle, &f->web),
		0);
	f->fd = client_connect(&addr);
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	close(f->fd);
	http_server_free(f->server);
	sd_event_unref(f->event);
	free(f);
	return 0;
}

static void assert_get(struct fixture *f, const char *path, unsigned int status, const char *type,
		       const char *part)
{
	struct reply r = client_get(f->event, f->fd, path);

	assert_int_equal(r.status, status);
	assert_non_null(strstr(r.head, type));
	if (!strstr(r.body, part))
		fail_msg("\"%s\" does not say \"%s\"", r.body, part);
	reply_done(&r);
}

static void test_metrics(void **state)
{
	struct fixture *f = *state;

	assert_get(f, "/metrics", 200, "Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n",
		   "mqwatch_queues 1\n");
	assert_get(f, "/metrics?x=1", 200, "version=0.0.4", "mqwatch_queues 1\n");
	f->error = -EIO;
	assert_get(f, "/metrics", 500, "text/plain", "Input/output error\n");
}

static void test_health(void **state)
{
	struct fixture *f = *state;

	assert_get(f, "/-/healthy", 200, "text/plain", "Healthy.\n");
	assert_get(f, "/-/ready", 200, "text/plain", "Ready.\n");
	/* other parts may be missing */
	f->status.peek_reason = f->status.probe_reason = "no BTF";
	assert_get(f, "/-/ready", 200, "text/plain", "Ready.\n");
	f->status.mqueue_reason = "no mqueue file system";
	assert_get(f, "/-/ready", 503, "text/plain", "Not ready: no mqueue file system\n");
	assert_get(f, "/-/healthy", 200, "text/plain", "Healthy.\n");
	f->error = -EIO;
	assert_get(f, "/-/ready", 503, "text/plain", "Not ready: Input/output error\n");
}

static void test_page(void **state)
{
	struct fixture *f = *state;

	assert_get(f, "/", 200, "Content-Type: text/html; charset=utf-8\r\n", "/dev/mqueue");
	assert_get(f, "/", 200, "text/html", "<td>3 of at most 1024</td>");
	assert_get(f, "/", 200, "text/html", "href=\"/metrics\"");
	f->status.version = "<b>&\"it's\"</b>";
	f->status.mqueue_source = NULL;
	f->status.mqueue_reason = "<script>";
	assert_get(f, "/", 200, "text/html", "&lt;b&gt;&amp;&quot;it&#39;s&quot;&lt;/b&gt;");
	assert_get(f, "/", 200, "text/html", "none <strong>degraded:</strong> &lt;script&gt;");
	f->error = -EIO;
	assert_get(f, "/", 500, "text/plain", "Input/output error\n");
}

static void test_other_paths(void **state)
{
	struct fixture *f = *state;

	assert_get(f, "/metrics/", 404, "text/plain", "/metrics");
	assert_get(f, "/v1/queues", 404, "text/plain", "/metrics");
	assert_get(f, "/%2e%2e/etc/passwd", 404, "text/plain", "/metrics");
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_metrics),
		TEST(test_health),
		TEST(test_page),
		TEST(test_other_paths),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
