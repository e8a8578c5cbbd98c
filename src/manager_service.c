/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The daemon as a service: what the service manager passes to it and is told. */
#include <sys/socket.h>

#include <systemd/sd-daemon.h>

#include "log.h"
#include "manager_internal.h"
#include "name.h"

int manager_start_service(struct manager *m)
{
	int r = passed_take(&m->passed, &m->n_passed);

	if (r < 0)
		return r;
	m->passed_servers = calloc(m->n_passed + 1, sizeof(struct http_server *));
	return m->passed_servers ? 0 : -ENOMEM;
}

void manager_ready(struct manager *m)
{
	int r;

	manager_tell(m);
	/*
	 * Signs of life come from the loop itself, so that one that hangs gives none. The first one
	 * starts the watch: not before the loop runs, as loading programs may take longer.
	 */
	r = sd_event_set_watchdog(m->event, true);
	if (r < 0)
		log_warning_errno(r, "No signs of life for the watchdog, ignoring: %m");
	sd_notify(false, "READY=1");
}

bool manager_passed(const struct manager *m, enum passed_use use)
{
	for (size_t i = 0; i < m->n_passed; i++)
		if (m->passed[i].use == use)
			return true;
	return false;
}

static int serve(struct manager *m, const struct passed *passed, struct http_server **ret)
{
	switch (passed->use) {
	case PASSED_METRICS:
		return http_server_new(ret, m->event, passed->fd, web_handle, &m->web);
	case PASSED_CONTROL:
		return http_server_new(ret, m->event, passed->fd, control_handle, &m->control);
	default:
		return -EINVAL;
	}
}

void manager_serve_passed(struct manager *m)
{
	for (size_t i = 0; i < m->n_passed; i++) {
		struct passed *passed = &m->passed[i];
		const char *name = passed_use_names[passed->use];
		int r = serve(m, passed, &m->passed_servers[i]);

		if (r < 0) {
			log_error_errno(r, "The passed socket for %s cannot be served: %m", name);
			continue;
		}
		passed->fd = -1;
		log_info("Serving the passed socket for %s", name);
	}
}

bool manager_serves_passed(const struct manager *m)
{
	for (size_t i = 0; i < m->n_passed; i++)
		if (m->passed_servers[i])
			return true;
	return false;
}

void manager_stop_service(struct manager *m)
{
	for (size_t i = 0; i < m->n_passed; i++) {
		if (m->passed_servers)
			http_server_free(m->passed_servers[i]);
		close_fd(m->passed[i].fd);
	}
	free(m->passed_servers);
	free(m->passed);
	free(m->told);
}

void manager_tell(struct manager *m)
{
	_cleanup_free_ char *line = NULL, *escaped = NULL;
	struct status status;

	manager_status(m, &status);
	line = status_line(&status);
	escaped = line ? line_escape(line) : NULL;
	if (!escaped || (m->told && strcmp(m->told, escaped) == 0))
		return;
	sd_notifyf(false, "STATUS=%s", escaped);
	free(m->told);
	m->told = TAKE_PTR(escaped);
}
