/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What of mqwatch works on this machine, and what to do about the rest. Looks for itself where that
 * is possible, so that it tells something also where no daemon runs.
 */
#include <grp.h>
#include <stdarg.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "attach.h"
#include "bpf_util.h"
#include "ctl.h"
#include "json_build.h"
#include "timedreceive2.h"
#include "tracefs.h"

#define GROUP	     "mqwatch"
#define OLDEST_MAJOR 6
#define OLDEST_MINOR 1

enum state {
	STATE_OK,
	STATE_NOTE,    /* works, though something better is not possible here */
	STATE_PROBLEM, /* does not work as it could */
};

static const char *const state_names[] = {
	[STATE_OK] = "ok",
	[STATE_NOTE] = "note",
	[STATE_PROBLEM] = "problem",
};

struct doctor {
	struct json_build document;
	struct json_object *checks;
	bool problem; /* seen */
};

static void note(struct doctor *d, const char *check, enum state state, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

static void note(struct doctor *d, const char *check, enum state state, const char *format, ...)
{
	struct json_build o = json_begin();
	_cleanup_free_ char *text = NULL;
	va_list args;
	int r;

	va_start(args, format);
	r = vasprintf(&text, format, args);
	va_end(args);
	if (r < 0)
		text = NULL;
	json_add_string(&o, "check", check);
	json_add_string(&o, "state", state_names[state]);
	json_add_string(&o, "finding", text);
	json_append(&d->document, d->checks, json_end(&o));
	d->problem = d->problem || state == STATE_PROBLEM;
}

static void check_kernel(struct doctor *d)
{
	int major = 0, minor = 0;
	struct utsname u;

	uname(&u);
	if (sscanf(u.release, "%d.%d", &major, &minor) == 2 &&
	    (major < OLDEST_MAJOR || (major == OLDEST_MAJOR && minor < OLDEST_MINOR)))
		note(d, "kernel", STATE_PROBLEM, "%s: older than %d.%d, the oldest that is tested",
		     u.release, OLDEST_MAJOR, OLDEST_MINOR);
	else
		note(d, "kernel", STATE_OK, "%s", u.release);
}

static void check_types(struct doctor *d)
{
	const char *missing = bpf_missing();

	note(d, "kernel types", missing ? STATE_PROBLEM : STATE_OK, "%s",
	     missing ? missing : "the kernel describes its types (BTF)");
}

static void check_tracing(struct doctor *d)
{
	_cleanup_close_ int tracefs = tracefs_open();
	char reason[256];

	if (tracefs < 0)
		note(d, "tracing", geteuid() == 0 ? STATE_PROBLEM : STATE_NOTE,
		     "no tracefs (%s): mount -t tracefs tracefs /sys/kernel/tracing",
		     strerror(-tracefs));
	else if (faccessat(tracefs, "events/syscalls/sys_enter_mq_timedsend", F_OK, 0) < 0)
		note(d, "tracing", STATE_PROBLEM,
		     "no tracepoint syscalls:sys_enter_mq_timedsend (%s): use a kernel with "
		     "CONFIG_FTRACE_SYSCALLS=y",
		     strerror(errno));
	else if (attach_permits_functions(reason, sizeof(reason)) < 0)
		note(d, "tracing", STATE_NOTE,
		     "tracepoints only, which do not see 32-bit programs on x86-64: %s", reason);
	else
		note(d, "tracing", STATE_OK, "functions and tracepoints");
}

static void check_call(struct doctor *d)
{
	char reason[256];

	if (timedreceive2_find(reason, sizeof(reason)) == 0)
		note(d, "mq_timedreceive2(2)", STATE_OK,
		     "the kernel has it: messages are read without BPF");
	else
		note(d, "mq_timedreceive2(2)", STATE_NOTE, "%s: messages are read with BPF",
		     reason);
}

static void check_group(struct doctor *d)
{
	const struct group *g = getgrnam(GROUP);
	gid_t gid = g ? g->gr_gid : 0;

	if (!g)
		note(d, "group " GROUP, STATE_NOTE,
		     "not there: only root may read the messages of others' queues (groupadd "
		     "--system " GROUP ")");
	else if (geteuid() == 0 || group_member(gid))
		note(d, "group " GROUP, STATE_OK, "you may read the messages of all queues");
	else
		note(d, "group " GROUP, STATE_OK,
		     "you are no member, and may read the messages of queues whose mode lets you");
}

/* A part of the daemon: what it does under key, or the reason why not. */
static void check_part(struct doctor *d, const char *check, struct json_object *part,
		       const char *key)
{
	const char *does = ctl_json_string(part, key), *reason = ctl_json_string(part, "reason");
	const char *remark = ctl_json_string(part, "note");

	if (reason)
		note(d, check, STATE_PROBLEM, "%s", reason);
	else
		note(d, check, remark ? STATE_NOTE : STATE_OK, "%s%s%s%s", does ? does : "on",
		     remark ? " (" : "", remark ? remark : "", remark ? ")" : "");
}

static void check_losses(struct doctor *d, struct json_object *lost)
{
	if (!lost)
		return;
	json_object_object_foreach(lost, reason, value)
	{
		uint64_t n = json_object_get_uint64(value);

		if (n)
			note(d, "lost events", STATE_NOTE, "%" PRIu64 " %s: see mqwatchd(8)", n,
			     reason);
	}
}

static void check_daemon(struct doctor *d, const struct ctl_args *args)
{
	const char *socket = args->socket ? args->socket : CTL_DEFAULT_SOCKET;
	const struct ctl_query query = {.document = CTL_DOCUMENT_STATUS};
	_cleanup_(json_object_putp) struct json_object *status = NULL;
	_cleanup_free_ char *error = NULL;
	int r = ctl_client_get(socket, &query, &status, &error);

	if (r) {
		note(d, "daemon", STATE_PROBLEM, "%s", error ? error : "no memory");
		return;
	}
	note(d, "daemon", STATE_OK, "mqwatchd %s", ctl_json_string(status, "version"));
	check_part(d, "queues", ctl_json_get(status, "mqueue"), "source");
	check_part(d, "peek", ctl_json_get(status, "peek"), "backend");
	check_part(d, "probes", ctl_json_get(status, "probe"), "mode");
	check_part(d, "metrics", ctl_json_get(status, "web"), "state");
	check_losses(d, ctl_json_get(status, "events_lost"));
}

static int print(struct json_object *checks, FILE *out)
{
	static const struct ctl_column columns[] = {
		{.name = "CHECK"}, {.name = "STATE"}, {.name = "FINDING"}};
	_cleanup_(scols_unref_tablep) struct libscols_table *table = NULL;
	int r = ctl_table_new(&table, columns, ARRAY_SIZE(columns), true, out);

	for (size_t i = 0; r == 0 && i < ctl_json_length(checks); i++) {
		struct json_object *check = json_object_array_get_idx(checks, i);
		struct libscols_line *line = scols_table_new_line(table, NULL);

		r = line ? 0 : -ENOMEM;
		r = r ?: ctl_cell(line, 0, "%s", ctl_json_string(check, "check"));
		r = r ?: ctl_cell(line, 1, "%s", ctl_json_string(check, "state"));
		r = r ?: ctl_cell(line, 2, "%s", ctl_json_string(check, "finding"));
	}
	return r ?: scols_print_table(table);
}

int ctl_doctor(const struct ctl_args *args, FILE *out)
{
	_cleanup_(json_object_putp) struct json_object *json = NULL;
	struct doctor d = {.document = json_begin(), .checks = json_object_new_array()};
	int r;

	check_kernel(&d);
	check_types(&d);
	check_tracing(&d);
	check_call(&d);
	check_group(&d);
	check_daemon(&d, args);
	json_add(&d.document, "checks", d.checks);
	json = json_end(&d.document);
	if (!json)
		return ctl_no_memory();
	if (args->json)
		r = ctl_print_json(out, json);
	else
		r = print(ctl_json_get(json, "checks"), out) ? ctl_no_memory() : CTL_OK;
	return r ?: d.problem ? CTL_FAILURE : CTL_OK;
}
