// SPDX-License-Identifier: GPL-2.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "status.h"
#include "util.h"

static void assert_line(const struct status *s, const char *expected)
{
	_cleanup_free_ char *line = status_line(s);

	assert_non_null(line);
	assert_string_equal(line, expected);
}

static void test_healthy(_unused_ void **state)
{
	struct status s = {
		.probe_mode = "fentry",
		.peek_backend = "bpf",
		.peek_note = "no such call",
		.queues = 12,
		.queues_stalled = 3,
	};

	assert_line(&s, "Watching 12 queues, 3 stalled; probes fentry, peek bpf");
	s.queues = 1;
	s.queues_stalled = 0;
	assert_line(&s, "Watching 1 queue, 0 stalled; probes fentry, peek bpf");
}

static void test_degraded(_unused_ void **state)
{
	struct status s = {
		.probe_mode = "off",
		.peek_backend = "off",
		.probe_reason = "no types",
		.peek_reason = "no rights",
	};

	assert_line(&s, "Watching 0 queues, 0 stalled; probes off, peek off; "
			"degraded: no probes: no types, no peek: no rights");
	s.mqueue_reason = "not mounted";
	s.web_reason = "port taken";
	s.control_reason = "no directory";
	s.config_bad = true;
	assert_line(&s,
		    "Watching 0 queues, 0 stalled; probes off, peek off; "
		    "the new configuration is bad, the old one stays in force; "
		    "degraded: no queues: not mounted, no probes: no types, no peek: no rights, "
		    "no metrics at port taken, no control socket: no directory");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_healthy),
		cmocka_unit_test(test_degraded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
