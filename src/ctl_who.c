/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Processes as people read them: who has a queue open, who is blocked in it. */
#include <inttypes.h>
#include <signal.h>
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

/* "3r 5rw": descriptors and what they are open for */
static char *descriptors(struct json_object *opener)
{
	struct json_object *list = ctl_json_get(opener, "descriptors");
	char *text = strdup("");

	for (size_t i = 0; text && i < ctl_json_length(list); i++) {
		struct json_object *d = json_object_array_get_idx(list, i);
		_cleanup_free_ char *before = text;
		const char *access = ctl_json_string(d, "access");
		uint64_t fd = 0;

		ctl_json_u64(d, "fd", &fd);
		if (asprintf(&text, "%s%s%" PRIu64 "%s", before, i ? " " : "", fd,
			     !access			    ? ""
			     : strcmp(access, "read") == 0  ? "r"
			     : strcmp(access, "write") == 0 ? "w"
							    : "rw") < 0)
			text = NULL;
	}
	return text;
}

static int add_opener(struct libscols_table *table, struct json_object *opener)
{
	struct libscols_line *line = scols_table_new_line(table, NULL);
	const char *access = ctl_json_string(opener, "access");
	_cleanup_free_ char *fds = descriptors(opener);
	char user[CTL_TEXT_MAX] = "-";
	uint64_t pid = 0, uid;
	int r;

	if (!line || !fds)
		return -ENOMEM;
	ctl_json_u64(opener, "pid", &pid);
	if (ctl_json_u64(opener, "uid", &uid))
		ctl_user(uid, user);
	r = scols_line_set_data(line, 0, access ? access : "-");
	r = r ?: ctl_cell(line, 1, "%" PRIu64, pid);
	r = r ?: scols_line_set_data(line, 2, user);
	r = r ?: scols_line_set_data(line, 3, fds);
	return r ?: set_process(line, 4, opener);
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
		{.name = "USER"},
		{.name = "FDS"},
		{.name = "COMMAND"},
		{.name = "UNIT"},
		{.name = "COMMAND LINE", .truncate = true},
	};

	return print_list(openers, columns, ARRAY_SIZE(columns), add_opener, out);
}

/* "Notify app[17], app.service: /usr/bin/app, by signal 10" */
static int print_notify(struct json_object *notify, FILE *out)
{
	const char *method = ctl_json_string(notify, "method");
	_cleanup_free_ char *whose = NULL, *command = NULL;
	uint64_t pid = 0, signal;

	if (!notify)
		return 0;
	whose = owner(notify);
	command = escaped(notify, "command");
	if (!whose || !command)
		return -ENOMEM;
	ctl_json_u64(notify, "pid", &pid);
	fprintf(out, "\nProcess %" PRIu64 " (%s: %s) is registered with mq_notify(3)", pid, whose,
		command);
	if (ctl_json_u64(notify, "signal", &signal))
		fprintf(out, ", by signal %" PRIu64 " (SIG%s)", signal,
			sigabbrev_np((int)signal) ?: "?");
	else if (method)
		fprintf(out, ", %s",
			strcmp(method, "thread") == 0 ? "by a thread" : "without being told");
	fputs(".\n", out);
	return 0;
}

static void print_nobody(struct json_object *queue, FILE *out)
{
	uint64_t open;

	if (!ctl_json_get(queue, "openers"))
		fputs("Who has it open is shown to root, members of the daemon's group, and those "
		      "who may read the queue.\n",
		      out);
	else if (ctl_json_u64(queue, "open", &open) && open)
		fprintf(out,
			"No process has it open, but there are %" PRIu64
			" open descriptions, as on "
			"their way between processes.\n",
			open);
	else
		fputs("No process has it open.\n", out);
}

int ctl_who(const struct ctl_args *args, FILE *out)
{
	struct ctl_query query = {.document = CTL_DOCUMENT_QUEUE};
	_cleanup_(json_object_putp) struct json_object *queue = NULL;
	struct json_object *openers;
	int r = ctl_get_queue(args, &query, &queue);

	if (r)
		return r;
	if (args->json)
		return ctl_print_json(out, queue);
	openers = ctl_json_get(queue, "openers");
	if (!ctl_json_length(openers))
		print_nobody(queue, out);
	if (ctl_print_openers(openers, out) < 0 ||
	    ctl_print_calls(ctl_json_get(queue, "calls"), out) < 0 ||
	    print_notify(ctl_json_get(queue, "notify"), out) < 0)
		return ctl_no_memory();
	return CTL_OK;
}
