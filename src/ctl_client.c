/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Asks the daemon: HTTP over its Unix socket, see control.h. */
#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <sys/un.h>

#include <curl/curl.h>

#include "ctl.h"
#include "name.h"
#include "version.h"

/* A dump of a full queue takes the daemon a moment; one that says nothing for so long hangs. */
#define SILENCE_SECONDS 30

#define SOCKET_PATH_SIZE sizeof(((struct sockaddr_un *)NULL)->sun_path)

DEFINE_CLEANUP(CURL *, curl_easy_cleanup)
DEFINE_CLEANUP(char *, curl_free)
DEFINE_CLEANUP(struct json_tokener *, json_tokener_free)

/* Without these a document is not what was asked for. */
static const char *const expected_keys[] = {
	[CTL_DOCUMENT_STATUS] = "version",    [CTL_DOCUMENT_QUEUES] = "queues",
	[CTL_DOCUMENT_QUEUE] = "queue",	      [CTL_DOCUMENT_MESSAGES] = "messages",
	[CTL_DOCUMENT_LIMITS] = "namespaces", [CTL_DOCUMENT_STALLS] = "stalls",
	[CTL_DOCUMENT_STALL] = "reason",
};

struct body {
	char *data;
	size_t size, capacity;
	bool no_memory;
};

static void body_done(struct body *b)
{
	free(b->data);
}

int ctl_fail(char **error, int code, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	if (vasprintf(error, format, args) < 0)
		*error = NULL;
	va_end(args);
	return code;
}

static size_t on_data(char *data, size_t one, size_t n, void *user)
{
	struct body *b = user;
	size_t size = one * n;

	/* json_tokener_parse_ex() takes an int */
	if (size > INT_MAX - b->size)
		goto no_memory;
	if (b->size + size > b->capacity) {
		size_t capacity = 2 * (b->size + size);
		char *grown = realloc(b->data, capacity);

		if (!grown)
			goto no_memory;
		b->data = grown;
		b->capacity = capacity;
	}
	memcpy(b->data + b->size, data, size);
	b->size += size;
	return size;
no_memory:
	b->no_memory = true;
	return CURL_WRITEFUNC_ERROR;
}

static char *make_url(CURL *curl, const struct ctl_query *query)
{
	_cleanup_(curl_freep) char *name = NULL;
	char *url = NULL, limit[48] = "", bytes[48] = "", inode[48] = "";
	int r;

	if (query->name) {
		name = curl_easy_escape(curl, query->name, 0);
		if (!name)
			return NULL;
	}
	if (query->limit)
		snprintf(limit, sizeof(limit), "&limit=%" PRIu64, query->limit);
	if (query->bytes)
		snprintf(bytes, sizeof(bytes), "&bytes=%" PRIu64, query->bytes);
	if (query->inode)
		snprintf(inode, sizeof(inode), "inode=%" PRIu64, query->inode);
	switch (query->document) {
	case CTL_DOCUMENT_STATUS:
		return strdup("http://localhost/v1/status");
	case CTL_DOCUMENT_QUEUES:
		return strdup("http://localhost/v1/queues");
	case CTL_DOCUMENT_QUEUE:
		r = asprintf(&url, "http://localhost/v1/queues/%" PRIu32 "/%s%s%s", query->ipcns,
			     name, *inode ? "?" : "", inode);
		return r < 0 ? NULL : url;
	case CTL_DOCUMENT_MESSAGES:
		r = asprintf(&url,
			     "http://localhost/v1/queues/%" PRIu32
			     "/%s/messages?payload=%d%s%s%s%s",
			     query->ipcns, name, !query->no_payload, limit, bytes,
			     *inode ? "&" : "", inode);
		return r < 0 ? NULL : url;
	case CTL_DOCUMENT_LIMITS:
		return strdup("http://localhost/v1/limits");
	case CTL_DOCUMENT_STALLS:
		return strdup("http://localhost/v1/stalls");
	case CTL_DOCUMENT_STALL:
		r = asprintf(&url, "http://localhost/v1/stalls/%" PRIu64, query->id);
		return r < 0 ? NULL : url;
	}
	return NULL;
}

/* NULL when the body is no JSON object. */
static struct json_object *parse_body(const struct body *b)
{
	_cleanup_(json_tokener_freep) struct json_tokener *tokener = json_tokener_new();
	struct json_object *json;
	size_t size = b->size;

	if (!tokener || !size)
		return NULL;
	while (size && b->data[size - 1] == '\n')
		size--;
	json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
	json = json_tokener_parse_ex(tokener, b->data, (int)size);
	if (json && (json_tokener_get_error(tokener) != json_tokener_success ||
		     json_tokener_get_parse_end(tokener) != size ||
		     !json_object_is_type(json, json_type_object))) {
		json_object_put(json);
		return NULL;
	}
	return json;
}

static int transfer_failed(CURL *curl, CURLcode code, const struct body *b, const char *path,
			   char **error)
{
	long os_error = 0;

	if (b->no_memory)
		return ctl_fail(error, CTL_FAILURE,
				"the daemon's answer does not fit into memory; give --limit or "
				"--bytes");
	switch (code) {
	case CURLE_COULDNT_CONNECT:
		curl_easy_getinfo(curl, CURLINFO_OS_ERRNO, &os_error);
		if (os_error == EACCES || os_error == EPERM)
			return ctl_fail(error, CTL_PERMISSION, "no permission to connect to %s",
					path);
		if (os_error == ENOENT || os_error == ECONNREFUSED || os_error == ENOTDIR)
			return ctl_fail(error, CTL_NO_DAEMON,
					"no daemon at %s (%s); start it: systemctl start mqwatchd",
					path, strerror((int)os_error));
		return ctl_fail(error, CTL_FAILURE, "cannot connect to %s: %s", path,
				os_error ? strerror((int)os_error) : curl_easy_strerror(code));
	case CURLE_OPERATION_TIMEDOUT:
		return ctl_fail(error, CTL_FAILURE, "the daemon at %s does not answer", path);
	case CURLE_GOT_NOTHING:
	case CURLE_PARTIAL_FILE:
	case CURLE_RECV_ERROR:
	case CURLE_SEND_ERROR:
		return ctl_fail(
			error, CTL_FAILURE,
			"the daemon at %s broke off in the middle of its answer; see its log",
			path);
	case CURLE_UNSUPPORTED_PROTOCOL:
	case CURLE_WEIRD_SERVER_REPLY:
		return ctl_fail(error, CTL_FAILURE, "%s is not mqwatchd's control socket", path);
	default:
		return ctl_fail(error, CTL_FAILURE, "%s: %s", path, curl_easy_strerror(code));
	}
}

/* The exit code that an error of the API stands for, with the API's own words. */
static int refused(long status, struct json_object *json, const struct ctl_query *query,
		   char **error)
{
	struct json_object *details, *message;
	_cleanup_free_ char *text = NULL, *name = NULL;
	bool named;
	int code = CTL_FAILURE;

	if (!json_object_object_get_ex(json, "error", &details) ||
	    !json_object_object_get_ex(details, "message", &message))
		return ctl_fail(error, CTL_FAILURE, "the daemon answered with HTTP status %ld",
				status);
	if (status == 403)
		code = CTL_PERMISSION;
	else if (status == 404 && query->name)
		code = CTL_NO_QUEUE;
	else if (status == 400)
		code = CTL_USAGE;
	text = line_escape(json_object_get_string(message));
	name = query->name ? name_escape(query->name) : NULL;
	/* most messages of the API name the queue themselves */
	named = !name || !text || strstr(text, name);
	return ctl_fail(error, code, "%s%s%s%s", named ? "" : "/", named ? "" : name,
			named ? "" : ": ", text ? text : "");
}

int ctl_client_get(const char *socket_path, const struct ctl_query *query, struct json_object **ret,
		   char **error)
{
	_cleanup_(curl_easy_cleanupp) CURL *curl = NULL;
	_cleanup_(body_done) struct body body = {};
	_cleanup_free_ char *url = NULL;
	_cleanup_(json_object_putp) struct json_object *json = NULL;
	long status = 0;
	CURLcode code;

	if (strlen(socket_path) >= SOCKET_PATH_SIZE)
		return ctl_fail(error, CTL_USAGE,
				"--socket: %s is longer than the %zu bytes that a "
				"socket's path may have",
				socket_path, SOCKET_PATH_SIZE - 1);
	curl = curl_easy_init();
	url = curl ? make_url(curl, query) : NULL;
	if (!url)
		return ctl_fail(error, CTL_FAILURE, "out of memory");
	curl_easy_setopt(curl, CURLOPT_URL, url);
	curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, socket_path);
	curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
	curl_easy_setopt(curl, CURLOPT_PATH_AS_IS, 1L); /* a queue may be called "..." */
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_USERAGENT, "mqwatchctl/" MQWATCH_VERSION);
	curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
	curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, (long)SILENCE_SECONDS);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_data);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, &body);
	code = curl_easy_perform(curl);
	if (code != CURLE_OK)
		return transfer_failed(curl, code, &body, socket_path, error);

	curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
	json = parse_body(&body);
	if (!json)
		return ctl_fail(error, CTL_FAILURE,
				"%s answered with HTTP status %ld and no JSON: not mqwatchd's "
				"control socket?",
				socket_path, status);
	if (status != 200)
		return refused(status, json, query, error);
	if (!ctl_json_get(json, expected_keys[query->document]))
		return ctl_fail(error, CTL_FAILURE,
				"%s answered without \"%s\": not mqwatchd's "
				"control socket, or one of another version?",
				socket_path, expected_keys[query->document]);
	*ret = TAKE_PTR(json);
	return CTL_OK;
}
