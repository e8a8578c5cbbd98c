// SPDX-License-Identifier: GPL-2.0-or-later
#include <inttypes.h>
#include <stdarg.h>
#include <time.h>

#include "log.h"
#include "name.h"
#include "util.h"

#define LIMIT_WINDOW_NS (60 * NSEC_PER_SEC)

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

bool log_limit_pass(struct log_limit *limit, uint64_t now_ns, uint64_t *ret_missed)
{
	if (!limit->lines || now_ns - limit->since_ns >= LIMIT_WINDOW_NS) {
		limit->since_ns = now_ns;
		limit->lines = 0;
	}
	if (limit->lines >= limit->lines_max) {
		limit->missed++;
		return false;
	}
	limit->lines++;
	*ret_missed = limit->missed;
	limit->missed = 0;
	return true;
}

int log_limited_errno(struct log_limit *limit, int priority, int error, const char *format, ...)
{
	int saved = errno;
	uint64_t missed;
	va_list ap;

	error = abs(error);
	if (priority <= max_priority && log_limit_pass(limit, clock_ns(CLOCK_MONOTONIC), &missed)) {
		if (missed)
			log_line(priority,
				 "%" PRIu64
				 " lines like the next were not written: too many at once",
				 missed);
		va_start(ap, format);
		log_valist(priority, error, format, ap);
		va_end(ap);
	}
	errno = saved;
	return -error;
}
