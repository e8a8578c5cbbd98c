// SPDX-License-Identifier: GPL-2.0-or-later
/* The INI file: read whole, then parsed line by line so that every error has its line number. */
#include <fcntl.h>
#include <ini.h>
#include <stdarg.h>
#include <sys/stat.h>

#include "config_table.h"
#include "name.h"

#define FILE_SIZE_MAX (1U << 20)

struct ini_source {
	struct config *config;
	struct config_layer layer;
	const char *name;
	FILE *err;
	const char *next;  /* text not yet read */
	unsigned int line; /* number of the line read last */
	bool pending;	   /* it ought to be key=value, and inih has not said so yet */
	bool in_section;   /* some section has begun */
	bool skip;	   /* and it is refused already: no more errors about its keys */
	int error;	   /* the first one */
};

static void ini_error(struct ini_source *source, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void ini_error(struct ini_source *source, const char *format, ...)
{
	_cleanup_free_ char *text = NULL;
	_cleanup_free_ char *escaped = NULL;
	va_list ap;
	int n;

	va_start(ap, format);
	n = vasprintf(&text, format, ap);
	va_end(ap);
	if (n < 0)
		text = NULL;
	escaped = text ? line_escape(text) : NULL;
	fprintf(source->err, "%s:%u: %s\n", source->name, source->line,
		escaped ? escaped : "out of memory");
	if (!source->error)
		source->error = escaped ? -EINVAL : -ENOMEM;
}

/* "[web], [control], ..." or, with a section, its keys. */
static char *list_allowed(const char *section)
{
	const char *last = "";
	char *list = NULL;
	size_t size;
	FILE *f = open_memstream(&list, &size);

	if (!f)
		return NULL;
	for (const struct setting *s = config_settings; s < config_settings + CONFIG_SETTINGS;
	     s++) {
		if (section ? strcmp(s->section, section) != 0 : strcmp(s->section, last) == 0)
			continue;
		fprintf(f, section ? "%s%s" : "%s[%s]", *last ? ", " : "",
			section ? s->key : s->section);
		last = s->section;
	}
	if (fclose(f) == 0)
		return list;
	free(list);
	return NULL;
}

static bool section_known(const char *name)
{
	for (size_t i = 0; i < CONFIG_SETTINGS; i++)
		if (strcmp(config_settings[i].section, name) == 0)
			return true;
	return false;
}

static void check_section(struct ini_source *source, const char *line)
{
	const char *end = strchr(line, ']');
	_cleanup_free_ char *allowed = NULL;
	_cleanup_free_ char *name = NULL;

	source->in_section = true;
	source->skip = true;
	if (!end) {
		ini_error(source, "'%s': the section's closing ] is missing", line);
		return;
	}
	name = strndup(line + 1, (size_t)(end - line - 1));
	allowed = list_allowed(NULL);
	end += 1 + strspn(end + 1, " \t");
	if (!name || !allowed)
		source->error = -ENOMEM;
	else if (!section_known(name))
		ini_error(source, "unknown section [%s]; allowed: %s", name, allowed);
	else if (*end && *end != ';' && *end != '#')
		ini_error(source, "'%s': nothing may follow the section's ]", line);
	else
		source->skip = false;
}

/*
 * An ini_reader: one line into the buffer, NULL at the end. It hands on lines only that inih reads as meant: inih
 * would split a long line in two, and take an indented one for more of the value before.
 */
static char *read_line(char *buffer, int size, void *data)
{
	struct ini_source *source = data;
	const char *begin = source->next, *end;
	size_t n;

	if (source->pending)
		ini_error(source, "expected key=value, [section], or a comment after ; or #");
	source->pending = false;
	if (!*begin)
		return NULL;
	end = strchrnul(begin, '\n');
	source->next = *end ? end + 1 : end;
	source->line++;
	begin += strspn(begin, " \t\r\v\f");
	while (end > begin && (end[-1] == '\r' || end[-1] == ' ' || end[-1] == '\t'))
		end--;
	n = (size_t)(end - begin);

	strcpy(buffer, "\n");
	if (n == 0 || *begin == ';' || *begin == '#')
		return buffer;
	if (n + sizeof("\n") > (size_t)size) {
		ini_error(source, "the line has %zu bytes; at most %zu are allowed", n,
			  (size_t)size - sizeof("\n"));
		if (*begin == '[')
			source->in_section = source->skip = true;
		return buffer;
	}
	*(char *)mempcpy(buffer, begin, n) = '\0';
	if (*begin == '[')
		check_section(source, buffer);
	else
		source->pending = true;
	return strcat(buffer, "\n");
}

/* An ini_handler; what it returns matters to none, errors are in source. */
static int take_setting(void *data, const char *section, const char *key, const char *value)
{
	_cleanup_free_ char *allowed = NULL;
	_cleanup_free_ char *origin = NULL;
	struct ini_source *source = data;
	const struct setting *s;
	int r;

	source->pending = false;
	if (!source->in_section)
		ini_error(source, "%s= stands before the first [section]", key);
	if (!source->in_section || source->skip)
		return 1;
	for (s = config_settings; s < config_settings + CONFIG_SETTINGS; s++)
		if (strcmp(s->section, section) == 0 && strcmp(s->key, key) == 0)
			break;
	if (s == config_settings + CONFIG_SETTINGS) {
		allowed = list_allowed(section);
		ini_error(source, "unknown key %s= in [%s]; allowed: %s", key, section,
			  allowed ? allowed : "see the manual");
		return 1;
	}
	if (source->layer.set[s - config_settings] && !s->type->repeatable) {
		ini_error(source, "[%s] %s= is set a second time", section, key);
		return 1;
	}
	if (asprintf(&origin, "%s:%u: %s", source->name, source->line, key) < 0) {
		origin = NULL;
		source->error = -ENOMEM;
		return 1;
	}
	r = config_set(source->config, &source->layer, s, value, source->err, origin);
	if (r < 0 && !source->error)
		source->error = r;
	return 1;
}

int config_parse_ini(struct config *c, const char *name, const char *text, FILE *err)
{
	static const char bom[] = "\xef\xbb\xbf";
	struct ini_source source = {.config = c, .name = name, .err = err, .next = text};
	int r;

	if (strncmp(text, bom, strlen(bom)) == 0)
		source.next += strlen(bom);
	r = ini_parse_stream(read_line, &source, take_setting, &source);
	if (source.error)
		return source.error;
	if (r == 0)
		return 0;
	fprintf(err, "%s:%d: syntax error\n", name, r);
	return r < 0 ? -ENOMEM : -EINVAL;
}

static int check_plain_text(const char *path, const char *text, size_t size, FILE *err)
{
	const char *nul = memchr(text, '\0', size);
	unsigned int line = 1;

	if (!nul)
		return 0;
	for (const char *p = text; p < nul; p++)
		line += *p == '\n';
	fprintf(err, "%s:%u: a NUL byte; expected plain text in ASCII or UTF-8\n", path, line);
	return -EINVAL;
}

static int read_all(int fd, char **ret, size_t *ret_size)
{
	_cleanup_free_ char *text = malloc(FILE_SIZE_MAX + 1);
	size_t size = 0;
	ssize_t n;

	if (!text)
		return -ENOMEM;
	for (;;) {
		n = read(fd, text + size, FILE_SIZE_MAX + 1 - size);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		size += (size_t)n;
		if (size > FILE_SIZE_MAX)
			return -EFBIG;
	}
	text[size] = '\0';
	*ret = TAKE_PTR(text);
	*ret_size = size;
	return 0;
}

int config_read_file(const char *path, FILE *err, char **ret)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	_cleanup_free_ char *text = NULL;
	size_t size = 0;
	int r;

	r = fd < 0 ? -errno : read_all(fd, &text, &size);
	if (r == 0)
		r = check_plain_text(path, text, size, err);
	else
		fprintf(err, "%s: cannot read the configuration: %s\n", path, strerror(-r));
	if (r == 0)
		*ret = TAKE_PTR(text);
	return r;
}
