/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The daemon as the control socket and the web see it. */
#include <time.h>

#include "log.h"
#include "manager_internal.h"
#include "metrics.h"
#include "version.h"

/* How long a snapshot of a busy queue may hold up the loop. */
#define PATIENCE_NS (50 * NSEC_PER_MSEC)

int manager_refresh(struct manager *m)
{
	int r;

	r = table_refresh(m->table, m->namespaces, m->peek, m->probe);
	if (r < 0)
		log_warning_errno_limited(r, "The queues cannot be read: %m");
	else
		manager_count_openers(m);
	return r;
}

static int op_refresh(void *data, const struct table **ret)
{
	struct manager *m = data;
	int r = manager_refresh(m);

	if (r < 0)
		return r;
	manager_look(m);
	r = table_sum(m->table, m->probe);
	if (r < 0)
		return r;
	*ret = m->table;
	return 0;
}

/* A reason that is an empty string is none. */
static const char *reason(const char *s)
{
	return s && *s ? s : NULL;
}

static size_t count_stalled(const struct table *t)
{
	size_t n = 0;

	for (size_t i = 0; i < table_size(t); i++)
		n += table_at(t, i)->stall.reasons != 0;
	return n;
}

void manager_status(struct manager *m, struct status *ret)
{
	*ret = (struct status){
		.version = MQWATCH_VERSION,
		.started_at = m->started_at,
		.ipcns = m->mqfs ? mqfs_ipcns(m->mqfs) : 0,
		.mqueue_source = m->mqfs ? mqfs_source(m->mqfs) : NULL,
		.mqueue_reason = reason(m->mqueue_reason),
		.peek_backend = peek_backend(m->peek),
		/* what is switched off by hand is not amiss */
		.peek_reason = m->config->peek == PEEK_OFF ? NULL : peek_reason(m->peek),
		.probe_mode = probe_mode_name(m->probe),
		.peek_note = peek_note(m->peek),
		.probe_note = probe_note(m->probe),
		.probe_peeks = probe_sees_peeks(m->probe),
		.probe_reason = m->config->probe == PROBE_OFF ? NULL : probe_reason(m->probe),
		.web_reason = reason(m->web_reason),
		.control_reason = reason(m->control_reason),
		.config_bad = m->config_bad,
		.queues = table_size(m->table),
		.queues_stalled = count_stalled(m->table),
		.queues_max = m->config->queues_max,
	};
	for (size_t i = 0; i < TABLE_DROPS; i++)
		ret->drops[i] = table_drops(m->table, i);
	for (size_t i = 0; i < PROBE_LOSSES; i++)
		ret->losses[i] = probe_losses(m->probe, i);
	memcpy(ret->snapshots, m->snapshots, sizeof(ret->snapshots));
}

static int op_status(void *data, struct status *ret)
{
	manager_status(data, ret);
	return 0;
}

/* Opens the queue only if it is still the one, with the owner and mode, that permission was given for. */
static int open_unchanged(struct manager *m, const struct queue *q)
{
	_cleanup_close_ int fd = namespaces_open_queue(m->namespaces, q);
	struct stat st;

	if (fd < 0)
		return fd;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (st.st_uid != q->attr.uid || st.st_gid != q->attr.gid ||
	    (st.st_mode & 07777) != q->attr.mode)
		return -ESTALE;
	return TAKE_FD(fd);
}

int manager_snapshot(void *data, const struct queue *q, const struct peek_request *request,
		     struct snapshot **ret)
{
	struct manager *m = data;
	struct peek_request patient = *request;
	_cleanup_close_ int fd = -1;
	int r;

	patient.patience_ns = probe_attached(m->probe) ? PATIENCE_NS : PEEK_QUIET_NS;
	patient.unused_since_ns = probe_unused_since_ns(m->probe, q->first_ns);
	fd = open_unchanged(m, q);
	if (fd < 0)
		return fd;
	r = peek_snapshot(m->peek, fd, &patient, ret);
	m->snapshots[r < 0		  ? SNAPSHOT_FAILED
		     : (*ret)->consistent ? SNAPSHOT_CONSISTENT
					  : SNAPSHOT_INCONSISTENT]++;
	return r;
}

static int op_calls(void *data, const struct queue *q, const struct open_call **ret, size_t *ret_n)
{
	return manager_calls(data, q, ret, ret_n);
}

static int op_openers(void *data, const struct queue *q, const struct mqw_opener **ret,
		      size_t *ret_n)
{
	return manager_openers(data, q, ret, ret_n);
}

static int op_detail(void *data, const struct queue *q, struct mqw_detail *ret)
{
	struct manager *m = data;
	struct mqw_detail detail = {.key = q->id, .inode = q->handle};
	int r = namespaces_details(m->namespaces, &detail, 1);

	if (r < 0 || !detail.found)
		return r < 0 ? r : -ENOENT;
	*ret = detail;
	return 0;
}

static int op_quota(void *data, struct quota *ret)
{
	struct manager *m = data;

	return quota_read(m->table, m->namespaces, m->opens, ret);
}

static struct recorder *op_recorder(void *data)
{
	const struct manager *m = data;

	return m->recorder;
}

static uint64_t op_payload_max(void *data)
{
	const struct manager *m = data;

	return m->config->peek_payload_max;
}

static gid_t op_control_gid(void *data)
{
	const struct manager *m = data;

	return m->control_gid;
}

const struct control_ops manager_control_ops = {
	.refresh = op_refresh,
	.status = op_status,
	.snapshot = manager_snapshot,
	.calls = op_calls,
	.openers = op_openers,
	.detail = op_detail,
	.quota = op_quota,
	.recorder = op_recorder,
	.payload_max = op_payload_max,
	.control_gid = op_control_gid,
};

/* More than the metrics take, unless names are long: what is not used of it is not resident. */
#define PAGE_SIZE_BASE	(64 * 1024)
#define PAGE_SIZE_QUEUE (12 * 1024)

static int op_metrics(void *data, struct text *out)
{
	struct manager *m = data;
	uint64_t start = clock_ns(CLOCK_MONOTONIC);
	_cleanup_(quota_done) struct quota quota = {};
	struct metrics_input in;
	struct status status;
	int r;

	r = manager_refresh(m);
	if (r == 0)
		r = quota_read(m->table, m->namespaces, m->opens, &quota);
	if (r < 0)
		return r;
	manager_look(m);
	r = table_sum(m->table, m->probe);
	if (r < 0)
		return r;
	manager_status(m, &status);
	in = (struct metrics_input){
		.table = m->table,
		.status = &status,
		.realtime_offset_ns = realtime_offset_ns(),
		.quota = &quota,
		.priorities_max = m->config->watch_priorities,
		.series_max = m->config->series_max,
		.scrape_ns = m->scrape_ns,
	};
	text_expect(out, PAGE_SIZE_BASE + table_size(m->table) * PAGE_SIZE_QUEUE);
	metrics_render(out, &in);
	table_drop_sums(m->table);
	m->scrape_ns = clock_ns(CLOCK_MONOTONIC) - start;
	return out->failed ? -ENOMEM : 0;
}

/* With the queues as they are now; where they cannot be read, the status tells of it. */
static int op_fresh_status(void *data, struct status *ret)
{
	manager_refresh(data);
	return op_status(data, ret);
}

const struct web_ops manager_web_ops = {
	.metrics = op_metrics,
	.status = op_fresh_status,
};
