/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Looks into queues without consuming, waking, notifying or re-timing anything.
 * Nothing above this interface knows which backend runs.
 */
#ifndef MQWATCH_PEEK_H
#define MQWATCH_PEEK_H

#include "queue.h"
#include "snapshot.h"

struct probe;

enum peek_mode {
	PEEK_AUTO,
	PEEK_SYSCALL,
	PEEK_BPF,
	PEEK_OFF,
	PEEK_MODES,
};
extern const char *const peek_mode_names[PEEK_MODES];

struct peek_options {
	enum peek_mode mode;
	uint64_t buffer_max; /* bytes of memory a snapshot may take at most */
	const struct probe
		*probe; /* whose maps say who sent what; NULL: none. For peek_new() only */
};

/*
 * Without probes only the change time proves, in whole seconds: a queue that is left alone is proven
 * after the second of its last change, and the clock's next tick.
 */
#define PEEK_QUIET_NS (1500 * NSEC_PER_MSEC)

struct peek_request {
	uint64_t messages_max; /* first so many messages; UINT64_MAX: all */
	uint64_t payload_max;  /* bytes kept of each payload; 0: none */
	uint64_t patience_ns;  /* how long to wait for a moment at which all can be proven */
	/* messages of a queue on which no call was seen are older (CLOCK_MONOTONIC); 0: unknown */
	uint64_t unused_since_ns;
};

struct peek;

/*
 * Finds a backend; where the kernel has the system call, BPF still tells what that cannot. When none
 * works, *ret is still set: peek_backend() says "off", peek_reason() why, and peek_snapshot() returns -EOPNOTSUPP. -ENOMEM only.
 */
int peek_new(struct peek **ret, const struct peek_options *options);
void peek_free(struct peek *p);
DEFINE_CLEANUP(struct peek *, peek_free)

const char *peek_backend(const struct peek *p); /* "syscall", "bpf" or "off" */
const char *peek_reason(const struct peek *p);	/* one line when "off", else NULL */
const char *peek_note(const struct peek *p);	/* why this backend, and what it lacks; or NULL */

/*
 * Takes a snapshot of the queue open (for reading) as mqd; the caller frees *ret.
 * -EBADF: no message queue. -EOPNOTSUPP: no backend. -ENOMEM, or the backend's error.
 */
int peek_snapshot(struct peek *p, int mqd, const struct peek_request *request,
		  struct snapshot **ret);

/* A queue and its attributes. */
struct peek_item {
	int mqd; /* open for reading, or -1: the one that id and handle tell */
	struct mqw_key id;
	uint64_t handle; /* where a queue is found that is not open; 0: nowhere */
	bool found;
	struct queue_attr attr;
};

/*
 * Fills all members of the n items. One that is open gets a handle, good for as long as the queue
 * exists; it is not found by its handle when it is gone. -EOPNOTSUPP: no backend.
 */
int peek_attrs(struct peek *p, struct peek_item *items, size_t n);

/* The IPC namespace (inode number) that a descriptor on a mqueue file system belongs to. */
int peek_ipcns(struct peek *p, int fd, uint32_t *ret);

#endif /* MQWATCH_PEEK_H */
