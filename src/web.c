// SPDX-License-Identifier: GPL-2.0-or-later
#include "web.h"

#include <time.h>

#define CONTENT_PLAIN	"text/plain; charset=utf-8"
#define CONTENT_METRICS "text/plain; version=0.0.4; charset=utf-8"
#define CONTENT_HTML	"text/html; charset=utf-8"

/* Takes the text over. */
static void respond(struct http_response *response, unsigned int status, const char *content_type,
		    struct text *body)
{
	if (body->failed) {
		text_free(body);
		status = 500;
	}
	response->status = status;
	response->content_type = content_type;
	response->size = body->size;
	response->body = TAKE_PTR(body->data);
}

/* A line of text; error, if any, says more. */
static void respond_line(struct http_response *response, unsigned int status, const char *line,
			 int error)
{
	struct text body = {};

	text_append(&body, line);
	if (error) {
		text_append(&body, ": ");
		text_append(&body, strerror(-error));
	}
	text_append(&body, "\n");
	respond(response, status, CONTENT_PLAIN, &body);
}

static void get_metrics(const struct web *web, struct http_response *response)
{
	struct text body = {};
	int r = web->ops->metrics(web->data, &body);

	if (r < 0) {
		text_free(&body);
		respond_line(response, 500, "The metrics cannot be read", r);
		return;
	}
	respond(response, 200, CONTENT_METRICS, &body);
}

static void get_healthy(_unused_ const struct web *web, struct http_response *response)
{
	respond_line(response, 200, "Healthy.", 0);
}

static void get_ready(const struct web *web, struct http_response *response)
{
	struct status status = {};
	struct text body = {};
	int r = web->ops->status(web->data, &status);

	if (r < 0) {
		respond_line(response, 503, "Not ready", r);
		return;
	}
	if (status.mqueue_reason) {
		text_append(&body, "Not ready: ");
		text_append(&body, status.mqueue_reason);
		text_append(&body, "\n");
		respond(response, 503, CONTENT_PLAIN, &body);
		return;
	}
	respond_line(response, 200, "Ready.", 0);
}

static void append_html(struct text *t, const char *s)
{
	size_t plain;

	for (; *s; s++) {
		plain = strcspn(s, "&<>\"'");
		text_append_bytes(t, s, plain);
		s += plain;
		switch (*s) {
		case '&':
			text_append(t, "&amp;");
			break;
		case '<':
			text_append(t, "&lt;");
			break;
		case '>':
			text_append(t, "&gt;");
			break;
		case '"':
			text_append(t, "&quot;");
			break;
		case '\'':
			text_append(t, "&#39;");
			break;
		default:
			return;
		}
	}
}

/* A row of the table; a reason says why something is not what it should be. */
static void append_row(struct text *t, const char *what, const char *value, const char *reason)
{
	text_append(t, "<tr><th>");
	text_append(t, what);
	text_append(t, "</th><td>");
	append_html(t, value ?: "none");
	if (reason) {
		text_append(t, " <strong>degraded:</strong> ");
		append_html(t, reason);
	}
	text_append(t, "</td></tr>\n");
}

static void append_page(struct text *t, const struct status *s)
{
	char buffer[64] = "unknown";
	time_t started = (time_t)s->started_at;
	struct tm tm;

	text_append(t, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
		       "<title>mqwatch</title>\n<style>\n"
		       "body { font-family: sans-serif; margin: 2em; }\n"
		       "th { text-align: left; padding-right: 2em; vertical-align: top; }\n"
		       "</style>\n</head>\n<body>\n<h1>mqwatch</h1>\n"
		       "<p>POSIX message queues of this machine.</p>\n<table>\n");
	append_row(t, "Version", s->version, NULL);
	if (gmtime_r(&started, &tm))
		strftime(buffer, sizeof(buffer), "%Y-%m-%d %H:%M:%S UTC", &tm);
	append_row(t, "Running since", buffer, NULL);
	append_row(t, "Queues found in", s->mqueue_source, s->mqueue_reason);
	snprintf(buffer, sizeof(buffer), "%zu of at most %zu", s->queues, s->queues_max);
	append_row(t, "Queues", buffer, NULL);
	append_row(t, "Peek backend", s->peek_backend, s->peek_reason);
	append_row(t, "Probes", s->probe_mode, s->probe_reason);
	if (s->web_reason)
		append_row(t, "Public endpoint", "not at every address", s->web_reason);
	if (s->control_reason)
		append_row(t, "Control socket", "none", s->control_reason);
	text_append(t, "</table>\n<p><a href=\"/metrics\">Metrics</a> · "
		       "<a href=\"/-/healthy\">Healthy</a> · <a href=\"/-/ready\">Ready</a></p>\n"
		       "</body>\n</html>\n");
}

static void get_page(const struct web *web, struct http_response *response)
{
	struct status status = {};
	struct text body = {};
	int r = web->ops->status(web->data, &status);

	if (r < 0) {
		respond_line(response, 500, "The status cannot be read", r);
		return;
	}
	append_page(&body, &status);
	respond(response, 200, CONTENT_HTML, &body);
}

static const struct route {
	const char *path;
	void (*get)(const struct web *web, struct http_response *response);
} routes[] = {
	{"/", get_page},
	{"/metrics", get_metrics},
	{"/-/healthy", get_healthy},
	{"/-/ready", get_ready},
};

void web_handle(const struct http_request *request, struct http_response *response, void *web)
{
	for (size_t i = 0; i < ARRAY_SIZE(routes); i++) {
		if (strcmp(request->path, routes[i].path) == 0) {
			routes[i].get(web, response);
			return;
		}
	}
	respond_line(response, 404, "Not found; there are /, /metrics, /-/healthy and /-/ready.",
		     0);
}
