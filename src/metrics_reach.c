// SPDX-License-Identifier: GPL-2.0-or-later
#include "metrics_reach.h"

static void sample(struct text *out, const char *name, const char *label, uint64_t id,
		   uint64_t value)
{
	text_append(out, name);
	text_append(out, "{");
	text_append(out, label);
	text_append(out, "=\"");
	text_append_u64(out, id);
	text_append(out, "\"} ");
	text_append_u64(out, value);
	text_append(out, "\n");
}

static void render_info(struct text *out, const struct quota *q)
{
	if (q->n_namespaces)
		text_family(out, "mqwatch_ipc_namespace_info", "gauge",
			    "An IPC namespace, and what runs in it: a systemd unit, a container.");
	for (size_t i = 0; i < q->n_namespaces; i++) {
		const struct namespace *n = &q->namespaces[i];

		text_append(out, "mqwatch_ipc_namespace_info{ipcns=\"");
		text_append_u64(out, n->ipcns);
		text_append(out, "\",unit=\"");
		text_append_label_value(out, n->unit);
		text_append(out, "\",container=\"");
		text_append_label_value(out, n->container);
		text_append(out, "\"} 1\n");
	}
}

/* The queues of each namespace follow each other in the table. */
static uint64_t count_rows(const struct table *t, uint32_t ipcns, size_t *next)
{
	size_t first;

	while (*next < table_size(t) && table_at(t, *next)->id.ipcns < ipcns)
		++*next;
	first = *next;
	while (*next < table_size(t) && table_at(t, *next)->id.ipcns == ipcns)
		++*next;
	return *next - first;
}

static void render_namespaces(struct text *out, const struct table *t, const struct quota *q)
{
	size_t next = 0;
	bool begun = false;

	if (q->n_namespaces)
		text_family(out, "mqwatch_queues", "gauge",
			    "Queues in the IPC namespace, unlinked ones that are open included.");
	for (size_t i = 0; i < q->n_namespaces; i++) {
		const struct namespace *n = &q->namespaces[i];
		uint64_t rows = count_rows(t, n->ipcns, &next);

		sample(out, "mqwatch_queues", "ipcns", n->ipcns,
		       n->limits.counted ? n->limits.queues : rows);
	}
	for (size_t i = 0; i < q->n_namespaces; i++) {
		const struct namespace *n = &q->namespaces[i];

		if (!n->limits.known)
			continue;
		if (!begun)
			text_family(out, "mqwatch_queues_limit", "gauge",
				    "Queues the IPC namespace may have (fs.mqueue.queues_max).");
		begun = true;
		sample(out, "mqwatch_queues_limit", "ipcns", n->ipcns, n->limits.queues_max);
	}
}

static void render_users(struct text *out, const struct quota *q)
{
	if (q->n_users)
		text_family(out, "mqwatch_user_reserved_bytes", "gauge",
			    "Bytes the user is charged against RLIMIT_MSGQUEUE.");
	for (size_t i = 0; i < q->n_users; i++)
		sample(out, "mqwatch_user_reserved_bytes", "uid", q->users[i].uid,
		       q->users[i].reserved_bytes);
}

static void render_errors(struct text *out, const struct quota *q)
{
	static const char name[] = "mqwatch_open_errors_total";

	if (q->n_errors || q->errors_lost)
		text_family(out, name, "counter", "Calls of mq_open(2) that failed, by user.");
	for (size_t i = 0; i < q->n_errors; i++) {
		const struct opens_error *e = &q->errors[i];
		const char *error = strerrorname_np((int)e->error);

		text_append(out, name);
		text_append(out, "{errno=\"");
		text_append(out, error ? error : "other");
		text_append(out, "\",uid=\"");
		text_append_u64(out, e->uid);
		text_append(out, "\"} ");
		text_append_u64(out, e->count);
		text_append(out, "\n");
	}
	if (!q->errors_lost)
		return;
	text_append(out, name);
	text_append(out, "{errno=\"other\",uid=\"other\"} ");
	text_append_u64(out, q->errors_lost);
	text_append(out, "\n");
}

void metrics_render_reach(struct text *out, const struct metrics_input *in)
{
	render_info(out, in->quota);
	render_namespaces(out, in->table, in->quota);
	render_users(out, in->quota);
	render_errors(out, in->quota);
}
