/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Without a daemon: reads the queues of the IPC namespace oneself, as far as one may. */
#include <fcntl.h>
#include <sched.h>
#include <time.h>

#include "ctl.h"
#include "json.h"
#include "name.h"

#define PAYLOAD_MAX (UINT64_C(16) << 20) /* HARD_MSGSIZEMAX: no message is longer */
#define BUFFER_MAX  (UINT64_C(256) << 20)

struct direct {
	struct mqfs *mqfs;
	struct namespaces *namespaces;
	struct peek *peek;
	struct table *table;
};

static void direct_done(struct direct *d)
{
	table_free(d->table);
	peek_free(d->peek);
	namespaces_free(d->namespaces);
	mqfs_free(d->mqfs);
}

static int enter_namespace(pid_t pid, char **error)
{
	_cleanup_close_ int fd = -1;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/ns/ipc", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0 && setns(fd, CLONE_NEWIPC) == 0)
		return CTL_OK;
	return ctl_fail(error, errno == EPERM || errno == EACCES ? CTL_PERMISSION : CTL_FAILURE,
			"--pid %d: cannot enter its IPC namespace: %s", (int)pid, strerror(errno));
}

/* Loading the backend takes longer than all the rest: only when there is something to see. */
static int direct_look(struct direct *d, bool brief, char **error)
{
	const struct peek_options options = {
		.mode = brief ? PEEK_OFF : PEEK_AUTO,
		.buffer_max = BUFFER_MAX,
	};
	const struct namespaces_options own = {.own = d->mqfs};
	int r = peek_new(&d->peek, &options);

	if (r == 0)
		r = namespaces_new(&d->namespaces, &own);
	if (r == 0)
		r = table_new(&d->table, SIZE_MAX);
	if (r == 0)
		r = table_refresh(d->table, d->namespaces, d->peek, NULL);
	if (r < 0)
		return ctl_fail(error, CTL_FAILURE, "%s: %s", mqfs_source(d->mqfs), strerror(-r));
	return CTL_OK;
}

static int direct_list(struct direct *d, bool brief, struct json_object **ret, char **error)
{
	size_t denied;
	int r = direct_look(d, brief, error);

	if (r)
		return r;
	denied = table_drops(d->table, TABLE_DROP_DENIED);
	if (denied && !brief)
		ctl_error("queues not shown, as only owner, group and root may read them: %zu",
			  denied);
	*ret = json_queues(d->table);
	return CTL_OK;
}

/* As the API does it, but what only the daemon can know is null. */
static int direct_show(const struct queue *q, struct json_object **ret)
{
	struct json_object *json = json_queue(q, true, realtime_offset_ns());

	if (json && json_object_object_add(json, "calls", NULL) < 0) {
		json_object_put(json);
		json = NULL;
	}
	*ret = json;
	return CTL_OK;
}

static int direct_messages(const struct direct *d, int mqd, const struct queue *q,
			   const struct ctl_query *query, const char *label,
			   struct json_object **ret, char **error)
{
	_cleanup_(snapshot_freep) struct snapshot *snapshot = NULL;
	struct peek_request request = {
		.messages_max = query->limit ? query->limit : UINT64_MAX,
		.payload_max = query->no_payload			    ? 0
			       : query->bytes && query->bytes < PAYLOAD_MAX ? query->bytes
									    : PAYLOAD_MAX,
		.patience_ns = PEEK_QUIET_NS,
	};
	int r = peek_snapshot(d->peek, mqd, &request, &snapshot);

	if (r == -EOPNOTSUPP)
		return ctl_fail(error, CTL_NO_DAEMON, "messages cannot be looked at: %s",
				peek_reason(d->peek));
	if (r < 0)
		return ctl_fail(error, CTL_FAILURE, "/%s: %s", label, strerror(-r));
	*ret = json_snapshot(q, snapshot, !query->no_payload);
	return CTL_OK;
}

static int direct_queue(struct direct *d, const struct ctl_query *query, struct json_object **ret,
			char **error)
{
	_cleanup_close_ int mqd = mqfs_open_queue(d->mqfs, query->name);
	_cleanup_free_ char *label = name_escape(query->name);
	const struct queue *q;
	int r;

	if (!label)
		return ctl_fail(error, CTL_FAILURE, "out of memory");
	if (mqd == -EACCES || mqd == -EPERM)
		return ctl_fail(error, CTL_PERMISSION,
				"/%s: permission denied: only its owner, group or root may read it",
				label);
	if (mqd < 0 && mqd != -ENOENT)
		return ctl_fail(error, CTL_FAILURE, "/%s: %s", label, strerror(-mqd));
	r = mqd < 0 ? CTL_OK : direct_look(d, query->brief, error);
	if (r)
		return r;
	q = mqd < 0 ? NULL : table_find(d->table, query->ipcns, query->name);
	if (q && query->inode && q->id.ino != query->inode)
		return ctl_fail(
			error, CTL_NO_QUEUE,
			"the queue that has the name /%s is another one; only the daemon can "
			"see one that was unlinked",
			label);
	if (!q)
		return ctl_fail(error, CTL_NO_QUEUE, "no queue /%s in IPC namespace %u", label,
				query->ipcns);
	if (query->document == CTL_DOCUMENT_QUEUE)
		return direct_show(q, ret);
	return direct_messages(d, mqd, q, query, label, ret, error);
}

int ctl_direct_get(const struct ctl_query *query, pid_t pid, struct json_object **ret, char **error)
{
	_cleanup_(direct_done) struct direct d = {};
	struct json_object *json = NULL;
	char reason[256];
	int r = pid ? enter_namespace(pid, error) : CTL_OK;

	if (r)
		return r;
	r = mqfs_open(&d.mqfs, NULL, reason, sizeof(reason));
	if (r < 0)
		return ctl_fail(error, CTL_NO_DAEMON, "%s",
				r == -ENOMEM ? strerror(ENOMEM) : reason);
	if (query->ipcns && query->ipcns != mqfs_ipcns(d.mqfs))
		return ctl_fail(error, CTL_NO_DAEMON,
				"%u is not the IPC namespace of this process; give --pid with a "
				"process in it",
				query->ipcns);
	r = query->document == CTL_DOCUMENT_QUEUES ? direct_list(&d, query->brief, &json, error)
						   : direct_queue(&d, query, &json, error);
	if (r)
		return r;
	if (!json)
		return ctl_fail(error, CTL_FAILURE, "out of memory");
	*ret = json;
	return CTL_OK;
}
