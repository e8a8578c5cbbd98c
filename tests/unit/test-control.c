// SPDX-License-Identifier: GPL-2.0-or-later
#include "peer-socket.h"

#include <json-c/json.h>
#include <sys/mman.h>

#include "control-fixture.h"

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	*state = f;
	f->control = (struct control){.ops = &ops, .data = f};
	f->control_gid = (gid_t)-1;
	f->fd = f->other = -1;
	if (own_queues_new(&f->queues) < 0)
		return 0;
	return own_queues_add("q", 1000, 1000, 0600);
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	own_queues_done(&f->queues);
	close_fd(f->fd);
	close_fd(f->other);
	json_object_put(f->json);
	free(f->response.body);
	free(f);
	return 0;
}

static void need_queues(struct fixture *f)
{
	if (!f->queues.table)
		skip();
}

static void become(struct fixture *f, uid_t uid, gid_t gid, gid_t supplementary)
{
	close_fd(f->fd);
	close_fd(f->other);
	f->fd = peer_socket(uid, gid, &supplementary, 1, &f->other);
}

/* The request as a peer sends it, path decoded; checks what every response has in common. */
static unsigned int request(struct fixture *f, const char *path)
{
	struct http_request r = {
		.method = "GET", .path = path, .fd = f->fd, .query = query, .connection = f};

	json_object_put(f->json);
	free(f->response.body);
	f->response = (struct http_response){.status = 200};
	control_handle(&r, &f->response, &f->control);
	assert_string_equal(f->response.content_type, "application/json");
	assert_non_null(f->response.body);
	assert_true(f->response.size > 1);
	assert_int_equal(f->response.body[f->response.size - 1], '\n');
	f->response.body[f->response.size - 1] = '\0';
	assert_null(strchr(f->response.body, '\n'));
	f->json = json_tokener_parse(f->response.body);
	assert_non_null(f->json);
	return f->response.status;
}

/* Of the queue /name in the test's namespace; rest follows it. */
static unsigned int request_queue(struct fixture *f, const char *name, const char *rest)
{
	char path[1024];

	snprintf(path, sizeof(path), "/v1/queues/%u/%s%s", mqfs_ipcns(f->queues.fs), name, rest);
	return request(f, path);
}

static struct json_object *member(struct fixture *f, const char *key)
{
	struct json_object *value = NULL;

	assert_true(json_object_object_get_ex(f->json, key, &value));
	return value;
}

static void assert_error(struct fixture *f, const char *code, const char *part)
{
	struct json_object *error = member(f, "error"), *value;

	assert_true(json_object_object_get_ex(error, "code", &value));
	assert_string_equal(json_object_get_string(value), code);
	assert_true(json_object_object_get_ex(error, "message", &value));
	if (!strstr(json_object_get_string(value), part))
		fail_msg("\"%s\" does not say \"%s\"", json_object_get_string(value), part);
}

static void test_status(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(request(f, "/v1/status"), 200);
	assert_string_equal(json_object_get_string(member(f, "version")), "1");
}

static void test_no_route(void **state)
{
	static const char *const paths[] = {
		"",
		"/",
		"*",
		"/v1",
		"/v1/",
		"/v1/status/",
		"/v1/statusx",
		"/v1/queues/",
		"/v1/queues/1",
		"/v1/queues/1/",
		"/v1/queues//q",
		"/v1/queues/1/q/",
		"/v1/queues/1/q/messages/",
		"/v1/queues/1/q/messagesx",
		"/v1/queues/1/q/other",
		"/v1/queues/1/a/b/messages",
		"/v1/queues/1//messages",
		"/v1/events",
		"//v1/status",
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		assert_int_equal(request(f, paths[i]), 404);
		assert_error(f, "not_found", "/v1/queues/{ipcns}/{name}/messages");
	}
}

static void test_queues(void **state)
{
	struct fixture *f = *state;

	need_queues(f);
	assert_int_equal(request(f, "/v1/queues"), 200);
	assert_int_equal(json_object_array_length(member(f, "queues")), 1);
	f->refresh_error = -EIO;
	assert_int_equal(request(f, "/v1/queues"), 503);
	assert_error(f, "unavailable", "no mqueue file system");
}

static void test_queue_names(void **state)
{
	static const char *const names[] = {"new\nline",    "\xff\xc3(", ".hidden",
					    "\"quoted\\\"", "messages",	 "status",
					    "%00",	    "a b+c",	 "{name}"};
	struct fixture *f = *state;
	char longest[NAME_MAX + 2];

	need_queues(f);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		assert_int_equal(request_queue(f, names[i], ""), 404);
		assert_error(f, "no_such_queue", "no queue /");
		assert_int_equal(own_queues_add(names[i], 0, 0, 0600), 0);
		assert_int_equal(request_queue(f, names[i], ""), 200);
		assert_string_equal(json_object_get_string(member(f, "messages")), "1");
	}
	memset(longest, 'x', sizeof(longest));
	longest[NAME_MAX + 1] = '\0';
	assert_int_equal(own_queues_add("x", 0, 0, 0600), 0);
	assert_int_equal(request_queue(f, longest, ""), 404);
	longest[NAME_MAX] = '\0';
	assert_int_equal(request_queue(f, longest, ""), 404);
	assert_int_equal(own_queues_add(longest, 0, 0, 0600), 0);
	assert_int_equal(request_queue(f, longest, ""), 200);
}

static void test_namespace(void **state)
{
	static const char *const bad[] = {
		"x", "-1", "4294967296", "+1", "1x", " 1", "111111111111111111111111111111"};
	struct fixture *f = *state;
	char path[128];

	need_queues(f);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		snprintf(path, sizeof(path), "/v1/queues/%s/q", bad[i]);
		assert_int_equal(request(f, path), 400);
		assert_error(f, "bad_request", "from 0 to 4294967295");
	}
	assert_int_equal(request(f, "/v1/queues/1/q"), 404);
	assert_error(f, "no_such_queue", "IPC namespace 1");
}

/* Anyone sees a queue, but the calls under way only who may read it. */
static void test_calls(void **state)
{
	struct fixture *f = *state;
	struct json_object *calls, *value;

	need_queues(f);
	become(f, 1001, 1001, 1001);
	assert_int_equal(request_queue(f, "q", ""), 200);
	assert_string_equal(json_object_get_string(member(f, "uid")), "1000");
	assert_null(member(f, "calls"));
	assert_int_equal(f->calls, 0);
	become(f, 1000, 1001, 1001);
	assert_int_equal(request_queue(f, "q", ""), 200);
	calls = member(f, "calls");
	assert_int_equal(json_object_array_length(calls), 1);
	assert_true(json_object_object_get_ex(json_object_array_get_idx(calls, 0), "comm", &value));
	assert_string_equal(json_object_get_string(value), "reader");
	/* nobody knows who asks */
	close_fd(f->fd);
	f->fd = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(request_queue(f, "q", ""), 200);
	assert_null(member(f, "calls"));
}

static void test_messages_denied(void **state)
{
	struct fixture *f = *state;

	need_queues(f);
	f->control_gid = 77;
	become(f, 1001, 1001, 1000);
	assert_int_equal(request_queue(f, "q", "/messages"), 403);
	assert_error(f, "permission_denied", "root, members of group 77 and");
	assert_error(f, "permission_denied", "user 1000, group 1000, mode 0600");
	f->query[0] = "payload";
	f->query[1] = "0";
	assert_int_equal(request_queue(f, "q", "/messages"), 403);
	close_fd(f->fd);
	f->fd = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(request_queue(f, "q", "/messages"), 403);
	f->fd = close_fd(f->fd);
	assert_int_equal(request_queue(f, "q", "/messages"), 403);
	assert_int_equal(f->snapshots, 0);
}

/* Runs the request for messages of /q and returns what was logged. */
static const char *logged(struct fixture *f, unsigned int status)
{
	static char log[1024];
	int saved = dup(STDERR_FILENO), memory = memfd_create("log", MFD_CLOEXEC);
	ssize_t n;

	assert_true(dup2(memory, STDERR_FILENO) >= 0);
	unsigned int got = request_queue(f, "q", "/messages");
	dup2(saved, STDERR_FILENO);
	close(saved);
	n = pread(memory, log, sizeof(log) - 1, 0);
	assert_true(n >= 0);
	log[n] = '\0';
	close(memory);
	assert_int_equal(got, status);
	return log;
}

static void test_messages(void **state)
{
	struct fixture *f = *state;
	struct json_object *payload, *data;

	need_queues(f);
	become(f, 1000, 1, 1);
	assert_string_equal(logged(f, 200), "");
	assert_string_equal(json_object_get_string(member(f, "queue")), "/q");
	assert_true(json_object_object_get_ex(json_object_array_get_idx(member(f, "messages"), 0),
					      "payload", &payload));
	assert_true(json_object_object_get_ex(payload, "data", &data));
	assert_string_equal(json_object_get_string(data), "c2VjcmV0");
	assert_true(f->request.messages_max == UINT64_MAX);
	assert_int_equal(f->request.payload_max, PAYLOAD_MAX);
}

static void test_messages_privileged(void **state)
{
	struct fixture *f = *state;
	char expected[64];
	const char *log;

	need_queues(f);
	f->control_gid = 77;
	for (int i = 0; i < 2; i++) {
		if (i == 0)
			become(f, 0, 0, 0);
		else
			become(f, 1234, 1234, 77);
		log = logged(f, 200);
		snprintf(expected, sizeof(expected), "by user %d, process %d", i ? 1234 : 0,
			 (int)getpid());
		assert_non_null(strstr(log, expected));
		snprintf(expected, sizeof(expected), "queue /q (IPC namespace %u, user 1000)",
			 mqfs_ipcns(f->queues.fs));
		assert_non_null(strstr(log, expected));
		assert_null(strstr(log, "secret"));
		assert_ptr_equal(strchr(log, '\n'), log + strlen(log) - 1);
	}
	/* what shows no payload, and what fails, leaves no entry */
	f->query[0] = "payload";
	f->query[1] = "0";
	assert_string_equal(logged(f, 200), "");
	assert_int_equal(f->request.payload_max, 0);
	f->query[0] = "bytes";
	assert_string_equal(logged(f, 200), "");
	f->query[0] = NULL;
	f->snapshot_error = -EOPNOTSUPP;
	assert_string_equal(logged(f, 503), "");
}

static void test_query(void **state)
{
	static const struct {
		const char *key, *value, *part;
	} bad[] = {
		{"limit", "", "limit must be a number from 0 to 65536"},
		{"limit", "-1", "limit must be"},
		{"limit", "65537", "limit must be"},
		{"limit", "99999999999999999999", "limit must be"},
		{"limit", "1 ", "limit must be"},
		{"limit", "0x10", "limit must be"},
		{"bytes", "4097", "bytes must be a number from 0 to 4096"},
		{"bytes", "1K", "bytes must be"},
		{"payload", "2", "payload must be a number from 0 to 1"},
		{"payload", "no", "payload must be"},
	};
	struct fixture *f = *state;

	need_queues(f);
	become(f, 1000, 1000, 1000);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		f->query[0] = bad[i].key;
		f->query[1] = bad[i].value;
		assert_int_equal(request_queue(f, "q", "/messages"), 400);
		assert_error(f, "bad_request", bad[i].part);
	}
	assert_int_equal(f->snapshots, 0);
	memcpy(f->query, (const char *[7]){"limit", "2", "bytes", "5", "payload", "1"},
	       sizeof(f->query));
	assert_int_equal(request_queue(f, "q", "/messages"), 200);
	assert_int_equal(f->request.messages_max, 2);
	assert_int_equal(f->request.payload_max, 5);
}

static void test_snapshot_errors(void **state)
{
	static const struct {
		int error;
		unsigned int status;
		const char *code, *part;
	} cases[] = {
		{-ENOENT, 404, "no_such_queue", "no queue /q"},
		{-ESTALE, 404, "no_such_queue", "no queue /q"},
		{-EOPNOTSUPP, 503, "unavailable", "no kernel type information"},
		{-EACCES, 503, "unavailable", "Permission denied"},
		{-ENOMEM, 500, "internal", "out of memory"},
	};
	struct fixture *f = *state;

	need_queues(f);
	become(f, 1000, 1000, 1000);
	assert_int_equal(request_queue(f, "none", "/messages"), 404);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		f->snapshot_error = cases[i].error;
		assert_int_equal(request_queue(f, "q", "/messages"), cases[i].status);
		assert_error(f, cases[i].code, cases[i].part);
	}
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_status),
		TEST(test_no_route),
		TEST(test_queues),
		TEST(test_queue_names),
		TEST(test_namespace),
		TEST(test_calls),
		TEST(test_messages_denied),
		TEST(test_messages),
		TEST(test_messages_privileged),
		TEST(test_query),
		TEST(test_snapshot_errors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
