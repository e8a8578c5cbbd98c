// SPDX-License-Identifier: GPL-2.0-or-later
#include "status.h"

const char *const snapshot_result_names[] = {
	[SNAPSHOT_CONSISTENT] = "consistent",
	[SNAPSHOT_INCONSISTENT] = "inconsistent",
	[SNAPSHOT_FAILED] = "failed",
};
static_assert(ARRAY_SIZE(snapshot_result_names) == SNAPSHOT_RESULTS, "a name for each");
