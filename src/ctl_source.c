/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where a verb's JSON comes from: the daemon, or without one the queues themselves. */
#include <stdarg.h>
#include <sys/stat.h>

#include "ctl.h"
#include "name.h"

#define CANDIDATES_MAX 8 /* that an error lists */

void ctl_error(const char *format, ...)
{
	va_list args;

	fputs("mqwatchctl: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
}

int ctl_no_memory(void)
{
	ctl_error("out of memory");
	return CTL_FAILURE;
}

int ctl_print_json(FILE *out, struct json_object *json)
{
	size_t size = 0;
	const char *text = json_object_to_json_string_length(
		json, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE, &size);

	if (!text)
		return ctl_no_memory();
	fwrite(text, 1, size, out);
	fputc('\n', out);
	return CTL_OK;
}

static int report(int code, const char *error)
{
	if (code)
		ctl_error("%s", error ? error : "out of memory");
	return code;
}

/* What there is without it is the queues and their messages. */
static bool only_daemon(enum ctl_document document)
{
	return document == CTL_DOCUMENT_STATUS || document == CTL_DOCUMENT_LIMITS ||
	       document == CTL_DOCUMENT_STALLS || document == CTL_DOCUMENT_STALL;
}

static int get(const struct ctl_args *args, const struct ctl_query *query, struct json_object **ret,
	       char **error)
{
	const char *variable = getenv("MQWATCH_SOCKET");
	const char *path = args->socket		   ? args->socket
			   : variable && *variable ? variable
						   : CTL_DEFAULT_SOCKET;
	_cleanup_free_ char *no_daemon = NULL, *reason = NULL;
	int r;

	r = ctl_client_get(path, query, ret, &no_daemon);
	if (r == CTL_USAGE && query->bytes_wished) {
		struct ctl_query less = *query;

		less.bytes = 0;
		free(TAKE_PTR(no_daemon));
		r = ctl_client_get(path, &less, ret, &no_daemon);
	}
	if (r != CTL_NO_DAEMON || args->socket || only_daemon(query->document)) {
		*error = TAKE_PTR(no_daemon);
		return r;
	}
	r = ctl_direct_get(query, args->pid, ret, &reason);
	if (r == CTL_NO_DAEMON && no_daemon && reason)
		return ctl_fail(error, r, "%s; and no direct way: %s", no_daemon, reason);
	*error = TAKE_PTR(reason);
	return r;
}

int ctl_get(const struct ctl_args *args, const struct ctl_query *query, struct json_object **ret)
{
	_cleanup_free_ char *error = NULL;
	int r = get(args, query, ret, &error);

	return query->brief ? r : report(r, error);
}

static int namespace_of(const char *path, uint32_t *ret)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return -errno;
	*ret = (uint32_t)st.st_ino;
	return 0;
}

int ctl_wanted_ipcns(const struct ctl_args *args, uint32_t *ret)
{
	char path[64];
	int r;

	if (!args->pid) {
		*ret = args->ipcns;
		return CTL_OK;
	}
	snprintf(path, sizeof(path), "/proc/%d/ns/ipc", (int)args->pid);
	r = namespace_of(path, ret);
	if (r == -ENOENT)
		ctl_error("--pid %d: no such process", (int)args->pid);
	else if (r == -EACCES || r == -EPERM)
		ctl_error("--pid %d: no permission to see its IPC namespace; run as its user or as "
			  "root, or give --ipcns",
			  (int)args->pid);
	else if (r < 0)
		ctl_error("--pid %d: %s: %s", (int)args->pid, path, strerror(-r));
	if (r < 0)
		return r == -EACCES || r == -EPERM ? CTL_PERMISSION : CTL_FAILURE;
	return CTL_OK;
}

/* The other namespaces that have a queue of that name. */
static size_t find_elsewhere(struct json_object *list, const struct ctl_query *query, uint32_t but,
			     uint32_t found[CANDIDATES_MAX])
{
	struct json_object *queues = ctl_json_get(list, "queues");
	size_t n = 0;

	for (size_t i = 0; i < ctl_json_length(queues); i++) {
		struct json_object *queue = json_object_array_get_idx(queues, i);
		_cleanup_free_ char *other = ctl_json_name(queue);
		uint64_t ipcns, inode;

		if (!other || strcmp(other, query->name) || !ctl_json_u64(queue, "ipcns", &ipcns) ||
		    ipcns == but)
			continue;
		if (query->inode &&
		    (!ctl_json_u64(queue, "inode", &inode) || inode != query->inode))
			continue;
		/* of several in one namespace, it is the one that has the name */
		if (n && n <= CANDIDATES_MAX && found[n - 1] == ipcns)
			continue;
		if (n < CANDIDATES_MAX)
			found[n] = (uint32_t)ipcns;
		n++;
	}
	return n;
}

static int ambiguous(const char *name, const uint32_t candidates[], size_t n)
{
	char list[CANDIDATES_MAX * 12] = "";

	for (size_t i = 0; i < n && i < CANDIDATES_MAX; i++)
		sprintf(list + strlen(list), " %u", candidates[i]);
	ctl_error("/%s: not in this IPC namespace, but in %zu others; choose one with --ipcns:%s%s",
		  name, n, list, n > CANDIDATES_MAX ? " ..." : "");
	return CTL_USAGE;
}

int ctl_get_queue(const struct ctl_args *args, struct ctl_query *query, struct json_object **ret)
{
	const struct ctl_query list_query = {.document = CTL_DOCUMENT_QUEUES, .brief = true};
	_cleanup_(json_object_putp) struct json_object *list = NULL;
	_cleanup_free_ char *error = NULL, *ignored = NULL, *shown = NULL;
	uint32_t candidates[CANDIDATES_MAX], wanted, own = 0;
	size_t n;
	int r;

	r = ctl_wanted_ipcns(args, &wanted);
	if (r)
		return r;
	namespace_of("/proc/self/ns/ipc", &own);
	query->name = args->queue;
	query->inode = args->inode;
	query->ipcns = wanted ? wanted : own;
	r = get(args, query, ret, &error);
	if (r != CTL_NO_QUEUE || wanted || get(args, &list_query, &list, &ignored) != CTL_OK)
		return report(r, error);

	n = find_elsewhere(list, query, own, candidates);
	if (!n)
		return report(r, error);
	shown = name_escape(args->queue);
	if (!shown)
		return ctl_no_memory();
	if (n > 1)
		return ambiguous(shown, candidates, n);
	ctl_error("/%s: not in this IPC namespace, taking the one in %u", shown, candidates[0]);
	query->ipcns = candidates[0];
	return ctl_get(args, query, ret);
}
