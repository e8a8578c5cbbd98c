/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <inttypes.h>

#include "ctl.h"
#include "hexdump.h"
#include "name.h"

/* Of each payload in a table, without --bytes: 64 lines. */
#define TABLE_BYTES 1024

static const struct ctl_column columns[] = {
	{.name = "INDEX", .right = true},
	{.name = "PRIORITY", .right = true},
	{.name = "SIZE", .right = true},
	{.name = "AGE", .right = true},
	{.name = "SENDER"},
};

struct payload {
	uint8_t *data; /* NULL: not in the JSON */
	size_t size;
	uint64_t full_size;
};

static void payload_done(struct payload *p)
{
	free(p->data);
}

/* An enum ctl_exit. */
static int payload_get(struct json_object *message, struct payload *ret)
{
	const char *data = ctl_json_string(ctl_json_get(message, "payload"), "data");
	struct payload p = {};
	void *bytes;
	int r;

	ctl_json_u64(message, "size", &p.full_size);
	if (data) {
		r = base64_decode(data, &bytes, &p.size);
		if (r == -ENOMEM)
			return ctl_no_memory();
		if (r < 0) {
			ctl_error("the daemon's answer has a payload that is no base64");
			return CTL_FAILURE;
		}
		p.data = bytes;
	}
	*ret = p;
	return CTL_OK;
}

static int add_sender(struct libscols_line *line, size_t column, struct json_object *message)
{
	struct json_object *sender = ctl_json_get(message, "sender");
	const char *comm = ctl_json_string(sender, "comm");
	_cleanup_free_ char *shown = comm ? name_escape(comm) : NULL;
	uint64_t pid;

	if (!ctl_json_u64(sender, "pid", &pid))
		return scols_line_set_data(line, column, "-");
	return ctl_cell(line, column, "%s[%" PRIu64 "]", shown ? shown : "", pid);
}

static int add_line(struct libscols_table *table, struct json_object *message)
{
	struct libscols_line *line = scols_table_new_line(table, NULL);
	uint64_t index = 0, priority = 0, size = 0;
	char age[CTL_TEXT_MAX];
	int r;

	if (!line)
		return -ENOMEM;
	ctl_json_u64(message, "index", &index);
	ctl_json_u64(message, "priority", &priority);
	ctl_json_u64(message, "size", &size);
	r = ctl_cell(line, 0, "%" PRIu64, index);
	r = r ?: ctl_cell(line, 1, "%" PRIu64, priority);
	r = r ?: ctl_cell(line, 2, "%" PRIu64, size);
	r = r ?: scols_line_set_data(line, 3, ctl_age(message, age));
	return r ?: add_sender(line, 4, message);
}

/* One line of text per message, the heading first: the table is laid out once, over all rows. */
static int make_lines(struct json_object *messages, FILE *out, char **ret)
{
	_cleanup_(scols_unref_tablep) struct libscols_table *table = NULL;
	int r = ctl_table_new(&table, columns, ARRAY_SIZE(columns), true, out);

	for (size_t i = 0; r == 0 && i < ctl_json_length(messages); i++)
		r = add_line(table, json_object_array_get_idx(messages, i));
	return r ?: scols_print_table_to_string(table, ret);
}

static void print_payload(FILE *out, const struct payload *p)
{
	if (!p->data)
		return;
	hexdump_write(out, p->data, p->size);
	if (p->size < p->full_size)
		fprintf(out, "%s %zu of %" PRIu64 " bytes shown\n", ctl_utf8() ? "…" : "...",
			p->size, p->full_size);
}

static uint64_t sum_of_sizes(struct json_object *messages)
{
	uint64_t sum = 0, size;

	for (size_t i = 0; i < ctl_json_length(messages); i++)
		if (ctl_json_u64(json_object_array_get_idx(messages, i), "size", &size))
			sum += size;
	return sum;
}

/* The limit is not in the document of the messages, but in that of the queue. */
static void print_header(const struct ctl_args *args, const struct ctl_query *query,
			 struct json_object *json, const char *label, FILE *out)
{
	const struct ctl_query queue_query = {
		.document = CTL_DOCUMENT_QUEUE,
		.ipcns = query->ipcns,
		.name = query->name,
		.inode = query->inode,
		.brief = true,
	};
	_cleanup_(json_object_putp) struct json_object *queue = NULL;
	struct json_object *messages = ctl_json_get(json, "messages");
	const char *backend = ctl_json_string(json, "backend");
	size_t n = ctl_json_length(messages);
	uint64_t total = n, limit;

	ctl_json_u64(json, "messages_total", &total);
	fprintf(out, "/%s: %" PRIu64, label, total);
	if (ctl_get(args, &queue_query, &queue) == CTL_OK &&
	    ctl_json_u64(queue, "messages_limit", &limit))
		fprintf(out, "/%" PRIu64, limit);
	fputs(" messages, ", out);
	if (n < total)
		fprintf(out, "first %zu with ", n);
	fprintf(out, "%" PRIu64 " bytes, ipcns %" PRIu32 ", backend %s, %s\n",
		sum_of_sizes(messages), query->ipcns, backend ? backend : "-",
		ctl_json_true(json, "consistent") ? "consistent" : "INCONSISTENT");
}

int ctl_print_messages(struct json_object *messages, FILE *out)
{
	_cleanup_free_ char *lines = NULL;
	char *line, *rest;
	int r;

	if (!ctl_json_length(messages))
		return CTL_OK;
	if (make_lines(messages, out, &lines) < 0)
		return ctl_no_memory();
	rest = lines;
	line = strsep(&rest, "\n");
	fprintf(out, "\n%s\n", line);
	for (size_t i = 0; i < ctl_json_length(messages) && rest; i++) {
		_cleanup_(payload_done) struct payload p = {};

		line = strsep(&rest, "\n");
		r = payload_get(json_object_array_get_idx(messages, i), &p);
		if (r)
			return r;
		if (i && p.data)
			fputc('\n', out);
		fprintf(out, "%s\n", line);
		print_payload(out, &p);
	}
	return CTL_OK;
}

static void print_hex(FILE *out, struct json_object *message, const struct payload *p)
{
	uint64_t index = 0, priority = 0;

	ctl_json_u64(message, "index", &index);
	ctl_json_u64(message, "priority", &priority);
	fprintf(out, "# message %" PRIu64 ", priority %" PRIu64 ", %" PRIu64 " bytes\n", index,
		priority, p->full_size);
	print_payload(out, p);
}

/* Any bytes: what lies between NULs is escaped as a name is, a NUL is \x00. */
static int print_text(FILE *out, const struct payload *p)
{
	const char *bytes = (const char *)p->data;

	for (size_t i = 0; i < p->size;) {
		size_t n = strnlen(bytes + i, p->size - i);

		if (n) {
			_cleanup_free_ char *piece = strndup(bytes + i, n);
			_cleanup_free_ char *shown = piece ? name_escape(piece) : NULL;

			if (!shown)
				return ctl_no_memory();
			fputs(shown, out);
		}
		i += n;
		if (i < p->size) {
			fputs("\\x00", out);
			i++;
		}
	}
	fputc('\n', out);
	return CTL_OK;
}

static int print_payloads(struct json_object *messages, enum ctl_format format, FILE *out)
{
	int r = CTL_OK;

	for (size_t i = 0; r == CTL_OK && i < ctl_json_length(messages); i++) {
		struct json_object *message = json_object_array_get_idx(messages, i);
		_cleanup_(payload_done) struct payload p = {};

		r = payload_get(message, &p);
		if (r)
			return r;
		if (format == CTL_FORMAT_HEX)
			print_hex(out, message, &p);
		else if (format == CTL_FORMAT_TEXT)
			r = print_text(out, &p);
		else if (p.size)
			fwrite(p.data, 1, p.size, out);
	}
	return r;
}

/* What the output alone does not tell, or does not tell a script. */
static void warn(struct json_object *json, const struct ctl_args *args, const char *label)
{
	struct json_object *messages = ctl_json_get(json, "messages");
	size_t n = ctl_json_length(messages), cut = 0;
	uint64_t total = n;

	ctl_json_u64(json, "messages_total", &total);
	if (!ctl_json_true(json, "consistent"))
		ctl_error(
			"/%s: inconsistent: the queue kept changing; shown are the %zu of %" PRIu64
			" messages that are certain",
			label, n, total);
	if (args->format != CTL_FORMAT_TEXT && args->format != CTL_FORMAT_RAW)
		return;
	for (size_t i = 0; i < n; i++) {
		struct json_object *message = json_object_array_get_idx(messages, i);

		cut += ctl_json_true(ctl_json_get(message, "payload"), "truncated");
	}
	if (cut && !args->bytes)
		ctl_error("/%s: payloads cut off: %zu; the daemon keeps no more of them "
			  "(peek.payload-max)",
			  label, cut);
}

static int check_format(const struct ctl_args *args, FILE *out)
{
	bool bare = args->format == CTL_FORMAT_TEXT || args->format == CTL_FORMAT_RAW;

	if (args->json)
		return CTL_OK;
	if (args->no_payload && bare) {
		ctl_error("--no-payload leaves nothing to print as --format=%s",
			  ctl_format_names[args->format]);
		return CTL_USAGE;
	}
	if (args->format == CTL_FORMAT_RAW && !args->force && isatty(fileno(out))) {
		ctl_error("raw payloads can upset a terminal; redirect them, or give --force");
		return CTL_USAGE;
	}
	return CTL_OK;
}

int ctl_dump(const struct ctl_args *args, FILE *out)
{
	bool table = !args->json && args->format == CTL_FORMAT_TABLE;
	struct ctl_query query = {
		.document = CTL_DOCUMENT_MESSAGES,
		.limit = args->limit,
		.bytes = table && !args->bytes ? TABLE_BYTES : args->bytes,
		.no_payload = args->no_payload,
		.bytes_wished = table && !args->bytes,
	};
	_cleanup_(json_object_putp) struct json_object *json = NULL;
	_cleanup_free_ char *label = name_escape(args->queue);
	struct json_object *messages;
	int r;

	if (!label)
		return ctl_no_memory();
	r = check_format(args, out);
	if (!r)
		r = ctl_get_queue(args, &query, &json);
	if (r)
		return r;
	warn(json, args, label);
	if (args->json)
		return ctl_print_json(out, json);
	messages = ctl_json_get(json, "messages");
	if (!table)
		return print_payloads(messages, args->format, out);
	print_header(args, &query, json, label, out);
	return ctl_print_messages(messages, out);
}
