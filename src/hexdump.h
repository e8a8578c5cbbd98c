/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The layout of `hexdump -C`, byte for byte. */
#ifndef MQWATCH_HEXDUMP_H
#define MQWATCH_HEXDUMP_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define HEXDUMP_BYTES	 16 /* per line */
#define HEXDUMP_LINE_MAX 96 /* a line with a 64-bit offset, its newline and NUL */

/* Formats at most HEXDUMP_BYTES bytes as one line; returns its length without the NUL. */
size_t hexdump_line(char line[HEXDUMP_LINE_MAX], uint64_t offset, const uint8_t *data, size_t size);

/* The whole buffer: repeated lines become one "*", the end offset comes last, nothing for none. */
void hexdump_write(FILE *out, const uint8_t *data, size_t size);

#endif /* MQWATCH_HEXDUMP_H */
