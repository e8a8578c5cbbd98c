/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The daemon's settings: built-in defaults, then the INI file, then the command line. */
#ifndef MQWATCH_CONFIG_H
#define MQWATCH_CONFIG_H

#include <stddef.h>

#include "peek.h"
#include "probe.h"

#define CONFIG_DEFAULT_PATH "/etc/mqwatch/mqwatchd.conf"

/* [stall "PATTERN"] */
struct config_pattern {
	char *pattern;
	uint64_t stall_after_ns;
};

struct config {
	char **web_listen; /* "127.0.0.1:10119", "[::1]:10119", ":10119"; NULL-terminated, may be empty */
	char *control_socket; /* path; empty: no control socket */
	char *control_group;  /* whose members may read every payload */
	char *mqueue_path;    /* NULL: find or mount one */
	enum probe_mode probe;
	enum peek_mode peek;
	uint64_t peek_payload_max; /* bytes kept of each message */
	uint64_t peek_buffer_max;  /* bytes of kernel memory one snapshot may take */
	char **namespaces;	   /* struct namespaces_options.watched; never NULL */
	char **include, **exclude; /* patterns of names with the leading '/'; NULL: none */
	uint64_t queues_max;
	uint64_t series_max;	    /* of queues, on the page of metrics */
	uint64_t records_max;	    /* sends of queued messages that are remembered */
	uint64_t watch_interval_ns; /* from look to look; 0: no looks */
	uint64_t watch_priorities;  /* that metrics tell apart per queue, at most; 0: none */
	uint64_t stall_after_ns;
	uint64_t stall_adaptive;
	struct config_pattern *stall_patterns; /* in the file's order; the last that fits counts */
	size_t n_stall_patterns;
	char *recorder_directory; /* NULL: the state directory */
	uint64_t recorder_records;
	uint64_t recorder_size;	   /* bytes, of all records together */
	uint64_t recorder_payload; /* bytes kept of each message */
	int log_priority;	   /* syslog(3) number */
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

/* The rules for a queue, by its name without the leading '/'. */
struct stall_rules config_stall_rules(const struct config *c, const char *name);

void config_print_help(FILE *out);

#endif /* MQWATCH_CONFIG_H */
