/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Owns every part of the daemon and wires them to one event loop. */
#ifndef MQWATCH_MANAGER_H
#define MQWATCH_MANAGER_H

#include "config.h"

struct manager;

/*
 * Starts all parts; those that cannot run are logged and left out. argc and argv are kept for
 * reloading. Takes config over on success. -errno (logged) when nothing useful could run.
 */
int manager_new(struct manager **ret, struct config *config, int argc, char *const argv[]);
void manager_free(struct manager *m);
DEFINE_CLEANUP(struct manager *, manager_free)

/* Runs until SIGTERM or SIGINT. */
int manager_run(struct manager *m);

#endif /* MQWATCH_MANAGER_H */
