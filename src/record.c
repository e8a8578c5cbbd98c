// SPDX-License-Identifier: GPL-2.0-or-later
/* A record as JSON, and back. */
#include <limits.h>

#include "json.h"
#include "json_build.h"
#include "name.h"
#include "recorder.h"

DEFINE_CLEANUP(struct json_object *, json_object_put)
DEFINE_CLEANUP(struct json_tokener *, json_tokener_free)

static const char *state_of(const struct record *record)
{
	if (record->ended_ns)
		return "ended";
	return record->interrupted ? "interrupted" : "stalled";
}

struct json_object *record_json(const struct record *record)
{
	struct json_build o = json_begin();
	char mode[16];

	snprintf(mode, sizeof(mode), "%04o", (unsigned int)record->mode & 07777);
	json_add_u64(&o, "id", record->id);
	json_add_name(&o, record->name);
	json_add_u64(&o, "ipcns", record->key.ipcns);
	json_add_string(&o, "reason", stall_reason_names[record->reason]);
	json_add_string(&o, "state", state_of(record));
	json_add(&o, "began_at", json_new_time(record->began_ns));
	json_add_known_time(&o, "ended_at", record->ended_ns, 0);
	json_add_u64(&o, "uid", record->uid);
	json_add_u64(&o, "gid", record->gid);
	json_add_string(&o, "mode", mode);
	return json_end(&o);
}

static bool get_u64(struct json_object *json, const char *key, uint64_t max, uint64_t *ret)
{
	struct json_object *value = NULL;
	int64_t number;

	if (!json_object_object_get_ex(json, key, &value) ||
	    !json_object_is_type(value, json_type_int))
		return false;
	number = json_object_get_int64(value);
	if (number < 0 || (uint64_t)number > max)
		return false;
	*ret = (uint64_t)number;
	return true;
}

/* null is 0 */
static bool get_time(struct json_object *json, const char *key, uint64_t *ret)
{
	struct json_object *value = NULL;
	double seconds;

	if (!json_object_object_get_ex(json, key, &value))
		return false;
	seconds = json_object_get_double(value);
	if (!(seconds >= 0 && seconds < 1e10))
		return false;
	*ret = (uint64_t)(seconds * (double)USEC_PER_SEC + 0.5) * 1000;
	return true;
}

static const char *get_string(struct json_object *json, const char *key)
{
	struct json_object *value = NULL;

	if (!json_object_object_get_ex(json, key, &value) ||
	    !json_object_is_type(value, json_type_string))
		return NULL;
	return json_object_get_string(value);
}

static bool get_name(struct json_object *json, char name[MQW_NAME_SIZE])
{
	const char *base64 = get_string(json, "name_base64"), *text = get_string(json, "queue");
	_cleanup_free_ char *decoded = NULL;
	size_t size = text ? strlen(text) : 0;
	void *data;

	if (base64) {
		if (base64_decode(base64, &data, &size) < 0)
			return false;
		decoded = data;
		text = decoded;
	}
	if (!text || size < 2 || size > MQW_NAME_SIZE || *text != '/' || memchr(text, '\0', size) ||
	    memchr(text + 1, '/', size - 1))
		return false;
	memcpy(name, text + 1, size - 1);
	name[size - 1] = '\0';
	return true;
}

static bool get_mode(struct json_object *json, mode_t *ret)
{
	const char *text = get_string(json, "mode");
	mode_t mode = 0;

	if (!text || strlen(text) != 4)
		return false;
	for (; *text; text++) {
		if (*text < '0' || *text > '7')
			return false;
		mode = mode << 3 | (mode_t)(*text - '0');
	}
	*ret = mode;
	return true;
}

static bool get_record(struct json_object *json, struct record *ret)
{
	const char *reason_name = get_string(json, "reason");
	uint64_t ipcns, uid, gid;
	int reason;

	if (!json_object_is_type(json, json_type_object) || !reason_name)
		return false;
	reason = parse_enum(reason_name, stall_reason_names, STALL_REASONS);
	if (reason < 0 || !get_u64(json, "id", INT64_MAX, &ret->id) || !get_name(json, ret->name) ||
	    !get_u64(json, "ipcns", UINT32_MAX, &ipcns) ||
	    !get_u64(json, "uid", UINT32_MAX, &uid) || !get_u64(json, "gid", UINT32_MAX, &gid) ||
	    !get_mode(json, &ret->mode) || !get_time(json, "began_at", &ret->began_ns) ||
	    !get_time(json, "ended_at", &ret->ended_ns))
		return false;
	ret->reason = (enum stall_reason)reason;
	ret->key.ipcns = (uint32_t)ipcns;
	ret->uid = (uid_t)uid;
	ret->gid = (gid_t)gid;
	/* who reads it did not see it begin */
	ret->interrupted = !ret->ended_ns;
	return true;
}

int record_parse(const char *text, size_t size, struct record *ret, struct json_object **ret_json)
{
	_cleanup_(json_tokener_freep) struct json_tokener *tokener = json_tokener_new();
	_cleanup_(json_object_putp) struct json_object *json = NULL;
	struct record record = {};

	if (!tokener)
		return -ENOMEM;
	while (size && text[size - 1] == '\n')
		size--;
	if (!size || size > INT_MAX)
		return -EBADMSG;
	json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
	json = json_tokener_parse_ex(tokener, text, (int)size);
	if (json_tokener_get_error(tokener) != json_tokener_success ||
	    json_tokener_get_parse_end(tokener) != size || !get_record(json, &record))
		return -EBADMSG;
	*ret = record;
	*ret_json = TAKE_PTR(json);
	return 0;
}
