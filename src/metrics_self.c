// SPDX-License-Identifier: GPL-2.0-or-later
#include <dirent.h>
#include <sys/resource.h>

#include "metrics_self.h"

/* name{label="value"} number; value is a constant or escaped as a label. */
static void labelled(struct text *out, const char *name, const char *label, const char *value,
		     uint64_t number)
{
	text_append(out, name);
	text_append(out, "{");
	text_append(out, label);
	text_append(out, "=\"");
	text_append_label_value(out, value);
	text_append(out, "\"} ");
	text_append_u64(out, number);
	text_append(out, "\n");
}

/* A family with one sample without labels; number / unit. */
static void single(struct text *out, const char *name, const char *type, const char *help,
		   uint64_t number, uint64_t unit)
{
	text_family(out, name, type, help);
	text_append(out, name);
	text_append(out, " ");
	if (unit > 1)
		text_append_fraction(out, number, unit);
	else
		text_append_u64(out, number);
	text_append(out, "\n");
}

static void by_name(struct text *out, const char *name, const char *type, const char *help,
		    const char *label, const char *const names[], const uint64_t numbers[],
		    size_t n)
{
	text_family(out, name, type, help);
	for (size_t i = 0; i < n; i++)
		labelled(out, name, label, names[i], numbers[i]);
}

static void render_probes(struct text *out, const struct status *s)
{
	/* the last one is not on every kernel */
	static const char *const probes[] = {"mq_timedsend", "mq_timedreceive", "mq_timedreceive2"};
	size_t n = s->probe_peeks ? ARRAY_SIZE(probes) : ARRAY_SIZE(probes) - 1;
	bool attached = strcmp(s->probe_mode, "off") != 0;

	text_family(out, "mqwatch_probe_attached", "gauge",
		    "Whether the probe on the system call is attached.");
	for (size_t i = 0; i < n; i++) {
		text_append(out, "mqwatch_probe_attached{probe=\"");
		text_append(out, probes[i]);
		text_append(out, "\",mode=\"");
		text_append_label_value(out, s->probe_mode);
		text_append(out, attached ? "\"} 1\n" : "\"} 0\n");
	}
}

static void render_degraded(struct text *out, const struct status *s)
{
	static const char name[] = "mqwatch_degraded";

	text_family(out, name, "gauge",
		    "Whether a part that the configuration asks for does not run.");
	labelled(out, name, "part", "mqueue", s->mqueue_reason != NULL);
	labelled(out, name, "part", "peek", s->peek_reason != NULL);
	labelled(out, name, "part", "probe", s->probe_reason != NULL);
	labelled(out, name, "part", "web", s->web_reason != NULL);
	labelled(out, name, "part", "control", s->control_reason != NULL);
}

/* The directory's own descriptor does not count. */
static bool count_descriptors(uint64_t *ret)
{
	DIR *dir = opendir("/proc/self/fd");
	uint64_t n = 0;

	if (!dir)
		return false;
	for (struct dirent *entry; (entry = readdir(dir));)
		n += entry->d_name[0] != '.';
	closedir(dir);
	*ret = n - 1;
	return true;
}

static bool read_memory(uint64_t *ret_virtual, uint64_t *ret_resident)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	FILE *f = fopen("/proc/self/statm", "re");
	unsigned long virtual, resident;
	int n;

	if (!f)
		return false;
	n = fscanf(f, "%lu %lu", &virtual, &resident);
	fclose(f);
	if (n != 2)
		return false;
	*ret_virtual = virtual * page;
	*ret_resident = resident * page;
	return true;
}

static uint64_t microseconds(const struct timeval *t)
{
	return (uint64_t)t->tv_sec * USEC_PER_SEC + (uint64_t)t->tv_usec;
}

/* The names and meanings that all Prometheus clients share. */
static void render_process(struct text *out, const struct status *s)
{
	uint64_t virtual, resident, descriptors;
	struct rusage usage;
	struct rlimit limit;

	if (getrusage(RUSAGE_SELF, &usage) == 0)
		single(out, "process_cpu_seconds_total", "counter",
		       "Total user and system CPU time spent in seconds.",
		       microseconds(&usage.ru_utime) + microseconds(&usage.ru_stime), USEC_PER_SEC);
	if (read_memory(&virtual, &resident)) {
		single(out, "process_virtual_memory_bytes", "gauge",
		       "Virtual memory size in bytes.", virtual, 1);
		single(out, "process_resident_memory_bytes", "gauge",
		       "Resident memory size in bytes.", resident, 1);
	}
	if (count_descriptors(&descriptors))
		single(out, "process_open_fds", "gauge", "Number of open file descriptors.",
		       descriptors, 1);
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0)
		single(out, "process_max_fds", "gauge", "Maximum number of open file descriptors.",
		       limit.rlim_cur, 1);
	single(out, "process_start_time_seconds", "gauge",
	       "Start time of the process since unix epoch in seconds.",
	       (uint64_t)(s->started_at * 1e3), 1000);
}

void metrics_render_self(struct text *out, const struct metrics_input *in)
{
	const struct status *s = in->status;

	text_family(out, "mqwatch_build_info", "gauge", "Version of the daemon.");
	labelled(out, "mqwatch_build_info", "version", s->version, 1);
	if (in->scrape_ns)
		single(out, "mqwatch_scrape_duration_seconds", "gauge",
		       "How long the scrape before this one took.", in->scrape_ns, NSEC_PER_SEC);
	text_family(out, "mqwatch_peek_backend_info", "gauge", "How queues are looked into.");
	labelled(out, "mqwatch_peek_backend_info", "backend", s->peek_backend, 1);
	render_probes(out, s);
	render_degraded(out, s);
	by_name(out, "mqwatch_events_lost_total", "counter",
		"Events that are in no counter, by reason.", "reason", probe_loss_names, s->losses,
		ARRAY_SIZE(s->losses));
	by_name(out, "mqwatch_snapshots_total", "counter", "Looks into queues, by result.",
		"result", snapshot_result_names, s->snapshots, ARRAY_SIZE(s->snapshots));
	by_name(out, "mqwatch_queues_dropped", "gauge",
		"Queues that are there but not watched, by reason.", "reason", table_drop_names,
		s->drops, ARRAY_SIZE(s->drops));
	render_process(out, s);
}
