// SPDX-License-Identifier: GPL-2.0-or-later
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "json.h"
#include "name.h"
#include "own-queues.h"

static void assert_json(struct json_object *json, const char *expected)
{
	assert_non_null(json);
	assert_string_equal(json_object_to_json_string_ext(
				    json, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE),
			    expected);
	json_object_put(json);
}

static struct queue queue_q(void)
{
	return (struct queue){
		.id = {.ino = 5, .ipcns = 4026531839},
		.name = "q",
		.attr = {.messages = 2,
			 .messages_limit = 10,
			 .message_size_limit = 64,
			 .uid = 1000,
			 .gid = 1001,
			 .mode = 0640},
	};
}

static void test_queue(void **state)
{
	struct queue q = queue_q();

	*state = NULL;
	assert_json(json_queue(&q, false, 0),
		    "{\"queue\":\"/q\",\"ipcns\":4026531839,\"messages\":2,\"messages_limit\":10,"
		    "\"bytes\":null,\"message_size_limit\":64,\"uid\":1000,\"mode\":\"0640\","
		    "\"linked\":false,\"readers\":null,\"writers\":null,\"blocked_senders\":null,"
		    "\"blocked_receivers\":null,\"notify\":null,\"stalled\":[],"
		    "\"reserved_bytes\":1600,\"inode\":5,\"open\":null,\"last_use_at\":null,"
		    "\"first_seen_at\":null}");
	q.attr.bytes_known = true;
	q.attr.bytes = 0;
	q.attr.waiters_known = true;
	q.attr.blocked_receivers = 3;
	q.attr.notify_pid = 42;
	q.attr.mode = 0;
	q.attr.messages_limit = UINT64_MAX;
	q.linked = q.openers_known = true;
	q.writers = 2;
	q.opens_known = true;
	q.opens = 3;
	q.used_sec = 1763940000;
	q.first_ns = NSEC_PER_SEC;
	assert_json(json_queue(&q, false, 0),
		    "{\"queue\":\"/q\",\"ipcns\":4026531839,\"messages\":2,"
		    "\"messages_limit\":18446744073709551615,"
		    "\"bytes\":0,\"message_size_limit\":64,\"uid\":1000,\"mode\":\"0000\","
		    "\"linked\":true,\"readers\":0,\"writers\":2,\"blocked_senders\":0,"
		    "\"blocked_receivers\":3,\"notify\":{\"pid\":42},\"stalled\":[],"
		    "\"reserved_bytes\":1572752,\"inode\":5,\"open\":3,"
		    "\"last_use_at\":1763940000,\"first_seen_at\":1.000000}");
}

/* What one reads back under key. */
static const char *string_of(struct json_object *json, const char *key)
{
	struct json_object *value;

	return json_object_object_get_ex(json, key, &value) ? json_object_get_string(value) : NULL;
}

static void test_names(void **state)
{
	static const char *const valid[] = {"new\nline", "\"quoted\"",		 "back\\slash",
					    ".hidden",	 "\xc3\xa4\xe2\x82\xac", "\x01\x7f"};
	char expected[NAME_MAX + 2], name[NAME_MAX + 1];
	struct queue q = queue_q();
	struct json_object *json;
	void *raw;
	size_t size;

	*state = NULL;
	for (size_t i = 0; i < ARRAY_SIZE(valid); i++) {
		q.name = valid[i];
		snprintf(expected, sizeof(expected), "/%s", valid[i]);
		json = json_queue(&q, false, 0);
		assert_string_equal(string_of(json, "queue"), expected);
		assert_null(string_of(json, "name_base64"));
		json_object_put(json);
	}
	memset(name, '\xff', NAME_MAX);
	name[NAME_MAX] = '\0';
	name[1] = 'a';
	q.name = name;
	snprintf(expected, sizeof(expected), "/%s", q.name);
	json = json_queue(&q, true, 0);
	assert_memory_equal(string_of(json, "queue"),
			    "/\xef\xbf\xbd"
			    "a"
			    "\xef\xbf\xbd",
			    8);
	assert_int_equal(base64_decode(string_of(json, "name_base64"), &raw, &size), 0);
	assert_int_equal(size, NAME_MAX + 1);
	assert_memory_equal(raw, expected, size);
	free(raw);
	json_object_put(json);
}

static void test_detail(void **state)
{
	const uint64_t offset = 1763940000 * NSEC_PER_SEC;
	struct mqw_counters sums = {};
	struct queue q = queue_q();
	struct json_object *json, *counters, *part, *buckets;

	*state = NULL;
	json = json_queue(&q, true, offset);
	assert_string_equal(string_of(json, "gid"), "1001");
	/* 10 * (64 + 48 + 48) */
	assert_string_equal(string_of(json, "reserved_bytes"), "1600");
	assert_true(json_object_object_get_ex(json, "counters", &counters));
	assert_null(counters);
	json_object_put(json);

	q.counted = true;
	q.counters = &sums;
	q.counters->op[MQW_SEND] = (struct mqw_op_stats){
		.messages = 7, .bytes = 70, .last_ns = 1500000999, .time_ns = 2500000000};
	q.counters->op[MQW_SEND].time[0] = 4;
	q.counters->op[MQW_SEND].time[1] = 3;
	q.counters->op[MQW_SEND].time[MQW_TIME_BUCKETS - 1] = 1;
	q.counters->op[MQW_SEND].errors[MQW_EAGAIN] = 9;
	q.counters->op[MQW_SEND].errors[MQW_EOTHER] = 1;
	q.counters->depth[0] = 1;
	q.counters->depth[10] = 2;
	q.counters->depth_ratio_sum = 1250000;
	json = json_queue(&q, true, offset);
	assert_string_equal(string_of(json, "last_send_at"), "1763940001.500000");
	assert_null(string_of(json, "last_receive_at"));
	assert_true(json_object_object_get_ex(json, "counters", &counters));
	assert_true(json_object_object_get_ex(counters, "sent", &part));
	assert_string_equal(string_of(part, "messages"), "7");
	assert_string_equal(string_of(part, "bytes"), "70");
	assert_string_equal(string_of(part, "errors"),
			    "{ \"EAGAIN\": 9, \"ETIMEDOUT\": 0, \"EINTR\": 0, \"EMSGSIZE\": 0, "
			    "\"EINVAL\": 0, \"EFAULT\": 0, \"EBADF\": 0, \"ENOMEM\": 0, "
			    "\"other\": 1 }");
	assert_true(json_object_object_get_ex(part, "blocked_seconds", &part));
	assert_string_equal(string_of(part, "count"), "8");
	assert_string_equal(string_of(part, "sum"), "2.5");
	assert_true(json_object_object_get_ex(part, "buckets", &buckets));
	assert_int_equal(json_object_array_length(buckets), MQW_TIME_BUCKETS);
	assert_string_equal(json_object_get_string(json_object_array_get_idx(buckets, 0)),
			    "{ \"le\": 0.000001024, \"count\": 4 }");
	assert_string_equal(json_object_get_string(json_object_array_get_idx(buckets, 1)),
			    "{ \"le\": 0.000004096, \"count\": 7 }");
	assert_string_equal(json_object_get_string(json_object_array_get_idx(buckets, 13)),
			    "{ \"le\": 68.719476736, \"count\": 7 }");
	assert_string_equal(json_object_get_string(json_object_array_get_idx(buckets, 14)),
			    "{ \"le\": null, \"count\": 8 }");
	assert_true(json_object_object_get_ex(counters, "depth_at_send_ratio", &part));
	assert_string_equal(string_of(part, "sum"), "1.25");
	assert_true(json_object_object_get_ex(part, "buckets", &buckets));
	assert_string_equal(json_object_get_string(json_object_array_get_idx(buckets, 1)),
			    "{ \"le\": 0.1, \"count\": 1 }");
	assert_string_equal(json_object_get_string(json_object_array_get_idx(buckets, 10)),
			    "{ \"le\": 1, \"count\": 3 }");
	json_object_put(json);
}

static void test_queues(void **state)
{
	struct own_queues o = {};
	struct json_object *json, *array;

	*state = NULL;
	if (own_queues_new(&o) < 0)
		skip();
	assert_json(json_queues(o.table), "{\"queues\":[]}");
	assert_int_equal(own_queues_add("b", 1, 2, 0600), 0);
	assert_int_equal(own_queues_add("a", 3, 4, 0604), 0);
	assert_int_equal(own_queues_refresh(&o), 0);
	json = json_queues(o.table);
	assert_true(json_object_object_get_ex(json, "queues", &array));
	assert_int_equal(json_object_array_length(array), 2);
	assert_string_equal(string_of(json_object_array_get_idx(array, 0), "queue"), "/a");
	assert_string_equal(string_of(json_object_array_get_idx(array, 0), "mode"), "0604");
	assert_string_equal(string_of(json_object_array_get_idx(array, 1), "queue"), "/b");
	assert_string_equal(string_of(json_object_array_get_idx(array, 1), "messages"), "1");
	json_object_put(json);
	own_queues_done(&o);
}

static void test_snapshot(void **state)
{
	struct snapshot_message messages[] = {
		{.priority = 9, .size = 2, .payload = (const uint8_t *)"\0\xff", .payload_size = 2},
		{.index = 1,
		 .priority = 0,
		 .size = 64,
		 .payload = (const uint8_t *)"abc",
		 .payload_size = 3},
		{.index = 2, .priority = 0, .size = 0},
	};
	struct snapshot s = {
		.backend = "bpf",
		.consistent = true,
		.taken_at = {1763940000, 123000999},
		.messages_total = 5,
		.n_messages = ARRAY_SIZE(messages),
		.messages = messages,
	};
	struct queue q = queue_q();

#define UNKNOWN \
	"\"sent_at\":null,\"age_seconds\":null,\"age_at_least_seconds\":null,\"sender\":null,"
	*state = NULL;
	assert_json(json_snapshot(&q, &s, true),
		    "{\"queue\":\"/q\",\"ipcns\":4026531839,\"backend\":\"bpf\","
		    "\"consistent\":true,\"taken_at\":1763940000.123000,\"messages_total\":5,"
		    "\"messages\":["
		    "{\"index\":0,\"priority\":9,\"size\":2," UNKNOWN
		    "\"payload\":{\"encoding\":\"base64\",\"data\":\"AP8=\",\"truncated\":false}},"
		    "{\"index\":1,\"priority\":0,\"size\":64," UNKNOWN
		    "\"payload\":{\"encoding\":\"base64\",\"data\":\"YWJj\",\"truncated\":true}},"
		    "{\"index\":2,\"priority\":0,\"size\":0," UNKNOWN
		    "\"payload\":{\"encoding\":\"base64\",\"data\":\"\",\"truncated\":false}}]}");
	s.n_messages = 1;
	s.consistent = false;
	assert_json(json_snapshot(&q, &s, false),
		    "{\"queue\":\"/q\",\"ipcns\":4026531839,\"backend\":\"bpf\","
		    "\"consistent\":false,\"taken_at\":1763940000.123000,\"messages_total\":5,"
		    "\"messages\":[{\"index\":0,\"priority\":9,\"size\":2," UNKNOWN
		    "\"payload\":null}]}");
}

/* No process has such a number: nothing more is known of it. */
#define NOBODY "\"command\":null,\"unit\":null,\"container\":null"
#define PID    "\"pid\":4294967295"

static void test_calls(void **state)
{
	struct open_call calls[] = {
		{.call = {.start_ns = 5 * NSEC_PER_SEC,
			  .pid = UINT32_MAX,
			  .tid = 2,
			  .op = MQW_SEND,
			  .comm = "a\"b"}},
		{.call = {.start_ns = 7 * NSEC_PER_SEC,
			  .pid = UINT32_MAX,
			  .tid = 4,
			  .op = MQW_RECEIVE},
		 .at_least = true},
	};

	*state = NULL;
	/* a name that fills its place, with a byte that is no UTF-8 */
	memset(calls[1].call.comm, 'x', sizeof(calls[1].call.comm));
	calls[1].call.comm[0] = '\xff';
	assert_json(json_calls(NULL, 0, 0), "[]");
	assert_json(json_calls(calls, 2, 1000 * NSEC_PER_SEC),
		    "[{\"operation\":\"send\"," PID ",\"tid\":2,\"comm\":\"a\\\"b\","
		    "\"started_at\":1005.000000,\"started_before\":null," NOBODY "},"
		    "{\"operation\":\"receive\"," PID ",\"tid\":4,"
		    "\"comm\":\"\xef\xbf\xbdxxxxxxxxxxxxxxx\",\"started_at\":null,"
		    "\"started_before\":1007.000000," NOBODY "}]");
}

static void test_openers(_unused_ void **state)
{
	const struct mqw_opener openers[] = {
		{.pid = UINT32_MAX, .fd = 4, .access = MQW_OPEN_WRITE, .uid = 7, .comm = "two"},
		{.pid = UINT32_MAX - 1, .fd = 9, .access = MQW_OPEN_READ | MQW_OPEN_WRITE},
		{.pid = UINT32_MAX, .fd = 3, .access = MQW_OPEN_READ, .uid = 7, .comm = "two"},
	};

	assert_json(json_openers(NULL, 0), "[]");
	assert_json(json_openers(openers, ARRAY_SIZE(openers)),
		    "[{\"pid\":4294967294,\"comm\":\"\",\"uid\":0,\"access\":\"read-write\","
		    "\"descriptors\":[{\"fd\":9,\"access\":\"read-write\"}]," NOBODY "},"
		    "{" PID ",\"comm\":\"two\",\"uid\":7,\"access\":\"read-write\","
		    "\"descriptors\":[{\"fd\":3,\"access\":\"read\"},"
		    "{\"fd\":4,\"access\":\"write\"}]," NOBODY "}]");
}

/* A process that lives: this one. */
static void test_sender(_unused_ void **state)
{
	struct queue_oldest oldest = {
		.pid = (uint32_t)getpid(), .tid = 9, .sent_ns = clock_ns(CLOCK_MONOTONIC)};
	struct json_object *json = json_sender(&oldest), *command;

	assert_true(json_object_object_get_ex(json, "command", &command));
	if (command)
		assert_non_null(strstr(json_object_get_string(command), "test-json"));
	json_object_put(json);
	/* its number was another's before it began */
	oldest.sent_ns = 1;
	json = json_sender(&oldest);
	assert_true(json_object_object_get_ex(json, "command", &command));
	assert_null(command);
	json_object_put(json);
}

static void test_status(void **state)
{
	struct status s = {
		.version = "1.0",
		.started_at = 1763940000.5,
		.mqueue_reason = "none here",
		.peek_backend = "off",
		.peek_reason = "no BTF",
		.peek_note = "no call",
		.probe_mode = "tracepoint",
		.queues = 3,
		.queues_max = 1024,
	};
	struct json_object *json, *part;

	*state = NULL;
	s.snapshots[SNAPSHOT_INCONSISTENT] = 6;
	json = json_status(&s);
	assert_string_equal(string_of(json, "version"), "1.0");
	assert_string_equal(string_of(json, "started_at"), "1763940000.500000");
	assert_string_equal(string_of(json, "degraded"), "true");
	assert_null(string_of(json, "ipcns"));
	assert_string_equal(string_of(json, "mqueue"),
			    "{ \"source\": null, \"reason\": \"none here\" }");
	assert_string_equal(
		string_of(json, "peek"),
		"{ \"backend\": \"off\", \"reason\": \"no BTF\", \"note\": \"no call\" }");
	assert_string_equal(string_of(json, "probe"),
			    "{ \"mode\": \"tracepoint\", \"reason\": null, \"note\": null }");
	assert_string_equal(string_of(json, "queues"), "3");
	assert_string_equal(string_of(json, "snapshots"),
			    "{ \"consistent\": 0, \"inconsistent\": 6, \"failed\": 0 }");
	assert_true(json_object_object_get_ex(json, "queues_dropped", &part));
	assert_int_equal(json_object_object_length(part), TABLE_DROPS);
	assert_true(json_object_object_get_ex(json, "events_lost", &part));
	assert_int_equal(json_object_object_length(part), PROBE_LOSSES);
	json_object_put(json);
}

static void test_error(void **state)
{
	*state = NULL;
	assert_json(json_error("permission_denied", "no \"entry\"\n\xff"),
		    "{\"error\":{\"code\":\"permission_denied\","
		    "\"message\":\"no \\\"entry\\\"\\n\xef\xbf\xbd\"}}");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_queue),	 cmocka_unit_test(test_names),
		cmocka_unit_test(test_detail),	 cmocka_unit_test(test_queues),
		cmocka_unit_test(test_snapshot), cmocka_unit_test(test_calls),
		cmocka_unit_test(test_openers),	 cmocka_unit_test(test_sender),
		cmocka_unit_test(test_status),	 cmocka_unit_test(test_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
