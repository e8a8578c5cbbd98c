// SPDX-License-Identifier: GPL-2.0-or-later
/* Records of stalls: kept in files, bounded, and never taken from damaged ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "log.h"
#include "recorder.h"

static char directory[64], path[96];

static int setup(void **state)
{
	*state = NULL;
	strcpy(directory, "/tmp/test-recorder.XXXXXX");
	/* the recorder makes the last part itself */
	if (!mkdtemp(directory))
		return -1;
	snprintf(path, sizeof(path), "%s/state", directory);
	return 0;
}

static int teardown(void **state)
{
	char command[128];

	*state = NULL;
	log_set_max_priority(LOG_INFO);
	snprintf(command, sizeof(command), "rm -r %s", directory);
	return system(command) == 0 ? 0 : -1;
}

static struct recorder *open_recorder(uint64_t records_max, uint64_t size_max)
{
	const struct recorder_options options = {path, records_max, size_max};
	struct recorder *r = NULL;

	assert_int_equal(recorder_new(&r, &options), 0);
	return r;
}

static void add(struct recorder *r, const char *name, enum stall_reason reason, size_t padding)
{
	struct record record = {.key = {.ino = 5, .ipcns = 7},
				.reason = reason,
				.began_ns = 1763940000123456000,
				.uid = 1000,
				.gid = 100,
				.mode = 0640};
	struct json_object *details = json_object_new_object();
	_cleanup_free_ char *text = calloc(1, padding + 1);

	snprintf(record.name, sizeof(record.name), "%s", name);
	memset(text, 'x', padding);
	json_object_object_add(details, "padding", json_object_new_string(text));
	assert_int_equal(recorder_add(r, &record, details), 0);
}

static void test_kept(_unused_ void **state)
{
	_cleanup_(recorder_freep) struct recorder *r = open_recorder(10, 1 << 20);
	struct json_object *json, *value;
	const struct record *record;
	struct stat st;
	char file[128];

	assert_int_equal(recorder_count(r), 0);
	assert_int_equal(access(path, F_OK), -1);
	add(r, "odd\xff\nname", STALL_STARVED, 3);
	add(r, "q", STALL_NO_READER, 3);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	snprintf(file, sizeof(file), "%s/stall-1.json", path);
	assert_int_equal(stat(file, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(recorder_end(r, &(struct mqw_key){.ino = 5, .ipcns = 7}, STALL_NO_READER,
				      1763940001000000000),
			 0);
	recorder_free(r);

	r = open_recorder(10, 1 << 20);
	assert_int_equal(recorder_count(r), 2);
	record = recorder_find(r, 1);
	assert_string_equal(record->name, "odd\xff\nname");
	assert_int_equal(record->reason, STALL_STARVED);
	assert_int_equal(record->began_ns, 1763940000123456000);
	assert_int_equal(record->mode, 0640);
	assert_int_equal(record->gid, 100);
	assert_true(record->interrupted);
	assert_false(recorder_at(r, 1)->interrupted);
	assert_int_equal(recorder_at(r, 1)->ended_ns, 1763940001000000000);
	assert_int_equal(recorder_read(r, 1, &json), 0);
	assert_true(json_object_object_get_ex(json, "state", &value));
	assert_string_equal(json_object_get_string(value), "interrupted");
	assert_true(json_object_object_get_ex(json, "padding", &value));
	assert_string_equal(json_object_get_string(value), "xxx");
	json_object_put(json);
	/* a queue of now that has the same number is another one */
	assert_int_equal(recorder_end(r, &(struct mqw_key){.ino = 5, .ipcns = 7}, STALL_STARVED, 1),
			 0);
	assert_int_equal(recorder_find(r, 1)->ended_ns, 0);
	add(r, "q", STALL_STARVED, 0);
	assert_non_null(recorder_find(r, 3));
	assert_int_equal(recorder_read(r, 4, &json), -ENOENT);
}

static void test_bounds(_unused_ void **state)
{
	_cleanup_(recorder_freep) struct recorder *r = open_recorder(3, 1 << 20);
	char file[128];

	for (size_t i = 0; i < 5; i++)
		add(r, "q", STALL_READER_IDLE, 1000);
	assert_int_equal(recorder_count(r), 3);
	assert_int_equal(recorder_at(r, 0)->id, 3);
	snprintf(file, sizeof(file), "%s/stall-2.json", path);
	assert_int_equal(access(file, F_OK), -1);
	recorder_set_limits(r, 3, 3000);
	assert_int_equal(recorder_count(r), 2);
	/* one that does not fit at all leaves none */
	add(r, "q", STALL_READER_IDLE, 4000);
	assert_int_equal(recorder_count(r), 0);
	recorder_set_limits(r, 0, 3000);
	add(r, "q", STALL_READER_IDLE, 1);
	assert_int_equal(recorder_count(r), 0);
	assert_int_equal(rmdir(path), 0);
}

static uint64_t file_size(uint64_t id)
{
	struct stat st;
	char file[128];

	snprintf(file, sizeof(file), "%s/stall-%d.json", path, (int)id);
	if (stat(file, &st) < 0)
		return 0;
	assert_int_equal(st.st_mode & 07777, 0600);
	return (uint64_t)st.st_size;
}

/* The records are those of first to last, and so are the files. */
static void assert_records(struct recorder *r, uint64_t first, uint64_t last)
{
	assert_int_equal(recorder_count(r), last - first + 1);
	assert_int_equal(recorder_at(r, 0)->id, first);
	assert_int_equal(file_size(first - 1), 0);
	for (uint64_t id = first; id <= last; id++)
		assert_true(file_size(id) > 0);
}

/* The bound in bytes is that of the files, to the byte, also of those that an earlier daemon left. */
static void test_bound_in_bytes(_unused_ void **state)
{
	_cleanup_(recorder_freep) struct recorder *r = open_recorder(100, 1 << 20);
	struct json_object *json;
	uint64_t size;

	for (size_t i = 0; i < 6; i++)
		add(r, "q", STALL_READER_IDLE, 100 * i);
	assert_records(r, 1, 6);
	size = file_size(5) + file_size(6);
	recorder_set_limits(r, 100, size);
	assert_records(r, 5, 6);
	recorder_set_limits(r, 100, size - 1);
	assert_records(r, 6, 6);
	add(r, "q", STALL_READER_IDLE, 400);
	assert_records(r, 7, 7);
	recorder_set_limits(r, 100, 1 << 20);
	add(r, "q", STALL_READER_IDLE, 2000);
	add(r, "q", STALL_READER_IDLE, 10);
	assert_records(r, 7, 9);
	recorder_free(r);

	/* what the next daemon finds is bound by its own settings, and counts with what it adds */
	size = file_size(8) + file_size(9);
	r = open_recorder(100, size + file_size(7) - 1);
	assert_records(r, 8, 9);
	assert_int_equal(recorder_read(r, 8, &json), 0);
	json_object_put(json);
	add(r, "q", STALL_NO_READER, 10);
	assert_records(r, 8, 10);
	recorder_set_limits(r, 100, size);
	assert_records(r, 9, 10);
	/* an end makes a record longer or shorter, and is counted, too */
	size = file_size(9) + file_size(10);
	assert_int_equal(recorder_end(r, &(struct mqw_key){.ino = 5, .ipcns = 7}, STALL_NO_READER,
				      1763940001000000000),
			 0);
	assert_true(file_size(9) + file_size(10) > size);
	recorder_set_limits(r, 100, size);
	assert_records(r, 10, 10);
}

static void write_file(const char *name, const char *text)
{
	char file[128];
	FILE *f;

	snprintf(file, sizeof(file), "%s/%s", path, name);
	f = fopen(file, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

#define GOOD(id)                                                                               \
	"{\"id\":" id ",\"queue\":\"/q\",\"ipcns\":1,\"reason\":\"starved\",\"began_at\":1.5," \
	"\"ended_at\":null,\"uid\":0,\"gid\":0,\"mode\":\"0600\"}\n"

static void test_damaged(_unused_ void **state)
{
	_cleanup_(recorder_freep) struct recorder *r = NULL;

	assert_int_equal(mkdir(path, 0700), 0);
	write_file("stall-1.json", GOOD("1"));
	write_file("stall-2.json", "");
	write_file("stall-3.json", "{\"id\":3");
	write_file("stall-4.json", GOOD("5"));
	write_file("stall-6.json", "[]");
	write_file("stall-07.txt", GOOD("7"));
	write_file("other", "x");
	log_set_max_priority(LOG_ERR);
	r = open_recorder(10, 1 << 20);
	assert_int_equal(recorder_count(r), 1);
	add(r, "q", STALL_READER_IDLE, 0);
	assert_int_equal(recorder_at(r, 1)->id, 7);
}

static void test_parse(_unused_ void **state)
{
	static const char *const bad[] = {
		"",
		"null",
		"{}",
		GOOD("-1"),
		GOOD("\"1\""),
		GOOD("1") "x",
		"{\"id\":1,\"queue\":\"q\",\"ipcns\":1,\"reason\":\"starved\",\"began_at\":1,"
		"\"ended_at\":null,\"uid\":0,\"gid\":0,\"mode\":\"0600\"}",
		"{\"id\":1,\"queue\":\"/q\",\"ipcns\":1,\"reason\":\"bored\",\"began_at\":1,"
		"\"ended_at\":null,\"uid\":0,\"gid\":0,\"mode\":\"0600\"}",
		"{\"id\":1,\"queue\":\"/q\",\"ipcns\":1,\"reason\":\"starved\",\"began_at\":1,"
		"\"ended_at\":null,\"uid\":0,\"gid\":0,\"mode\":\"0800\"}",
		"{\"id\":1,\"queue\":\"/q\",\"ipcns\":1,\"reason\":\"starved\",\"began_at\":1,"
		"\"ended_at\":null,\"uid\":-1,\"gid\":0,\"mode\":\"0600\"}",
	};
	struct record record = {.id = 77};
	struct json_object *json = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(record_parse(bad[i], strlen(bad[i]), &record, &json), -EBADMSG);
	assert_int_equal(record.id, 77);
	assert_int_equal(record_parse(GOOD("9"), strlen(GOOD("9")), &record, &json), 0);
	assert_int_equal(record.id, 9);
	assert_int_equal(record.began_ns, 1500000000);
	json_object_put(json);
}

/* What cannot be written is not lost until the end. */
static void test_no_directory(_unused_ void **state)
{
	_cleanup_(recorder_freep) struct recorder *r = NULL;
	struct json_object *json;

	strcpy(path, "/proc/no/such/place");
	log_set_max_priority(LOG_ERR);
	r = open_recorder(10, 1 << 20);
	add(r, "q", STALL_NO_READER, 3);
	assert_int_equal(recorder_end(r, &(struct mqw_key){.ino = 5, .ipcns = 7}, STALL_NO_READER,
				      1763940001000000000),
			 0);
	assert_int_equal(recorder_read(r, 1, &json), 0);
	json_object_put(json);
	assert_int_equal(recorder_at(r, 0)->ended_ns, 1763940001000000000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_kept, setup, teardown),
		cmocka_unit_test_setup_teardown(test_bounds, setup, teardown),
		cmocka_unit_test_setup_teardown(test_bound_in_bytes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_damaged, setup, teardown),
		cmocka_unit_test_setup_teardown(test_parse, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_directory, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
