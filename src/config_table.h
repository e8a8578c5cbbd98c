/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The one table of settings, from which the INI parser, the command line, --help and the tests of
 * the documentation work. Private to config*.c and their tests.
 */
#ifndef MQWATCH_CONFIG_TABLE_H
#define MQWATCH_CONFIG_TABLE_H

#include "config.h"

struct setting;

struct setting_type {
	bool repeatable; /* each value is added; an empty one discards those before it */
	/* Sets *field: 0, -EINVAL, -ERANGE or -ENOMEM, and then *field is as before. */
	int (*parse)(const struct setting *s, const char *value, void *field);
	void (*print_allowed)(const struct setting *s, FILE *out);
	void (*done)(void *field); /* frees; NULL: nothing to free */
};

extern const struct setting_type setting_number, setting_size, setting_duration, setting_choice,
	setting_string, setting_path, setting_addresses, setting_patterns;

struct setting {
	const char *section, *key; /* in the file */
	const char *flag;	   /* without the leading "--" */
	const char *argument;
	const char *help;
	const char *initial; /* the default, as one would write it */
	const struct setting_type *type;
	size_t offset;		  /* in struct config */
	uint64_t min;		  /* least number, size or duration; the first choice's value */
	uint64_t max;		  /* greatest number, size or duration; longest string */
	bool zero;		  /* of durations: 0 is allowed, too */
	const char *const *names; /* of choices */
	size_t n_names;
};

#define CONFIG_SETTINGS 23
extern const struct setting config_settings[CONFIG_SETTINGS];

/* Where settings come from, one layer above another: which ones the layer has set. */
struct config_layer {
	bool set[CONFIG_SETTINGS];
};

/*
 * The layer's first value of a repeatable setting replaces the layers below. For an unfit value err gets
 * origin and what is allowed, in one line: 0, -EINVAL or -ENOMEM.
 */
int config_set(struct config *c, struct config_layer *layer, const struct setting *s,
	       const char *value, FILE *err, const char *origin);

/*
 * [stall "PATTERN"] after=VALUE: for queues whose names with the leading '/' match, as fnmatch(3) has
 * it. -EINVAL: an unfit value; -EEXIST: the pattern is there already; -ENOMEM.
 */
int config_add_pattern(struct config *c, const char *pattern, const char *value);
/* What a pattern section's key takes: the setting [stall] after=. */
const struct setting *config_pattern_setting(void);

/* Reads a configuration file into *ret: plain text without NUL bytes. Errors go to err. */
int config_read_file(const char *path, FILE *err, char **ret);

#endif /* MQWATCH_CONFIG_TABLE_H */
