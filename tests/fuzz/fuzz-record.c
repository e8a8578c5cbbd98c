// SPDX-License-Identifier: GPL-2.0-or-later
/* Records are read from files that may be damaged: what is accepted reads the same when written again. */
#include "log.h"
#include "recorder.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct json_object *json = NULL, *again;
	struct record record, copy;
	const char *text;

	if (record_parse((const char *)data, size, &record, &json) < 0)
		return 0;
	json_object_put(json);
	json = record_json(&record);
	text = json ? json_object_to_json_string(json) : NULL;
	if (!text || record_parse(text, strlen(text), &copy, &again) < 0)
		abort();
	if (copy.id != record.id || copy.reason != record.reason || copy.mode != record.mode ||
	    copy.uid != record.uid || copy.began_ns != record.began_ns ||
	    strcmp(copy.name, record.name) != 0)
		abort();
	json_object_put(again);
	json_object_put(json);
	return 0;
}
