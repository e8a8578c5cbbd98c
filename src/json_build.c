// SPDX-License-Identifier: GPL-2.0-or-later
#include "json_build.h"

#include <inttypes.h>

#include "name.h"
#include "text.h"

struct json_build json_begin(void)
{
	struct json_object *json = json_object_new_object();

	return (struct json_build){json, !json};
}

struct json_object *json_end(struct json_build *o)
{
	if (!o->failed)
		return o->json;
	json_object_put(o->json);
	return NULL;
}

void json_add_null(struct json_build *o, const char *key)
{
	if (o->failed)
		return;
	if (json_object_object_add_ex(o->json, key, NULL,
				      JSON_C_OBJECT_ADD_KEY_IS_NEW | JSON_C_OBJECT_KEY_IS_CONSTANT))
		o->failed = true;
}

/* Takes value over; NULL: no memory. */
void json_add(struct json_build *o, const char *key, struct json_object *value)
{
	if (o->failed || !value ||
	    json_object_object_add_ex(o->json, key, value,
				      JSON_C_OBJECT_ADD_KEY_IS_NEW |
					      JSON_C_OBJECT_KEY_IS_CONSTANT)) {
		json_object_put(value);
		o->failed = true;
	}
}

void json_add_u64(struct json_build *o, const char *key, uint64_t value)
{
	json_add(o, key, json_object_new_uint64(value));
}

void json_add_known_u64(struct json_build *o, const char *key, bool known, uint64_t value)
{
	if (known)
		json_add_u64(o, key, value);
	else
		json_add_null(o, key);
}

void json_add_bool(struct json_build *o, const char *key, bool value)
{
	json_add(o, key, json_object_new_boolean(value));
}

/* Any bytes, made valid UTF-8; NULL is null. */
void json_add_string(struct json_build *o, const char *key, const char *s)
{
	_cleanup_free_ char *valid = NULL;

	if (!s) {
		json_add_null(o, key);
		return;
	}
	valid = utf8_make_valid(s);
	json_add(o, key, valid ? json_object_new_string(valid) : NULL);
}

/* Appends to an array; takes value over; NULL: no memory. */
void json_append(struct json_build *o, struct json_object *array, struct json_object *value)
{
	if (!array || !value || json_object_array_add(array, value)) {
		json_object_put(value);
		o->failed = true;
	}
}

struct json_object *json_new_seconds(unsigned __int128 ns)
{
	struct text t = {};
	struct json_object *json;

	text_append_long_seconds(&t, ns);
	text_append_bytes(&t, "", 1);
	json = t.failed ? NULL : json_object_new_double_s((double)ns / NSEC_PER_SEC, t.data);
	text_free(&t);
	return json;
}

/* A moment in Unix seconds with microseconds. */
struct json_object *json_new_time(uint64_t ns)
{
	char s[32];

	snprintf(s, sizeof(s), "%" PRIu64 ".%06" PRIu64, (uint64_t)(ns / NSEC_PER_SEC),
		 (uint64_t)(ns % NSEC_PER_SEC / 1000));
	return json_object_new_double_s((double)ns / NSEC_PER_SEC, s);
}

void json_add_known_time(struct json_build *o, const char *key, uint64_t monotonic_ns,
			 uint64_t realtime_offset_ns)
{
	if (monotonic_ns)
		json_add(o, key, json_new_time(monotonic_ns + realtime_offset_ns));
	else
		json_add_null(o, key);
}

void json_add_name(struct json_build *o, const char *queue)
{
	_cleanup_free_ char *base64 = NULL;
	char name[MQW_NAME_SIZE + 1];

	snprintf(name, sizeof(name), "/%s", queue);
	json_add_string(o, "queue", name);
	if (utf8_valid(name, strlen(name)))
		return;
	base64 = base64_encode(name, strlen(name));
	json_add(o, "name_base64", base64 ? json_object_new_string(base64) : NULL);
}
