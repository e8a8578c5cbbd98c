/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <inttypes.h>
#include <stdarg.h>
#include <strings.h>

#include "ctl.h"
#include "name.h"

#define FILL_CELLS 5

#define ORPHAN_COLUMNS "QUEUE,IPCNS,MESSAGES,BYTES,RESERVED,OWNER,AGE,UNUSED"

/* A column is drawn from one number of the JSON, or else by a function of its own. */
struct column {
	struct ctl_column layout;
	const char *help;
	bool standard; /* shown without --output */
	const char *key;
	char *(*cell)(struct json_object *queue);  /* NULL: no memory */
	double (*rank)(struct json_object *queue); /* to sort by; NULL: by key, else by cell */
};

static char *format_cell(const char *format, ...) __attribute__((format(printf, 1, 2)));
static char *format_cell(const char *format, ...)
{
	va_list args;
	char *text;
	int r;

	va_start(args, format);
	r = vasprintf(&text, format, args);
	va_end(args);
	return r < 0 ? NULL : text;
}

static char *queue_cell(struct json_object *queue)
{
	_cleanup_free_ char *name = ctl_json_name(queue), *shown = name ? name_escape(name) : NULL;

	return shown ? format_cell("/%s", shown) : NULL;
}

static double fill(struct json_object *queue)
{
	uint64_t messages, limit;

	if (!ctl_json_u64(queue, "messages", &messages) ||
	    !ctl_json_u64(queue, "messages_limit", &limit) || !limit)
		return 0;
	return (double)messages / (double)limit;
}

static char *fill_cell(struct json_object *queue)
{
	char bar[CTL_TEXT_MAX];
	double ratio = fill(queue);

	return format_cell("%3.0f%% %s", ratio * 100, ctl_bar(ratio, FILL_CELLS, bar));
}

static char *owner_cell(struct json_object *queue)
{
	char user[CTL_TEXT_MAX];
	uint64_t uid;

	return strdup(ctl_json_u64(queue, "uid", &uid) ? ctl_user(uid, user) : "-");
}

static char *mode_cell(struct json_object *queue)
{
	const char *mode = ctl_json_string(queue, "mode");

	return strdup(mode ? mode : "-");
}

static double blocked(struct json_object *queue)
{
	uint64_t senders = 0, receivers = 0;

	ctl_json_u64(queue, "blocked_senders", &senders);
	ctl_json_u64(queue, "blocked_receivers", &receivers);
	return (double)senders + (double)receivers;
}

static char *blocked_cell(struct json_object *queue)
{
	uint64_t senders, receivers;

	if (!ctl_json_u64(queue, "blocked_senders", &senders) ||
	    !ctl_json_u64(queue, "blocked_receivers", &receivers))
		return strdup("?");
	if (!senders && !receivers)
		return strdup("-");
	return format_cell("%" PRIu64 "s %" PRIu64 "r", senders, receivers);
}

static char *notify_cell(struct json_object *queue)
{
	uint64_t pid;

	if (!ctl_json_u64(ctl_json_get(queue, "notify"), "pid", &pid))
		return strdup("-");
	return format_cell("%" PRIu64, pid);
}

static char *linked_cell(struct json_object *queue)
{
	return strdup(ctl_json_true(queue, "linked") ? "yes" : "no");
}

static char *stalled_cell(struct json_object *queue)
{
	struct json_object *reasons = ctl_json_get(queue, "stalled");
	char *text = strdup(ctl_json_length(reasons) ? "" : "-");

	for (size_t i = 0; text && i < ctl_json_length(reasons); i++) {
		_cleanup_free_ char *before = text;
		const char *reason = json_object_get_string(json_object_array_get_idx(reasons, i));

		text = format_cell("%s%s%s", before, i ? "," : "", reason ? reason : "");
	}
	return text;
}

/* "3 min", from a key that holds a Unix time; "-" where it is not known. */
static char *since_cell(struct json_object *queue, const char *key)
{
	double at, now = (double)clock_ns(CLOCK_REALTIME) / (double)NSEC_PER_SEC;
	char text[CTL_TEXT_MAX];

	if (!ctl_json_double(queue, key, &at))
		return strdup("-");
	return strdup(ctl_duration(now > at ? now - at : 0, text));
}

static char *used_cell(struct json_object *queue)
{
	return since_cell(queue, "last_use_at");
}

static double used_rank(struct json_object *queue)
{
	double at = 0;

	ctl_json_double(queue, "last_use_at", &at);
	return -at;
}

/* When it was first seen or last used, whichever is longer ago: it is at least so old. */
static double oldest_sign(struct json_object *queue)
{
	double seen = 0, used = 0;

	ctl_json_double(queue, "first_seen_at", &seen);
	ctl_json_double(queue, "last_use_at", &used);
	return used > 0 && (used < seen || seen <= 0) ? used : seen;
}

static char *age_cell(struct json_object *queue)
{
	double at = oldest_sign(queue),
	       now = (double)clock_ns(CLOCK_REALTIME) / (double)NSEC_PER_SEC;
	char text[CTL_TEXT_MAX];

	if (at <= 0)
		return strdup("-");
	return format_cell("%s %s",
			   ctl_utf8() ? "≥" : ">=", ctl_duration(now > at ? now - at : 0, text));
}

static double age_rank(struct json_object *queue)
{
	return -oldest_sign(queue);
}

static const struct column all_columns[] = {
	{{.name = "QUEUE", .truncate = true},
	 "name, control characters escaped",
	 true,
	 .cell = queue_cell},
	{{.name = "IPCNS", .right = true},
	 "inode number of its IPC namespace",
	 false,
	 .key = "ipcns"},
	{{.name = "MESSAGES", .right = true}, "messages in the queue", true, .key = "messages"},
	{{.name = "LIMIT", .right = true}, "messages it can hold", true, .key = "messages_limit"},
	{{.name = "FILL"}, "MESSAGES of LIMIT", true, .cell = fill_cell, .rank = fill},
	{{.name = "BYTES", .right = true}, "bytes of payload in the queue", true, .key = "bytes"},
	{{.name = "MSGSIZE", .right = true},
	 "longest message, bytes",
	 true,
	 .key = "message_size_limit"},
	{{.name = "OWNER"}, "user it belongs to", true, .cell = owner_cell},
	{{.name = "UID", .right = true}, "the same as a number", false, .key = "uid"},
	{{.name = "MODE"}, "permissions", true, .cell = mode_cell},
	{{.name = "READERS", .right = true},
	 "open descriptions that may receive",
	 false,
	 .key = "readers"},
	{{.name = "WRITERS", .right = true},
	 "open descriptions that may send",
	 false,
	 .key = "writers"},
	{{.name = "BLOCKED"},
	 "senders (s) and receivers (r) that wait",
	 true,
	 .cell = blocked_cell,
	 .rank = blocked},
	{{.name = "NOTIFY", .right = true},
	 "process registered with mq_notify(3)",
	 false,
	 .cell = notify_cell},
	{{.name = "OPEN", .right = true},
	 "open descriptions, whoever has them",
	 false,
	 .key = "open"},
	{{.name = "RESERVED", .right = true},
	 "bytes of RLIMIT_MSGQUEUE",
	 false,
	 .key = "reserved_bytes"},
	{{.name = "AGE", .right = true},
	 "how old it is at least",
	 false,
	 .cell = age_cell,
	 .rank = age_rank},
	{{.name = "UNUSED", .right = true},
	 "since the last send, receive or other change",
	 false,
	 .cell = used_cell,
	 .rank = used_rank},
	{{.name = "LINKED"}, "whether it still has its name", false, .cell = linked_cell},
	{{.name = "STALLED"}, "reasons why the queue is stuck", false, .cell = stalled_cell},
};

void ctl_list_print_columns(FILE *out)
{
	fputs("\nColumns (* shown unless --output says otherwise):\n", out);
	for (size_t i = 0; i < ARRAY_SIZE(all_columns); i++)
		fprintf(out, " %c%-9s %s\n", all_columns[i].standard ? '*' : ' ',
			all_columns[i].layout.name, all_columns[i].help);
}

static const struct column *find_column(const char *name, size_t length)
{
	for (size_t i = 0; i < ARRAY_SIZE(all_columns); i++)
		if (strlen(all_columns[i].layout.name) == length &&
		    !strncasecmp(all_columns[i].layout.name, name, length))
			return all_columns + i;
	return NULL;
}

static int unknown_column(const char *option, const char *name, size_t length)
{
	ctl_error("%s: unknown column '%.*s'; mqwatchctl list --help lists them", option,
		  (int)length, name);
	return CTL_USAGE;
}

/* What to show, and in which order. */
struct selection {
	const struct column *columns[2 * ARRAY_SIZE(all_columns)];
	size_t n;
	const struct column *sort;
	bool descending;
};

static int select_listed(const char *list, struct selection *s)
{
	for (const char *name = list;; name++) {
		size_t length = strcspn(name, ",");
		const struct column *column = find_column(name, length);

		if (!column)
			return unknown_column("--output", name, length);
		if (s->n == ARRAY_SIZE(s->columns)) {
			ctl_error("--output: more than %zu columns", s->n);
			return CTL_USAGE;
		}
		s->columns[s->n++] = column;
		name += length;
		if (!*name)
			return CTL_OK;
	}
}

/* The namespace is worth a column only where it tells queues apart. */
static void select_standard(bool namespaces, struct selection *s)
{
	for (size_t i = 0; i < ARRAY_SIZE(all_columns); i++)
		if (all_columns[i].standard ||
		    (namespaces && !strcmp(all_columns[i].layout.name, "IPCNS")))
			s->columns[s->n++] = all_columns + i;
}

static int select_sort(const char *name, struct selection *s)
{
	s->sort = all_columns; /* QUEUE */
	if (!name)
		return CTL_OK;
	s->descending = *name == '-';
	name += s->descending;
	s->sort = find_column(name, strlen(name));
	return s->sort ? CTL_OK : unknown_column("--sort", name, strlen(name));
}

static double rank_of(const struct column *column, struct json_object *queue)
{
	double value = -1; /* the unknown comes before 0 */

	if (column->rank)
		return column->rank(queue);
	ctl_json_double(queue, column->key, &value);
	return value;
}

static int compare_by(const struct column *column, struct json_object *a, struct json_object *b)
{
	_cleanup_free_ char *text_a = NULL, *text_b = NULL;

	if (column->rank || column->key) {
		double rank_a = rank_of(column, a), rank_b = rank_of(column, b);

		return rank_a < rank_b ? -1 : rank_a > rank_b;
	}
	text_a = column->cell(a);
	text_b = column->cell(b);
	return text_a && text_b ? strcmp(text_a, text_b) : 0;
}

static int compare_queues(const void *a, const void *b, void *selection)
{
	struct json_object *queue_a = *(struct json_object *const *)a;
	struct json_object *queue_b = *(struct json_object *const *)b;
	const struct selection *s = selection;
	int r = compare_by(s->sort, queue_a, queue_b);

	if (r)
		return s->descending ? -r : r;
	r = compare_by(find_column("QUEUE", strlen("QUEUE")), queue_a, queue_b);
	return r ? r : compare_by(find_column("IPCNS", strlen("IPCNS")), queue_a, queue_b);
}

static int add_line(struct libscols_table *table, const struct selection *s,
		    struct json_object *queue)
{
	struct libscols_line *line = scols_table_new_line(table, NULL);

	for (size_t i = 0; line && i < s->n; i++) {
		const struct column *column = s->columns[i];
		uint64_t value;
		int r;

		if (column->cell) {
			_cleanup_free_ char *text = column->cell(queue);

			r = text ? scols_line_set_data(line, i, text) : -ENOMEM;
		} else if (ctl_json_u64(queue, column->key, &value)) {
			r = ctl_cell(line, i, "%" PRIu64, value);
		} else {
			r = scols_line_set_data(line, i, "?");
		}
		if (r < 0)
			return r;
	}
	return line ? 0 : -ENOMEM;
}

static int print_table(struct json_object *queues, struct selection *s, bool headings, FILE *out)
{
	_cleanup_(scols_unref_tablep) struct libscols_table *table = NULL;
	struct ctl_column layouts[ARRAY_SIZE(s->columns)];
	size_t n = ctl_json_length(queues);
	_cleanup_free_ struct json_object **order = calloc(n + 1, sizeof(*order));
	int r;

	if (!order)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		order[i] = json_object_array_get_idx(queues, i);
	qsort_r(order, n, sizeof(*order), compare_queues, s);
	for (size_t i = 0; i < s->n; i++)
		layouts[i] = s->columns[i]->layout;
	r = ctl_table_new(&table, layouts, s->n, headings, out);
	for (size_t i = 0; r == 0 && i < n; i++)
		r = add_line(table, s, order[i]);
	return r ? r : scols_print_table(table);
}

/* As far as is known: where nothing is, it is no orphan. */
static bool is_orphan(struct json_object *queue)
{
	uint64_t open;

	return ctl_json_u64(queue, "open", &open) && !open;
}

/* Leaves the queues that are asked for. */
static int filter(struct json_object *json, uint32_t ipcns, bool orphans)
{
	struct json_object *all = ctl_json_get(json, "queues"), *some;

	if (!ipcns && !orphans)
		return 0;
	some = json_object_new_array();
	if (!some)
		return -ENOMEM;
	for (size_t i = 0; i < ctl_json_length(all); i++) {
		struct json_object *queue = json_object_array_get_idx(all, i);
		uint64_t value;

		if (ipcns && (!ctl_json_u64(queue, "ipcns", &value) || value != ipcns))
			continue;
		if (!orphans || is_orphan(queue))
			json_object_array_add(some, json_object_get(queue));
	}
	return json_object_object_add(json, "queues", some);
}

/* Without a daemon it is not known who has which queue open. */
static bool opens_unknown(struct json_object *json)
{
	struct json_object *queues = ctl_json_get(json, "queues");
	uint64_t open;

	for (size_t i = 0; i < ctl_json_length(queues); i++)
		if (!ctl_json_u64(json_object_array_get_idx(queues, i), "open", &open))
			return true;
	return false;
}

static bool several_namespaces(struct json_object *queues)
{
	uint64_t first, other;

	for (size_t i = 0; i < ctl_json_length(queues); i++) {
		struct json_object *queue = json_object_array_get_idx(queues, i);

		if (i == 0 && !ctl_json_u64(queue, "ipcns", &first))
			return false;
		if (ctl_json_u64(queue, "ipcns", &other) && other != first)
			return true;
	}
	return false;
}

int ctl_list(const struct ctl_args *args, FILE *out)
{
	struct ctl_query query = {.document = CTL_DOCUMENT_QUEUES};
	_cleanup_(json_object_putp) struct json_object *json = NULL;
	struct selection selection = {};
	struct json_object *queues;
	int r;

	r = select_sort(args->sort, &selection);
	if (!r && args->columns)
		r = select_listed(args->columns, &selection);
	if (!r)
		r = ctl_wanted_ipcns(args, &query.ipcns);
	if (!r)
		r = ctl_get(args, &query, &json);
	if (r)
		return r;
	if (args->orphans && opens_unknown(json)) {
		ctl_error("--orphans: who has queues open is known to a daemon that may use BPF; "
			  "see mqwatchctl status");
		return CTL_NO_DAEMON;
	}
	if (filter(json, query.ipcns, args->orphans) < 0)
		return ctl_no_memory();
	if (args->json)
		return ctl_print_json(out, json);

	queues = ctl_json_get(json, "queues");
	if (!args->columns && args->orphans)
		select_listed(ORPHAN_COLUMNS, &selection);
	else if (!args->columns)
		select_standard(several_namespaces(queues), &selection);
	if (print_table(queues, &selection, !args->noheadings, out) < 0)
		return ctl_no_memory();
	if (!ctl_json_length(queues) && isatty(fileno(out)))
		fputs("No message queues.\n", stderr);
	return CTL_OK;
}
