/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The one ABI between the BPF programs and user space. Included by both sides:
 * BPF programs after vmlinux.h, user space after <linux/types.h>.
 * All times are CLOCK_MONOTONIC nanoseconds (bpf_ktime_get_ns()).
 */
#ifndef MQWATCH_H
#define MQWATCH_H

#ifndef __VMLINUX_H__
#include <linux/types.h>
#endif

/* NAME_MAX + 1: mqueue_fill_super() and lookup_one_len() bound a queue's name */
#define MQW_NAME_SIZE 256
#define MQW_COMM_SIZE 16

/* A queue's identity. Its name is only a label: names are reused, identities are not. */
struct mqw_key {
	__u64 ino;   /* inode number in the namespace's mqueue file system; 0: no queue */
	__u32 ipcns; /* inode number of the IPC namespace, as /proc/PID/ns/ipc shows it */
	__u32 pad;
};

enum mqw_op {
	MQW_SEND,
	MQW_RECEIVE,
	MQW_OPS,
};

/* The errors that mq_timedsend(2) and mq_timedreceive(2) document; all others share one place. */
enum mqw_error {
	MQW_EAGAIN,
	MQW_ETIMEDOUT,
	MQW_EINTR, /* the call was interrupted; the kernel may restart it (SA_RESTART) */
	MQW_EMSGSIZE,
	MQW_EINVAL,
	MQW_EFAULT,
	MQW_EBADF, /* the descriptor is not open for this direction */
	MQW_ENOMEM,
	MQW_EOTHER,
	MQW_ERRORS,
};

/*
 * A call that slept was blocked from its entry to its exit, any other was not, for 0 ns: so the clock is
 * read where there is a time to know. Times are bucketed by powers of four: bucket i counts those of at most
 * 2^(10 + 2i) ns (1.024 us, 4.096 us, ... 68.7 s), the last bucket all longer ones.
 */
#define MQW_TIME_SHIFT_MIN  10
#define MQW_TIME_SHIFT_STEP 2
#define MQW_TIME_BUCKETS    15

/* Bucket i counts sends that found the queue filled to at most i tenths. */
#define MQW_DEPTH_BUCKETS 11

/*
 * As the probes count, in a slot: of what follows from the rest nothing is counted, as each count
 * takes time. totals_add() in src/totals.h makes sums of slots, in which messages has all messages and
 * time all calls.
 */
struct mqw_op_stats {
	__u64 messages; /* of calls that began before the probes were there */
	__u64 bytes;
	__u64 last_ns; /* when a message was last moved; 0: not yet */
	__u64 time_ns; /* that calls were blocked */
	/* by the time they were blocked: calls that moved a message, and that failed */
	__u64 time[MQW_TIME_BUCKETS];
	__u64 failed[MQW_TIME_BUCKETS];
	__u64 errors[MQW_ERRORS];
};

/* Everything counted of a queue since it was first seen. */
struct mqw_counters {
	struct mqw_op_stats op[MQW_OPS];
	__u64 depth[MQW_DEPTH_BUCKETS];
	__u64 depth_ratio_sum; /* of all sends counted in depth[], in 1/1000000 */
	/* the time that received messages were queued, where their sends are known */
	__u64 residence[MQW_TIME_BUCKETS];
	__u64 residence_ns;
	__u64 unpaired; /* received messages whose send is unknown */
	/* the integral of depth over time, in ns times messages: depth_ns_high counts 2^64 */
	__u64 depth_ns;
	__u64 depth_ns_high;
	__u64 full_ns; /* time at the depth limit */
	__u64 peeks;   /* messages looked at with mq_timedreceive2(2), but not by us */
};

/*
 * A count of calls: of receives in the low half, of sends in the high half. Each wraps by itself.
 */
#define MQW_ONE_RECEIVE 1ULL
#define MQW_ONE_SEND	(1ULL << 32)

static inline __u32 mqw_receives(__u64 calls)
{
	return (__u32)calls;
}

static inline __u32 mqw_sends(__u64 calls)
{
	return (__u32)(calls >> 32);
}

/* The calls that began and have not ended, as moved or failed. 0: there is none. */
static inline __u64 mqw_under_way(__u64 begun, __u64 moved, __u64 failed)
{
	__u32 sends = mqw_sends(begun) - mqw_sends(moved) - mqw_sends(failed);

	return sends * MQW_ONE_SEND |
	       (__u32)(mqw_receives(begun) - mqw_receives(moved) - mqw_receives(failed));
}

/*
 * One queue's slot. A slot belongs to a queue while key.ino is not 0. Calls count as begun from system
 * call entry on, and from exit on as having moved a message or as failed: while begun stands
 * still no new call can touch the queue.
 */

struct mqw_queue {
	struct mqw_key key;
	__u64 begun;
	__u64 moved;
	__u64 failed;
	/*
	 * What the depth is besides the balance of moved, and since when it is so; see mqw_depth().
	 * With no call under way this is the kernel's depth, else calls were missed; see
	 * check_depth() in peek.bpf.c.
	 */
	__u32 depth_base;
	__u32 pad;
	__u64 changed_ns;
	__u64 depth_limit;
	__u64 created_ns;
	__s64 strangers; /* senders that slept when the queue was first seen, and have not returned */
	/*
	 * Each of these counts what upsets a piece of knowledge, until a walk puts it right:
	 * - doubts: which send a receive takes is unsure (mqw_level.received), while it is not
	 *   doubts_settled;
	 * - distrust: sends were missed, so which send an earlier message is of is unsure, for levels
	 *   that have not noted it.
	 */
	__u64 doubts, doubts_settled;
	__u64 distrust;
	__u64 suspect_ns; /* since when the depth is off; 0: it is right */
	__u64 unseen;	  /* messages moved by calls no probe saw, at least */
	__u64 unseen_ns;  /* when such calls were last found; 0: never */
	__u64 retired;	  /* user space takes the slot back: no new call may use it */
	__u32 levels;	  /* priorities seen */
	__u32 level;	  /* index of the last of them, plus 1; 0: none */
	struct mqw_counters counters;
	char name[MQW_NAME_SIZE]; /* as when first seen, without the leading '/' */
	/* when the last send met a full queue, and the first of a series of such sends */
	__u64 rejected_ns;
	__u64 rejecting_ns;
	__u64 pad_end[5];
};

_Static_assert(sizeof(struct mqw_queue) % 64 == 0, "slots share no cache line");

/* The depth by the calls that returned. Negative while a send that was received has not returned. */
static inline __s32 mqw_depth(__u32 base, __u64 moved)
{
	return (__s32)(base + mqw_sends(moved) - mqw_receives(moved));
}

/*
 * A level: the messages of one priority of a queue, which leave in the order of their sends. So its
 * queued messages are its last sends, and its r-th receive takes its r-th send.
 */
#define MQW_LEVELS_MAX 32768 /* of a queue: MQ_PRIO_MAX */

struct mqw_level_key {
	__u64 ino;
	__u32 ipcns;
	__u32 priority;
};

struct mqw_level {
	struct mqw_level_key key; /* ino 0: free */
	__u64 sent;		  /* the sequence number of the next send */
	__s64 received;	  /* of the next receive; negative: sent before the probes were there */
	__s64 known_from; /* the records of earlier sends may be off by one or more */
	__u32 begun;	  /* sends of this priority; those that moved a message are in sent */
	__u32 failed;
	__u32 next;	/* another level of the queue: its index, plus 1; 0: none */
	__u32 distrust; /* the queue's, when known_from was set */
	__u32 visited;	/* by the walk of this number */
	__u32 lost;	/* records may be missing in chunks of lower numbers */
};

/* Sends of the level that have not returned. */
static inline __u32 mqw_level_under_way(__u32 begun, __u64 sent, __u32 failed)
{
	return begun - (__u32)sent - failed;
}

/* What is remembered of a send, in chunks that live while their messages are queued. */
#define MQW_MESSAGE_UNKNOWN 1ULL
#define MQW_RECORD_WRITTEN  1ULL
#define MQW_RECORD_RECEIVED 2ULL /* not written, but received_ns is */

struct mqw_record {
	/*
	 * Whose this is, and what is there of it: record_id() of its level and sequence number, and one of
	 * MQW_RECORD_*. As memory is used again, whatever else is here says that nothing is there yet.
	 */
	__u64 mark;
	__u64 start_ns; /* when the send began */
	/* when its message was queued: at start_ns, or if the call slept, not later than now: its end */
	__u64 sent_ns;
	__u64 received_ns; /* if its receiver was faster to return than its sender */
	__u32 pid;	   /* thread group */
	__u32 tid;
	char comm[MQW_COMM_SIZE];
	__u32 length;
	__u32 pad;
	/*
	 * For a send that was not alone: where its message is, if it was found by its content
	 * when the send returned, and the level's last message then; each may be
	 * MQW_MESSAGE_UNKNOWN. 0: the send was alone. See src/origin.h.
	 */
	__u64 message;
	__u64 last_message;
};

#define MQW_CHUNK_SHIFT 4
#define MQW_CHUNK_SIZE	(1 << MQW_CHUNK_SHIFT)

struct mqw_chunk_key {
	__u32 level;
	__u32 number; /* sequence number >> MQW_CHUNK_SHIFT */
};

/*
 * Most queues are shallow: each level has so many chunks at hand, beside it, where number n may live in
 * chunk n % MQW_NEAR. The others are far, in a hash.
 */
#define MQW_NEAR 2

struct mqw_chunk {
	/*
	 * How many of its records are paired, in the lowest byte. Of a chunk at hand the number that lives
	 * here, plus 1, in the high half; and between them how many later ones of its numbers were refused,
	 * as this one was not all paired.
	 */
	__u64 state;
	__u64 far_end; /* of a chunk at hand: no number from this on was refused */
	struct mqw_record records[MQW_CHUNK_SIZE];
};

#define MQW_CHUNK_REFUSED_SHIFT 8
#define MQW_CHUNK_REFUSED_MAX	((1U << 24) - 1)

static inline __u32 mqw_chunk_paired(__u64 state)
{
	return state & ((1 << MQW_CHUNK_REFUSED_SHIFT) - 1);
}

static inline int mqw_chunk_holds(__u64 state, __u32 number)
{
	return (__u32)(state >> 32) == number + 1;
}

/*
 * Whether a number lives in its chunk at hand is decided once for all, by whoever asks first. The state after
 * it was asked for: the same if that was decided before.
 */
static inline __u64 mqw_chunk_decide(__u64 state, __u32 number)
{
	__u32 later = number + 1 - (__u32)(state >> 32);
	__u32 refused = (__u32)state >> MQW_CHUNK_REFUSED_SHIFT;

	if (!state)
		return (__u64)(number + 1) << 32;
	if ((__s32)(later - refused * MQW_NEAR) <= 0)
		return state;
	if (mqw_chunk_paired(state) >= MQW_CHUNK_SIZE)
		return (__u64)(number + 1) << 32;
	refused = later / MQW_NEAR;
	if (refused > MQW_CHUNK_REFUSED_MAX)
		return state;
	return state >> 32 << 32 | (__u64)refused << MQW_CHUNK_REFUSED_SHIFT |
	       mqw_chunk_paired(state);
}

/* Events the probes saw and could not attribute. */
enum mqw_loss {
	MQW_LOSS_QUEUES_FULL,	     /* no slot left for a new queue */
	MQW_LOSS_UNKNOWN_DESCRIPTOR, /* the descriptor was no message queue at entry */
	MQW_LOSS_TASK_STORAGE,	     /* no memory to remember a call */
	MQW_LOSS_CALL,		     /* a call's entry or exit was not seen */
	MQW_LOSS_RECORD,	     /* no room to remember a send */
	MQW_LOSSES,
};

/* A call under way, as the task iterator writes it. */
struct mqw_call {
	struct mqw_key key;
	__u64 start_ns;
	__u32 pid; /* thread group */
	__u32 tid;
	__u32 op; /* enum mqw_op */
	char comm[MQW_COMM_SIZE];
	__u32 pad;
};

/* The context of the programs that take slots and levels back. */
struct mqw_release {
	__u32 index; /* of the queue */
	__u32 link;  /* the program's own: to the next level */
};

/* Where and why a walk over a queue's messages ended. */
enum mqw_peek_end {
	MQW_PEEK_NO_QUEUE, /* the descriptor is no message queue */
	MQW_PEEK_COMPLETE, /* all that was asked for */
	MQW_PEEK_CHANGED,  /* the queue changed: what is there was queued, if not at one moment */
	MQW_PEEK_FULL,	   /* the buffer is too small */
};

/* The context of the peek program. */
struct mqw_peek {
	/* in */
	__s32 fd;
	__u32 number; /* of the walk: another one each time, never 0 */
	__u64 messages_max;
	__u64 payload_max;
	__s64 now_sec; /* CLOCK_REALTIME_COARSE, read before the program runs */
	__u64 now_nsec;
	__u64 unused_proves; /* a queue without a slot was in no call since the probes came */
	/* out */
	__u32 end; /* enum mqw_peek_end */
	__u32 n_messages;
	__u32 n_heads; /* in the buffer: up to the end of the level in which messages_max fell */
	__u32 walked;  /* messages passed, proven or not */
	__u32 guarded; /* while begun stands no message moves */
	__u32 pad;
	__u64 begun;
	__u64 messages_total;
	__u64 before_ns; /* messages of MQW_ORIGIN_BEFORE were sent before; 0: before any call was seen */
	__u64 used; /* bytes of the buffer */
	/* the program's own: in the context they are unknown to the verifier, see peek.bpf.c */
	__u64 rest;	/* payload bytes of the message still to copy */
	__s64 sequence; /* of the next message's send in its level */
	__u64 below;	/* the last leaf's priority */
	__u32 phase;
	__u32 known;   /* the level's records tell who sent its messages */
	__u32 changed; /* the proof was lost */
	__u32 settle;  /* the levels are to be put right, and can be */
	__u64 message_size_limit;
	__u64 segment;	  /* of the message's payload */
	__s64 known_from; /* as in the level */
	__u32 level;	  /* index */
	__u32 priority;
};

enum mqw_origin {
	MQW_ORIGIN_UNKNOWN,
	MQW_ORIGIN_RECORD, /* record is the send in this place of the level */
	MQW_ORIGIN_BEFORE, /* sent before the probes were there */
};

/* The buffer holds n_heads of these, each followed by its payload padded to 8 bytes. */
struct mqw_peek_message {
	__u32 index; /* in the order of the walk: those left out are counted */
	__u32 priority;
	__u32 origin; /* enum mqw_origin */
	__u32 pad;
	__u64 size;
	__u64 kept;	/* payload bytes that follow */
	__u64 message;	/* where it is, as in mqw_record.last_message */
	__u64 sequence; /* of the record in its level */
	struct mqw_record record;
};

/* The context of the attributes program: n entries of struct mqw_attr at the buffer's start. */
struct mqw_attrs {
	__u32 n;
	__u32 pad;
};

struct mqw_attr {
	__s32 fd;    /* in: on a mqueue file system; -1: the queue that has this key and inode */
	__u32 found; /* out: there is such a thing; the rest only for queues */
	struct mqw_key key;
	__u64 inode; /* its address: an inode does not move while it lives */
	__u64 messages;
	__u64 messages_limit;
	__u64 message_size_limit;
	__u64 bytes;
	__u32 uid;
	__u32 gid;
	__u32 mode; /* as st_mode */
	__u32 waiters[MQW_OPS];
	__u32 waiters_known;
	__u32 notify_pid; /* in the initial PID namespace; 0: nobody */
	__u32 pad;
};

/* A descriptor on a queue, as the file iterator writes it. */
#define MQW_OPEN_READ  1U
#define MQW_OPEN_WRITE 2U

struct mqw_opener {
	struct mqw_key key;
	__u64 file;   /* the open description's address: descriptors share one */
	__u32 pid;    /* thread group */
	__u32 fd;     /* its number there */
	__u32 access; /* MQW_OPEN_* */
	__u32 uid;    /* real */
	char comm[MQW_COMM_SIZE];
};

/* A thread asleep in a call, whenever that began. */
struct mqw_sleeper {
	struct mqw_key key;
	__u64 switches; /* of the thread so far: the same sleep as long as they are the same */
	__u32 pid;	/* thread group */
	__u32 tid;
	__u32 op; /* enum mqw_op */
	char comm[MQW_COMM_SIZE];
	__u32 pad;
};

/* A process, as the task iterator writes it: in which IPC namespace, and what it may reserve there. */
struct mqw_process {
	__u64 ns;    /* the namespace's address */
	__u64 limit; /* soft RLIMIT_MSGQUEUE, bytes */
	__u32 ipcns;
	__u32 pid;
	__u32 uid; /* real: whom mq_open(2) charges */
	__u32 pad;
};

/* The context of the program that lists a namespace's queues, linked or not. */
struct mqw_list {
	/* in */
	__u64 ns;
	__u32 ipcns;
	__u32 max; /* that the buffer holds */
	/* out: fs.mqueue's values; found: the namespace was there, all the time */
	__u32 found;
	__u32 sound; /* no queue was missed */
	__u32 n;     /* queues; only the first max of them are in the buffer */
	__u32 queues;
	__u32 queues_max;
	__u32 msg_max;
	__u32 msgsize_max;
	__u32 msg_default;
	__u32 msgsize_default;
	__u32 pad;
	/* the program's own */
	__u64 sb;
	__u64 head, prev, node;
};

struct mqw_listed {
	__u64 ino;
	__u64 inode;  /* its address, as in struct mqw_attr */
	__u32 linked; /* it has a name, by which it can be opened */
	__u32 opens;  /* descriptions */
	__u32 writes; /* of them, open for writing */
	__u32 pad;
	__s64 used_sec; /* the last call on it, mq_open(2) and mq_getattr(3) excepted: Unix time */
};

/* What is asked once, or seldom, of the queue that has this key and inode. */
struct mqw_detail {
	struct mqw_key key;
	__u64 inode;
	__u64 user; /* the address of whom it is charged to: one per user namespace and user */
	__u64 user_bytes; /* what is charged there, for all queues */
	__u32 user_uid;
	__u32 found;
	__u32 notify_pid;  /* in the initial PID namespace; 0: nobody */
	__u32 notify_kind; /* SIGEV_* */
	__u32 notify_signal;
	__u32 name_length;
	char name[MQW_NAME_SIZE];
};

/* mq_open(2), of all processes but the one that watches. */
#define MQW_OPEN_ERRORS 1024

struct mqw_open_error {
	__u64 key; /* uid << 32 | errno; 0: free */
	__u64 count;
};

struct mqw_opens {
	__u64 opened;
	__u64 lost; /* failures that found no place */
};

#ifndef __BPF__
#include <assert.h>
static_assert(sizeof(struct mqw_key) == 16, "ABI");
static_assert(sizeof(struct mqw_level) == 64, "levels are cache lines");
static_assert(sizeof(struct mqw_record) == 80, "ABI");
static_assert(sizeof(struct mqw_queue) % 64 == 0, "slots share cache lines");
static_assert(sizeof(struct mqw_call) == 56, "ABI");
static_assert(sizeof(struct mqw_opener) == 56, "ABI");
static_assert(sizeof(struct mqw_process) == 32, "ABI");
static_assert(sizeof(struct mqw_listed) == 40, "ABI");
static_assert(sizeof(struct mqw_detail) % 8 == 0, "ABI");
static_assert(sizeof(struct mqw_sleeper) == 56, "ABI");
#endif

#endif /* MQWATCH_H */
