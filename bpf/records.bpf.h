/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Who sent which message, and how long it stayed. Sends of a level are numbered as they return;
 * each leaves a record. The r-th receive of a level takes the record of its r-th send.
 */
#ifndef RECORDS_BPF_H
#define RECORDS_BPF_H

#include "count.bpf.h"
#include "free.bpf.h"

__u64 next_level;
const volatile __u32 levels_max = 1;
const volatile struct mqw_chunk empty_chunk;

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} free_levels SEC(".maps");
__u64 free_level;

/* Puts a new level in front of its queue's others. */
static __always_inline void level_link(struct mqw_queue *q, struct mqw_level *l, __u32 slot)
{
	__u32 first;

	__sync_fetch_and_add(&q->levels, 1); /* first: see pair_receive_any() */
	for (int i = 0; i < 8; i++) {
		first = *(volatile __u32 *)&q->level;
		l->next = first;
		if (__sync_val_compare_and_swap(&q->level, first, slot + 1) == first)
			break;
	}
}

/* First message of a priority. Rare, so not inlined. */
static __noinline struct mqw_level *level_create(const struct mqw_level_key *key,
						 struct mqw_queue *q, __u32 *ret_slot)
{
	struct mqw_level *l;
	__u32 slot, *raced;

	if (!free_take(&free_levels, &free_level, &slot)) {
		if (next_level >= levels_max)
			return NULL;
		slot = __sync_fetch_and_add(&next_level, 1);
	}
	l = level_at(slot);
	if (!l)
		return NULL;
	l->key = *key;
	if (bpf_map_update_elem(&level_index, key, &slot, BPF_NOEXIST)) {
		l->key.ino = 0;
		free_give(&free_levels, &free_level, slot);
		raced = bpf_map_lookup_elem(&level_index, key);
		if (!raced)
			return NULL;
		slot = *raced;
		l = level_in_slot(slot, key);
	} else {
		level_link(q, l, slot);
	}
	*ret_slot = slot;
	return l;
}

/* *slot is where the level was last time: a guess that is checked. */
static __always_inline struct mqw_level *level_of(struct mqw_queue *q, __u32 priority, __u32 *slot)
{
	struct mqw_level_key key = {
		.ino = q->key.ino,
		.ipcns = q->key.ipcns,
		.priority = priority,
	};
	struct mqw_level *l = level_in_slot(*slot, &key);
	__u32 *found;

	if (unlikely(!l)) {
		found = bpf_map_lookup_elem(&level_index, &key);
		if (!found)
			return level_create(&key, q, slot);
		*slot = *found;
		l = level_in_slot(*slot, &key);
	}
	return l;
}

static __always_inline void count_residence(struct mqw_queue *q, __u64 sent, __u64 received)
{
	__u64 ns = received > sent ? received - sent : 0;

	__sync_fetch_and_add(&q->counters.residence[time_bucket(ns)], 1);
	__sync_fetch_and_add(&q->counters.residence_ns, ns);
}

/* The receives of this queue are paired with its sends. */
static __always_inline bool paired(struct mqw_queue *q)
{
	return q->doubts == q->doubts_settled;
}

/* A send that was done: what there is to remember. */
struct sent {
	__u64 start_ns;
	__u64 sent_ns;
	const void *payload; /* in the sender's memory */
	bool before;	     /* it began before the probes were there */
	__u32 priority;
	__u32 length;
	struct inode *inode; /* the queue */
	__u64 sends;	     /* as in struct call */
};

/* How many sends had begun, if none but this one is under way; else 0. */
static __always_inline __u64 sends_if_alone(struct mqw_queue *q, __u64 begun)
{
	__u32 before = mqw_sends(begun);

	if (before != mqw_sends(q->moved) + mqw_sends(q->failed))
		return 0;
	return (__u64)before + 1;
}

/* No other send began since. */
static __always_inline bool is_alone(struct mqw_queue *q, __u64 sends)
{
	return sends && (__u32)sends == mqw_sends(*(volatile __u64 *)&q->begun);
}

/* How many of a level's last messages are compared with what a sender sent, by so many bytes. */
#define COMPARED_MESSAGES 16
#define COMPARED_BYTES	  48
#define COMPARED_WORDS	  (COMPARED_BYTES / 8)

struct search {
	struct list_head *node;
	struct list_head *list;
	__u64 found; /* 0: none; MQW_MESSAGE_UNKNOWN: more than one */
	__u32 length;
	__u32 compared;
	__u64 content[COMPARED_WORDS];
};

static int compare_message(__u32 i, struct search *s)
{
	struct list_head *node = s->node;
	struct msg_msg *msg = (void *)node - bpf_core_field_offset(struct msg_msg, m_list);
	__u64 content[COMPARED_WORDS] = {};
	__u32 n = s->compared;

	if (!node || node == s->list)
		return 1;
	s->node = BPF_CORE_READ(msg, m_list.prev);
	OPAQUE(n);
	if (BPF_CORE_READ(msg, m_ts) != s->length || n > COMPARED_BYTES)
		return 0;
	bpf_probe_read_kernel(content, n, (void *)msg + bpf_core_type_size(struct msg_msg));
	for (int k = 0; k < COMPARED_WORDS; k++)
		if (content[k] != s->content[k])
			return 0;
	s->found = s->found ? MQW_MESSAGE_UNKNOWN : (__u64)msg;
	return 0;
}

/*
 * Where the message of a send that was not alone is: among the last of its level the only one
 * with its length and its first bytes. What is read may be memory that is no message any more.
 */
static __always_inline void find_message(const struct sent *sent, struct mqw_record *r)
{
	struct mqueue_inode_info *info = mqueue_info(sent->inode);
	struct rb_node *node = BPF_CORE_READ(info, msg_tree.rb_node);
	struct posix_msg_tree_node *leaf;
	struct search s = {.length = sent->length};
	__u32 n = COMPARED_BYTES, here;
	struct list_head *last = NULL;

	r->message = MQW_MESSAGE_UNKNOWN;
	r->last_message = MQW_MESSAGE_UNKNOWN;
	/* a tree of n levels of balance holds more than 2^(n/2) priorities; there are 2^15 */
	for (int i = 0; i < 32 && node; i++) {
		leaf = (void *)node - bpf_core_field_offset(struct posix_msg_tree_node, rb_node);
		here = BPF_CORE_READ(leaf, priority);
		if (here == sent->priority) {
			s.list = &leaf->msg_list;
			last = BPF_CORE_READ(leaf, msg_list.prev);
			break;
		}
		node = sent->priority < here ? BPF_CORE_READ(node, rb_left)
					     : BPF_CORE_READ(node, rb_right);
	}
	if (!last)
		return;
	s.node = last;
	r->last_message = (__u64)last - bpf_core_field_offset(struct msg_msg, m_list);
	if (n > sent->length)
		n = sent->length;
	OPAQUE(n);
	if (n > COMPARED_BYTES)
		return;
	s.compared = n;
	if (bpf_probe_read_user(s.content, n, sent->payload))
		return;
	bpf_loop(COMPARED_MESSAGES, compare_message, &s, 0);
	if (s.found)
		r->message = s.found;
}

static __always_inline void note_far(struct mqw_chunk *near, __u32 number)
{
	for (int i = 0; i < NEAR_TRIES; i++) {
		__u64 end = *(volatile __u64 *)&near->far_end;

		if (end > number ||
		    __sync_val_compare_and_swap(&near->far_end, end, (__u64)number + 1) == end)
			break;
	}
}

/*
 * Whether the number lives in its level's chunk at hand, which is decided now if it was not. Global, so that the
 * verifier takes it by itself: its ways are not followed again from wherever it is called.
 */
__noinline int near_take(__u32 level, __u32 number)
{
	struct mqw_chunk *near = near_chunk(level, number);

	for (int i = 0; near && i < NEAR_TRIES; i++) {
		__u64 state = *(volatile __u64 *)&near->state;
		__u64 decided = mqw_chunk_decide(state, number);

		if (decided != state &&
		    __sync_val_compare_and_swap(&near->state, state, decided) != state)
			continue;
		if (mqw_chunk_holds(decided, number))
			return 1;
		break;
	}
	if (near)
		note_far(near, number);
	return 0;
}

/* First send of a chunk, or the receive of one if that is faster. */
static __noinline struct mqw_chunk *chunk_create(__u32 level, __u64 sequence)
{
	struct mqw_chunk_key key = {.level = level, .number = sequence >> MQW_CHUNK_SHIFT};
	struct mqw_chunk *near = near_chunk(level, key.number);

	if (near && near_take(level, key.number))
		return near;
	bpf_map_update_elem(&far_chunks, &key, (const void *)&empty_chunk, BPF_NOEXIST);
	return bpf_map_lookup_elem(&far_chunks, &key);
}

/* Its chunk went with forget_chunks(): so many later messages were received meanwhile. */
static __always_inline bool was_forgotten(const struct mqw_level *l, __u64 sequence)
{
	__u64 numbers = (sequence >> MQW_CHUNK_SHIFT) + CHUNKS_KEPT + 1;

	return *(volatile __s64 *)&l->received >= (__s64)(numbers << MQW_CHUNK_SHIFT);
}

/*
 * All records of a chunk are paired. A far one stays until those of the next one are, for snapshots that
 * are being taken.
 */
static __noinline int chunk_done(__u32 level, __u64 sequence)
{
	struct mqw_chunk_key key = {.level = level, .number = (sequence >> MQW_CHUNK_SHIFT) - 1};
	struct mqw_chunk *before = near_chunk(level, key.number);

	if (before && (near_holds(before, key.number) || key.number >= before->far_end))
		return 0;
	before = bpf_map_lookup_elem(&far_chunks, &key);
	if (before && mqw_chunk_paired(before->state) == MQW_CHUNK_SIZE)
		bpf_map_delete_elem(&far_chunks, &key);
	return 0;
}

static __always_inline void count_paired(struct mqw_chunk *chunk, __u32 level, __u64 sequence)
{
	__u64 before = __sync_fetch_and_add(&chunk->state, 1);

	if (unlikely(mqw_chunk_paired(before) == MQW_CHUNK_SIZE - 1))
		chunk_done(level, sequence);
}

/* A record's memory waits for this one: nothing is there, or an earlier one of the level. */
static __always_inline bool is_spent(__u64 mark, __u64 id)
{
	__u64 earlier = id - (mark & ~(MQW_RECORD_WRITTEN | MQW_RECORD_RECEIVED));

	return !mark || (earlier && earlier < 1ULL << 39);
}

static __always_inline void copy_comm(char *to, struct task_struct *task)
{
	/* direct loads are of words: a name is two of them */
	((__u64 *)to)[0] = *(__u64 *)task->comm;
	((__u64 *)to)[1] = *(__u64 *)(task->comm + 8);
}

/*
 * l: the send's level, in slot level; NULL: there was no room for it. A message that was received before its
 * sender, which slept, returned, was sent by then: sent_ns is set to that.
 */
static __always_inline void remember_send(struct mqw_queue *q, struct mqw_level *l, struct sent *s,
					  __u32 level)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct mqw_chunk *chunk;
	struct mqw_record *r;
	__u64 sequence, id, mark, received;
	bool alone;

	if (unlikely(!l)) {
		__sync_fetch_and_add(&q->doubts, 1);
		__sync_fetch_and_add(&q->distrust, 1);
		count_loss(MQW_LOSS_RECORD);
		return;
	}
	sequence = __sync_fetch_and_add(&l->sent, 1);
	/* only now: who begins from here on has a later message and a later number */
	alone = is_alone(q, s->sends);
	if (unlikely(s->before)) {
		/* unseen sends may be behind it in the queue: it has no place in the order */
		__sync_fetch_and_add(&q->doubts, 1);
		l->known_from = sequence + 1;
		return;
	}
	chunk = chunk_of(level, sequence);
	if (unlikely(!chunk)) {
		if (was_forgotten(l, sequence)) {
			if (paired(q))
				count_residence(q, s->sent_ns, s->sent_ns);
			return;
		}
		chunk = chunk_create(level, sequence);
		if (!chunk) {
			l->lost = (sequence >> MQW_CHUNK_SHIFT) + 1;
			count_loss(MQW_LOSS_RECORD);
			return;
		}
	}
	r = &chunk->records[sequence & (MQW_CHUNK_SIZE - 1)];
	r->start_ns = s->start_ns;
	r->sent_ns = s->sent_ns;
	r->message = r->last_message = 0;
	if (unlikely(!alone))
		find_message(s, r);
	r->pid = task->tgid;
	r->tid = task->pid;
	r->length = s->length;
	copy_comm(r->comm, task);
	id = record_id(level, sequence);
	mark = __sync_lock_test_and_set(&r->mark, id | MQW_RECORD_WRITTEN);
	if (!unlikely(mark == (id | MQW_RECORD_RECEIVED)))
		return;
	/* its receiver was faster to return, and leaves it to the sender to count */
	received = r->received_ns;
	if (alone && received < s->start_ns)
		/* another send's: the level was put right meanwhile */
		__sync_fetch_and_add(&q->counters.unpaired, 1);
	else
		count_residence(q, s->sent_ns, received);
	if (s->sent_ns > received)
		s->sent_ns = received;
	count_paired(chunk, level, sequence);
}

/*
 * Chunks of which not all records are paired go when receives are far ahead: a slow sender or receiver may
 * still want them for a while.
 */
static __noinline int forget_chunks(__u32 level, __s64 sequence)
{
	forget_chunk(level, (sequence >> MQW_CHUNK_SHIFT) - CHUNKS_KEPT);
	return 0;
}

/* Of a send and its receive the one that comes later counts. false: the send is unknown. */
static __always_inline bool pair(struct mqw_queue *q, const struct mqw_level *l, __u32 level,
				 __u64 sequence, __u64 now)
{
	struct mqw_chunk *chunk = chunk_of(level, sequence);
	__u64 id = record_id(level, sequence), written = id | MQW_RECORD_WRITTEN, mark, before;
	struct mqw_record *r;

	if (unlikely(!chunk)) {
		if (l->lost > sequence >> MQW_CHUNK_SHIFT || was_forgotten(l, sequence))
			return false;
		chunk = chunk_create(level, sequence);
		if (!chunk)
			return false;
	}
	r = &chunk->records[sequence & (MQW_CHUNK_SIZE - 1)];
	mark = *(volatile __u64 *)&r->mark;
	if (unlikely(mark != written)) {
		if (l->lost > sequence >> MQW_CHUNK_SHIFT)
			return false;
		if (!is_spent(mark, id))
			return false;
		r->received_ns = now;
		before = __sync_val_compare_and_swap(&r->mark, mark, id | MQW_RECORD_RECEIVED);
		if (before == mark)
			return true;
		if (before != written)
			return false;
	}
	read_barrier();
	count_residence(q, r->sent_ns, now);
	count_paired(chunk, level, sequence);
	return true;
}

/* A message of that level was received. Global, as near_take(). */
__noinline int pair_next(__u32 queue, __u32 level, __u64 now)
{
	struct mqw_queue *q = bpf_map_lookup_elem(&queues, &queue);
	struct mqw_level *l = level_at(level);
	__s64 sequence;

	if (!q || !l)
		return 0;
	sequence = __sync_fetch_and_add(&l->received, 1);
	if (unlikely(sequence >= 0 && (sequence + 1) % MQW_CHUNK_SIZE == 0))
		forget_chunks(level, sequence);
	if (unlikely(!paired(q) || sequence < l->known_from || !pair(q, l, level, sequence, now)))
		__sync_fetch_and_add(&q->counters.unpaired, 1);
	return 0;
}

/* queue: q's slot; *slot: as in level_of() */
static __always_inline void pair_receive(struct mqw_queue *q, __u32 queue, __u32 priority,
					 __u64 now, __u32 *slot)
{
	struct mqw_level *l = level_of(q, priority, slot);

	if (l) {
		pair_next(queue, *slot, now);
	} else {
		__sync_fetch_and_add(&q->doubts, 1);
		count_loss(MQW_LOSS_RECORD);
	}
}

/*
 * The priority is not known, or not worth asking for: of a queue that has had one only, that is it. Else some
 * level's count of receives is short by one until the levels are put right.
 */
static __always_inline void pair_receive_any(struct mqw_queue *q, __u32 queue, __u64 now)
{
	__u32 slot = *(volatile __u32 *)&q->level - 1;
	struct mqw_level *l = level_at(slot);

	read_barrier();
	if (l && *(volatile __u32 *)&q->levels == 1 && l->key.ino == q->key.ino) {
		pair_next(queue, slot, now);
		return;
	}
	__sync_fetch_and_add(&q->counters.unpaired, 1);
	__sync_fetch_and_add(&q->doubts, 1);
}

#endif /* RECORDS_BPF_H */
