// SPDX-License-Identifier: GPL-2.0-or-later
/* Label values: valid UTF-8 that cannot end its quotes or its line. */
#include "name.h"
#include "text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_free_ char *value = strndup((const char *)data, size);
	_cleanup_(text_free) struct text t = {};

	if (!value)
		abort();
	text_append_label_value(&t, value);
	if (t.failed || !utf8_valid(t.data ? t.data : "", t.size))
		abort();
	for (size_t i = 0; i < t.size; i++) {
		if (t.data[i] == '"' || t.data[i] == '\n')
			abort();
		if (t.data[i] == '\\' && (++i == t.size || !strchr("\\\"n", t.data[i])))
			abort();
	}
	return 0;
}
