// SPDX-License-Identifier: GPL-2.0-or-later
/* /proc/kallsyms: the call is found only where its name is. */
#include "timedreceive2.h"
#include "util.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char name[] = "sys_mq_timedreceive2";
	FILE *f = size ? fmemopen((void *)data, size, "r") : NULL;
	bool found;

	if (!f)
		return 0;
	found = timedreceive2_in_symbols(f);
	fclose(f);
	if (found && !memmem(data, size, name, strlen(name)))
		abort();
	return 0;
}
