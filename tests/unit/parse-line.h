/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The command line as one string, for the tests of mqwatchctl. */
#ifndef MQWATCH_PARSE_LINE_H
#define MQWATCH_PARSE_LINE_H

#include "ctl.h"

#define ARGS_MAX 16

/* Parses words separated by spaces; complaints are thrown away. */
static inline int parse_line(const char *line, struct ctl_args *args)
{
	static char words[512]; /* args point into it */
	char *argv[ARGS_MAX + 1] = {}, *rest = words, *word;
	FILE *err = fopen("/dev/null", "w");
	int argc = 0, r;

	assert_non_null(err);
	snprintf(words, sizeof(words), "mqwatchctl %s", line);
	while ((word = strsep(&rest, " ")) && argc < ARGS_MAX)
		if (*word)
			argv[argc++] = word;
	r = ctl_parse(argc, argv, err, args);
	fclose(err);
	return r;
}

#endif /* MQWATCH_PARSE_LINE_H */
