/* SPDX-License-Identifier: GPL-2.0 */
/* Who sent the messages that a walk passes, priority by priority, and what the walk tells the levels in return. */
#ifndef MQWATCH_PEEK_ORIGINS_BPF_H
#define MQWATCH_PEEK_ORIGINS_BPF_H

#include "peek_proof.bpf.h"

const volatile bool probes_attached; /* else the maps are empty ones of our own */

static int count_message(__u32 i, struct walk *w)
{
	struct list_head *next = NULL;

	if (w->counted == w->list)
		return 1;
	w->ctx->sequence--;
	bpf_probe_read_kernel(&next, sizeof(next), w->counted);
	w->counted = next;
	return 0;
}

static __always_inline struct mqw_level *find_level(struct mqw_queue *q, __u32 priority,
						    __u32 *ret_slot)
{
	struct mqw_level_key key = {
		.ino = q->key.ino,
		.ipcns = q->key.ipcns,
		.priority = priority,
	};
	__u32 *slot = bpf_map_lookup_elem(&level_index, &key);

	if (!slot)
		return NULL;
	*ret_slot = *slot;
	return level_in_slot(*slot, &key);
}

/* Sends that began before the probes were there may still be under way. */
static __always_inline bool strangers_may_send(struct mqw_queue *q)
{
	return q->strangers > 0 || bpf_ktime_get_ns() - q->created_ns < SETTLING_NS;
}

/* Ends are read first: a send that ends meanwhile counts as under way. */
static __always_inline __u32 level_under_way(struct mqw_level *l)
{
	__u64 sent = *(volatile __u64 *)&l->sent;
	__u32 failed = *(volatile __u32 *)&l->failed;

	read_barrier();
	return mqw_level_under_way(*(volatile __u32 *)&l->begun, sent, failed);
}

/* Sends were missed: from now on the level's records can be trusted again. */
static __always_inline void note_distrust(struct mqw_queue *q, struct mqw_level *l)
{
	__u32 distrust = q->distrust;

	if (l->distrust == distrust)
		return;
	l->known_from = l->sent + level_under_way(l);
	l->distrust = distrust;
}

/* The next receive takes the level's first message, if none took one since the proof began. */
static __always_inline void settle_level(struct walk *w, struct mqw_level *l, __u32 slot,
					 __s64 next)
{
	__s64 received = l->received;

	if (received == next)
		return;
	if (!proof_holds(w) ||
	    __sync_val_compare_and_swap(&l->received, received, next) != received) {
		w->ctx->settle = 0;
		return;
	}
	forget_sends(slot, received - (CHUNKS_KEPT + 1) * MQW_CHUNK_SIZE, next - MQW_CHUNK_SIZE);
}

/*
 * The k messages of a level are its last k sends. Whether that holds is proven with the messages
 * themselves: the count, too, is of the queue as it was when the proof began. Without that proof it
 * holds for a level that has no send under way, and from which none was received meanwhile.
 */
static __always_inline void begin_level(struct walk *w)
{
	struct mqw_queue *q = w->probed;
	struct mqw_peek *ctx = w->ctx;
	struct mqw_level *l;
	__u32 slot = -1;
	__u32 begun = 0;

	ctx->known = 0;
	if (!q || q->suspect_ns)
		return;
	l = find_level(q, w->ctx->priority, &slot);
	if (l) {
		note_distrust(q, l);
		begun = *(volatile __u32 *)&l->begun;
		l->visited = ctx->number;
	}
	if (!w->queue && !w->quiet &&
	    (!w->trusted || !l || level_under_way(l) || strangers_may_send(q)))
		return;
	ctx->sequence = l ? l->sent : 0;
	w->ctx->known_from = l ? l->known_from : 0;
	w->ctx->level = slot;
	w->counted = w->msg;
	bpf_loop(LIST_MAX, count_message, w, 0);
	OPAQUE(ctx);
	ctx->known = w->queue || w->quiet ||
		     (l && l->begun == begun && cannot_have_left(w, ctx->walked));
	if (l && ctx->settle)
		settle_level(w, l, slot, ctx->sequence);
}

struct rest {
	struct walk *walk;
	__u32 link;
};

static int settle_other(__u32 i, struct rest *r)
{
	__u32 slot = r->link - 1;
	struct mqw_level *l;

	if (!r->link)
		return 1;
	l = level_at(slot);
	if (!l)
		return 1;
	r->link = l->next;
	if (l->visited != r->walk->ctx->number)
		settle_level(r->walk, l, slot, l->sent);
	return 0;
}

/* At the end of a walk over all messages: the levels that have none. */
static __always_inline void settle_rest(struct walk *w, __u64 doubts)
{
	struct rest r = {.walk = w};
	struct mqw_queue *q = w->queue;

	if (!q)
		return;
	r.link = q->level;
	bpf_loop(MQW_LEVELS_MAX, settle_other, &r, 0);
	if (w->ctx->settle && !r.link && proof_holds(w))
		q->doubts_settled = doubts;
}

/* Not inlined: there is not enough stack for all. */
static __noinline int copy_record(struct mqw_peek_message *m, __u32 level, __u64 sequence)
{
	struct mqw_record *r = record_of(level, sequence);

	if (!r)
		return 0;
	m->record = *r;
	read_barrier();
	/* a chunk at hand gets another number before it is written to */
	if (record_of(level, sequence) != r)
		return 0;
	m->sequence = sequence;
	m->origin = MQW_ORIGIN_RECORD;
	return 0;
}

/* Finds out who sent the next message of the level. */
static __always_inline void find_origin(struct walk *w, struct mqw_peek_message *m)
{
	struct mqw_queue *q = w->probed;
	__s64 sequence;

	if (!q && probes_attached)
		m->origin = MQW_ORIGIN_BEFORE;
	if (!q || !w->ctx->known)
		return;
	sequence = w->ctx->sequence++;
	if (sequence < 0) {
		/* counted back past the first send that was seen, which is sound if none was missed */
		if (!q->distrust && !w->ctx->known_from)
			m->origin = MQW_ORIGIN_BEFORE;
		return;
	}
	if (sequence < w->ctx->known_from)
		return;
	copy_record(m, w->ctx->level, sequence);
}

#endif /* MQWATCH_PEEK_ORIGINS_BPF_H */
