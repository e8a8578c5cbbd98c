/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * mqwatchctl's parts. A verb asks for one JSON document (from the daemon, else made here from the
 * queues themselves) and prints either that document or a table drawn from it.
 */
#ifndef MQWATCH_CTL_H
#define MQWATCH_CTL_H

#include <sys/types.h>

#include <json-c/json.h>
#include <libsmartcols/libsmartcols.h>

#include "util.h"

DEFINE_CLEANUP(struct json_object *, json_object_put)

#define CTL_DEFAULT_SOCKET "/run/mqwatch/control.sock"

enum ctl_exit {
	CTL_OK,
	CTL_FAILURE,
	CTL_USAGE,
	CTL_NO_QUEUE,
	CTL_PERMISSION,
	CTL_NO_DAEMON, /* and no direct way */
};

enum ctl_format {
	CTL_FORMAT_TABLE,
	CTL_FORMAT_HEX,
	CTL_FORMAT_TEXT,
	CTL_FORMAT_RAW,
	CTL_FORMATS,
};
extern const char *const ctl_format_names[CTL_FORMATS];

/* The command line. Strings are borrowed from argv. */
struct ctl_args {
	const struct ctl_verb *verb;
	bool help, version;
	bool json;
	const char *socket; /* --socket, or NULL */
	uint32_t ipcns;	    /* --ipcns, 0: not given */
	pid_t pid;	    /* --pid, 0: not given */
	const char *queue;  /* without the leading '/' */
	uint64_t inode;	    /* --inode, 0: not given */
	const char *topic;  /* of "help" */
	uint64_t stall;	    /* 0: not given */
	/* list */
	const char *columns, *sort;
	bool noheadings;
	bool orphans;
	/* dump */
	enum ctl_format format;
	uint64_t limit, bytes; /* 0: not given */
	bool no_payload;
	bool force;
};

struct ctl_verb {
	const char *name;
	const char *operand; /* as the usage line shows it, or NULL */
	const char *summary; /* for the list of verbs */
	const char *text;    /* the rest of the verb's help, or NULL */
	const struct ctl_option *options;
	size_t n_options;
	bool namespaced; /* --ipcns and --pid mean something */
	int (*run)(const struct ctl_args *args, FILE *out);
};

/* ctl_args.c. Returns CTL_OK, or CTL_USAGE with one line written to err. */
int ctl_parse(int argc, char *argv[], FILE *err, struct ctl_args *ret);
void ctl_print_help(FILE *out, const struct ctl_verb *verb); /* NULL: the program's */
const struct ctl_verb *ctl_find_verb(const char *name);
/* "/q" or "q" without the slash; NULL when it cannot be a queue's name. */
const char *ctl_queue_name(const char *argument);

/* ctl_client.c and ctl_direct.c answer the same questions. */
enum ctl_document {
	CTL_DOCUMENT_STATUS,
	CTL_DOCUMENT_QUEUES,
	CTL_DOCUMENT_QUEUE,
	CTL_DOCUMENT_MESSAGES,
	CTL_DOCUMENT_LIMITS,
	CTL_DOCUMENT_STALLS,
	CTL_DOCUMENT_STALL,
};

struct ctl_query {
	enum ctl_document document;
	uint32_t ipcns;	       /* QUEUE, MESSAGES */
	const char *name;      /* QUEUE, MESSAGES */
	uint64_t inode;	       /* QUEUE, MESSAGES; 0: the one that has the name */
	uint64_t id;	       /* STALL */
	uint64_t limit, bytes; /* MESSAGES; 0: all, as much as there is */
	bool no_payload;       /* MESSAGES */
	bool bytes_wished;     /* less will do too, where the daemon is set to keep less */
	bool brief;	       /* QUEUES, QUEUE: names and limits will do, and no remarks */
};

/*
 * An enum ctl_exit; *ret on CTL_OK only, and on any other one line for the user in *error (NULL
 * without memory). CTL_NO_DAEMON: nobody listens at the socket.
 */
int ctl_client_get(const char *socket_path, const struct ctl_query *query, struct json_object **ret,
		   char **error);
int ctl_direct_get(const struct ctl_query *query, pid_t pid, struct json_object **ret,
		   char **error);

/* Formats *error and returns code. */
int ctl_fail(char **error, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* ctl_source.c: the daemon, else the queues themselves. Errors are printed; returns an enum ctl_exit. */
int ctl_get(const struct ctl_args *args, const struct ctl_query *query, struct json_object **ret);
/* As ctl_get() for the queue that args name, wherever it is; query->ipcns is set for what follows. */
int ctl_get_queue(const struct ctl_args *args, struct ctl_query *query, struct json_object **ret);
/* The namespace that --ipcns or --pid ask for, 0: neither. */
int ctl_wanted_ipcns(const struct ctl_args *args, uint32_t *ret);
int ctl_print_json(FILE *out, struct json_object *json); /* one line; an enum ctl_exit */
int ctl_no_memory(void);				 /* says so; CTL_FAILURE */
void ctl_error(const char *format, ...) __attribute__((format(printf, 1, 2)));

/*
 * ctl_text.c: JSON values as people read them. The getters are false (NULL) and leave *ret alone when the
 * key is not there or null.
 */
bool ctl_json_u64(struct json_object *json, const char *key, uint64_t *ret);
bool ctl_json_double(struct json_object *json, const char *key, double *ret);
bool ctl_json_true(struct json_object *json, const char *key);
const char *ctl_json_string(struct json_object *json, const char *key);
struct json_object *ctl_json_get(struct json_object *json, const char *key);
size_t ctl_json_length(struct json_object *array); /* 0 for NULL */
/* The name's bytes without the leading '/'; the caller frees. NULL: no memory, or no name in there. */
char *ctl_json_name(struct json_object *queue);

#define CTL_TEXT_MAX 128 /* what the formatters below fill at most */
bool ctl_utf8(void);	 /* the locale's encoding */
const char *ctl_duration(double seconds, char text[CTL_TEXT_MAX]);
/* What age_seconds or age_at_least_seconds say; "-" for neither. */
const char *ctl_age(struct json_object *message, char text[CTL_TEXT_MAX]);
/* A bar of at most so many cells; "" for 0. */
const char *ctl_bar(double ratio, unsigned int cells, char text[CTL_TEXT_MAX]);
const char *ctl_user(uint64_t uid, char text[CTL_TEXT_MAX]);
const char *ctl_time(double unix_seconds, char text[CTL_TEXT_MAX]);

/* ctl_table.c: tables. Their functions return 0 or -ENOMEM. */
struct ctl_column {
	const char *name;
	bool right;    /* aligned */
	bool truncate; /* gives way when the terminal is narrow */
};
int ctl_table_new(struct libscols_table **ret, const struct ctl_column columns[], size_t n,
		  bool headings, FILE *out);
DEFINE_CLEANUP(struct libscols_table *, scols_unref_table)
/* For rows of a name and a value. */
int ctl_pairs_new(struct libscols_table **ret, FILE *out);
int ctl_pair(struct libscols_table *table, const char *name, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
int ctl_cell(struct libscols_line *line, size_t column, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Parts of what verbs print; each returns 0 or -ENOMEM, ctl_print_messages() an enum ctl_exit. */
int ctl_print_attributes(struct json_object *queue, FILE *out);	 /* ctl_show.c */
int ctl_print_calls(struct json_object *calls, FILE *out);	 /* ctl_who.c */
int ctl_print_openers(struct json_object *openers, FILE *out);	 /* ctl_who.c */
char *ctl_process(struct json_object *process);			 /* ctl_who.c; NULL: no memory */
int ctl_print_messages(struct json_object *messages, FILE *out); /* ctl_dump.c */

/* The verbs. */
int ctl_list(const struct ctl_args *args, FILE *out);
int ctl_show(const struct ctl_args *args, FILE *out);
int ctl_dump(const struct ctl_args *args, FILE *out);
int ctl_who(const struct ctl_args *args, FILE *out);
int ctl_limits(const struct ctl_args *args, FILE *out);
int ctl_stalls(const struct ctl_args *args, FILE *out);
int ctl_doctor(const struct ctl_args *args, FILE *out);
int ctl_status(const struct ctl_args *args, FILE *out);
int ctl_help(const struct ctl_args *args, FILE *out);
void ctl_list_print_columns(FILE *out);

#endif /* MQWATCH_CTL_H */
