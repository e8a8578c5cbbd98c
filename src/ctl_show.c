/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <grp.h>
#include <inttypes.h>
#include <time.h>

#include "ctl.h"
#include "name.h"

#define FILL_CELLS	20
#define HISTOGRAM_CELLS 20

static const char *const directions[] = {"sent", "received"};

static int add_time(struct libscols_table *table, const char *name, struct json_object *queue,
		    const char *key)
{
	char text[CTL_TEXT_MAX];
	double seconds;

	return ctl_pair(table, name, "%s",
			ctl_json_double(queue, key, &seconds) ? ctl_time(seconds, text)
							      : "not seen");
}

static int add_owner(struct libscols_table *table, struct json_object *queue)
{
	const char *mode = ctl_json_string(queue, "mode");
	char user[CTL_TEXT_MAX];
	const struct group *group;
	uint64_t uid, gid;
	int r = 0;

	if (ctl_json_u64(queue, "uid", &uid))
		r = ctl_pair(table, "Owner", "%s (%" PRIu64 ")", ctl_user(uid, user), uid);
	if (r == 0 && ctl_json_u64(queue, "gid", &gid)) {
		group = getgrgid((gid_t)gid);
		r = ctl_pair(table, "Group", "%s (%" PRIu64 ")", group ? group->gr_name : "-", gid);
	}
	return r ?: ctl_pair(table, "Mode", "%s", mode ? mode : "-");
}

static int add_fill(struct libscols_table *table, struct json_object *queue)
{
	uint64_t messages = 0, limit = 0;
	char bar[CTL_TEXT_MAX];
	double ratio;

	ctl_json_u64(queue, "messages", &messages);
	ctl_json_u64(queue, "messages_limit", &limit);
	ratio = limit ? (double)messages / (double)limit : 0;
	return ctl_pair(table, "Messages", "%" PRIu64 " of %" PRIu64 " (%.0f%%) %s", messages,
			limit, ratio * 100, ctl_bar(ratio, FILL_CELLS, bar));
}

static int add_bytes(struct libscols_table *table, const char *name, struct json_object *queue,
		     const char *key, const char *note)
{
	uint64_t bytes;

	if (!ctl_json_u64(queue, key, &bytes))
		return ctl_pair(table, name, "not known");
	return ctl_pair(table, name, "%" PRIu64 " bytes%s", bytes, note);
}

static int add_waiters(struct libscols_table *table, struct json_object *queue)
{
	uint64_t senders, receivers, pid;
	int r;

	if (ctl_json_u64(queue, "blocked_senders", &senders) &&
	    ctl_json_u64(queue, "blocked_receivers", &receivers))
		r = ctl_pair(table, "Blocked", "%" PRIu64 " senders, %" PRIu64 " receivers",
			     senders, receivers);
	else
		r = ctl_pair(table, "Blocked", "not known");
	if (r == 0 && ctl_json_u64(ctl_json_get(queue, "notify"), "pid", &pid))
		r = ctl_pair(table, "Notification", "process %" PRIu64, pid);
	return r;
}

static int add_oldest(struct libscols_table *table, struct json_object *oldest)
{
	struct json_object *sender = ctl_json_get(oldest, "sender");
	_cleanup_free_ char *shown = NULL;
	char age[CTL_TEXT_MAX];
	uint64_t priority = 0;
	int r;

	if (!oldest)
		return 0;
	ctl_json_u64(oldest, "priority", &priority);
	r = ctl_pair(table, "Oldest message", "%s, priority %" PRIu64, ctl_age(oldest, age),
		     priority);
	if (r < 0 || !sender)
		return r;
	shown = ctl_process(sender);
	return shown ? ctl_pair(table, "Its sender", "%s", shown) : -ENOMEM;
}

/* The least bound that so many of the durations do not exceed; false: none is known. */
static bool quantile(struct json_object *histogram, double part, double *ret)
{
	struct json_object *buckets = ctl_json_get(histogram, "buckets");
	uint64_t count = 0, below;

	ctl_json_u64(histogram, "count", &count);
	for (size_t i = 0; count && i < ctl_json_length(buckets); i++) {
		struct json_object *bucket = json_object_array_get_idx(buckets, i);

		if (ctl_json_u64(bucket, "count", &below) && (double)below >= part * (double)count)
			return ctl_json_double(bucket, "le", ret);
	}
	return false;
}

static int add_residence(struct libscols_table *table, struct json_object *counters)
{
	struct json_object *residence = ctl_json_get(counters, "residence_seconds");
	char mean[CTL_TEXT_MAX], half[CTL_TEXT_MAX], most[CTL_TEXT_MAX];
	double sum = 0, median, high, depth, full;
	uint64_t count = 0;
	int r = 0;

	ctl_json_u64(residence, "count", &count);
	ctl_json_double(residence, "sum", &sum);
	if (count) {
		bool known = quantile(residence, 0.5, &median);
		bool high_known = quantile(residence, 0.99, &high);

		r = ctl_pair(table, "Time in queue", "%s on average, half up to %s, 99%% up to %s",
			     ctl_duration(sum / (double)count, mean),
			     known ? ctl_duration(median, half) : "more",
			     high_known ? ctl_duration(high, most) : "more");
	}
	if (r == 0 && ctl_json_double(counters, "depth_seconds", &depth) &&
	    ctl_json_double(counters, "full_seconds", &full) && depth > 0)
		r = ctl_pair(table, "Depth over time", "%.3f message seconds, full for %s", depth,
			     ctl_duration(full, mean));
	return r;
}

static int add_openers(struct libscols_table *table, struct json_object *queue)
{
	uint64_t readers, writers;

	if (!ctl_json_u64(queue, "readers", &readers) || !ctl_json_u64(queue, "writers", &writers))
		return 0;
	return ctl_pair(table, "Open", "%" PRIu64 " readers, %" PRIu64 " writers", readers,
			writers);
}

static int add_stalls(struct libscols_table *table, struct json_object *queue)
{
	struct json_object *reasons = ctl_json_get(queue, "stalled");
	int r = 0;

	for (size_t i = 0; r == 0 && i < ctl_json_length(reasons); i++)
		r = ctl_pair(table, "Stalled", "%s",
			     json_object_get_string(json_object_array_get_idx(reasons, i)));
	return r;
}

int ctl_print_attributes(struct json_object *queue, FILE *out)
{
	_cleanup_(scols_unref_tablep) struct libscols_table *table = NULL;
	_cleanup_free_ char *name = ctl_json_name(queue), *label = name ? name_escape(name) : NULL;
	uint64_t ipcns = 0;
	int r;

	if (!label)
		return -ENOMEM;
	ctl_json_u64(queue, "ipcns", &ipcns);
	r = ctl_pairs_new(&table, out);
	r = r ?: ctl_pair(table, "Queue", "/%s", label);
	r = r ?: ctl_pair(table, "IPC namespace", "%" PRIu64, ipcns);
	r = r ?: add_fill(table, queue);
	r = r ?: add_bytes(table, "Payload", queue, "bytes", "");
	r = r ?: add_bytes(table, "Longest message", queue, "message_size_limit", "");
	r = r ?: add_bytes(table, "Reserved", queue, "reserved_bytes", " of RLIMIT_MSGQUEUE");
	r = r ?: add_owner(table, queue);
	r = r ?: add_openers(table, queue);
	r = r ?: add_waiters(table, queue);
	r = r ?: add_stalls(table, queue);
	r = r ?: add_oldest(table, ctl_json_get(queue, "oldest"));
	if (r == 0 && ctl_json_get(queue, "counters")) {
		r = add_time(table, "Last send", queue, "last_send_at");
		r = r ?: add_time(table, "Last receive", queue, "last_receive_at");
		r = r ?: add_residence(table, ctl_json_get(queue, "counters"));
	}
	return r ?: scols_print_table(table);
}

static struct json_object *blocked_seconds(struct json_object *counters, size_t direction)
{
	return ctl_json_get(ctl_json_get(counters, directions[direction]), "blocked_seconds");
}

static int add_counts(struct libscols_table *table, const char *name, const uint64_t counts[2])
{
	struct libscols_line *line = scols_table_new_line(table, NULL);
	int r = line ? scols_line_set_data(line, 0, name) : -ENOMEM;

	r = r ?: ctl_cell(line, 1, "%" PRIu64, counts[0]);
	return r ?: ctl_cell(line, 2, "%" PRIu64, counts[1]);
}

/* The same member of what was sent and of what was received; absent counts as 0. */
static void get_counts(struct json_object *counters, const char *part, const char *key,
		       uint64_t ret[2])
{
	for (size_t d = 0; d < ARRAY_SIZE(directions); d++) {
		struct json_object *of = ctl_json_get(counters, directions[d]);

		ret[d] = 0;
		ctl_json_u64(part ? ctl_json_get(of, part) : of, key, &ret[d]);
	}
}

static int add_mean_time(struct libscols_table *table, struct json_object *counters)
{
	struct libscols_line *line = scols_table_new_line(table, NULL);
	int r = line ? scols_line_set_data(line, 0, "Mean time blocked") : -ENOMEM;

	for (size_t d = 0; r == 0 && d < ARRAY_SIZE(directions); d++) {
		struct json_object *histogram = blocked_seconds(counters, d);
		char text[CTL_TEXT_MAX];
		uint64_t calls = 0;
		double sum = 0;

		ctl_json_u64(histogram, "count", &calls);
		ctl_json_double(histogram, "sum", &sum);
		r = scols_line_set_data(line, d + 1,
					calls ? ctl_duration(sum / (double)calls, text) : "-");
	}
	return r;
}

/* Errors that never happened are left out. */
static int add_errors(struct libscols_table *table, struct json_object *counters)
{
	struct json_object *errors = ctl_json_get(ctl_json_get(counters, directions[0]), "errors");
	uint64_t counts[2];
	int r = 0;

	if (!errors)
		return 0;
	json_object_object_foreach(errors, name, value)
	{
		char label[64];

		(void)value;
		get_counts(counters, "errors", name, counts);
		if (r || (!counts[0] && !counts[1]))
			continue;
		snprintf(label, sizeof(label), "Failed: %s", name);
		r = add_counts(table, label, counts);
	}
	return r;
}

static int print_counters(struct json_object *counters, FILE *out)
{
	static const struct ctl_column columns[] = {{.name = "COUNTERS"},
						    {.name = "SENT", .right = true},
						    {.name = "RECEIVED", .right = true}};
	_cleanup_(scols_unref_tablep) struct libscols_table *table = NULL;
	uint64_t counts[2];
	int r = ctl_table_new(&table, columns, ARRAY_SIZE(columns), true, out);

	get_counts(counters, NULL, "messages", counts);
	r = r ?: add_counts(table, "Messages", counts);
	get_counts(counters, NULL, "bytes", counts);
	r = r ?: add_counts(table, "Bytes", counts);
	get_counts(counters, "blocked_seconds", "count", counts);
	r = r ?: add_counts(table, "Calls", counts);
	r = r ?: add_errors(table, counters);
	r = r ?: add_mean_time(table, counters);
	fputc('\n', out);
	return r ?: scols_print_table(table);
}

/* What fell into bucket i alone: the JSON's buckets cumulate. */
static uint64_t bucket_count(struct json_object *histogram, size_t i)
{
	struct json_object *buckets = ctl_json_get(histogram, "buckets");
	uint64_t here = 0, before = 0;

	if (i >= ctl_json_length(buckets))
		return 0;
	ctl_json_u64(json_object_array_get_idx(buckets, i), "count", &here);
	if (i)
		ctl_json_u64(json_object_array_get_idx(buckets, i - 1), "count", &before);
	return here > before ? here - before : 0;
}

static uint64_t largest_bucket(struct json_object *histogram)
{
	uint64_t largest = 0;

	for (size_t i = 0; i < ctl_json_length(ctl_json_get(histogram, "buckets")); i++)
		if (bucket_count(histogram, i) > largest)
			largest = bucket_count(histogram, i);
	return largest;
}

static int add_bar(struct libscols_line *line, size_t column, struct json_object *histogram,
		   size_t i)
{
	uint64_t count = bucket_count(histogram, i), largest = largest_bucket(histogram);
	char bar[CTL_TEXT_MAX];
	int r;

	if (!count)
		return 0;
	r = ctl_cell(line, column, "%" PRIu64, count);
	return r
		       ?: scols_line_set_data(
				  line, column + 1,
				  ctl_bar((double)count / (double)largest, HISTOGRAM_CELLS, bar));
}

struct histogram {
	const char *name;
	struct json_object *json;
};

/*
 * Histograms with the same bounds side by side, those that counted anything, from the first bucket
 * that is used to the last. The bound that is null in the JSON is that of the last bucket.
 */
static int print_histograms(const char *bounds, const struct histogram all[], size_t n_all,
			    const char *(*format_bound)(double bound, char text[CTL_TEXT_MAX]),
			    FILE *out)
{
	struct json_object *buckets = ctl_json_get(all[0].json, "buckets"), *used[2];
	struct ctl_column columns[1 + 2 * ARRAY_SIZE(used)] = {{.name = bounds, .right = true}};
	_cleanup_(scols_unref_tablep) struct libscols_table *table = NULL;
	size_t n = 0, first = SIZE_MAX, end = 0;
	int r;

	for (size_t h = 0; h < n_all && n < ARRAY_SIZE(used); h++) {
		if (!largest_bucket(all[h].json))
			continue;
		columns[1 + 2 * n] = (struct ctl_column){.name = all[h].name, .right = true};
		columns[2 + 2 * n] = (struct ctl_column){.name = ""};
		used[n++] = all[h].json;
		for (size_t i = 0; i < ctl_json_length(buckets); i++) {
			if (!bucket_count(all[h].json, i))
				continue;
			first = i < first ? i : first;
			end = i + 1 > end ? i + 1 : end;
		}
	}
	if (!n)
		return 0;
	r = ctl_table_new(&table, columns, 1 + 2 * n, true, out);
	for (size_t i = first; r == 0 && i < end; i++) {
		struct json_object *bucket = json_object_array_get_idx(buckets, i);
		struct libscols_line *line = scols_table_new_line(table, NULL);
		char text[CTL_TEXT_MAX];
		double bound;

		if (!line)
			return -ENOMEM;
		r = scols_line_set_data(
			line, 0,
			ctl_json_double(bucket, "le", &bound) ? format_bound(bound, text) : "more");
		for (size_t h = 0; r == 0 && h < n; h++)
			r = add_bar(line, 1 + 2 * h, used[h], i);
	}
	fputc('\n', out);
	return r ?: scols_print_table(table);
}

static const char *format_ratio(double ratio, char text[CTL_TEXT_MAX])
{
	snprintf(text, CTL_TEXT_MAX, "%.0f%%", ratio * 100);
	return text;
}

static int print_counted(struct json_object *counters, FILE *out)
{
	const struct histogram times[] = {
		{"SENDS", blocked_seconds(counters, 0)},
		{"RECEIVES", blocked_seconds(counters, 1)},
	};
	const struct histogram residence = {
		"RECEIVED",
		ctl_json_get(counters, "residence_seconds"),
	};
	const struct histogram depth = {
		"SENDS",
		ctl_json_get(counters, "depth_at_send_ratio"),
	};
	int r;

	if (!counters) {
		fputs("\nNothing is counted: no daemon, or its probes are off (mqwatchctl "
		      "status).\n",
		      out);
		return 0;
	}
	r = print_counters(counters, out);
	r = r ?: print_histograms("BLOCKED UP TO", times, ARRAY_SIZE(times), ctl_duration, out);
	r = r ?: print_histograms("IN QUEUE UP TO", &residence, 1, ctl_duration, out);
	return r ?: print_histograms("FILL AT SEND", &depth, 1, format_ratio, out);
}

int ctl_show(const struct ctl_args *args, FILE *out)
{
	struct ctl_query query = {.document = CTL_DOCUMENT_QUEUE};
	_cleanup_(json_object_putp) struct json_object *queue = NULL;
	int r;

	r = ctl_get_queue(args, &query, &queue);
	if (r)
		return r;
	if (args->json)
		return ctl_print_json(out, queue);
	if (ctl_print_attributes(queue, out) < 0 ||
	    print_counted(ctl_json_get(queue, "counters"), out) < 0 ||
	    ctl_print_openers(ctl_json_get(queue, "openers"), out) < 0 ||
	    ctl_print_calls(ctl_json_get(queue, "calls"), out) < 0)
		return ctl_no_memory();
	return CTL_OK;
}
