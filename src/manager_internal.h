/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the manager's files share: manager.c starts and stops, the others are what its parts ask for. */
#ifndef MQWATCH_MANAGER_INTERNAL_H
#define MQWATCH_MANAGER_INTERNAL_H

#include <sys/stat.h>

#include <systemd/sd-event.h>

#include "burst.h"
#include "control.h"
#include "manager.h"
#include "passed.h"
#include "quota.h"
#include "watch.h"
#include "web.h"

/* A scan of all tasks, kept for a little while: it is not free. */
struct scan {
	void *items; /* struct mqw_opener or struct open_call, in order of their queues */
	size_t n;
	uint64_t good_until_ns;
};

/* What the last count of openers was taken for. */
struct openers_count {
	bool taken;
	uint64_t cue; /* sums up how many opened which queue */
	uint64_t at_ns;
};

struct manager {
	struct config *config;
	int argc;
	char *const *argv;
	double started_at;

	sd_event *event;
	struct probe *probe;
	struct peek *peek;
	struct mqfs *mqfs;   /* NULL: none, see mqueue_reason */
	struct reach *reach; /* NULL: BPF cannot be used */
	struct namespaces *namespaces;
	struct opens *opens; /* NULL: not probed */
	struct table *table;
	struct watch *watch;
	struct openers *openers;
	struct calls *calls;
	struct recorder *recorder;
	struct burst stalls_told, records_failed;
	struct scan openers_scan, calls_scan;
	struct openers_count openers_count;
	sd_event_source *watch_timer;

	struct web web;
	struct http_server **web_servers; /* one per config->web_listen; NULL: see web_reason */
	struct control control;
	struct http_server *control_server;
	struct stat control_file; /* what to remove at the end */
	gid_t control_gid;	  /* -1: there is no such group */

	struct passed *passed;
	size_t n_passed;
	struct http_server **passed_servers; /* one per socket that was passed; NULL: not served */
	char *told;			     /* the service manager, of the status */
	bool config_bad;

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
int manager_snapshot(void *manager, const struct queue *q, const struct peek_request *request,
		     struct snapshot **ret);

/* manager_watch.c: the periodic looks and what comes of them. */
int manager_start_watch(struct manager *m);
void manager_restart_watch(struct manager *m); /* with new settings */
void manager_stop_watch(struct manager *m);
void manager_look(struct manager *m); /* now, for somebody who asks */
int manager_calls(struct manager *m, const struct queue *q, const struct open_call **ret,
		  size_t *ret_n);
int manager_openers(struct manager *m, const struct queue *q, const struct mqw_opener **ret,
		    size_t *ret_n);
void manager_forget_openers(struct manager *m); /* the next one to ask makes a new scan */

/* manager_reach.c */
int manager_start_reach(struct manager *m);
void manager_stop_reach(struct manager *m);
void manager_count_openers(struct manager *m); /* for the queues of a table that was refreshed */

void manager_status(struct manager *m, struct status *ret);

/* manager_service.c */
int manager_start_service(struct manager *m);
void manager_stop_service(struct manager *m);
void manager_ready(struct manager *m); /* the start is over, the loop is about to run */
bool manager_passed(const struct manager *m,
		    enum passed_use use); /* a socket for it, which replaces the settings */
void manager_serve_passed(struct manager *m);
bool manager_serves_passed(const struct manager *m);
void manager_tell(struct manager *m); /* the service manager, when the status is another */

#endif /* MQWATCH_MANAGER_INTERNAL_H */
