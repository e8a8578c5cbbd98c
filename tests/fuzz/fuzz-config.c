// SPDX-License-Identifier: GPL-2.0-or-later
/* The INI parser: whatever the text, it ends with a usable configuration, and an error says why. */
#include "config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_(config_freep) struct config *c = NULL;
	_cleanup_free_ char *text = strndup((const char *)data, size);
	_cleanup_free_ char *errors = NULL;
	size_t errors_size = 0;
	FILE *err = open_memstream(&errors, &errors_size);
	int r;

	if (!text || !err || config_new(&c) < 0)
		abort();
	r = config_parse_ini(c, "conf", text, err);
	fclose(err);
	if ((r == 0) != (errors_size == 0))
		abort();
	if (c->queues_max < 1 || c->queues_max > 65536 || c->peek_payload_max > 16 << 20 ||
	    (unsigned int)c->probe >= PROBE_MODES || (unsigned int)c->peek >= PEEK_MODES)
		abort();
	return 0;
}
