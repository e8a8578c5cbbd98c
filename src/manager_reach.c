// SPDX-License-Identifier: GPL-2.0-or-later
/* Wires what reaches beyond the daemon's own IPC namespace, and who has queues open. */
#include <time.h>

#include "log.h"
#include "manager_internal.h"

/*
 * That somebody opens or closes a queue shows in the kernel's count of it; what does not, as when one who
 * may send takes the place of one who may receive, is seen after so long.
 */
#define COUNT_AGE_NS (30 * NSEC_PER_SEC)

int manager_start_reach(struct manager *m)
{
	struct namespaces_options options = {
		.own = m->mqfs,
		.watched = m->config->namespaces,
	};
	enum probe_mode mode = probe_mode(m->probe);
	char why[256];
	int r = openers_new(&m->openers);

	if (r < 0)
		return r;
	r = reach_new(&m->reach, m->config->queues_max, why, sizeof(why));
	if (r == -ENOMEM)
		return r;
	if (r < 0)
		log_warning("Unlinked queues cannot be seen, going on without: %s", why);
	if (mode != PROBE_OFF) {
		r = opens_new(&m->opens, mode, why, sizeof(why));
		if (r == -ENOMEM)
			return r;
		if (r < 0)
			log_info("mq_open(2) is not probed, going on without: %s", why);
	}
	options.reach = m->reach;
	options.openers = m->openers;
	return namespaces_new(&m->namespaces, &options);
}

void manager_stop_reach(struct manager *m)
{
	namespaces_free(m->namespaces);
	reach_free(m->reach);
	opens_free(m->opens);
	openers_free(m->openers);
}

static void set_count(struct queue *q, bool known, size_t readers, size_t writers)
{
	q->openers_known = known;
	q->readers = readers;
	q->writers = writers;
}

/* Sets what needs no scan: nobody has it open. Returns the cue of the others. */
static uint64_t count_unopened(struct manager *m, size_t *ret_opened)
{
	/* who opens one in place of another that was closed leaves the kernel's count as it was */
	uint64_t cue = m->opens ? opens_done(m->opens) : 0;

	*ret_opened = 0;
	for (size_t i = 0; i < table_size(m->table); i++) {
		struct queue *q = table_edit(m->table, i);

		if (q->opens_known && !q->opens) {
			set_count(q, true, 0, 0);
			continue;
		}
		++*ret_opened;
		cue = (cue + q->id.ino) * 0x9E3779B97F4A7C15ULL;
		cue = (cue + q->id.ipcns + ((uint64_t)q->opens << 32)) * 0xC2B2AE3D27D4EB4FULL;
		cue ^= q->writes;
	}
	return cue;
}

void manager_count_openers(struct manager *m)
{
	struct openers_count *count = &m->openers_count;
	uint64_t now = clock_ns(CLOCK_MONOTONIC);
	size_t opened;
	uint64_t cue = count_unopened(m, &opened);

	if (!opened || !m->reach)
		return;
	if (count->taken && cue == count->cue && now - count->at_ns < COUNT_AGE_NS)
		return;
	manager_forget_openers(m);
	for (size_t i = 0; i < table_size(m->table); i++) {
		struct queue *q = table_edit(m->table, i);
		const struct mqw_opener *of;
		size_t n;

		if (q->opens_known && !q->opens)
			continue;
		if (manager_openers(m, q, &of, &n) < 0)
			set_count(q, false, 0, 0);
		else
			set_count(q, true, openers_count(of, n, MQW_OPEN_READ),
				  openers_count(of, n, MQW_OPEN_WRITE));
	}
	*count = (struct openers_count){.taken = true, .cue = cue, .at_ns = now};
}
