/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An entry with fields to search for: in the journal where there is one, else its text as a log line. */
#ifndef MQWATCH_JOURNAL_H
#define MQWATCH_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/uio.h>

struct journal_entry {
	struct iovec fields[16];
	size_t n;
	bool failed; /* no memory */
};

/* FIELD=value; the value may hold any bytes but NUL. */
void journal_add(struct journal_entry *e, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Adds MESSAGE=, MESSAGE_ID= and PRIORITY=, and frees all. text: NULL where there is no memory for it. */
void journal_write(struct journal_entry *e, int priority, const char *id, const char *text);

#endif /* MQWATCH_JOURNAL_H */
