/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What mq_open(3) would refuse next, to whom, and what to raise. */
#include <inttypes.h>

#include "ctl.h"
#include "name.h"

/* Above this share of a limit one is told to raise it. */
#define NEAR 0.8

static uint64_t number(struct json_object *json, const char *key)
{
	uint64_t value = 0;

	ctl_json_u64(json, key, &value);
	return value;
}

static char *namespace_label(struct json_object *n)
{
	const char *unit = ctl_json_string(n, "unit"), *container = ctl_json_string(n, "container");
	_cleanup_free_ char *shown = name_escape(container ? container : unit ? unit : "-");
	char *text = NULL;

	if (!shown)
		return NULL;
	if (container)
		return asprintf(&text, "container %.12s", shown) < 0 ? NULL : text;
	return TAKE_PTR(shown);
}

static int add_namespace(struct libscols_table *table, struct json_object *n)
{
	struct libscols_line *line = scols_table_new_line(table, NULL);
	_cleanup_free_ char *label = namespace_label(n);
	static const char *const keys[] = {"ipcns",	     "queues",	    "queues_max",
					   "msg_max",	     "msgsize_max", "msg_default",
					   "msgsize_default"};
	int r = line && label ? 0 : -ENOMEM;

	for (size_t i = 0; r == 0 && i < ARRAY_SIZE(keys); i++) {
		uint64_t value;

		if (ctl_json_u64(n, keys[i], &value))
			r = ctl_cell(line, i, "%" PRIu64, value);
		else
			r = scols_line_set_data(line, i, "?");
	}
	return r ?: scols_line_set_data(line, ARRAY_SIZE(keys), label);
}

static int print_namespaces(struct json_object *namespaces, FILE *out)
{
	static const struct ctl_column columns[] = {
		{.name = "IPCNS", .right = true},	    {.name = "QUEUES", .right = true},
		{.name = "QUEUES_MAX", .right = true},	    {.name = "MSG_MAX", .right = true},
		{.name = "MSGSIZE_MAX", .right = true},	    {.name = "MSG_DEFAULT", .right = true},
		{.name = "MSGSIZE_DEFAULT", .right = true}, {.name = "UNIT"},
	};
	_cleanup_(scols_unref_tablep) struct libscols_table *table = NULL;
	int r = ctl_table_new(&table, columns, ARRAY_SIZE(columns), true, out);

	for (size_t i = 0; r == 0 && i < ctl_json_length(namespaces); i++)
		r = add_namespace(table, json_object_array_get_idx(namespaces, i));
	return r ?: scols_print_table(table);
}

/* "819200", "819200 to 1048576", "unlimited" */
static const char *limit_text(struct json_object *user, char text[CTL_TEXT_MAX])
{
	uint64_t min, max;

	if (!ctl_json_u64(user, "limit_min_bytes", &min) ||
	    !ctl_json_u64(user, "limit_max_bytes", &max))
		snprintf(text, CTL_TEXT_MAX, "?");
	else if (min == UINT64_MAX)
		snprintf(text, CTL_TEXT_MAX, "unlimited");
	else if (min == max)
		snprintf(text, CTL_TEXT_MAX, "%" PRIu64, min);
	else if (max == UINT64_MAX)
		snprintf(text, CTL_TEXT_MAX, "%" PRIu64 " or unlimited", min);
	else
		snprintf(text, CTL_TEXT_MAX, "%" PRIu64 " to %" PRIu64, min, max);
	return text;
}

static int add_user(struct libscols_table *table, struct json_object *user)
{
	struct libscols_line *line = scols_table_new_line(table, NULL);
	uint64_t min, reserved = number(user, "reserved_bytes");
	char text[CTL_TEXT_MAX];
	int r;

	if (!line)
		return -ENOMEM;
	r = scols_line_set_data(line, 0, ctl_user(number(user, "uid"), text));
	r = r ?: ctl_cell(line, 1, "%" PRIu64, number(user, "queues"));
	r = r ?: ctl_cell(line, 2, "%" PRIu64, reserved);
	r = r ?: scols_line_set_data(line, 3, limit_text(user, text));
	if (ctl_json_u64(user, "limit_min_bytes", &min) && min && min != UINT64_MAX)
		return r ?: ctl_cell(line, 4, "%3.0f%%", 100 * (double)reserved / (double)min);
	return r ?: scols_line_set_data(line, 4, "-");
}

static int print_users(struct json_object *users, FILE *out)
{
	static const struct ctl_column columns[] = {
		{.name = "USER"},
		{.name = "QUEUES", .right = true},
		{.name = "RESERVED", .right = true},
		{.name = "RLIMIT_MSGQUEUE", .right = true},
		{.name = "USED", .right = true},
	};
	_cleanup_(scols_unref_tablep) struct libscols_table *table = NULL;
	int r;

	if (!ctl_json_length(users))
		return 0;
	r = ctl_table_new(&table, columns, ARRAY_SIZE(columns), true, out);
	for (size_t i = 0; r == 0 && i < ctl_json_length(users); i++)
		r = add_user(table, json_object_array_get_idx(users, i));
	fputc('\n', out);
	return r ?: scols_print_table(table);
}

static int print_errors(struct json_object *errors, FILE *out)
{
	static const struct ctl_column columns[] = {
		{.name = "USER"},
		{.name = "MQ_OPEN FAILED WITH"},
		{.name = "TIMES", .right = true},
	};
	_cleanup_(scols_unref_tablep) struct libscols_table *table = NULL;
	int r;

	if (!ctl_json_length(errors))
		return 0;
	r = ctl_table_new(&table, columns, ARRAY_SIZE(columns), true, out);
	for (size_t i = 0; r == 0 && i < ctl_json_length(errors); i++) {
		struct json_object *e = json_object_array_get_idx(errors, i);
		struct libscols_line *line = scols_table_new_line(table, NULL);
		const char *name = ctl_json_string(e, "errno");
		char text[CTL_TEXT_MAX];

		if (!line)
			return -ENOMEM;
		r = scols_line_set_data(line, 0, ctl_user(number(e, "uid"), text));
		r = r ?: scols_line_set_data(line, 1, name ? name : "-");
		r = r ?: ctl_cell(line, 2, "%" PRIu64, number(e, "count"));
	}
	fputc('\n', out);
	return r ?: scols_print_table(table);
}

static void explain_namespace(struct json_object *n, FILE *out)
{
	uint64_t queues, max, ipcns = number(n, "ipcns");

	if (!ctl_json_u64(n, "queues", &queues) || !ctl_json_u64(n, "queues_max", &max))
		return;
	if (queues >= max)
		fprintf(out,
			"IPC namespace %" PRIu64
			": the next new queue is refused with ENOSPC, as there "
			"are %" PRIu64 " of\n  fs.mqueue.queues_max=%" PRIu64
			". Raise it there (nsenter --ipc): sysctl fs.mqueue.queues_max=N.\n",
			ipcns, queues, max);
	else if ((double)queues >= NEAR * (double)max)
		fprintf(out,
			"IPC namespace %" PRIu64 ": %" PRIu64 " more queues, then ENOSPC. Raise "
			"fs.mqueue.queues_max=%" PRIu64 " there.\n",
			ipcns, max - queues, max);
}

static void explain_user(struct json_object *user, uint64_t default_bytes, FILE *out)
{
	uint64_t reserved = number(user, "reserved_bytes"), limit, left;
	char name[CTL_TEXT_MAX];

	if (!ctl_json_u64(user, "limit_min_bytes", &limit) || limit == UINT64_MAX)
		return;
	ctl_user(number(user, "uid"), name);
	left = limit > reserved ? limit - reserved : 0;
	if (left < default_bytes)
		fprintf(out,
			"User %s: the next queue of the default size is refused with EMFILE: it "
			"takes "
			"%" PRIu64 " bytes,\n  and %" PRIu64 " of RLIMIT_MSGQUEUE=%" PRIu64
			" are left. Raise it: LimitMSGQUEUE= in the unit, ulimit -q, or\n"
			"  msgqueue in limits.conf(5); or make smaller queues, or unlink some.\n",
			name, default_bytes, left, limit);
	else if ((double)reserved >= NEAR * (double)limit)
		fprintf(out,
			"User %s: %" PRIu64 " more queues of the default size, then EMFILE. Raise "
			"RLIMIT_MSGQUEUE=%" PRIu64 ":\n  LimitMSGQUEUE= in the unit, ulimit -q, or "
			"msgqueue in limits.conf(5).\n",
			name, left / default_bytes, limit);
}

/* The least that mq_open(3) is refused with EINVAL for, where all namespaces have the same limits. */
static void explain_sizes(struct json_object *n, FILE *out)
{
	fprintf(out,
		"Without CAP_SYS_RESOURCE more than %" PRIu64 " messages (fs.mqueue.msg_max) or "
		"longer ones than %" PRIu64 " bytes\n  (fs.mqueue.msgsize_max) are refused with "
		"EINVAL in IPC namespace %" PRIu64 ".\n",
		number(n, "msg_max"), number(n, "msgsize_max"), number(n, "ipcns"));
}

static void explain_error(struct json_object *e, FILE *out)
{
	static const struct {
		const char *name, *text;
	} meanings[] = {
		{"EMFILE",
		 "RLIMIT_MSGQUEUE of the user, or RLIMIT_NOFILE of a process, was reached"},
		{"ENOSPC", "fs.mqueue.queues_max of the namespace was reached"},
		{"EACCES", "the queue's owner, group and mode did not allow it"},
		{"EINVAL", "more or longer messages were asked for than fs.mqueue.msg_max and "
			   "msgsize_max allow"},
		{"EEXIST", "O_EXCL, and the queue was there"},
		{"ENOENT", "the queue was not there"},
		{"ENFILE", "fs.file-max was reached"},
		{"ENOMEM", "no memory"},
	};
	const char *name = ctl_json_string(e, "errno");
	char user[CTL_TEXT_MAX];

	for (size_t i = 0; name && i < ARRAY_SIZE(meanings); i++)
		if (strcmp(name, meanings[i].name) == 0)
			fprintf(out, "User %s got %s: %s.\n", ctl_user(number(e, "uid"), user),
				name, meanings[i].text);
}

static void explain(struct json_object *json, FILE *out)
{
	struct json_object *namespaces = ctl_json_get(json, "namespaces"), *own = NULL;
	struct json_object *users = ctl_json_get(json, "users");
	struct json_object *errors = ctl_json_get(json, "open_errors");
	uint64_t default_bytes = 0;

	fputc('\n', out);
	for (size_t i = 0; i < ctl_json_length(namespaces); i++) {
		struct json_object *n = json_object_array_get_idx(namespaces, i);

		explain_namespace(n, out);
		if (!own || ctl_json_true(n, "own"))
			own = n;
	}
	if (own && ctl_json_u64(own, "default_queue_bytes", &default_bytes) && default_bytes)
		for (size_t i = 0; i < ctl_json_length(users); i++)
			explain_user(json_object_array_get_idx(users, i), default_bytes, out);
	if (default_bytes)
		explain_sizes(own, out);
	for (size_t i = 0; i < ctl_json_length(errors); i++)
		explain_error(json_object_array_get_idx(errors, i), out);
}

int ctl_limits(const struct ctl_args *args, FILE *out)
{
	const struct ctl_query query = {.document = CTL_DOCUMENT_LIMITS};
	_cleanup_(json_object_putp) struct json_object *json = NULL;
	int r = ctl_get(args, &query, &json);

	if (r)
		return r;
	if (args->json)
		return ctl_print_json(out, json);
	if (print_namespaces(ctl_json_get(json, "namespaces"), out) < 0 ||
	    print_users(ctl_json_get(json, "users"), out) < 0 ||
	    print_errors(ctl_json_get(json, "open_errors"), out) < 0)
		return ctl_no_memory();
	explain(json, out);
	return CTL_OK;
}
