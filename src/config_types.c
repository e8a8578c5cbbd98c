// SPDX-License-Identifier: GPL-2.0-or-later
/* The kinds of values that settings have. */
#include <inttypes.h>

#include "config_table.h"

static int parse_number(const struct setting *s, const char *value, void *field)
{
	return parse_u64(value, s->min, s->max, field);
}

static void print_number(const struct setting *s, FILE *out)
{
	fprintf(out, "a number from %" PRIu64 " to %" PRIu64, s->min, s->max);
}

const struct setting_type setting_number = {.parse = parse_number, .print_allowed = print_number};

static int parse_size_setting(const struct setting *s, const char *value, void *field)
{
	return parse_size(value, s->min, s->max, field);
}

static void print_one_size(uint64_t size, FILE *out)
{
	static const char units[] = "KMG";
	size_t unit = 0;

	while (size && size % 1024 == 0 && unit < strlen(units)) {
		size /= 1024;
		unit++;
	}
	fprintf(out, "%" PRIu64, size);
	if (unit)
		fputc(units[unit - 1], out);
}

static void print_size(const struct setting *s, FILE *out)
{
	fputs("a size from ", out);
	print_one_size(s->min, out);
	fputs(" to ", out);
	print_one_size(s->max, out);
	fputs(" (in bytes, or with K, M or G)", out);
}

const struct setting_type setting_size = {.parse = parse_size_setting, .print_allowed = print_size};

static int parse_duration_setting(const struct setting *s, const char *value, void *field)
{
	uint64_t ns;
	int r = parse_duration(value, 0, s->max, &ns);

	if (r == 0 && ns < s->min && !(s->zero && ns == 0))
		r = -ERANGE;
	if (r == 0)
		*(uint64_t *)field = ns;
	return r;
}

static void print_one_duration(uint64_t ns, FILE *out)
{
	size_t i = DURATION_UNITS;

	while (--i > 0 && ns % duration_units[i].ns)
		;
	fprintf(out, "%" PRIu64 "%s", ns / duration_units[i].ns, duration_units[i].name);
}

static void print_duration(const struct setting *s, FILE *out)
{
	fputs("a time from ", out);
	print_one_duration(s->min, out);
	fputs(" to ", out);
	print_one_duration(s->max, out);
	fputs(" (with the unit ms, s, min, h or d)", out);
	if (s->zero)
		fputs(", or 0 for never", out);
}

const struct setting_type setting_duration = {.parse = parse_duration_setting,
					      .print_allowed = print_duration};

static int parse_choice(const struct setting *s, const char *value, void *field)
{
	int i = parse_enum(value, s->names, s->n_names);

	if (i < 0)
		return i;
	*(int *)field = (int)s->min + i;
	return 0;
}

static void print_choice(const struct setting *s, FILE *out)
{
	for (size_t i = 0; i < s->n_names; i++)
		fprintf(out, "%s%s", i == 0 ? "" : i + 1 < s->n_names ? ", " : " or ", s->names[i]);
}

const struct setting_type setting_choice = {.parse = parse_choice, .print_allowed = print_choice};

static int set_string(char **field, char *value)
{
	free(*field);
	*field = value;
	return 0;
}

static void done_string(void *field)
{
	set_string(field, NULL);
}

static int parse_string(const struct setting *s, const char *value, void *field)
{
	char *copy;

	if (strlen(value) > s->max)
		return -ERANGE;
	copy = strdup(value);
	return copy ? set_string(field, copy) : -ENOMEM;
}

static void print_string(const struct setting *s, FILE *out)
{
	fprintf(out, "at most %" PRIu64 " bytes", s->max);
}

const struct setting_type setting_string = {
	.parse = parse_string, .print_allowed = print_string, .done = done_string};

/* Without a path the field is NULL. */
static int parse_path(const struct setting *s, const char *value, void *field)
{
	return *value ? parse_string(s, value, field) : set_string(field, NULL);
}

const struct setting_type setting_path = {
	.parse = parse_path, .print_allowed = print_string, .done = done_string};

/* "HOST:PORT", "[IPV6]:PORT" or ":PORT"; whether HOST exists is seen when listening. */
static bool address_valid(const char *value)
{
	const char *colon = strrchr(value, ':');
	uint64_t port;

	if (!colon || parse_u64(colon + 1, 0, UINT16_MAX, &port) < 0)
		return false;
	if (*value == '[')
		return strcspn(value + 1, "[] \t") == (size_t)(colon - value - 2) &&
		       memchr(value, ':', (size_t)(colon - value));
	return strcspn(value, ":[] \t") == (size_t)(colon - value);
}

static void done_list(void *field)
{
	char ***list = field;

	for (char **p = *list; p && *p; p++)
		free(*p);
	free(*list);
	*list = NULL;
}

/* Adds a value to the list, which an empty one empties. */
static int add_to_list(const char *value, char ***list)
{
	_cleanup_free_ char *copy = NULL;
	char **longer;
	size_t n = 0;

	if (!*value)
		done_list(list);
	while (*list && (*list)[n])
		n++;
	longer = reallocarray(*list, n + 2, sizeof(*longer));
	if (!longer)
		return -ENOMEM;
	*list = longer;
	longer[n] = NULL;
	if (!*value)
		return 0;
	copy = strdup(value);
	if (!copy)
		return -ENOMEM;
	longer[n] = TAKE_PTR(copy);
	longer[n + 1] = NULL;
	return 0;
}

static int parse_addresses(const struct setting *s, const char *value, void *field)
{
	if (*value && (strlen(value) > s->max || !address_valid(value)))
		return -EINVAL;
	return add_to_list(value, field);
}

static void print_address(_unused_ const struct setting *s, FILE *out)
{
	fputs("HOST:PORT, [IPV6]:PORT, :PORT for all addresses, or nothing for none", out);
}

const struct setting_type setting_addresses = {.repeatable = true,
					       .parse = parse_addresses,
					       .print_allowed = print_address,
					       .done = done_list};

static int parse_pattern(const struct setting *s, const char *value, void *field)
{
	return strlen(value) > s->max ? -ERANGE : add_to_list(value, field);
}

static void print_pattern(const struct setting *s, FILE *out)
{
	fprintf(out, "at most %" PRIu64 " bytes, which are a pattern as in fnmatch(3), or nothing",
		s->max);
}

const struct setting_type setting_patterns = {.repeatable = true,
					      .parse = parse_pattern,
					      .print_allowed = print_pattern,
					      .done = done_list};
