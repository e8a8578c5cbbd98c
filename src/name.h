/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Queue names are bytes. How they are written where text is expected. Pure functions. */
#ifndef MQWATCH_NAME_H
#define MQWATCH_NAME_H

#include <stdbool.h>
#include <stddef.h>

/* Bytes of the well-formed UTF-8 character that s[0..n) begins with; 0: it begins with none. */
size_t utf8_sequence(const char *s, size_t n);

/* Whether s[0..n) is well-formed UTF-8 (no overlong forms, no surrogates: RFC 3629). */
bool utf8_valid(const char *s, size_t n);

/* A copy with every invalid byte replaced by U+FFFD; NULL: no memory. The caller frees. */
char *utf8_make_valid(const char *s);

/*
 * For terminals and logs: control characters (C0, DEL, C1), backslash and invalid bytes as \n, \t, \\,
 * \xHH; the rest as it is. NULL: no memory. The caller frees.
 */
char *name_escape(const char *s);

/* The same for whole lines of text: a backslash stays as it is. */
char *line_escape(const char *s);

/* Standard base64 (RFC 4648 section 4) with padding; NULL: no memory. The caller frees. */
char *base64_encode(const void *data, size_t size);
/* -EINVAL, -ENOMEM; the caller frees *ret. */
int base64_decode(const char *s, void **ret, size_t *ret_size);

#endif /* MQWATCH_NAME_H */
