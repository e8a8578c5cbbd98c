/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdarg.h>

#include "ctl.h"

int ctl_table_new(struct libscols_table **ret, const struct ctl_column columns[], size_t n,
		  bool headings, FILE *out)
{
	_cleanup_(scols_unref_tablep) struct libscols_table *table = scols_new_table();

	if (!table)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		int flags = (columns[i].right ? SCOLS_FL_RIGHT : 0) |
			    (columns[i].truncate ? SCOLS_FL_TRUNC : 0);

		if (!scols_table_new_column(table, columns[i].name, 0, flags))
			return -ENOMEM;
	}
	scols_table_enable_noheadings(table, !headings);
	/* names come escaped already; the library would escape the backslashes again */
	scols_table_enable_noencoding(table, 1);
	scols_table_set_stream(table, out);
	*ret = TAKE_PTR(table);
	return 0;
}

int ctl_pairs_new(struct libscols_table **ret, FILE *out)
{
	static const struct ctl_column columns[] = {{.name = "NAME"}, {.name = "VALUE"}};

	return ctl_table_new(ret, columns, ARRAY_SIZE(columns), false, out);
}

static int cell_text(struct libscols_line *line, size_t column, const char *format, va_list args)
{
	char *text;

	if (vasprintf(&text, format, args) < 0)
		return -ENOMEM;
	if (scols_line_refer_data(line, column, text) < 0) {
		free(text);
		return -ENOMEM;
	}
	return 0;
}

int ctl_cell(struct libscols_line *line, size_t column, const char *format, ...)
{
	va_list args;
	int r;

	va_start(args, format);
	r = cell_text(line, column, format, args);
	va_end(args);
	return r;
}

int ctl_pair(struct libscols_table *table, const char *name, const char *format, ...)
{
	struct libscols_line *line = scols_table_new_line(table, NULL);
	va_list args;
	int r;

	if (!line || scols_line_set_data(line, 0, name) < 0)
		return -ENOMEM;
	va_start(args, format);
	r = cell_text(line, 1, format, args);
	va_end(args);
	return r;
}
