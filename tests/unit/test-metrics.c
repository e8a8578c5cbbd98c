// SPDX-License-Identifier: GPL-2.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fake-table.h"

#define NS 4026531839
#define Q  "ipcns=\"4026531839\",queue=\"/q\""

#define _cleanup_page_ _cleanup_(text_free)

/* The page, with a NUL at its end. */
static struct text render_quota(struct queue *queues, size_t n, const struct status *status,
				const struct quota *quota)
{
	const struct table table = {.n = n, .queues = queues};
	const struct metrics_input input = {.table = &table,
					    .status = status,
					    .realtime_offset_ns = 1763940000 * NSEC_PER_SEC,
					    .quota = quota,
					    .priorities_max = 2,
					    .scrape_ns = 1500000};
	struct text page = {};

	metrics_render(&page, &input);
	text_append_bytes(&page, "", 1);
	assert_false(page.failed);
	return page;
}

static struct text render(struct queue *queues, size_t n, const struct status *status)
{
	return render_quota(queues, n, status, &fake_quota);
}

static void assert_has(const struct text *page, const char *line)
{
	_cleanup_free_ char *whole = NULL;

	assert_true(asprintf(&whole, "\n%s\n", line) > 0);
	if (!strstr(page->data, whole))
		fail_msg("missing: %s", line);
}

static void assert_has_not(const struct text *page, const char *part)
{
	if (strstr(page->data, part))
		fail_msg("not expected: %s", part);
}

static void test_gauges(_unused_ void **state)
{
	_cleanup_page_ struct text page = {};
	struct queue q;

	fake_queue(&q, NS, "q");
	page = render(&q, 1, &fake_status);
	assert_has(&page, "mqwatch_queue_messages{" Q "} 3");
	assert_has(&page, "mqwatch_queue_bytes{" Q "} 192");
	assert_has(&page, "mqwatch_queue_messages_limit{" Q "} 10");
	assert_has(&page, "mqwatch_queue_message_size_limit_bytes{" Q "} 64");
	assert_has(&page, "mqwatch_queue_reserved_bytes{" Q "} 1600");
	assert_has(&page, "mqwatch_queue_info{" Q ",uid=\"1000\",mode=\"0640\",linked=\"true\"} 1");
	assert_has(&page, "mqwatch_queue_notify_registered{" Q "} 1");
	assert_has(&page, "mqwatch_queue_blocked_senders{" Q "} 2");
	assert_has(&page, "mqwatch_queue_blocked_receivers{" Q "} 1");
	assert_has(&page, "mqwatch_queue_last_send_timestamp_seconds{" Q "} 1763940123.000000003");
	assert_has(&page, "mqwatch_queues{ipcns=\"4026531839\"} 1");
	assert_has(&page, "mqwatch_queues_limit{ipcns=\"4026531839\"} 256");
}

static void test_counters(_unused_ void **state)
{
	_cleanup_page_ struct text page = {};
	struct queue q;

	fake_queue(&q, NS, "q");
	q.counters->op[MQW_SEND] = (struct mqw_op_stats){.messages = 7, .bytes = UINT64_MAX};
	q.counters->op[MQW_SEND].errors[MQW_ETIMEDOUT] = 5;
	q.counters->op[MQW_SEND].errors[MQW_EOTHER] = 6;
	page = render(&q, 1, &fake_status);
	assert_has(&page, "mqwatch_queue_sent_messages_total{" Q "} 7");
	assert_has(&page, "mqwatch_queue_sent_bytes_total{" Q "} 18446744073709551615");
	assert_has(&page, "mqwatch_queue_send_errors_total{" Q ",errno=\"EAGAIN\"} 0");
	assert_has(&page, "mqwatch_queue_send_errors_total{" Q ",errno=\"ETIMEDOUT\"} 5");
	assert_has(&page, "mqwatch_queue_send_errors_total{" Q ",errno=\"other\"} 6");
	assert_has_not(&page, "mqwatch_queue_send_errors_total{" Q ",errno=\"EINTR\"}");
	for (size_t i = 0; i < MQW_ERRORS; i++) {
		_cleanup_free_ char *part = NULL;

		assert_true(asprintf(&part, "_receive_errors_total{" Q ",errno=\"%s\"} ",
				     mqw_error_names[i]) > 0);
		assert_non_null(strstr(page.data, part));
	}
}

static void test_unknown_is_absent(_unused_ void **state)
{
	_cleanup_page_ struct text page = {};
	struct queue q;

	fake_queue(&q, NS, "q");
	q.attr.bytes_known = false;
	q.attr.waiters_known = false;
	q.counted = false;
	page = render(&q, 1, &fake_status);
	assert_has(&page, "mqwatch_queue_messages{" Q "} 3");
	assert_has_not(&page, "mqwatch_queue_bytes");
	assert_has_not(&page, "mqwatch_queue_notify_registered");
	assert_has_not(&page, "mqwatch_queue_blocked_");
	assert_has_not(&page, "mqwatch_queue_last_");
	assert_has_not(&page, "mqwatch_queue_sent_");
	assert_has_not(&page, "mqwatch_queue_received_");
	assert_has_not(&page, "mqwatch_queue_send_");
	assert_has_not(&page, "mqwatch_queue_receive_");
	assert_has_not(&page, "mqwatch_queue_depth_");
}

/* Only where the kernel has the call that peeks; the counts are there either way. */
static void test_peeks(_unused_ void **state)
{
	struct status status = fake_status;
	struct queue q;

	fake_queue(&q, NS, "q");
	q.counters->peeks = 5;
	for (int there = 0; there < 2; there++) {
		_cleanup_page_ struct text page = {};

		q.peeks_counted = status.probe_peeks = there;
		page = render(&q, 1, &status);
		if (there) {
			assert_has(&page, "mqwatch_queue_peeks_total{" Q "} 5");
			assert_non_null(strstr(page.data, "probe=\"mq_timedreceive2\""));
		} else {
			assert_has_not(&page, "mqwatch_queue_peeks_total");
			assert_null(strstr(page.data, "mq_timedreceive2\""));
		}
	}
}

static void test_findings(_unused_ void **state)
{
	struct status status = fake_status;
	_cleanup_page_ struct text page = {};
	struct queue q;

	fake_queue(&q, NS, "q");
	q.counters->residence[2] = 3;
	q.counters->residence_ns = 1500;
	q.counters->unpaired = 4;
	q.counters->depth_ns = 5;
	q.counters->depth_ns_high = 1;
	q.counters->full_ns = 2500000000;
	q.progress.looked = true;
	q.stall.reasons = 1U << STALL_STARVED;
	q.stalls[STALL_STARVED] = 7;
	q.found = (struct queue_findings){
		.oldest = {.known = true, .sent_ns = 2 * NSEC_PER_SEC},
		.levels_known = true,
		.n_levels = 3,
		.levels = (struct queue_level[]){{9, 1}, {5, 2}, {1, 3}},
		.below = 4,
		.blocked_ns = {[MQW_RECEIVE] = 3 * NSEC_PER_SEC},
	};
	page = render(&q, 1, &status);
	assert_has(&page, "mqwatch_queue_oldest_message_timestamp_seconds{" Q "} 1763940002");
	assert_has(&page, "mqwatch_queue_oldest_blocked_timestamp_seconds{" Q
			  ",operation=\"receive\"} 1763940003");
	assert_has_not(&page, "operation=\"send\"");
	assert_has(&page, "mqwatch_queue_residence_seconds_bucket{" Q ",le=\"0.000016384\"} 3");
	assert_has(&page, "mqwatch_queue_residence_seconds_sum{" Q "} 0.0000015");
	assert_has(&page, "mqwatch_queue_unpaired_messages_total{" Q "} 4");
	assert_has(&page, "mqwatch_queue_depth_seconds_total{" Q "} 18446744073.709551621");
	assert_has(&page, "mqwatch_queue_full_seconds_total{" Q "} 2.5");
	assert_has(&page, "mqwatch_queue_stalled{" Q ",reason=\"starved\"} 1");
	assert_has(&page, "mqwatch_queue_stalled{" Q ",reason=\"no_reader\"} 0");
	assert_has(&page, "mqwatch_queue_stalls_total{" Q ",reason=\"starved\"} 7");
	assert_has(&page, "mqwatch_queue_messages_by_priority{" Q ",priority=\"9\"} 1");
	assert_has(&page, "mqwatch_queue_messages_by_priority{" Q ",priority=\"5\"} 2");
	/* no more than were asked for */
	assert_has(&page, "mqwatch_queue_messages_by_priority{" Q ",priority=\"other\"} 7");
	q.found = (struct queue_findings){};
	q.progress.looked = false;
	text_free(&page);
	page = render(&q, 1, &status);
	assert_has_not(&page, "mqwatch_queue_oldest_");
	assert_has_not(&page, "mqwatch_queue_stall");
	assert_has_not(&page, "by_priority");
}

static void test_nothing_sent_yet(_unused_ void **state)
{
	_cleanup_page_ struct text page = {}, unused = {};
	struct queue q;

	fake_queue(&q, NS, "q");
	*q.counters = (struct mqw_counters){};
	/* no call was seen on it */
	unused = render(&q, 1, &fake_status);
	assert_has(&unused, "mqwatch_queue_sent_messages_total{" Q "} 0");
	assert_has(&unused, "mqwatch_queue_received_messages_total{" Q "} 0");
	assert_has_not(&unused, "mqwatch_queue_sent_bytes");
	assert_has_not(&unused, "errors_total{" Q);
	assert_has_not(&unused, "_bucket");
	/* calls were seen, of which none moved a message */
	q.slotted = true;
	page = render(&q, 1, &fake_status);
	assert_has_not(&page, "timestamp_seconds{");
	assert_has(&page, "mqwatch_queue_sent_messages_total{" Q "} 0");
	assert_has(&page, "mqwatch_queue_send_blocked_seconds_count{" Q "} 0");
	assert_has(&page, "mqwatch_queue_depth_at_send_ratio_sum{" Q "} 0");
}

static void test_histograms(_unused_ void **state)
{
	static const char *const bounds[] = {
		"0.000001024", "0.000004096", "0.000016384",  "0.000065536",  "0.000262144",
		"0.001048576", "0.004194304", "0.016777216",  "0.067108864",  "0.268435456",
		"1.073741824", "4.294967296", "17.179869184", "68.719476736", "+Inf",
	};
	_cleanup_page_ struct text page = {};
	struct queue q;

	static_assert(ARRAY_SIZE(bounds) == MQW_TIME_BUCKETS, "a bound for each bucket");
	fake_queue(&q, NS, "q");
	for (uint64_t i = 0; i < MQW_TIME_BUCKETS; i++)
		q.counters->op[MQW_SEND].time[i] = i + 1;
	q.counters->op[MQW_SEND].time_ns = 1234567890123;
	for (uint64_t i = 0; i < MQW_DEPTH_BUCKETS; i++)
		q.counters->depth[i] = 2;
	q.counters->depth_ratio_sum = 11000001;
	page = render(&q, 1, &fake_status);
	for (size_t i = 0; i < ARRAY_SIZE(bounds); i++) {
		_cleanup_free_ char *line = NULL;

		assert_true(asprintf(&line,
				     "mqwatch_queue_send_blocked_seconds_bucket{" Q
				     ",le=\"%s\"} %zu",
				     bounds[i], (i + 1) * (i + 2) / 2) > 0);
		assert_has(&page, line);
	}
	assert_has(&page, "mqwatch_queue_send_blocked_seconds_sum{" Q "} 1234.567890123");
	assert_has(&page, "mqwatch_queue_send_blocked_seconds_count{" Q "} 120");
	assert_has(&page, "mqwatch_queue_depth_at_send_ratio_bucket{" Q ",le=\"0\"} 2");
	assert_has(&page, "mqwatch_queue_depth_at_send_ratio_bucket{" Q ",le=\"0.1\"} 4");
	assert_has(&page, "mqwatch_queue_depth_at_send_ratio_bucket{" Q ",le=\"1\"} 22");
	assert_has(&page, "mqwatch_queue_depth_at_send_ratio_bucket{" Q ",le=\"+Inf\"} 22");
	assert_has(&page, "mqwatch_queue_depth_at_send_ratio_sum{" Q "} 11.000001");
	assert_has(&page, "mqwatch_queue_depth_at_send_ratio_count{" Q "} 22");
}

static void test_names(_unused_ void **state)
{
	static const struct {
		const char *name, *label;
	} cases[] = {
		{"new\nline", "new\\nline"},	  {"q\"uote", "q\\\"uote"},
		{"back\\slash", "back\\\\slash"}, {".dot", ".dot"},
		{"sp ace{}=,", "sp ace{}=,"},
	};
	struct queue q;
	char longest[256];

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_page_ struct text page = {};
		_cleanup_free_ char *line = NULL;

		fake_queue(&q, NS, cases[i].name);
		page = render(&q, 1, &fake_status);
		assert_true(asprintf(&line,
				     "mqwatch_queue_messages{ipcns=\"4026531839\",queue=\"/%s\"} 3",
				     cases[i].label) > 0);
		assert_has(&page, line);
	}
	memset(longest, '"', 255);
	longest[255] = '\0';
	fake_queue(&q, NS, longest);
	{
		_cleanup_page_ struct text page = render(&q, 1, &fake_status);
		char label[2 * 255 + 1];
		_cleanup_free_ char *line = NULL;

		for (size_t i = 0; i < 255; i++)
			memcpy(label + 2 * i, "\\\"", 3);
		assert_true(asprintf(&line,
				     "mqwatch_queue_messages{ipcns=\"4026531839\",queue=\"/%s\"} 3",
				     label) > 0);
		assert_has(&page, line);
	}
}

/* Two names that look alike once repaired are two series all the same. */
static void test_invalid_names(_unused_ void **state)
{
	_cleanup_page_ struct text page = {};
	struct queue queues[2];

	fake_queue(&queues[0], NS, "\xfe\xfe");
	fake_queue(&queues[1], NS, "\xff\xfe");
	page = render(queues, 2, &fake_status);
	assert_has(&page, "mqwatch_queue_messages{ipcns=\"4026531839\",name_base64=\"L/7+\","
			  "queue=\"/\xef\xbf\xbd\xef\xbf\xbd\"} 3");
	assert_has(&page, "mqwatch_queue_messages{ipcns=\"4026531839\",name_base64=\"L//+\","
			  "queue=\"/\xef\xbf\xbd\xef\xbf\xbd\"} 3");
}

static void test_namespaces(_unused_ void **state)
{
	static const struct namespace namespaces[] = {
		{.ipcns = 5, .unit = "a.service"},
		{.ipcns = 6,
		 .limits = {.known = true, .counted = true, .queues = 8, .queues_max = 9}},
		{.ipcns = 7, .container = "\"0"},
		{.ipcns = 9},
	};
	struct quota_user users[] = {{.uid = 0, .reserved_bytes = 1600}, {.uid = 7}};
	struct opens_error errors[] = {{7, EMFILE, 3}, {7, 4095, 1}};
	struct quota quota = {.namespaces = namespaces,
			      .n_namespaces = ARRAY_SIZE(namespaces),
			      .users = users,
			      .n_users = ARRAY_SIZE(users),
			      .errors = errors,
			      .n_errors = ARRAY_SIZE(errors),
			      .errors_lost = 2};
	struct queue queues[3];
	_cleanup_page_ struct text page = {};
	_cleanup_page_ struct text none = {};

	fake_queue(&queues[0], 5, "a");
	fake_queue(&queues[1], 5, "b");
	fake_queue(&queues[2], 7, "a");
	page = render_quota(queues, 3, &fake_status, &quota);
	assert_has(&page,
		   "mqwatch_ipc_namespace_info{ipcns=\"5\",unit=\"a.service\",container=\"\"} 1");
	assert_has(&page,
		   "mqwatch_ipc_namespace_info{ipcns=\"7\",unit=\"\",container=\"\\\"0\"} 1");
	assert_has(&page, "mqwatch_queues{ipcns=\"5\"} 2");
	assert_has(&page, "mqwatch_queues{ipcns=\"6\"} 8");
	assert_has(&page, "mqwatch_queues{ipcns=\"7\"} 1");
	assert_has(&page, "mqwatch_queues{ipcns=\"9\"} 0");
	assert_has(&page, "mqwatch_queues_limit{ipcns=\"6\"} 9");
	assert_has_not(&page, "mqwatch_queues_limit{ipcns=\"5");
	assert_has(&page, "mqwatch_user_reserved_bytes{uid=\"0\"} 1600");
	assert_has(&page, "mqwatch_open_errors_total{errno=\"EMFILE\",uid=\"7\"} 3");
	assert_has(&page, "mqwatch_open_errors_total{errno=\"other\",uid=\"7\"} 1");
	assert_has(&page, "mqwatch_open_errors_total{errno=\"other\",uid=\"other\"} 2");
	quota = (struct quota){};
	none = render_quota(NULL, 0, &fake_status, &quota);
	assert_has_not(&none, "mqwatch_queues{");
	assert_has_not(&none, "mqwatch_queues_limit");
	assert_has_not(&none, "mqwatch_user");
	assert_has_not(&none, "mqwatch_open");
	assert_has_not(&none, "mqwatch_queue_");
}

/* An unlinked queue, and another that has its name now. */
static void test_unlinked(_unused_ void **state)
{
	struct queue queues[2];
	_cleanup_page_ struct text page = {};

	fake_queue(&queues[0], NS, "q");
	fake_queue(&queues[1], NS, "q");
	queues[1].id.ino = 77;
	queues[1].linked = queues[1].counted = false;
	queues[1].shadow = true;
	queues[1].openers_known = true;
	queues[1].readers = 3;
	page = render(queues, 2, &fake_status);
	assert_has(&page, "mqwatch_queue_messages{" Q "} 3");
	assert_has(&page, "mqwatch_queue_messages{" Q ",unlinked=\"77\"} 3");
	assert_has(&page, "mqwatch_queue_info{" Q
			  ",unlinked=\"77\",uid=\"1000\",mode=\"0640\",linked=\"false\"} 1");
	assert_has(&page, "mqwatch_queue_readers{" Q ",unlinked=\"77\"} 3");
	assert_has(&page, "mqwatch_queue_writers{" Q ",unlinked=\"77\"} 0");
	assert_has_not(&page, "mqwatch_queue_readers{" Q "}");
	assert_has_not(&page, "sent_messages_total{" Q ",unlinked");
}

/* Not all series fit: each queue has the most important ones, the first have more. */
static void test_series_max(_unused_ void **state)
{
	struct queue queues[3];
	const struct table table = {.n = ARRAY_SIZE(queues), .queues = queues};
	struct metrics_input input = {.table = &table,
				      .status = &fake_status,
				      .quota = &fake_quota,
				      .series_max = 3 * 16 + 3 * 20 + 64};
	_cleanup_page_ struct text page = {}, few = {}, less = {};

	fake_queue(&queues[0], NS, "a");
	fake_queue(&queues[1], NS, "b");
	fake_queue(&queues[2], NS, "c");
	metrics_render(&page, &input);
	text_append_bytes(&page, "", 1);
	assert_has(&page, "mqwatch_series_dropped{series=\"all\"} 0");
	assert_has(&page, "mqwatch_series_dropped{series=\"counters\"} 0");
	assert_has(&page, "mqwatch_series_dropped{series=\"histograms\"} 2");
	assert_has(&page, "mqwatch_queue_messages{ipcns=\"4026531839\",queue=\"/c\"} 3");
	assert_has_not(&page, "seconds_bucket{ipcns=\"4026531839\",queue=\"/b");
	assert_non_null(strstr(page.data, "seconds_bucket{ipcns=\"4026531839\",queue=\"/a"));
	input.series_max = 3 * 16 + 2 * 20;
	metrics_render(&few, &input);
	text_append_bytes(&few, "", 1);
	assert_has(&few, "mqwatch_series_dropped{series=\"counters\"} 1");
	assert_has(&few, "mqwatch_series_dropped{series=\"histograms\"} 3");
	assert_has_not(&few, "mqwatch_queue_full_seconds_total{ipcns=\"4026531839\",queue=\"/c");
	assert_non_null(strstr(few.data, "_full_seconds_total{ipcns=\"4026531839\",queue=\"/b"));
	input.series_max = 17;
	metrics_render(&less, &input);
	text_append_bytes(&less, "", 1);
	assert_has(&less, "mqwatch_series_dropped{series=\"all\"} 2");
	assert_has_not(&less, "queue=\"/b\"");
}

static void test_self(_unused_ void **state)
{
	struct status status = fake_status;
	_cleanup_page_ struct text well = render(NULL, 0, &status);
	_cleanup_page_ struct text ill = {};

	assert_has(&well, "mqwatch_build_info{version=\"0.1\"} 1");
	assert_has(&well, "mqwatch_scrape_duration_seconds 0.0015");
	assert_has(&well, "mqwatch_peek_backend_info{backend=\"bpf\"} 1");
	assert_has(&well, "mqwatch_probe_attached{probe=\"mq_timedsend\",mode=\"tracepoint\"} 1");
	assert_has(&well,
		   "mqwatch_probe_attached{probe=\"mq_timedreceive\",mode=\"tracepoint\"} 1");
	assert_has(&well, "mqwatch_degraded{part=\"probe\"} 0");
	assert_has(&well, "mqwatch_snapshots_total{result=\"consistent\"} 0");
	assert_has(&well, "process_start_time_seconds 1763940000.125");

	status.probe_mode = "off";
	status.mqueue_reason = status.peek_reason = status.probe_reason = "x";
	status.web_reason = status.control_reason = "x";
	status.losses[0] = 11;
	status.drops[TABLE_DROP_LIMIT] = 12;
	status.snapshots[SNAPSHOT_FAILED] = 13;
	ill = render(NULL, 0, &status);
	assert_has(&ill, "mqwatch_probe_attached{probe=\"mq_timedsend\",mode=\"off\"} 0");
	assert_has(&ill, "mqwatch_degraded{part=\"mqueue\"} 1");
	assert_has(&ill, "mqwatch_degraded{part=\"peek\"} 1");
	assert_has(&ill, "mqwatch_degraded{part=\"probe\"} 1");
	assert_has(&ill, "mqwatch_degraded{part=\"web\"} 1");
	assert_has(&ill, "mqwatch_degraded{part=\"control\"} 1");
	assert_has(&ill, "mqwatch_snapshots_total{result=\"failed\"} 13");
	assert_non_null(strstr(ill.data, "\"} 11\n"));
	assert_non_null(strstr(ill.data, "\"} 12\n"));
}

static double number_of(const struct text *page, const char *name)
{
	_cleanup_free_ char *start = NULL;
	const char *p;

	assert_true(asprintf(&start, "\n%s ", name) > 0);
	p = strstr(page->data, start);
	assert_non_null(p);
	return strtod(p + strlen(start), NULL);
}

static void test_process(_unused_ void **state)
{
	_cleanup_page_ struct text page = render(NULL, 0, &fake_status), more = {};
	double open_fds = number_of(&page, "process_open_fds");
	int fd = dup(STDOUT_FILENO);

	more = render(NULL, 0, &fake_status);
	close(fd);
	assert_true(number_of(&more, "process_open_fds") == open_fds + 1);
	assert_true(open_fds >= 3 && open_fds <= number_of(&page, "process_max_fds"));
	assert_true(number_of(&page, "process_cpu_seconds_total") > 0);
	assert_true(number_of(&page, "process_resident_memory_bytes") > 100000);
	assert_true(number_of(&page, "process_virtual_memory_bytes") >
		    number_of(&page, "process_resident_memory_bytes"));
}

/* Whether the sample's name belongs to the family, given its type. */
static bool in_family(const char *line, const char *family, const char *type)
{
	static const char *const suffixes[] = {"_bucket", "_sum", "_count"};
	size_t n = strlen(family);

	if (strncmp(line, family, n) != 0)
		return false;
	if (strcmp(type, "histogram") != 0)
		return line[n] == '{' || line[n] == ' ';
	for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++)
		if (strncmp(line + n, suffixes[i], strlen(suffixes[i])) == 0)
			return line[n + strlen(suffixes[i])] == '{';
	return false;
}

/* Every sample stands under its family's HELP and TYPE; no family comes twice or is empty. */
static void test_grouping(_unused_ void **state)
{
	_cleanup_page_ struct text page = {};
	char families[64][128] = {}, family[128] = "", name[128] = "", type[16] = "";
	struct queue queues[3];
	size_t n = 0, samples = 1;

	fake_queue(&queues[0], 5, "a");
	fake_queue(&queues[1], NS, "b");
	fake_queue(&queues[2], NS, "c");
	queues[0].counted = false;
	queues[1].attr.bytes_known = false;
	page = render(queues, 3, &fake_status);
	for (char *next, *line = page.data; *line; line = next) {
		next = strchr(line, '\n') + 1;
		next[-1] = '\0';
		if (strncmp(line, "# HELP ", 7) == 0) {
			assert_int_equal(sscanf(line, "# HELP %127s %*s", family), 1);
			assert_true(samples > 0);
			for (size_t i = 0; i < n; i++)
				assert_string_not_equal(families[i], family);
			assert_true(n < ARRAY_SIZE(families));
			strcpy(families[n++], family);
			samples = 0;
			continue;
		}
		if (*line == '#') {
			assert_int_equal(sscanf(line, "# TYPE %127s %15s", name, type), 2);
			assert_string_equal(name, family);
			assert_int_equal(samples, 0);
			continue;
		}
		assert_true(in_family(line, family, type));
		samples++;
	}
	assert_true(n > 30);
	assert_true(samples > 0);
}

static void test_promtool(_unused_ void **state)
{
	static const char *const names[] = {"plain", "new\nline", "q\"\\", "\xff", ".dot"};
	_cleanup_page_ struct text page = {};
	struct queue queues[ARRAY_SIZE(names)];
	char path[] = "/tmp/mqwatch-test-metrics-XXXXXX", command[128], said[4096];
	int fd = mkstemp(path);
	size_t n;
	FILE *f;

	assert_true(fd >= 0);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		fake_queue(&queues[i], NS, names[i]);
	page = render(queues, ARRAY_SIZE(names), &fake_status);
	assert_int_equal(write(fd, page.data, page.size - 1), page.size - 1);
	close(fd);
	snprintf(command, sizeof(command), "promtool check metrics <%s 2>&1", path);
	f = popen(command, "r");
	assert_non_null(f);
	n = fread(said, 1, sizeof(said) - 1, f);
	said[n] = '\0';
	unlink(path);
	if (WEXITSTATUS(pclose(f)) == 127)
		skip();
	assert_string_equal(said, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_gauges),
		cmocka_unit_test(test_counters),
		cmocka_unit_test(test_unknown_is_absent),
		cmocka_unit_test(test_peeks),
		cmocka_unit_test(test_findings),
		cmocka_unit_test(test_nothing_sent_yet),
		cmocka_unit_test(test_histograms),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_invalid_names),
		cmocka_unit_test(test_namespaces),
		cmocka_unit_test(test_unlinked),
		cmocka_unit_test(test_series_max),
		cmocka_unit_test(test_self),
		cmocka_unit_test(test_process),
		cmocka_unit_test(test_grouping),
		cmocka_unit_test(test_promtool),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
