/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Builds JSON documents; one check for memory at the end is enough. */
#ifndef MQWATCH_JSON_BUILD_H
#define MQWATCH_JSON_BUILD_H

#include <json-c/json.h>

#include "queue.h"
#include "util.h"

/*
 * An object under construction. Once something found no memory it stays failed; json_end()
 * tells. Keys are string literals, each used once.
 */
struct json_build {
	struct json_object *json;
	bool failed;
};

struct json_build json_begin(void);
struct json_object *json_end(struct json_build *o); /* NULL: it failed */

/* Take value over; NULL: no memory. */
void json_add(struct json_build *o, const char *key, struct json_object *value);
void json_append(struct json_build *o, struct json_object *array, struct json_object *value);

void json_add_null(struct json_build *o, const char *key);
void json_add_u64(struct json_build *o, const char *key, uint64_t value);
void json_add_known_u64(struct json_build *o, const char *key, bool known, uint64_t value);
void json_add_bool(struct json_build *o, const char *key, bool value);
/* Any bytes, made valid UTF-8; NULL is null. */
void json_add_string(struct json_build *o, const char *key, const char *s);

/* "queue", and "name_base64" where that is not UTF-8; queue is without the leading '/'. */
void json_add_name(struct json_build *o, const char *queue);

struct json_object *json_new_seconds(unsigned __int128 ns);
struct json_object *json_new_time(uint64_t ns); /* a moment in Unix seconds with microseconds */
/* 0 is null */
void json_add_known_time(struct json_build *o, const char *key, uint64_t monotonic_ns,
			 uint64_t realtime_offset_ns);

#endif /* MQWATCH_JSON_BUILD_H */
