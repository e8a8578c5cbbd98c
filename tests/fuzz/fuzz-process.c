// SPDX-License-Identifier: GPL-2.0-or-later
/* What /proc tells of a process, whose name is its own choice: no text leads to a wrong access. */
#include "process.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_free_ char *text = strndup((const char *)data, size);
	struct process p = {};
	uint64_t start;

	if (!text)
		abort();
	process_parse_cgroup(text, &p);
	if (memchr(p.unit, '/', strlen(p.unit)) || (p.container[0] && strlen(p.container) != 64))
		abort();
	process_parse_start(text, &start);
	return 0;
}
