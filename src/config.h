/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The daemon's settings: built-in defaults, then the INI file, then the command line. */
#ifndef MQWATCH_CONFIG_H
#define MQWATCH_CONFIG_H

#include <stddef.h>

#include "peek.h"
#include "probe.h"

#define CONFIG_DEFAULT_PATH "/etc/mqwatch/mqwatchd.conf"

struct config {
	char **web_listen; /* "127.0.0.1:10119", "[::1]:10119", ":10119"; NULL-terminated, may be empty */
	char *control_socket; /* path; empty: no control socket */
	char *control_group;  /* whose members may read every payload */
	char *mqueue_path;    /* NULL: find or mount one */
	enum probe_mode probe;
	enum peek_mode peek;
	uint64_t peek_payload_max; /* bytes kept of each message */
	uint64_t peek_buffer_max;  /* bytes of kernel memory one snapshot may take */
	uint64_t queues_max;
	uint64_t records_max; /* sends of queued messages that are remembered */
	int log_priority;     /* syslog(3) number */
};

/* What the command line asks for besides settings. */
enum config_action {
	CONFIG_RUN,
	CONFIG_CHECK, /* --check-config */
	CONFIG_HELP,
	CONFIG_VERSION,
};

/*
 * Parses the command line and the file it names (a missing default file is no error; a missing
 * named one is). Errors are written to err, one line each, "FILE:LINE: ..." or the flag's name with
 * what is allowed. 0, -EINVAL, -ENOMEM or errno of reading the file; *ret only on success.
 */
int config_parse(int argc, char *const argv[], FILE *err, enum config_action *action,
		 struct config **ret);

/* Applies INI text to c; name is what errors call it. A pure function of its input, for fuzzing. */
int config_parse_ini(struct config *c, const char *name, const char *text, FILE *err);

int config_new(struct config **ret); /* the defaults */
void config_free(struct config *c);
DEFINE_CLEANUP(struct config *, config_free)

void config_print_help(FILE *out);

#endif /* MQWATCH_CONFIG_H */
