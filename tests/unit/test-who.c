// SPDX-License-Identifier: GPL-2.0-or-later
/* Openers, calls and processes: how what the kernel tells is put together. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "calls.h"
#include "process.h"

#define KEY(n)                         \
	{                              \
		.ino = (n), .ipcns = 1 \
	}

static void test_openers(_unused_ void **state)
{
	struct mqw_opener openers[] = {
		{.key = KEY(2), .file = 3, .pid = 7, .access = MQW_OPEN_WRITE},
		{.key = KEY(1), .file = 1, .pid = 9, .access = MQW_OPEN_READ},
		{.key = KEY(2), .file = 4, .pid = 7, .access = MQW_OPEN_READ},
		{.key = KEY(2), .file = 2, .pid = 5, .access = MQW_OPEN_WRITE},
		/* a descriptor that was inherited */
		{.key = KEY(2), .file = 3, .pid = 8, .access = MQW_OPEN_WRITE},
		{.key = KEY(2), .file = 5, .pid = 8, .access = MQW_OPEN_READ | MQW_OPEN_WRITE},
	};
	const struct mqw_key second = KEY(2), third = KEY(3), zeroth = KEY(0);
	const struct mqw_opener *of;
	size_t n = ARRAY_SIZE(openers), n_of;

	openers_sort(openers, n);
	of = openers_of(openers, n, &second, &n_of);
	assert_int_equal(n_of, 5);
	assert_int_equal(of[0].pid, 5);
	assert_int_equal(of[1].pid, 7);
	assert_int_equal(of[2].pid, 8);
	assert_int_equal(openers_count(of, n_of, MQW_OPEN_READ), 2);
	assert_int_equal(openers_count(of, n_of, MQW_OPEN_WRITE), 3);
	openers_of(openers, n, &third, &n_of);
	assert_int_equal(n_of, 0);
	openers_of(openers, n, &zeroth, &n_of);
	assert_int_equal(n_of, 0);
	openers_sort(NULL, 0);
	openers_of(NULL, 0, &second, &n_of);
	assert_int_equal(n_of, 0);
}

static size_t merge(struct calls *c, uint64_t now, const struct mqw_call *under_way, size_t n,
		    const struct mqw_sleeper *sleepers, size_t n_sleepers, struct open_call **ret)
{
	size_t n_ret;

	free(*ret);
	assert_int_equal(calls_merge(c, now, under_way, n, sleepers, n_sleepers, ret, &n_ret), 0);
	return n_ret;
}

static void test_calls(_unused_ void **state)
{
	const struct mqw_call under_way[] = {
		{.key = KEY(1), .tid = 20, .start_ns = 500, .op = MQW_SEND},
		{.key = KEY(1), .tid = 10, .start_ns = 400, .op = MQW_SEND},
	};
	struct mqw_sleeper sleepers[] = {
		{.key = KEY(1), .tid = 20, .op = MQW_SEND, .switches = 3},
		{.key = KEY(1), .tid = 30, .op = MQW_SEND, .switches = 4},
	};
	_cleanup_(calls_freep) struct calls *c = NULL;
	_cleanup_free_ struct open_call *all = NULL;

	assert_int_equal(calls_new(&c), 0);
	/* one that the probes do not know may just have begun: it is not told of yet */
	assert_int_equal(merge(c, 1000, under_way, 2, sleepers, 2, &all), 2);
	assert_int_equal(all[0].call.tid, 10);
	assert_false(all[0].asleep);
	assert_true(all[1].asleep);
	assert_int_equal(calls_oldest(all, 2, MQW_SEND), 500);
	assert_int_equal(calls_oldest(all, 2, MQW_RECEIVE), 0);
	/* it sleeps on: since it was first seen, at least */
	assert_int_equal(merge(c, 2000, under_way, 2, sleepers, 2, &all), 3);
	assert_int_equal(all[2].call.tid, 30);
	assert_int_equal(all[2].call.start_ns, 1000);
	assert_true(all[2].at_least);
	/* the same thread in another sleep */
	sleepers[1].switches++;
	assert_int_equal(merge(c, 3000, under_way, 2, sleepers, 2, &all), 2);
	assert_int_equal(merge(c, 4000, under_way, 2, sleepers, 2, &all), 3);
	assert_int_equal(all[2].call.start_ns, 3000);
	/* without probes there is no other word on it */
	assert_int_equal(merge(c, 5000, NULL, 0, sleepers, 1, &all), 1);
	assert_int_equal(all[0].call.start_ns, 5000);
	assert_int_equal(merge(c, 6000, NULL, 0, NULL, 0, &all), 0);
}

#define ID "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static void test_cgroup(_unused_ void **state)
{
	static const struct {
		const char *text, *unit, *container;
	} cases[] = {
		{"0::/system.slice/app.service\n", "app.service", ""},
		{"0::/user.slice/user-1000.slice/user@1000.service/app.slice/run-1.scope\n",
		 "run-1.scope", ""},
		{"0::/system.slice/docker-" ID ".scope\n", "", ID},
		{"0::/docker/" ID "\n", "", ID},
		{"0::/kubepods.slice/kubepods-pod1.slice/cri-containerd-" ID ".scope\n", "", ID},
		{"0::/system.slice/docker.service/" ID "/nested\n", "docker.service", ID},
		{"12:cpu:/other.service\n1:name=systemd:/system.slice/old.service\n0::/\n",
		 "old.service", ""},
		{"0::/x" ID ".scope\n", "x" ID ".scope", ""},
		{"0::/.service\n", "", ""},
		{"0::/", "", ""},
		{"", "", ""},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct process p = {.unit = "left", .container = "over"};

		process_parse_cgroup(cases[i].text, &p);
		assert_string_equal(p.unit, cases[i].unit);
		assert_string_equal(p.container, cases[i].container);
	}
}

static void test_start(_unused_ void **state)
{
	uint64_t ticks = 7;

	/* fields by their numbers, as proc(5) counts them */
	assert_int_equal(process_parse_start("1 (a) S 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 "
					     "20 21 4711 23 24\n",
					     &ticks),
			 0);
	assert_int_equal(ticks, 4711);
	/* a name of its own choice */
	assert_int_equal(process_parse_start("1 (a) S 9 9) S 4 5 6 7 8 9 10 11 12 13 14 15 16 17 "
					     "18 19 20 21 12 23",
					     &ticks),
			 0);
	assert_int_equal(ticks, 12);
	assert_int_equal(process_parse_start("1 (a) S 3", &ticks), -EINVAL);
	assert_int_equal(process_parse_start("", &ticks), -EINVAL);
	assert_int_equal(ticks, 12);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_openers),
		cmocka_unit_test(test_calls),
		cmocka_unit_test(test_cgroup),
		cmocka_unit_test(test_start),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
