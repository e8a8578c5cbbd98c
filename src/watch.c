// SPDX-License-Identifier: GPL-2.0-or-later
#include "log.h"
#include "totals.h"
#include "watch.h"

/* Looks at one queue take at most so little of the time: 1 part in so many. */
#define SHARE 20
/* Stalled queues are looked at so many times per interval, so that the end is seen soon. */
#define STALLED_LOOKS 4
/* How long a round may wait for moments at which busy queues can be proven, all together. */
#define PATIENCE_NS	  (20 * NSEC_PER_MSEC)
#define QUEUE_PATIENCE_NS (5 * NSEC_PER_MSEC)
#define PAUSE_MIN_NS	  (50 * NSEC_PER_MSEC)

struct watch {
	const struct watch_ops *ops;
	void *data;
	bool stale;
	uint64_t slots_sum;
	struct queue *stalled; /* as the last round left them, with names of their own */
	size_t n_stalled, stalled_capacity;
};

/* One round. */
struct round {
	struct watch *watch;
	const struct watch_parts *parts;
	uint64_t now;
	uint64_t patience_ns; /* left */
	uint64_t closely_ns;  /* between looks at a stalled queue, at least */
};

/* A queue as the probes have it at one moment, without slot as the table has it. */
struct reading {
	uint64_t begun, under_way;
	uint64_t messages, messages_limit;
	uint64_t received, rejected, last_receive_ns;
	uint64_t rejecting_ns, rejected_ns;
	uint64_t usual_ns;
	bool doubtful; /* a look may put right what the probes know */
};

int watch_new(struct watch **ret, const struct watch_ops *ops, void *data)
{
	struct watch *w = calloc(1, sizeof(*w));

	if (!w)
		return -ENOMEM;
	w->ops = ops;
	w->data = data;
	*ret = w;
	return 0;
}

static void forget_stalled(struct watch *w)
{
	for (size_t i = 0; i < w->n_stalled; i++)
		free((char *)w->stalled[i].name);
	w->n_stalled = 0;
}

void watch_free(struct watch *w)
{
	if (!w)
		return;
	forget_stalled(w);
	free(w->stalled);
	free(w);
}

bool watch_stale(struct watch *w, struct probe *probe)
{
	uint64_t sum = 0;
	size_t n = probe_slots(probe);
	bool stale;

	for (size_t i = 0; i < n; i++) {
		const struct mqw_queue *slot = probe_slot(probe, i);

		if (slot)
			sum = sum * 31 + slot->key.ino + i;
	}
	stale = w->stale || sum != w->slots_sum || !probe_attached(probe);
	w->stale = false;
	w->slots_sum = sum;
	return stale;
}

static uint64_t load(const __u64 *value)
{
	return __atomic_load_n(value, __ATOMIC_ACQUIRE);
}

static const struct mqw_queue *slot_of(struct probe *probe, const struct queue *q)
{
	const struct mqw_queue *slot;

	if (!q->slotted || q->slot >= probe_slots(probe))
		return NULL;
	slot = probe_slot(probe, q->slot);
	return slot && slot->key.ino == q->id.ino && slot->key.ipcns == q->id.ipcns ? slot : NULL;
}

static void read_queue(const struct round *r, const struct queue *q, struct reading *ret)
{
	const struct mqw_queue *slot = slot_of(r->parts->probe, q);
	const struct mqw_op_stats *op;
	uint64_t moved, failed;
	int64_t depth;

	*ret = (struct reading){
		.messages = q->attr.messages,
		.messages_limit = q->attr.messages_limit,
	};
	if (!slot)
		return;
	/* the end first: a call that ends meanwhile counts as under way */
	moved = load(&slot->moved);
	failed = load(&slot->failed);
	ret->begun = load(&slot->begun);
	ret->under_way = mqw_under_way(ret->begun, moved, failed);
	depth = slot_depth(slot);
	ret->messages = depth > 0 ? (uint64_t)depth : 0;
	op = slot->counters.op;
	ret->received = slot_messages(&op[MQW_RECEIVE]);
	ret->last_receive_ns = load(&op[MQW_RECEIVE].last_ns);
	ret->rejected = load(&op[MQW_SEND].errors[MQW_EAGAIN]);
	ret->rejecting_ns = load(&slot->rejecting_ns);
	ret->rejected_ns = load(&slot->rejected_ns);
	ret->usual_ns = stall_usual_ns(slot->counters.residence);
	ret->doubtful = load(&slot->doubts) != load(&slot->doubts_settled);
}

/* One more message of this priority; first: of its level. */
static void count_level(struct queue_findings *found, uint32_t priority, bool first)
{
	if (first && found->n_levels < QUEUE_LEVELS_MAX)
		found->levels[found->n_levels++].priority = priority;
	if (found->levels[found->n_levels - 1].priority != priority)
		found->below++;
	else
		found->levels[found->n_levels - 1].messages =
			first ? 1 : found->levels[found->n_levels - 1].messages + 1;
}

/*
 * Within a level the first message is the oldest. Of a level whose first message is of unknown age
 * the first one that is known tells how old it is at least.
 */
void watch_find(const struct snapshot *s, struct queue_findings *found)
{
	struct queue_oldest oldest = {};
	bool exact = s->consistent, level_done = false;

	found->n_levels = 0;
	found->below = 0;
	for (size_t i = 0; i < s->n_messages; i++) {
		const struct snapshot_message *m = &s->messages[i];
		bool first = i == 0 || s->messages[i - 1].priority != m->priority;

		if (found->levels)
			count_level(found, m->priority, first);
		if (first) {
			level_done = false;
			exact = exact && m->origin == ORIGIN_KNOWN;
		}
		if (level_done || m->origin == ORIGIN_UNKNOWN)
			continue;
		level_done = true;
		if (oldest.known && oldest.sent_ns <= m->sent_ns)
			continue;
		oldest = (struct queue_oldest){
			.known = true,
			.sent_ns = m->sent_ns,
			.priority = m->priority,
			.pid = m->pid,
			.tid = m->tid,
		};
		memcpy(oldest.comm, m->comm, sizeof(oldest.comm));
	}
	if (oldest.known && !exact) {
		/* it may be another one that is the oldest */
		oldest = (struct queue_oldest){.known = true,
					       .at_least = true,
					       .sent_ns = oldest.sent_ns,
					       .priority = oldest.priority};
	}
	found->oldest = oldest;
	found->levels_known = s->consistent && found->levels;
}

/* Nothing is known of single messages any more. */
static void forget(struct queue *q)
{
	q->found.oldest = (struct queue_oldest){};
	q->found.levels_known = false;
	q->found.n_levels = 0;
	q->found.below = 0;
}

static int take_snapshot(struct round *r, const struct queue *q, struct snapshot **ret)
{
	struct peek_request request = {
		.messages_max = UINT64_MAX,
		.patience_ns =
			r->patience_ns < QUEUE_PATIENCE_NS ? r->patience_ns : QUEUE_PATIENCE_NS,
		.unused_since_ns = probe_unused_since_ns(r->parts->probe, q->first_ns),
	};
	_cleanup_close_ int fd = namespaces_open_queue(r->parts->namespaces, q);
	int result;

	/* a queue that is proven at once needs no patience, one that is often not gets it */
	if (q->progress.consistent)
		request.patience_ns = 0;
	if (fd == -ENOENT || fd == -ESTALE)
		r->watch->stale = true;
	if (fd < 0)
		return fd;
	result = peek_snapshot(r->parts->peek, fd, &request, ret);
	if (result != -EOPNOTSUPP)
		r->parts->snapshots[result < 0		 ? SNAPSHOT_FAILED
				    : (*ret)->consistent ? SNAPSHOT_CONSISTENT
							 : SNAPSHOT_INCONSISTENT]++;
	return result;
}

/* Looks into the queue; now is how it was before. */
static void look(struct round *r, struct queue *q, struct reading *now)
{
	_cleanup_(snapshot_freep) struct snapshot *s = NULL;
	uint64_t start = clock_ns(CLOCK_MONOTONIC), took;
	struct queue_progress *p = &q->progress;
	int result = take_snapshot(r, q, &s);

	took = clock_ns(CLOCK_MONOTONIC) - start;
	r->patience_ns -= took < r->patience_ns ? took : r->patience_ns;
	p->next_ns = start + SHARE * took;
	p->looked_ns = start;
	p->looked = true;
	p->begun = now->begun;
	p->under_way = now->under_way;
	p->messages = now->messages;
	p->consistent = result == 0 && s->consistent;
	if (result < 0)
		return;
	now->messages = p->messages = q->attr.messages = s->messages_total;
	p->received = now->received;
	if (r->parts->levels && !q->found.levels)
		q->found.levels = calloc(QUEUE_LEVELS_MAX, sizeof(*q->found.levels));
	watch_find(s, &q->found);
	p->overtaken = q->found.oldest.known && s->messages[0].priority > q->found.oldest.priority;
}

static bool changed(const struct queue *q, const struct reading *now)
{
	const struct queue_progress *p = &q->progress;

	return !p->looked || now->begun != p->begun || now->under_way != p->under_way ||
	       (!q->slotted && now->messages != p->messages);
}

/* Whether the queue needs no look as there is nothing in it. */
static bool surely_empty(const struct queue *q, const struct reading *now)
{
	return q->slotted && !now->messages && !mqw_sends(now->under_way) && !now->doubtful;
}

/* A look, if one may tell something new and it is not too soon. */
static void follow(struct round *r, struct queue *q, struct reading *now, bool closely)
{
	struct queue_progress *p = &q->progress;

	if (surely_empty(q, now) && !closely) {
		forget(q);
		p->looked = true;
		p->consistent = true;
		p->begun = now->begun;
		p->under_way = now->under_way;
		p->received = now->received;
		return;
	}
	if (r->now >= p->next_ns && ((closely && r->now - p->looked_ns > r->closely_ns) ||
				     changed(q, now) || now->doubtful || !p->consistent))
		look(r, q, now);
	/* a finding holds only while nothing was taken out */
	if (now->received != p->received || now->messages == 0)
		forget(q);
}

static void judge(struct round *r, struct queue *q, const struct stall_rules *rules,
		  const struct reading *now, bool closely, struct stall *ret)
{
	const struct watch *w = r->watch;
	struct stall_input in = {
		.now_ns = r->now,
		.messages = now->messages,
		.messages_limit = now->messages_limit,
		.received = now->received,
		.rejected = now->rejected,
		.rejecting_ns = now->rejecting_ns,
		.rejected_ns = now->rejected_ns,
		.last_receive_ns = now->last_receive_ns,
		.oldest_ns = q->found.oldest.known ? q->found.oldest.sent_ns : 0,
		.overtaken = q->progress.overtaken,
		.usual_ns = now->usual_ns,
	};

	if (now->messages >= now->messages_limit &&
	    (mqw_sends(now->under_way) || q->attr.blocked_senders))
		in.blocked_ns = w->ops->blocked_since(w->data, q);
	if (closely)
		in.readers_known = w->ops->readers(w->data, q, &in.readers) == 0;
	*ret = q->stall;
	stall_update(ret, rules, &in);
}

static bool reader_stalls(const struct stall *s)
{
	return stall_has(s, STALL_READER_IDLE) || stall_has(s, STALL_NO_READER);
}

/* What seems to be a stall is looked at once more before it is called one. */
static void watch_queue(struct round *r, struct queue *q)
{
	const struct watch *w = r->watch;
	struct stall_rules rules = w->ops->rules(w->data, q);
	const struct stall before = q->stall;
	struct reading now;
	struct stall next;

	read_queue(r, q, &now);
	follow(r, q, &now, false);
	if (!q->counted)
		return;
	judge(r, q, &rules, &now, false, &next);
	if (next.reasons || before.reasons) {
		read_queue(r, q, &now);
		follow(r, q, &now, true);
		judge(r, q, &rules, &now, reader_stalls(&next) || reader_stalls(&before), &next);
	}
	q->stall = next;
	for (unsigned int i = 0; i < STALL_REASONS; i++)
		q->stalls[i] += stall_has(&next, i) && !stall_has(&before, i);
	if (next.reasons != before.reasons)
		w->ops->stalled(w->data, q, &before);
}

/* Ends the stalls of queues that are not there any more. */
static void end_gone(struct round *r)
{
	struct watch *w = r->watch;

	for (size_t i = 0; i < w->n_stalled; i++) {
		struct queue *old = &w->stalled[i];
		const struct queue *q = table_find(r->parts->table, old->id.ipcns, old->name);
		struct stall before = old->stall;

		if (q && q->id.ino == old->id.ino)
			continue;
		old->stall = (struct stall){};
		w->ops->stalled(w->data, old, &before);
	}
	forget_stalled(w);
}

static int note_stalled(struct watch *w, const struct queue *q)
{
	char *name;

	if (w->n_stalled == w->stalled_capacity) {
		size_t capacity = w->stalled_capacity ? 2 * w->stalled_capacity : 8;
		struct queue *grown = reallocarray(w->stalled, capacity, sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		w->stalled = grown;
		w->stalled_capacity = capacity;
	}
	name = strdup(q->name);
	if (!name)
		return -ENOMEM;
	w->stalled[w->n_stalled] = *q;
	w->stalled[w->n_stalled].found.levels = NULL;
	w->stalled[w->n_stalled++].name = name;
	return 0;
}

uint64_t watch_run(struct watch *w, const struct watch_parts *parts, uint64_t interval_ns)
{
	struct round r = {
		.watch = w,
		.parts = parts,
		.now = clock_ns(CLOCK_MONOTONIC),
		.patience_ns = PATIENCE_NS,
		.closely_ns = interval_ns / STALLED_LOOKS / 2,
	};
	uint64_t next = r.now + interval_ns;

	end_gone(&r);
	for (size_t i = 0; i < table_size(parts->table); i++) {
		struct queue *q = table_edit(parts->table, i);

		watch_queue(&r, q);
		if (q->stall.due_ns && q->stall.due_ns < next)
			next = q->stall.due_ns;
		if (!q->stall.reasons)
			continue;
		if (r.now + interval_ns / STALLED_LOOKS < next)
			next = r.now + interval_ns / STALLED_LOOKS;
		if (note_stalled(w, q) < 0)
			log_warning_errno_limited(
				-ENOMEM, "A stalled queue is not remembered, ignoring: %m");
	}
	return next > r.now + PAUSE_MIN_NS ? next : r.now + PAUSE_MIN_NS;
}
