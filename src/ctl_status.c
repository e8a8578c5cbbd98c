/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <inttypes.h>
#include <time.h>

#include "ctl.h"
#include "name.h"

/* "bpf", "bpf: NOTE" or "off: REASON", the reason in one line that is safe for a terminal */
static int add_part(struct libscols_table *table, const char *name, struct json_object *part,
		    const char *key)
{
	const char *value = ctl_json_string(part, key), *reason = ctl_json_string(part, "reason");
	const char *note = ctl_json_string(part, "note");
	_cleanup_free_ char *shown = line_escape(reason ? reason : note ? note : "");

	if (!shown)
		return -ENOMEM;
	return ctl_pair(table, name, "%s%s%s",
			value	 ? value
			: reason ? "off"
				 : "on",
			*shown ? ": " : "", shown);
}

/* Totals by name, those that are not zero: "limit 3, denied 1"; "none". */
static int add_totals(struct libscols_table *table, const char *name, struct json_object *totals)
{
	_cleanup_free_ char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);
	bool any = false;

	if (!f)
		return -ENOMEM;
	if (totals) {
		json_object_object_foreach(totals, key, value)
		{
			uint64_t n = json_object_get_uint64(value);

			if (!n)
				continue;
			fprintf(f, "%s%" PRIu64 " %s", any ? ", " : "", n, key);
			any = true;
		}
	}
	if (fclose(f) == EOF)
		return -ENOMEM;
	return ctl_pair(table, name, "%s", any ? text : "none");
}

static int add_all(struct libscols_table *table, struct json_object *json)
{
	const char *version = ctl_json_string(json, "version");
	char started[CTL_TEXT_MAX] = "-";
	uint64_t ipcns = 0, queues = 0, queues_max = 0;
	double started_at;
	int r;

	if (ctl_json_double(json, "started_at", &started_at))
		ctl_time(started_at, started);
	ctl_json_u64(json, "ipcns", &ipcns);
	ctl_json_u64(json, "queues", &queues);
	ctl_json_u64(json, "queues_max", &queues_max);

	r = ctl_pair(table, "Daemon", "mqwatchd %s", version ? version : "-");
	r = r ?: ctl_pair(table, "Started", "%s", started);
	r = r
		    ?: ctl_pair(table, "State", "%s",
				ctl_json_true(json, "degraded")
					? "degraded: see the parts with a reason"
					: "all parts run");
	r = r ?: ctl_pair(table, "IPC namespace", ipcns ? "%" PRIu64 : "-", ipcns);
	r = r ?: add_part(table, "Queues found in", ctl_json_get(json, "mqueue"), "source");
	r = r ?: add_part(table, "Peek", ctl_json_get(json, "peek"), "backend");
	r = r ?: add_part(table, "Probes", ctl_json_get(json, "probe"), "mode");
	r = r ?: add_part(table, "Metrics endpoint", ctl_json_get(json, "web"), "state");
	r = r ?: add_part(table, "Control socket", ctl_json_get(json, "control"), "state");
	r = r ?: ctl_pair(table, "Queues", "%" PRIu64 " (at most %" PRIu64 ")", queues, queues_max);
	r = r ?: add_totals(table, "Queues dropped", ctl_json_get(json, "queues_dropped"));
	r = r ?: add_totals(table, "Events lost", ctl_json_get(json, "events_lost"));
	return r ?: add_totals(table, "Snapshots", ctl_json_get(json, "snapshots"));
}

int ctl_status(const struct ctl_args *args, FILE *out)
{
	const struct ctl_query query = {.document = CTL_DOCUMENT_STATUS};
	_cleanup_(json_object_putp) struct json_object *json = NULL;
	_cleanup_(scols_unref_tablep) struct libscols_table *table = NULL;
	int r;

	r = ctl_get(args, &query, &json);
	if (r)
		return r;
	if (args->json)
		return ctl_print_json(out, json);
	if (ctl_pairs_new(&table, out) < 0 || add_all(table, json) < 0 || scols_print_table(table))
		return ctl_no_memory();
	return CTL_OK;
}
