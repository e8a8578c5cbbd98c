/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config.h"
#include "log.h"
#include "manager.h"
#include "memory.h"
#include "version.h"

#define EXIT_USAGE 2

int main(int argc, char *argv[])
{
	_cleanup_(config_freep) struct config *config = NULL;
	_cleanup_(manager_freep) struct manager *manager = NULL;
	enum config_action action;

	if (config_parse(argc, argv, stderr, &action, &config) < 0)
		return EXIT_USAGE;
	switch (action) {
	case CONFIG_HELP:
		config_print_help(stdout);
		return EXIT_SUCCESS;
	case CONFIG_VERSION:
		puts("mqwatchd " MQWATCH_VERSION);
		return EXIT_SUCCESS;
	case CONFIG_CHECK:
		return EXIT_SUCCESS;
	case CONFIG_RUN:
		break;
	}
	memory_keep_blocks();
	log_set_max_priority(config->log_priority);
	if (manager_new(&manager, config, argc, argv) < 0)
		return EXIT_FAILURE;
	TAKE_PTR(config);
	return manager_run(manager) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
