/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A growing text buffer and the Prometheus text exposition format 0.0.4. Fast on purpose: a scrape
 * writes tens of thousands of lines, so numbers and labels are appended without printf.
 */
#ifndef MQWATCH_TEXT_H
#define MQWATCH_TEXT_H

#include "util.h"

/* Once an append found no memory the buffer stays failed; check once, at the end. */
struct text {
	char *data;
	size_t size, capacity;
	bool failed;
};

void text_free(struct text *t); /* of the data; the struct is the caller's */
void text_append(struct text *t, const char *s);
void text_append_bytes(struct text *t, const void *data, size_t size);
void text_append_u64(struct text *t, uint64_t value);
/* value / unit as an exact decimal without trailing zeros; unit is a power of ten, 10 at least */
void text_append_fraction(struct text *t, uint64_t value, uint64_t unit);
/* nanoseconds as exact decimal seconds, no trailing zeros: 1500000000 is "1.5" */
void text_append_seconds(struct text *t, uint64_t nanoseconds);

/* A label value: backslash, quote and newline escaped as the format asks; invalid UTF-8 becomes U+FFFD. */
void text_append_label_value(struct text *t, const char *value);

/* "# HELP" and "# TYPE" lines; type is "gauge", "counter" or "histogram". */
void text_family(struct text *t, const char *name, const char *type, const char *help);

#endif /* MQWATCH_TEXT_H */
