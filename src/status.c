// SPDX-License-Identifier: GPL-2.0-or-later
#include "status.h"

#include "text.h"

const char *const snapshot_result_names[] = {
	[SNAPSHOT_CONSISTENT] = "consistent",
	[SNAPSHOT_INCONSISTENT] = "inconsistent",
	[SNAPSHOT_FAILED] = "failed",
};
static_assert(ARRAY_SIZE(snapshot_result_names) == SNAPSHOT_RESULTS, "a name for each");

static void append_reason(struct text *t, bool *degraded, const char *what, const char *reason)
{
	if (!reason)
		return;
	text_append(t, *degraded ? ", " : "; degraded: ");
	text_append(t, what);
	text_append(t, reason);
	*degraded = true;
}

char *status_line(const struct status *s)
{
	struct text t = {};
	bool degraded = false;

	text_append(&t, "Watching ");
	text_append_u64(&t, s->queues);
	text_append(&t, s->queues == 1 ? " queue, " : " queues, ");
	text_append_u64(&t, s->queues_stalled);
	text_append(&t, " stalled; probes ");
	text_append(&t, s->probe_mode);
	text_append(&t, ", peek ");
	text_append(&t, s->peek_backend);
	if (s->config_bad)
		text_append(&t, "; the new configuration is bad, the old one stays in force");
	append_reason(&t, &degraded, "no queues: ", s->mqueue_reason);
	append_reason(&t, &degraded, "no probes: ", s->probe_reason);
	append_reason(&t, &degraded, "no peek: ", s->peek_reason);
	append_reason(&t, &degraded, "no metrics at ", s->web_reason);
	append_reason(&t, &degraded, "no control socket: ", s->control_reason);
	text_append_bytes(&t, "", 1);
	if (t.failed) {
		text_free(&t);
		return NULL;
	}
	return t.data;
}
