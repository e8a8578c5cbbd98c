/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Processes as people read them: who has a queue open, who is blocked in it. */
#include <inttypes.h>
#include <time.h>

#include "ctl.h"
#include "name.h"

static char *escaped(struct json_object *json, const char *key)
{
	const char *text = ctl_json_string(json, key);

	return name_escape(text ? text : "-");
}

/* The systemd unit, or the container, which has no name but its number. */
static char *owner(struct json_object *process)
{
	const char *container = ctl_json_string(process, "container");
	char *text;

	if (!container)
		return escaped(process, "unit");
	return asprintf(&text, "container %.12s", container) < 0 ? NULL : text;
}

char *ctl_process(struct json_object *process)
{
	_cleanup_free_ char *comm = escaped(process, "comm"), *whose = owner(process);
	_cleanup_free_ char *command = escaped(process, "command");
	bool lives = ctl_json_string(process, "command") || strcmp(whose ? whose : "-", "-") != 0;
	uint64_t pid = 0;
	char *text;
	int r;

	if (!comm || !whose || !command)
		return NULL;
	ctl_json_u64(process, "pid", &pid);
	if (lives)
		r = asprintf(&text, "%s[%" PRIu64 "], %s: %s", comm, pid, whose, command);
	else
		r = asprintf(&text, "%s[%" PRIu64 "]", comm, pid);
	return r < 0 ? NULL : text;
}

static int set_process(struct libscols_line *line, size_t first, struct json_object *process)
{
	_cleanup_free_ char *comm = escaped(process, "comm"), *whose = owner(process);
	_cleanup_free_ char *command = escaped(process, "command");
	int r;

	if (!comm || !whose || !command)
		return -ENOMEM;
	r = scols_line_set_data(line, first, comm);
	r = r ?: scols_line_set_data(line, first + 1, whose);
	return r ?: scols_line_set_data(line, first + 2, command);
}

/* "2026-11-24 09:00:00 (3s ago)", or for calls that began before the daemon "≥ 3s". */
static void format_since(struct json_object *call, char text[CTL_TEXT_MAX])
{
	char ago[CTL_TEXT_MAX];
	double at;

	snprintf(text, CTL_TEXT_MAX, "-");
	if (ctl_json_double(call, "started_at", &at)) {
		ctl_time(at, text);
	} else if (ctl_json_double(call, "started_before", &at)) {
		double now = (double)clock_ns(CLOCK_REALTIME) / (double)NSEC_PER_SEC;

		snprintf(text, CTL_TEXT_MAX, "%s %.60s",
			 ctl_utf8() ? "≥" : ">=", ctl_duration(now > at ? now - at : 0, ago));
	}
}

static int add_call(struct libscols_table *table, struct json_object *call)
{
	struct libscols_line *line = scols_table_new_line(table, NULL);
	const char *operation = ctl_json_string(call, "operation");
	char since[CTL_TEXT_MAX];
	uint64_t pid = 0, tid = 0;
	int r;

	if (!line)
		return -ENOMEM;
	format_since(call, since);
	ctl_json_u64(call, "pid", &pid);
	ctl_json_u64(call, "tid", &tid);
	r = scols_line_set_data(line, 0, operation ? operation : "-");
	r = r ?: ctl_cell(line, 1, "%" PRIu64, pid);
	r = r ?: ctl_cell(line, 2, "%" PRIu64, tid);
	r = r ?: scols_line_set_data(line, 3, since);
	return r ?: set_process(line, 4, call);
}

static int add_opener(struct libscols_table *table, struct json_object *opener)
{
	struct libscols_line *line = scols_table_new_line(table, NULL);
	const char *access = ctl_json_string(opener, "access");
	uint64_t pid = 0;
	int r;

	if (!line)
		return -ENOMEM;
	ctl_json_u64(opener, "pid", &pid);
	r = scols_line_set_data(line, 0, access ? access : "-");
	r = r ?: ctl_cell(line, 1, "%" PRIu64, pid);
	return r ?: set_process(line, 2, opener);
}

static int print_list(struct json_object *list, const struct ctl_column *columns, size_t n,
		      int (*add)(struct libscols_table *table, struct json_object *item), FILE *out)
{
	_cleanup_(scols_unref_tablep) struct libscols_table *table = NULL;
	int r;

	if (!ctl_json_length(list))
		return 0;
	r = ctl_table_new(&table, columns, n, true, out);
	for (size_t i = 0; r == 0 && i < ctl_json_length(list); i++)
		r = add(table, json_object_array_get_idx(list, i));
	fputc('\n', out);
	return r ?: scols_print_table(table);
}

int ctl_print_calls(struct json_object *calls, FILE *out)
{
	static const struct ctl_column columns[] = {
		{.name = "WAITS IN"},
		{.name = "PID", .right = true},
		{.name = "TID", .right = true},
		{.name = "SINCE"},
		{.name = "COMMAND"},
		{.name = "UNIT"},
		{.name = "COMMAND LINE", .truncate = true},
	};

	return print_list(calls, columns, ARRAY_SIZE(columns), add_call, out);
}

int ctl_print_openers(struct json_object *openers, FILE *out)
{
	static const struct ctl_column columns[] = {
		{.name = "OPEN TO"},
		{.name = "PID", .right = true},
		{.name = "COMMAND"},
		{.name = "UNIT"},
		{.name = "COMMAND LINE", .truncate = true},
	};

	return print_list(openers, columns, ARRAY_SIZE(columns), add_opener, out);
}
