// SPDX-License-Identifier: GPL-2.0-or-later
#include "http-client.h"

#include <curl/curl.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/un.h>

#define BIG (8u << 20)

struct fixture {
	sd_event *event;
	struct http_server *server;
	struct sockaddr_in addr;
	size_t fds; /* before the server */
	unsigned int requests;
};

/* /echo?key=K answers the path and the value; /big many bytes; the rest the path. */
static void handle(const struct http_request *request, struct http_response *response, void *data)
{
	const char *key = http_query(request, "key");
	const char *value = key ? http_query(request, key) : NULL;
	struct fixture *f = data;

	f->requests++;
	response->content_type = "text/plain";
	if (strcmp(request->path, "/big") == 0) {
		response->size = BIG;
		response->body = malloc(BIG);
		for (size_t i = 0; i < BIG; i++)
			response->body[i] = (char)(i * 2654435761u >> 24);
		return;
	}
	assert_true(asprintf(&response->body, "%s|%s|%s", request->method, request->path,
			     value ?: "(none)") > 0);
	response->size = strlen(response->body);
}

static int on_time(_unused_ sd_event_source *s, _unused_ uint64_t usec, _unused_ void *data)
{
	return 0;
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_int_equal(sd_event_new(&f->event), 0);
	/* the loop keeps its timer descriptor */
	assert_int_equal(
		sd_event_add_time_relative(f->event, NULL, CLOCK_MONOTONIC, 0, 1, on_time, NULL),
		0);
	assert_int_equal(run_idle(f->event, 1), 1);
	f->fds = count_fds();
	assert_int_equal(
		http_server_new(&f->server, f->event, listen_loopback(&f->addr), handle, f), 0);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	http_server_free(f->server);
	assert_int_equal(count_fds(), f->fds);
	sd_event_unref(f->event);
	free(f);
	return 0;
}

static void test_get(void **state)
{
	struct fixture *f = *state;
	int fd = client_connect(&f->addr);
	struct reply r = client_get(f->event, fd, "/a");

	assert_int_equal(r.status, 200);
	assert_string_equal(r.body, "GET|/a|(none)");
	assert_non_null(strstr(r.head, "Content-Type: text/plain\r\n"));
	reply_done(&r);
	/* kept alive */
	r = client_get(f->event, fd, "/b");
	assert_string_equal(r.body, "GET|/b|(none)");
	reply_done(&r);
	close(fd);
}

static void test_head(void **state)
{
	struct fixture *f = *state;
	int fd = client_connect(&f->addr);
	struct reply r[2] = {};
	const char *request = "HEAD /big HTTP/1.1\r\nHost: x\r\n\r\n"
			      "HEAD /a HTTP/1.1\r\nHost: x\r\n\r\n";

	client_send(fd, request, strlen(request));
	assert_int_equal(client_receive(f->event, fd, true, r, 2), 2);
	assert_int_equal(r[0].status, 200);
	assert_non_null(strstr(r[0].head, "Content-Length: 8388608\r\n"));
	assert_non_null(strstr(r[1].head, "Content-Length: 14\r\n"));
	reply_done(&r[0]);
	reply_done(&r[1]);
	close(fd);
}

static void test_other_methods(void **state)
{
	static const char *const requests[] = {
		"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbody",
		"PUT /a HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\n",
		"DELETE /a HTTP/1.1\r\nHost: x\r\n\r\n",
		"OPTIONS /a HTTP/1.1\r\nHost: x\r\n\r\n",
		"get /a HTTP/1.1\r\nHost: x\r\n\r\n",
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(requests); i++) {
		int fd = client_connect(&f->addr);
		struct reply r = {};

		client_send(fd, requests[i], strlen(requests[i]));
		assert_int_equal(client_receive(f->event, fd, false, &r, 1), 1);
		assert_int_equal(r.status, 405);
		assert_non_null(strstr(r.head, "\r\nAllow: GET, HEAD\r\n"));
		reply_done(&r);
		close(fd);
	}
	assert_int_equal(f->requests, 0);
}

static void test_decoding(void **state)
{
	static const struct {
		const char *target, *body;
	} cases[] = {
		{"/q%0Anew%20line", "GET|/q\nnew line|(none)"},
		{"/%FF%fe%C3%28", "GET|/\xff\xfe\xc3\x28|(none)"},
		{"/a+b%2Bc%25", "GET|/a+b+c%|(none)"},
		{"/a?key=x&x=1%20%26%3D%FF", "GET|/a|1 &=\xff"},
		{"/a?key=x&x", "GET|/a|"},
		{"/a?key=x&x=", "GET|/a|"},
		{"/a?key=x&y=3", "GET|/a|(none)"},
		{"/a?key=x&x=1&x=2", "GET|/a|1"},
		{"/%3Fkey=x", "GET|/?key=x|(none)"},
	};
	struct fixture *f = *state;
	int fd = client_connect(&f->addr);

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct reply r = client_get(f->event, fd, cases[i].target);

		assert_int_equal(r.status, 200);
		assert_string_equal(r.body, cases[i].body);
		reply_done(&r);
	}
	close(fd);
}

static void test_nul(void **state)
{
	static const struct {
		const char *request;
		size_t size;
	} cases[] = {
#define CASE(target)                                   \
	{"GET " target " HTTP/1.1\r\nHost: x\r\n\r\n", \
	 sizeof("GET " target " HTTP/1.1\r\nHost: x\r\n\r\n") - 1}
		CASE("/queue%00x"), CASE("/%00"),     CASE("/a?limit=1%00"), CASE("/a?%00"),
		CASE("/queue\0x"),  CASE("/queue\0"), CASE("/a?key=x\0y"),   CASE("/a\0?key=x"),
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		int fd = client_connect(&f->addr);
		struct reply r = {};

		client_send(fd, cases[i].request, cases[i].size);
		assert_int_equal(client_receive(f->event, fd, false, &r, 1), 1);
		assert_int_equal(r.status, 400);
		reply_done(&r);
		close(fd);
	}
	assert_int_equal(f->requests, 0);
}

static void test_not_http(void **state)
{
	static const char *const requests[] = {
		"\r\n\r\n\r\n\r\n",
		"GET\r\n\r\n",
		"GET \r\n\r\n",
		"GET /a\r\n\r\n",
		"GET /a HTTP/9.9\r\n\r\n",
		"\x16\x03\x01\x02\x00\x01 tls? \r\n\r\n",
		"GET /a HTTP/1.1\r\nContent-Length: nonsense\r\n\r\n",
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(requests); i++) {
		int fd = client_connect(&f->addr);

		client_send(fd, requests[i], strlen(requests[i]));
		shutdown(fd, SHUT_WR);
		run_idle(f->event, 20);
		close(fd);
	}
	/* a head beyond the limit */
	int fd = client_connect(&f->addr);
	struct reply r = {};
	char *request;

	assert_true(asprintf(&request, "GET /%020000d HTTP/1.1\r\nHost: x\r\n\r\n", 0) > 0);
	client_send(fd, request, strlen(request));
	if (client_receive(f->event, fd, false, &r, 1) == 1)
		assert_in_range(r.status, 400, 499);
	reply_done(&r);
	free(request);
	close(fd);
	fd = client_connect(&f->addr);
	r = client_get(f->event, fd, "/still-there");
	assert_int_equal(r.status, 200);
	reply_done(&r);
	close(fd);
}

static void test_pipelining(void **state)
{
	enum { N = 1000 }; /* more than the server takes in at once */
	struct fixture *f = *state;
	int fd = client_connect(&f->addr);
	struct reply r[N] = {};
	char request[64], expected[64];

	for (int i = 0; i < N; i++)
		client_send(fd, request,
			    (size_t)snprintf(request, sizeof(request),
					     "GET /%d HTTP/1.1\r\nHost: x\r\n\r\n", i));
	shutdown(fd, SHUT_WR);
	assert_int_equal(client_receive(f->event, fd, false, r, N), N);
	for (int i = 0; i < N; i++) {
		snprintf(expected, sizeof(expected), "GET|/%d|(none)", i);
		assert_string_equal(r[i].body, expected);
		reply_done(&r[i]);
	}
	close(fd);
}

static void test_slow(void **state)
{
	static const char request[] = "GET /slow HTTP/1.1\r\nHost: x\r\n\r\n";
	struct fixture *f = *state;
	int slow = client_connect(&f->addr), fast = client_connect(&f->addr);
	struct reply r;

	for (size_t i = 0; i < sizeof(request) - 1; i++) {
		client_send(slow, request + i, 1);
		r = client_get(f->event, fast, "/fast");
		assert_int_equal(r.status, 200);
		reply_done(&r);
	}
	assert_int_equal(client_receive(f->event, slow, false, &r, 1), 1);
	assert_string_equal(r.body, "GET|/slow|(none)");
	reply_done(&r);
	close(slow);
	close(fast);
}

static int connect_small_buffer(const struct sockaddr_in *addr)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0), size = 4096;

	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size)), 0);
	assert_int_equal(connect(fd, (const struct sockaddr *)addr, sizeof(*addr)), 0);
	return fd;
}

static void send_get_big(int fd)
{
	static const char request[] = "GET /big HTTP/1.1\r\nHost: x\r\n\r\n";

	client_send(fd, request, sizeof(request) - 1);
}

static void test_slow_reader(void **state)
{
	struct fixture *f = *state;
	int slow = connect_small_buffer(&f->addr), fast = client_connect(&f->addr);
	struct reply r = {};

	send_get_big(slow);
	run_idle(f->event, 20);
	/* no busy loop while the reader does not read */
	assert_true(run_idle(f->event, 200) <= 1);
	for (int i = 0; i < 100; i++) {
		r = client_get(f->event, fast, "/fast");
		reply_done(&r);
	}
	assert_int_equal(client_receive(f->event, slow, false, &r, 1), 1);
	assert_int_equal(r.size, BIG);
	for (size_t i = 0; i < BIG; i++)
		if (r.body[i] != (char)(i * 2654435761u >> 24))
			fail_msg("byte %zu is wrong", i);
	reply_done(&r);
	close(slow);
	close(fast);
}

static void test_hangup(void **state)
{
	struct fixture *f = *state;
	struct linger reset = {.l_onoff = 1};
	size_t fds;

	run_idle(f->event, 0);
	fds = count_fds();
	for (int i = 0; i < 40; i++) {
		int fd = connect_small_buffer(&f->addr);

		send_get_big(fd);
		if (i % 4)
			run_idle(f->event, 1);
		if (i % 2)
			setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
		close(fd);
	}
	/* half open: closed for writing before and after a request */
	for (int i = 0; i < 4; i++) {
		int fd = client_connect(&f->addr);

		if (i % 2)
			send_get_big(fd);
		shutdown(fd, SHUT_WR);
		run_idle(f->event, 1);
		close(fd);
	}
	run_idle(f->event, 50);
	assert_int_equal(count_fds(), fds);
}

/* Half closed by the client: all it asked for is answered, then the connection goes at once. */
static void test_half_closed(void **state)
{
	static const char *const requests[] = {
		"",
		"GET /a HT",
		"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nx",
		"GET /a HTTP/1.1\r\nHost: x\r\n\r\n",
		"GET /a HTTP/1.1\r\nHost: x\r\n\r\nGET /big HTTP/1.1\r\nHost: x\r\n\r\n"
		"GET /b HTTP/1.1\r\nHost: x\r\n\r\n",
	};
	static const size_t expected[] = {0, 0, 1, 1, 3};
	struct fixture *f = *state;
	size_t fds;

	run_idle(f->event, 0);
	fds = count_fds();
	for (size_t i = 0; i < ARRAY_SIZE(requests); i++) {
		int fd = client_connect(&f->addr);
		struct reply r[4] = {};

		client_send(fd, requests[i], strlen(requests[i]));
		shutdown(fd, SHUT_WR);
		assert_int_equal(client_receive(f->event, fd, false, r, 4), expected[i]);
		for (size_t j = 0; j < 4; j++)
			reply_done(&r[j]);
		close(fd);
		run_idle(f->event, 20);
		assert_int_equal(count_fds(), fds);
	}
}

static void test_idle_does_not_wake(void **state)
{
	struct fixture *f = *state;
	int fd;
	struct reply r;

	run_idle(f->event, 0);
	assert_int_equal(run_idle(f->event, 300), 0);
	fd = client_connect(&f->addr);
	run_idle(f->event, 20);
	assert_int_equal(run_idle(f->event, 300), 0);
	r = client_get(f->event, fd, "/a");
	reply_done(&r);
	run_idle(f->event, 20);
	assert_int_equal(run_idle(f->event, 300), 0);
	close(fd);
	run_idle(f->event, 20);
	assert_int_equal(run_idle(f->event, 300), 0);
}

static void raise_nofile(rlim_t n)
{
	struct rlimit limit;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	limit.rlim_cur = n;
	if (limit.rlim_max < n || setrlimit(RLIMIT_NOFILE, &limit) < 0)
		skip();
}

/* Starts the server anew, under the limit of now. */
static void restart(struct fixture *f)
{
	http_server_free(f->server);
	f->server = NULL;
	assert_int_equal(
		http_server_new(&f->server, f->event, listen_loopback(&f->addr), handle, f), 0);
}

/* What n idle clients do to one that wants an answer, which may have wait_ms. */
static void idle_crowd(struct fixture *f, size_t n, uint64_t wait_ms)
{
	int *crowd = calloc(n, sizeof(int)), fd;
	size_t fds;
	uint64_t start;
	struct reply r;

	run_idle(f->event, 0);
	fds = count_fds();
	for (size_t i = 0; i < n; i++) {
		crowd[i] = client_connect(&f->addr);
		client_send(crowd[i], "GET", i % 4);
	}
	start = now_ms();
	fd = client_connect(&f->addr);
	r = client_get(f->event, fd, "/a");
	assert_int_equal(r.status, 200);
	reply_done(&r);
	assert_true(now_ms() - start < wait_ms);
	close(fd);
	for (size_t i = 0; i < n; i++)
		close(crowd[i]);
	free(crowd);
	run_idle(f->event, 100);
	assert_int_equal(count_fds(), fds);
}

static void test_crowd(void **state)
{
	struct fixture *f = *state;

	raise_nofile(8192);
	restart(f);
	idle_crowd(f, 1000, 500);
}

static void test_crowd_beyond_limit(void **state)
{
	struct fixture *f = *state;

	raise_nofile(200); /* 50 connections */
	restart(f);
	raise_nofile(8192);
	idle_crowd(f, 120, 2500);
}

/* All of them ask at once, the last ones first: nobody is cut off. */
static void test_crowd_asks(void **state)
{
	enum { N = 1000 };
	struct fixture *f = *state;
	int crowd[N];

	raise_nofile(8192);
	restart(f);
	for (int i = 0; i < N; i++)
		crowd[i] = client_connect(&f->addr);
	run_idle(f->event, 10);
	for (int i = N - 1; i >= 0; i--)
		client_send(crowd[i], "GET /a HTTP/1.1\r\nHost: x\r\n\r\n", 28);
	for (int i = 0; i < N; i++) {
		struct reply r = {};

		assert_int_equal(client_receive(f->event, crowd[i], false, &r, 1), 1);
		assert_int_equal(r.status, 200);
		reply_done(&r);
		close(crowd[i]);
	}
	assert_int_equal(f->requests, N);
}

static void test_no_descriptors(void **state)
{
	struct fixture *f = *state;
	int fd = client_connect(&f->addr);
	uint64_t start = now_ms();
	unsigned int wakes = 0;
	struct reply r = {};

	client_send(fd, "GET /a HTTP/1.1\r\nHost: x\r\n\r\n", 28);
	raise_nofile((rlim_t)fd + 1);
	while (now_ms() - start < 350)
		wakes += sd_event_run(f->event, 100000) > 0;
	assert_in_range(wakes, 1, 20);
	raise_nofile(8192);
	assert_int_equal(client_receive(f->event, fd, false, &r, 1), 1);
	reply_done(&r);
	close(fd);
}

/* Replies that nobody reads are given up in favour of new ones. */
static void test_bodies_limit(void **state)
{
	enum { N = 30 }; /* 240 MiB, were all of them kept */
	struct fixture *f = *state;
	int fds[N];
	struct reply r = {};

	for (int i = 0; i < N; i++) {
		fds[i] = connect_small_buffer(&f->addr);
		send_get_big(fds[i]);
		run_idle(f->event, 1);
	}
	assert_int_equal(client_receive(f->event, fds[0], false, &r, 1), 0);
	for (int i = N - 4; i < N; i++) {
		assert_int_equal(client_receive(f->event, fds[i], false, &r, 1), 1);
		assert_int_equal(r.size, BIG);
		reply_done(&r);
	}
	for (int i = 0; i < N; i++)
		close(fds[i]);
}

static void test_free_with_connections(void **state)
{
	struct fixture *f = *state;
	int fds[3];

	for (int i = 0; i < 3; i++)
		fds[i] = connect_small_buffer(&f->addr);
	send_get_big(fds[0]);
	client_send(fds[1], "GET", 3);
	run_idle(f->event, 20);
	http_server_free(f->server);
	f->server = NULL;
	assert_int_equal(run_idle(f->event, 20), 0);
	for (int i = 0; i < 3; i++)
		close(fds[i]);
}

static void test_failure_leaves_descriptor(void **state)
{
	struct fixture *f = *state;
	struct http_server *server = NULL;
	int pipe_fd = open("/dev/null", O_RDONLY | O_CLOEXEC); /* epoll refuses it */
	size_t fds = count_fds();

	assert_true(http_server_new(&server, f->event, pipe_fd, handle, f) < 0);
	assert_null(server);
	assert_int_equal(count_fds(), fds);
	assert_int_equal(close(pipe_fd), 0);
}

struct buffer {
	char data[256];
	size_t size;
};

static size_t collect(char *data, size_t size, size_t n, void *userdata)
{
	struct buffer *b = userdata;

	assert_true(b->size + size * n < sizeof(b->data));
	memcpy(b->data + b->size, data, size * n);
	b->size += size * n;
	return size * n;
}

static void test_unix(void **state)
{
	struct fixture *f = *state;
	char dir[] = "/tmp/test-http.XXXXXX", path[64], reason[256];
	struct http_server *server;
	struct buffer body = {};
	CURLM *multi = curl_multi_init();
	CURL *curl = curl_easy_init();
	long status = 0;
	int fd, running;

	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/sock", dir);
	fd = listen_unix(path, reason, sizeof(reason));
	assert_true(fd >= 0);
	assert_int_equal(http_server_new(&server, f->event, fd, handle, f), 0);
	curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, path);
	curl_easy_setopt(curl, CURLOPT_URL, "http://localhost/v1/%0A%FF?key=n&n=%25");
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, collect);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, &body);
	curl_multi_add_handle(multi, curl);
	do {
		assert_int_equal(curl_multi_perform(multi, &running), CURLM_OK);
		assert_true(sd_event_run(f->event, 1000) >= 0);
	} while (running);
	curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
	assert_int_equal(status, 200);
	assert_string_equal(body.data, "GET|/v1/\n\xff|%");
	curl_multi_remove_handle(multi, curl);
	curl_easy_cleanup(curl);
	curl_multi_cleanup(multi);
	run_idle(f->event, 10);
	http_server_free(server);
	unlink(path);
	rmdir(dir);
}

/* A client whose own address is longer than any Internet one. */
static void test_unix_named_client(void **state)
{
	struct fixture *f = *state;
	struct sockaddr_un name = {.sun_family = AF_UNIX}, addr = name;
	struct http_server *server;
	char reason[256];
	struct reply r;
	int fd, client;

	snprintf(addr.sun_path, sizeof(addr.sun_path), "/tmp/test-http-named.%d", (int)getpid());
	fd = listen_unix(addr.sun_path, reason, sizeof(reason));
	assert_true(fd >= 0);
	assert_int_equal(http_server_new(&server, f->event, fd, handle, f), 0);
	client = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	memset(name.sun_path + 1, 'x', sizeof(name.sun_path) - 1); /* abstract */
	assert_int_equal(bind(client, (struct sockaddr *)&name, sizeof(name)), 0);
	assert_int_equal(connect(client, (struct sockaddr *)&addr, sizeof(addr)), 0);
	r = client_get(f->event, client, "/a");
	assert_int_equal(r.status, 200);
	reply_done(&r);
	close(client);
	run_idle(f->event, 10);
	http_server_free(server);
	unlink(addr.sun_path);
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_get),
		TEST(test_head),
		TEST(test_other_methods),
		TEST(test_decoding),
		TEST(test_nul),
		TEST(test_not_http),
		TEST(test_pipelining),
		TEST(test_slow),
		TEST(test_slow_reader),
		TEST(test_hangup),
		TEST(test_half_closed),
		TEST(test_idle_does_not_wake),
		TEST(test_crowd),
		TEST(test_crowd_beyond_limit),
		TEST(test_crowd_asks),
		TEST(test_no_descriptors),
		TEST(test_bodies_limit),
		TEST(test_free_with_connections),
		TEST(test_failure_leaves_descriptor),
		TEST(test_unix),
		TEST(test_unix_named_client),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
