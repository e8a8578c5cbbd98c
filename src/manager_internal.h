/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the manager's files share: manager.c starts and stops, the others are what its parts ask for. */
#ifndef MQWATCH_MANAGER_INTERNAL_H
#define MQWATCH_MANAGER_INTERNAL_H

#include <sys/stat.h>

#include <systemd/sd-event.h>

#include "control.h"
#include "manager.h"
#include "watch.h"
#include "web.h"

struct manager {
	struct config *config;
	int argc;
	char *const *argv;
	double started_at;

	sd_event *event;
	struct probe *probe;
	struct peek *peek;
	struct mqfs *mqfs; /* NULL: none, see mqueue_reason */
	struct table *table;
	struct watch *watch;
	sd_event_source *watch_timer;

	struct web web;
	struct http_server **web_servers; /* one per config->web_listen; NULL: see web_reason */
	struct control control;
	struct http_server *control_server;
	struct stat control_file; /* what to remove at the end */
	gid_t control_gid;	  /* -1: there is no such group */

	char mqueue_reason[256];
	char web_reason[256];
	char control_reason[256];
	uint64_t scrape_ns;
	uint64_t snapshots[SNAPSHOT_RESULTS];
};

/* manager_ops.c: for the control socket and the web. */
extern const struct control_ops manager_control_ops;
extern const struct web_ops manager_web_ops;
int manager_refresh(struct manager *m); /* the table; no mqueue file system is no error */

/* manager_watch.c: the periodic looks and what comes of them. */
int manager_start_watch(struct manager *m);
void manager_restart_watch(struct manager *m); /* with new settings */
void manager_look(struct manager *m);	       /* now, for somebody who asks */

#endif /* MQWATCH_MANAGER_INTERNAL_H */
