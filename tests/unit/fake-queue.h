/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A queue behind struct peek_syscall_calls, with mq_timedreceive2(2)'s rules, a change time in whole
 * seconds, probes, and something that happens between two calls.
 */
#ifndef MQWATCH_TEST_FAKE_QUEUE_H
#define MQWATCH_TEST_FAKE_QUEUE_H

#include "peek_syscall.h"

#define FAKE_MAX   128 /* messages */
#define FAKE_START 1000

struct fake_message {
	uint32_t id; /* of a kind, so that two may be alike; shows in priority 0's payload */
	uint32_t priority;
	size_t size;
};

struct fake_queue {
	struct fake_message messages[FAKE_MAX];
	size_t n;
	size_t size_limit;
	time_t now, changed;
	unsigned int calls;		      /* of receive */
	void (*between)(struct fake_queue *); /* before each call that looks at the queue */
	/* the probes */
	uint64_t begun;
	bool guards;
	unsigned int lists;
	/* errors to answer with; 0: none */
	int receive_error, getattr_error;
};

static struct fake_queue fake;

static inline void fake_send(uint32_t id, uint32_t priority, size_t size)
{
	size_t i = 0;

	while (i < fake.n && fake.messages[i].priority >= priority)
		i++;
	memmove(&fake.messages[i + 1], &fake.messages[i], (fake.n - i) * sizeof(*fake.messages));
	fake.messages[i] = (struct fake_message){id, priority, size};
	fake.n++;
	fake.begun++;
	fake.changed = fake.now;
}

static inline void fake_receive_head(void)
{
	memmove(&fake.messages[0], &fake.messages[1], --fake.n * sizeof(*fake.messages));
	fake.begun++;
	fake.changed = fake.now;
}

/* A byte of a message: its id, then what follows from it. */
static inline uint8_t fake_byte(const struct fake_message *m, size_t i)
{
	return i < sizeof(m->id) ? ((const uint8_t *)&m->id)[i] : (uint8_t)(m->id * 31 + i);
}

static inline void fake_step(void)
{
	if (fake.between)
		fake.between(&fake);
}

static inline int fake_error(int error)
{
	errno = error;
	return -1;
}

static inline ssize_t fake_receive(mqd_t mqd, struct mq_timedreceive2_args *args,
				   unsigned int flags, unsigned long index,
				   const struct __kernel_timespec *timeout)
{
	const struct fake_message *m;

	fake_step();
	fake.calls++;
	assert_int_equal(flags, MQ_PEEK);
	assert_null(timeout);
	if (fake.receive_error)
		return fake_error(fake.receive_error);
	if (args->msg_len < fake.size_limit)
		return fake_error(EMSGSIZE);
	if (fake.n == 0)
		return fake_error(EAGAIN);
	if (index >= fake.n)
		return fake_error(ENOENT);
	m = &fake.messages[index];
	*args->msg_prio = m->priority;
	for (size_t i = 0; i < m->size; i++)
		args->msg_ptr[i] = (char)fake_byte(m, i);
	return (ssize_t)m->size;
}

static inline int fake_getattr(mqd_t mqd, struct mq_attr *ret)
{
	fake_step();
	if (fake.getattr_error)
		return fake_error(fake.getattr_error);
	*ret = (struct mq_attr){
		.mq_curmsgs = (long)fake.n,
		.mq_msgsize = (long)fake.size_limit,
		.mq_maxmsg = FAKE_MAX,
	};
	return 0;
}

static inline int fake_stat(int fd, struct stat *ret)
{
	fake_step();
	*ret = (struct stat){.st_ctim.tv_sec = fake.changed};
	return 0;
}

static inline time_t fake_seconds(void)
{
	return fake.now;
}

static inline int fake_mark(struct peek_bpf *bpf, int mqd, struct peek_mark *ret)
{
	fake_step();
	*ret = (struct peek_mark){.guards = fake.guards, .begun = fake.begun};
	return 0;
}

/* The probes know of every message that process 100 + id sent it at id. */
static inline int fake_list(struct peek_bpf *bpf, int mqd, const struct peek_request *request,
			    struct snapshot **ret)
{
	struct snapshot *s = calloc(1, sizeof(*s));

	fake_step();
	fake.lists++;
	assert_int_equal(request->payload_max, 0);
	assert_int_equal(request->patience_ns, 0);
	s->messages = calloc(fake.n + 1, sizeof(*s->messages));
	for (size_t i = 0; i < fake.n && i < request->messages_max; i++)
		s->messages[s->n_messages++] = (struct snapshot_message){
			.index = (uint32_t)i,
			.origin = ORIGIN_KNOWN,
			.sent_ns = fake.messages[i].id,
			.pid = 100 + fake.messages[i].id,
			.comm = "sender",
		};
	*ret = s;
	return 0;
}

static const struct peek_syscall_calls fake_calls = {
	.receive = fake_receive,
	.getattr = fake_getattr,
	.stat = fake_stat,
	.seconds = fake_seconds,
	.mark = fake_mark,
	.list = fake_list,
};

/* An empty queue, used last in this very second. */
static inline void fake_reset(size_t size_limit)
{
	fake = (struct fake_queue){
		.size_limit = size_limit, .now = FAKE_START, .changed = FAKE_START};
}

#endif /* MQWATCH_TEST_FAKE_QUEUE_H */
