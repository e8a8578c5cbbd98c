// SPDX-License-Identifier: GPL-2.0-or-later
/* Names and base64: what comes out is valid, free of control characters, and decodes to what went in. */
#include "name.h"
#include "util.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_free_ char *text = strndup((const char *)data, size);
	_cleanup_free_ char *repaired = text ? utf8_make_valid(text) : NULL;
	_cleanup_free_ char *escaped = text ? name_escape(text) : NULL;
	_cleanup_free_ char *base64 = base64_encode(data, size);
	_cleanup_free_ void *decoded = NULL, *other = NULL;
	size_t decoded_size = 0;

	if (!repaired || !escaped || !base64)
		abort();
	if (!utf8_valid(repaired, strlen(repaired)) || !utf8_valid(escaped, strlen(escaped)))
		abort();
	if (utf8_valid(text, strlen(text)) != (strcmp(text, repaired) == 0))
		abort();
	for (const char *p = escaped; *p; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			abort();
	if (base64_decode(base64, &decoded, &decoded_size) < 0 || decoded_size != size ||
	    (size && memcmp(decoded, data, size) != 0))
		abort();
	if (base64_decode(text, &other, &decoded_size) == 0) {
		_cleanup_free_ char *again = base64_encode(other, decoded_size);

		if (!again || strcmp(again, text) != 0)
			abort();
	}
	return 0;
}
