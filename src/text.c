// SPDX-License-Identifier: GPL-2.0-or-later
#include "memory.h"
#include "name.h"
#include "text.h"

#define U64_DIGITS 20

static const char digit_pairs[] = "0001020304050607080910111213141516171819"
				  "2021222324252627282930313233343536373839"
				  "4041424344454647484950515253545556575859"
				  "6061626364656667686970717273747576777879"
				  "8081828384858687888990919293949596979899";

void text_free(struct text *t)
{
	free(t->data);
	*t = (struct text){};
}

bool text_grow(struct text *t, size_t size)
{
	size_t need, capacity = t->capacity ? t->capacity : 4096;
	char *data;

	if (t->failed || __builtin_add_overflow(t->size, size, &need) || need > SIZE_MAX / 2) {
		t->failed = true;
		return false;
	}
	while (capacity < need)
		capacity *= 2;
	data = realloc(t->data, capacity);
	if (!data) {
		t->failed = true;
		return false;
	}
	t->data = data;
	t->capacity = capacity;
	return true;
}

void text_expect(struct text *t, size_t size)
{
	char *data;

	if (t->failed || t->capacity - t->size >= size)
		return;
	data = t->data ? realloc(t->data, t->size + size) : memory_block(size);
	if (!data)
		return; /* appending will ask again, for less */
	t->data = data;
	t->capacity = t->size + size;
}

void text_append_bytes(struct text *t, const void *data, size_t size)
{
	char *p = text_reserve(t, size);

	if (!p)
		return;
	memcpy(p, data, size);
	t->size += size;
}

void text_append(struct text *t, const char *s)
{
	text_append_bytes(t, s, strlen(s));
}

/* Writes the digits so that they end before end; returns where they begin. */
static char *digits_before(char *end, uint64_t value)
{
	while (value >= 100) {
		end -= 2;
		memcpy(end, digit_pairs + value % 100 * 2, 2);
		value /= 100;
	}
	if (value >= 10) {
		end -= 2;
		memcpy(end, digit_pairs + value * 2, 2);
	} else {
		*--end = (char)('0' + value);
	}
	return end;
}

void text_append_u64(struct text *t, uint64_t value)
{
	char digits[U64_DIGITS];
	char *begin = digits_before(digits + sizeof(digits), value);

	text_append_bytes(t, begin, (size_t)(digits + sizeof(digits) - begin));
}

void text_append_u64_line(struct text *t, uint64_t value)
{
	char digits[U64_DIGITS + 1], *end = digits + U64_DIGITS;
	char *begin = digits_before(end, value);

	*end = '\n';
	text_append_bytes(t, begin, (size_t)(end + 1 - begin));
}

/* whole + fraction / unit */
static void append_parts(struct text *t, uint64_t whole, uint64_t fraction, uint64_t unit)
{
	char digits[U64_DIGITS + 1 + U64_DIGITS];
	char *end = digits + sizeof(digits), *begin = end;

	if (fraction) {
		/* the unit's 1 keeps the fraction's leading zeros; the point replaces it */
		begin = digits_before(end, unit + fraction);
		*begin = '.';
		while (end[-1] == '0')
			end--;
	}
	begin = digits_before(begin, whole);
	text_append_bytes(t, begin, (size_t)(end - begin));
}

void text_append_fraction(struct text *t, uint64_t value, uint64_t unit)
{
	append_parts(t, value / unit, value % unit, unit);
}

void text_append_long_seconds(struct text *t, unsigned __int128 nanoseconds)
{
	append_parts(t, (uint64_t)(nanoseconds / NSEC_PER_SEC),
		     (uint64_t)(nanoseconds % NSEC_PER_SEC), NSEC_PER_SEC);
}

void text_append_seconds(struct text *t, uint64_t nanoseconds)
{
	text_append_fraction(t, nanoseconds, NSEC_PER_SEC);
}

static bool is_plain(char c)
{
	return (unsigned char)c < 0x80 && c != '\\' && c != '"' && c != '\n';
}

void text_append_label_value(struct text *t, const char *value)
{
	size_t n = strlen(value), i = 0, from, size;

	while (i < n) {
		for (from = i; i < n && is_plain(value[i]); i++)
			;
		text_append_bytes(t, value + from, i - from);
		if (i == n)
			break;
		if ((unsigned char)value[i] < 0x80) {
			text_append_bytes(t, "\\", 1);
			text_append_bytes(t, value[i] == '\n' ? "n" : value + i, 1);
			i++;
			continue;
		}
		size = utf8_sequence(value + i, n - i);
		if (size)
			text_append_bytes(t, value + i, size);
		else
			text_append_bytes(t, "\xef\xbf\xbd", 3); /* U+FFFD */
		i += size ? size : 1;
	}
}

void text_family(struct text *t, const char *name, const char *type, const char *help)
{
	text_append(t, "# HELP ");
	text_append(t, name);
	text_append(t, " ");
	text_append(t, help);
	text_append(t, "\n# TYPE ");
	text_append(t, name);
	text_append(t, " ");
	text_append(t, type);
	text_append(t, "\n");
}
