/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Log lines to standard error, prefixed with the <N> priority that journald and
 * sd-daemon(3) understand when standard error is not a terminal. One event, one line;
 * control characters inside are escaped.
 */
#ifndef MQWATCH_LOG_H
#define MQWATCH_LOG_H

#include <stdbool.h>
#include <stdint.h>
#include <syslog.h>

/* Lines of a priority number above max (LOG_INFO is the start value) are not written. */
void log_set_max_priority(int max);
int log_max_priority(void);

void log_line(int priority, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Logs and returns -abs(error), so that one can write return log_error_errno(r, ...); %m is the
 * error's text. */
int log_line_errno(int priority, int error, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* A bound on lines that others than root can provoke. */
struct log_limit {
	unsigned int lines_max; /* in a minute; the rest is counted */
	unsigned int lines;
	uint64_t since_ns, missed;
};

/* Whether one more may be written at now_ns (CLOCK_MONOTONIC); if so, *ret_missed before it were not. */
bool log_limit_pass(struct log_limit *limit, uint64_t now_ns, uint64_t *ret_missed);

/* As log_line_errno(); after a minute with too many, the next line says how many are missing. */
int log_limited_errno(struct log_limit *limit, int priority, int error, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

#define log_debug(...)		  log_line(LOG_DEBUG, __VA_ARGS__)
#define log_info(...)		  log_line(LOG_INFO, __VA_ARGS__)
#define log_notice(...)		  log_line(LOG_NOTICE, __VA_ARGS__)
#define log_warning(...)	  log_line(LOG_WARNING, __VA_ARGS__)
#define log_error(...)		  log_line(LOG_ERR, __VA_ARGS__)
#define log_debug_errno(e, ...)	  log_line_errno(LOG_DEBUG, e, __VA_ARGS__)
#define log_warning_errno(e, ...) log_line_errno(LOG_WARNING, e, __VA_ARGS__)
#define log_error_errno(e, ...)	  log_line_errno(LOG_ERR, e, __VA_ARGS__)

/* Each place that says so has a bound of its own. */
#define log_warning_errno_limited(e, ...)                                  \
	({                                                                 \
		static struct log_limit limit_ = {.lines_max = 10};        \
		log_limited_errno(&limit_, LOG_WARNING, (e), __VA_ARGS__); \
	})

#endif /* MQWATCH_LOG_H */
