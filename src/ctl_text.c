/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <inttypes.h>
#include <langinfo.h>
#include <pwd.h>
#include <time.h>

#include "ctl.h"
#include "name.h"

struct json_object *ctl_json_get(struct json_object *json, const char *key)
{
	struct json_object *value;

	return json_object_object_get_ex(json, key, &value) ? value : NULL;
}

size_t ctl_json_length(struct json_object *array)
{
	return json_object_is_type(array, json_type_array) ? json_object_array_length(array) : 0;
}

bool ctl_json_u64(struct json_object *json, const char *key, uint64_t *ret)
{
	struct json_object *value = ctl_json_get(json, key);

	if (!json_object_is_type(value, json_type_int))
		return false;
	*ret = json_object_get_uint64(value);
	return true;
}

bool ctl_json_double(struct json_object *json, const char *key, double *ret)
{
	struct json_object *value = ctl_json_get(json, key);

	if (!json_object_is_type(value, json_type_double) &&
	    !json_object_is_type(value, json_type_int))
		return false;
	*ret = json_object_get_double(value);
	return true;
}

bool ctl_json_true(struct json_object *json, const char *key)
{
	return json_object_get_boolean(ctl_json_get(json, key));
}

const char *ctl_json_string(struct json_object *json, const char *key)
{
	struct json_object *value = ctl_json_get(json, key);

	return json_object_is_type(value, json_type_string) ? json_object_get_string(value) : NULL;
}

char *ctl_json_name(struct json_object *queue)
{
	const char *base64 = ctl_json_string(queue, "name_base64");
	const char *text = ctl_json_string(queue, "queue");
	_cleanup_free_ void *bytes = NULL;
	size_t size;

	if (base64 && base64_decode(base64, &bytes, &size) == 0) {
		const char *name = bytes;
		size_t slash = size && name[0] == '/';

		return strndup(name + slash, size - slash);
	}
	return text ? strdup(text + (text[0] == '/')) : NULL;
}

bool ctl_utf8(void)
{
	return !strcmp(nl_langinfo(CODESET), "UTF-8");
}

const char *ctl_duration(double seconds, char text[CTL_TEXT_MAX])
{
	uint64_t whole;

	/* three digits: the bounds are where %.3g would round up to a fourth */
	if (seconds < 999.5e-6) {
		snprintf(text, CTL_TEXT_MAX, "%.3g %s", seconds * 1e6, ctl_utf8() ? "µs" : "us");
		return text;
	}
	if (seconds < 999.5e-3) {
		snprintf(text, CTL_TEXT_MAX, "%.3g ms", seconds * 1e3);
		return text;
	}
	if (seconds < 59.95) {
		snprintf(text, CTL_TEXT_MAX, "%.3g s", seconds);
		return text;
	}
	/* not a number and out of range: no cast to an integer is defined */
	if (!(seconds < 1e15)) {
		snprintf(text, CTL_TEXT_MAX, "-");
		return text;
	}
	whole = (uint64_t)(seconds + 0.5);
	if (whole < 3600)
		snprintf(text, CTL_TEXT_MAX, "%" PRIu64 "m %02" PRIu64 "s", whole / 60, whole % 60);
	else if (whole < 86400)
		snprintf(text, CTL_TEXT_MAX, "%" PRIu64 "h %02" PRIu64 "m", whole / 3600,
			 whole / 60 % 60);
	else
		snprintf(text, CTL_TEXT_MAX, "%" PRIu64 "d %02" PRIu64 "h", whole / 86400,
			 whole / 3600 % 24);
	return text;
}

const char *ctl_bar(double ratio, unsigned int cells, char text[CTL_TEXT_MAX])
{
	static const char *const eighths[] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉", "█"};
	unsigned int parts = ctl_utf8() ? 8 : 1, n;
	char *p = text;

	if (!(ratio > 0)) {
		*text = '\0';
		return text;
	}
	n = (unsigned int)((ratio < 1 ? ratio : 1) * cells * parts + 0.5);
	if (!n)
		n = 1; /* little is not nothing */
	if (parts == 1) {
		snprintf(text, CTL_TEXT_MAX, "%.*s", (int)n,
			 "########################################");
		return text;
	}
	for (; n >= parts && p + 4 < text + CTL_TEXT_MAX; n -= parts)
		p = stpcpy(p, eighths[parts]);
	if (n < parts && p + 4 < text + CTL_TEXT_MAX)
		stpcpy(p, eighths[n]);
	return text;
}

const char *ctl_user(uint64_t uid, char text[CTL_TEXT_MAX])
{
	const struct passwd *user = getpwuid((uid_t)uid);

	if (user)
		snprintf(text, CTL_TEXT_MAX, "%s", user->pw_name);
	else
		snprintf(text, CTL_TEXT_MAX, "%" PRIu64, uid);
	return text;
}

const char *ctl_time(double unix_seconds, char text[CTL_TEXT_MAX])
{
	char clock_text[32], ago[CTL_TEXT_MAX];
	double age;
	time_t seconds;
	struct timespec now;
	struct tm tm;

	if (!(unix_seconds >= 0 && unix_seconds < 1e11)) {
		snprintf(text, CTL_TEXT_MAX, "-");
		return text;
	}
	seconds = (time_t)unix_seconds;
	clock_gettime(CLOCK_REALTIME, &now);
	if (!localtime_r(&seconds, &tm) || !strftime(clock_text, sizeof(clock_text), "%F %T", &tm))
		snprintf(clock_text, sizeof(clock_text), "%.0f", unix_seconds);
	age = (double)now.tv_sec + (double)now.tv_nsec / 1e9 - unix_seconds;
	ctl_duration(age > 0 ? age : 0, ago);
	snprintf(text, CTL_TEXT_MAX, "%s (%.60s ago)", clock_text, ago);
	return text;
}
