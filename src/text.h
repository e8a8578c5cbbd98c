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
bool text_grow(struct text *t, size_t size);

/* Room for size more bytes at the returned place; NULL: no memory. */
static inline char *text_reserve(struct text *t, size_t size)
{
	if ((t->failed || t->capacity - t->size < size) && !text_grow(t, size))
		return NULL;
	return t->data + t->size;
}

/* What was reserved was written up to end. */
static inline void text_written(struct text *t, const char *end)
{
	t->size = (size_t)(end - t->data);
}

/* Room for so many more bytes in one piece, so that growing leaves no smaller ones behind. */
void text_expect(struct text *t, size_t size);
void text_append(struct text *t, const char *s);
void text_append_bytes(struct text *t, const void *data, size_t size);
void text_append_u64(struct text *t, uint64_t value);
void text_append_u64_line(struct text *t, uint64_t value); /* and a newline */
/* value / unit as an exact decimal without trailing zeros; unit is a power of ten, 10 at least */
void text_append_fraction(struct text *t, uint64_t value, uint64_t unit);
/* nanoseconds as exact decimal seconds, no trailing zeros: 1500000000 is "1.5" */
void text_append_seconds(struct text *t, uint64_t nanoseconds);

/* the same where 64 bits do not do */
void text_append_long_seconds(struct text *t, unsigned __int128 nanoseconds);

/* A label value: backslash, quote and newline escaped as the format asks; invalid UTF-8 becomes U+FFFD. */
void text_append_label_value(struct text *t, const char *value);

/* "# HELP" and "# TYPE" lines; type is "gauge", "counter" or "histogram". */
void text_family(struct text *t, const char *name, const char *type, const char *help);

#endif /* MQWATCH_TEXT_H */
