// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdint.h>

#include "name.h"
#include "util.h"

#define REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */

static bool is_continuation(char c)
{
	return ((unsigned char)c & 0xc0) == 0x80;
}

/* Table 3-7 of the Unicode standard: well-formed UTF-8 byte sequences. */
size_t utf8_sequence(const char *s, size_t n)
{
	const unsigned char *u = (const unsigned char *)s;
	unsigned char low = 0x80, high = 0xbf;
	size_t size;

	if (n == 0)
		return 0;
	if (u[0] < 0x80)
		return 1;
	if (u[0] < 0xc2 || u[0] > 0xf4)
		return 0;
	size = u[0] < 0xe0 ? 2 : u[0] < 0xf0 ? 3 : 4;
	if (n < size)
		return 0;
	switch (u[0]) {
	case 0xe0:
		low = 0xa0; /* overlong */
		break;
	case 0xed:
		high = 0x9f; /* surrogates */
		break;
	case 0xf0:
		low = 0x90; /* overlong */
		break;
	case 0xf4:
		high = 0x8f; /* above U+10FFFF */
		break;
	}
	if (u[1] < low || u[1] > high)
		return 0;
	for (size_t i = 2; i < size; i++)
		if (!is_continuation(s[i]))
			return 0;
	return size;
}

bool utf8_valid(const char *s, size_t n)
{
	for (size_t i = 0, size; i < n; i += size) {
		size = utf8_sequence(s + i, n - i);
		if (size == 0)
			return false;
	}
	return true;
}

char *utf8_make_valid(const char *s)
{
	size_t n = strlen(s), size;
	char *copy, *p;

	p = copy = malloc(n * strlen(REPLACEMENT) + 1);
	if (!copy)
		return NULL;
	for (size_t i = 0; i < n; i += size ? size : 1) {
		size = utf8_sequence(s + i, n - i);
		p = size ? mempcpy(p, s + i, size) : mempcpy(p, REPLACEMENT, strlen(REPLACEMENT));
	}
	*p = '\0';
	return copy;
}

static char *append_hex(char *p, const char *s, size_t n)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < n; i++) {
		*p++ = '\\';
		*p++ = 'x';
		*p++ = digits[(unsigned char)s[i] >> 4];
		*p++ = digits[s[i] & 0xf];
	}
	return p;
}

static bool is_control(const char *s, size_t size)
{
	if (size == 1)
		return (unsigned char)*s < 0x20 || *s == 0x7f;
	/* C1: U+0080 to U+009F */
	return size == 2 && (unsigned char)s[0] == 0xc2 && (unsigned char)s[1] < 0xa0;
}

static char *escape(const char *s, bool backslash)
{
	size_t n = strlen(s), size;
	char *copy, *p;

	p = copy = malloc(n * strlen("\\xHH") + 1);
	if (!copy)
		return NULL;
	for (size_t i = 0; i < n; i += size ? size : 1) {
		size = utf8_sequence(s + i, n - i);
		if (s[i] == '\n' || s[i] == '\t' || (s[i] == '\\' && backslash)) {
			*p++ = '\\';
			*p++ = s[i] == '\n' ? 'n' : s[i] == '\t' ? 't' : '\\';
		} else if (size == 0 || is_control(s + i, size)) {
			p = append_hex(p, s + i, size ? size : 1);
		} else {
			p = mempcpy(p, s + i, size);
		}
	}
	*p = '\0';
	return copy;
}

char *name_escape(const char *s)
{
	return escape(s, true);
}

char *line_escape(const char *s)
{
	return escape(s, false);
}

static const char base64_alphabet[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

char *base64_encode(const void *data, size_t size)
{
	const uint8_t *in = data;
	char *s, *p;

	p = s = malloc((size + 2) / 3 * 4 + 1);
	if (!s)
		return NULL;
	for (size_t i = 0; i < size; i += 3) {
		size_t n = size - i < 3 ? size - i : 3;
		uint32_t group = (uint32_t)in[i] << 16;

		group |= n > 1 ? (uint32_t)in[i + 1] << 8 : 0;
		group |= n > 2 ? in[i + 2] : 0;
		*p++ = base64_alphabet[group >> 18];
		*p++ = base64_alphabet[group >> 12 & 63];
		*p++ = n > 1 ? base64_alphabet[group >> 6 & 63] : '=';
		*p++ = n > 2 ? base64_alphabet[group & 63] : '=';
	}
	*p = '\0';
	return s;
}

static int base64_value(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -EINVAL;
}

int base64_decode(const char *s, void **ret, size_t *ret_size)
{
	size_t n = strlen(s), padding = 0, size = 0;
	_cleanup_free_ uint8_t *out = NULL;

	if (n % 4 != 0)
		return -EINVAL;
	while (n > 0 && padding < 2 && s[n - padding - 1] == '=')
		padding++;
	out = malloc(n / 4 * 3 + 1);
	if (!out)
		return -ENOMEM;
	for (size_t i = 0; i < n; i += 4) {
		size_t chars = i + 4 == n ? 4 - padding : 4;
		uint32_t group = 0;

		for (size_t j = 0; j < 4; j++) {
			int value = j < chars ? base64_value(s[i + j]) : 0;

			if (value < 0)
				return value;
			group = group << 6 | (uint32_t)value;
		}
		/* one text for one value: the bits that padding leaves over are zero */
		if (group & ((UINT32_C(1) << 8 * (4 - chars)) - 1))
			return -EINVAL;
		for (size_t j = 0; j + 1 < chars; j++)
			out[size++] = (uint8_t)(group >> (16 - 8 * j));
	}
	*ret = TAKE_PTR(out);
	*ret_size = size;
	return 0;
}
