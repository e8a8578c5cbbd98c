/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The daemon's records of queues that got stuck. */
#include <inttypes.h>
#include <time.h>

#include "ctl.h"
#include "name.h"

/* How long it lasted, or has lasted so far; "-" when nobody saw the end. */
static const char *format_lasted(struct json_object *record, char text[CTL_TEXT_MAX])
{
	double now = (double)clock_ns(CLOCK_REALTIME) / (double)NSEC_PER_SEC;
	const char *state = ctl_json_string(record, "state");
	double began, ended = now;

	snprintf(text, CTL_TEXT_MAX, "-");
	if (!ctl_json_double(record, "began_at", &began) ||
	    (!ctl_json_double(record, "ended_at", &ended) &&
	     (!state || strcmp(state, "stalled") != 0)))
		return text;
	return ctl_duration(ended > began ? ended - began : 0, text);
}

static char *queue_label(struct json_object *record)
{
	_cleanup_free_ char *name = ctl_json_name(record), *shown = name ? name_escape(name) : NULL;
	char *text;

	return shown && asprintf(&text, "/%s", shown) >= 0 ? text : NULL;
}

static int add_record(struct libscols_table *table, struct json_object *record)
{
	struct libscols_line *line = scols_table_new_line(table, NULL);
	const char *reason = ctl_json_string(record, "reason");
	const char *state = ctl_json_string(record, "state");
	char began_text[CTL_TEXT_MAX] = "-", lasted[CTL_TEXT_MAX];
	_cleanup_free_ char *label = queue_label(record);
	uint64_t id = 0;
	double began;
	int r;

	if (!line || !label)
		return -ENOMEM;
	ctl_json_u64(record, "id", &id);
	if (ctl_json_double(record, "began_at", &began))
		ctl_time(began, began_text);
	r = ctl_cell(line, 0, "%" PRIu64, id);
	r = r ?: scols_line_set_data(line, 1, label);
	r = r ?: scols_line_set_data(line, 2, reason ? reason : "-");
	r = r ?: scols_line_set_data(line, 3, state ? state : "-");
	r = r ?: scols_line_set_data(line, 4, began_text);
	return r ?: scols_line_set_data(line, 5, format_lasted(record, lasted));
}

static int print_records(struct json_object *records, FILE *out)
{
	static const struct ctl_column columns[] = {
		{.name = "ID", .right = true},
		{.name = "QUEUE", .truncate = true},
		{.name = "REASON"},
		{.name = "STATE"},
		{.name = "BEGAN"},
		{.name = "LASTED"},
	};
	_cleanup_(scols_unref_tablep) struct libscols_table *table = NULL;
	int r = ctl_table_new(&table, columns, ARRAY_SIZE(columns), true, out);

	for (size_t i = 0; r == 0 && i < ctl_json_length(records); i++)
		r = add_record(table, json_object_array_get_idx(records, i));
	return r ?: scols_print_table(table);
}

static int print_summary(struct json_object *record, FILE *out)
{
	_cleanup_(scols_unref_tablep) struct libscols_table *table = NULL;
	struct json_object *sender = ctl_json_get(record, "oldest_sender");
	const char *reason = ctl_json_string(record, "reason");
	const char *state = ctl_json_string(record, "state");
	_cleanup_free_ char *shown = NULL;
	char text[CTL_TEXT_MAX];
	double began = 0;
	int r = ctl_pairs_new(&table, out);

	ctl_json_double(record, "began_at", &began);
	r = r ?: ctl_pair(table, "Stalled", "%s", reason ? reason : "-");
	r = r ?: ctl_pair(table, "State", "%s", state ? state : "-");
	r = r ?: ctl_pair(table, "Began", "%s", ctl_time(began, text));
	r = r ?: ctl_pair(table, "Lasted", "%s", format_lasted(record, text));
	if (r == 0 && sender) {
		shown = ctl_process(sender);
		r = shown ? ctl_pair(table, "Sender of oldest", "%s", shown) : -ENOMEM;
	}
	return r ?: scols_print_table(table);
}

static int print_record(struct json_object *record, FILE *out)
{
	struct json_object *details = ctl_json_get(record, "details");

	if (print_summary(record, out) < 0)
		return ctl_no_memory();
	if (details) {
		fputs("\nThe queue when that was seen:\n", out);
		if (ctl_print_attributes(details, out) < 0)
			return ctl_no_memory();
	}
	if (ctl_print_openers(ctl_json_get(record, "openers"), out) < 0 ||
	    ctl_print_calls(ctl_json_get(record, "calls"), out) < 0)
		return ctl_no_memory();
	return ctl_print_messages(ctl_json_get(ctl_json_get(record, "snapshot"), "messages"), out);
}

int ctl_stalls(const struct ctl_args *args, FILE *out)
{
	const struct ctl_query query = {
		.document = args->stall ? CTL_DOCUMENT_STALL : CTL_DOCUMENT_STALLS,
		.id = args->stall,
	};
	_cleanup_(json_object_putp) struct json_object *json = NULL;
	struct json_object *records;
	int r = ctl_get(args, &query, &json);

	if (r)
		return r;
	if (args->json)
		return ctl_print_json(out, json);
	if (args->stall)
		return print_record(json, out);
	records = ctl_json_get(json, "stalls");
	if (ctl_json_length(records) && print_records(records, out) < 0)
		return ctl_no_memory();
	if (!ctl_json_length(records) && isatty(fileno(out)))
		fputs("No stalls were recorded.\n", stderr);
	return CTL_OK;
}
