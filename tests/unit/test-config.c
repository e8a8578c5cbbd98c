// SPDX-License-Identifier: GPL-2.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "config-attempt.h"

#define ARGUMENTS_MAX 16

/* Arguments up to NULL. They always name a file, so that the machine's own is never read. */
static struct attempt parse_command_line(const char *first, ...)
{
	char *argv[ARGUMENTS_MAX + 2] = {(char *)"mqwatchd"};
	struct attempt a = {.action = CONFIG_RUN};
	const char *argument = first;
	size_t size;
	FILE *err = open_memstream(&a.errors, &size);
	int argc = 1;
	va_list ap;

	va_start(ap, first);
	for (; argument; argument = va_arg(ap, const char *)) {
		assert_true(argc <= ARGUMENTS_MAX);
		argv[argc++] = (char *)argument;
	}
	va_end(ap);
	a.result = config_parse(argc, argv, err, &a.action, &a.config);
	fclose(err);
	return a;
}

/* A temporary file with the given content; the caller unlinks and frees its path. */
static char *write_file(const void *data, size_t size)
{
	char *path = strdup("/tmp/mqwatch-test-config-XXXXXX");
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, data, size), size);
	close(fd);
	return path;
}

static void remove_file(char **path)
{
	unlink(*path);
	free(*path);
}

#define _cleanup_file_ _cleanup_(remove_file)

static void test_defaults(_unused_ void **state)
{
	_cleanup_attempt_ struct attempt empty = parse_ini("");
	_cleanup_attempt_ struct attempt none = parse_command_line("--config=/dev/null", NULL);

	assert_int_equal(empty.result, 0);
	assert_defaults(empty.config);
	assert_int_equal(none.result, 0);
	assert_int_equal(none.action, CONFIG_RUN);
	assert_defaults(none.config);
}

static void test_every_key(_unused_ void **state)
{
	_cleanup_attempt_ struct attempt a =
		parse_ini("# all of them\n"
			  "[web]\nlisten-address=[::1]:80\nlisten-address = :9090 ; comment\n"
			  "[control]\n\tsocket = /tmp/s\r\ngroup=wheel\n"
			  "[mqueue]\npath=/mnt/mq\n"
			  "[queues]\nmax=65536\n"
			  "[probe]\nmode=tracepoint\n"
			  "; again\n  [peek]\n  mode=off\n  payload-max=0\n  buffer-max=1G\n"
			  "[log]\nlevel=debug");

	assert_string_equal(a.errors, "");
	assert_int_equal(a.result, 0);
	assert_int_equal(list_length(a.config->web_listen), 2);
	assert_string_equal(a.config->web_listen[0], "[::1]:80");
	assert_string_equal(a.config->web_listen[1], ":9090");
	assert_string_equal(a.config->control_socket, "/tmp/s");
	assert_string_equal(a.config->control_group, "wheel");
	assert_string_equal(a.config->mqueue_path, "/mnt/mq");
	assert_int_equal(a.config->queues_max, 65536);
	assert_int_equal(a.config->probe, PROBE_TRACEPOINT);
	assert_int_equal(a.config->peek, PEEK_OFF);
	assert_int_equal(a.config->peek_payload_max, 0);
	assert_int_equal(a.config->peek_buffer_max, 1073741824);
	assert_int_equal(a.config->log_priority, LOG_DEBUG);
}

static void test_every_flag(_unused_ void **state)
{
	_cleanup_attempt_ struct attempt a = parse_command_line(
		"--config=/dev/null", "--web.listen-address=localhost:1", "--web.listen-address",
		":2", "--control.socket=", "--control.group=adm", "--mqueue.path=/mnt",
		"--queues.max=1", "--probe=off", "--peek=bpf", "--peek.payload-max=16M",
		"--peek.buffer-max=1M", "--log.level=error", NULL);

	assert_string_equal(a.errors, "");
	assert_int_equal(a.result, 0);
	assert_int_equal(list_length(a.config->web_listen), 2);
	assert_string_equal(a.config->web_listen[0], "localhost:1");
	assert_string_equal(a.config->web_listen[1], ":2");
	assert_string_equal(a.config->control_socket, "");
	assert_string_equal(a.config->control_group, "adm");
	assert_string_equal(a.config->mqueue_path, "/mnt");
	assert_int_equal(a.config->queues_max, 1);
	assert_int_equal(a.config->probe, PROBE_OFF);
	assert_int_equal(a.config->peek, PEEK_BPF);
	assert_int_equal(a.config->peek_payload_max, 16777216);
	assert_int_equal(a.config->peek_buffer_max, 1048576);
	assert_int_equal(a.config->log_priority, LOG_ERR);
}

static void test_precedence(_unused_ void **state)
{
	static const char text[] = "[queues]\nmax=100\n[log]\nlevel=error\n"
				   "[web]\nlisten-address=:1\nlisten-address=:2\n"
				   "[mqueue]\npath=/mnt\n";
	_cleanup_file_ char *path = write_file(text, strlen(text));
	_cleanup_attempt_ struct attempt file = parse_command_line("--config", path, NULL);
	_cleanup_attempt_ struct attempt both =
		parse_command_line("--queues.max=7", "--config", path, "--web.listen-address=:3",
				   "--mqueue.path=", "--queues.max=8", NULL);

	assert_int_equal(file.result, 0);
	assert_int_equal(file.config->queues_max, 100);
	assert_int_equal(list_length(file.config->web_listen), 2);
	assert_string_equal(file.config->control_group, "mqwatch");

	assert_int_equal(both.result, 0);
	assert_int_equal(both.config->queues_max, 8);
	assert_int_equal(both.config->log_priority, LOG_ERR);
	assert_int_equal(list_length(both.config->web_listen), 1);
	assert_string_equal(both.config->web_listen[0], ":3");
	assert_null(both.config->mqueue_path);
}

static void test_no_address(_unused_ void **state)
{
	_cleanup_attempt_ struct attempt none = parse_ini("[web]\nlisten-address=\n");
	_cleanup_attempt_ struct attempt anew =
		parse_ini("[web]\nlisten-address=:1\nlisten-address=\nlisten-address=:2\n");

	assert_int_equal(none.result, 0);
	assert_int_equal(list_length(none.config->web_listen), 0);
	assert_int_equal(anew.result, 0);
	assert_int_equal(list_length(anew.config->web_listen), 1);
	assert_string_equal(anew.config->web_listen[0], ":2");
}

static void test_ini_errors(_unused_ void **state)
{
	static const struct {
		const char *text, *errors;
	} cases[] = {
		{"[queues]\nmax=0\n",
		 "conf:2: max=0: not allowed; expected a number from 1 to 65536\n"},
		{"[queues]\nmax=65537\n",
		 "conf:2: max=65537: not allowed; expected a number from 1 to 65536\n"},
		{"[queues]\nmax=many\x1b\n",
		 "conf:2: max=many\\x1b: not allowed; expected a number from 1 to 65536\n"},
		{"[queues]\nmax=\n",
		 "conf:2: max=: not allowed; expected a number from 1 to 65536\n"},
		{"[peek]\npayload-max=17M\n", "conf:2: payload-max=17M: not allowed; expected a "
					      "size from 0 to 16M (in bytes, or with K, M or "
					      "G)\n"},
		{"[peek]\n\nbuffer-max=1K\n", "conf:3: buffer-max=1K: not allowed; expected a "
					      "size from 1M to 1G (in bytes, or with K, M or "
					      "G)\n"},
		{"[peek]\nmode=on\n",
		 "conf:2: mode=on: not allowed; expected auto, syscall, bpf or off\n"},
		{"[probe]\nmode=Auto\n",
		 "conf:2: mode=Auto: not allowed; expected auto, fentry, tracepoint or off\n"},
		{"[log]\nlevel=7\n", "conf:2: level=7: not allowed; expected error, warning, "
				     "notice, info or debug\n"},
		{"[web]\nlisten-address=localhost\n",
		 "conf:2: listen-address=localhost: not allowed; expected HOST:PORT, "
		 "[IPV6]:PORT, :PORT for all addresses, or nothing for none\n"},
		{"[queues]\nmax=1\n[log]\n[queues]\nmax=2\n",
		 "conf:5: [queues] max= is set a second time\n"},
		{"[mqueue]\npaht=1\n", "conf:2: unknown key paht= in [mqueue]; allowed: path\n"},
		{"[control]\nmode=1\n",
		 "conf:2: unknown key mode= in [control]; allowed: socket, group\n"},
		{"[control]\n=1\n", "conf:2: unknown key = in [control]; allowed: socket, group\n"},
		{"[wep]\nlisten-address=:1\n",
		 "conf:1: unknown section [wep]; allowed: [web], [control], [mqueue], [queues], "
		 "[probe], [peek], [watch], [stall], [recorder], [log]\n"},
		{"[empty]\n",
		 "conf:1: unknown section [empty]; allowed: [web], [control], [mqueue], [queues], "
		 "[probe], [peek], [watch], [stall], [recorder], [log]\n"},
		{"max=1\n", "conf:1: max= stands before the first [section]\n"},
		{"[queues\nmax=x\n", "conf:1: '[queues': the section's closing ] is missing\n"},
		{"[queues] max=1\n",
		 "conf:1: '[queues] max=1': nothing may follow the section's ]\n"},
		{"[queues]\nmax\n",
		 "conf:2: expected key=value, [section], or a comment after ; or #\n"},
		{"[queues]\nmax ;=3\n",
		 "conf:2: expected key=value, [section], or a comment after ; or #\n"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_attempt_ struct attempt a = parse_ini(cases[i].text);

		assert_string_equal(a.errors, cases[i].errors);
		assert_int_equal(a.result, -EINVAL);
	}
}

static void test_all_errors_are_told(_unused_ void **state)
{
	_cleanup_attempt_ struct attempt a =
		parse_ini("[queues]\nmax=x\n[what]\na=b\n[log]\njunk\nlevel=loud\njunk\n[web\n");

	assert_int_equal(a.result, -EINVAL);
	assert_string_equal(
		a.errors,
		"conf:2: max=x: not allowed; expected a number from 1 to 65536\n"
		"conf:3: unknown section [what]; allowed: [web], [control], [mqueue], [queues], "
		"[probe], [peek], [watch], [stall], [recorder], [log]\n"
		"conf:6: expected key=value, [section], or a comment after ; or #\n"
		"conf:7: level=loud: not allowed; expected error, warning, notice, info or debug\n"
		"conf:8: expected key=value, [section], or a comment after ; or #\n"
		"conf:9: '[web': the section's closing ] is missing\n");
}

static uint64_t stall_after(const struct config *c, const char *name)
{
	return config_stall_rules(c, name).after_ns;
}

static void test_patterns(_unused_ void **state)
{
	_cleanup_attempt_ struct attempt a =
		parse_ini("[stall \"/batch-*\"]\nafter=10min\n[stall]\nafter=20s\nadaptive=3\n"
			  "[stall \"/batch-[ab]\"]\n; as fnmatch(3) has it\nafter=500ms\n"
			  "[stall \"/quiet*\"]\nafter=0\n[log]\nlevel=debug\n");

	assert_string_equal(a.errors, "");
	assert_int_equal(a.result, 0);
	assert_int_equal(stall_after(a.config, "other"), 20 * NSEC_PER_SEC);
	assert_int_equal(stall_after(a.config, "batch-z"), 600 * NSEC_PER_SEC);
	assert_int_equal(stall_after(a.config, "batch-a"), 500 * NSEC_PER_MSEC);
	assert_int_equal(stall_after(a.config, "quiet"), 0);
	assert_int_equal(config_stall_rules(a.config, "batch-a").adaptive, 3);
	assert_int_equal(a.config->log_priority, LOG_DEBUG);
}

static void test_pattern_errors(_unused_ void **state)
{
	static const struct {
		const char *text, *errors;
	} cases[] = {
		{"[stall \"\"]\nafter=1s\n",
		 "conf:1: '[stall \"\"]': expected [stall \"PATTERN\"]\n"},
		{"[stall \"/q]\n", "conf:1: '[stall \"/q]': expected [stall \"PATTERN\"]\n"},
		{"[stall \"/q\" ]\n", "conf:1: '[stall \"/q\" ]': expected [stall \"PATTERN\"]\n"},
		{"[stall \"/q\"]\nadaptive=1\n",
		 "conf:2: unknown key adaptive= in [stall \"/q\"]; allowed: after\n"},
		{"[stall \"/q\"]\nafter=10\n", "conf:2: after=10: not allowed; expected a time "
					       "from 100ms to 7d (with the unit ms, "
					       "s, min, h or d), or 0 for never\n"},
		{"[stall \"/q\"]\nafter=1s\n[stall \"/q\"]\nafter=2s\n",
		 "conf:4: [stall \"/q\"] after= is set a second time\n"},
		{"[watch]\ninterval=99ms\n", "conf:2: interval=99ms: not allowed; expected a time "
					     "from 100ms to 1h (with the unit "
					     "ms, s, min, h or d), or 0 for never\n"},
		{"[web \"/q\"]\n",
		 "conf:1: unknown section [web \"/q\"]; allowed: [web], [control], [mqueue], "
		 "[queues], [probe], [peek], [watch], [stall], [recorder], [log]\n"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_attempt_ struct attempt a = parse_ini(cases[i].text);

		assert_string_equal(a.errors, cases[i].errors);
		assert_int_equal(a.result, -EINVAL);
	}
}

/* inih would read these otherwise than meant, without an error. */
static void test_ini_traps(_unused_ void **state)
{
	_cleanup_attempt_ struct attempt indented = parse_ini("[peek]\nmode=off\n payload-max=1\n");
	_cleanup_attempt_ struct attempt bom = parse_ini("\xef\xbb\xbf[queues]\nmax=1\n");
	_cleanup_attempt_ struct attempt mac = parse_ini("[queues]\r\nmax=1\r\n\r\n");
	char text[1200];

	assert_int_equal(indented.result, 0);
	assert_int_equal(indented.config->peek_payload_max, 1);
	assert_int_equal(bom.result, 0);
	assert_int_equal(bom.config->queues_max, 1);
	assert_int_equal(mac.result, 0);
	assert_int_equal(mac.config->queues_max, 1);

	for (int length = 190; length < 1000; length++) {
		_cleanup_attempt_ struct attempt a = {};
		int begin = snprintf(text, sizeof(text), "[mqueue]\npath=");

		memset(text + begin, 'x', (size_t)length - strlen("path="));
		strcpy(text + begin + length - strlen("path="), "\n");
		a = parse_ini(text);
		if (length <= 198) {
			assert_int_equal(a.result, 0);
			assert_int_equal(strlen(a.config->mqueue_path), length - strlen("path="));
		} else {
			char expected[100];

			snprintf(expected, sizeof(expected),
				 "conf:2: the line has %d bytes; at most 198 are allowed\n",
				 length);
			assert_int_equal(a.result, -EINVAL);
			assert_string_equal(a.errors, expected);
		}
	}

	/* a comment may be as long as it likes */
	memset(text, 'x', 1000);
	text[0] = '#';
	strcpy(text + 1000, "\n[queues]\nmax=9\n");
	bom.result = config_parse_ini(bom.config, "conf", text, stderr);
	assert_int_equal(bom.result, 0);
	assert_int_equal(bom.config->queues_max, 9);
}

static void test_long_values(_unused_ void **state)
{
	_cleanup_attempt_ struct attempt fits = {}, too_long = {};
	char flag[200] = "--control.socket=/", *path = flag + strlen("--control.socket=");

	memset(path + 1, 's', 106);
	fits = parse_command_line("--config=/dev/null", flag, NULL);
	assert_int_equal(fits.result, 0);
	assert_int_equal(strlen(fits.config->control_socket), 107);
	path[107] = 's';
	too_long = parse_command_line("--config=/dev/null", flag, NULL);
	assert_int_equal(too_long.result, -EINVAL);
	assert_non_null(strstr(too_long.errors, "sss: not allowed; expected at most 107 bytes\n"));
}

static void test_addresses(_unused_ void **state)
{
	static const char *const good[] = {":0",
					   ":65535",
					   "0.0.0.0:1",
					   "[::]:80",
					   "[fe80::1%eth0]:1",
					   "example.org:1",
					   "[::ffff:1.2.3.4]:1"};
	static const char *const bad[] = {":",	     ":65536", "10119",	    "::1:80", "[]:1",
					  "[::1]",   "[::1:1", "::1]:1",    "a b:1",  "host:http",
					  "host:+1", "[x]:1",  "http://h:1"};

	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		_cleanup_attempt_ struct attempt a = parse_command_line(
			"--config=/dev/null", "--web.listen-address", good[i], NULL);

		assert_string_equal(a.errors, "");
		assert_string_equal(a.config->web_listen[0], good[i]);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		_cleanup_attempt_ struct attempt a = parse_command_line(
			"--config=/dev/null", "--web.listen-address", bad[i], NULL);

		assert_int_equal(a.result, -EINVAL);
		assert_null(a.config);
	}
}

static void test_file_errors(_unused_ void **state)
{
	static const char with_nul[] = "[queues]\nmax=1\n\0\n";
	static const char utf16[] = "\xff\xfe[\0q\0]\0";
	_cleanup_file_ char *nul = write_file(with_nul, sizeof(with_nul) - 1);
	_cleanup_file_ char *wide = write_file(utf16, sizeof(utf16) - 1);
	_cleanup_free_ char *zeros = calloc(1, (1 << 20) + 1);
	_cleanup_file_ char *huge = write_file(zeros, (1 << 20) + 1);
	const struct {
		const char *path;
		int result;
		const char *error;
	} cases[] = {
		{"/nonexistent/conf", -ENOENT,
		 ": cannot read the configuration: No such file or directory\n"},
		{"/tmp", -EISDIR, ": cannot read the configuration: Is a directory\n"},
		{nul, -EINVAL, ":3: a NUL byte; expected plain text in ASCII or UTF-8\n"},
		{wide, -EINVAL, ":1: a NUL byte; expected plain text in ASCII or UTF-8\n"},
		{huge, -EFBIG, ": cannot read the configuration: File too large\n"},
		{"", -ENOENT, ": cannot read the configuration: No such file or directory\n"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_attempt_ struct attempt a =
			parse_command_line("--config", cases[i].path, NULL);

		assert_int_equal(a.result, cases[i].result);
		assert_null(a.config);
		assert_memory_equal(a.errors, cases[i].path, strlen(cases[i].path));
		assert_string_equal(a.errors + strlen(cases[i].path), cases[i].error);
	}
}

/* In a child, which can stop being root: root reads everything. */
static void test_unreadable_file(_unused_ void **state)
{
	_cleanup_file_ char *path = write_file("", 0);
	_cleanup_attempt_ struct attempt a = {};
	int status = -1;
	pid_t child;

	assert_int_equal(chmod(path, 0), 0);
	child = fork();
	if (child == 0) {
		if (geteuid() == 0 && seteuid(65534) < 0)
			_exit(2);
		a = parse_command_line("--config", path, NULL);
		_exit(a.result != -EACCES ||
		      !strstr(a.errors, ": cannot read the configuration: Permission denied\n"));
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

static void test_command_line_errors(_unused_ void **state)
{
	static const struct {
		const char *argument, *errors;
	} cases[] = {
		{"--queues.max=x",
		 "--queues.max=x: not allowed; expected a number from 1 to 65536\n"},
		{"--queues.max",
		 "--queues.max: a value is missing; expected a number from 1 to 65536\n"},
		{"--config", "--config: a file name is missing\n"},
		{"--help=me", "--help=me: this option takes no value\n"},
		{"--check-config=1", "--check-config=1: this option takes no value\n"},
		{"--mqueu.path=1",
		 "--mqueu.path=1: unknown or ambiguous option; there is --mqueue.path\n"},
		{"--control.sock",
		 "--control.sock: a value is missing; expected at most 107 bytes\n"},
		{"--peek.payload=1\n2", "--peek.payload-max=1\\n2: not allowed; expected a size "
					"from 0 to 16M (in bytes, or with K, M or G)\n"},
		{"--peek.max=1", "--peek.max=1: unknown or ambiguous option; there is --peek, "
				 "--peek.payload-max, --peek.buffer-max\n"},
		{"--control.=1", "--control.=1: unknown or ambiguous option; there is "
				 "--control.socket, --control.group\n"},
		{"-x", "-x: unknown option; --help lists all options\n"},
		{"start", "start: unexpected argument; --help lists all options\n"},
		{"--=", "--=: unknown or ambiguous option; --help lists all options\n"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_attempt_ struct attempt a =
			parse_command_line("--config=/dev/null", cases[i].argument, NULL);

		assert_string_equal(a.errors, cases[i].errors);
		assert_int_equal(a.result, -EINVAL);
		assert_null(a.config);
	}
}

static void test_actions(_unused_ void **state)
{
	static const char text[] = "[queues]\nmax=x\n";
	_cleanup_file_ char *bad = write_file(text, strlen(text));
	_cleanup_attempt_ struct attempt check = {}, both = {}, help = {}, h = {}, version = {};

	check = parse_command_line("--check-config", "--config=/dev/null", NULL);
	assert_int_equal(check.result, 0);
	assert_int_equal(check.action, CONFIG_CHECK);

	both = parse_command_line("--check-config", "--config", bad, "--log.level=x", "--y", NULL);
	assert_int_equal(both.result, -EINVAL);
	assert_non_null(strstr(both.errors, ":2: max=x: not allowed"));
	assert_non_null(strstr(both.errors, "--log.level=x: not allowed"));
	assert_non_null(strstr(both.errors, "--y: unknown or ambiguous option"));

	help = parse_command_line("--config", bad, "--help", NULL);
	assert_int_equal(help.result, 0);
	assert_int_equal(help.action, CONFIG_HELP);
	h = parse_command_line("-h", NULL);
	assert_int_equal(h.action, CONFIG_HELP);
	version = parse_command_line("--version", NULL);
	assert_int_equal(version.result, 0);
	assert_int_equal(version.action, CONFIG_VERSION);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_every_key),
		cmocka_unit_test(test_every_flag),
		cmocka_unit_test(test_precedence),
		cmocka_unit_test(test_no_address),
		cmocka_unit_test(test_ini_errors),
		cmocka_unit_test(test_all_errors_are_told),
		cmocka_unit_test(test_patterns),
		cmocka_unit_test(test_pattern_errors),
		cmocka_unit_test(test_ini_traps),
		cmocka_unit_test(test_long_values),
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_file_errors),
		cmocka_unit_test(test_unreadable_file),
		cmocka_unit_test(test_command_line_errors),
		cmocka_unit_test(test_actions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
