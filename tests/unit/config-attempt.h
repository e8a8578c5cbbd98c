/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the tests of the configuration share. Include after cmocka.h. */
#ifndef MQWATCH_CONFIG_ATTEMPT_H
#define MQWATCH_CONFIG_ATTEMPT_H

#include <syslog.h>

#include "config_table.h"

/* One attempt to parse: its result and the errors it wrote. */
struct attempt {
	int result;
	enum config_action action;
	struct config *config; /* NULL: not set */
	char *errors;
};

static inline void attempt_done(struct attempt *a)
{
	config_free(a->config);
	free(a->errors);
	*a = (struct attempt){};
}

#define _cleanup_attempt_ _cleanup_(attempt_done)

static inline struct attempt parse_ini(const char *text)
{
	struct attempt a = {};
	size_t size;
	FILE *err = open_memstream(&a.errors, &size);

	assert_int_equal(config_new(&a.config), 0);
	a.result = config_parse_ini(a.config, "conf", text, err);
	fclose(err);
	return a;
}

static inline size_t list_length(char *const *list)
{
	size_t n = 0;

	while (list[n])
		n++;
	return n;
}

static inline void assert_defaults(const struct config *c)
{
	assert_int_equal(list_length(c->web_listen), 1);
	assert_string_equal(c->web_listen[0], "127.0.0.1:10119");
	assert_string_equal(c->control_socket, "/run/mqwatch/control.sock");
	assert_string_equal(c->control_group, "mqwatch");
	assert_null(c->mqueue_path);
	assert_int_equal(c->queues_max, 4096);
	assert_int_equal(c->probe, PROBE_AUTO);
	assert_int_equal(c->peek, PEEK_AUTO);
	assert_int_equal(c->peek_payload_max, 65536);
	assert_int_equal(c->peek_buffer_max, 67108864);
	assert_int_equal(c->log_priority, LOG_INFO);
}

#endif /* MQWATCH_CONFIG_ATTEMPT_H */
