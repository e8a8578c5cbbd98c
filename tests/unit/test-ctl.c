/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The verbs against a daemon that answers whatever a test tells it to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <locale.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "parse-line.h"

/*
 * What the daemon of a test answers to one request: a document under an HTTP status, the document as it is
 * (RAW), a part of what was promised (CUT), or nothing.
 */
enum { NOTHING, RAW, CUT };
struct reply {
	int status;
	const char *body;
};

struct server {
	char directory[32], path[64];
	pid_t pid;
	int requests; /* the request lines, as they came */
};

static void answer(int fd, const struct reply *reply, int requests)
{
	char request[4096];
	size_t size = 0;
	ssize_t n;

	while ((n = read(fd, request + size, sizeof(request) - 1 - size)) > 0) {
		size += (size_t)n;
		request[size] = '\0';
		if (strstr(request, "\r\n\r\n"))
			break;
	}
	request[strcspn(request, "\r")] = '\0';
	dprintf(requests, "%s\n", request);
	if (reply->status == RAW)
		dprintf(fd, "%s", reply->body);
	else if (reply->status != NOTHING)
		dprintf(fd, "HTTP/1.1 %d x\r\nContent-Length: %zu\r\n\r\n%s",
			reply->status == CUT ? 200 : reply->status,
			strlen(reply->body) + (reply->status == CUT), reply->body);
}

/* Answers one request with each of the replies, then goes away. */
static void server_start(struct server *s, const struct reply replies[], size_t n)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), pipes[2];

	*s = (struct server){.directory = "/tmp/test-ctl.XXXXXX"};
	assert_non_null(mkdtemp(s->directory));
	snprintf(s->path, sizeof(s->path), "%s/socket", s->directory);
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", s->path);
	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(fd, 8), 0);
	assert_int_equal(pipe(pipes), 0);
	s->pid = fork();
	assert_true(s->pid >= 0);
	if (!s->pid) {
		for (size_t i = 0; i < n; i++) {
			int connection = accept(fd, NULL, NULL);

			answer(connection, replies + i, pipes[1]);
			close(connection);
		}
		_exit(0);
	}
	close(fd);
	close(pipes[1]);
	s->requests = pipes[0];
}

static void server_stop(struct server *s)
{
	kill(s->pid, SIGKILL);
	waitpid(s->pid, NULL, 0);
	close(s->requests);
	unlink(s->path);
	rmdir(s->directory);
}

/* Runs a verb; *text is what it printed. */
static int run_verb(const struct server *s, const char *line, char **text)
{
	struct ctl_args args;
	size_t size;
	FILE *out = open_memstream(text, &size);
	int r;

	assert_non_null(out);
	assert_int_equal(parse_line(line, &args), CTL_OK);
	args.socket = s->path;
	r = args.verb->run(&args, out);
	fclose(out);
	return r;
}

static void expect(const char *line, const struct reply replies[], size_t n, int code,
		   const char *output)
{
	_cleanup_free_ char *text = NULL;
	struct server s;
	int r;

	server_start(&s, replies, n);
	r = run_verb(&s, line, &text);
	server_stop(&s);
	assert_int_equal(r, code);
	if (output)
		assert_string_equal(text, output);
}

#define EXPECT(line, code, output, ...)                                     \
	do {                                                                \
		const struct reply _replies[] = {__VA_ARGS__};              \
		expect(line, _replies, ARRAY_SIZE(_replies), code, output); \
	} while (0)

#define ERROR(code) "{\"error\":{\"code\":\"" code "\",\"message\":\"words of the API\"}}\n"

static void test_errors(void **state)
{
	(void)state;
	EXPECT("dump q --ipcns 1", CTL_PERMISSION, "", {403, ERROR("permission_denied")});
	EXPECT("dump q --ipcns 1", CTL_NO_QUEUE, "", {404, ERROR("no_such_queue")});
	EXPECT("dump q --ipcns 1 -f raw", CTL_USAGE, "", {400, ERROR("bad_request")});
	EXPECT("dump q --ipcns 1", CTL_FAILURE, "", {503, ERROR("unavailable")});
	EXPECT("status", CTL_FAILURE, "", {404, ERROR("not_found")});
	EXPECT("status", CTL_FAILURE, "", {500, ""});
	EXPECT("status", CTL_FAILURE, "", {503, "<html>busy</html>"});
	EXPECT("list", CTL_FAILURE, "", {200, "garbage"});
	EXPECT("list", CTL_FAILURE, "", {200, "{\"queues\":[]} and more"});
	EXPECT("list", CTL_FAILURE, "", {200, "{\"queues\":["});
	EXPECT("list", CTL_FAILURE, "", {200, "[]"});
	EXPECT("list", CTL_FAILURE, "", {200, "{\"other\":1}"});
	EXPECT("list", CTL_FAILURE, "", {CUT, "{\"queues\":[]}"});
	EXPECT("list", CTL_FAILURE, "", {NOTHING, ""});
	EXPECT("list", CTL_FAILURE, "", {RAW, "SSH-2.0-OpenSSH_9.2\r\n"});
	EXPECT("dump q --ipcns 1", CTL_FAILURE, NULL,
	       {200, "{\"messages\":[{\"payload\":{\"data\":\"!\"}}]}"},
	       {404, ERROR("no_such_queue")});
}

static void test_no_daemon(void **state)
{
	struct ctl_args args = {};
	_cleanup_free_ char *error = NULL, *longer = NULL;
	struct ctl_query query = {.document = CTL_DOCUMENT_STATUS};
	struct json_object *json;
	struct server s;
	char path[200];

	(void)state;
	server_start(&s, NULL, 0);
	waitpid(s.pid, NULL, 0); /* the socket file stays: connection refused */
	args.socket = s.path;
	assert_int_equal(ctl_get(&args, &query, &json), CTL_NO_DAEMON);
	unlink(s.path);
	assert_int_equal(ctl_client_get(s.path, &query, &json, &error), CTL_NO_DAEMON);
	assert_non_null(strstr(error, s.path));
	assert_non_null(strstr(error, "systemctl start mqwatchd"));
	memset(path, 'x', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	assert_int_equal(ctl_client_get(path, &query, &json, &longer), CTL_USAGE);
	rmdir(s.directory);
	close(s.requests);
}

static void test_socket_permission(void **state)
{
	struct ctl_query query = {.document = CTL_DOCUMENT_STATUS};
	struct server s;
	int status;
	pid_t pid;

	(void)state;
	if (geteuid() != 0)
		skip();
	server_start(&s, NULL, 0);
	assert_int_equal(chmod(s.directory, 0700), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		struct json_object *json;
		char *error = NULL;

		if (setuid(65534) < 0)
			_exit(99);
		_exit(ctl_client_get(s.path, &query, &json, &error));
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	server_stop(&s);
	assert_int_equal(WEXITSTATUS(status), CTL_PERMISSION);
}

/* The request line, and the JSON as it came with nothing escaped anew. */
static void test_request(void **state)
{
	static const struct reply reply = {200, "{\"queue\":\"/q\",\"x\":0.10,\"messages\":[]}\n"};
	const struct ctl_query query = {
		.document = CTL_DOCUMENT_MESSAGES,
		.ipcns = 4026531839,
		.name = "a b/%?\n\xff.",
		.limit = 5,
		.no_payload = true,
	};
	struct json_object *json = NULL;
	_cleanup_free_ char *text = NULL;
	char request[512] = "";
	char *error = NULL;
	struct server s;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	(void)state;
	server_start(&s, &reply, 1);
	assert_int_equal(ctl_client_get(s.path, &query, &json, &error), CTL_OK);
	assert_true(read(s.requests, request, sizeof(request) - 1) > 0);
	server_stop(&s);
	assert_string_equal(request, "GET /v1/queues/4026531839/a%20b%2F%25%3F%0A%FF./"
				     "messages?payload=0&limit=5 HTTP/1.1\n");
	ctl_print_json(out, json);
	fclose(out);
	json_object_put(json);
	assert_string_equal(text, reply.body);
}

#define QUEUE(name, ipcns, messages)                                                      \
	"{\"queue\":\"" name "\",\"ipcns\":" ipcns ",\"messages\":" messages              \
	",\"messages_limit\":10,\"bytes\":null,\"message_size_limit\":64,\"uid\":999999," \
	"\"mode\":\"0600\",\"blocked_senders\":2,\"blocked_receivers\":0,\"stalled\":[]}"

static void test_list(void **state)
{
	static const char queues[] =
		"{\"queues\":[" QUEUE("/b", "1", "10") "," QUEUE("/a\\n", "1", "5") "]}";
	static const char two[] =
		"{\"queues\":[" QUEUE("/b", "1", "10") "," QUEUE("/b", "2", "5") "]}\n";

	(void)state;
	if (ctl_utf8())
		EXPECT("list", CTL_OK,
		       "QUEUE MESSAGES LIMIT FILL       BYTES MSGSIZE OWNER  MODE BLOCKED\n"
		       "/a\\n         5    10  50% ██▌       ?      64 999999 0600 2s 0r\n"
		       "/b          10    10 100% █████     ?      64 999999 0600 2s 0r\n",
		       {200, queues});
	EXPECT("list -n -o messages,queue --sort -messages", CTL_OK,
	       "      10 /b\n       5 /a\\n\n", {200, queues});
	EXPECT("list -n -o messages,queue --sort mode", CTL_OK, "       5 /a\\n\n      10 /b\n",
	       {200, queues});
	EXPECT("list -o ipcns,queue --ipcns 2", CTL_OK, "IPCNS QUEUE\n    2 /b\n", {200, two});
	EXPECT("--json list", CTL_OK, two, {200, two});
	EXPECT("--json list --ipcns 3", CTL_OK, "{\"queues\":[]}\n", {200, two});
	EXPECT("list", CTL_OK, "", {200, "{\"queues\":[]}"});
	EXPECT("list -o nothing", CTL_USAGE, "", {NOTHING, ""});
	EXPECT("list -o queue,", CTL_USAGE, "", {NOTHING, ""});
	EXPECT("list --sort nothing", CTL_USAGE, "", {NOTHING, ""});
}

#define MESSAGES                                                                              \
	"{\"queue\":\"/q\",\"ipcns\":1,\"backend\":\"bpf\",\"consistent\":true,"              \
	"\"taken_at\":1.5,\"messages_total\":3,\"messages\":["                                \
	"{\"index\":0,\"priority\":9,\"size\":5,\"sent_at\":1.5,\"age_seconds\":9.6,"         \
	"\"age_at_least_seconds\":null,\"sender\":{\"pid\":12,\"tid\":12,\"comm\":\"a\\n\"}," \
	"\"payload\":{\"encoding\":\"base64\",\"data\":\"YQBiCv8=\",\"truncated\":false}},"   \
	"{\"index\":1,\"priority\":0,\"size\":900,\"sent_at\":null,\"age_seconds\":null,"     \
	"\"age_at_least_seconds\":42,\"sender\":null,"                                        \
	"\"payload\":{\"encoding\":\"base64\",\"data\":\"eHg=\",\"truncated\":true}}]}\n"

static void test_dump(void **state)
{
	(void)state;
	if (ctl_utf8())
		EXPECT("dump q --ipcns 1", CTL_OK,
		       "/q: 3/10 messages, first 2 with 905 bytes, ipcns 1, backend bpf, "
		       "consistent\n\n"
		       "INDEX PRIORITY SIZE    AGE SENDER\n"
		       "    0        9    5  9.6 s a\\n[12]\n"
		       "00000000  61 00 62 0a ff                                    |a.b..|\n"
		       "00000005\n\n"
		       "    1        0  900 ≥ 42 s -\n"
		       "00000000  78 78                                             |xx|\n"
		       "00000002\n"
		       "… 2 of 900 bytes shown\n",
		       {200, MESSAGES}, {200, QUEUE("/q", "1", "3")});
	EXPECT("dump q --ipcns 1 -f text", CTL_OK, "a\\x00b\\n\\xff\nxx\n", {200, MESSAGES});
	EXPECT("dump q --ipcns 1 -f hex -l 1", CTL_OK,
	       "# message 0, priority 3, 1 bytes\n"
	       "00000000  61                                                |a|\n"
	       "00000001\n",
	       {200, "{\"messages\":[{\"index\":0,\"priority\":3,\"size\":1,\"payload\":"
		     "{\"data\":\"YQ==\",\"truncated\":false}}]}"});
	EXPECT("--json dump q --ipcns 1", CTL_OK, MESSAGES, {200, MESSAGES});
	EXPECT("dump q --ipcns 1 -f text --no-payload", CTL_USAGE, "", {NOTHING, ""});
	/* a daemon that keeps less than a table's default is asked for what it has */
	EXPECT("dump q --ipcns 1", CTL_OK, NULL, {400, ERROR("bad_request")}, {200, MESSAGES},
	       {200, QUEUE("/q", "1", "3")});
	EXPECT("dump q --ipcns 1 --bytes 9", CTL_USAGE, "", {400, ERROR("bad_request")});
}

static void test_dump_raw(void **state)
{
	static const struct reply reply = {200, MESSAGES};
	struct ctl_args args;
	char *text = NULL;
	struct server s;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	(void)state;
	server_start(&s, &reply, 1);
	assert_int_equal(parse_line("dump q --ipcns 1 -f raw", &args), CTL_OK);
	args.socket = s.path;
	assert_int_equal(ctl_dump(&args, out), CTL_OK);
	fclose(out);
	server_stop(&s);
	assert_int_equal(size, 7);
	assert_memory_equal(text, "a\0b\n\xffxx", 7);
	free(text);
}

/* A queue that is not in one's own namespace but in one other, or in several. */
static void test_namespaces(void **state)
{
	static const char none[] = "{\"queues\":[]}",
			  one[] = "{\"queues\":[" QUEUE("/q", "1", "3") "]}",
			  two[] = "{\"queues\":[" QUEUE("/q", "1", "3") "," QUEUE("/q", "2",
										  "3") "]}";

	(void)state;
	EXPECT("--json show q", CTL_OK, QUEUE("/q", "1", "3") "\n", {404, ERROR("no_such_queue")},
	       {200, one}, {200, QUEUE("/q", "1", "3")});
	EXPECT("show q", CTL_USAGE, "", {404, ERROR("no_such_queue")}, {200, two});
	EXPECT("show q", CTL_NO_QUEUE, "", {404, ERROR("no_such_queue")}, {200, none});
	EXPECT("show q --ipcns 7", CTL_NO_QUEUE, "", {404, ERROR("no_such_queue")}, {200, one});
}

static void test_show(void **state)
{
	static const char detail[] =
		"{\"queue\":\"/q\",\"ipcns\":1,\"messages\":5,\"messages_limit\":10,\"bytes\":7,"
		"\"counters\":{\"sent\":{\"messages\":3,\"bytes\":7,\"errors\":{\"EAGAIN\":2,"
		"\"EINTR\":0},\"blocked_seconds\":{\"count\":5,\"sum\":0.5,\"buckets\":["
		"{\"le\":0.001,\"count\":0},{\"le\":0.1,\"count\":4},{\"le\":null,\"count\":5}]}},"
		"\"received\":{\"messages\":0,\"bytes\":0,\"errors\":{\"EAGAIN\":0,\"EINTR\":0},"
		"\"blocked_seconds\":{\"count\":0,\"sum\":0,\"buckets\":[{\"le\":0.001,\"count\":0}"
		","
		"{\"le\":0.1,\"count\":0},{\"le\":null,\"count\":0}]}}},"
		"\"calls\":[{\"operation\":\"send\",\"pid\":7,\"tid\":8,\"comm\":\"app\","
		"\"started_at\":1}]}";
	static const struct reply reply = {200, detail};
	_cleanup_free_ char *text = NULL;
	struct server s;

	(void)state;
	server_start(&s, &reply, 1);
	assert_int_equal(run_verb(&s, "show q --ipcns 1", &text), CTL_OK);
	server_stop(&s);
	assert_non_null(strstr(text, "Queue           /q\n"));
	assert_non_null(strstr(text, "5 of 10 (50%)"));
	assert_non_null(strstr(text, "Failed: EAGAIN         2        0\n"));
	assert_null(strstr(text, "EINTR"));
	assert_non_null(strstr(text, "Mean time blocked 100 ms        -\n"));
	if (ctl_utf8())
		assert_non_null(strstr(text, "BLOCKED UP TO SENDS \n"
					     "       100 ms     4 ████████████████████\n"
					     "         more     1 █████\n"));
	assert_non_null(strstr(text, "send       7   8 "));
	assert_non_null(strstr(text, " app "));
}

static void test_status(void **state)
{
	static const struct reply reply = {
		200, "{\"version\":\"1.2\",\"started_at\":1,\"degraded\":true,\"ipcns\":null,"
		     "\"mqueue\":{\"source\":null,\"reason\":\"none\\u001b[31m\"},"
		     "\"peek\":{\"backend\":\"bpf\",\"reason\":null},\"web\":{\"reason\":null},"
		     "\"queues\":3,\"queues_max\":4096,\"queues_dropped\":{\"limit\":0,"
		     "\"denied\":0},\"events_lost\":{\"queues_full\":2,\"call\":1}}"};
	_cleanup_free_ char *text = NULL;
	struct server s;

	(void)state;
	server_start(&s, &reply, 1);
	assert_int_equal(run_verb(&s, "status", &text), CTL_OK);
	server_stop(&s);
	assert_non_null(strstr(text, "Daemon           mqwatchd 1.2\n"));
	assert_non_null(strstr(text, "degraded"));
	assert_non_null(strstr(text, "Queues found in  off: none\\x1b[31m\n"));
	assert_non_null(strstr(text, "Peek             bpf\n"));
	assert_non_null(strstr(text, "Queues dropped   none\n"));
	assert_non_null(strstr(text, "Events lost      2 queues_full, 1 call\n"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_no_daemon),
		cmocka_unit_test(test_socket_permission),
		cmocka_unit_test(test_request),
		cmocka_unit_test(test_list),
		cmocka_unit_test(test_dump),
		cmocka_unit_test(test_dump_raw),
		cmocka_unit_test(test_namespaces),
		cmocka_unit_test(test_show),
		cmocka_unit_test(test_status),
	};

	if (!setlocale(LC_ALL, "C.UTF-8"))
		setlocale(LC_ALL, "");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
