// SPDX-License-Identifier: GPL-2.0-or-later
#include <arpa/inet.h>
#include <fcntl.h>
#include <grp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "listen.h"
#include "util.h"

static char dir[] = "/tmp/test-listen.XXXXXX";
static char reason[512];

static int setup(void **state)
{
	*state = NULL;
	return mkdtemp(dir) && chdir(dir) == 0 ? 0 : -1;
}

static int teardown(void **state)
{
	*state = NULL;
	return chdir("/") == 0 ? rmdir(dir) : -1;
}

/* The reason is one line that names the address and says more than that. */
static void assert_reason(const char *address, const char *part)
{
	assert_non_null(strstr(reason, address));
	assert_true(strlen(reason) > strlen(address) + 10);
	assert_null(strchr(reason, '\n'));
	if (!strstr(reason, part))
		fail_msg("\"%s\" does not say \"%s\"", reason, part);
}

static void test_tcp_syntax(void **state)
{
	static const struct {
		const char *address, *part;
	} bad[] = {
		{"", "no port"},
		{"127.0.0.1", "no port"},
		{"localhost", "no port"},
		{"::1", "[::1]:PORT"},
		{"::1:10119", "brackets"},
		{"[::1]", "IPv6 address and a port"},
		{"[::1:10119", "IPv6"},
		{"[]:10119", "IPv6"},
		{"[::1]x:10119", "IPv6"},
		{"127.0.0.1:", "from 0 to 65535"},
		{"127.0.0.1:65536", "from 0 to 65535"},
		{"127.0.0.1:-1", "from 0 to 65535"},
		{"127.0.0.1:+1", "from 0 to 65535"},
		{"127.0.0.1: 80", "from 0 to 65535"},
		{"127.0.0.1:80x", "from 0 to 65535"},
		{"127.0.0.1:http", "from 0 to 65535"},
		{":99999999999999999999", "from 0 to 65535"},
	};

	*state = NULL;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		assert_int_equal(listen_tcp(bad[i].address, reason, sizeof(reason)), -EINVAL);
		assert_reason(bad[i].address, bad[i].part);
	}
}

static uint16_t bound_port(int fd)
{
	struct sockaddr_storage addr;
	socklen_t size = sizeof(addr);

	assert_int_equal(getsockname(fd, (struct sockaddr *)&addr, &size), 0);
	/* the port is at the same place in both families */
	return ntohs(((struct sockaddr_in *)&addr)->sin_port);
}

static void assert_ready(int fd)
{
	int listening = 0;
	socklen_t size = sizeof(listening);

	assert_true(fd >= 0);
	assert_true(fcntl(fd, F_GETFL) & O_NONBLOCK);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &size), 0);
	assert_true(listening);
}

static void test_tcp(void **state)
{
	static const char *const good[] = {"127.0.0.1:0", "localhost:0", ":0", "0.0.0.0:0"};
	struct sockaddr_in addr = {.sin_family = AF_INET};
	int fd, client;

	*state = NULL;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		fd = listen_tcp(good[i], reason, sizeof(reason));
		assert_ready(fd);
		if (strcmp(good[i], "localhost:0") != 0) {
			addr.sin_port = htons(bound_port(fd));
			addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
			client = socket(AF_INET, SOCK_STREAM, 0);
			assert_int_equal(connect(client, (struct sockaddr *)&addr, sizeof(addr)),
					 0);
			close(client);
		}
		close(fd);
	}
}

static void test_tcp_ipv6(void **state)
{
	int fd;

	*state = NULL;
	fd = listen_tcp("[::1]:0", reason, sizeof(reason));
	if (fd == -EADDRNOTAVAIL || fd == -EAFNOSUPPORT) {
		assert_reason("[::1]:0", "address");
		skip();
	}
	assert_ready(fd);
	close(fd);
}

static void test_tcp_taken(void **state)
{
	int fd = listen_tcp("127.0.0.1:0", reason, sizeof(reason));
	char address[32];

	*state = NULL;
	snprintf(address, sizeof(address), "127.0.0.1:%u", bound_port(fd));
	assert_int_equal(listen_tcp(address, reason, sizeof(reason)), -EADDRINUSE);
	assert_reason(address, "taken");
	snprintf(address, sizeof(address), ":%u", bound_port(fd));
	assert_int_equal(listen_tcp(address, reason, sizeof(reason)), -EADDRINUSE);
	assert_reason(address, "taken");
	close(fd);
	fd = listen_tcp(address, reason, sizeof(reason));
	assert_true(fd >= 0);
	close(fd);
}

static void test_tcp_no_address(void **state)
{
	*state = NULL;
	/* TEST-NET-1 */
	assert_int_equal(listen_tcp("192.0.2.1:0", reason, sizeof(reason)), -EADDRNOTAVAIL);
	assert_reason("192.0.2.1:0", "no network interface");
	assert_int_equal(listen_tcp("256.0.0.1:0", reason, sizeof(reason)), -EADDRNOTAVAIL);
	assert_reason("256.0.0.1:0", "cannot find the address");
	assert_int_equal(listen_tcp("no host:0", reason, sizeof(reason)), -EADDRNOTAVAIL);
	assert_reason("no host:0", "cannot find the address");
}

/* Runs f without root's rights. */
static void as_nobody(void (*f)(void))
{
	pid_t pid;
	int status;

	if (geteuid() != 0)
		skip();
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		if (setgroups(0, NULL) < 0 || setgid(65534) < 0 || setuid(65534) < 0)
			_exit(1);
		f();
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

#define check(condition)          \
	do {                      \
		if (!(condition)) \
			_exit(2); \
	} while (0)

static void privileged_port(void)
{
	int fd = open("/proc/sys/net/ipv4/ip_unprivileged_port_start", O_RDONLY);
	char value[16] = "";

	if (fd < 0 || read(fd, value, sizeof(value) - 1) < 0 || strtol(value, NULL, 10) <= 1)
		return;
	check(listen_tcp("127.0.0.1:1", reason, sizeof(reason)) == -EACCES);
	check(strstr(reason, "127.0.0.1:1: no permission"));
}

static void test_tcp_privileged(void **state)
{
	*state = NULL;
	as_nobody(privileged_port);
}

static void test_unix(void **state)
{
	struct stat st;
	mode_t mask = umask(077);
	int fd;

	*state = NULL;
	fd = listen_unix("a/b//c/sock", reason, sizeof(reason));
	umask(mask);
	assert_ready(fd);
	assert_int_equal(stat("a/b/c/sock", &st), 0);
	assert_true(S_ISSOCK(st.st_mode));
	assert_int_equal(st.st_mode & 07777, 0666);
	assert_int_equal(stat("a/b", &st), 0);
	assert_int_equal(st.st_mode & 07777, 0755);

	/* alive */
	assert_int_equal(listen_unix("a/b/c/sock", reason, sizeof(reason)), -EADDRINUSE);
	assert_reason("a/b/c/sock", "another process");
	close(fd);
	/* stale */
	fd = listen_unix("a/b/c/sock", reason, sizeof(reason));
	assert_ready(fd);
	close(fd);
	unlink("a/b/c/sock");
	rmdir("a/b/c");
	rmdir("a/b");
	rmdir("a");
}

static void test_unix_backlog_full(void **state)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX, .sun_path = "busy"};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0), client = -1;

	*state = NULL;
	assert_int_equal(bind(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	assert_int_equal(listen(fd, 0), 0);
	client = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(connect(client, (struct sockaddr *)&addr, sizeof(addr)), 0);
	assert_int_equal(listen_unix("busy", reason, sizeof(reason)), -EADDRINUSE);
	close(client);
	close(fd);
	unlink("busy");
}

static void test_unix_other_type(void **state)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX, .sun_path = "datagrams"};
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);

	*state = NULL;
	assert_int_equal(bind(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	assert_int_equal(listen_unix("datagrams", reason, sizeof(reason)), -EADDRINUSE);
	close(fd);
	unlink("datagrams");
}

static void test_unix_other_file(void **state)
{
	struct stat st;

	*state = NULL;
	close(open("file", O_CREAT | O_WRONLY, 0600));
	assert_int_equal(listen_unix("file", reason, sizeof(reason)), -EEXIST);
	assert_reason("file", "remove it");
	assert_int_equal(stat("file", &st), 0);
	assert_int_equal(symlink("elsewhere", "link"), 0);
	assert_int_equal(listen_unix("link", reason, sizeof(reason)), -EEXIST);
	assert_int_equal(mkdir("directory", 0700), 0);
	assert_int_equal(listen_unix("directory", reason, sizeof(reason)), -EEXIST);
	/* a file where a directory is needed */
	assert_int_equal(listen_unix("file/sock", reason, sizeof(reason)), -ENOTDIR);
	assert_reason("file/sock", "choose");
	unlink("file");
	unlink("link");
	rmdir("directory");
}

static void test_unix_long(void **state)
{
	char path[109];
	int fd;

	*state = NULL;
	memset(path, 'x', sizeof(path));
	path[107] = '\0';
	fd = listen_unix(path, reason, sizeof(reason));
	assert_ready(fd);
	close(fd);
	unlink(path);
	path[107] = 'x';
	path[108] = '\0';
	assert_int_equal(listen_unix(path, reason, sizeof(reason)), -ENAMETOOLONG);
	assert_reason(path, "at most 107");
	assert_int_equal(listen_unix("", reason, sizeof(reason)), -EINVAL);
}

static void forbidden_directory(void)
{
	check(listen_unix("/proc/mqwatch/sock", reason, sizeof(reason)) < 0);
	check(strstr(reason, "cannot make the directory /proc/mqwatch"));
	check(listen_unix("closed/sock", reason, sizeof(reason)) == -EACCES);
	check(strstr(reason, "closed/sock: cannot make the socket"));
	check(listen_unix("closed/stale", reason, sizeof(reason)) == -EACCES);
	check(strstr(reason, "cannot replace the stale socket"));
}

static void test_unix_forbidden(void **state)
{
	*state = NULL;
	assert_int_equal(chmod(".", 0755), 0);
	close(listen_unix("closed/stale", reason, sizeof(reason)));
	as_nobody(forbidden_directory);
	unlink("closed/stale");
	rmdir("closed");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tcp_syntax),
		cmocka_unit_test(test_tcp),
		cmocka_unit_test(test_tcp_ipv6),
		cmocka_unit_test(test_tcp_taken),
		cmocka_unit_test(test_tcp_no_address),
		cmocka_unit_test(test_tcp_privileged),
		cmocka_unit_test(test_unix),
		cmocka_unit_test(test_unix_backlog_full),
		cmocka_unit_test(test_unix_other_type),
		cmocka_unit_test(test_unix_other_file),
		cmocka_unit_test(test_unix_long),
		cmocka_unit_test(test_unix_forbidden),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
