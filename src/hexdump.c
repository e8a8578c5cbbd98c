/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "hexdump.h"

#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

/* Columns of the hex field: three for each byte and one more in the middle. */
#define HEX_COLUMNS (3 * HEXDUMP_BYTES + 1)

size_t hexdump_line(char line[HEXDUMP_LINE_MAX], uint64_t offset, const uint8_t *data, size_t size)
{
	static const char digits[] = "0123456789abcdef";
	char *hex, *ascii, *p;
	int n;

	if (size > HEXDUMP_BYTES)
		size = HEXDUMP_BYTES;
	n = snprintf(line, HEXDUMP_LINE_MAX, "%08" PRIx64 "  ", offset);
	hex = line + n;
	ascii = hex + HEX_COLUMNS + 1;
	memset(hex, ' ', HEX_COLUMNS + 1);
	p = ascii;
	*p++ = '|';
	for (size_t i = 0; i < size; i++) {
		if (i == HEXDUMP_BYTES / 2)
			hex++;
		*hex++ = digits[data[i] >> 4];
		*hex++ = digits[data[i] & 15];
		hex++;
		*p++ = data[i] >= ' ' && data[i] <= '~' ? (char)data[i] : '.';
	}
	*p++ = '|';
	*p++ = '\n';
	*p = '\0';
	return (size_t)(p - line);
}

void hexdump_write(FILE *out, const uint8_t *data, size_t size)
{
	char line[HEXDUMP_LINE_MAX];
	bool squeezing = false;

	for (size_t offset = 0; offset < size; offset += HEXDUMP_BYTES) {
		size_t n = size - offset < HEXDUMP_BYTES ? size - offset : HEXDUMP_BYTES;

		if (offset && n == HEXDUMP_BYTES &&
		    !memcmp(data + offset, data + offset - HEXDUMP_BYTES, n)) {
			if (!squeezing)
				fputs("*\n", out);
			squeezing = true;
			continue;
		}
		squeezing = false;
		n = hexdump_line(line, offset, data + offset, n);
		fwrite(line, 1, n, out);
	}
	if (size)
		fprintf(out, "%08zx\n", size);
}
