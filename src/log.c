// SPDX-License-Identifier: GPL-2.0-or-later
#include <stdarg.h>

#include "log.h"
#include "name.h"
#include "util.h"

static int max_priority = LOG_INFO;

void log_set_max_priority(int max)
{
	max_priority = max;
}

int log_max_priority(void)
{
	return max_priority;
}

static void log_text(int priority, const char *text)
{
	_cleanup_free_ char *escaped = line_escape(text);
	_cleanup_free_ char *line = NULL;
	int n;

	if (!escaped)
		return;
	if (isatty(STDERR_FILENO))
		n = asprintf(&line, "%s\n", escaped);
	else
		n = asprintf(&line, "<%d>%s\n", priority, escaped);
	if (n < 0) {
		line = NULL;
		return;
	}
	/* one write, so that lines of several processes do not mix */
	if (write(STDERR_FILENO, line, (size_t)n) < 0)
		return; /* there is nowhere to say it */
}

static void log_valist(int priority, int error, const char *format, va_list ap)
{
	_cleanup_free_ char *text = NULL;
	int n;

	errno = error; /* for %m */
	n = vasprintf(&text, format, ap);
	if (n < 0)
		text = NULL;
	log_text(priority, text ? text : "out of memory while writing a log line");
}

void log_line(int priority, const char *format, ...)
{
	int saved = errno;
	va_list ap;

	if (priority <= max_priority) {
		va_start(ap, format);
		log_valist(priority, saved, format, ap);
		va_end(ap);
	}
	errno = saved;
}

int log_line_errno(int priority, int error, const char *format, ...)
{
	int saved = errno;
	va_list ap;

	error = abs(error);
	if (priority <= max_priority) {
		va_start(ap, format);
		log_valist(priority, error, format, ap);
		va_end(ap);
	}
	errno = saved;
	return -error;
}
